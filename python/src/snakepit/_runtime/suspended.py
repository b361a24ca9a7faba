"""Where a coroutine is that is not running: the frames from it to what it waits for."""

from __future__ import annotations

import gc
from types import AsyncGeneratorType, CodeType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, Optional, Union

if TYPE_CHECKING:
    import asyncio

#: A line of code: what is executed and where.
Place = tuple[CodeType, int]
#: Places from the outermost inwards, and remarks on those before.
Part = Union[Place, str]

_MAX_PLACES = 1000
_MAX_TASKS = 8
#: Wrappers made in C around a coroutine or a generator, which they do not give away.
_WRAPPERS = frozenset(
    ("coroutine_wrapper", "async_generator_asend", "async_generator_athrow", "anext_awaitable")
)
_LAZY = (CoroutineType, GeneratorType, AsyncGeneratorType)


def look(coroutine: Any, task: Optional[asyncio.Task[Any]]) -> list[Part]:
    """Where a coroutine is and what it waits for, through the tasks that it waits for."""
    parts: list[Part] = []
    places, _ = chain(coroutine)
    parts += places
    _follow(_name(coroutine), task, parts, {id(task)})
    return parts


def chain(awaitable: Any) -> tuple[list[Place], Any]:
    """The places from a coroutine, generator or async generator inwards, and what the innermost waits for."""
    places: list[Place] = []
    while awaitable is not None and len(places) < _MAX_PLACES:
        if isinstance(awaitable, CoroutineType):
            frame, inner = awaitable.cr_frame, awaitable.cr_await
        elif isinstance(awaitable, GeneratorType):
            frame, inner = awaitable.gi_frame, awaitable.gi_yieldfrom
        elif isinstance(awaitable, AsyncGeneratorType):
            frame, inner = awaitable.ag_frame, awaitable.ag_await
        elif type(awaitable).__name__ in _WRAPPERS:
            awaitable = next((held for held in gc.get_referents(awaitable) if isinstance(held, _LAZY)), None)
            continue
        else:
            break
        if frame is not None:
            places.append((frame.f_code, frame.f_lineno or frame.f_code.co_firstlineno))
        awaitable = inner
    return places, awaitable


def _follow(name: str, task: Optional[asyncio.Task[Any]], parts: list[Part], seen: set[int]) -> None:
    """Add what the task waits for."""
    import asyncio

    waiter = getattr(task, "_fut_waiter", None)
    if waiter is None:
        parts.append(f"coroutine {name}, which is about to go on")
        return
    awaited = [waiter]
    if not isinstance(waiter, asyncio.Task):
        # What gather() returns knows its tasks; other futures know nobody.
        awaited = [child for child in getattr(waiter, "_children", ()) if not child.done()]
    tasks = [other for other in awaited if isinstance(other, asyncio.Task)]
    if not tasks:
        parts.append(f"coroutine {name}, suspended: it waits for a {type(waiter).__name__}")
        return
    names = ", ".join(other.get_name() for other in tasks[:_MAX_TASKS]) + (
        ", …" if tasks[_MAX_TASKS:] else ""
    )
    parts.append(f"coroutine {name}, suspended: it waits for {names}")
    for other in tasks[:_MAX_TASKS]:
        if id(other) in seen or len(seen) > _MAX_TASKS:
            continue
        seen.add(id(other))
        coroutine = other.get_coro()
        places, _ = chain(coroutine)
        parts += places
        _follow(f"{_name(coroutine)} of {other.get_name()}", other, parts, seen)


def _name(coroutine: Any) -> str:
    return str(getattr(coroutine, "__qualname__", type(coroutine).__name__))
