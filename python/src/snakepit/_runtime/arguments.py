"""Checking arguments against a command's signature: compiled once into a few type tests, explained only when
they fail.
"""

from __future__ import annotations

import difflib
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
_MISSING = object()


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
    """A command's parameters.

    ``fits(args)`` is the compiled check; :meth:`explain` says what is wrong when it answers False.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.parameters = _parameters(function)
        self.hints = _hints(function)
        self._extras = any(p.kind is p.VAR_KEYWORD for p in self.parameters)
        self._named = [p for p in self.parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        self._rules = {p.name: self._rule(p) for p in self._named}
        self.positional = [p for p in self._named if p.kind is p.POSITIONAL_ONLY]
        self.fits: Callable[[dict[str, Any]], bool] = self._compile()

    def _rule(self, parameter: inspect.Parameter) -> Rule:
        hint = self.hints.get(parameter.name, parameter.annotation)
        found = _UNCHECKED if hint is inspect.Parameter.empty or isinstance(hint, str) else rule(hint)
        if parameter.default is None and found.types is not None:
            # "text: str = None" means Optional in every code base that has it.
            return found._replace(types=found.types | {_NONE})
        return found

    def _compile(self) -> Callable[[dict[str, Any]], bool]:
        # Arguments that cannot be represented are of another type, see BadArguments.
        lines = ["def fits(args):", "  if type(args) is not dict: return False", "  taken = 0"]
        names: dict[str, Any] = {"missing": _MISSING}
        lines += self._compile_usual(names)
        for index, parameter in enumerate(self._named):
            found, required = self._rules[parameter.name], parameter.default is parameter.empty
            lines.append(f"  value = args.get({parameter.name!r}, missing)")
            lines.append("  if value is missing:")
            lines.append("    return False" if required else "    pass")
            lines.append("  else:")
            lines.append("    taken += 1")
            if found.literals is not None:
                names[f"admits{index}"] = found.admits
                lines.append(f"    if not admits{index}(value): return False")
            elif found.types is not None:
                (names[f"t{index}"],) = found.types if len(found.types) == 1 else (found.types,)
                test = "is not" if len(found.types) == 1 else "not in"
                lines.append(f"    if type(value) {test} t{index}: return False")
            if parameter in self.positional and not required:
                # One that may be left out must not be followed by one that is there.
                later = [p.name for p in self.positional[index + 1 :]]
                lines.append(
                    "  if value is missing and ("
                    + " or ".join(["0", *(f"{n!r} in args" for n in later)])
                    + "):"
                )
                lines.append("    return False")
        lines.append("  return True" if self._extras else "  return taken == len(args)")
        # Names come from a signature, so they are identifiers, and they enter the text as string literals
        # only.
        exec("\n".join(lines), names)
        return typing.cast("Callable[[dict[str, Any]], bool]", names["fits"])

    def _compile_usual(self, names: dict[str, Any]) -> list[str]:
        """A short way to yes where every parameter is given and of one type, which is half the cost."""
        tests = [f"len(args) == {len(self._named)}"]
        for index, parameter in enumerate(self._named):
            found = self._rules[parameter.name]
            if found.types is None or len(found.types) > 1 or found.literals is not None:
                return []
            (names[f"t{index}"],) = found.types
            tests.append(f"type(args[{parameter.name!r}]) is t{index}")
        return ["  try:", f"    if {' and '.join(tests)}: return True", "  except KeyError:", "    pass"]

    def explain(self, args: Any) -> None:
        """Say what is wrong with arguments that do not fit.

        :raises InvalidArguments: with the path of the first one that is wrong.
        :raises ProtocolError: they are no map.
        """
        if isinstance(args, BadArguments):
            raise InvalidArguments(args.path, args.message)
        if type(args) is not dict:
            raise ProtocolError(f"the arguments of a request are a {type(args).__name__}, not a map")
        for name in args:
            if name not in self._rules and not self._extras:
                close = difflib.get_close_matches(str(name), list(self._rules), 1)
                hint = f"; did you mean '{close[0]}'?" if close else "."
                raise InvalidArguments(
                    f"$.{name}", f"{self.name}() got an unexpected argument '{name}'{hint} {self._takes()}"
                )
        gap = None
        for parameter in self._named:
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
            if not self._rules[name].admits(args[name]):
                got = type(args[name])
                # The value itself stays out: it may be anything of the caller's, and messages are logged.
                kind = "None" if got is _NONE else got.__name__
                if got in (self._rules[name].types or ()):
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
