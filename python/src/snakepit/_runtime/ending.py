"""Ways out of the process other than the orderly one."""

from __future__ import annotations

import os
import sys
import traceback
from typing import NoReturn

from snakepit._runtime.wire import HostGone, ProtocolError


def fatal(error: BaseException) -> NoReturn:
    """End the process for a reason of the runtime's own, and say which on the process's standard error.

    That the host is gone needs no words: there is nobody to read them.
    """
    try:
        if isinstance(error, ProtocolError):
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
        children = sys.modules.get("multiprocessing.process")
        if children is not None:
            # What the app has started with multiprocessing would outlive us: its own clean-up runs at a
            # normal exit.
            for child in children.active_children():
                child.terminate()
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
    except Exception:
        pass
    finally:
        os._exit(code)
