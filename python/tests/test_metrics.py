"""Metrics of the app's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from host import Host

from snakepit import metrics
from snakepit._runtime import wire

APP = """
from snakepit import command, metrics

made = metrics.counter("app_made", "Made.", labels=["kind"])
took = metrics.histogram("app_took_seconds", "Took.", unit="seconds")

@command
def make(n: int):
    for i in range(n):
        made.inc(kind="a")
        took.observe(i)
"""


def batches(host: Host) -> list[dict[str, Any]]:
    return [frame[4] for frame in host.work_frames(wire.EVENT) if frame[2] == "_metrics"]


def total(host: Host, name: str) -> float:
    updates = [update for batch in batches(host) for update in batch["updates"] if update[0] == name]
    return sum(len(u[3]) if isinstance(u[3], list) else u[3] for u in updates)


def test_a_worker_sends_batches() -> None:
    with Host(APP) as host:
        host.result("make", {"n": 3000})
        host.wait(lambda: total(host, "app_took_seconds") == 3000)
        assert total(host, "app_made") == 3000
        declared = [of for batch in batches(host) for of in batch["declared"]]
        assert [of["name"] for of in declared] == ["app_made", "app_took_seconds"]
        assert all(batch["lost"] == 0 for batch in batches(host))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    got: list[dict[str, Any]] = []
    monkeypatch.setattr(metrics, "_registered", {})
    monkeypatch.setattr(metrics, "_undeclared", [])
    monkeypatch.setattr(metrics, "_pending", type(metrics._pending)())
    monkeypatch.setattr(metrics, "_lost", 0)
    monkeypatch.setattr(metrics, "sink", lambda batch: got.append(batch) or True)
    yield got


def test_outside_a_worker_nothing_happens(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "sink", None)
    metrics.counter("app_x", "x").inc()
    metrics.flush()
    assert not metrics._pending and sent == []


def test_updates_of_a_series_are_put_together(sent: list[dict[str, Any]]) -> None:
    c, g = metrics.counter("app_c", "c", ["a", "b"]), metrics.gauge("app_g", "g")
    h, s = metrics.histogram("app_h", "h"), metrics.summary("app_s", "s")
    c.inc(1, a="x", b=1)
    c.inc(2, b="1", a="x")
    c.inc(True, a=True, b=None)
    g.set(1)
    g.set(3)
    h.observe(1)
    h.observe(2)
    s.observe("7")
    metrics.flush()
    assert sent[0]["updates"] == [
        ["app_c", ["a", "b"], ["x", "1"], 3.0],
        ["app_c", ["a", "b"], ["true", None], 1.0],
        ["app_g", [], [], 3.0],
        ["app_h", [], [], [1.0, 2.0]],
        ["app_s", [], [], [None]],
    ]
    metrics.flush()
    assert len(sent) == 1


def test_what_the_host_does_not_take_is_bounded_and_told(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "sink", lambda batch: False)
    monkeypatch.setattr(metrics, "_BATCH", 10**9)
    c = metrics.counter("app_c", "c", ["l"])
    for i in range(metrics._MAX_PENDING + 5):
        c.inc(l=i)
    assert len(metrics._pending) == metrics._MAX_PENDING
    metrics.flush()
    monkeypatch.setattr(metrics, "sink", lambda batch: sent.append(batch) or True)
    metrics.flush()
    assert sent[0]["lost"] == metrics._MAX_PENDING + 5
    assert [of["name"] for of in sent[0]["declared"]] == ["app_c"]


def test_labels_that_raise_hurt_nobody(sent: list[dict[str, Any]]) -> None:
    class Bad(str):
        def __str__(self) -> str:
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]

    c = metrics.counter("app_c", "c", ["l"])
    c.inc(l=Bad())
    c.inc(l="fine")
    metrics.flush()
    assert sent[-1]["updates"] == [["app_c", ["l"], [None], 1.0], ["app_c", ["l"], ["fine"], 1.0]]


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: metrics.counter("a-b", "x"), "letters, digits"),
        (lambda: metrics.counter("snakepit_x", "x"), "Snakepit's own"),
        (lambda: metrics.counter("app_x", " "), "help text"),
        (lambda: metrics.counter("app_x", "x", ["le"]), "reserved"),
        (lambda: metrics.counter("app_x", "x", ["pool_name"]), "reserved"),
        (lambda: metrics.counter("app_x", "x", ["a", "a"]), "twice"),
        (lambda: metrics.histogram("app_x", "x", buckets=[2, 1]), "rise"),
        (lambda: metrics.histogram("app_x", "x", buckets=[]), "rise"),
        (lambda: metrics.summary("app_x", "x", quantiles=[0.5, 2]), "rise from 0 to 1"),
    ],
)
def test_a_bad_declaration_says_what_is_wrong(make: Any, why: str, sent: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match=why):
        make()


def test_declarations_that_are_no_text(sent: list[dict[str, Any]]) -> None:
    for make in (
        lambda: metrics.counter(1, "x"),  # type: ignore[arg-type]
        lambda: metrics.counter("app_x", "x", "label"),
        lambda: metrics.counter("app_x", "x", [1]),  # type: ignore[list-item]
    ):
        with pytest.raises(TypeError):
            make()


def test_the_same_may_be_declared_again(sent: list[dict[str, Any]]) -> None:
    assert metrics.counter("app_x", "x") is metrics.counter("app_x", "x")
    with pytest.raises(ValueError, match="differently"):
        metrics.counter("app_x", "y")
