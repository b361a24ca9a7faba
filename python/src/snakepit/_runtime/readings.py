"""Readings of this process."""

from __future__ import annotations

import gc
import os
import threading
import time
from typing import Any

from snakepit._runtime.peak import peak_rss_bytes

_PAGE = os.sysconf("SC_PAGE_SIZE")


def take() -> dict[str, Any]:
    """What a STATS frame carries: resident memory now and at its peak in bytes, CPU time of all threads in
    seconds, number of threads, of open descriptors (0 where there is no /proc), of garbage collections.
    """
    return {
        "rss_bytes": rss_bytes(),
        "peak_rss_bytes": peak_rss_bytes(),
        "cpu_seconds": time.process_time(),
        "threads": _threads(),
        "open_fds": _open_fds(),
        "gc_collections": _gc_collections(),
    }


def rss_bytes() -> int:
    """Resident memory; where there is no /proc, the highest it ever was, the nearest the standard library
    offers.
    """
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return peak_rss_bytes()


def _open_fds() -> int:
    try:
        return len(os.listdir("/proc/self/fd")) - 1  # one is the listing's own
    except OSError:
        return 0


def _gc_collections() -> int:
    try:
        return sum(generation["collections"] for generation in gc.get_stats())
    except (TypeError, KeyError):
        return 0  # a Python that counts otherwise


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()
