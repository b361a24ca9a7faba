"""What the service knows of who runs the handlers: a child, or the process itself."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional, Protocol

from snakepit._serve.link import Link


class Greeting(NamedTuple):
    """What the process that runs the handlers says of itself."""

    pid: int
    python_version: str
    codec: str


class Backend(Protocol):
    """Who runs the handlers. Called from any thread."""

    #: Requests it runs at a time.
    concurrency: int
    #: The app can hand over the state of a session.
    snapshots: bool
    #: The way to it while it takes requests.
    link: Optional[Link]
    #: Why there is none.
    down_because: str

    def greet(self, within_s: float) -> Optional[Greeting]:
        """Wait for its greeting; None: it has not come up."""
        ...

    def stacks(self, request_ids: list[str]) -> Any:
        """A StacksReply: of these requests, or of every thread."""
        ...

    def stop(self, kill: bool, restart: bool, within_s: Optional[float], by: str) -> None:
        """End it, now or once it has finished, and wait for that; ``restart``: another follows; ``by``: the host that asked."""
        ...
