"""What a handler can know about the request it runs for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Optional


class Cancelled(BaseException):
    """Raised inside a handler whose request was cancelled or ran past its deadline.

    It derives from ``BaseException`` so that ``except Exception`` does not swallow it; clean up in
    ``finally``. In ``async`` handlers ``asyncio.CancelledError`` takes its place. A handler that catches it
    and returns has its result delivered as usual.
    """


class Session:
    """The session a request belongs to.

    ``id``: its id. ``data``: what the host keeps for it, None at first. Change it in place or set it anew: what
    it is when the handler returns goes back with the result, and is kept if nobody else has changed the session
    meanwhile. When the handler raises, nothing is kept.
    """

    __slots__ = ("_before", "_data", "id")

    def __init__(self, id: str, data: Any) -> None:
        self.id = id
        self._data = data
        # Its encoded form before the handler could change it; None while nobody has asked for the data, which
        # then cannot have changed.
        self._before: Optional[bytes] = None

    @property
    def data(self) -> Any:
        """What the host keeps for the session."""
        self._remember()
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        self._remember()
        self._data = value

    def _remember(self) -> None:
        if self._before is None and freeze is not None:
            self._before = freeze(self._data)


class Context:
    """What is known about the running request. Outside of one every field is ``None`` and ``cancelled`` is
    False.
    """

    __slots__ = (
        "_cancels",
        "_id",
        "_over",
        "correlation_id",
        "deadline",
        "request_id",
        "session",
        "traceparent",
    )

    #: Id of the request, unique for ever, or None outside of one.
    request_id: Optional[str]
    #: Id that ties the request to others of the same origin.
    correlation_id: Optional[str]
    #: W3C trace context of the caller, if any.
    traceparent: Optional[str]
    #: When the host gives the request up, in seconds of ``time.monotonic()``; None: never.
    deadline: Optional[float]
    #: The session, or None.
    session: Optional[Session]

    def __init__(self, frame: Optional[list[Any]] = None, cancels: Optional[dict[int, Any]] = None) -> None:
        """Made by the runtime from a REQUEST frame, whose first element has become the time of its arrival."""
        self._cancels = cancels
        self._over: Optional[bool] = None
        if frame is None:
            self._id = 0
            self.request_id = self.correlation_id = self.traceparent = self.deadline = self.session = None
            return
        at, self._id, _, _, self.request_id, self.correlation_id = frame[:6]
        timeout_ms, self.traceparent, _, session = frame[6:]
        self.deadline = None if timeout_ms is None else at + timeout_ms / 1000
        self.session = None if session is None else Session(session["id"], session.get("data"))

    @property
    def cancelled(self) -> bool:
        """True once the request was cancelled or timed out. For loops that want to leave by themselves."""
        if self._over is not None:
            return self._over
        return self._cancels is not None and self._id in self._cancels

    def remaining(self) -> Optional[float]:
        """Seconds until the deadline, 0.0 when it has passed, None when there is none."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - time.monotonic())


_INERT = Context()
#: Set by the worker: encodes data of a session, so that it can be told whether it was changed.
freeze: Optional[Callable[[Any], bytes]] = None
#: Set by the worker: finds the context of whoever asks.
source: Optional[Callable[[], Optional[Context]]] = None


def context() -> Context:
    """The context of the request that the calling thread or asyncio task runs for; an inert one outside of
    any.
    """
    return (source and source()) or _INERT
