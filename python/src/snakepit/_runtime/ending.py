"""Ways out of the process other than the orderly one."""

from __future__ import annotations

import os
import sys
import time
import traceback
from typing import NoReturn

from snakepit._runtime.wire import HostGone, ProtocolError

#: How long children may take to end by themselves, in seconds.
_CHILDREN_S = 0.3


class ControlClosed(HostGone):
    """The host closed the control connection and kept the other, which no host does that ends."""

    def __init__(self) -> None:
        super().__init__("the host closed the control connection")


def fatal(error: BaseException) -> NoReturn:
    """End the process for a reason of the runtime's own, and say which on the process's standard error.

    That the host is gone needs no words, there is nobody to read them; that it has left by half does.
    """
    try:
        if isinstance(error, ControlClosed):
            os.write(2, f"snakepit: {error}\n".encode())
        elif isinstance(error, ProtocolError):
            os.write(2, f"snakepit: protocol error: {error}\n".encode("utf-8", "backslashreplace"))
        elif not isinstance(error, HostGone):
            text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
            os.write(2, f"snakepit: a fault of the worker's own:\n{text}".encode("utf-8", "backslashreplace"))
    except OSError:
        pass
    end_process(1)


def end_process(code: int) -> NoReturn:
    """Leave at once, without asking anybody."""
    try:
        _end_children()
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
    except Exception:
        pass
    finally:
        os._exit(code)


def _end_children() -> None:
    """End what the app has started with multiprocessing, whose own clean-up runs at a normal exit only."""
    module = sys.modules.get("multiprocessing.process")
    children = module.active_children() if module is not None else []
    for child in children:
        child.terminate()
    until = time.monotonic() + _CHILDREN_S
    for child in children:
        child.join(max(0.0, until - time.monotonic()))
        if child.is_alive():
            # Python forgets a signal that comes in the first moments of a forked child.
            child.kill()
