"""Which values may cross, and what to say about the others. The Values table of ``proto/PROTOCOL.md`` is
binding.

Two speeds: a scan by exact types that runs at C speed and says yes for nearly every value, and a walk that is
slow but complete: it turns what merely derives from an allowed type into that type, or finds the exact path
of what may not cross.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable
from typing import Any, Optional

#: Containers inside one another; more could exhaust the C stack of the packers, and means a cycle as a rule.
MAX_DEPTH = 128
MAX_SAFE = 2**53 - 1
MIN_INT = -(2**63)
MAX_INT = 2**64 - 1

_NONE = type(None)
_CONTAINERS = frozenset({dict, list, tuple})
_only_str = frozenset({str}).issuperset

_REMEDIES = {
    "set": "send sorted(...) or list(...)",
    "frozenset": "send sorted(...) or list(...)",
    "deque": "send list(...)",
    "dict_keys": "send list(...)",
    "dict_values": "send list(...)",
    "dict_items": "send dict(...)",
    "mappingproxy": "send dict(...)",
    "range": "send list(...)",
    "map": "send list(...)",
    "filter": "send list(...)",
    "zip": "send list(...)",
    "array": "send .tolist() or .tobytes()",
    "date": "send .isoformat()",
    "time": "send .isoformat()",
    "timedelta": "send .total_seconds()",
    "complex": "send [z.real, z.imag]",
    "Decimal": "send str(...) or float(...)",
    "Fraction": "send str(...) or float(...)",
    "UUID": "send str(...)",
    "ndarray": "send .tolist(), or .tobytes() with the shape and dtype",
    "Tensor": "send .tolist()",
    "DataFrame": "send .to_dict('records')",
    "Series": "send .tolist()",
    "Index": "send .tolist()",
}


class Unserializable(Exception):
    """A value that cannot cross. ``path`` says where it is: ``$``, ``$.items[3].name``."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def scanner(
    scalars: frozenset[type], ints_fit: Optional[Callable[[set[type], Iterable[Any]], bool]] = None
) -> Callable[[object], bool]:
    """Make the fast check of a codec: True when a packer may take the value as it is.

    ``scalars``: the exact types it packs faithfully. ``ints_fit``: a further check where an int occurs.
    """
    known = scalars | _CONTAINERS

    def plain(value: Any) -> bool:
        if type(value) is dict and len(value) < 9 and ints_fit is None:
            for key, item in value.items():
                if type(item) not in scalars or type(key) is not str:
                    return deep(value, MAX_DEPTH)
            return True
        if type(value) in _CONTAINERS:
            return deep(value, MAX_DEPTH)
        return type(value) in scalars and (ints_fit is None or ints_fit({type(value)}, (value,)))

    def deep(value: Any, left: int) -> bool:
        if not left:
            return False
        if type(value) is dict:
            if not _only_str(map(type, value)):
                return False
            value = value.values()
        kinds = set(map(type, value))
        if not kinds <= known:
            return False
        if ints_fit is not None and int in kinds and not ints_fit(kinds, value):
            return False
        if kinds <= scalars:
            return True
        left -= 1
        for item in value:
            if type(item) in _CONTAINERS and not deep(item, left):
                return False
        return True

    return plain


def normalise(value: Any) -> Any:
    """A copy made of exact allowed types only; datetimes come out in UTC.

    :raises Unserializable: with the path of the first value that may not cross and what to send instead.
    """
    return _Walk().value(value)


class _Walk:
    def __init__(self) -> None:
        self._trail: list[str] = []

    def value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            return self._integer(value)
        if isinstance(value, float):
            return float.__float__(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value)
        if isinstance(value, dict):
            return self._items(value)
        if isinstance(value, (list, tuple)):
            return self._elements(value)
        if isinstance(value, datetime.datetime):
            return self._moment(value)
        if _is_numpy_scalar(value):
            return self._item(value)
        raise self._fault(f"{_name(value)} cannot be sent{_remedy(value)}")

    def _text(self, value: str) -> str:
        text = str.__str__(value)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise self._fault(
                f"the string has a lone surrogate at index {error.start}, which is not valid Unicode; "
                "decode with errors='replace' or send bytes"
            ) from None
        return text

    def _integer(self, value: int) -> int:
        number = int.__index__(value)
        if not MIN_INT <= number <= MAX_INT:
            raise self._fault(
                f"an int of {number.bit_length()} bits is too wide: "
                "-2**63 to 2**64 - 1 can be sent; send str(...)"
            )
        return number

    def _moment(self, value: datetime.datetime) -> datetime.datetime:
        try:
            if value.utcoffset() is None:
                raise self._fault(
                    "a datetime without time zone cannot be sent; make it aware, for example with "
                    ".replace(tzinfo=timezone.utc) or .astimezone()"
                )
            exact = datetime.datetime(
                value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond,
                tzinfo=value.tzinfo, fold=value.fold,
            )  # fmt: skip
            return exact.astimezone(datetime.timezone.utc)
        except (ValueError, OverflowError, TypeError, AttributeError) as error:
            raise self._fault(f"{_name(value)} cannot be sent: {error}") from None

    def _item(self, value: Any) -> Any:
        item = value.item()
        if type(item) is type(value):
            raise self._fault(f"{_name(value)} cannot be sent; send float(...) or str(...)")
        return self.value(item)

    def _items(self, value: dict[Any, Any]) -> dict[str, Any]:
        self._enter()
        result = {}
        for key, item in list(value.items()):
            if not isinstance(key, str):
                raise self._fault(
                    f"a dict with a key that is no string ({_name(key)}) cannot be sent; use str keys"
                )
            self._trail.append(_key(key))
            result[self._text(key)] = self.value(item)
            self._trail.pop()
        self._depth -= 1
        return result

    def _elements(self, value: Iterable[Any]) -> list[Any]:
        self._enter()
        result = []
        for index, item in enumerate(list(value)):
            self._trail.append(f"[{index}]")
            result.append(self.value(item))
            self._trail.pop()
        self._depth -= 1
        return result

    _depth = 0

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fault(f"the value is nested deeper than {MAX_DEPTH} levels, or contains itself")

    def _fault(self, message: str) -> Unserializable:
        path = "$" + "".join(self._trail)
        return Unserializable(path if len(path) <= 1000 else path[:1000] + "…", message)


def _key(key: str) -> str:
    return f".{key}" if key.isidentifier() else f"[{json.dumps(key)}]"


def _is_numpy_scalar(value: Any) -> bool:
    # By its looks, so that numpy is never imported for a check.
    kind = type(value)
    return kind.__module__.partition(".")[0] == "numpy" and hasattr(value, "item") and value.shape == ()


def _name(value: Any) -> str:
    kind = type(value)
    return (
        kind.__name__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__name__}"
    )


def _remedy(value: Any) -> str:
    for kind in type(value).__mro__:
        if kind.__name__ in _REMEDIES:
            return "; " + _REMEDIES[kind.__name__]
    if hasattr(value, "__dataclass_fields__"):
        return "; send dataclasses.asdict(...)"
    if hasattr(value, "model_dump"):
        return "; send .model_dump()"
    if hasattr(value, "__fspath__"):
        return "; send str(...)"
    if hasattr(value, "_member_names_") or hasattr(type(value), "_member_names_"):
        return "; send its .value"
    if callable(value):
        return "; send the result of calling it"
    return "; send None, bool, int, float, str, bytes, an aware datetime, or lists and dicts of them"
