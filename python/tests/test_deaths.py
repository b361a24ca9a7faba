"""Processes that end in odd places."""

from __future__ import annotations

import pytest
from host import Host

from snakepit._runtime import wire

COMMAND = "from snakepit import command, on_start, on_stop\nimport os, sys\n@command\ndef echo(x): return x\n"


def ended(host: Host) -> int:
    code = host.exit_code()
    host.wait(lambda: host.control.closed and host.work.closed)
    assert host.control.error is None and host.work.error is None
    return code


@pytest.mark.parametrize(
    ("source", "phases"),
    [
        (f"{COMMAND}print('last words')\nos._exit(5)", ["import"]),
        (f"{COMMAND}@on_start\ndef go():\n  print('last words'); os._exit(5)", ["import", "on_start"]),
        (f"{COMMAND}@on_start\nasync def go():\n  print('last words'); os._exit(5)", ["import", "on_start"]),
    ],
    ids=["import", "on_start", "async on_start"],
)
def test_in_the_start(source: str, phases: list[str]) -> None:
    with Host(source, start=False) as host:
        host.accept()
        assert ended(host) == 5
        # Its death is all there is to say: no READY, no START_FAILED.
        assert [frame[1:] for frame in host.control.frames] == [[phase] for phase in phases]
        assert host.logs("last words")


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("concurrency", [1, 2])
def test_in_a_generator(kind: str, concurrency: int) -> None:
    source = f"{COMMAND}@command\n{kind} count():\n  yield 1\n  yield 2\n  os._exit(6)\n"
    with Host(source, concurrency=concurrency) as host:
        id = host.request("count", stream=True)
        host.work.send([wire.CREDIT, id, 1])
        host.wait(lambda: host.work_frames(wire.CHUNK, id))
        host.work.send([wire.CREDIT, id, 9])
        assert ended(host) == 6
        assert [frame[2] for frame in host.work_frames(wire.CHUNK, id)] in ([1], [1, 2])
        assert not host.answers(id) and id in host.words()


def test_in_a_generator_that_is_closed() -> None:
    source = f"{COMMAND}@command\ndef count():\n  try:\n    yield 1\n    yield 2\n  finally: os._exit(6)\n"
    with Host(source) as host:
        id = host.request("count", stream=True)
        host.work.send([wire.CREDIT, id, 1])
        host.wait(lambda: host.work_frames(wire.CHUNK, id))
        host.cancel(id)
        assert ended(host) == 6
        assert not host.answers(id)


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_in_on_stop(kind: str, concurrency: int) -> None:
    source = f"{COMMAND}@on_stop\n{kind} bye():\n  print('last words'); os._exit(7)\n"
    with Host(source, concurrency=concurrency) as host:
        id = host.request("echo", {"x": 1})
        assert host.answer(id)[2] == 1
        host.control.send([wire.STOP])
        assert ended(host) == 7
        assert host.logs("last words")


def test_with_answers_on_their_way() -> None:
    source = f"{COMMAND}@command\ndef leave(): os._exit(8)\n"
    with Host(source) as host:
        frames = [host.frame("echo", {"x": "y" * 1000}) for _ in range(50)]
        last = host.frame("leave")
        host.work.send(*frames, last)
        assert ended(host) == 8
        # What was answered can be fewer than what was started, never more; the word says how far it came.
        done = sum(1 for frame in frames if host.answers(frame[1]))
        assert host.words() == [last[1]] and done <= 50 and not host.answers(last[1])
