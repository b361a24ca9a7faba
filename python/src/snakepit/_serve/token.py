"""Calls that have to name a token."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, NoReturn, Optional

import grpc

#: Served without it: says whether the worker serves, and is asked by those who can name nothing.
_OPEN = "/grpc.health.v1.Health/"


class TokenInterceptor(grpc.ServerInterceptor):  # type: ignore[misc, unused-ignore]
    """Lets calls with ``authorization: Bearer <token>`` pass."""

    def __init__(self, token: str) -> None:
        self._wanted = f"Bearer {token}".encode()
        self._unary = grpc.unary_unary_rpc_method_handler(_refuse)
        self._stream = grpc.stream_stream_rpc_method_handler(_refuse)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Optional[grpc.RpcMethodHandler[Any, Any]]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """See grpc."""
        given = b""
        for key, value in handler_call_details.invocation_metadata:
            if key == "authorization":
                given = value if isinstance(value, bytes) else value.encode()
        # In a time that does not depend on how much of it is right.
        if hmac.compare_digest(given, self._wanted) or handler_call_details.method.startswith(_OPEN):
            return continuation(handler_call_details)
        found = continuation(handler_call_details)
        return self._stream if found is not None and found.request_streaming else self._unary


def _refuse(_request: Any, context: grpc.ServicerContext) -> NoReturn:
    context.abort(
        grpc.StatusCode.UNAUTHENTICATED,
        "the token is missing or wrong: send the metadata authorization: Bearer <token>",
    )
    raise AssertionError("abort raises")
