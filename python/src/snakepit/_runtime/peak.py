"""The highest resident memory of this process, and which request caused it."""

from __future__ import annotations

import resource
import sys

#: A shorter handler is not worth two looks at the peak.
SLOW_S = 0.001
_UNIT = 1 if sys.platform == "darwin" else 1024


def _max_rss() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def _high_water() -> int:
    try:
        with open("/proc/self/status", "rb", buffering=0) as file:
            status = file.read(4096)
        at = status.index(b"VmHWM:") + 6
        return int(status[at : status.index(b"kB", at)]) * 1024
    except (OSError, ValueError):
        return 0


# Linux keeps ru_maxrss over execve: a worker starts with the memory of the host that forked it, and what is
# below would never show.
_INHERITED = _max_rss()
if not 0 < _high_water() < _INHERITED:
    _INHERITED = 0


def peak_rss_bytes() -> int:
    """The highest resident memory this process ever had, in bytes."""
    peak = _max_rss()
    return peak if peak > _INHERITED else _high_water() or peak


class Gauge:
    """Tells by how much the peak rose during one request, if it did.

    Only for one request at a time in the process: that of another would count as well.
    """

    def __init__(self) -> None:
        self._id = self._before = 0

    def start(self, id: int) -> None:
        """To be called right before the handler of a request that may be slow."""
        self._id, self._before = id, peak_rss_bytes()

    def risen(self, id: int) -> int:
        """The peak, if it rose since :meth:`start`; else, and if that was for another request, 0."""
        if self._id != id:
            return 0
        peak = peak_rss_bytes()
        return peak if peak > self._before else 0
