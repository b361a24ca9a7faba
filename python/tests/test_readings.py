"""Readings of the process, and what memory a request takes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from host import SRC, Host

from snakepit._runtime import wire
from snakepit._runtime.peak import Gauge, peak_rss_bytes

APP = """
import asyncio, functools, gc, os, time
from snakepit import command

KEPT = []

def use(mb):
    block = bytearray(mb << 20)
    for at in range(0, len(block), 4096): block[at] = 1
    return len(block)

@command
def memory(mb: int): return use(mb)

@command
def fails(mb: int):
    use(mb)
    raise ValueError("no")

@command
async def amemory(mb: int):
    await asyncio.sleep(0)
    return use(mb)

@command
def chunks(mb: int):
    yield 1
    use(mb)
    yield 2

@command
def nap(seconds: float): time.sleep(seconds)

def disguise(function):
    return lambda mb: function(mb)

@command(name="disguised")
@disguise
async def disguised(mb):
    use(mb)

@command
def unsendable(mb: int):
    use(mb)
    return {1, 2}

@command
def fast(n: int, seconds: float = 0.0):
    KEPT.append(b"x" * n)
    if seconds: time.sleep(seconds)

@command
def drop(): KEPT.clear()

@command
def open_files(n: int): KEPT.extend(open(os.devnull) for _ in range(n))

@command
def collect(n: int):
    for _ in range(n): gc.collect()
"""
MB = 1 << 20


@pytest.fixture(scope="module", params=["msgpack", "json"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    if request.param == "msgpack":
        pytest.importorskip("msgpack")
    with Host(APP, codec=request.param, stats_interval_ms=20) as started:
        yield started


def next_stats(host: Host) -> dict[str, Any]:
    seen = len(host.control_frames(wire.STATS))
    host.wait(lambda: len(host.control_frames(wire.STATS)) > seen + 1)
    return dict(host.control_frames(wire.STATS)[-1][1])


def test_stats(host: Host) -> None:
    before = next_stats(host)
    assert set(before) == {
        "rss_bytes",
        "peak_rss_bytes",
        "cpu_seconds",
        "threads",
        "open_fds",
        "gc_collections",
    }
    assert all(type(value) in (int, float) and value >= 0 for value in before.values())
    assert before["peak_rss_bytes"] >= before["rss_bytes"] * 0.9
    host.result("memory", {"mb": 60})
    host.result("open_files", {"n": 7})
    host.result("collect", {"n": 9})
    after = next_stats(host)
    assert after["peak_rss_bytes"] - before["peak_rss_bytes"] > 50 * MB
    assert after["rss_bytes"] < after["peak_rss_bytes"] - 40 * MB
    assert after["gc_collections"] >= before["gc_collections"] + 9
    if sys.platform == "linux":
        assert after["open_fds"] == before["open_fds"] + 7
        assert host.process is not None
        assert after["open_fds"] == len(os.listdir(f"/proc/{host.process.pid}/fd"))


def peak(answer: list[Any]) -> int:
    assert len(answer) in (5, 6)
    return answer[5] if len(answer) == 6 else 0


@pytest.mark.parametrize("command", ["memory", "fails", "amemory", "chunks", "disguised", "unsendable"])
def test_the_peak_of_a_request_is_its_own(command: str) -> None:
    with Host(APP) as host:
        assert peak(host.call("nap", {"seconds": 0.005})) < 60 * MB
        first = host.call(command, {"mb": 100})
        assert 100 * MB < peak(first) < 200 * MB
        # As much once more raises nothing, so nothing is said; more does.
        assert peak(host.call(command, {"mb": 90})) == 0
        assert peak(host.call("nap", {"seconds": 0.005})) == 0
        assert peak(host.call(command, {"mb": 150})) - peak(first) > 30 * MB


def test_what_fast_handlers_took_is_nobodys() -> None:
    with Host(APP) as host:
        host.result("nap", {"seconds": 0.005})
        for _ in range(60):
            answer = host.call("fast", {"n": 1 << 19})
            assert peak(answer) == 0 or answer[3] > 1  # on a busy machine it can be slow
        # Below the peak, which what is slow must not be told to have caused.
        host.result("drop")
        assert peak(host.call("fast", {"n": 0, "seconds": 0.06})) == 0
        assert peak(host.call("nap", {"seconds": 0.005})) == 0


def test_what_rose_for_another_request_does_not_count() -> None:
    gauge = Gauge()
    gauge.start(1)
    block = b"x" * (peak_rss_bytes() + 32 * MB)
    assert gauge.risen(2) == 0
    assert gauge.risen(1) > len(block)


def test_none_at_higher_concurrency() -> None:
    with Host(APP, concurrency=2) as host:
        for command in ("memory", "amemory", "chunks"):
            assert peak(host.call(command, {"mb": 100})) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps ru_maxrss over execve")
def test_the_memory_of_who_started_it_does_not_count() -> None:
    look = "from snakepit._runtime.peak import peak_rss_bytes; print(peak_rss_bytes()); x = bytearray(400 << 20); print(peak_rss_bytes())"
    code = (
        "import subprocess, sys; block = bytearray(200 << 20)\n"
        "for at in range(0, len(block), 4096): block[at] = 1\n"
        "subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"
    )
    env = {**os.environ, "PYTHONPATH": str(SRC)}
    run = subprocess.run([sys.executable, "-c", code, look], env=env, stdout=-1, text=True, check=True)
    small, large = (int(line) for line in run.stdout.split())
    assert small < 60 * MB
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 > 200 * MB
    assert large > 400 * MB
