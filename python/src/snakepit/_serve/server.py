"""The gRPC server of a worker: where it listens, who may call, health checks and reflection."""

from __future__ import annotations

import os
from typing import Any, Optional

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from snakepit._serve.backend import Backend
from snakepit._serve.messages import POOL, SERVICE
from snakepit._serve.service import Service
from snakepit._serve.threads import Threads
from snakepit._serve.tls import Tls
from snakepit._serve.token import TokenInterceptor
from snakepit._serve.watchers import Watchers

#: What gRPC may receive beyond the limit of a message, so that it is we who refuse it, and in words.
_OVER_BYTES = 4 << 20
#: Calls at a time; each has a thread while it runs.
_MAX_CALLS = 4096
#: How long open calls get once there is nobody to answer them.
_GRACE_S = 1.0
#: How long answers get to leave before something is run that may end the process; a host that does not read must not hold it up.
_SETTLE_S = 0.02
#: How long a host that has said Hello gets to watch, in seconds.
_MEET_S = 2.0
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Trouble(Exception):
    """The worker cannot be served; ``code``: exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class Server:
    """Made before what it serves, which tells it of its health."""

    def __init__(
        self, max_message_bytes: int, *, token: Optional[str] = None, tls: Optional[Tls] = None
    ) -> None:
        self.watchers = Watchers()
        self._max = max_message_bytes
        self._tls = tls
        self._service: Optional[Service] = None
        self._threads = threads = Threads()
        self._checks = health.HealthServicer(experimental_non_blocking=True, experimental_thread_pool=threads)
        self._server = grpc.server(
            threads,
            interceptors=[TokenInterceptor(token)] if token is not None else [],
            options=_options(max_message_bytes),
            maximum_concurrent_rpcs=_MAX_CALLS,
        )
        self.health(False)

    def health(self, healthy: bool) -> None:
        """What health checks are answered from now on."""
        for name in ("", SERVICE):
            self._checks.set(name, _SERVING if healthy else _NOT_SERVING)

    def leave(self) -> None:
        """Tell whoever spreads load that this one does not serve, for good."""
        self._checks.enter_graceful_shutdown()

    def open(self, backend: Backend, address: str, *, with_reflection: bool) -> str:
        """Serve; returns the address with the port it got.

        :raises Trouble: it cannot listen there.
        """
        server = self._server
        self._service = Service(backend, self._max, self.watchers, self._threads)
        server.add_generic_rpc_handlers((self._service.handler(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._checks, server)
        if with_reflection:
            POOL.AddSerializedFile(health_pb2.DESCRIPTOR.serialized_pb)
            names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, server, pool=POOL)
        bound = self._listen(address)
        server.start()
        return bound

    def settle(self) -> None:
        """Wait a little, until all answers are sent."""
        if self._service is not None:
            self._service.settle(_SETTLE_S)

    def close(self, *, meet: bool = False) -> None:
        """End all calls, once they have what they wait for. ``meet``: a start may fail sooner than the host that asked for it watches."""
        if meet:
            self.watchers.meet(_MEET_S)
        self.watchers.close()
        self._server.stop(_GRACE_S).wait()

    def _listen(self, address: str) -> str:
        server, tls = self._server, self._tls
        try:
            if tls is None:
                port = server.add_insecure_port(address)
            else:
                port = server.add_secure_port(address, tls.credentials())
        except RuntimeError as error:
            raise Trouble(f"cannot listen on {address}: {error}") from error
        if port == 0:
            raise Trouble(f"cannot listen on {address}: it is taken, or not one of this machine's")
        if address.startswith("unix:"):
            # Whoever may connect may run commands.
            os.chmod(address[len("unix:") :], 0o600)
            return address
        return f"{address.rpartition(':')[0]}:{port}"


def _options(max_message_bytes: int) -> list[tuple[str, Any]]:
    return [
        ("grpc.max_receive_message_length", min(2**31 - 1, max_message_bytes + _OVER_BYTES)),
        ("grpc.max_send_message_length", -1),
        # Two workers on one port would share its connections between them.
        ("grpc.so_reuseport", 0),
        # A host that is gone without a word, or behind a cut line, is noticed.
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        # And hosts may look after us as closely.
        ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
        ("grpc.http2.max_ping_strikes", 0),
    ]
