"""Events of the app's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Optional

#: Set by the worker: sends an event.
sink: Optional[Callable[[str, Mapping[str, Any], Mapping[str, Any]], None]] = None


def emit(
    name: str,
    measurements: Optional[Mapping[str, float]] = None,
    metadata: Optional[Mapping[str, Any]] = None,
) -> None:
    """Send an event to the host's event bus, where it is ``python.<name>`` with the ids of the running
    request.

    ``measurements``: numbers by name. ``metadata``: anything a command could return. What cannot be sent is
    left out or replaced by its ``repr``, so that an event never breaks a request; outside a worker nothing
    happens.

    :raises TypeError: ``name`` is not a string.
    """
    if not isinstance(name, str):
        raise TypeError(f"emit() takes the event's name as a string, got {type(name).__name__}")
    if sink is not None:
        sink(name, measurements or {}, metadata or {})


class span:
    """Context manager that emits ``<name>.start``, then ``<name>.completed`` or ``<name>.failed`` with
    ``duration_ms``.

    ``metadata`` goes with each of the three; a failure adds ``error``, the exception's class, and is raised
    on.

    :raises TypeError: ``name`` is not a string.
    """

    __slots__ = ("_began", "_metadata", "_name")

    def __init__(self, name: str, metadata: Optional[Mapping[str, Any]] = None) -> None:
        if not isinstance(name, str):
            raise TypeError(f"span() takes its name as a string, got {type(name).__name__}")
        self._name = name
        self._metadata = dict(metadata or {})
        self._began = 0.0

    def __enter__(self) -> span:
        emit(self._name + ".start", {}, self._metadata)
        self._began = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        took = {"duration_ms": (time.perf_counter() - self._began) * 1000}
        if kind is None:
            emit(self._name + ".completed", took, self._metadata)
        else:
            emit(self._name + ".failed", took, {**self._metadata, "error": kind.__name__})
