"""Readings of this process."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from typing import Any

_PAGE = os.sysconf("SC_PAGE_SIZE")


def take() -> dict[str, Any]:
    """What a STATS frame carries: resident memory in bytes, CPU time of all threads in seconds, number of
    threads.
    """
    return {"rss_bytes": rss_bytes(), "cpu_seconds": time.process_time(), "threads": _threads()}


def rss_bytes() -> int:
    """Resident memory; where there is no /proc, the highest it ever was, the nearest the standard library
    offers.
    """
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()
