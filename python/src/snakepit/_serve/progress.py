"""The progress file as a host reads it."""

from __future__ import annotations

import struct
from pathlib import Path

from snakepit._runtime.progress import threads_at


def make(path: Path, slots: int) -> None:
    """Make the file, filled with zeros."""
    path.write_bytes(bytes(threads_at(slots) + 8 * slots))


def words(path: Path, slots: int) -> list[int]:
    """The request each slot started last; 0: none."""
    try:
        return list(struct.unpack_from(f"<{slots}I", path.read_bytes()))
    except (OSError, struct.error):
        return [0] * slots


def threads(path: Path, slots: int) -> list[int]:
    """The thread of each slot; 0: not known."""
    try:
        return list(struct.unpack_from(f"<{slots}Q", path.read_bytes(), threads_at(slots)))
    except (OSError, struct.error):
        return [0] * slots


def begun(id: int, started: list[int]) -> bool:
    """Whether a request has started: it is not after every word."""
    return any(word != 0 and not 0 < (id - word) % 2**32 < 2**31 for word in started)
