"""Connecting to the host: settings from the environment, HELLO, WELCOME."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any, NamedTuple, Optional

from snakepit._runtime import codec, wire
from snakepit._runtime.codec import json
from snakepit._runtime.limit import Rate
from snakepit._version import __version__

#: WELCOME is small; what is larger is not from our host.
_MAX_HANDSHAKE_BYTES = 1 << 20
_PATIENCE_S = 60.0


class Refused(Exception):
    """The worker cannot start, for a reason that one line tells."""


class Settings(NamedTuple):
    """What the host put into the environment."""

    socket_path: str
    token: str
    worker_id: str

    @classmethod
    def from_environ(cls) -> Settings:
        """Read the settings and remove them, so that neither the app nor its children see the token.

        :raises Refused: one is missing.
        """
        names = ("SNAKEPIT_SOCKET", "SNAKEPIT_TOKEN", "SNAKEPIT_WORKER_ID")
        values = [os.environ.pop(name, None) for name in names]
        for name, value in zip(names, values):
            if value is None:
                raise Refused(f"{name} is not set: a worker is started by Snakepit's host, not by hand")
        return cls(*values)  # type: ignore[arg-type]


class Welcome(NamedTuple):
    """What the host answered; see ``proto/PROTOCOL.md``."""

    codec: str
    max_frame_bytes: int
    concurrency: int
    app: str
    cwd: Optional[str]
    stats_interval_ms: float
    progress_file: Optional[str]
    log_level: str
    log_rate: Optional[Rate]
    max_session_bytes: int


class Connection(NamedTuple):
    """A connection that has been greeted. ``rest``: bytes that came right behind WELCOME."""

    sock: socket.socket
    welcome: Welcome
    rest: bytes


def connect(settings: Settings, role: str) -> Connection:
    """Open one of the two connections.

    :raises Refused: nobody listens, the host refuses, or its answer is not the protocol.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(_PATIENCE_S)
        sock.connect(settings.socket_path)
        hello = {
            "protocol": wire.PROTOCOL_VERSION,
            "role": role,
            "worker_id": settings.worker_id,
            "token": settings.token,
            "pid": os.getpid(),
            "python_version": sys.version.split()[0].rstrip("+"),
            "runtime_version": __version__,
            "codecs": codec.offered(),
        }
        body = json.JsonCodec().pack([wire.HELLO, hello])
        sock.sendall(wire.header(len(body)) + body)
        answer, rest = _receive(sock)
        sock.settimeout(None)
        return Connection(sock, _welcome_in(answer), rest)
    except (OSError, wire.ProtocolError) as error:
        raise Refused(
            f"cannot open the {role} connection to the host at {settings.socket_path}: {error}"
        ) from error


def _receive(sock: socket.socket) -> tuple[wire.Frame, bytes]:
    reader = wire.SplittingReader(json.decode, _MAX_HANDSHAKE_BYTES, limit=1)
    while True:
        data = sock.recv(1 << 16)
        if not data:
            raise Refused("the host closed the connection without an answer to HELLO")
        for frame in reader.feed(data):
            return frame, reader.rest


def _welcome_in(frame: wire.Frame) -> Welcome:
    kind, fields = frame[0], frame[1] if len(frame) > 1 else None
    if kind == wire.REJECT and isinstance(fields, dict):
        raise Refused(f"the host refused this worker: {fields.get('code')}: {fields.get('message')}")
    if kind != wire.WELCOME or not isinstance(fields, dict):
        raise wire.ProtocolError(f"WELCOME was expected, a frame of type {kind!r} came")
    return read_welcome(fields)


def read_welcome(fields: dict[str, Any]) -> Welcome:
    """What the host has to say, checked.

    :raises ProtocolError: it is not the protocol.
    """
    if fields.get("protocol") != wire.PROTOCOL_VERSION:
        raise wire.ProtocolError(f"the host speaks protocol {fields.get('protocol')!r}, this worker 1")

    def field(name: str, kinds: Any, default: Any = None) -> Any:
        value = fields.get(name)
        value = default if value is None else value
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
            raise wire.ProtocolError(f"{name!r} in WELCOME is a {type(value).__name__}")
        return value

    app = field("app", str)
    if not app:
        raise wire.ProtocolError("'app' is missing in WELCOME")
    chosen = field("codec", str, json.NAME)
    codec.make(chosen)
    return Welcome(
        codec=chosen,
        max_frame_bytes=int(field("max_frame_bytes", int, 64 << 20)),
        concurrency=max(1, int(field("concurrency", int, 1))),
        app=app,
        cwd=field("cwd", str),
        stats_interval_ms=field("stats_interval_ms", (int, float), 0),
        progress_file=field("progress_file", str),
        log_level=field("log_level", str, "INFO"),
        log_rate=_rate(field("log_rate", dict)),
        max_session_bytes=int(field("max_session_bytes", int, 1 << 20)),
    )


def _rate(fields: Optional[dict[str, Any]]) -> Optional[Rate]:
    if fields is None:
        return None
    numbers: list[float] = []
    for name in ("per_second", "burst"):
        number = fields.get(name)
        if not isinstance(number, (int, float)) or isinstance(number, bool) or number <= 0:
            raise wire.ProtocolError(
                f"{name!r} of 'log_rate' in WELCOME must be a number above 0, not {number!r}"
            )
        numbers.append(number)
    return Rate(*numbers)
