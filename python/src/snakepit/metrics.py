"""Metrics of the app's own, exposed by the host beside its own.

    from snakepit import command, metrics

    tokens = metrics.counter("app_tokens_total", "Tokens made.", labels=["model"])

    @command
    def generate(prompt: str):
        tokens.inc(len(prompt.split()), model="small")

The host adds the label ``pool_name``, and ``worker_slot`` where ``by_worker`` is set. Updates are collected and
sent about once a second; one that cannot be taken is counted by the host in
``snakepit_metrics_rejected_total`` and never raises. Outside a worker nothing happens.
"""

from __future__ import annotations

import math
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional, TypeVar

__all__ = ["Counter", "Gauge", "Histogram", "Summary", "counter", "gauge", "histogram", "summary"]

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_RESERVED = ("le", "quantile", "pool_name", "worker_slot")
#: So many updates are sent at once, without waiting for the next second.
_BATCH = 1000
#: What may pile up while the host does not read; more is dropped, and the host told how many.
_MAX_PENDING = 20_000

#: Set by the worker: sends a batch of declarations and updates; False when it could not.
sink: Optional[Callable[[dict[str, Any]], bool]] = None

_registered: dict[str, _Metric] = {}
_undeclared: list[_Metric] = []
_pending: deque[tuple[str, Mapping[str, Any], Any]] = deque()
_flushing = threading.Lock()
_lost = 0


class _Metric:
    _type = ""

    def __init__(self, name: str, help: str, labels: Sequence[str], by_worker: bool, **more: Any) -> None:
        self.name = name
        self.labels = tuple(labels)
        self._declaration = {
            "type": self._type,
            "name": name,
            "help": help,
            "labels": list(self.labels),
            "by_worker": by_worker,
            **{key: value for key, value in more.items() if value is not None},
        }

    def _update(self, value: Any, labels: Mapping[str, Any]) -> None:
        global _lost
        if sink is None:
            return
        if len(_pending) >= _MAX_PENDING:
            _lost += 1
            return
        _pending.append((self.name, labels, value))
        if len(_pending) >= _BATCH:
            flush()


_M = TypeVar("_M", bound=_Metric)


class Counter(_Metric):
    """Only rises."""

    _type = "counter"

    def inc(self, amount: float = 1, /, **labels: object) -> None:
        """Add ``amount``, 0 or more. ``labels``: a value for each label of the metric."""
        self._update(amount, labels)


class Gauge(_Metric):
    """Goes where it is set."""

    _type = "gauge"

    def set(self, value: float, /, **labels: object) -> None:
        """Set the value. ``labels``: a value for each label of the metric."""
        self._update(value, labels)


class Histogram(_Metric):
    """Counts values by size."""

    _type = "histogram"

    def observe(self, value: float, /, **labels: object) -> None:
        """Count a value, in the unit of the metric. ``labels``: a value for each label of the metric."""
        self._update(value, labels)


class Summary(_Metric):
    """Estimates quantiles of the last minutes."""

    _type = "summary"

    def observe(self, value: float, /, **labels: object) -> None:
        """Count a value, 0 or more. ``labels``: a value for each label of the metric."""
        self._update(value, labels)


def counter(
    name: str, help: str, labels: Sequence[str] = (), *, unit: Optional[str] = None, by_worker: bool = False
) -> Counter:
    """Declare a counter; its exposed name ends in ``_total``, which is appended where it is missing.

    ``labels``: names of its labels. Each combination of values is one series, so never an id. ``unit``: base
    unit, in which the name must end. ``by_worker``: one series for each worker slot.

    :raises ValueError: a name or label cannot be exposed, or the name is declared already.
    :raises TypeError: a name, label or help text is not a string.
    """
    return _declare(Counter(*_checked(name, help, labels), by_worker, unit=unit))


def gauge(
    name: str, help: str, labels: Sequence[str] = (), *, unit: Optional[str] = None, by_worker: bool = True
) -> Gauge:
    """Declare a gauge; see :func:`counter`.

    Without ``by_worker`` the workers of a pool share its series, and the last one to set it is right.
    """
    return _declare(Gauge(*_checked(name, help, labels), by_worker, unit=unit))


def histogram(
    name: str,
    help: str,
    labels: Sequence[str] = (),
    *,
    buckets: Optional[Sequence[float]] = None,
    unit: Optional[str] = None,
    by_worker: bool = False,
) -> Histogram:
    """Declare a histogram; see :func:`counter`.

    ``buckets``: upper bounds, rising. Default: those of durations in seconds, 0.001 to 60.

    :raises ValueError: also when the buckets do not rise.
    """
    if buckets is not None:
        buckets = [float(bound) for bound in buckets]
        if not buckets or any(not math.isfinite(b) for b in buckets) or sorted(set(buckets)) != buckets:
            raise ValueError(f"the buckets of {name!r} must be finite and rise, got {buckets!r}")
    return _declare(Histogram(*_checked(name, help, labels), by_worker, unit=unit, buckets=buckets))


def summary(
    name: str,
    help: str,
    labels: Sequence[str] = (),
    *,
    quantiles: Optional[Sequence[float]] = None,
    unit: Optional[str] = None,
    by_worker: bool = False,
) -> Summary:
    """Declare a summary; see :func:`counter`.

    ``quantiles``: from 0 to 1, rising. Default: 0.5, 0.9, 0.95, 0.99.

    :raises ValueError: also when the quantiles do not rise from 0 to 1.
    """
    if quantiles is not None:
        quantiles = [float(q) for q in quantiles]
        if sorted(set(quantiles)) != quantiles or any(not 0 <= q <= 1 for q in quantiles):
            raise ValueError(f"the quantiles of {name!r} must rise from 0 to 1, got {quantiles!r}")
    return _declare(Summary(*_checked(name, help, labels), by_worker, unit=unit, quantiles=quantiles))


def _checked(name: str, help: str, labels: Sequence[str]) -> tuple[str, str, Sequence[str]]:
    if not isinstance(name, str) or not isinstance(help, str):
        raise TypeError("a metric's name and help text are strings")
    if not _NAME.match(name):
        raise ValueError(
            f"the metric name {name!r} has more than letters, digits and '_', or begins with a digit"
        )
    if name.startswith("snakepit_"):
        raise ValueError(f"the metric name {name!r} begins with 'snakepit_', which is for Snakepit's own")
    if not help.strip():
        raise ValueError(f"the metric {name!r} needs a help text")
    if isinstance(labels, str):
        raise TypeError(f"the labels of {name!r} are a list of names, not one string")
    labels = list(labels)
    for label in labels:
        if not isinstance(label, str):
            raise TypeError(f"the labels of {name!r} are strings, got {type(label).__name__}")
        if not _NAME.match(label) or label.startswith("__") or label in _RESERVED:
            raise ValueError(f"the label {label!r} of {name!r} is reserved or not a name")
    if len(set(labels)) != len(labels):
        raise ValueError(f"a label of {name!r} is there twice")
    return name, help, labels


def _declare(metric: _M) -> _M:
    known = _registered.get(metric.name)
    if known is not None:
        # A module that is loaded twice declares the same again.
        if known._declaration != metric._declaration:
            raise ValueError(f"the metric {metric.name!r} is declared already, differently")
        return known  # type: ignore[return-value]  # the same type is part of the declaration
    _registered[metric.name] = metric
    _undeclared.append(metric)
    return metric


def flush() -> None:
    """Send what has been collected. The worker sees to it; an app need not."""
    global _lost
    send = sink
    if send is None or not (_pending or _undeclared or _lost) or not _flushing.acquire(False):
        return
    try:
        declared = list(_undeclared)
        updates = _collected()
        lost = _lost
        batch = {"declared": [of._declaration for of in declared], "updates": updates, "lost": lost}
        if send(batch):
            del _undeclared[: len(declared)]
            _lost -= lost
        else:
            _lost += len(updates)
    except Exception:
        pass  # never the app's concern
    finally:
        _flushing.release()


def _collected() -> list[list[Any]]:
    """Updates as ``[name, [label names…], [label values…], value or [values…]]``, those of a series together."""
    series: dict[tuple[Any, ...], list[Any]] = {}
    updates: list[list[Any]] = []
    for _ in range(len(_pending)):
        try:
            name, labels, value = _pending.popleft()
        except IndexError:
            break
        names = sorted(labels)
        try:
            values = [_label(labels[of]) for of in names]
        except Exception:
            values = [None for _ in names]  # a text whose __str__ raises
        number = _number(value)
        key = (name, *names, *values)
        found = series.get(key)
        kind = _registered[name]._type
        if found is None or number is None:
            update = [name, names, values, [number] if kind in ("histogram", "summary") else number]
            updates.append(update)
            if number is not None:
                series[key] = update
        elif kind == "gauge":
            found[3] = number
        elif kind == "counter":
            if math.isfinite(number) and number >= 0:
                found[3] += number
            else:
                updates.append([name, names, values, number])
        else:
            found[3].append(number)
    return updates


def _label(value: Any) -> Any:
    """Text, numbers and truth values are label values; the host refuses None."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


def _number(value: Any) -> Optional[float]:
    """The value as a float; None, which the host refuses, for what is none. Takes numpy's scalars too."""
    if isinstance(value, (str, bytes)):
        return None
    try:
        return float(value)
    except Exception:
        return None
