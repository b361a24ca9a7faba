"""The two codecs behind one face."""

from __future__ import annotations

from typing import Any, Protocol

from snakepit._runtime import wire
from snakepit._runtime.codec import json, msgpack


class Codec(Protocol):
    """How frames become bytes."""

    name: str
    #: The exact types of which any value may be packed as it is.
    scalars: frozenset[type]

    def plain(self, value: Any, /) -> bool:
        """True when ``pack`` may take the value as it is; False means: normalise it, then ``pack_any``."""
        ...

    def pack(self, frame: Any, /) -> bytes:
        """The body of a frame that holds plain values only."""
        ...

    def pack_any(self, frame: Any, /) -> bytes:
        """The body of a frame that holds normalised values."""
        ...

    def reader(self, max_frame_bytes: int) -> wire.Reader:
        """A reader of frames of this codec."""
        ...


def offered() -> list[str]:
    """The names of the codecs this Python can speak, best first."""
    return [msgpack.NAME, json.NAME] if msgpack.available() else [json.NAME]


def make(name: str) -> Codec:
    """The codec the host has chosen.

    :raises wire.ProtocolError: it is none of ours.
    """
    if name == msgpack.NAME and msgpack.available():
        return msgpack.MsgpackCodec()
    if name == json.NAME:
        return json.JsonCodec()
    raise wire.ProtocolError(f"the host chose the codec {name!r}; this worker offered {', '.join(offered())}")
