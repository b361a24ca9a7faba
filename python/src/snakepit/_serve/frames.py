"""Frames of the socket protocol whose values stay bytes: what a host has encoded goes to the child as it came, and back.

Values are the greater part of a request, and nobody but the handler and its caller needs to know what is in them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from typing import Any, NamedTuple, Optional, Protocol

from snakepit._runtime import codec
from snakepit._runtime.wire import REQUEST, ProtocolError, header

Raw = bytes


class BadValue(ValueError):
    """Bytes that are not one value in the codec agreed on."""


class Session(NamedTuple):
    """The session of a request; ``data`` and ``restore`` encoded, empty for nothing."""

    id: str
    data: Raw
    restore: Raw


class Answer(NamedTuple):
    """What a RESPONSE holds. ``session``: the changed data, encoded; None: unchanged."""

    result: Raw
    python_ms: float
    cpu_ms: float
    peak: int = 0
    session: Optional[Raw] = None


class RawCodec(Protocol):
    """How to build and cut frames without their values."""

    name: str
    codec: codec.Codec

    def request(
        self,
        id: int,
        command: str,
        args: Raw,
        about: tuple[str, str, Optional[float], Optional[str], bool],
        session: Optional[Session],
    ) -> bytes:
        """A whole REQUEST. ``about``: request id, correlation id, milliseconds left, traceparent, streaming."""
        ...

    def check(self, value: Raw, is_map: bool) -> None:
        """Make sure that ``value`` is one value, so that it can change nothing around it.

        :raises BadValue: it is not.
        """
        ...

    def head(self, body: bytes) -> tuple[int, int, int]:
        """Type, id (-1 for null) and where what follows them begins."""
        ...

    def answer(self, body: bytes, at: int) -> Answer:
        """Cut a RESPONSE."""
        ...

    def chunk(self, body: bytes, at: int) -> Raw:
        """Cut a CHUNK."""
        ...

    def elements(self, body: bytes) -> list[Any]:
        """The elements of a frame, maps among them left encoded."""
        ...

    def decode(self, body: bytes) -> list[Any]:
        """A frame that holds nothing of the app's."""
        ...


def make(name: str) -> RawCodec:
    """The codec of that name."""
    return MsgpackRaw() if name == "msgpack" else JsonRaw()


_two_floats = struct.Struct(">xdxd")
_FLOAT = 0xCB


class MsgpackRaw:
    """See :class:`RawCodec`."""

    name = "msgpack"

    def __init__(self) -> None:
        import msgpack

        self.codec = codec.make("msgpack")
        self._pack = self.codec.pack
        self._unpacker = msgpack.Unpacker
        self._unpackb = msgpack.unpackb

    def request(
        self,
        id: int,
        command: str,
        args: Raw,
        about: tuple[str, str, Optional[float], Optional[str], bool],
        session: Optional[Session],
    ) -> bytes:
        """See :class:`RawCodec`."""
        pack = self._pack
        # Both tuples lose the byte that tells their length; \x9a says that of the ten elements together.
        front, back = pack((REQUEST, id, command))[1:], pack(about)[1:]
        last = b"\xc0" if session is None else self._session(session)
        size = 1 + len(front) + len(args) + len(back) + len(last)
        return b"".join((header(size), b"\x9a", front, args, back, last))

    def _session(self, session: Session) -> bytes:
        parts = [b"\x83" if session.restore else b"\x82", b"\xa2id", self._pack(session.id)]
        parts += [b"\xa4data", session.data or b"\xc0"]
        if session.restore:
            parts += [b"\xa7restore", session.restore]
        return b"".join(parts)

    def check(self, value: Raw, is_map: bool) -> None:
        """See :class:`RawCodec`."""
        if is_map and not (value and (0x80 <= value[0] <= 0x8F or 0xDE <= value[0] <= 0xDF)):
            raise BadValue("is no map in msgpack")
        unpacker = self._unpacker(None, max_buffer_size=len(value) + 1, read_size=1)
        unpacker.feed(value)
        try:
            unpacker.skip()
        except Exception as error:
            raise BadValue(f"is not a value in msgpack: {type(error).__name__} {error}".rstrip()) from error
        if unpacker.tell() != len(value):
            raise BadValue("is more than one value in msgpack")

    def head(self, body: bytes) -> tuple[int, int, int]:
        """See :class:`RawCodec`."""
        kind, first = body[1], body[2]
        if first == 0xCE:
            return kind, int.from_bytes(body[3:7], "big"), 7
        if first == 0xCD:
            return kind, int.from_bytes(body[3:5], "big"), 5
        if first == 0xCC:
            return kind, body[3], 4
        if first < 0x80:
            return kind, first, 3
        if first == 0xC0:
            return kind, -1, 3
        raise ProtocolError("an id is no unsigned number of 32 bits")

    def answer(self, body: bytes, at: int) -> Answer:
        """See :class:`RawCodec`."""
        if body[0] == 0x95:
            end = len(body) - 18
            if end < at or body[end] != _FLOAT or body[end + 9] != _FLOAT:
                raise ProtocolError("a RESPONSE does not end with two times")
            return Answer(body[at:end], *_two_floats.unpack_from(body, end))
        _, _, result, python_ms, cpu_ms, *more = self.elements(body, raw_at=2)
        session = None
        if len(more) > 1:
            session = more[1]
            if not session.startswith(b"\x81\xa4data"):
                raise ProtocolError("the change of a session is no map with data")
            session = session[6:]
        return Answer(result, python_ms, cpu_ms, more[0], session)

    def chunk(self, body: bytes, at: int) -> Raw:
        """See :class:`RawCodec`."""
        return body[at:]

    def elements(self, body: bytes, raw_at: int = -1) -> list[Any]:
        """See :class:`RawCodec`. ``raw_at``: index of an element left encoded, whatever it is."""
        unpacker = self._unpacker(None, max_buffer_size=len(body) + 1, read_size=1)
        unpacker.feed(body)
        found: list[Any] = []
        for index in range(unpacker.read_array_header()):
            at = unpacker.tell()
            if index == raw_at or 0x80 <= body[at] <= 0x8F or 0xDE <= body[at] <= 0xDF:
                unpacker.skip()
                found.append(body[at : unpacker.tell()])
            else:
                found.append(unpacker.unpack())
        return found

    def decode(self, body: bytes) -> list[Any]:
        """See :class:`RawCodec`."""
        frame = self._unpackb(body)
        return frame if isinstance(frame, list) else _no_array()


def _no_array() -> list[Any]:
    raise ProtocolError("a frame is no array")


class JsonRaw:
    """See :class:`RawCodec`. The codec for want of a better one: values are read to find where they end."""

    name = "json"

    def __init__(self) -> None:
        self.codec = codec.make("json")
        self._scan = json.JSONDecoder().raw_decode

    def request(
        self,
        id: int,
        command: str,
        args: Raw,
        about: tuple[str, str, Optional[float], Optional[str], bool],
        session: Optional[Session],
    ) -> bytes:
        """See :class:`RawCodec`."""
        parts = [b"[%d,%d" % (REQUEST, id), _json(command), args, *map(_json, about), self._session(session)]
        body = b",".join(parts) + b"]"
        return header(len(body)) + body

    def _session(self, session: Optional[Session]) -> bytes:
        if session is None:
            return b"null"
        restore = b',"restore":' + session.restore if session.restore else b""
        return b'{"id":%b,"data":%b%b}' % (_json(session.id), session.data or b"null", restore)

    def check(self, value: Raw, is_map: bool) -> None:
        """See :class:`RawCodec`."""
        try:
            # The child's own reading: it knows the tags as well.
            from snakepit._runtime.codec.json import decode

            found = decode(value)
        except (ValueError, RecursionError) as error:
            raise BadValue(f"is not a value in JSON: {error}") from error
        if is_map and type(found) is not dict:
            raise BadValue("is no object in JSON")

    def head(self, body: bytes) -> tuple[int, int, int]:
        """See :class:`RawCodec`."""
        kind, id, _ = body.split(b",", 2)
        return int(kind[1:]), -1 if id == b"null" else int(id), len(kind) + len(id) + 2

    def answer(self, body: bytes, at: int) -> Answer:
        """See :class:`RawCodec`."""
        result, python_ms, cpu_ms, *more = self._cut(body, at, raw={0, 4})
        if len(more) < 2:
            return Answer(result, python_ms, cpu_ms, *more)
        session = more[1]
        if not session.startswith(b'{"data":'):
            raise ProtocolError("the change of a session is no map with data")
        return Answer(result, python_ms, cpu_ms, more[0], session[8:-1])

    def chunk(self, body: bytes, at: int) -> Raw:
        """See :class:`RawCodec`."""
        return body[at:-1]

    def elements(self, body: bytes) -> list[Any]:
        """See :class:`RawCodec`."""
        return list(self._cut(body, 1, raw=()))

    def _cut(self, body: bytes, at: int, raw: Iterable[int]) -> Iterable[Any]:
        text = body[at:].decode()
        position = 0
        found: list[Any] = []
        while position < len(text):
            value, end = self._scan(text, position)
            keep = len(found) in raw or type(value) is dict
            found.append(text[position:end].encode() if keep else value)
            position = end + 1
        return found

    def decode(self, body: bytes) -> list[Any]:
        """See :class:`RawCodec`."""
        frame = json.loads(body)
        return frame if isinstance(frame, list) else _no_array()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
