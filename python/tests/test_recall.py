"""Recalling: a request is started or given back, never both, never neither."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from host import Host

from snakepit._runtime import wire

APP = """
import time
from snakepit import command
@command
def spin(micros: int):
    end = time.perf_counter() + micros / 1e6
    while time.perf_counter() < end: pass
    return micros
@command
def sleep(seconds: float): time.sleep(seconds)
"""


@pytest.mark.parametrize("concurrency", [1, 2])
def test_unstarted_requests_are_given_back(codec: str, concurrency: int) -> None:
    with Host(APP, codec=codec, concurrency=concurrency) as host:
        # The first ones are read and started; the others come while their handlers run and stay in the
        # kernel's buffer.
        first = [host.request("sleep", {"seconds": 0.6}) for _ in range(concurrency)]
        host.wait(lambda: all(word != 0 for word in host.words()))
        behind = [host.request("spin", {"micros": n}) for n in range(5)]
        assert host.recall(*first, *behind[1:4]) == behind[1:4]
        assert not any(host.answers(id) for id in first)
        assert [host.answer(id)[2] for id in (behind[0], behind[4])] == [0, 4]
        assert all(host.answer(id)[0] == wire.RESPONSE for id in first)
        assert host.recall(*behind) == []
        assert not any(host.answers(id) for id in behind[1:4])


def test_requests_of_the_same_read(codec: str) -> None:
    with Host(APP, codec=codec) as host:
        frames = [host.frame("sleep", {"seconds": 0.5})] + [
            host.frame("spin", {"micros": 0}) for _ in range(20)
        ]
        host.work.send(*frames)
        host.wait(lambda: host.words() == [frames[0][1]])
        ids = [frame[1] for frame in frames]
        assert host.recall(*ids) == ids[1:]
        # What comes meanwhile is not forgotten.
        after = host.request("spin", {"micros": 7})
        assert host.answer(after)[2] == 7


def test_an_idle_worker_has_nothing_to_give_back() -> None:
    with Host(APP) as host:
        assert host.recall(1, 2, 3) == []
        assert host.result("spin", {"micros": 1}) == 1


@pytest.mark.parametrize(("codec_name", "concurrency"), [("msgpack", 1), ("json", 1), ("msgpack", 3)])
def test_random_recalls(codec_name: str, concurrency: int) -> None:
    if codec_name == "msgpack":
        pytest.importorskip("msgpack")
    chance = random.Random(concurrency)
    with Host(APP, codec=codec_name, concurrency=concurrency) as host:
        ids: list[int] = []
        recalls = 0
        for _ in range(300):
            frames = [
                host.frame("spin", {"micros": chance.choice([0, 5, 100, 500])})
                for _ in range(chance.randint(1, 20))
            ]
            batch = [frame[1] for frame in frames]
            ids += batch
            for frame in frames if chance.random() < 0.3 else ():
                host.work.send(frame)
                frames = []
            if frames:
                host.work.send(*frames)
            pause = time.perf_counter() + chance.choice([0, 20, 200, 1000]) / 1e6
            while time.perf_counter() < pause:
                pass
            host.control.send([wire.RECALL, chance.sample(batch, chance.randint(1, len(batch)))])
            recalls += 1
            if chance.random() < 0.2:
                host.wait(lambda recalls=recalls: len(host.control_frames(wire.RECALLED)) == recalls)
        host.wait(lambda: len(host.control_frames(wire.RECALLED)) == recalls)
        back = [id for frame in host.control_frames(wire.RECALLED) for id in frame[1]]
        assert len(back) == len(set(back)) > 100
        host.wait(lambda: count(host) >= len(ids) - len(back), "an answer to each that was not given back")
        assert host.result("spin", {"micros": 1}) == 1
        answered = [frame[1] for frame in host.work.frames if frame[0] in (wire.RESPONSE, wire.ERROR)][:-1]
        assert sorted(answered + back) == ids


def count(host: Host) -> int:
    return sum(1 for frame in host.work.frames if frame[0] in (wire.RESPONSE, wire.ERROR))


def test_answers_and_order_are_kept_around_recalls(codec: str) -> None:
    with Host(APP, codec=codec) as host:
        order: list[Any] = []
        for _ in range(20):
            frames = [host.frame("spin", {"micros": 50}) for _ in range(30)]
            host.work.send(*frames)
            host.recall(*[frame[1] for frame in frames[10:20]])
            order += [frame[1] for frame in frames]
        host.answer(order[-1])
        answered = [frame[1] for frame in host.work.frames if frame[0] == wire.RESPONSE]
        assert answered == sorted(answered)
