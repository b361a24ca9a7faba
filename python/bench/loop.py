"""How much of a bare loop's rate the runtime reaches: ``python bench/loop.py [--requests N] [--rounds N]``.

One worker, 32 requests in flight, echo of a small dict, msgpack. The bare loop does nothing but recv,
unpackb, call, packb and sendall, with all frames of a read answered in one write; it checks, measures and
reports nothing. A second one ("tuned") keeps its packer and unpacker. Prints one line per round and the
medians.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IN_FLIGHT = 32
FIRST_ID = 70_000  # from here on all ids take as many bytes, so that replies can be counted by their size
APP = """
from snakepit import command

@command
def echo(text: str, top: int = 3):
    return {"text": text, "top": top}
"""


def echo(text, top=3):  # type: ignore[no-untyped-def]
    return {"text": text, "top": top}


def bare(path: str) -> None:
    """The limit: what any worker of this protocol has to do."""
    from msgpack import packb, unpackb

    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    head, rest = struct.Struct(">I"), b""
    while True:
        data = sock.recv(1 << 16)
        if not data:
            return
        data, position, out = rest + data, 0, []
        while len(data) - position >= 4:
            end = position + 4 + head.unpack_from(data, position)[0]
            if end > len(data):
                break
            frame = unpackb(data[position + 4 : end])
            body = packb([2, frame[1], echo(**frame[3]), 0.0, 0.0])
            out.append(head.pack(len(body)) + body)
            position = end
        rest = data[position:]
        sock.sendall(b"".join(out))


def tuned(path: str) -> None:
    """The same with a packer and an unpacker that are kept."""
    from msgpack import Packer, Unpacker

    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    head, pack, unpacker = struct.Struct(">I"), Packer().pack, Unpacker()
    feed, take, unpack = unpacker.feed, unpacker.read_bytes, unpacker.unpack
    there, size = 0, -1
    while True:
        data = sock.recv(1 << 16)
        if not data:
            return
        feed(data)
        there, out = there + len(data), []
        while True:
            if size < 0:
                if there < 4:
                    break
                size = head.unpack(take(4))[0]
                there -= 4
            if there < size:
                break
            frame = unpack()
            there -= size
            size = -1
            body = pack([2, frame[1], echo(**frame[3]), 0.0, 0.0])
            out.append(head.pack(len(body)) + body)
        sock.sendall(b"".join(out))


def cpu_seconds(pid: int) -> float:
    """CPU time of another process, by the clock Linux has for it; 0 elsewhere."""
    return time.clock_gettime((~pid << 3) | 2) if sys.platform == "linux" else 0.0


def measure(kind: str, requests: int, folder: Path) -> tuple[float, float]:
    """Requests per second of one kind of worker, and microseconds of its CPU per request."""
    import msgpack

    path = folder / f"{kind}.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    if kind == "runtime":
        (folder / "app.py").write_text(APP)
        environ.update(SNAKEPIT_SOCKET=str(path), SNAKEPIT_TOKEN="t", SNAKEPIT_WORKER_ID="w")
        command = [sys.executable, "-m", "snakepit._worker"]
    else:
        command = [sys.executable, __file__, "--as", kind, "--path", str(path)]
    process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, cwd=folder)
    try:
        sock = greet(listener, folder) if kind == "runtime" else listener.accept()[0]
        ids = range(FIRST_ID, FIRST_ID + requests)
        tail = ["0123456789abcdef" * 2, "fedcba9876543210" * 2, 60000, None, False, None]
        bodies = [msgpack.packb([1, id, "echo", {"text": "hi", "top": 3}, *tail]) for id in ids]
        size = 4 + len(bodies[0])
        stream = memoryview(b"".join(struct.pack(">I", len(body)) + body for body in bodies))
        before = cpu_seconds(process.pid)
        rate = drive(sock, stream, size, requests)
        return rate, (cpu_seconds(process.pid) - before) / requests * 1e6
    finally:
        process.kill()
        process.wait()
        listener.close()
        path.unlink()


def greet(listener: socket.socket, folder: Path) -> socket.socket:
    """The host's part of the handshake; returns the work connection once the worker is ready."""
    import json

    progress = folder / "progress"
    progress.write_bytes(bytes(4))
    welcome = {
        "protocol": 1, "codec": "msgpack", "max_frame_bytes": 1 << 26, "pool_name": "p", "worker_slot": 0,
        "concurrency": 1, "app": str(folder / "app.py"), "cwd": str(folder), "stats_interval_ms": 1000,
        "progress_file": str(progress),
    }  # fmt: skip
    body = json.dumps([17, welcome]).encode()
    socks = []
    for _ in range(2):
        sock, _ = listener.accept()
        sock.recv(1 << 16)
        sock.sendall(struct.pack(">I", len(body)) + body)
        socks.append(sock)
    seen = b""
    while b"commands" not in seen:
        seen += socks[0].recv(1 << 16)
    globals()["_control"] = socks[0]  # must stay open: the worker ends when it closes
    return socks[1]


def drive(sock: socket.socket, stream: memoryview, size: int, requests: int) -> float:
    """Keep 32 requests in flight until all are answered."""
    sock.sendall(stream[:size])
    first = sock.recv(1 << 16)
    reply = len(first)
    sent = done = 1
    pending = 0
    began = time.perf_counter()
    while done < requests:
        more = min(requests, done + IN_FLIGHT) - sent
        if more:
            sock.sendall(stream[sent * size : (sent + more) * size])
            sent += more
        pending += len(sock.recv(1 << 16))
        done += pending // reply
        pending %= reply
    return (requests - 1) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--as", dest="kind", help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        {"bare": bare, "tuned": tuned}[options.kind](options.path)
        return
    kinds = ("bare", "tuned", "runtime")
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    costs: dict[str, list[float]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for kind in kinds:
                rate, cost = measure(kind, options.requests, Path(folder))
                rates[kind].append(rate)
                costs[kind].append(cost)
            figures = (f"{kind} {rates[kind][-1]:9,.0f}/s {costs[kind][-1]:5.2f} us" for kind in kinds)
            print(f"round {number + 1}: " + "  ".join(figures))
    median = {kind: statistics.median(rates[kind]) for kind in kinds}
    print("median:  " + "  ".join(f"{kind} {median[kind]:9,.0f}/s" for kind in kinds))
    for kind in ("bare", "tuned"):
        ratio = statistics.median(a / b for a, b in zip(rates["runtime"], rates[kind]))
        cost = statistics.median(b / a for a, b in zip(costs["runtime"], costs[kind]) if a)
        print(f"runtime / {kind}: {ratio:.2f} by rate, {cost:.2f} by CPU time of the worker")


if __name__ == "__main__":
    main()
