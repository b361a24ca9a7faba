"""The command every contender runs: take two arguments, give them back."""

from snakepit import command


@command
def echo(text: str, top: int = 3):
    return {"text": text, "top": top}
