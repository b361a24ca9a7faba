"""The progress file: which request each slot started last. The host reads it only after a death."""

from __future__ import annotations

import mmap
import struct
import sys
from collections.abc import MutableSequence
from typing import Any, Optional


def open_words(path: Optional[str], slots: int) -> MutableSequence[int]:
    """The words of the file, one unsigned 32-bit number per slot; writing one is a store into shared memory.

    Without a path the words are in vain.

    :raises OSError: the file cannot be opened.
    :raises ValueError: it is too short.
    """
    if path is None:
        return [0] * slots
    with open(path, "r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    if len(memory) < 4 * slots:
        raise ValueError(f"the progress file has {len(memory)} bytes; {slots} slots need {4 * slots}")
    if sys.byteorder == "little":
        return memoryview(memory)[: len(memory) // 4 * 4].cast("I")  # type: ignore[return-value]
    return _Swapped(memory)  # type: ignore[return-value]


class _Swapped:
    """The file is little-endian also on machines that are not."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory

    def __getitem__(self, slot: int) -> Any:
        return struct.unpack_from("<I", self._memory, 4 * slot)[0]

    def __setitem__(self, slot: int, id: int) -> None:
        struct.pack_into("<I", self._memory, 4 * slot, id)
