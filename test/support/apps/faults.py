"""Breaks the protocol from within a worker: finds the worker's own connections and writes to them."""

import json
import os
import socket
import struct

from side import note, wait_for
from snakepit import command


def connections():
    """The worker's connections to its host, in the order in which they were made: control, then work."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            sock = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        try:
            peer = sock.getpeername()
        except OSError:
            peer = ""
        if isinstance(peer, str) and peer.endswith(".sock"):
            found.append((int(name), sock))
        else:
            sock.close()
    return [sock for _, sock in sorted(found)]


def frame(body):
    return struct.pack(">I", len(body)) + body


def message(*elements):
    return frame(json.dumps(elements).encode())


FAULTS = {
    "garbage": lambda: frame(b"\xc1\xff\x00 this is no message"),
    "no array": lambda: frame(b'{"type": 2}'),
    "empty frame": lambda: frame(b""),
    "oversized frame": lambda: b"\xff\xff\xff\xff",
    "unknown type": lambda: message(99, 1),
    "control frame": lambda: message(10, 1),
    "wrong field": lambda: message(2, "one", None, 0, 0),
    "missing fields": lambda: message(3, 1),
    "answer to nobody": lambda: message(2, 4_000_000, None, 0, 0),
    "chunk for nobody": lambda: message(4, 4_000_000, "chunk"),
    "unknown log level": lambda: message(13, None, "loud", "logger", "text", 0, {}),
    "unknown tag": lambda: message(2, 1, {"$nothing": 1}, 0, 0),
}


@command
def hello():
    return os.getpid()


@command
def hold(gate: str):
    note(f"holding {gate}")
    wait_for(gate)
    return "held"


@command
def write(fault: str):
    _, work = connections()
    work.sendall(FAULTS[fault]())
    wait_for("never")


@command
def write_on_control():
    control, _ = connections()
    control.sendall(message(2, 1, None, 0, 0))
    wait_for("never")


@command
def break_off():
    """The beginning of a frame, then the end of the connection; the process lives on."""
    _, work = connections()
    work.sendall(struct.pack(">I", 100) + b"[2,")
    work.shutdown(socket.SHUT_WR)
    wait_for("never")


@command
def break_off_and_die():
    _, work = connections()
    work.sendall(struct.pack(">I", 100) + b"[2,")
    os._exit(5)


@command
def hang_up(which: str):
    """The end of one connection, at the boundary of a frame; the process lives on."""
    control, work = connections()
    {"control": control, "work": work}[which].shutdown(socket.SHUT_WR)
    wait_for("never")


@command
def strangers():
    """Connects to the host again, as something that is no worker."""
    path = connections()[0].getpeername()
    for greeting in (b"", b"GET / HTTP/1.1\r\n\r\n", message(16, {"protocol": 1, "role": "work", "token": "x"})):
        try:
            stranger = socket.socket(socket.AF_UNIX)
            stranger.connect(path)
            stranger.sendall(greeting)
            stranger.close()
        except OSError:
            pass
    return "tried"
