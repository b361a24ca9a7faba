"""The progress file: which request each slot started last, and which thread runs them.

After the words, one for each slot and one more, filled up to a multiple of 8 bytes, come the threads: by these
the host finds a slot's stack in a dump of all threads.
"""

from __future__ import annotations

import mmap
import struct
import sys
from collections.abc import MutableSequence
from typing import NamedTuple, Optional


class Progress(NamedTuple):
    """Writing a number is a store into memory shared with the host."""

    #: The request started last, unsigned 32 bits per slot.
    words: MutableSequence[int]
    #: What ``threading.get_ident()`` is there, unsigned 64 bits per slot; 0 while not known.
    threads: MutableSequence[int]
    #: One word: requests up to this one may have begun as well, whatever the others say; 0: none.
    reach: MutableSequence[int]


def open_progress(path: Optional[str], slots: int) -> Progress:
    """Open the file. Without a path, and for the threads in a file that ends before them, the numbers are in
    vain.

    :raises OSError: the file cannot be opened.
    :raises ValueError: it is too short.
    """
    if path is None:
        return Progress([0] * slots, [0] * slots, [0])
    with open(path, "r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    if len(memory) < 4 * slots:
        raise ValueError(f"the progress file has {len(memory)} bytes; {slots} slots need {4 * slots}")
    at = threads_at(slots)
    whole = len(memory) >= at + 8 * slots
    threads = _numbers(memory, "Q", at, slots) if whole else [0] * slots
    reach = _numbers(memory, "I", 4 * slots, 1) if whole else [0]
    return Progress(_numbers(memory, "I", 0, slots), threads, reach)


def threads_at(slots: int) -> int:
    """Where in the file the threads begin, in bytes."""
    return (4 * (slots + 1) + 7) // 8 * 8


def _numbers(memory: mmap.mmap, kind: str, at: int, count: int) -> MutableSequence[int]:
    if sys.byteorder == "little":
        size = struct.calcsize(f"={kind}")
        return memoryview(memory)[at : at + size * count].cast(kind)  # type: ignore[call-overload,no-any-return]
    return _Swapped(memory, f"<{kind}", at)  # type: ignore[return-value]


class _Swapped:
    """The file is little-endian also on machines that are not."""

    def __init__(self, memory: mmap.mmap, kind: str, at: int) -> None:
        self._memory, self._at = memory, at
        self._number = struct.Struct(kind)

    def __getitem__(self, slot: int) -> int:
        return int(self._number.unpack_from(self._memory, self._at + self._number.size * slot)[0])

    def __setitem__(self, slot: int, number: int) -> None:
        self._number.pack_into(self._memory, self._at + self._number.size * slot, number)
