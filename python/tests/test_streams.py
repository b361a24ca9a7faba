"""Streams and their flow control."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from host import Host

from snakepit._runtime import wire

APP = """
import asyncio, time
from snakepit import command, context

MADE = []
CLEANED = []

@command
def count(n: int, fail_at: int = -1, pause: float = 0.0):
    try:
        for i in range(n):
            if i == fail_at: raise ValueError("in the stream")
            MADE.append(i)
            if pause: time.sleep(pause)
            yield i
    finally:
        CLEANED.append(context().request_id)

@command
async def acount(n: int, fail_at: int = -1, pause: float = 0.0):
    try:
        for i in range(n):
            if i == fail_at: raise ValueError("in the stream")
            MADE.append(i)
            await asyncio.sleep(pause)
            yield i
    finally:
        await asyncio.sleep(0)
        CLEANED.append(context().request_id)

@command
def bad_cleanup():
    try:
        yield 1
        yield 2
    finally:
        raise RuntimeError("in the cleanup")

@command
def stubborn():
    while True:
        try:
            yield 1
        except GeneratorExit:
            pass

@command
def bad_chunk():
    yield 1
    yield {1}

@command
def plain(x: int): return x

@command
async def aplain(x: int): return x

@command
def made(): return len(MADE)

@command
def cleaned(): return CLEANED[-1] if CLEANED else None

@command
def grand(n: int):
    yield "x" * n
"""


@pytest.fixture(scope="module", params=[("msgpack", 1), ("json", 1), ("msgpack", 3)], ids=str)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    codec, concurrency = request.param
    if codec == "msgpack":
        pytest.importorskip("msgpack")
    with Host(APP, codec=codec, concurrency=concurrency) as started:
        yield started


def chunks(host: Host, id: int) -> list[object]:
    return [frame[2] for frame in host.work_frames(wire.CHUNK, id)]


@pytest.mark.parametrize("command", ["count", "acount"])
def test_nothing_is_sent_without_credit(host: Host, command: str) -> None:
    id = host.request(command, {"n": 5}, stream=True)
    # One is made ahead; the ping shows that the worker has had time to do more if it were going to.
    host.wait(lambda: host.words()[0] or True)
    for count in (2, 1, 5):
        had = len(chunks(host, id))
        host.work.send([wire.CREDIT, id, count])
        host.wait(lambda had=had, count=count: len(chunks(host, id)) == min(5, had + count))
    answer = host.answer(id)
    assert answer[0] == wire.RESPONSE and answer[2] is None
    assert chunks(host, id) == list(range(5))


@pytest.mark.parametrize("command", ["count", "acount"])
def test_exact_credit_is_enough_for_the_end(host: Host, command: str) -> None:
    id = host.request(command, {"n": 3}, stream=True)
    host.work.send([wire.CREDIT, id, 3])
    assert host.answer(id)[0] == wire.RESPONSE
    assert chunks(host, id) == [0, 1, 2]
    empty = host.request(command, {"n": 0}, stream=True)
    assert host.answer(empty)[:3] == [wire.RESPONSE, empty, None]


@pytest.mark.parametrize("command", ["count", "acount"])
def test_credit_in_the_same_write_as_the_request(host: Host, command: str) -> None:
    frame = host.frame(command, {"n": 2000}, stream=True)
    host.work.send(frame, [wire.CREDIT, frame[1], 2000])
    assert host.answer(frame[1])[0] == wire.RESPONSE
    assert chunks(host, frame[1]) == list(range(2000))


@pytest.mark.parametrize("command", ["count", "acount"])
def test_without_stream_the_answer_is_a_list(host: Host, command: str) -> None:
    assert host.result(command, {"n": 4}) == [0, 1, 2, 3]
    assert host.failure(command, {"n": 4, "fail_at": 2})["message"] == "ValueError: in the stream"


@pytest.mark.parametrize("command", ["count", "acount"])
def test_a_failure_in_the_midst(host: Host, command: str) -> None:
    id = host.request(command, {"n": 4, "fail_at": 2}, stream=True)
    host.work.send([wire.CREDIT, id, 10])
    answer = host.answer(id)
    assert answer[0] == wire.ERROR and answer[2]["message"] == "ValueError: in the stream"
    assert chunks(host, id) == [0, 1]
    assert [f["function"] for f in answer[2]["exception"]["frames"]] == [command]


@pytest.mark.parametrize("command", ["plain", "aplain"])
def test_a_plain_command_is_one_chunk(host: Host, command: str) -> None:
    id = host.request(command, {"x": 7}, stream=True)
    host.work.send([wire.CREDIT, id, 1])
    assert host.answer(id)[:3] == [wire.RESPONSE, id, None]
    assert chunks(host, id) == [7]


@pytest.mark.parametrize("command", ["count", "acount"])
def test_leaving_early_runs_finally(host: Host, command: str) -> None:
    id = host.request(command, {"n": 1_000_000}, stream=True)
    host.work.send([wire.CREDIT, id, 2])
    host.wait(lambda: len(chunks(host, id)) == 2)
    host.cancel(id)
    answer = host.answer(id)
    assert answer[0] == wire.ERROR and answer[2]["code"] == "cancelled"
    assert host.result("cleaned") == f"r{id}"
    assert len(chunks(host, id)) == 2


@pytest.mark.parametrize("command", ["count", "acount"])
def test_leaving_while_chunks_flow(host: Host, command: str) -> None:
    id = host.request(command, {"n": 1_000_000, "pause": 0.001}, stream=True)
    host.work.send([wire.CREDIT, id, 1_000_000])
    host.wait(lambda: len(chunks(host, id)) >= 3)
    host.cancel(id)
    assert host.answer(id)[2]["code"] == "cancelled"
    assert host.result("cleaned") == f"r{id}"


@pytest.mark.parametrize("command", ["count", "acount"])
def test_chunks_are_made_on_demand(host: Host, command: str) -> None:
    before = host.result("made")
    id = host.request(command, {"n": 100}, stream=True)
    host.work.send([wire.CREDIT, id, 1])
    host.wait(lambda: len(chunks(host, id)) == 1)
    host.cancel(id)
    host.answer(id)
    assert host.result("made") - before <= 2


def test_slow_chunks_leave_at_once(host: Host) -> None:
    id = host.request("count", {"n": 3, "pause": 0.15}, stream=True)
    host.work.send([wire.CREDIT, id, 10])
    host.answer(id)
    times = [at for frame, at in zip(host.work.frames, host.work.arrived) if frame[:2] == [wire.CHUNK, id]]
    assert all(later - earlier > 0.1 for earlier, later in zip(times, times[1:]))


def test_a_cleanup_that_fails_is_logged_and_changes_nothing(host: Host) -> None:
    for command, text in (("bad_cleanup", "in the cleanup"), ("stubborn", "generator ignored GeneratorExit")):
        id = host.request(command, stream=True)
        host.work.send([wire.CREDIT, id, 1])
        host.wait(lambda id=id: chunks(host, id) == [1])
        host.cancel(id)
        assert host.answer(id)[2]["code"] == "cancelled"
        logs = [log for log in host.logs("closing a stream that was left early failed") if log[1] == id]
        assert len(logs) == 1 and text in logs[0][6]["traceback"]


def test_a_chunk_that_cannot_be_sent(host: Host) -> None:
    id = host.request("bad_chunk", stream=True)
    host.work.send([wire.CREDIT, id, 10])
    problem = host.answer(id)[2]
    assert (problem["code"], problem["path"]) == ("unserializable", "$")
    assert chunks(host, id) == [1]


def test_credit_for_a_stream_that_is_over_is_ignored(host: Host) -> None:
    host.work.send([wire.CREDIT, 999_999, 5])
    assert host.result("plain", {"x": 1}) == 1


def test_other_requests_wait_behind_a_stream_and_come_after(host: Host) -> None:
    id = host.request("count", {"n": 3}, stream=True)
    others = [host.request("plain", {"x": n}) for n in range(3)]
    host.work.send([wire.CREDIT, id, 1])
    host.wait(lambda: len(chunks(host, id)) == 1)
    if host.welcome["concurrency"] == 1:
        assert not any(host.answers(other) for other in others)
    host.work.send([wire.CREDIT, id, 5])
    host.answer(id)
    assert [host.answer(other)[2] for other in others] == [0, 1, 2]


# With more slots they would start at once.
@pytest.mark.parametrize("host", [("msgpack", 1), ("json", 1)], indirect=True, ids=str)
def test_requests_behind_a_waiting_stream_can_be_recalled_and_cancelled(host: Host) -> None:
    id = host.request("count", {"n": 3}, stream=True)
    host.wait(lambda: host.words()[0] == id)
    others = [host.request("plain", {"x": n}) for n in range(3)]
    assert host.recall(others[0], others[2], id, 12345) == [others[0], others[2]]
    host.cancel(others[1])
    assert host.answer(others[1])[2]["code"] == "cancelled"
    host.cancel(id)
    assert host.answer(id)[2]["code"] == "cancelled"
    assert host.result("plain", {"x": 5}) == 5
    assert not host.answers(others[0]) and not host.answers(others[2])


def test_a_chunk_over_the_limit(codec: str) -> None:
    with Host(APP, codec=codec, max_frame_bytes=10_000) as host:
        id = host.request("grand", {"n": 20_000}, stream=True)
        host.work.send([wire.CREDIT, id, 10])
        assert host.answer(id)[2]["code"] == "payload_too_large"
