"""Checking arguments against a command's signature: compiled once into a few type tests, explained only when
they fail.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, Literal, Optional, Union

from snakepit._runtime.wire import ProtocolError

_NONE = type(None)
# What an annotation admits, by the exact types that can arrive. An int passes for a float; arrays arrive as
# lists.
_ADMITTED: dict[Any, frozenset[type]] = {
    str: frozenset({str}),
    int: frozenset({int}),
    float: frozenset({float, int}),
    bool: frozenset({bool}),
    bytes: frozenset({bytes}),
    list: frozenset({list}),
    dict: frozenset({dict}),
    tuple: frozenset({list}),
    None: frozenset({_NONE}),
    _NONE: frozenset({_NONE}),
}
_UNION_TYPES = (Union, getattr(types, "UnionType", Union))


class InvalidArguments(Exception):
    """The arguments do not fit. ``path`` names the one: ``$.text``."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class BadArguments(dict[Any, Any]):
    """Stands in for arguments that came intact but cannot be represented here."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__()
        self.path = path
        self.message = message


class Rule(typing.NamedTuple):
    """What one parameter admits. ``types``: None when it is not checked; ``literals``: the values of a
    Literal.
    """

    types: Optional[frozenset[type]]
    literals: Optional[frozenset[tuple[type, Any]]] = None

    def admits(self, value: Any) -> bool:
        """True when the value fits."""
        if self.types is None:
            return True
        if type(value) not in self.types:
            return False
        literals = self.literals
        if literals is None or not any(kind is type(value) for kind, _ in literals):
            return True
        return (type(value), value) in literals


_UNCHECKED = Rule(None)


def rule(hint: Any) -> Rule:
    """The rule of an annotation."""
    origin = typing.get_origin(hint)
    if str(origin) == "typing.Annotated" or hasattr(hint, "__metadata__"):
        return rule(hint.__origin__)
    if origin is Literal:
        values = typing.get_args(hint)
        if all(type(value) in (str, int, bool, bytes, _NONE) for value in values):
            kinds = frozenset(type(value) for value in values)
            return Rule(kinds, frozenset((type(value), value) for value in values))
        return _UNCHECKED
    if origin in _UNION_TYPES:
        return _union(rule(member) for member in typing.get_args(hint))
    try:
        return Rule(_ADMITTED.get(origin or hint))
    except TypeError:  # an annotation that cannot be hashed is none of ours
        return _UNCHECKED


def _union(members: Iterable[Rule]) -> Rule:
    kinds: frozenset[type] = frozenset()
    literals: frozenset[tuple[type, Any]] = frozenset()
    whole: frozenset[type] = frozenset()
    for member in members:
        if member.types is None:
            return _UNCHECKED
        kinds |= member.types
        if member.literals is None:
            whole |= member.types
        else:
            literals |= member.literals
    # Beside "str", the literals of type str say nothing.
    literals = frozenset((kind, value) for kind, value in literals if kind not in whole)
    return Rule(kinds, literals or None)


class Signature:
    """A command's parameters, and the complete check of arguments against them.

    The usual cases never get here: see :mod:`snakepit._runtime.invoke`.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.parameters = _parameters(function)
        self.hints = _hints(function)
        self._extras = any(p.kind is p.VAR_KEYWORD for p in self.parameters)
        self.named = [p for p in self.parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        self.rules = {p.name: self._rule(p) for p in self.named}
        self.positional = [p for p in self.named if p.kind is p.POSITIONAL_ONLY]

    def _rule(self, parameter: inspect.Parameter) -> Rule:
        hint = self.hints.get(parameter.name, parameter.annotation)
        found = _UNCHECKED if hint is inspect.Parameter.empty or isinstance(hint, str) else rule(hint)
        if parameter.default is None and found.types is not None:
            # "text: str = None" means Optional in every code base that has it.
            return found._replace(types=found.types | {_NONE})
        return found

    def check(self, args: Any) -> None:
        """Do nothing when the arguments fit.

        :raises InvalidArguments: with the path of the first one that is wrong.
        :raises ProtocolError: they are no map.
        """
        if isinstance(args, BadArguments):
            raise InvalidArguments(args.path, args.message)
        if type(args) is not dict:
            raise ProtocolError(f"the arguments of a request are a {type(args).__name__}, not a map")
        for name in args:
            if name not in self.rules and not self._extras:
                import difflib  # rarely needed, and not small

                close = difflib.get_close_matches(str(name), list(self.rules), 1)
                hint = f"; did you mean '{close[0]}'?" if close else "."
                raise InvalidArguments(
                    f"$.{name}", f"{self.name}() got an unexpected argument '{name}'{hint} {self._takes()}"
                )
        gap = None
        for parameter in self.named:
            name = parameter.name
            if name not in args:
                if parameter.default is parameter.empty:
                    wanted = self._annotation(parameter)
                    wanted = f" ({wanted})" if wanted else ""
                    raise InvalidArguments(
                        f"$.{name}", f"{self.name}() got no value for '{name}'{wanted}. {self._takes()}"
                    )
                gap = gap or (name if parameter in self.positional else None)
                continue
            if gap is not None and parameter in self.positional:
                raise InvalidArguments(
                    f"$.{gap}",
                    f"{self.name}() needs '{gap}' when '{name}' is given, as both are positional-only.",
                )
            if not self.rules[name].admits(args[name]):
                got = type(args[name])
                # The value itself stays out: it may be anything of the caller's, and messages are logged.
                kind = "None" if got is _NONE else got.__name__
                if got in (self.rules[name].types or ()):
                    kind = f"another {kind}"
                wanted = self._annotation(parameter)
                raise InvalidArguments(
                    f"$.{name}", f"{self.name}() takes {wanted} for '{name}', got {kind}. {self._takes()}"
                )

    def _takes(self) -> str:
        if not self.parameters:
            return "It takes no arguments."
        return "It takes " + ", ".join(self._describe(p) for p in self.parameters) + "."

    def _describe(self, parameter: inspect.Parameter) -> str:
        stars = {"VAR_KEYWORD": "**", "VAR_POSITIONAL": "*"}.get(parameter.kind.name, "")
        text = stars + parameter.name
        annotation = self._annotation(parameter)
        if annotation:
            text += f": {annotation}"
        if parameter.default is not parameter.empty:
            text += f" = {short_repr(parameter.default, 40)}"
        return text

    def _annotation(self, parameter: inspect.Parameter) -> Optional[str]:
        hint = self.hints.get(parameter.name, parameter.annotation)
        if hint is parameter.empty:
            return None
        if isinstance(hint, str):
            return hint
        return str(inspect.formatannotation(hint)).replace("NoneType", "None")

    def describe(self) -> list[dict[str, Any]]:
        """The parameters as READY lists them."""
        return [
            {
                "name": p.name,
                "kind": p.kind.name.lower(),
                "annotation": self._annotation(p),
                "required": p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL),
                "default": None if p.default is p.empty else short_repr(p.default, 200),
            }
            for p in self.parameters
        ]


def short_repr(value: Any, limit: int) -> str:
    """``repr``, cut, and a placeholder where it raises."""
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        # Some functions written in C tell nothing: let any arguments through and the function judge.
        return [inspect.Parameter("arguments", inspect.Parameter.VAR_KEYWORD)]


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    target = inspect.unwrap(function)
    target = getattr(target, "func", target)  # functools.partial
    try:
        return typing.get_type_hints(target)
    except Exception:
        pass
    # One annotation that cannot be resolved (a name under TYPE_CHECKING) must not cost the others their
    # check.
    found: dict[str, Any] = {}
    scope = getattr(target, "__globals__", {})
    for name, hint in getattr(target, "__annotations__", {}).items():
        if not isinstance(hint, str):
            found[name] = hint
            continue
        try:
            found[name] = eval(hint, scope)
            if isinstance(found[name], str):  # quoted under "from __future__ import annotations"
                found[name] = eval(found[name], scope)
        except Exception:
            found[name] = hint
    return found
