"""The decorators an app uses, and the registry they write to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional, TypeVar, overload

_F = TypeVar("_F", bound=Callable[..., Any])

#: What the decorators have seen, in the order of definition. The worker reads it once the app is imported.
commands: dict[str, Callable[..., Any]] = {}
start_hooks: list[Callable[[], Any]] = []
stop_hooks: list[Callable[[], Any]] = []
#: By name, ``snapshot`` and ``restore``: each at most once.
session_hooks: dict[str, Callable[..., Any]] = {}


@overload
def command(function: _F, /) -> _F: ...
@overload
def command(*, name: Optional[str] = None) -> Callable[[_F], _F]: ...


def command(function: Optional[_F] = None, /, *, name: Optional[str] = None) -> Any:
    """Make a function callable from Node.js under its own name, or under ``name``.

    It may be a plain function, ``async def``, a generator (its values are the chunks of a stream) or an async
    generator. Arguments arrive by name and are checked against the annotations: ``str``, ``int``, ``float``,
    ``bool``, ``bytes``, ``list``, ``dict``, ``tuple``, ``None``, ``Optional``, ``Union``, ``Literal``; of
    ``list[int]`` and its like only the outer type. An int passes for a float, a bool is no int. Other
    annotations are not checked.

    The function is returned unchanged.

    :raises TypeError: the decorated thing is not callable, or ``name`` is not a string.
    :raises ValueError: ``name`` is empty, or another function already has it.
    """
    if function is None:
        return lambda wrapped: _register(wrapped, name)
    return _register(function, name)


def on_start(hook: _F) -> _F:
    """Run a function (plain or ``async``, without arguments) once per worker, before the worker counts as
    ready.

    The place to load models. Hooks run in the order of their definition; one that raises makes the start
    fail, and its traceback is shown. Returned unchanged.
    """
    _check_callable("on_start", hook)
    start_hooks.append(hook)
    return hook


def on_stop(hook: _F) -> _F:
    """Run a function (plain or ``async``, without arguments) when a worker stops in an orderly way.

    Hooks run in reverse order of their definition; what one raises is logged and the rest still run. They do
    not run when the process is killed. Returned unchanged.
    """
    _check_callable("on_stop", hook)
    stop_hooks.append(hook)
    return hook


def snapshot(hook: _F) -> _F:
    """Run a function when a worker that holds sessions is about to be replaced: ``hook(session_id)`` returns what
    the next worker needs to go on with that session, any value that can be a result, or None for nothing.

    It runs once for each session the worker holds, after its last request. Needs a :func:`restore` beside it.
    May be ``async``. A worker that dies takes no snapshot. Returned unchanged.

    :raises ValueError: another function is the hook already.
    """
    return _session_hook("snapshot", hook)


def restore(hook: _F) -> _F:
    """Run a function before the first request of a session on a new worker: ``hook(session_id, state)`` gets what
    :func:`snapshot` returned on the old one. What it raises fails that request. May be ``async``. Returned
    unchanged.

    :raises ValueError: another function is the hook already.
    """
    return _session_hook("restore", hook)


def _session_hook(name: str, hook: _F) -> _F:
    _check_callable(name, hook)
    other = session_hooks.get(name)
    if other is not None and _origin(other) != _origin(hook):
        raise ValueError(f"two functions are @{name}: {_where(other)} and {_where(hook)}; keep one")
    session_hooks[name] = hook
    return hook


def _register(function: _F, name: Optional[str]) -> _F:
    _check_callable("command", function)
    if name is None:
        name = getattr(function, "__name__", None)
    if not isinstance(name, str):
        raise TypeError(f"@command needs a name that is a string, got {name!r}; write @command(name='...')")
    if not name:
        raise ValueError("@command needs a name that is not empty")
    other = commands.get(name)
    if other is not None and _origin(other) != _origin(function):
        raise ValueError(
            f"two commands are named {name!r}: {_where(other)} and {_where(function)}; rename one"
        )
    commands[name] = function
    return function


def _check_callable(decorator: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"@{decorator} goes on a function, got {type(value).__name__}")


def _origin(function: Callable[..., Any]) -> tuple[Any, Any]:
    # The same function defined again, by a module reload or a notebook cell, replaces its former self.
    return getattr(function, "__module__", None), getattr(function, "__qualname__", None)


def _where(function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    if code is None:
        return f"{type(function).__name__} in {getattr(function, '__module__', '?')}"
    return f"{code.co_filename}:{code.co_firstlineno}"
