"""Requests that came intact but hold what no value may: a date Python cannot represent, text that is no UTF-8, a key
that is no text. They fail alone, instead of ending the worker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snakepit._runtime.arguments import BadArguments
from snakepit._runtime.wire import REQUEST, ProtocolError


class DateOutOfRange(ValueError):
    """A date outside the years 1 to 9999, the range of ``datetime``; JavaScript's is wider."""


class BadText(ValueError):
    """Text or a key that no host of ours sends, but perhaps one that is not written in JavaScript."""


def repair(frame: Any, convert: Callable[[Any], Any]) -> Any:
    """Convert a frame element by element; arguments that cannot be converted become :class:`BadArguments`.

    :raises ProtocolError: what cannot be converted is not an argument of a request.
    """
    if type(frame) is not list or len(frame) != 10 or frame[0] != REQUEST or type(frame[3]) is not dict:
        raise ProtocolError("a value no frame may have came, and not in the arguments of a request")
    args: dict[Any, Any] = {}
    for name, value in frame[3].items():
        try:
            args[convert(name)] = convert(value)
            if type(name) is not str:
                raise BadText("a name that is no text")
        except BadText as error:
            args = BadArguments("$", f"the arguments hold {error}")
            break
        except (ValueError, OverflowError):
            args = BadArguments(
                f"$.{name}", f"'{name}' holds a date outside the years 1 to 9999, which Python's are in"
            )
            break
    try:
        return [args if index == 3 else convert(element) for index, element in enumerate(frame)]
    except (ValueError, OverflowError) as error:
        raise ProtocolError(f"a value no frame may have came with a session: {error}") from error
