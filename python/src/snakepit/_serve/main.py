"""The parent: puts the parts together, and lives until it is told to end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any, Optional

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from snakepit._runtime import process
from snakepit._serve.guardian import Guardian
from snakepit._serve.messages import POOL, SERVICE
from snakepit._serve.service import Service
from snakepit._serve.settings import Settings
from snakepit._serve.supervisor import Supervisor
from snakepit._serve.threads import Threads
from snakepit._serve.tls import BadCertificate, Tls
from snakepit._serve.token import TokenInterceptor
from snakepit._serve.watchers import Watchers

#: What gRPC may receive beyond the limit of a message, so that it is we who refuse it, and in words.
_OVER_BYTES = 4 << 20
#: Calls at a time; each has a thread while it runs.
_MAX_CALLS = 4096
#: How long open calls get once the child is gone.
_GRACE_S = 1.0
#: How long a host that has said Hello gets to watch, in seconds.
_MEET_S = 2.0
#: A thread that wants to go on waits so long for one that does not stop; with Python's 5 ms the threads that read from
#: gRPC and from the child hold each other up.
_SWITCH_S = 0.0002
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Trouble(Exception):
    """The worker cannot be served; ``code``: exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def serve(settings: Settings) -> int:
    """Serve until SIGTERM, a Stop, or the end of standard input; returns the exit code.

    :raises Trouble: it cannot begin.
    """
    process.die_with_host()
    sys.setswitchinterval(_SWITCH_S)
    tls = _tls(settings)
    directory = tempfile.mkdtemp(prefix="snakepit-")
    guardian = Guardian()
    guardian.directory(directory)
    try:
        return _serve(settings, tls, directory, guardian)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        guardian.end()


def _serve(settings: Settings, tls: Optional[Tls], directory: str, guardian: Guardian) -> int:
    threads, watchers = Threads(), Watchers()
    checks = health.HealthServicer(experimental_non_blocking=True, experimental_thread_pool=threads)

    def on_health(healthy: bool) -> None:
        for name in ("", SERVICE):
            checks.set(name, _SERVING if healthy else _NOT_SERVING)

    on_health(False)
    supervisor = Supervisor(settings, directory, guardian, watchers, on_health)
    interceptors = [TokenInterceptor(settings.token)] if settings.token is not None else []
    server = grpc.server(
        threads, interceptors=interceptors, options=_options(settings), maximum_concurrent_rpcs=_MAX_CALLS
    )
    server.add_generic_rpc_handlers((Service(supervisor, watchers, threads).handler(),))
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    if settings.loopback:
        POOL.AddSerializedFile(health_pb2.DESCRIPTOR.serialized_pb)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server, pool=POOL)
    address = _listen(server, settings, tls)
    _obey(supervisor, settings, checks.enter_graceful_shutdown)
    server.start()
    line = {"event": "snakepit.worker.listening", "address": address, "pid": os.getpid()}
    print(json.dumps(line), flush=True)
    supervisor.run()
    if supervisor.greeting is not None and settings.wait_for_host:
        # A start may fail sooner than the host that asked for it watches.
        watchers.meet(_MEET_S)
    watchers.close()
    server.stop(_GRACE_S).wait()
    return 0


def _tls(settings: Settings) -> Optional[Tls]:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    try:
        return Tls(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    except BadCertificate as error:
        raise Trouble(str(error), 2) from error


def _options(settings: Settings) -> list[tuple[str, Any]]:
    limit = min(2**31 - 1, settings.max_message_bytes + _OVER_BYTES)
    return [
        ("grpc.max_receive_message_length", limit),
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


def _listen(server: grpc.Server, settings: Settings, tls: Optional[Tls]) -> str:
    address = settings.address
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


def _obey(supervisor: Supervisor, settings: Settings, on_end: Callable[[], None]) -> None:
    def end(*_: Any) -> None:
        # First of all whoever spreads load must know.
        threading.Thread(target=on_end, daemon=True).start()
        supervisor.stop(kill=False, restart=False)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if settings.watch_stdin:
        stdin = process.take_stdin()
        if stdin is None:
            raise Trouble("--with-stdin needs a pipe as standard input", 2)
        threading.Thread(target=_await_end_of, args=(stdin, end), daemon=True).start()


def _await_end_of(descriptor: int, end: Callable[[], None]) -> None:
    while os.read(descriptor, 1 << 12):
        pass
    print("snakepit: standard input is closed: the worker ends", file=sys.stderr, flush=True)
    end()
