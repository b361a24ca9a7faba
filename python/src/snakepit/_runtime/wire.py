"""Frames: their types, their header, and cutting a byte stream into them. ``proto/PROTOCOL.md`` is binding."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Protocol

PROTOCOL_VERSION = 1

REQUEST = 1
RESPONSE = 2
ERROR = 3
CHUNK = 4
CREDIT = 5
CANCEL = 6
RECALL = 7
RECALLED = 8
PING = 9
PONG = 10
STATS = 11
EVENT = 12
LOG = 13
STACK = 14
STACKS = 15
HELLO = 16
WELCOME = 17
PHASE = 18
READY = 19
START_FAILED = 20
STOP = 21
REJECT = 22

Frame = list[Any]

#: Length of a body as its 4-byte header.
header: Callable[[int], bytes] = struct.Struct(">I").pack
read_header = struct.Struct(">I").unpack_from


class ProtocolError(Exception):
    """The host sent something that is no frame. Both connections are closed and the process ends."""


class HostGone(Exception):
    """The other end of a connection is closed."""


class Reader(Protocol):
    """Cuts what was received into frames, whatever the boundaries of the reads."""

    def feed(self, data: bytes) -> list[Frame]:
        """Add received bytes; returns the frames that are now complete.

        :raises ProtocolError: a length or a body that the protocol forbids.
        """
        ...


def check_size(size: int, max_frame_bytes: int) -> None:
    """Refuse a body no frame may have, before memory is spent on it."""
    if not 0 < size <= max_frame_bytes:
        raise ProtocolError(f"a frame of {size} bytes came; 1 to {max_frame_bytes} are allowed")


class SplittingReader:
    """A reader for codecs that decode one body at a time."""

    def __init__(self, decode: Callable[[bytes], Any], max_frame_bytes: int, limit: int = -1) -> None:
        """``limit``: stop after so many frames and leave the bytes behind them in ``rest``."""
        self._decode = decode
        self._max = max_frame_bytes
        self._limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """See :class:`Reader`."""
        frames: list[Frame] = []
        if self._rest:
            # A large frame arrives in many reads: growing in place keeps that linear.
            self._rest += data
            if len(self._rest) < 4 or len(self._rest) < 4 + read_header(self._rest)[0] <= 4 + self._max:
                return frames
            data = bytes(self._rest)
            self._rest = bytearray()
        position, end = 0, len(data)
        while end - position >= 4 and len(frames) != self._limit:
            (size,) = read_header(data, position)
            check_size(size, self._max)
            if position + 4 + size > end:
                break
            position += 4
            frames.append(self._frame(data[position : position + size]))
            position += size
        if position < end:
            self._rest += data[position:]
        return frames

    @property
    def rest(self) -> bytes:
        """What has come beyond the last complete frame."""
        return bytes(self._rest)

    def _frame(self, body: bytes) -> Frame:
        try:
            frame = self._decode(body)
        except (ValueError, RecursionError) as error:
            raise ProtocolError(f"a frame of {len(body)} bytes cannot be decoded: {error}") from error
        if type(frame) is not list or not frame:
            raise ProtocolError(
                f"a frame must be an array that starts with its type, got {type(frame).__name__}"
            )
        return frame
