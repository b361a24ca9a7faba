"""A worker behind gRPC: calls, failures, cancels, batches, the life of its processes.

Long since most of it shares one worker, which takes a second to start.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
pytest.importorskip("grpc_health.v1.health")
pytest.importorskip("grpc_reflection.v1alpha.reflection")

from host import PATIENCE_S, SRC
from served import Served, alive, failure_of

from snakepit._serve import messages as m

Code = grpc.StatusCode

APP = """
    import ctypes, os, signal, time, threading
    from snakepit import command, context, emit, snapshot, restore
    started = []

    @command
    def echo(text: str): return text

    @command
    def same(value): return value

    @command
    def big(size: int): return "x" * size

    @command
    def fail(deep: bool = False):
        if deep:
            def down(n): return down(n - 1) if n else 1 / 0
            return down(300)
        raise ValueError("no " * 3)

    @command
    def nap(seconds: float, mark: str = ""):
        if mark: open(mark, "w").close()
        try:
            time.sleep(seconds)
        finally:
            if mark: open(mark + ".end", "w").close()
        return "rested"

    @command
    def deaf(seconds: float, mark: str):
        open(mark, "w").close()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try: time.sleep(seconds)
            except BaseException: open(mark + ".heard", "w").close()
        return "late"

    @command
    def spin(mark: str):
        open(mark, "w").close()
        int("7" * 2_000_000) if hasattr(int, "nope") else pow(3, 10**8) % 7

    @command
    def stuck(gate: str, mark: str, listen: bool):
        heard = []
        if listen: signal.signal(signal.SIGURG, lambda *_: heard.append("SIGURG"))
        libc = ctypes.PyDLL(None)  # which keeps the GIL
        open(mark, "w").close()
        opened = libc.open(gate.encode(), os.O_RDONLY) >= 0
        return [opened, heard]

    @command
    def die(): os._exit(3)

    @command
    def count(n: int, mark: str = ""):
        for i in range(n):
            if mark: open(mark, "a").write("x")
            yield i

    @command
    def endless(mark: str):
        try:
            while True: yield "x" * 100_000
        finally:
            open(mark, "w").close()

    @command
    def talk(text: str):
        print(text); emit("said", {"length": len(text)}, {"text": text})
        return None

    @command
    def note(value=None):
        session = context().session
        before = session.data
        if value is not None: session.data = {"kept": value}
        return [session.id, before]

    @command
    def who(): return [context().request_id, context().correlation_id, context().traceparent, (context().remaining() or -1) > 1]

    held = {}
    @command
    def hold(value: int): held[context().session.id] = value
    @command
    def held_value(): return held.get(context().session.id)
    @snapshot
    def take(session_id): return held.get(session_id)
    @restore
    def put(session_id, state): held[session_id] = state
"""


@pytest.fixture(scope="module", params=["parent and child", "one process"])
def shared(request: pytest.FixtureRequest) -> Iterator[Served]:
    with Served(APP, "--heartbeat-interval-ms", "100", inside=request.param == "one process") as worker:
        yield worker


def test_hello_tells_what_it_is(shared: Served) -> None:
    hello = shared.say_hello()
    assert (hello.protocol, hello.codec, hello.concurrency, hello.exchange) == (1, "msgpack", 1, True)
    assert hello.runtime == f"python {hello.python_version}"
    assert hello.snapshots and hello.pid == shared.child_pid()
    assert {c.name for c in shared.seen("ready")[0].commands} > {"echo", "count"}


def test_hello_of_another_version(shared: Served) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        shared.say_hello(protocols=[7, 8])
    assert caught.value.code() is Code.FAILED_PRECONDITION
    assert "protocol 7, 8, this worker 1" in caught.value.details()


def test_hello_without_a_common_codec(shared: Served) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        shared.say_hello(codecs=["json"])
    assert caught.value.code() is Code.FAILED_PRECONDITION
    assert "json, this worker msgpack" in caught.value.details()


@pytest.mark.parametrize("name", ["msgpack", "json"])
def test_values_come_back_as_they_went(name: str) -> None:
    value = {
        "a": [1, -1, 2**53 - 1, 1.5, None, True, "ü", {"b": b"\0\xff" * 10}],
        "$x": {},
        "l": list(range(300)),
    }
    with Served(APP, codec=name) as worker:
        assert worker.result("same", {"value": value}) == value
        stream = worker.method("ExecuteStream", "unary_stream")
        got = list(stream(worker.request("count", {"n": 3}), timeout=PATIENCE_S))
        assert [worker.unpack(r.chunk) for r in got[:-1]] == [0, 1, 2] and got[-1].HasField("end")
        reply = worker.execute("note", {"value": [1]}, session=m_session("s", worker.pack({"old": "é"})))
        assert worker.unpack(reply.result) == ["s", {"old": "é"}]
        assert worker.unpack(reply.session_data) == {"kept": [1]}
        reply = worker.execute("note", {}, session=m_session("s", b""))
        assert worker.unpack(reply.result) == ["s", None] and not reply.HasField("session_data")
        worker.execute("hold", {"value": 5}, session=m_session("s", b""))
        state = worker.execute("snakepit.snapshot", {"session_id": "s"}).result
        moved = m_session("t", b"", state)
        assert worker.result("held_value", {}, session=moved) == 5
        worker.result("talk", {"text": "hello"})
        worker.wait(lambda: worker.seen("event"), "event")
        (event,) = worker.seen("event")
        assert (event.name, event.request_id) == ("said", "r-talk")
        assert worker.unpack(event.measurements) == {"length": 5} and worker.unpack(event.metadata) == {
            "text": "hello"
        }
        log = next(log for log in worker.seen("log") if log.message == "hello")
        assert (
            log.request_id == "r-talk"
            and log.level == "info"
            and worker.unpack(log.fields)["stream"] == "stdout"
        )


def m_session(id: str, data: bytes, restore: bytes = b"") -> Any:
    return {"id": id, "data": data, "restore": restore}


def test_what_a_handler_knows(shared: Served) -> None:
    got = shared.result("who", request_id="r9", correlation_id="c9", traceparent="00-1-2-01")
    assert got == ["r9", "c9", "00-1-2-01", True]


def test_times(shared: Served) -> None:
    assert shared.execute("nap", {"seconds": 0.02}).python_ms >= 20


@pytest.mark.parametrize(
    ("command", "args", "status", "code"),
    [
        ("echo", {"text": 1}, "INVALID_ARGUMENT", "invalid_arguments"),
        ("nope", {}, "UNIMPLEMENTED", "unknown_command"),
        ("fail", {}, "UNKNOWN", "python_exception"),
        ("fail", {"deep": True}, "UNKNOWN", "python_exception"),
    ],
)
def test_failures(shared: Served, command: str, args: dict[str, Any], status: str, code: str) -> None:
    got, failure = shared.fails(lambda: shared.execute(command, args))
    assert (got.name, failure.code) == (status, code)
    assert failure.ByteSize() <= 5 << 10
    if code == "python_exception":
        assert "Error" in failure.message and failure.exception.frames
        assert failure.traceback.startswith("Traceback") and "Error" in failure.traceback[-60:]


@pytest.mark.parametrize("args", [b"", b"\xc0", b"\x81\xa1a", b"\x80\x80", b"\x80" + b"\xc0" * 3])
def test_args_that_are_no_map(shared: Served, args: bytes) -> None:
    request = shared.request("echo")
    request.args = args
    status, failure = shared.fails(lambda: shared.method("Execute")(request, timeout=PATIENCE_S))
    assert status is Code.INVALID_ARGUMENT and "'args'" in failure.message and failure.path == "$"


@pytest.mark.parametrize("args", [b"\x81\xa4text\xa1\xff", b"\x81\x01\xa1a", b"\x81\xa4text\x81\x01\x02"])
def test_args_the_child_cannot_read_cost_that_request_alone(shared: Served, args: bytes) -> None:
    pid = shared.child_pid()
    request = shared.request("same")
    request.args = args
    status, failure = shared.fails(lambda: shared.method("Execute")(request, timeout=PATIENCE_S))
    assert status is Code.INVALID_ARGUMENT, failure
    assert shared.result("echo", {"text": "on"}) == "on" and shared.child_pid() == pid


def test_garbage_is_no_request(shared: Served) -> None:
    raw = shared.channel.unary_unary(f"/{m.SERVICE}/Execute")
    status, failure = shared.fails(lambda: raw(b"\xff\xff\xff", timeout=PATIENCE_S))
    assert status is Code.INVALID_ARGUMENT and failure.code == "invalid_arguments"


def test_requests_wait_in_the_child(shared: Served) -> None:
    calls = [shared.begin("echo", {"text": str(i)}) for i in range(50)]
    assert [shared.unpack(call.result().result) for call in calls] == [str(i) for i in range(50)]


def test_cancel_reaches_the_handler(shared: Served, tmp_path: Path) -> None:
    mark = tmp_path / "m"
    call = shared.begin("nap", {"seconds": 60.0, "mark": str(mark)})
    shared.wait(mark.exists, "the handler")
    call.cancel()
    shared.wait((tmp_path / "m.end").exists, "the end of the handler")
    assert shared.result("echo", {"text": "free"}) == "free"


def test_a_deadline_cancels(shared: Served, tmp_path: Path) -> None:
    mark = tmp_path / "m"
    with pytest.raises(grpc.RpcError) as caught:
        shared.execute("nap", {"seconds": 60.0, "mark": str(mark)}, timeout=0.5)
    assert caught.value.code() is Code.DEADLINE_EXCEEDED
    shared.wait((tmp_path / "m.end").exists, "the end of the handler")


def test_a_cancelled_request_keeps_its_slot_until_the_handler_is_done(shared: Served, tmp_path: Path) -> None:
    mark = tmp_path / "m"
    call = shared.begin("deaf", {"seconds": 1.0, "mark": str(mark)})
    shared.wait(mark.exists, "the handler")
    call.cancel()
    shared.wait((tmp_path / "m.heard").exists, "the cancel")
    waiting = shared.begin("nap", {"seconds": 0.0, "mark": str(tmp_path / "n")})
    assert waiting.result().result
    assert (tmp_path / "n").stat().st_mtime - mark.stat().st_mtime >= 0.9


def test_a_slow_reader_holds_the_generator_up(shared: Served, tmp_path: Path) -> None:
    mark = tmp_path / "end"
    call = shared.method("ExecuteStream", "unary_stream")(shared.request("endless", {"mark": str(mark)}))
    first = next(iter(call))
    assert len(first.chunk) > 100_000
    call.cancel()
    shared.wait(mark.exists, "the end of the generator")


def test_stream_ahead_of_its_reader_is_bounded(shared: Served, tmp_path: Path) -> None:
    mark = tmp_path / "made"
    args = {"n": 100_000, "mark": str(mark)}
    call = shared.method("ExecuteStream", "unary_stream")(shared.request("count", args), timeout=60)
    for _, reply in zip(range(40), call):
        assert reply.WhichOneof("of") == "chunk"
    call.cancel()
    assert shared.result("echo", {"text": "free"}) == "free"
    assert mark.stat().st_size < 50_000


class Exchanging:
    """A host's side of an Exchange."""

    def __init__(self, worker: Served, channel: Any = None) -> None:
        self.sent: SimpleQueue[Any] = SimpleQueue()
        self.call = worker.method("Exchange", "stream_stream", channel)(iter(self.sent.get, None))
        self.got: list[Any] = []
        self.over = threading.Event()
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        try:
            for batch in self.call:
                self.got.extend(batch.messages)
        except grpc.RpcError:
            pass
        self.over.set()

    def send(self, *messages: dict[str, Any]) -> None:
        self.sent.put(m.HostBatch(messages=messages))

    def of(self, id: int) -> list[Any]:
        return [message for message in self.got if message.id == id]

    def kinds(self, id: int) -> list[str]:
        return [message.WhichOneof("of") for message in self.of(id)]


def test_exchange(shared: Served) -> None:
    exchange = Exchanging(shared)
    exchange.send(*({"id": i, "execute": shared.request("echo", {"text": str(i)})} for i in range(1, 101)))
    shared.wait(lambda: len(exchange.got) == 100, "answers")
    assert [shared.unpack(a.reply.result) for a in exchange.got] == [str(i) for i in range(1, 101)]
    exchange.send(
        {"id": 201, "execute": shared.request("fail", {"deep": True})},
        {"id": 202, "execute": m.ExecuteRequest(command="echo", args=b"\xc0")},
        {"id": 203, "execute": shared.request("talk", {"text": "hey"})},
        {"id": 204, "stream": shared.request("count", {"n": 5})},
    )
    shared.wait(lambda: all(exchange.of(id) for id in (201, 202, 203)), "answers")
    assert exchange.of(201)[0].failure.code == "python_exception"
    assert exchange.of(201)[0].failure.ByteSize() > 5 << 10
    assert exchange.of(202)[0].failure.code == "invalid_arguments"
    shared.wait(lambda: "reply" in exchange.kinds(203), "the answer")
    assert exchange.kinds(203) == ["event", "log", "reply"] or exchange.kinds(203) == [
        "log",
        "event",
        "reply",
    ]
    exchange.send({"id": 204, "credit": 2})
    shared.wait(lambda: len(exchange.of(204)) == 2, "two chunks")
    exchange.send({"id": 204, "credit": 10})
    shared.wait(lambda: len(exchange.of(204)) == 6, "the end")
    assert exchange.kinds(204) == ["chunk"] * 5 + ["reply"]
    # Half closed: what is due still comes.
    exchange.send({"id": 205, "execute": shared.request("nap", {"seconds": 0.1})})
    exchange.sent.put(None)
    assert exchange.over.wait(PATIENCE_S)
    assert shared.unpack(exchange.of(205)[0].reply.result) == "rested"


def test_exchange_cancels(shared: Served, tmp_path: Path) -> None:
    exchange = Exchanging(shared)
    nap = shared.request("nap", {"seconds": 60.0, "mark": str(tmp_path / "a")})
    exchange.send({"id": 1, "execute": nap})
    shared.wait((tmp_path / "a").exists, "the handler")
    exchange.send({"id": 1, "cancel": "timeout"})
    shared.wait(lambda: exchange.of(1), "the answer")
    assert exchange.of(1)[0].failure.code == "cancelled"
    exchange.send({"id": 2, "execute": shared.request("nap", {"seconds": 60.0, "mark": str(tmp_path / "b")})})
    shared.wait((tmp_path / "b").exists, "the handler")
    exchange.call.cancel()
    shared.wait((tmp_path / "b.end").exists, "the end of the handler")


def test_reports_go_to_the_host_that_asked(shared: Served) -> None:
    other, theirs = shared.connect(), []
    shared.say_hello(other, worker_id="w2")
    shared.watch(other, "w2", theirs)
    shared.wait(lambda: any(r.WhichOneof("of") == "ready" for r in theirs), "ready")
    execute = shared.method("Execute", channel=other)
    mine = shared.request("talk", {"text": "a secret"})
    execute(mine, timeout=PATIENCE_S, metadata=(("x-snakepit-worker-id", "w2"),))
    shared.wait(lambda: any(r.log.message == "a secret" for r in theirs), "the log")
    assert not [log for log in shared.seen("log") if log.message == "a secret"]


def test_stacks(shared: Served, tmp_path: Path) -> None:
    mark = tmp_path / "m"
    call = shared.begin("nap", {"seconds": 60.0, "mark": str(mark)})
    shared.wait(mark.exists, "the handler")
    stacks = shared.method("Stacks")
    got = stacks(m.StacksRequest(request_ids=["r-nap"]), timeout=PATIENCE_S)
    assert got.captured == "control_thread"
    assert got.stacks[0].request_id == "r-nap" and "time.sleep(seconds)" in got.stacks[0].text
    every = stacks(m.StacksRequest(), timeout=PATIENCE_S)
    assert any("time.sleep(seconds)" in stack.text for stack in every.stacks)
    call.cancel()
    shared.wait((tmp_path / "m.end").exists, "the end of the handler")


def health(worker: Served, service: str = "") -> str:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    request = health_pb2.HealthCheckRequest(service=service)
    reply = health_pb2_grpc.HealthStub(worker.channel).Check(request, timeout=PATIENCE_S)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status))


def test_a_hang_shows_and_can_be_ended(tmp_path: Path) -> None:
    mark = tmp_path / "m"
    with Served(APP, "--heartbeat-interval-ms", "100") as worker:
        assert health(worker) == health(worker, m.SERVICE) == "SERVING"
        call = worker.begin("spin", {"mark": str(mark)})
        waiting = worker.begin("echo", {"text": "after"})
        worker.wait(mark.exists, "the handler")
        worker.wait(lambda: health(worker) == "NOT_SERVING", "not serving")
        got = worker.method("Stacks")(m.StacksRequest(request_ids=["r-spin"]), timeout=PATIENCE_S)
        assert got.captured == "signal" and " in spin" in got.stacks[0].text
        old = worker.child_pid()
        worker.method("Stop")(m.StopRequest(kill=True, restart=True), timeout=PATIENCE_S)
        assert not alive(old)
        status, failure = failure_of(call.exception())
        assert (
            status is Code.UNAVAILABLE and failure.code == "worker_crashed" and "SIGKILL" in failure.message
        )
        status, failure = failure_of(waiting.exception())
        assert status is Code.UNAVAILABLE and failure.code == "no_workers"
        worker.wait(lambda: len(worker.seen("ready")) == 2, "another process")
        assert worker.seen("exit")[0].signal == "SIGKILL" and not worker.seen("exit")[0].HasField("code")
        assert worker.result("echo", {"text": "again"}) == "again"
        assert worker.child_pid() != old
        worker.wait(lambda: health(worker) == "SERVING", "serving")


@pytest.mark.parametrize("signalled", [True, False])
def test_a_hang_is_looked_into_with_a_signal_where_one_may_be_sent(signalled: bool, tmp_path: Path) -> None:
    gate, mark = tmp_path / "gate", tmp_path / "m"
    os.mkfifo(gate)
    options = () if signalled else ("--no-stack-signal",)
    with Served(APP, "--heartbeat-interval-ms", "100", *options) as worker:
        pid = worker.child_pid()
        args = {"gate": str(gate), "mark": str(mark), "listen": not signalled}
        call = worker.begin("stuck", args)
        worker.wait(mark.exists, "the handler")
        worker.wait(lambda: health(worker) == "NOT_SERVING", "not serving")
        got = worker.method("Stacks")(m.StacksRequest(request_ids=["r-stuck"]), timeout=PATIENCE_S)
        # Both ways, so that it opens though nobody reads any more.
        descriptor = os.open(gate, os.O_RDWR)
        opened, heard = worker.unpack(call.result(timeout=PATIENCE_S).result)
        os.close(descriptor)
        if signalled:
            assert got.captured == "signal" and " in stuck" in got.stacks[0].text
        else:
            assert got.captured == "none" and not got.stacks
            assert opened and not heard, "the app got a signal"
        assert worker.result("echo", {"text": "on"}) == "on" and worker.child_pid() == pid


def test_a_crash() -> None:
    with Served(APP) as worker:
        status, failure = worker.fails(lambda: worker.execute("die"))
        assert status is Code.UNAVAILABLE
        assert failure.code == "worker_crashed" and "exit code 3" in failure.message
        worker.wait(lambda: worker.seen("exit") and worker.seen("exit")[-1].code == 3, "exit")
        worker.wait(lambda: len(worker.seen("ready")) > 1, "another process")
        assert worker.result("echo", {"text": "again"}) == "again"


def test_a_start_that_fails_is_told_and_tried_again() -> None:
    with Served(
        "import sys; print('broken', file=sys.stderr); raise RuntimeError('no model')", hello=False
    ) as worker:
        worker.watch()
        worker.wait(lambda: len(worker.seen("start_failed")) >= 2, "two starts")
        failed = worker.seen("start_failed")[0]
        assert failed.code == "worker_start_failed" and "no model" in failed.message
        assert worker.seen("exit")[0].code == 1
        assert health(worker) == "NOT_SERVING"
        status, failure = worker.fails(lambda: worker.execute("echo"))
        assert status is Code.UNAVAILABLE and failure.code == "no_workers"


def test_limits_of_size() -> None:
    with Served(APP, "--max-message-bytes", "100000") as worker:
        status, failure = worker.fails(lambda: worker.execute("echo", {"text": "x" * 200_000}))
        assert status is Code.RESOURCE_EXHAUSTED and failure.code == "payload_too_large"
        assert "100000" in failure.message
        status, failure = worker.fails(lambda: worker.execute("big", {"size": 300_000}))
        assert status is Code.RESOURCE_EXHAUSTED and failure.code == "payload_too_large"
        worker.say_hello(max_message_bytes=5000)
        status, failure = worker.fails(lambda: worker.execute("big", {"size": 6000}))
        assert status is Code.RESOURCE_EXHAUSTED and "5000" in failure.message
        assert len(worker.result("big", {"size": 4000})) == 4000


def test_reflection_on_loopback(shared: Served) -> None:
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

    found = ProtoReflectionDescriptorDatabase(shared.channel)
    assert {m.SERVICE, "grpc.health.v1.Health"} <= set(found.get_services())
    assert found.FindFileContainingSymbol(m.SERVICE).name == "snakepit/v1/worker.proto"


def test_sigterm_drains(tmp_path: Path) -> None:
    with Served(APP) as worker:
        mark, pid = tmp_path / "m", worker.child_pid()
        call = worker.begin("nap", {"seconds": 1.0, "mark": str(mark)})
        worker.wait(mark.exists, "the handler")
        worker.signal(signal.SIGTERM)
        worker.wait(lambda: health(worker) == "NOT_SERVING", "not serving")
        status, failure = worker.fails(lambda: worker.execute("echo", {"text": ""}))
        assert status is Code.UNAVAILABLE and failure.code == "no_workers"
        assert worker.unpack(call.result().result) == "rested"
        assert worker.exit_code() == 0 and not alive(pid)
        worker.wait(lambda: worker.reports[-1] is None, "the end of the watch")
        assert worker.seen("exit")[0].code == 0


def test_stop_without_restart_ends_the_worker() -> None:
    with Served(APP) as worker:
        worker.method("Stop")(m.StopRequest(), timeout=PATIENCE_S)
        assert worker.exit_code() == 0


def test_stop_with_restart() -> None:
    with Served(APP) as worker:
        worker.method("Stop")(m.StopRequest(restart=True), timeout=PATIENCE_S)
        worker.wait(lambda: len(worker.seen("ready")) == 2, "another process")
        assert worker.seen("exit")[0].code == 0


def test_without_what_the_fast_way_needs_of_grpcio(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "words = open('/proc/self/cmdline').read().split(chr(0)) if sys.platform == 'linux' else sys.orig_argv\n"
        "if 'snakepit' in words:\n"
        "    import grpc._server as server\n"
        "    old = server._receive_message\n"
        "    server._receive_message = lambda *args: old(*args)\n"
        "    print('patched', file=sys.stderr)\n"
    )
    mark = tmp_path / "m"
    with Served(APP, env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{SRC}"}) as worker:
        assert "patched" in worker.stderr()
        calls = [worker.begin("echo", {"text": str(i)}) for i in range(50)]
        assert [worker.unpack(call.result().result) for call in calls] == [str(i) for i in range(50)]
        assert worker.fails(lambda: worker.execute("fail"))[1].code == "python_exception"
        call = worker.begin("nap", {"seconds": 60.0, "mark": str(mark)})
        worker.wait(mark.exists, "the handler")
        call.cancel()
        worker.wait((tmp_path / "m.end").exists, "the end of the handler")


def test_too_many_requests() -> None:
    with Served(APP) as worker:
        exchange = Exchanging(worker)
        exchange.send({"id": 1, "execute": worker.request("nap", {"seconds": 60.0})})
        echo = worker.request("echo", {"text": "x" * 100})
        exchange.send(*({"id": i, "execute": echo} for i in range(2, 4197)))
        worker.wait(lambda: len(exchange.got) == 100, "what is refused")
        assert {message.failure.code for message in exchange.got} == {"busy"}
        assert worker.fails(lambda: worker.execute("echo", {"text": ""}))[0] is Code.RESOURCE_EXHAUSTED
        # The child's connection is full, and whoever stops it gets through all the same.
        worker.method("Stop")(m.StopRequest(kill=True), timeout=PATIENCE_S)
        worker.wait(lambda: len(exchange.got) == 4196, "the rest")
        kinds = [message.failure.code for message in exchange.got]
        assert (kinds.count("worker_crashed"), kinds.count("no_workers")) == (1, 4095)


def test_nothing_outlives_a_killed_parent() -> None:
    source = (
        APP
        + """
    import subprocess
    @command
    def grandchild(): return subprocess.Popen(["sleep", "600"]).pid
    """
    )
    with Served(source) as worker:
        pids = [worker.child_pid(), worker.result("grandchild")]
        worker.signal(signal.SIGKILL)
        worker.wait(lambda: not any(map(alive, pids)), "the end of all")


def test_recall() -> None:
    with Served(APP, listen="127.0.0.1:0") as worker:
        mark = str(worker.folder / "naps")
        held = worker.begin("nap", {"seconds": 60, "mark": mark}, request_id="held")
        worker.wait(lambda: Path(mark).exists())
        behind = [worker.begin("same", {"value": n}, request_id=f"r{n}") for n in range(3)]
        exchange = Exchanging(worker)
        for n in (9, 10):
            exchange.send({"id": n, "execute": worker.request("same", {"value": n}, request_id=f"r{n}")})
        back: list[str] = []

        def all_are_back() -> bool:
            asked = m.RecallRequest(request_ids=["held", "r0", "r2", "r9", "never"])
            back.extend(worker.method("Recall")(asked, timeout=PATIENCE_S).request_ids)
            return len(back) == 3

        worker.wait(all_are_back)
        assert sorted(back) == ["r0", "r2", "r9"]
        for n in (0, 2):
            status, failure = worker.fails(behind[n].result)
            assert status is Code.CANCELLED and failure.code == "recalled"
        # Of another host's nothing is taken.
        theirs = worker.connect()
        worker.say_hello(theirs, worker_id="w2")
        assert not worker.method("Recall", channel=theirs)(m.RecallRequest(request_ids=["r1"])).request_ids
        held.cancel()
        assert worker.unpack(behind[1].result().result) == 1
        # Nothing follows for the one that was taken back, which an Exchange would wait for before it ends.
        exchange.sent.put(None)
        assert exchange.over.wait(PATIENCE_S)
        assert [message.id for message in exchange.got] == [10]


def test_once() -> None:
    with Served(APP, "--once") as worker:
        worker.fails(lambda: worker.execute("die"))
        assert worker.exit_code() == 0
        assert worker.seen("exit")[0].code == 3


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakepit", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(SRC), **env}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "COMMAND"),
        (["worker"], "APP, --listen"),
        (["worker", "a", "--listen", "nowhere"], "'nowhere' is no address: use host:port"),
        (["worker", "a", "--listen", "unix:relative"], "absolute path"),
        (["worker", "a", "--listen", "127.0.0.1:99999"], "is no address"),
        (["worker", "a", "--listen", "127.0.0.1:0", "--concurrency", "0"], "'0' is no whole number from 1"),
        (["worker", "a", "--listen", "127.0.0.1:0", "--tls-cert", "x"], "--tls-key"),
        (["worker", "a", "--listen", "127.0.0.1:0", "--token-file", "/nope"], "cannot be read"),
        (["worker", "a", "--listen", "127.0.0.1:0", "--cwd", "/nope"], "is no directory"),
        (["worker", "a", "--listen", "0.0.0.0:0"], "--tls-client-ca (mutual TLS) or --token-file"),
        (
            ["worker", "a", "--listen", "127.0.0.1:0", "--tls-cert", "/nope", "--tls-key", "/nope"],
            "/nope cannot be read",
        ),
    ],
)
def test_usage(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and says in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_an_address_that_is_taken(shared: Served) -> None:
    with Served(APP, listen="127.0.0.1:0", hello=False) as worker:
        done = run("worker", "a", "--listen", worker.address)
        assert done.returncode == 1 and f"cannot listen on {worker.address}" in done.stderr


def test_the_missing_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "grpc.py").write_text("raise ModuleNotFoundError('no grpc')")
    command = [sys.executable, "-m", "snakepit", "worker", "a", "--listen", "127.0.0.1:0"]
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{SRC}"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and 'pip install "snakepit-runtime[grpc]"' in done.stderr


def test_the_schema_is_up_to_date() -> None:
    pytest.importorskip("grpc_tools")
    tool = Path(__file__).resolve().parents[1] / "tools" / "make_proto.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
