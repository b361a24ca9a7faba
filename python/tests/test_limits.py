"""What an app prints and logs is limited, and what is dropped is counted."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from host import Host

from snakepit._runtime import wire
from snakepit._runtime.limit import Limiter, Rate

APP = """
import asyncio, logging, os, sys, time, warnings
from snakepit import command, on_stop

log = logging.getLogger("app")
log.setLevel(logging.DEBUG)

@command
def flood(n: int):
    for i in range(n): print("line", i)

@command
async def aflood(n: int):
    for i in range(n):
        print("line", i)
        if i % 100 == 0: await asyncio.sleep(0)

@command
def levels(n: int):
    warnings.simplefilter("always")
    for i in range(n):
        log.debug("d"); log.info("i"); log.warning("w"); log.error("e"); log.critical("c")
        print("p"); print("p", file=sys.stderr); warnings.warn("v")

@command
def errors(n: int):
    for i in range(n): log.error("error %d", i)

@command
def flood_and_wait(n: int):
    flood(n)
    while not os.path.exists("go"): time.sleep(0.001)

@command
def flood_until_go():
    n = 0
    while not os.path.exists("go"):
        print("line"); n += 1
    return n

@command
def lull(n: int):
    flood(n); time.sleep(0.3); print("after")

@command
def echo(x): return x

@on_stop
def stopping():
    if os.path.exists("noisy"): flood(500)
"""
LOW = {"per_second": 10, "burst": 100}


def summaries(host: Host) -> list[list[Any]]:
    return [log for log in host.logs() if log[3] == "snakepit.output"]


def lost(host: Host) -> int:
    return sum(log[6].get("dropped", 0) for log in host.logs())


def kept(host: Host) -> int:
    return len(host.logs()) - len(summaries(host))


def test_a_flood_is_cut_and_counted_before_its_answer(codec: str) -> None:
    with Host(APP, codec=codec, log_rate=LOW) as host:
        id = host.request("flood", {"n": 5000})
        host.answer(id)
        logs = [frame for frame in host.work.frames if frame[0] == wire.LOG]
        assert all(log[1] == id for log in logs)
        assert 100 <= kept(host) < 200 and kept(host) + lost(host) == 5000
        assert [log[4] for log in logs[:100]] == [f"line {n}" for n in range(100)]
        (_, _, level, logger, message, at, fields) = logs[-1]
        assert (level, logger) == ("warning", "snakepit.output")
        assert message == f"{fields['dropped']} records were dropped: more than 10 a second"
        assert fields["by_level"] == {"info": fields["dropped"]}
        assert abs(at - time.time() * 1000) < 60_000
        assert host.work.frames[-1] == host.answer(id)


def test_without_a_limit_nothing_is_dropped() -> None:
    with Host(APP) as host:
        host.result("flood", {"n": 5000})
        assert kept(host) == 5000 and not lost(host)


def test_less_than_the_limit_is_let_alone() -> None:
    with Host(APP, log_rate={"per_second": 0.5, "burst": 200}) as host:
        host.result("flood", {"n": 200})
        assert kept(host) == 200 and not summaries(host)


def test_by_level_whatever_made_the_record() -> None:
    with Host(APP, log_rate={"per_second": 0.01, "burst": 8}) as host:
        host.result("levels", {"n": 100})
        (summary,) = summaries(host)
        by_level = summary[6]["by_level"]
        # The first round passes, and of the rest two errors, which are the reserve.
        assert by_level["debug"] == 99
        assert by_level["info"] == by_level["info"] == 2 * 99
        assert by_level["warning"] == 3 * 99
        assert by_level["error"] + by_level["critical"] == 2 * 99 - 2
        assert kept(host) == 10


def test_errors_have_a_reserve_in_a_flood() -> None:
    with Host(APP, log_rate=LOW) as host:
        host.result("flood", {"n": 3000})
        host.result("errors", {"n": 25})
        assert len(host.logs("error ")) == 25
        host.result("errors", {"n": 200})
        assert 25 <= len(host.logs("error ")) < 225


def test_the_news_comes_while_the_request_still_runs() -> None:
    with Host(APP, log_rate=LOW) as host:
        id = host.request("flood_and_wait", {"n": 1000})
        began = time.monotonic()
        host.wait(lambda: summaries(host))
        assert time.monotonic() - began < 5
        assert not host.answers(id)
        assert kept(host) + lost(host) == 1000
        (host.folder / "go").touch()
        host.answer(id)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_flood_without_end_makes_about_one_piece_of_news_a_second(concurrency: int) -> None:
    with Host(APP, log_rate=LOW, concurrency=concurrency) as host:
        ids = [host.request("flood_until_go") for _ in range(concurrency)]
        began = time.monotonic()
        host.wait(lambda: len(summaries(host)) >= 3)
        took = time.monotonic() - began
        (host.folder / "go").touch()
        made = sum(host.answer(id)[2] for id in ids)
        assert len(summaries(host)) <= took + 2
        assert host.stop() == 0
        host.wait(lambda: host.work.closed)
        assert kept(host) + lost(host) == made


def test_many_short_requests_share_their_news(codec: str) -> None:
    with Host(APP, codec=codec, log_rate={"per_second": 1, "burst": 10}) as host:
        began = time.monotonic()
        frames = [host.frame("flood", {"n": 5}) for _ in range(2000)]
        host.work.send(*frames)
        host.answer(frames[-1][1])
        assert len(summaries(host)) <= time.monotonic() - began + 2
        host.wait(lambda: kept(host) + lost(host) == 10_000)


def test_the_last_news_comes_with_the_end_of_the_process() -> None:
    with Host(APP, log_rate=LOW) as host:
        host.result("flood", {"n": 1000})
        (host.folder / "noisy").touch()
        assert host.stop() == 0
        host.wait(lambda: host.work.closed)
        assert kept(host) + lost(host) == 1500


def test_a_start_that_fails_after_a_flood() -> None:
    with Host("for n in range(1000): print(n)\nraise ValueError", start=False, log_rate=LOW) as host:
        host.accept()
        assert host.exit_code() == 1
        host.wait(lambda: host.work.closed)
        assert kept(host) + lost(host) == 1000


def test_after_a_lull_the_news_comes_first() -> None:
    with Host(APP, log_rate={"per_second": 100, "burst": 100}) as host:
        host.result("lull", {"n": 500})
        texts = [log[4] for log in host.logs()]
        assert texts[-1] == "after" and "dropped" in texts[-2]


@pytest.mark.parametrize("command", ["flood", "aflood"])
def test_the_count_is_exact_with_threads(command: str) -> None:
    with Host(APP, log_rate=LOW, concurrency=4) as host:
        ids = [host.request(command, {"n": 3000}) for _ in range(8)]
        for id in ids:
            host.answer(id)
        host.stop()
        host.wait(lambda: host.work.closed)
        assert kept(host) + lost(host) == 24_000


def test_the_count_is_exact_with_a_host_that_does_not_read() -> None:
    with Host(APP, log_rate={"per_second": 20_000, "burst": 20_000}) as host:
        host.work.paused.clear()
        id = host.request("flood", {"n": 60_000})
        host.control.send([wire.PING, 1])
        host.wait(lambda: host.control_frames(wire.PONG))
        time.sleep(0.5)
        host.work.paused.set()
        assert host.answer(id)[0] == wire.RESPONSE
        host.stop()
        host.wait(lambda: host.work.closed)
        assert lost(host) > 0 and kept(host) + lost(host) == 60_000


def test_a_flood_does_not_hold_the_app_up() -> None:
    with Host(APP, log_rate=LOW) as host:
        began = time.monotonic()
        host.result("flood", {"n": 200_000})
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("rate", [{}, {"per_second": 0, "burst": 1}, {"per_second": 1, "burst": True}, 5])
def test_a_limit_that_is_none(rate: Any) -> None:
    with Host("x = 1", start=False, log_rate=rate) as host:
        host.greet("control")
        assert host.exit_code() == 1
        assert re.search(r"^snakepit: .*log_rate", host.stderr()) and "Traceback" not in host.stderr()


def test_a_clock_that_is_set_back_gives_nothing_and_takes_nothing() -> None:
    limiter = Limiter(Rate(10, 5))
    assert [limiter.take(1000.0) for _ in range(6)] == [True] * 5 + [False]
    assert not limiter.take(500.0)
    assert limiter.take(500.1)
    assert not limiter.take(500.1)
