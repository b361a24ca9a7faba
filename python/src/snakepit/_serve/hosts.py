"""What hosts have asked for when they said Hello."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

#: Hosts remembered; the one that came longest ago is forgotten first.
_MAX_HOSTS = 1024
_NO_LIMIT = 2**62


class Host(NamedTuple):
    """One connection. Sizes in bytes."""

    max_message_bytes: int = _NO_LIMIT
    max_session_bytes: int = _NO_LIMIT
    stats_interval_s: float = 0.0


class Hosts:
    """By address of the connection."""

    def __init__(self) -> None:
        self._hosts: OrderedDict[str, Host] = OrderedDict()
        #: No host has ever asked for less, so most answers need no look at whose they are.
        self.smallest = _NO_LIMIT

    def add(self, peer: str, hello: Any) -> None:
        """Take in a HelloRequest."""
        host = Host(
            hello.max_message_bytes or _NO_LIMIT,
            hello.max_session_bytes or _NO_LIMIT,
            hello.stats_interval_ms / 1000,
        )
        self.smallest = min(self.smallest, host.max_message_bytes)
        self._hosts[peer] = host
        self._hosts.move_to_end(peer)
        while len(self._hosts) > _MAX_HOSTS:
            self._hosts.popitem(last=False)

    def of(self, peer: str) -> Host:
        """What is known of a connection."""
        return self._hosts.get(peer) or Host()
