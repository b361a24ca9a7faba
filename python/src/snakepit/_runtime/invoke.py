"""The short way from arguments to a handler: code generated once for each command.

Checking arguments in a loop and calling with ``**args`` costs more than reading and answering the request
together. What is generated for ``predict(text: str, top: int = 3)`` is, in essence::

    def invoke(args):
        if len(args) == 2:
            v0, v1 = args["text"], args["top"]
            if type(v0) is str and type(v1) is int:
                return function(v0, v1)
        ...
        check(args)
        return by_name(**args)

So whatever is not the plainest case gets the complete check, and only that one knows what to say.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

from snakepit._runtime.arguments import Signature
from snakepit._runtime.failure import OWN_FOLDER

# Parameters with defaults are often left out from the end, so a few lengths have a short way.
_MAX_WAYS = 4


def compile_invoke(
    function: Callable[..., Any], by_name: Callable[..., Any], signature: Signature
) -> Callable[[dict[str, Any]], Any]:
    """Make the function that checks arguments and calls the handler with them.

    It raises :class:`~snakepit._runtime.arguments.InvalidArguments`, or whatever the handler raises.
    """
    names: dict[str, Any] = {"function": function, "by_name": by_name, "check": signature.check}
    # Arguments that cannot be represented are of another type, see BadArguments.
    lines = ["def invoke(args):", "  if type(args) is dict:", "    count = len(args)"]
    required = max((n + 1 for n, p in enumerate(signature.named) if p.default is p.empty), default=0)
    total = len(signature.named)
    for count in range(total, max(required, total - _MAX_WAYS + 1) - 1, -1):
        lines += ["    " + line for line in _way(signature, count, names)]
    lines += ["  check(args)", "  return by_name(**args)"]
    # The names of parameters are identifiers, and enter as string literals and keywords only. The name of the
    # file makes this a part of the runtime for those who look at stacks.
    exec(compile("\n".join(lines), f"{OWN_FOLDER}<call of {signature.name}>", "exec"), names)
    return typing.cast("Callable[[dict[str, Any]], Any]", names["invoke"])


def _way(signature: Signature, count: int, names: dict[str, Any]) -> list[str]:
    """The short way for exactly the first ``count`` parameters."""
    takes, tests, passes = [], [], []
    for index, parameter in enumerate(signature.named[:count]):
        rule = signature.rules[parameter.name]
        takes.append(f"v{index} = args[{parameter.name!r}]")
        passes.append(
            f"{parameter.name}=v{index}" if parameter.kind is parameter.KEYWORD_ONLY else f"v{index}"
        )
        if rule.literals is not None:
            names[f"admits{index}"] = rule.admits
            tests.append(f"admits{index}(v{index})")
        elif rule.types is not None:
            single = len(rule.types) == 1
            names[f"t{index}"] = next(iter(rule.types)) if single else rule.types
            tests.append(f"type(v{index}) {'is' if single else 'in'} t{index}")
    call = f"return function({', '.join(passes)})"
    if not count:
        return ["if not count:", f"  {call}"]
    return [
        f"if count == {count}:",
        "  try:",
        f"    {'; '.join(takes)}",
        "  except KeyError:",
        "    pass",
        "  else:",
        f"    if {' and '.join(tests) or 'True'}:",
        f"      {call}",
    ]
