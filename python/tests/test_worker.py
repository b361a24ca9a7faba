"""A real worker: start, requests, their context, its readings, its end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from host import Host

from snakepit._runtime import wire

APP = """
from __future__ import annotations
import os, sys, time, threading, datetime
from typing import Optional
from snakepit import Cancelled, command, context, emit, on_start, on_stop, span

STARTED = []

@on_start
def load():
    STARTED.append("sync")

@on_start
async def load_too():
    STARTED.append("async")

@command
def echo(text: str, top: int = 3):
    "Says it again."
    return {"text": text, "top": top}

@command
def value(value):
    return value

@command
def started(): return STARTED

@command(name="renamed.command")
def renamed(a, /, b: Optional[int] = None): return [a, b]

@command
def ctx():
    c = context()
    s = c.session
    return [c.request_id, c.correlation_id, c.traceparent, c.remaining(), c.cancelled, s and [s.id, s.data],
            c.deadline is None or c.deadline - time.monotonic() == pytest_approx(c.remaining())]

def pytest_approx(value):
    class Near:
        def __eq__(self, other): return abs(other - value) < 0.1
    return Near()

@command
def ctx_in_thread():
    out = []
    t = threading.Thread(target=lambda: out.append(context().request_id))
    t.start(); t.join()
    return out[0]

@command
async def actx():
    import asyncio
    async def inner(): return context().request_id
    return [context().request_id, await asyncio.create_task(inner())]

@command
def fail(text: str):
    def inner():
        raise ValueError(text)
    inner()

@command
def fail_oddly(kind: str):
    class Bad(Exception):
        def __str__(self): raise RuntimeError("no str")
    raise {"exit": SystemExit(5), "interrupt": KeyboardInterrupt(), "str": Bad(), "cancelled":
    Cancelled()}[kind]

@command
def environ(): return sorted(k for k in os.environ if k.startswith("SNAKEPIT"))

@command
def read_stdin(): return sys.stdin.read()

@command
def big(n: int): return "x" * n

@command
def emits():
    emit("plain")
    emit("full", {"n": 1, "f": 0.5, "b": True, "bad": "x"}, {"s": "t", "set": {1}, "deep": {"x": [1]}})
    with span("work", {"k": 1}): pass
    try:
        with span("work2"): raise KeyError("x")
    except KeyError: pass

@command
def busy(seconds: float):
    end = time.monotonic() + seconds
    while time.monotonic() < end: pass

@command
def sleep(seconds: float): time.sleep(seconds)

@command
def hidden_async():
    async def f(): return context().request_id
    return f()

@command
def hidden_generator():
    return (n for n in range(3))

@command
def module(): return [__name__, sys.modules[__name__] is sys.modules["app"], sys.path[0]]
"""


@pytest.fixture(scope="module", params=["msgpack", "json"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    if request.param == "msgpack":
        pytest.importorskip("msgpack")
    with Host(APP, codec=request.param) as started:
        yield started


def test_hello(host: Host) -> None:
    for connection, role in ((host.control, "control"), (host.work, "work")):
        hello = connection.hello
        assert hello["role"] == role and hello["token"] == "test-token" and hello["worker_id"] == "w1"
        assert hello["protocol"] == 1 and host.process and hello["pid"] == host.process.pid
        assert hello["codecs"][-1] == "json"
        assert hello["python_version"].startswith("%d.%d." % sys.version_info[:2])


def test_phases_then_ready(host: Host) -> None:
    kinds = [frame[:2] if frame[0] == wire.PHASE else frame[0] for frame in host.control.frames[:3]]
    assert kinds == [[wire.PHASE, "import"], [wire.PHASE, "on_start"], wire.READY]
    commands = {c["name"]: c for c in host.control_frames(wire.READY)[0][1]["commands"]}
    assert commands["echo"] == {
        "name": "echo",
        "kind": "plain",
        "doc": "Says it again.",
        "parameters": [
            {
                "name": "text",
                "kind": "positional_or_keyword",
                "annotation": "str",
                "required": True,
                "default": None,
            },
            {
                "name": "top",
                "kind": "positional_or_keyword",
                "annotation": "int",
                "required": False,
                "default": "3",
            },
        ],
    }
    assert commands["renamed.command"]["parameters"][0]["kind"] == "positional_only"
    assert host.result("started") == ["sync", "async"]


def test_echo_and_its_timing(host: Host) -> None:
    answer = host.call("echo", {"text": "hi"})
    assert answer[:3] == [wire.RESPONSE, host.next_id - 1, {"text": "hi", "top": 3}]
    assert 0 <= answer[3] < 1000 and 0 <= answer[4] < 1000
    busy = host.call("busy", {"seconds": 0.05})
    assert 50 <= busy[3] < 1000 and 5 <= busy[4] <= busy[3] + 1
    slept = host.call("sleep", {"seconds": 0.05})
    assert 50 <= slept[3] < 1000 and slept[4] < 20
    # The time of one does not leak into the next of the same batch.
    frames = [host.frame("sleep", {"seconds": 0.05}), host.frame("echo", {"text": "a"})]
    host.work.send(*frames)
    assert host.answer(frames[1][1])[3] < 20


def test_a_batch_is_answered_in_order(host: Host) -> None:
    frames = [host.frame("echo", {"text": str(n)}) for n in range(500)]
    before = len(host.work.frames)
    host.work.send(*frames)
    host.answer(frames[-1][1])
    assert [frame[1] for frame in host.work.frames[before:]] == [frame[1] for frame in frames]


def test_values_arrive_as_they_left(host: Host) -> None:
    import datetime

    moment = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    for sample in (
        None,
        2**60,
        -(2**63),
        b"\x00\xff",
        moment,
        {"$int": "5"},
        [1.5, {"a": [b"x"]}],
        "ü" * 100_000,
    ):
        assert host.result("value", {"value": sample}) == sample


def test_a_frame_of_many_reads(host: Host) -> None:
    data = os.urandom(5_000_000)
    assert host.result("value", {"value": data}) == data


def test_wrong_requests(host: Host) -> None:
    wrong = host.failure("echo", {"txt": 1})
    assert (wrong["code"], wrong["path"]) == ("invalid_arguments", "$.txt")
    unknown = host.failure("ecko")
    assert unknown["code"] == "unknown_command" and "Did you mean 'echo'?" in unknown["message"]
    assert "It defines: " in host.failure("zzzzzz")["message"]
    assert host.result("renamed.command", {"a": 1}) == [1, None]


def test_exceptions(host: Host) -> None:
    problem = host.failure("fail", {"text": "Invalid input shape"})
    assert problem["code"] == "python_exception"
    assert problem["message"] == "ValueError: Invalid input shape"
    assert problem["exception"]["type"] == "ValueError" and problem["exception"]["module"] == "builtins"
    assert [frame["function"] for frame in problem["exception"]["frames"]] == ["fail", "inner"]
    assert problem["exception"]["frames"][1]["code"] == "raise ValueError(text)"
    assert "_runtime" not in problem["traceback"] and problem["traceback"].count("File ") == 2
    for kind, name in (("exit", "SystemExit"), ("interrupt", "KeyboardInterrupt"), ("str", "Bad")):
        assert host.failure("fail_oddly", {"kind": kind})["exception"]["type"] == name
    assert host.failure("fail_oddly", {"kind": "cancelled"})["code"] == "cancelled"
    assert host.result("echo", {"text": "still here"})


def test_context(host: Host) -> None:
    session = {"id": "s1", "data": {"n": 1}}
    id = host.request("ctx", timeout_ms=5000, traceparent="00-a-b-01", session=session)
    got = host.answer(id)[2]
    assert got[:3] == [f"r{id}", f"c{id}", "00-a-b-01"]
    assert 4 < got[3] <= 5 and got[4] is False and got[5] == ["s1", {"n": 1}] and got[6] is True
    assert host.result("ctx", timeout_ms=None)[3] is None
    assert host.result("ctx_in_thread") == f"r{host.next_id - 1}"
    assert host.result("actx") == [f"r{host.next_id - 1}"] * 2


def test_the_deadline_counts_from_arrival(host: Host) -> None:
    frames = [host.frame("sleep", {"seconds": 0.2}), host.frame("ctx", timeout_ms=1000)]
    host.work.send(*frames)
    assert host.answer(frames[1][1])[2][3] <= 0.81


def test_kinds_hidden_by_decorators(host: Host) -> None:
    assert host.result("hidden_async") == f"r{host.next_id - 1}"
    assert host.result("hidden_generator") == [0, 1, 2]


def test_the_app_cannot_see_or_take_what_is_ours(host: Host) -> None:
    assert host.result("environ") == ["SNAKEPIT_WORKER_SLOT"]
    assert host.result("read_stdin") == ""
    name, same, first = host.result("module")
    assert name == "app" and same and Path(first) == host.folder.resolve()


def test_events(host: Host) -> None:
    id = host.request("emits")
    host.answer(id)
    events = host.work_frames(wire.EVENT, id)
    assert [event[2] for event in events] == [
        "plain", "full", "work.start", "work.completed", "work2.start", "work2.failed",
    ]  # fmt: skip
    assert events[0][3:] == [{}, {}]
    assert events[1][3:] == [{"n": 1, "f": 0.5, "b": 1}, {"s": "t", "set": "{1}", "deep": {"x": [1]}}]
    assert events[3][3]["duration_ms"] >= 0 and events[3][4] == {"k": 1}
    assert events[5][4] == {"error": "KeyError"}
    assert host.work.frames.index(events[-1]) < host.work.frames.index(host.answers(id)[0])


def test_progress_names_the_request(host: Host) -> None:
    id = host.request("echo", {"text": "a"})
    host.answer(id)
    assert host.words()[0] == id


def test_ping_is_answered_while_a_handler_runs(host: Host) -> None:
    id = host.request("busy", {"seconds": 0.5})
    host.wait(lambda: host.words()[0] == id)
    before = len(host.control_frames(wire.PONG))
    host.control.send([wire.PING, 1], [wire.PING, 2])
    host.wait(lambda: len(host.control_frames(wire.PONG)) == before + 2)
    assert not host.answers(id)
    assert [frame[1] for frame in host.control_frames(wire.PONG)[-2:]] == [1, 2]
    host.answer(id)


def test_a_slow_handler_does_not_hold_back_the_replies_before_it(host: Host) -> None:
    for _ in range(40):
        host.result("echo", {"text": "fast"})
    frames = [host.frame("echo", {"text": "a"}), host.frame("sleep", {"seconds": 0.5})]
    host.work.send(*frames)
    host.answer(frames[0][1])
    assert not host.answers(frames[1][1])
    # The same where the command was always fast so far.
    for _ in range(40):
        host.result("sleep", {"seconds": 0.0})
    frames = [host.frame("sleep", {"seconds": 0.0}), host.frame("sleep", {"seconds": 0.5})]
    host.work.send(*frames)
    host.answer(frames[0][1])
    assert not host.answers(frames[1][1])
    host.answer(frames[1][1])


def test_payload_too_large(codec: str) -> None:
    with Host(APP, codec=codec, max_frame_bytes=1 << 16) as host:
        assert len(host.result("big", {"n": 60_000})) == 60_000
        problem = host.failure("big", {"n": 70_000})
        assert problem["code"] == "payload_too_large" and "65536" in problem["message"]
        assert host.failure("fail", {"text": "x" * 60_000})["code"] == "python_exception"
        assert host.result("echo", {"text": "still here"})


def test_stats(codec: str) -> None:
    with Host(APP, codec=codec, stats_interval_ms=20) as host:
        host.wait(lambda: len(host.control_frames(wire.STATS)) >= 3)
        stats = host.control_frames(wire.STATS)[-1][1]
        assert stats["rss_bytes"] > 1_000_000 and stats["cpu_seconds"] > 0 and stats["threads"] >= 2


@pytest.mark.parametrize("concurrency", [1, 3])
def test_stop_finishes_what_has_come(codec: str, concurrency: int) -> None:
    app = APP + "\n@on_stop\ndef a(): print('stopped a')\n@on_stop\nasync def b(): print('stopped b')\n"
    app += "@on_stop\ndef c(): raise ValueError('in a hook')\n"
    with Host(app, codec=codec, concurrency=concurrency) as host:
        frames = [host.frame("sleep", {"seconds": 0.1}) for _ in range(4)]
        host.work.send(*frames)
        host.wait(lambda: any(host.words()))
        assert host.stop() == 0
        host.wait(lambda: host.work.closed)
        assert [host.answers(frame[1])[0][0] for frame in frames] == [wire.RESPONSE] * 4
        assert [log[4] for log in host.logs("stopped")] == ["stopped b", "stopped a"]
        assert "ValueError: in a hook" in host.logs("on_stop hook c failed")[0][6]["traceback"]
        assert host.stderr() == ""


@pytest.mark.parametrize("concurrency", [1, 3])
def test_sigterm_is_a_stop(concurrency: int) -> None:
    app = APP + "\n@on_stop\ndef bye(): print('stopped')\n"
    with Host(app, concurrency=concurrency) as host:
        id = host.request("sleep", {"seconds": 0.2})
        host.wait(lambda: any(host.words()))
        assert host.process is not None
        host.process.send_signal(signal.SIGINT)
        host.process.send_signal(signal.SIGTERM)
        assert host.exit_code() == 0
        host.wait(lambda: host.work.closed)
        assert host.answers(id)[0][0] == wire.RESPONSE and host.logs("stopped")


def test_an_idle_worker_does_not_keep_the_last_result() -> None:
    app = """
    import weakref
    from snakepit import command
    class Large(dict): pass
    REFS = []
    @command
    def make():
        made = Large(a=1)
        REFS.append(weakref.ref(made))
        return made
    @command
    def alive(): return [ref() is not None for ref in REFS]
    """
    for concurrency in (1, 2):
        with Host(app, concurrency=concurrency) as host:
            host.result("make")
            host.wait(lambda host=host: host.result("alive") == [False])


def test_a_protocol_error_ends_the_worker_with_words() -> None:
    for frame in ([1, 1], [99, 1], [5, 1, "x"], [1, "id", "echo", {}, "r", "c", None, None, False, None],
                  [1, 1, "echo", [], "r", "c", None, None, False, None]):  # fmt: skip
        with Host(APP) as host:
            host.work.send(frame)
            assert host.exit_code() == 1
            assert "snakepit: protocol error: " in host.stderr()
    with Host(APP) as host:
        host.control.send([99])
        assert host.exit_code() == 1 and "snakepit: protocol error: " in host.stderr()
    with Host(APP, max_frame_bytes=1000) as host:
        host.work.sock.sendall(b"\x00\x00\xff\xff")
        assert host.exit_code() == 1 and "65535 bytes" in host.stderr()
