"""Mishaps on purpose, to watch how a pool takes them. Nothing an app of yours should have."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import signal
import time
from typing import Literal

from snakepit import command, context

log = logging.getLogger("mishaps")


@command
def slow_report(seconds: float) -> dict[str, float]:
    """Takes its time, as a big model or a slow database would."""
    began = time.monotonic()
    left = context().remaining()
    if left is not None and left < seconds:
        log.warning("asked for %.1f s with %.1f s until the deadline", seconds, left)
    time.sleep(seconds)
    return {"took_seconds": round(time.monotonic() - began, 3)}


@command
def unstable(how: Literal["exit", "segfault", "killed"] = "segfault") -> None:
    """Takes its worker down, as a bug in a native extension or the out-of-memory killer would."""
    log.warning("this worker (pid %d) is about to die: %s", os.getpid(), how)
    if how == "exit":
        os._exit(3)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # A core file would stay behind.
    # Reads from address 0.
    ctypes.string_at(0)
