"""What a worker was told to do."""

from __future__ import annotations

from typing import NamedTuple, Optional


class Settings(NamedTuple):
    """Options of ``python -m snakepit worker``; times in seconds, sizes in bytes."""

    app: str
    address: str
    cwd: str
    python: str
    codec: Optional[str]
    concurrency: int
    max_message_bytes: int
    max_session_bytes: int
    stats_interval_ms: int
    log_level: str
    log_rate: tuple[float, float]
    heartbeat_s: float
    #: Silence after which hosts are told that the worker does not serve.
    silent_s: float
    #: Silence after which the child is killed; 0: hosts decide.
    stuck_s: float
    start_timeout_s: float
    drain_timeout_s: float
    tls_cert: Optional[str]
    tls_key: Optional[str]
    tls_client_ca: Optional[str]
    token: Optional[str]
    loopback: bool
    #: Take stacks with a signal where the child does not answer. It makes some C calls return early.
    stack_signal: bool
    #: End with the child instead of starting another.
    once: bool
