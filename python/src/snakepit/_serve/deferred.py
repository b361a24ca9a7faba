"""Execute without a thread that waits for the answer.

grpcio gives a call a thread for as long as it takes. To wake that thread, when its request is there and again when its answer
is, costs several times what is done in it. Here what grpcio would have the thread do is done where the news arrives: the
thread that reads from gRPC passes the request on to the child, the one that reads from the child sends the reply.

This leans on how grpcio is made inside, for the better part of the speed and nothing else: where that has changed,
:func:`possible` says so, and calls get a thread as usual.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any, Protocol, Union

import grpc


class Deferred(Protocol):
    """A method that answers later. It must neither wait nor raise."""

    def __call__(self, data: bytes, context: Any, finish: Finish, /) -> None:
        """``finish`` takes the reply, or a handler as grpcio knows them, which aborts; to be called once."""
        ...


Finish = Callable[[Union[bytes, Callable[..., Any]]], None]


def _parts() -> Any:
    from grpc import _server
    from grpc._cython import cygrpc

    expected = {
        "_unary_response_in_pool": "rpc_event state behavior argument_thunk request_deserializer response_serializer",
        "_receive_message": "state call request_deserializer",
        "_Context": "rpc_event state request_deserializer",
        "_is_rpc_state_active": "state",
        "_status": "rpc_event state serialized_response",
    }
    for name, parameters in expected.items():
        if list(inspect.signature(getattr(_server, name)).parameters) != parameters.split():
            raise AttributeError(name)
    _server._RECEIVE_MESSAGE_TOKEN  # noqa: B018
    cygrpc.ReceiveMessageOperation(0)
    return _server, cygrpc


_server: Any = None
with contextlib.suppress(Exception):
    _server, _cygrpc = _parts()


def possible() -> bool:
    """Whether this grpcio is one that can do it."""
    return _server is not None


def mark(method: Deferred, otherwise: Callable[[bytes, Any], bytes]) -> Callable[[bytes, Any], bytes]:
    """A handler that is deferred where that is possible; ``otherwise``: the same for a thread."""

    def handler(data: bytes, context: Any) -> bytes:
        return otherwise(data, context)

    handler.deferred = method  # type: ignore[attr-defined]
    return handler


def take(function: Any, args: tuple[Any, ...]) -> bool:
    """Begin a call that grpcio hands to a thread, if it is a deferred one. False: give it a thread."""
    if _server is None:
        return False
    # Newer versions run it within a context of context variables, which nothing here uses.
    given = (
        args if function is _server._unary_response_in_pool else args[1:] if args[:1] == (_IN_POOL,) else ()
    )
    if len(given) != 6 or not hasattr(given[2], "deferred"):
        return False
    event, state, behavior, _, _, serializer = given
    receive = _server._receive_message(state, event.call, None)

    def received(receive_event: Any) -> Any:
        # Says whether the call is over, which is grpcio's to know.
        outcome = receive(receive_event)
        data, state.request = state.request, None
        if data is not None:
            behavior.deferred(data, _server._Context(event, state, None), finish)
        elif state.client is not _server._CANCELLED:
            finish(_no_request)
        return outcome

    def finish(outcome: Union[bytes, Callable[..., Any]]) -> None:
        if isinstance(outcome, bytes):
            # What is left of the following, once there is a reply and it needs no serializer.
            _server._status(event, state, outcome)
        else:
            _server._unary_response_in_pool(event, state, outcome, _nothing, None, serializer)

    with state.condition:
        if _server._is_rpc_state_active(state):
            event.call.start_server_batch((_cygrpc.ReceiveMessageOperation(0),), received)
            state.due.add(_server._RECEIVE_MESSAGE_TOKEN)
    return True


_IN_POOL = None if _server is None else _server._unary_response_in_pool


def _nothing() -> bytes:
    return b""


def _no_request(_data: bytes, context: Any) -> None:
    context.abort(grpc.StatusCode.UNIMPLEMENTED, "the call needs one request message")
