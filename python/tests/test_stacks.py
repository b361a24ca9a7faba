"""Python stacks on demand: by the control thread, and by a signal when that cannot get the GIL."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Any, Optional

import pytest
from host import Host

from snakepit._runtime import wire

APP = """
import asyncio, ctypes, os, subprocess, sys, threading, time
from contextlib import asynccontextmanager
from snakepit import command, context

def inner():
    open("there", "w").close()
    while not os.path.exists("go"): time.sleep(0.001)

def outer(): inner()

@command
def plain(): outer()

@command
def spin():
    open("there", "w").close()
    while not os.path.exists("go"): pass

@command
def deep(n: int):
    if n: return deep(n - 1)
    inner()

def a(n, last):
    if n: b(n - 1, last)
    else: last()

def b(n, last):
    if n: a(n - 1, last)
    else: last()

@command
def zigzag(n: int): a(n, inner)

async def until_go():
    open("there", "w").close()
    while not os.path.exists("go"): await asyncio.sleep(0.001)

async def fetch(): return await until_go()

@command
async def suspended(): await fetch()

async def forever():
    open("there", "w").close()
    await asyncio.get_running_loop().create_future()

async def busy():
    open("there", "w").close()
    while not os.path.exists("go"):
        # Long enough for another thread to get the GIL here, not only while the file is looked for.
        for _ in range(1_000_000): pass

@command
async def running():
    await asyncio.sleep(0)
    await busy()

@command
async def subtask():
    await asyncio.create_task(forever(), name="the other")

@command
async def gathered():
    await asyncio.gather(forever(), forever())

async def numbers():
    yield 1
    await forever()

@command
async def through_generators():
    @asynccontextmanager
    async def manager():
        await forever()
        yield
    async for _ in numbers():
        pass

command(forever)

@command
def disguised(): return fetch()

class Wrapped:
    def __await__(self): return forever().__await__()

@command
async def wrapped(): await Wrapped()

@command
def count():
    for n in range(100):
        yield n

def subcount():
    yield 0
    inner()
    yield 1

@command
def nested():
    yield from subcount()

@command
async def acount():
    for n in range(100):
        yield n

@command
async def aslow():
    yield 0
    await until_go()

class Slow:
    def __str__(self):
        inner()
        return "slow"

@command
def prints(): print(Slow())

@command
def logs():
    import logging
    logging.getLogger("x").warning("%s", Slow())

@command
def from_a_string(): exec(compile("inner()", "<made up>", "exec"))

@command
def hold(seconds: float):
    # PyDLL keeps the GIL during the call.
    usleep = ctypes.PyDLL(None).usleep
    open("there", "w").close()
    end = time.monotonic() + seconds
    while time.monotonic() < end: usleep(int(max(0, end - time.monotonic()) * 1e6))
    return "held"

@command
def child(): return subprocess.run(["sh", "-c", "ls /proc/self/fd"], capture_output=True, text=True, close_fds=False).stdout.split()

@command
def fork():
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), 23 if sys.platform == "linux" else 16)
        os.write(write, " ".join(os.listdir("/proc/self/fd")).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    return os.read(read, 1000).decode().split()

@command
def echo(x): return x
"""


def stacks(host: Host, ids: Optional[list[int]]) -> list[list[Any]]:
    seq = len(host.control_frames(wire.STACKS)) + 1
    host.control.send([wire.STACK, seq, ids])
    host.wait(lambda: len(host.control_frames(wire.STACKS)) == seq, "STACKS")
    frame = host.control_frames(wire.STACKS)[-1]
    assert frame[1] == seq
    return list(frame[2])


def stack(host: Host, id: int) -> str:
    ((same, text),) = stacks(host, [id])
    assert same == id
    return str(text)


def there(host: Host) -> None:
    host.wait((host.folder / "there").exists, "the handler")


def go(host: Host, id: int) -> list[Any]:
    (host.folder / "go").touch()
    return host.answer(id)


def functions(text: str) -> list[str]:
    """The names in a stack, without the one in which a handler may be caught while it asks whether to end."""
    names = re.findall(r"^  File .*, line \d+, in (\S+)$", text, re.M)
    return [name for name in names if name != "exists"]


def own(text: str) -> bool:
    return "_runtime" in text


@pytest.mark.parametrize("concurrency", [1, 2])
def test_of_a_plain_handler(codec: str, concurrency: int) -> None:
    with Host(APP, codec=codec, concurrency=concurrency) as host:
        id = host.request("plain")
        there(host)
        text = stack(host, id)
        assert re.fullmatch(
            r"Traceback \(most recent call last\):\n"
            r'  File ".*app.py", line \d+, in plain\n    def plain\(\): outer\(\)\n'
            r'  File ".*app.py", line \d+, in outer\n    def outer\(\): inner\(\)\n'
            r'  File ".*app.py", line \d+, in inner\n    while .*\n'
            # It may be caught while it asks for the file.
            r'(  File ".*", line \d+, in exists\n(    .*\n)?)?',
            text,
        ), text
        assert go(host, id)[0] == wire.RESPONSE
        assert stack(host, id) == ""


@pytest.mark.parametrize("concurrency", [1, 2])
def test_while_pure_python_keeps_the_gil_busy(concurrency: int) -> None:
    with Host(APP, concurrency=concurrency) as host:
        id = host.request("spin")
        there(host)
        assert functions(stack(host, id))[0] == "spin"
        assert go(host, id)[0] == wire.RESPONSE


def test_of_exactly_those_asked_for() -> None:
    with Host(APP, concurrency=2) as host:
        first, second = host.request("plain"), host.request("forever")
        behind = host.request("echo", {"x": 1})
        there(host)
        host.wait(lambda: functions(stack(host, second)) == ["forever"])
        ids = [second, behind, first, 99]
        answer = stacks(host, ids)
        assert [id for id, _ in answer] == ids
        assert [functions(text)[:1] for _, text in answer] == [["forever"], [], ["plain"], []]
        assert answer[1][1] == answer[3][1] == ""
        assert stacks(host, []) == []
        host.cancel(second)
        assert host.answer(behind)[2] == 1
        assert go(host, first)[0] == wire.RESPONSE


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize(
    ("command", "chain", "note"),
    [
        ("suspended", ["suspended", "fetch", "until_go", "sleep"], "(coroutine suspended, suspended: it waits for a Future)"),
        ("disguised", ["fetch", "until_go", "sleep"], "(coroutine fetch, suspended: it waits for a Future)"),
        ("forever", ["forever"], "(coroutine forever, suspended: it waits for a Future)"),
        ("wrapped", ["wrapped", "forever"], "it waits for a Future"),
        ("subtask", ["subtask", "forever"], "(coroutine subtask, suspended: it waits for the other)"),
        ("gathered", ["gathered", "forever", "forever"], "it waits for Task-"),
        ("through_generators", ["through_generators", "numbers", "forever"], "it waits for a Future"),
        ("running", ["running", "busy"], "(a coroutine, which is running)"),
        ("aslow", ["aslow", "until_go", "sleep"], "suspended: it waits for a Future"),
    ],
)  # fmt: skip
def test_of_a_coroutine(command: str, chain: list[str], note: str, concurrency: int) -> None:
    with Host(APP, concurrency=concurrency) as host:
        id = host.request(command)
        there(host)
        # A coroutine that polls is not always asleep.
        text = host.wait(
            lambda: (got := stack(host, id)) and note in got and functions(got) == chain and got, note
        )
        assert not own(text)
        (host.folder / "go").touch()
        host.cancel(id)
        host.answer(id)
        assert stack(host, id) == ""


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("command", ["count", "acount"])
def test_of_a_stream_that_waits_for_its_reader(command: str, concurrency: int) -> None:
    with Host(APP, concurrency=concurrency) as host:
        id = host.request(command, stream=True)
        host.work.send([wire.CREDIT, id, 2])
        host.wait(lambda: len(host.work_frames(wire.CHUNK, id)) == 2)
        text = host.wait(lambda: "waits for credit" in (got := stack(host, id)) and got)
        assert functions(text) == [command]
        assert "    yield n\n" in text
        host.cancel(id)
        assert host.answer(id)[2]["code"] == "cancelled"


def test_of_a_generator_at_work() -> None:
    with Host(APP) as host:
        id = host.request("nested", stream=True)
        host.work.send([wire.CREDIT, id, 1])
        there(host)
        assert functions(stack(host, id)) == ["nested", "subcount", "inner"]
        host.work.send([wire.CREDIT, id, 1])
        assert go(host, id)[0] == wire.RESPONSE


def test_of_what_is_deep_is_cut_in_the_middle(codec: str) -> None:
    with Host(APP, codec=codec) as host:
        id = host.request("zigzag", {"n": 500})
        there(host)
        text = stack(host, id)
        assert functions(text)[:3] == ["zigzag", "a", "b"] and functions(text)[-1] == "inner"
        assert len(functions(text)) == 128 and "\n  … 375 frames left out …\n" in text
        assert len(text.encode()) < 64 << 10
        go(host, id)
    with Host(APP, codec=codec) as host:
        id = host.request("deep", {"n": 100})
        there(host)
        assert "[Previous line repeated 97 more times]" in stack(host, id)
        go(host, id)


def test_within_the_frame_limit() -> None:
    with Host(APP, max_frame_bytes=4096) as host:
        id = host.request("zigzag", {"n": 500})
        there(host)
        assert "characters left out" in stack(host, id)
        go(host, id)


@pytest.mark.parametrize("command", ["prints", "logs"])
def test_of_app_code_that_the_runtime_calls(command: str) -> None:
    with Host(APP) as host:
        id = host.request(command)
        there(host)
        found = functions(stack(host, id))
        assert found[0] == command and found[-2:] == ["__str__", "inner"]
        go(host, id)


def test_of_code_without_a_file() -> None:
    with Host(APP) as host:
        id = host.request("from_a_string")
        there(host)
        text = stack(host, id)
        assert '  File "<made up>", line 1, in <module>\n  File ' in text
        go(host, id)


def test_of_every_thread() -> None:
    with Host(APP, concurrency=2) as host:
        id = host.request("plain")
        there(host)
        answer = stacks(host, None)
        assert all(request is None for request, _ in answer)
        texts = {
            re.match(r'Thread 0x[0-9a-f]{16} "(.*)" \(most recent call last\):\n', t)[1]: t for _, t in answer
        }  # type: ignore[index]
        assert set(texts) == {"MainThread", "snakepit-0", "snakepit-1"}
        (with_it,) = [text for text in texts.values() if "in inner\n" in text]
        assert f"{host.idents()[host.words().index(id)]:#018x}" in with_it
        go(host, id)


def test_during_the_import() -> None:
    app = "import os, time\ndef slow():\n  while not os.path.exists('go'): time.sleep(0.001)\nslow()\nfrom snakepit import command\ncommand(slow)"
    with Host(app, start=False) as host:
        host.accept()
        host.wait(lambda: "in slow\n" in stacks(host, None)[0][1])
        assert stack(host, 1) == ""
        (host.folder / "go").touch()
        host.wait(lambda: host.control_frames(wire.READY))


@pytest.mark.parametrize("frame", [[14, 1], [14, "1", None], [14, 1, 5], [14, 1, ["a"]]])
def test_what_is_no_stack_frame(frame: list[Any]) -> None:
    with Host(APP) as host:
        host.control.send(frame)
        assert host.exit_code() == 1
        assert "protocol error" in host.stderr()


def test_threads_of_the_slots_are_in_the_progress_file() -> None:
    with Host(APP) as host:
        (main,) = host.idents()
        assert f'Thread {main:#018x} "MainThread"' in stacks(host, None)[0][1]
    with Host(APP, concurrency=3) as host:
        # READY comes before the threads start.
        idents = host.wait(lambda: all(host.idents()) and host.idents())
        assert len(set(idents)) == 3


class Pipe:
    """A pipe for dumps, whose writing end the worker gets."""

    def __enter__(self) -> Pipe:
        self.read, self.write = os.pipe()
        return self

    def __exit__(self, *_: Any) -> None:
        os.close(self.read)
        os.close(self.write)

    def host(self, **more: Any) -> Host:
        return Host(APP, env={"SNAKEPIT_STACK_FD": str(self.write)}, pass_fds=(self.write,), **more)

    def until(self, text: bytes) -> bytes:
        got = b""
        while text not in got:
            got += os.read(self.read, 65536)
        return got


def dump(host: Host) -> None:
    assert host.process is not None
    host.process.send_signal(signal.SIGURG)


@pytest.mark.parametrize("concurrency", [1, 2])
def test_by_signal_while_c_code_holds_the_gil(concurrency: int) -> None:
    with Pipe() as pipe, pipe.host(concurrency=concurrency) as host:
        id = host.request("hold", {"seconds": 1.5})
        there(host)
        host.control.send([wire.PING, 1])
        host.control.send([wire.STACK, 1, [id]])
        dump(host)
        text = pipe.until(b"in hold").decode()
        assert not host.control_frames(wire.PONG) and not host.answers(id)
        ident = host.idents()[host.words().index(id)]
        assert f"Thread {ident:#018x} (most recent call first)" in text.replace("Current thread", "Thread")
        assert host.answer(id)[2] == "held"
        host.wait(lambda: host.control_frames(wire.PONG) and host.control_frames(wire.STACKS))
        assert host.result("echo", {"x": 1}) == 1
        assert host.stderr() == ""


def test_by_signal_without_a_reader_never_stops_the_worker() -> None:
    with Pipe() as pipe, pipe.host() as host:
        for n in range(300):
            dump(host)
            assert host.result("echo", {"x": n}) == n
        os.set_blocking(pipe.read, False)
        assert len(os.read(pipe.read, 1 << 20)) > 60_000  # it was full
        dump(host)
        host.wait(lambda: host.result("echo", {"x": 1}) == 1)


def test_children_do_not_get_the_descriptor() -> None:
    with Pipe() as pipe, pipe.host() as host:
        assert str(pipe.write) not in host.result("child")
        assert str(pipe.write) not in host.result("fork")
        dump(host)
        assert b"most recent call first" in pipe.until(b"\n")


def test_a_descriptor_that_is_none() -> None:
    for number in ("77", "x", "99999999999999999999"):
        with Host(APP, env={"SNAKEPIT_STACK_FD": number}) as host:
            dump(host)
            assert host.result("echo", {"x": 1}) == 1


def test_many_questions_do_not_harm_what_runs() -> None:
    with Host(APP, concurrency=2) as host:
        ids = []
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            ids.append(host.request("echo", {"x": len(ids)}))
            host.control.send([wire.STACK, len(ids), ids[-3:]])
        for n, id in enumerate(ids):
            assert host.answer(id)[2] == n
        host.wait(lambda: len(host.control_frames(wire.STACKS)) == len(ids))
