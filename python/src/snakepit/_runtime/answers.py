"""Encoding what goes back to the host, with the failures that encoding itself can have."""

from __future__ import annotations

from typing import Any, Optional

from snakepit._runtime.codec import Codec
from snakepit._runtime.codec.values import Unserializable, normalise
from snakepit._runtime.failure import Failure, failure
from snakepit._runtime.wire import CHUNK, ERROR, RESPONSE, header


class TooLarge(Exception):
    """An encoded value is over the frame limit."""


class SessionFault(Exception):
    """The data of a session cannot be sent back. ``path``: where in it."""

    def __init__(self, error: Unserializable) -> None:
        super().__init__(f"the data of the session cannot be sent: {error}")
        self.path = error.path


class Answers:
    """Makes the frames of a work connection."""

    def __init__(self, codec: Codec, max_frame_bytes: int, max_session_bytes: int = 1 << 20) -> None:
        self._codec = codec
        self._max = max_frame_bytes
        self._max_session = max_session_bytes

    def frame(self, *elements: Any) -> bytes:
        """A whole frame of elements that are plain."""
        body = self._codec.pack(elements)
        return header(len(body)) + body

    def any_frame(self, *elements: Any) -> bytes:
        """A whole frame of elements that are normalised."""
        body = self._codec.pack_any(elements)
        return header(len(body)) + body

    def response(
        self,
        id: int,
        result: Any,
        python_ms: float,
        cpu_ms: float,
        peak: int = 0,
        session: Optional[dict[str, Any]] = None,
    ) -> bytes:
        """A RESPONSE; or, for a result that cannot cross, the ERROR that says so. Raises nothing.

        ``peak``: resident memory at its peak, in bytes, when that was the request's own; else 0.
        ``session``: from :meth:`session_change`.
        """
        measures: tuple[Any, ...] = _measures(python_ms, cpu_ms, peak)
        if session is not None:
            measures = (python_ms, cpu_ms, peak, session)
        try:
            return self._with_value(result, "result", (RESPONSE, id), measures, may_be_plain=session is None)
        except Unserializable as error:
            problem = failure("unserializable", f"the result cannot be sent: {error}", error.path)
        except TooLarge as error:
            problem = failure("payload_too_large", str(error))
        return self.error(id, problem, python_ms, cpu_ms, peak)

    def error(
        self, id: int, problem: Failure, python_ms: float = 0.0, cpu_ms: float = 0.0, peak: int = 0
    ) -> bytes:
        """An ERROR, without its traceback should that be what takes it over the frame limit."""
        measures = _measures(python_ms, cpu_ms, peak)
        body = self._codec.pack((ERROR, id, problem, *measures))
        if len(body) > self._max:
            bare = {**problem, "message": problem["message"][:200], "traceback": None, "exception": None}
            body = self._codec.pack((ERROR, id, bare, *measures))
        return header(len(body)) + body

    def freeze(self, data: Any) -> bytes:
        """The encoded data of a session.

        :raises Unserializable: it cannot cross.
        """
        return self._codec.pack_any((normalise(data),))

    def session_change(self, before: bytes, data: Any) -> Optional[dict[str, Any]]:
        """What RESPONSE says of data that is not what it was; None where it is.

        :raises SessionFault: it cannot cross.
        :raises TooLarge: it is over the limit of a session.
        """
        try:
            value = normalise(data)
            after = self._codec.pack_any((value,))
        except Unserializable as error:
            raise SessionFault(error) from error
        if after == before:
            return None
        if len(after) > self._max_session:
            raise TooLarge(
                f"the encoded data of the session has {len(after)} bytes; the limit is {self._max_session} "
                "(sessions.maxDataBytes). Keep less in it, or a reference to where the rest is"
            )
        return {"data": value}

    def chunk(self, id: int, value: Any) -> bytes:
        """A CHUNK.

        :raises Unserializable: the value cannot cross.
        :raises TooLarge: it is over the frame limit.
        """
        return self._with_value(value, "chunk", (CHUNK, id), ())

    def _with_value(
        self,
        value: Any,
        what: str,
        before: tuple[Any, ...],
        after: tuple[Any, ...],
        may_be_plain: bool = True,
    ) -> bytes:
        body = self._encode(value, before, after, may_be_plain)
        if len(body) > self._max:
            raise TooLarge(
                f"the encoded {what} has {len(body)} bytes; the limit is {self._max} (max_frame_bytes). "
                "Send less, or send it in chunks from a generator"
            )
        return header(len(body)) + body

    def _encode(
        self, value: Any, before: tuple[Any, ...], after: tuple[Any, ...], may_be_plain: bool
    ) -> bytes:
        try:
            if may_be_plain and self._codec.plain(value):
                return self._codec.pack((*before, value, *after))
        except Exception:
            pass  # such as an int too wide; the walk below finds where
        try:
            return self._codec.pack_any((*before, normalise(value), *after))
        except Unserializable:
            raise
        except Exception as error:
            raise Unserializable("$", f"{type(error).__name__}: {error}") from error


def _measures(python_ms: float, cpu_ms: float, peak: int) -> tuple[float, ...]:
    return (python_ms, cpu_ms, peak) if peak else (python_ms, cpu_ms)
