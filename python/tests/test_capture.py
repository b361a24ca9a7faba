"""Prints, logging and warnings become records of the request that made them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from host import Host

from snakepit._runtime import wire

APP = r"""
import asyncio, logging, os, subprocess, sys, threading, time, warnings
from snakepit import command, context, emit

print("at import")
log = logging.getLogger("my.app")

class Hostile:
    def __str__(self): raise RuntimeError("no")
    __repr__ = __str__

@command
def prints():
    print("one"); print("two\nthree", end="\n\n"); print("four", end="")
    print("to stderr", file=sys.stderr)
    sys.stdout.write("five"); sys.stdout.flush()
    return None

@command
def progress_bar():
    for n in range(3): print(f"\r{n} of 3", end="", file=sys.stderr)
    print(file=sys.stderr)

@command
def binary(): sys.stdout.buffer.write(b"raw \xc3"); sys.stdout.buffer.write(b"\xa4 \xff\n")

@command
def logs():
    log.debug("not shown")
    log.info("hello %s", "x")
    log.critical("very")
    logging.getLogger().setLevel(logging.DEBUG)
    log.debug("now shown")
    logging.getLogger().setLevel(logging.INFO)
    try: 1 / 0
    except ZeroDivisionError: log.exception("failed")
    warnings.warn("careful")

@command
def hostile():
    log.info("%d", "no number"); log.info(Hostile()); log.info("%s", Hostile())
    log.info("x" * 200_000); log.info("\ud800")
    print("\ud800"); print("y" * 200_000)
    emit("e", {1: 2}, {"k": Hostile(), 3: "\ud800"})
    emit("e2", 5, 6)
    return "fine"

@command
def flood(n: int):
    for i in range(n): print("line", i)

@command
async def aprints(name: str):
    print(name, "a"); await asyncio.sleep(0.01); print(name, "b"); log.info("%s log", name)

@command
def threads():
    t = threading.Thread(target=lambda: print("from a thread")); t.start(); t.join()

LATE = []
@command
async def later():
    async def task():
        while not LATE: await asyncio.sleep(0.001)
        print("late")
        LATE.append(2)
    LATE.append(asyncio.create_task(task())); LATE.clear()

@command
async def now():
    LATE.append(1)
    while len(LATE) < 2: await asyncio.sleep(0.001)

@command
def fd():
    os.write(1, b"straight to 1\n")
    subprocess.run([sys.executable, "-c", "print('from a child')"], stdout=sys.stdout, check=True)
    return [sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.fileno(), sys.stderr.fileno()]

@command
def fork():
    pid = os.fork()
    if pid == 0:
        print("in the child"); log.warning("child log"); emit("child"); sys.stdout.flush()
        os._exit(0 if context().request_id is None else 1)
    return os.waitpid(pid, 0)[1]

@command
def fork_and_return():
    pid = os.fork()
    if pid == 0: return "child"
    os.waitpid(pid, 0)
    return "parent"

@command
def echo(x): return x
"""


@pytest.fixture(scope="module", params=[("msgpack", 1), ("json", 1), ("json", 3)], ids=str)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    codec, concurrency = request.param
    if codec == "msgpack":
        pytest.importorskip("msgpack")
    with Host(APP, codec=codec, concurrency=concurrency) as started:
        yield started


def of(host: Host, command: str, **args: object) -> list[list[object]]:
    """The records of a request; all must come before its answer."""
    id = host.request(command, args)
    host.answer(id)
    place = host.work.frames.index(host.answers(id)[0])
    found = [
        (at, frame) for at, frame in enumerate(host.work.frames) if frame[0] == wire.LOG and frame[1] == id
    ]
    assert all(at < place for at, _ in found)
    return [frame for _, frame in found]


def test_prints(host: Host) -> None:
    logs = of(host, "prints")
    assert [(log[2], log[3], log[4]) for log in logs] == [
        ("info", "python.stdout", "one"),
        ("info", "python.stdout", "two"),
        ("info", "python.stdout", "three"),
        ("info", "python.stdout", ""),
        ("warning", "python.stderr", "to stderr"),
        ("info", "python.stdout", "fourfive"),
    ]
    assert [log[6] for log in logs] == [{"stream": "stdout"}] * 4 + [
        {"stream": "stderr"},
        {"stream": "stdout"},
    ]
    assert abs(float(str(logs[0][5])) - time.time() * 1000) < 60_000


def test_at_import_they_belong_to_no_request(host: Host) -> None:
    assert host.logs("at import")[0][1] is None


def test_a_progress_bar_is_one_line(host: Host) -> None:
    assert [log[4] for log in of(host, "progress_bar")] == ["2 of 3"]


def test_bytes_are_decoded(host: Host) -> None:
    assert [log[4] for log in of(host, "binary")] == ["raw ä \\xff"]


def test_logging_and_warnings(host: Host) -> None:
    logs = of(host, "logs")
    assert [(log[2], log[3]) for log in logs] == [
        ("info", "my.app"),
        ("critical", "my.app"),
        ("debug", "my.app"),
        ("error", "my.app"),
        ("warning", "py.warnings"),
    ]
    assert logs[0][4] == "hello x"
    fields = logs[0][6]
    assert isinstance(fields, dict) and fields["file"] == str(host.app) and fields["line"] > 10
    failed = logs[3][6]
    assert isinstance(failed, dict) and failed["traceback"].endswith("ZeroDivisionError: division by zero\n")
    assert "UserWarning: careful" in str(logs[4][4])


def test_nothing_they_are_given_breaks_them(host: Host) -> None:
    logs = of(host, "hostile")
    assert all(len(str(log[4]).encode()) < 66_000 for log in logs)
    assert any("no number" not in str(log[4]) and "do not fit" in str(log[4]) for log in logs)
    events = [event for event in host.work_frames(wire.EVENT) if event[2] == "e"]
    assert events[-1][3:] == [{"1": 2}, {"k": "<Hostile>", "3": "'\\ud800'"}]
    assert host.result("echo", {"x": 1}) == 1


def test_a_flood(host: Host) -> None:
    logs = of(host, "flood", n=5000)
    assert [log[4] for log in logs] == [f"line {n}" for n in range(5000)]


def test_coroutines_keep_theirs_apart(host: Host) -> None:
    ids = [host.request("aprints", {"name": f"n{n}"}) for n in range(6)]
    for n, id in enumerate(ids):
        host.answer(id)
        assert [log[4] for log in host.logs(f"n{n} ") if log[1] == id] == [f"n{n} a", f"n{n} b", f"n{n} log"]


def test_a_thread_of_the_app_at_concurrency_1_belongs_to_the_request(host: Host) -> None:
    host.result("threads")
    (log,) = host.logs("from a thread")
    assert log[1] == (host.next_id - 1 if host.welcome["concurrency"] == 1 else None)


def test_what_outlives_its_request_belongs_to_none(host: Host) -> None:
    host.result("later")
    host.result("now")
    assert [log[1] for log in host.logs("late")] == [None]


def test_descriptors_are_the_processes_own(host: Host) -> None:
    assert host.result("fd") == [False, "utf-8", 1, 2]
    host.wait(lambda: host.stdout() == "straight to 1\nfrom a child\n")


def test_a_forked_child_does_not_write_to_our_connection(host: Host) -> None:
    assert host.result("fork") == 0
    host.wait(lambda: "in the child" in host.stdout())
    assert not host.logs("child")
    assert host.result("echo", {"x": 5}) == 5


def test_a_child_that_returns_into_the_runtime_ends() -> None:
    with Host(APP) as host:
        assert host.result("fork_and_return") == "parent"
        assert host.result("echo", {"x": 5}) == 5
        assert host.work.error is None and len(host.answers(1)) == 1


def test_levels_and_handlers_of_the_apps_own() -> None:
    app = """
    import logging, logging.config, sys
    from snakepit import command
    logging.config.dictConfig({"version": 1, "root": {"level": "DEBUG", "handlers": []}})
    @command
    def f(): logging.debug("detail")
    """
    with Host(app, log_level="warning") as host:
        host.result("f")
        assert [log[2] for log in host.logs("detail")] == ["debug"]
    with Host(APP, log_level="warning") as host:
        host.result("logs")
        assert not host.logs("hello x") and host.logs("very")


def test_a_host_that_does_not_read_loses_logs_not_the_worker(codec: str) -> None:
    with Host(APP, codec=codec) as host:
        host.work.paused.clear()
        id = host.request("flood", {"n": 30_000})
        # The reading thread holds at most one read in hand; what it leaves fills the kernel's buffer.
        host.control.send([wire.PING, 1])
        host.wait(lambda: host.control_frames(wire.PONG))
        time.sleep(0.5)
        host.work.paused.set()
        assert host.answer(id)[0] == wire.RESPONSE
        host.result("prints")
        kept = [log for log in host.logs() if log[1] == id]
        lost = sum(log[6].get("dropped", 0) for log in host.logs())
        assert lost > 0 and len(kept) + lost == 30_000
