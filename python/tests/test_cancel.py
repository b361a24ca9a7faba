"""Cancelling: every request has one answer, and nobody is hit who was not meant."""

from __future__ import annotations

import random
import re
import time
from typing import Any

import pytest
from host import Host

from snakepit._runtime import wire

APP = """
import asyncio, logging, queue, random, socket, time
from snakepit import Cancelled, command, context, emit

@command
def sleep(seconds: float): time.sleep(seconds)

@command
def spin(seconds: float):
    end = time.monotonic() + seconds
    while time.monotonic() < end: pass

@command
def wait_queue(): queue.Queue().get()

@command
def wait_socket():
    ours, theirs = socket.socketpair()
    ours.recv(1)

@command
async def asleep(seconds: float): await asyncio.sleep(seconds)

@command
async def aspin(seconds: float):
    end = time.monotonic() + seconds
    while time.monotonic() < end: await asyncio.sleep(0)

@command
def swallow(seconds: float):
    try: time.sleep(seconds)
    except Cancelled: return ["swallowed", context().cancelled]

@command
async def aswallow(seconds: float):
    try: await asyncio.sleep(seconds)
    except asyncio.CancelledError: return ["swallowed", context().cancelled]

@command
def look(seconds: float):
    end = time.monotonic() + seconds
    seen = False
    while time.monotonic() < end and not seen:
        try:
            while time.monotonic() < end and not context().cancelled: pass
        except Cancelled: pass
        seen = context().cancelled
    return seen

@command
def clean(seconds: float):
    try: time.sleep(seconds)
    finally: print("cleaned")

@command
def replace(seconds: float):
    try: time.sleep(seconds)
    except BaseException as error: raise ValueError("instead") from error

@command
def chatter(seconds: float):
    end = time.monotonic() + seconds
    n = 0
    while time.monotonic() < end:
        print("line", n); emit("e", {"n": n}); logging.info("log %d", n)
        n += 1

@command
def shout(seconds: float):
    end = time.monotonic() + seconds
    while time.monotonic() < end: print("x" * 60_000)

@command
def echo(x): return x

@command
def short(micros: int):
    end = time.perf_counter() + micros / 1e6
    while time.perf_counter() < end: pass
    return micros

@command
def fail(micros: int):
    end = time.perf_counter() + micros / 1e6
    while time.perf_counter() < end: pass
    raise ValueError(micros)

@command
async def ashort(micros: int):
    end = time.perf_counter() + micros / 1e6
    while time.perf_counter() < end: await asyncio.sleep(0)
    return micros

@command
def destructor(seconds: float):
    class D:
        def __del__(self):
            end = time.monotonic() + 0.3
            while time.monotonic() < end: pass
    d = D()
    del d
    time.sleep(seconds)
"""


def started(host: Host, id: int) -> bool:
    return id in host.words()


def cancel_running(host: Host, command: str, **args: Any) -> list[Any]:
    id = host.request(command, args)
    host.wait(lambda: started(host, id))
    host.cancel(id)
    return host.answer(id)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_running_handler_is_stopped(codec: str, concurrency: int) -> None:
    with Host(APP, codec=codec, concurrency=concurrency) as host:
        for command in ("sleep", "spin", "asleep", "aspin", "clean", "chatter"):
            # In threads, what blocks in C is out of reach; there the sleep is short.
            blocked = concurrency > 1 and command in ("sleep", "clean")
            began = time.monotonic()
            answer = cancel_running(host, command, seconds=0.3 if blocked else 30)
            assert time.monotonic() - began < 5
            # The word is written just before the handler is called. A cancel that comes in between ends the
            # request without it, which is right, and not what is to be seen here.
            for _ in range(5):
                if answer[2]["traceback"] is not None:
                    break
                answer = cancel_running(host, command, seconds=0.3 if blocked else 30)
            assert answer[0] == wire.ERROR and answer[2]["code"] == "cancelled", answer
            assert answer[2]["message"] == "the request was cancelled"
            assert command in answer[2]["traceback"] and "_runtime" not in answer[2]["traceback"]
            if command == "clean":
                assert host.logs("cleaned")[0][1] == answer[1]
            assert host.result("echo", {"x": 1}) == 1
        assert host.stop() == 0


@pytest.mark.parametrize("command", ["wait_queue", "wait_socket"])
def test_blocking_calls_are_left_in_the_main_thread(command: str) -> None:
    with Host(APP) as host:
        assert cancel_running(host, command)[2]["code"] == "cancelled"
        assert host.result("echo", {"x": 1}) == 1


@pytest.mark.parametrize("concurrency", [1, 3])
def test_what_a_handler_makes_of_it(codec: str, concurrency: int) -> None:
    seconds = 0.3 if concurrency > 1 else 30
    with Host(APP, codec=codec, concurrency=concurrency) as host:
        for command in ("swallow", "aswallow"):
            assert cancel_running(host, command, seconds=seconds)[:3:2] == [
                wire.RESPONSE,
                ["swallowed", True],
            ]
        # It catches Cancelled only around the looking, so between two looks it may be hit for good.
        looked = cancel_running(host, "look", seconds=30)
        assert looked[2] is True or looked[2]["code"] == "cancelled"
        replaced = cancel_running(host, "replace", seconds=seconds)[2]
        assert replaced["message"] == "ValueError: instead"
        assert replaced["exception"]["chain"][0]["type"] == "Cancelled"
        assert host.result("look", {"seconds": 0.01}) is False


def test_a_cancel_is_not_lost_in_a_destructor() -> None:
    with Host(APP) as host:
        began = time.monotonic()
        assert cancel_running(host, "destructor", seconds=30)[2]["code"] == "cancelled"
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("concurrency", [1, 2])
def test_one_that_has_not_started_never_starts(codec: str, concurrency: int) -> None:
    with Host(APP, codec=codec, concurrency=concurrency) as host:
        first = [host.request("spin", {"seconds": 0.5}) for _ in range(concurrency)]
        host.wait(lambda: all(started(host, id) for id in first))
        waiting = [host.request("echo", {"x": n}) for n in range(4)]
        host.control.send(*([wire.CANCEL, id, "timeout"] for id in waiting[:2]))
        for id in waiting[:2]:
            assert host.answer(id)[2]["code"] == "cancelled"
        # The answer does not wait for the handler that is in the way.
        assert not all(host.answers(id) for id in first)
        assert [host.answer(id)[2] for id in waiting[2:]] == [2, 3]
        assert all(host.answer(id)[0] == wire.RESPONSE for id in first)


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("command", ["echo", "asleep"])
def test_a_cancel_that_overtakes_its_request(concurrency: int, command: str) -> None:
    with Host(APP, concurrency=concurrency) as host:
        host.result("echo", {"x": 1})
        frame = host.frame(command, {"x": 1} if command == "echo" else {"seconds": 0.0})
        host.cancel(frame[1])
        host.control.send([wire.PING, 1])
        host.wait(lambda: host.control_frames(wire.PONG))
        host.work.send(frame)
        answer = host.answer(frame[1])
        assert answer[2]["code"] == "cancelled" and answer[3] == 0
        assert host.result("echo", {"x": 2}) == 2


def test_cancels_for_requests_that_are_over_or_never_were() -> None:
    with Host(APP) as host:
        id = host.request("echo", {"x": 1})
        host.answer(id)
        host.cancel(id)
        host.cancel(4_000_000_000)
        for n in range(50):
            assert host.result("echo", {"x": n}) == n
        assert len(host.answers(id)) == 1


@pytest.mark.parametrize(
    ("codec_name", "concurrency", "seed"),
    [("msgpack", 1, 1), ("json", 1, 2), ("msgpack", 1, 3), ("json", 3, 4)],
)
def test_thousands_of_random_cancels(codec_name: str, concurrency: int, seed: int) -> None:
    """Cancels that arrive at any moment: before, within, at the end of, and after their request."""
    if codec_name == "msgpack":
        pytest.importorskip("msgpack")
    chance = random.Random(seed)
    with Host(APP, codec=codec_name, concurrency=concurrency) as host:
        cancelled: set[int] = set()
        sent: dict[int, tuple[str, int]] = {}
        for round_number in range(150):
            frames, cancels = [], []
            for _ in range(chance.randint(1, 20)):
                command = chance.choice(["short", "short", "short", "fail", "ashort", "echo"])
                micros = chance.choice([0, 1, 10, 50, 200, 1000])
                frame = host.frame(command, {"x": micros} if command == "echo" else {"micros": micros})
                frames.append(frame)
                sent[frame[1]] = (command, micros)
                if chance.random() < 0.6:
                    cancels.append([wire.CANCEL, frame[1], "cancelled"])
                    cancelled.add(frame[1])
            host.work.send(*frames)
            chance.shuffle(cancels)
            for cancel in cancels:
                host.control.send(cancel)
                pause = time.perf_counter() + chance.choice([0, 0, 20, 100, 300]) / 1e6
                while time.perf_counter() < pause:
                    pass
            if round_number % 10 == 9:
                host.answer(frames[-1][1])
        for id in sent:
            host.answer(id)
        assert host.result("echo", {"x": "end"}) == "end"
        assert host.process is not None and host.process.poll() is None
        answers: dict[int, list[list[Any]]] = {}
        for frame in host.work.frames:
            if frame[0] in (wire.RESPONSE, wire.ERROR):
                answers.setdefault(frame[1], []).append(frame)
        hit = 0
        for id, (command, micros) in sent.items():
            assert len(answers[id]) == 1, answers[id]
            (answer,) = answers[id]
            if answer[0] == wire.RESPONSE:
                assert answer[2] == micros and command != "fail"
            elif answer[2]["code"] == "cancelled":
                assert id in cancelled, "one was hit that nobody cancelled"
                hit += 1
            else:
                assert command == "fail" and answer[2]["message"] == f"ValueError: {micros}"
        # How many are in time is the machine's to say, not that none is.
        assert hit > 0
        assert host.stop() == 0
        assert host.stderr() == ""


@pytest.mark.parametrize("command", ["chatter", "shout"])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_cancels_never_cut_a_frame(concurrency: int, command: str) -> None:
    """Handlers that spend nearly all their time in the runtime, writing; more than the connection takes at
    once.
    """
    chance = random.Random(5)
    with Host(APP, concurrency=concurrency) as host:
        for _ in range(60):
            id = host.request(command, {"seconds": 30})
            host.wait(lambda id=id: started(host, id))
            pause = time.perf_counter() + chance.random() * 0.003
            while time.perf_counter() < pause:
                pass
            host.cancel(id)
            assert host.answer(id)[2]["code"] == "cancelled"
        assert host.work.error is None
        assert host.result("echo", {"x": 1}) == 1
        for log in host.logs("line"):
            # print() writes in several pieces, and the cancel may come between two of them.
            assert re.fullmatch(r"line( \d*)?", log[4])
