"""Parts without a worker: the decorators, failures, readers, the sender."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from host import SRC, Host

import snakepit
from snakepit import _api, context, emit, span
from snakepit._runtime import codec as codecs
from snakepit._runtime import failure, wire
from snakepit._runtime.arguments import BadArguments, InvalidArguments
from snakepit._runtime.codec import json as json_codec
from snakepit._runtime.commands import Command
from snakepit._runtime.inbox import SocketInbox
from snakepit._runtime.sender import Sender

# -- decorators


def test_decorators_return_the_function_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_api, "commands", {})
    monkeypatch.setattr(_api, "start_hooks", [])
    monkeypatch.setattr(_api, "stop_hooks", [])

    def f() -> int:
        return 1

    assert snakepit.command(f) is f
    assert snakepit.command(name="other")(f) is f
    assert snakepit.command()(f) is f
    assert snakepit.on_start(f) is f and snakepit.on_stop(f) is f
    assert list(_api.commands) == ["f", "other"]
    assert _api.start_hooks == [f] and _api.stop_hooks == [f]


def test_decorators_say_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_api, "commands", {})
    for bad in (
        lambda: snakepit.command(5),  # type: ignore[call-overload]
        lambda: snakepit.on_start(5),  # type: ignore[type-var]
        lambda: snakepit.command(name=5)(print),  # type: ignore[call-overload]
    ):
        with pytest.raises(TypeError):
            bad()
    with pytest.raises(ValueError, match="not empty"):
        snakepit.command(name="")(print)
    snakepit.command(name="x")(len)
    with pytest.raises(ValueError, match="two commands are named 'x'"):
        snakepit.command(name="x")(print)


def test_outside_a_worker_all_is_inert() -> None:
    found = context()
    assert found.request_id is found.correlation_id is found.traceparent is found.session is None
    assert found.deadline is None and found.remaining() is None and found.cancelled is False
    emit("x", {"a": 1}, {"b": 2})
    with pytest.raises(ZeroDivisionError), span("x"):
        raise ZeroDivisionError
    with pytest.raises(TypeError):
        emit(5)  # type: ignore[arg-type]
    assert issubclass(snakepit.Cancelled, BaseException)
    assert not issubclass(snakepit.Cancelled, Exception)


def test_importing_is_light() -> None:
    code = "import sys, snakepit; print([m for m in sys.modules if m.startswith('snakepit._runtime') or m == 'asyncio'])"
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


# -- failures


def raised(function: Any) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def test_chain_and_frames() -> None:
    def cause() -> None:
        try:
            {}["x"]
        except KeyError as error:
            raise ValueError("bad") from error

    made = failure.from_exception(raised(cause))
    assert made["message"] == "ValueError: bad"
    assert made["exception"]["chain"] == [
        {"type": "KeyError", "module": "builtins", "message": "'x'", "relation": "cause"}
    ]
    assert made["exception"]["frames"][-1]["function"] == "cause"
    assert "The above exception was the direct cause" in made["traceback"]

    def context_only() -> None:
        try:
            {}["x"]
        except KeyError:
            raise ValueError("bad")

    assert failure.from_exception(raised(context_only))["exception"]["chain"][0]["relation"] == "context"

    def suppressed() -> None:
        try:
            {}["x"]
        except KeyError:
            raise ValueError("bad") from None

    assert failure.from_exception(raised(suppressed))["exception"]["chain"] == []


def test_bounds() -> None:
    def recurse(n: int = 0) -> None:
        recurse(n + 1)

    deep = failure.from_exception(raised(recurse))
    assert len(deep["exception"]["frames"]) <= 100
    assert len(deep["traceback"].encode()) <= 66_000
    long = failure.from_exception(ValueError("x" * 1_000_000))
    assert len(long["message"]) < 17_000 and len(long["traceback"]) < 66_000
    assert long["traceback"].startswith("ValueError: xxx") and long["traceback"].endswith("x\n")
    assert failure.from_exception(ValueError("\ud800"))["message"] == "ValueError: \\ud800"


def test_a_chain_that_bites_its_tail() -> None:
    first, second = ValueError(1), ValueError(2)
    first.__cause__, second.__cause__ = second, first
    assert len(failure.from_exception(first)["exception"]["chain"]) == 1


def test_hostile_exceptions() -> None:
    class Bad(Exception):
        def __str__(self) -> str:
            raise SystemExit("no")

        __repr__ = __str__

    made = failure.from_exception(raised(lambda: (_ for _ in ()).throw(Bad())))
    assert made["exception"]["message"] == "<str() of Bad failed>"
    assert "Bad" in made["traceback"]


# -- readers


@pytest.mark.parametrize("seed", range(5))
def test_frames_survive_any_cutting(codec: str, seed: int) -> None:
    chance = random.Random(seed)
    made = codecs.make(codec)
    frames = [[4, n, "x" * chance.choice([0, 5, 300, 70_000, 2_000_000])] for n in range(12)]
    data = b"".join(wire.header(len(body)) + body for body in map(made.pack, frames))
    reader, got = made.reader(1 << 22), []
    while data:
        cut = chance.choice([1, 2, 3, 5, 1000, 65536, 500_000])
        got += reader.feed(data[:cut])
        data = data[cut:]
    assert got == frames


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00\x00\x00",
        b"\x00\x01\x00\x01",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x03\xc1\xc1\xc1",
        b"\x00\x00\x00\x05\x91\x01\x00\x00\x00" + b"\x00\x00\x00\x02\x91\x01",
        b"\x00\x00\x00\x01\x92",
        b"\x00\x00\x00\x01[",
        b"\x00\x00\x00\x01\x05",
        b"\x00\x00\x00\x02{}",
        b"\x00\x00\x00\x02[]",
        b"\x00\x00\x00\x01\x90",
        b'\x00\x00\x00\x0c[1,{"$x":1}]',
        b'\x00\x00\x00\x0e[1,{"$int":1}]',
    ],
)
def test_what_is_no_frame_is_refused(codec: str, data: bytes) -> None:
    with pytest.raises(wire.ProtocolError):
        reader = codecs.make(codec).reader(1 << 16)
        for frame in reader.feed(data):
            if not isinstance(frame, list) or not frame:
                raise wire.ProtocolError


def test_a_date_beyond_pythons_fails_one_request_only(codec: str) -> None:
    made = codecs.make(codec)
    args: Any = {"a": 1, "when": ["x"]}
    frames = [[1, n, "f", args, "r", "c", None, None, False, None] for n in range(3)]
    bodies = [made.pack(frame) for frame in frames]
    if codec == "json":
        bodies[1] = bodies[1].replace(b'"x"', b'{"$date":"+010000-01-01T00:00:00.000Z"}')
    else:
        bodies[1] = bodies[1].replace(
            b"\xa1x", bytes.fromhex("c70cff00000000") + (253402300800).to_bytes(8, "big")
        )
    data = b"".join(wire.header(len(body)) + body for body in bodies)
    for cut in (len(data), 1, 50, len(data) - 30):
        reader = made.reader(1 << 16)
        got = [frame for at in range(0, len(data), cut) for frame in reader.feed(data[at : at + cut])]
        assert [frame[1] for frame in got] == [0, 1, 2]
        assert got[0][3] == args and got[2][3] == args
        assert isinstance(got[1][3], BadArguments) and got[1][3].path == "$.when"
        with pytest.raises(InvalidArguments):
            Command("f", lambda **_: None).invoke(got[1][3])


def test_rfc_3339_in_all_its_forms() -> None:
    for text in (
        "2024-01-01T00:00:00Z",
        "2024-01-01t02:00:00.000000000+02:00",
        "2023-12-31T22:30:00.0-01:30",
    ):
        assert json_codec.revive({"$date": text}).isoformat() == "2024-01-01T00:00:00+00:00"


# -- sending and receiving


def test_many_threads_one_connection() -> None:
    left, right = socket.socketpair()
    left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    sender = Sender(left)
    made = codecs.make("json")

    def work(thread: int) -> None:
        for n in range(300):
            body = made.pack([4, thread, n, "x" * (n * 7 % 3000)])
            sender.post(wire.header(len(body)) + body)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    reader, got = made.reader(1 << 20), []
    right.settimeout(10)
    while len(got) < 1800:
        got += reader.feed(right.recv(1 << 16))
    for thread in threads:
        thread.join()
    for n in range(6):
        assert [frame[2] for frame in got if frame[1] == n] == list(range(300))
    assert not sender.pending


def test_flush_gives_up_and_goes_on_later() -> None:
    left, right = socket.socketpair()
    sender = Sender(left)
    data = bytes(range(256)) * 20_000
    sender.out.append(data)
    began = time.monotonic()
    assert sender.flush(0.05) is False
    assert time.monotonic() - began < 2
    sender.out.append(b"end")
    got = bytearray()
    thread = threading.Thread(target=sender.flush)
    thread.start()
    while len(got) < len(data) + 3:
        got += right.recv(1 << 20)
    thread.join()
    assert bytes(got) == data + b"end"
    right.close()
    sender.post(b"nobody")  # a broken connection is not this side's to report
    assert sender.dead and not sender.pending


def test_a_wake_is_never_lost() -> None:
    left, right = socket.socketpair()
    inbox = SocketInbox(left, codecs.make("json").reader(1 << 16))
    for _ in range(100_000):
        inbox.wake()  # more than the pipe holds
    inbox.wait()
    while inbox.read():
        pass
    right.close()
    with pytest.raises(wire.HostGone):
        inbox.read()


def test_the_test_host_kills_its_worker() -> None:
    with pytest.raises(RuntimeError), Host("from snakepit import command\n@command\ndef f(): pass") as host:
        raise RuntimeError
    assert host.process is not None and host.process.returncode == -9
