"""The app's commands as the loops need them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from snakepit._runtime.arguments import Signature
from snakepit._runtime.failure import Failure, clean, failure
from snakepit._runtime.invoke import compile_invoke

PLAIN = "plain"
#: For so many calls after a slow one a command counts as slow.
WARY_CALLS = 16
_MAX_DOC = 4096


class Command:
    """One command."""

    __slots__ = ("call", "doc", "heavy", "invoke", "kind", "lazy", "name", "signature", "wary")

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.kind = _kind(function)
        #: True when calling it makes a coroutine or a generator.
        self.lazy = self.kind != PLAIN
        self.doc = inspect.getdoc(function)
        self.signature = Signature(name, function)
        #: Takes the arguments by name, whatever the signature.
        self.call = _by_name(function, self.signature) if self.signature.positional else function
        #: Checks the arguments and calls the function with them.
        self.invoke = compile_invoke(function, self.call, self.signature)
        #: While above 0 the command counts as slow: replies held back are sent before it is called. Counts
        #: down with each call that is fast; starts above 0, since nothing is known of the first.
        self.wary = 1
        #: While above 0 the command counts as one that takes over a millisecond, so that it is worth asking what
        #: memory it takes. As ``wary`` otherwise.
        self.heavy = 1

    def describe(self) -> dict[str, Any]:
        """The command as READY lists it."""
        return {
            "name": clean(self.name),
            "kind": self.kind,
            "doc": None if self.doc is None else clean(self.doc, _MAX_DOC),
            "parameters": [
                {key: clean(value) if isinstance(value, str) else value for key, value in parameter.items()}
                for parameter in self.signature.describe()
            ],
        }


def unknown(name: str, known: dict[str, Command]) -> Failure:
    """The failure of a request for a command the app does not define."""
    import difflib  # rarely needed, and not small

    close = difflib.get_close_matches(name, list(known), 3)
    if close:
        hint = "Did you mean " + " or ".join(f"'{other}'" for other in close) + "?"
    else:
        listed = ", ".join(sorted(known)[:20]) + (", …" if len(known) > 20 else "")
        hint = f"It defines: {listed}."
    return failure("unknown_command", f"the app defines no command '{clean(name, 200)}'. {hint}")


def _kind(function: Callable[..., Any]) -> str:
    target: Any = function
    if not inspect.isroutine(target) and not hasattr(target, "func") and hasattr(target, "__call__"):  # noqa: B004
        target = target.__call__  # an object that is called like a function
    if inspect.isasyncgenfunction(target):
        return "async_generator"
    if inspect.iscoroutinefunction(target):
        return "async"
    return "generator" if inspect.isgeneratorfunction(target) else PLAIN


def _by_name(function: Callable[..., Any], signature: Signature) -> Callable[..., Any]:
    return functools.partial(
        call_positional, function, [parameter.name for parameter in signature.positional]
    )


def call_positional(function: Callable[..., Any], names: list[str], /, **args: Any) -> Any:
    """Call a function whose parameters ``names`` can be given by position only."""
    positional = [args.pop(name) for name in names if name in args]
    return function(*positional, **args)
