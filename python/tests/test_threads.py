"""Concurrency above 1."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from host import Host

from snakepit._runtime import wire

APP = """
import asyncio, threading, time
from snakepit import command, context

LOCK = threading.Lock()
RUNNING = 0
PEAK = 0

def enter():
    global RUNNING, PEAK
    with LOCK:
        RUNNING += 1
        PEAK = max(PEAK, RUNNING)

def leave():
    global RUNNING
    with LOCK: RUNNING -= 1

@command
def sleep(seconds: float):
    enter(); time.sleep(seconds); leave()
    return [context().request_id, threading.current_thread().name]

@command
async def asleep(seconds: float):
    enter(); await asyncio.sleep(seconds); leave()
    return [context().request_id, threading.current_thread().name]

@command
def spin(seconds: float):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass

@command
async def aspin(seconds: float):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass

@command
def peak(): return PEAK

@command
async def aexit(): raise SystemExit(3)

@command
async def exit_in_task():
    async def task(): raise SystemExit(3)
    asyncio.create_task(task())
    await asyncio.sleep(0.01)
    return "survived"

@command
def echo(x): return x
"""


@pytest.fixture(scope="module", params=["msgpack", "json"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    if request.param == "msgpack":
        pytest.importorskip("msgpack")
    with Host(APP, codec=request.param, concurrency=3) as started:
        yield started


def test_so_many_at_a_time_and_no_more(host: Host) -> None:
    began = time.monotonic()
    commands = ["sleep", "asleep", "sleep", "asleep", "asleep", "sleep"]
    ids = [host.request(command, {"seconds": 0.3}) for command in commands]
    for id in ids:
        assert host.answer(id)[2][0] == f"r{id}"
    assert 0.6 <= time.monotonic() - began < 1.5
    assert host.result("peak") == 3


def test_coroutines_share_one_loop(host: Host) -> None:
    ids = [host.request("asleep", {"seconds": 0.01}) for _ in range(5)]
    assert len({host.answer(id)[2][1] for id in ids}) == 1


def test_requests_start_in_order(host: Host) -> None:
    first = [host.request("sleep", {"seconds": 0.2}) for _ in range(3)]
    frames = [host.frame("echo", {"x": n}) for n in range(200)]
    host.work.send(*frames)
    for frame in frames:
        assert host.answer(frame[1])[2] == frame[3]["x"]
    for id in first:
        assert host.answer(id)[0] == wire.RESPONSE


def test_cpu_time_is_the_requests_own(host: Host) -> None:
    spinning = [host.request("spin", {"seconds": 0.1}), host.request("aspin", {"seconds": 0.1})]
    sleeping = host.request("asleep", {"seconds": 0.15})
    for id in spinning:
        assert 95 <= host.answer(id)[4] < 150
    assert host.answer(sleeping)[4] < 30


def test_what_ends_a_loop_elsewhere_does_not_here(host: Host) -> None:
    assert host.failure("aexit")["exception"]["type"] == "SystemExit"
    assert host.result("exit_in_task") == "survived"
    assert host.result("asleep", {"seconds": 0.0})
    with Host(APP) as single:
        assert single.failure("aexit")["exception"]["type"] == "SystemExit"
        assert single.result("exit_in_task") == "survived"
        assert single.result("asleep", {"seconds": 0.0})


def test_results_of_all_kinds(host: Host) -> None:
    assert host.failure("echo", {"y": 1})["code"] == "invalid_arguments"
    assert host.failure("nothing")["code"] == "unknown_command"
    assert host.failure("echo", {})["path"] == "$.x"
    assert host.result("echo", {"x": {"a": [b"1"]}}) == {"a": [b"1"]}
