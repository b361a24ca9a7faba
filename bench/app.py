"""The command every contender runs: take two arguments, give them back."""

import time

from snakepit import command


@command
def echo(text: str, top: int = 3):
    return {"text": text, "top": top}


@command
def millisecond():
    """Work for about a millisecond, as a small model would."""
    end = time.perf_counter() + 0.001
    while time.perf_counter() < end:
        pass
