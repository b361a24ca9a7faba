"""The msgpack codec, over the C extension of the ``msgpack`` package."""

from __future__ import annotations

from typing import Any

from snakepit._runtime.codec.repair import BadText, repair
from snakepit._runtime.codec.values import scanner
from snakepit._runtime.wire import Frame, ProtocolError, check_size, read_header

NAME = "msgpack"
# memoryview is missing since it may not be contiguous; datetime since a time zone written in Python could run
# code in the midst of packing. Both take the slow walk.
_SCALARS: frozenset[type] = frozenset({str, int, float, bool, type(None), bytes, bytearray})
# A read buffer that has grown for one large frame is let go afterwards.
_LARGE = 1 << 20


def available() -> bool:
    """True when the C extension can be imported, in a version that knows datetimes."""
    try:
        import msgpack
        from msgpack import _cmsgpack
    except Exception:
        # Whatever is wrong with the environment's msgpack must not keep the worker from starting.
        return False
    return bool(msgpack.version >= (1, 0) and msgpack.Packer is _cmsgpack.Packer)


class MsgpackCodec:
    """See :class:`snakepit._runtime.codec.Codec`."""

    name = NAME

    def __init__(self) -> None:
        import msgpack

        self.scalars = _SCALARS
        self.plain = scanner(_SCALARS)
        # One packer for all threads: what it is given runs no Python code, so that a call of it is one step
        # under the GIL.
        self.pack = msgpack.Packer(datetime=True).pack
        self.pack_any = self.pack

    def reader(self, max_frame_bytes: int) -> MsgpackReader:
        """A reader of frames of this codec."""
        return MsgpackReader(max_frame_bytes)


class MsgpackReader:
    """Hands whole reads to msgpack's own buffer; about a third faster than to cut bodies out and decode each."""

    def __init__(self, max_frame_bytes: int) -> None:
        self._max = max_frame_bytes
        self._usual = min(max_frame_bytes, _LARGE)
        self._renew()

    def _renew(self) -> None:
        import msgpack

        unpacker = msgpack.Unpacker(timestamp=3, max_buffer_size=self._max + 2 * _LARGE)
        self._put = unpacker.feed
        self._take = unpacker.read_bytes
        self._unpack = unpacker.unpack
        self._tell = unpacker.tell
        self._there = 0  # bytes fed and not yet taken
        self._size = -1  # of the body that is awaited; -1: its header is
        self._fed = 0
        self._tail: list[bytes] = []  # the reads that hold the frame that is not complete yet

    def feed(self, data: bytes) -> list[Frame]:
        """See :class:`snakepit._runtime.wire.Reader`."""
        frames: list[Frame] = []
        add, take, unpack, measure = frames.append, self._take, self._unpack, read_header
        self._put(data)
        self._fed += len(data)
        size, there, limit, renew = self._size, self._there + len(data), self._usual, False
        try:
            while True:
                if size < 0:
                    if there < 4:
                        break
                    size = measure(take(4))[0]
                    there -= 4
                    if not 0 < size <= limit:
                        check_size(size, self._max)
                if there < size:
                    break
                add(unpack())
                there -= size
                renew = renew or size > limit
                size = -1
        except ProtocolError:
            raise
        except Exception as error:
            return frames + self._salvage(data, size, there, error)
        if self._tell() != self._fed - there:
            raise ProtocolError("the body of a frame is not as long as its header says")
        self._there, self._size = there, size
        if there or size >= 0:
            # Kept for a frame that has to be decoded again; of large ones not, as that would double their
            # memory.
            self._tail = [] if size > limit else [data] if frames else [*self._tail, data]
        if renew and not there and size < 0:
            self._renew()
        return frames

    def _salvage(self, data: bytes, size: int, there: int, error: Exception) -> list[Frame]:
        """Decode a frame again that the unpacker refused, and go on behind it."""
        import msgpack

        fed = b"".join([*self._tail, data])
        body, behind = fed[len(fed) - there :][:size], fed[len(fed) - there + size :]
        try:
            lenient = {"unicode_errors": "surrogateescape", "strict_map_key": False}
            frame = repair(msgpack.unpackb(body, timestamp=0, **lenient), _convert)
        except Exception:
            raise ProtocolError(f"a frame of {size} bytes cannot be decoded: {error!r}") from error
        self._renew()
        return [frame, *self.feed(behind)]


def _convert(value: Any) -> Any:
    """Turn msgpack's own timestamps into datetimes.

    :raises BadText: text is no UTF-8, or a key no text.
    """
    import msgpack

    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise BadText("text that is no UTF-8")
        return value

    if isinstance(value, msgpack.Timestamp):
        return value.to_datetime()
    if isinstance(value, list):
        return [_convert(item) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise BadText("a map with a key that is no text")
        return {_convert(key): _convert(item) for key, item in value.items()}
    return value
