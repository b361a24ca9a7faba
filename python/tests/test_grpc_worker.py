"""A worker that serves gRPC from the process that runs the handlers; what it shares with one that has a parent is in test_serve."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Optional

import pytest

grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
pytest.importorskip("grpc_health.v1.health")
pytest.importorskip("grpc_reflection.v1alpha.reflection")

from host import PATIENCE_S, SRC
from served import Served, alive

from snakepit._serve import messages as m

APP = """
    import asyncio, multiprocessing, os, subprocess, sys, time
    from snakepit import command, on_stop

    @command
    def echo(text: str): return text

    @command
    def pids(): return [os.getpid(), os.getppid()]

    @command
    def nap(seconds: float, mark: str = ""):
        if mark: open(mark, "w").close()
        time.sleep(seconds)

    @command
    async def ticks(n: int):
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    def square(n): return n * n

    @command
    def forks():
        with multiprocessing.get_context("fork").Pool(2) as pool:
            return pool.map(square, range(20))

    @command
    def leaves_a_fork():
        pid = os.fork()
        if pid == 0:
            time.sleep(600)
            os._exit(0)
        return pid

    @command
    def die(): os.kill(os.getpid(), 9)

    @on_stop
    def bye(): print("bye", file=sys.__stderr__)
"""


def words(worker: Served) -> tuple[int, ...]:
    return struct.unpack_from("<2I", worker.progress.read_bytes())


def test_one_process_does_it_all() -> None:
    with Served(APP, inside=True) as worker:
        assert worker.process is not None
        assert worker.result("pids") == [worker.process.pid, os.getpid()]
        assert worker.child_pid() == worker.process.pid


@pytest.mark.parametrize("concurrency", [1, 3])
def test_what_waits_runs_in_turn(concurrency: int) -> None:
    with Served(APP, inside=True, welcome={"concurrency": concurrency}) as worker:
        calls = [worker.begin("echo", {"text": str(n)}) for n in range(200)]
        assert [worker.unpack(call.result().result) for call in calls] == [str(n) for n in range(200)]


def test_an_async_stream_waits_for_credit_without_a_socket_to_watch() -> None:
    with Served(APP, inside=True) as worker:
        stream = worker.method("ExecuteStream", "unary_stream")(
            worker.request("ticks", {"n": 500}), timeout=PATIENCE_S
        )
        chunks = [worker.unpack(reply.chunk) for reply in stream if reply.WhichOneof("of") == "chunk"]
        assert chunks == list(range(500))


@pytest.mark.parametrize("number", [signal.SIGTERM, None])
def test_it_ends_in_order(number: Optional[int]) -> None:
    with Served(APP, inside=True) as worker:
        assert worker.process is not None and worker.process.stdin is not None
        if number is None:
            worker.method("Stop")(m.StopRequest(), timeout=PATIENCE_S)
        else:
            worker.signal(number)
        assert worker.exit_code() == 0
        assert "bye" in worker.stderr()


def test_it_finishes_what_it_holds_before_it_stops() -> None:
    with Served(APP, inside=True) as worker:
        mark = worker.folder / "naps"
        call = worker.begin("nap", {"seconds": 0.5, "mark": str(mark)})
        worker.wait(mark.exists)
        worker.method("Stop")(m.StopRequest(), timeout=PATIENCE_S)
        assert worker.unpack(call.result().result) is None
        assert worker.exit_code() == 0


def test_it_ends_with_its_host() -> None:
    with Served(APP, inside=True) as worker:
        assert worker.process is not None and worker.process.stdin is not None
        worker.process.stdin.close()
        assert worker.exit_code() == 1


def test_the_progress_file_tells_what_has_begun() -> None:
    with Served(APP, inside=True) as worker:
        worker.execute("echo", {"text": "a"}, serial=7)
        assert words(worker) == (7, 0)
        # Two calls that have come the wrong way round: with 5 alone, 7 would look as if it had not begun.
        worker.execute("echo", {"text": "b"}, serial=5)
        assert words(worker) == (5, 7)
        worker.execute("echo", {"text": "c"}, serial=8)
        assert words(worker) == (8, 7)


def test_requests_must_be_numbered() -> None:
    with Served(APP, inside=True) as worker:
        status, failure = worker.fails(lambda: worker.execute("echo", {"text": "a"}, serial=0))
        assert status is grpc.StatusCode.INVALID_ARGUMENT and "'serial'" in failure.message
        assert worker.result("echo", {"text": "on"}) == "on"


def test_handlers_may_fork() -> None:
    with Served(APP, inside=True) as worker:
        for _ in range(3):
            assert worker.result("forks") == [n * n for n in range(20)]
        assert worker.result("echo", {"text": "on"}) == "on"
        # At each fork gRPC would say what it does about it, and some children would crash.
        assert "fork" not in worker.stderr()
        left = worker.result("leaves_a_fork")
        try:
            worker.fails(lambda: worker.execute("die"))
            assert worker.exit_code() == -9
        finally:
            os.kill(left, signal.SIGKILL)
        worker.wait(lambda: not alive(left))


def run(**env: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEPIT_")}
    command = [sys.executable, "-m", "snakepit._grpc_worker"]
    environment = {**kept, "PYTHONPATH": str(SRC), **env}
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def test_nobody_starts_it_by_hand(tmp_path: Path) -> None:
    for env in ({}, {"SNAKEPIT_SOCKET": str(tmp_path / "s")}):
        done = run(**env)
        assert done.returncode == 1 and "not by hand" in done.stderr and "Traceback" not in done.stderr


def test_a_codec_it_does_not_have(tmp_path: Path) -> None:
    done = run(SNAKEPIT_SOCKET=str(tmp_path / "s"), SNAKEPIT_WELCOME='{"codecs": ["cbor"]}')
    assert done.returncode == 1 and "the pool wants cbor" in done.stderr and "Traceback" not in done.stderr


def test_the_missing_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "grpc.py").write_text("raise ModuleNotFoundError('no grpc')")
    done = run(PYTHONPATH=f"{tmp_path}{os.pathsep}{SRC}")
    assert done.returncode == 1 and 'pip install "snakepit-runtime[grpc]"' in done.stderr
