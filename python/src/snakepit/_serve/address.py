"""Addresses to listen on."""

from __future__ import annotations

import ipaddress
import socket


class BadAddress(ValueError):
    """Not an address one can listen on."""


def check(address: str) -> bool:
    """Whether only this machine can reach an address; a Unix socket is such a one.

    :raises BadAddress: it is none.
    """
    if address.startswith("unix:"):
        path = address[len("unix:") :]
        if not path.startswith("/"):
            raise BadAddress(
                f"{address!r} is no address: after unix: comes an absolute path, as in unix:/run/worker.sock"
            )
        if len(path.encode()) > 100:
            raise BadAddress(f"the path in {address!r} is too long for a Unix socket: use at most 100 bytes")
        return True
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise BadAddress(f"{address!r} is no address: use host:port, [ipv6]:port or unix:/path")
    return _is_loopback(host.strip("[]"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise BadAddress(f"the host name {host!r} cannot be resolved: {error}") from error
    return all(ipaddress.ip_address(str(entry[4][0]).split("%")[0]).is_loopback for entry in found)
