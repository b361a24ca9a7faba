"""From messages to frames and back, with the limits on both."""

from __future__ import annotations

from typing import Any, Optional

import grpc

from snakepit._runtime.failure import failure
from snakepit._serve import failures, messages
from snakepit._serve.calls import Call, Outcome, Problem
from snakepit._serve.frames import BadValue, Raw, RawCodec, Session
from snakepit._serve.hosts import Hosts
from snakepit._serve.link import Link, Unnumbered

#: A deadline further off, in seconds, is none: grpcio names one where there is none.
_NEVER_S = 1e8
#: What surrounds a value in a message, at most.
_AROUND = 256
#: Requests the child is given at a time, running and waiting.
_MAX_OPEN = 4096


class Refused(Exception):
    """A request or an answer that goes no further."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.failure["message"])
        self.problem = problem


class Requests:
    """Shared by all calls."""

    def __init__(self, max_message_bytes: int, hosts: Hosts) -> None:
        self._max = max_message_bytes
        self._hosts = hosts

    def send(
        self,
        link: Link,
        call: Call,
        data: bytes,
        left_s: Optional[float],
        stream: bool,
        wait: bool = True,
    ) -> None:
        """Send a serialized ExecuteRequest to the child. ``wait``: until the child has room for it, if need be.

        :raises Refused: it is not fit for that.
        :raises Gone: the child is not there any more.
        """
        self.pass_on(link, call, parse(data), len(data), left_s, stream, send=wait)
        if not wait:
            link.flush_soon()

    def pass_on(
        self,
        link: Link,
        call: Call,
        request: Any,
        size: int,
        left_s: Optional[float],
        stream: bool,
        send: bool = True,
    ) -> None:
        """The same for a request that is parsed. ``size``: of its serialized form. ``send``: see :meth:`Link.request`."""
        if size > self._max:
            raise Refused(failures.too_large("request", size, self._max, "--max-message-bytes of the worker"))
        if len(link.open) >= _MAX_OPEN:
            text = f"the worker holds {_MAX_OPEN} requests already: send fewer at a time, or to more workers"
            raise Refused(Problem(failure("busy", text)))
        codec, args = link.codec, request.args
        check(codec, args, "args", True)
        call.request_id = request.request_id
        if request.serial:
            call.serial = request.serial
        timeout_ms = None if left_s is None or left_s > _NEVER_S else left_s * 1000
        about = (request.request_id, request.correlation_id, timeout_ms, request.traceparent or None, stream)
        session = session_of(codec, request.session) if request.HasField("session") else None
        try:
            link.request(call, request.command, args, about, session, send)
        except Unnumbered as error:
            text = "'serial' must be a number of its own: this worker serves the pool that has started it"
            raise Refused(_invalid(text, "$")) from error

    def reply(self, outcome: Outcome, context: grpc.ServicerContext) -> bytes:
        """The serialized ExecuteReply.

        :raises Refused: it is a failure, or the host would not take it.
        """
        return bytes(self.reply_message(outcome, context).SerializeToString())

    def reply_message(self, outcome: Outcome, context: grpc.ServicerContext) -> Any:
        """The ExecuteReply itself; see :meth:`reply`."""
        if isinstance(outcome, Problem):
            raise Refused(outcome)
        result, python_ms, cpu_ms, peak, session = outcome
        self._check_size("result", len(result), context)
        reply = messages.ExecuteReply(result=result, python_ms=python_ms, python_cpu_ms=cpu_ms)
        if peak:
            reply.peak_rss_bytes = peak
        if session is not None:
            limit = self._hosts.of(context.peer()).max_session_bytes
            if len(session) > limit:
                what, remedy = "data of the session", "max_session_bytes of the host"
                raise Refused(failures.too_large(what, len(session), limit, remedy))
            reply.session_data = session
        return reply

    def chunk(self, value: Raw, context: grpc.ServicerContext) -> bytes:
        """The serialized StreamReply of a chunk.

        :raises Refused: the host would not take it.
        """
        self._check_size("chunk", len(value), context)
        return bytes(messages.StreamReply(chunk=value).SerializeToString())

    def _check_size(self, what: str, size: int, context: grpc.ServicerContext) -> None:
        if size + _AROUND > self._hosts.smallest:
            limit = self._hosts.of(context.peer()).max_message_bytes
            if size + _AROUND > limit:
                raise Refused(failures.too_large(what, size, limit, "max_message_bytes of the host"))


def parse(data: bytes) -> Any:
    """An ExecuteRequest.

    :raises Refused: it is none.
    """
    try:
        return messages.ExecuteRequest.FromString(data)
    except Exception as error:
        raise Refused(_invalid(f"the message is no ExecuteRequest: {error}", "$")) from error


def check(codec: RawCodec, value: Raw, name: str, is_map: bool) -> None:
    """Make sure that a field is one value.

    :raises Refused: it is not.
    """
    try:
        codec.check(value, is_map)
    except BadValue as error:
        raise Refused(_invalid(f"'{name}' {error}; the codec of this worker is {codec.name}", "$")) from error


def session_of(codec: RawCodec, session: Any) -> Session:
    """The session of a request.

    :raises Refused: what comes with it is not encoded well.
    """
    for name in ("data", "restore"):
        value = getattr(session, name)
        if value:
            check(codec, value, f"session.{name}", False)
    return Session(session.id, session.data, session.restore)


def _invalid(message: str, path: str) -> Problem:
    return Problem(failure("invalid_arguments", message, path))
