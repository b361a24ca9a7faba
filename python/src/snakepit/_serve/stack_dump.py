"""Stacks of all threads of the child without the help of its interpreter: SIGURG has faulthandler write them."""

from __future__ import annotations

import os
import re
import select
import threading
import time
from typing import NamedTuple

_MAX_BYTES = 256 << 10
#: The dump has no end mark: it is over when nothing has come for so long, in seconds.
_QUIET_S = 0.1
_TIMEOUT_S = 1.0
_HEADER = re.compile(r"^(Current thread|Thread) (0x[0-9a-f]+)(.*)\(most recent call first\):$")


class Section(NamedTuple):
    """One thread. ``text``: the most recent call last."""

    ident: int
    current: bool
    text: str


class StackPipe:
    """The reading end of the descriptor to which the child's faulthandler writes."""

    def __init__(self) -> None:
        self._reads, self.writes = os.pipe()
        os.set_blocking(self._reads, False)
        self._lock = threading.Lock()

    def dump(self, pid: int, number: int) -> str:
        """Send the signal and collect what it has written; empty when nothing came."""
        with self._lock:
            self._drain()
            try:
                os.kill(pid, number)
            except OSError:
                return ""
            found, until = b"", time.monotonic() + _TIMEOUT_S
            while len(found) < _MAX_BYTES:
                left = min(until - time.monotonic(), _QUIET_S if found else _TIMEOUT_S)
                if left <= 0 or not select.select([self._reads], [], [], left)[0]:
                    break
                data = self._drain()
                if not data:
                    break
                found += data
        return found[:_MAX_BYTES].decode(errors="replace")

    def close(self) -> None:
        """Close what is open of it."""
        with self._lock:
            os.close(self._reads)

    def _drain(self) -> bytes:
        try:
            return os.read(self._reads, 1 << 16)
        except (BlockingIOError, OSError):
            return b""


def parse(dump: str) -> list[Section]:
    """Take the output of faulthandler apart."""
    found: list[tuple[int, bool, list[str]]] = []
    for line in dump.splitlines():
        match = _HEADER.match(line)
        if match is not None:
            found.append((int(match[2], 16), match[1] == "Current thread", []))
        elif line.startswith("  ") and found:
            found[-1][2].insert(0, line)
    return [
        Section(ident, current, "\n".join((f"Thread 0x{ident:016x} (most recent call last):", *lines)))
        for ident, current, lines in found
    ]
