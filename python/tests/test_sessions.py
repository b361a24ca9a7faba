"""Sessions: data that changes, state that is handed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from host import Host

from snakepit._runtime import wire

APP = """
from snakepit import command, context, on_start, restore, snapshot

memory = {}

@command
def add(n: int):
    session = context().session
    session.data = (session.data or 0) + n
    return session.data

@command
def append(word: str):
    context().session.data["words"].append(word)

@command
def read():
    return context().session.data

@command
def untouched():
    return context().session.id

@command
def same():
    context().session.data = {"b": [1], "a": "x"}

@command
async def later(n: int):
    context().session.data = n

@command
def stream(n: int):
    for i in range(n):
        yield i
    context().session.data = "streamed"

@command
def fail():
    context().session.data = "lost"
    raise ValueError("no")

@command
def bad():
    context().session.data = {"a": object()}

@command
def hold():
    return memory.get(context().session.id)

@snapshot
def take(session_id):
    return memory.get(session_id)

@restore
async def give(session_id, state):
    memory[session_id] = state
"""


def change(answer: list[Any]) -> Any:
    """What an answer says of the session; fails when it says nothing."""
    assert answer[0] == wire.RESPONSE, answer
    assert len(answer) == 7, answer
    return answer[6]["data"]


def session(data: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": "s-1", "data": data, **more}


@pytest.fixture(params=[1, 3], ids=["concurrency 1", "concurrency 3"])
def host(request: Any, codec: str) -> Iterator[Host]:
    with Host(APP, codec=codec, concurrency=request.param) as host:
        yield host


def test_a_change_comes_back_with_the_result(host: Any) -> None:
    answer = host.call("add", {"n": 2}, session=session(5))
    assert (answer[2], change(answer)) == (7, 7)
    assert change(host.call("append", {"word": "b"}, session=session({"words": ["a"]}))) == {
        "words": ["a", "b"]
    }
    assert change(host.call("later", {"n": 3}, session=session(1))) == 3


def test_nothing_comes_back_where_nothing_was_changed(host: Any) -> None:
    for command, data in (("read", {"a": 1}), ("untouched", 5), ("same", {"b": [1], "a": "x"})):
        answer = host.call(command, session=session(data))
        assert answer[0] == wire.RESPONSE and len(answer) == 5, answer


def test_a_failed_handler_changes_nothing(host: Any) -> None:
    answer = host.call("fail", session=session("kept"))
    assert answer[0] == wire.ERROR and answer[2]["code"] == "python_exception"


def test_data_that_cannot_be_sent_is_named(host: Any) -> None:
    failure = host.failure("bad", session=session())
    assert failure["code"] == "unserializable"
    assert failure["path"] == "$.a"
    assert failure["message"].startswith("the data of the session cannot be sent")


def test_data_of_one_request_is_not_that_of_the_next(host: Any) -> None:
    host.call("add", {"n": 2}, session=session(5))
    assert host.result("read", session=session({"fresh": True})) == {"fresh": True}


def test_state_is_taken_and_given(host: Any) -> None:
    assert host.result("snakepit.snapshot", {"session_id": "s-1"}) is None
    assert host.result("hold", session=session(restore=["what", "was"])) == ["what", "was"]
    assert host.result("snakepit.snapshot", {"session_id": "s-1"}) == ["what", "was"]
