"""Which values cross, in which form, and what is said about the others."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import math
import sys
import types
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from snakepit._runtime import codec as codecs
from snakepit._runtime.answers import Answers
from snakepit._runtime.codec.values import Unserializable, normalise

UTC = datetime.timezone.utc


class Color(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Record:
    a: int = 1


class Text(str):
    pass


class Real(float):
    pass


class Raw(bytes):
    pass


class List(list):  # type: ignore[type-arg]
    pass


def fake_numpy_scalar(item: Any) -> Any:
    """Looks like a numpy scalar; numpy itself is not needed."""

    def shape(self: Any) -> tuple[()]:
        return ()

    kind = type("int64", (), {"item": lambda self: item, "shape": property(shape)})
    kind.__module__ = "numpy"
    return kind()


def roundtrip(name: str, value: Any) -> Any:
    codec = codecs.make(name)
    frame = Answers(codec, 1 << 24).response(1, value, 0.5, 0.5)
    (decoded,) = codec.reader(1 << 24).feed(frame)
    assert decoded[0] == 2, decoded
    return decoded[2]


def failure(name: str, value: Any) -> dict[str, Any]:
    codec = codecs.make(name)
    (decoded,) = codec.reader(1 << 24).feed(Answers(codec, 1 << 24).response(1, value, 0.5, 0.5))
    assert decoded[0] == 3, decoded
    return dict(decoded[2])


SAME: list[Any] = [
    None, True, False, 0, -1, 2**53 - 1, -(2**53 - 1), 2**53, -(2**53), 2**63, 2**64 - 1, -(2**63), 0.5, 1e300, math.inf,
    -math.inf, "", "grüße 🐍", "\x00\x1f", b"", bytes(range(256)), [], {}, [1, [2, [3]]], {"a": {"b": [None]}},
    [2**53, 0.5], [1, math.nan] and [1, math.inf], {"": 1}, {"a b": 1},
    {"$int": "5"}, {"$dict": {"$dict": 1}}, {"a": 1, "$b": {"$c": 2**60}}, "$int", {"$": math.inf},
    datetime.datetime(2024, 2, 29, 12, 34, 56, 789000, UTC), datetime.datetime(1, 1, 1, tzinfo=UTC),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), datetime.datetime(9999, 12, 31, tzinfo=UTC),
    {f"k{n}": n for n in range(100)}, list(range(1000)), [0.5] * 1000, ["x" * 70000], [True, False],
]  # fmt: skip


@pytest.mark.parametrize("value", SAME, ids=lambda value: repr(value)[:40])
def test_crosses_unchanged(codec: str, value: Any) -> None:
    got = roundtrip(codec, value)
    assert got == value
    assert type(got) is type(value)


CHANGED: list[tuple[Any, Any]] = [
    ((1, (2,)), [1, [2]]),
    (bytearray(b"ab"), b"ab"),
    (memoryview(b"abcd"), b"abcd"),
    (memoryview(b"abcd")[::2], b"ac"),
    (Level.HIGH, 3),
    (Text("t"), "t"),
    (Real(0.5), 0.5),
    (Raw(b"r"), b"r"),
    (List([1]), [1]),
    (Point(1, 2), [1, 2]),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    ({Text("k"): 1}, {"k": 1}),
    ([{"a": (Level.HIGH,)}], [{"a": [3]}]),
    (fake_numpy_scalar(7), 7),
    ({"x": [fake_numpy_scalar(0.5)]}, {"x": [0.5]}),
    (
        datetime.datetime(2024, 1, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        datetime.datetime(2024, 1, 1, tzinfo=UTC),
    ),
]


@pytest.mark.parametrize(("value", "expected"), CHANGED, ids=lambda value: repr(value)[:40])
def test_crosses_as_its_base(codec: str, value: Any, expected: Any) -> None:
    got = roundtrip(codec, value)
    assert got == expected
    assert type(got) is type(expected)


def test_nan(codec: str) -> None:
    got = roundtrip(codec, {"x": [math.nan, 1, 2**60]})
    assert math.isnan(got["x"][0]) and got["x"][1:] == [1, 2**60]


def test_microseconds_survive(codec: str) -> None:
    moment = datetime.datetime(2024, 1, 1, 0, 0, 0, 123456, UTC)
    assert roundtrip(codec, moment) == moment


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def cycle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


REFUSED: list[tuple[Any, str, str]] = [
    ({1}, "$", "list("),
    ({"a": [0, 0, 0, {"b": {1, 2}}]}, "$.a[3].b", "sorted("),
    ({"items": [1, 2, 3, {"name": object()}]}, "$.items[3].name", "object cannot be sent"),
    ({"a b": {'q"': object()}}, '$["a b"]["q\\""]', ""),
    ({1: "x"}, "$", "no string (int)"),
    ({"a": {None: 1}}, "$.a", "no string (NoneType)"),
    ({"a": {b"k": 1}}, "$.a", "no string (bytes)"),
    (2**64, "$", "65 bits"),
    ([-(2**63) - 1], "$[0]", "too wide"),
    ("\ud800", "$", "surrogate"),
    ({"a": ["x\udfff"]}, "$.a[0]", "index 1"),
    ({"\ud800": 1}, '$["\\ud800"]', "surrogate"),
    (datetime.datetime(2024, 1, 1), "$", "time zone"),
    (datetime.date(2024, 1, 1), "$", "isoformat"),
    (datetime.timedelta(1), "$", "total_seconds"),
    (decimal.Decimal("1.5"), "$", "decimal.Decimal"),
    (uuid.UUID(int=1), "$", "str("),
    (Path("/x"), "$", "str("),
    (1j, "$", "real"),
    (Color.RED, "$", ".value"),
    (Record(), "$", "asdict"),
    (len, "$", "calling"),
    (Record, "$", ""),
    (types.SimpleNamespace(), "$", ""),
    (range(3), "$", "list("),
    ({}.keys(), "$", "list("),
    (collections.deque([1]), "$", "list("),
    (types.MappingProxyType({}), "$", "dict("),
    (Ellipsis, "$", ""),
    (nested(129), None, "128 levels"),  # type: ignore[list-item]
    (cycle(), None, "contains itself"),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("value", "path", "hint"), REFUSED, ids=lambda value: repr(value)[:40])
def test_is_refused_with_path_and_remedy(codec: str, value: Any, path: Any, hint: str) -> None:
    problem = failure(codec, value)
    assert problem["code"] == "unserializable"
    assert hint in problem["message"]
    if path is not None:
        assert problem["path"] == path.encode("utf-8", "backslashreplace").decode()


def test_128_levels_cross(codec: str) -> None:
    assert roundtrip(codec, nested(128)) == nested(128)
    deep: Any = 1
    for _ in range(128):
        deep = {"a": deep}
    assert roundtrip(codec, deep) == deep


def test_numpy_arrays_and_odd_scalars_are_refused(codec: str) -> None:
    array = type("ndarray", (), {"item": lambda self: 1, "shape": (3,)})
    array.__module__ = "numpy"
    assert ".tolist()" in failure(codec, {"x": array()})["message"]
    odd = type("longdouble", (), {"item": lambda self: self, "shape": ()})
    odd.__module__ = "numpy"
    assert failure(codec, odd())["path"] == "$"


def test_msgpacks_own_types_are_refused() -> None:
    msgpack = pytest.importorskip("msgpack")
    assert failure("msgpack", [msgpack.Timestamp(1)])["path"] == "$[0]"


def test_a_hostile_object_breaks_nothing(codec: str) -> None:
    class Hostile:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

        def __repr__(self) -> str:
            raise RuntimeError

    class Zone(datetime.tzinfo):
        def utcoffset(self, _: Any) -> Any:
            raise RuntimeError("zone")

        def tzname(self, _: Any) -> str:
            return "x"

        def dst(self, _: Any) -> Any:
            return None

    assert failure(codec, {"a": Hostile()})["code"] == "unserializable"
    assert failure(codec, datetime.datetime(2024, 1, 1, tzinfo=Zone()))["code"] == "unserializable"


def test_nothing_but_strict_json_leaves() -> None:
    codec = codecs.make("json")
    for value in (math.nan, math.inf, [1, -math.inf], {"a": math.nan}):
        frame = Answers(codec, 1 << 20).response(1, value, 0.0, 0.0)
        assert b"NaN" not in frame and b"Infinity" not in frame


@pytest.mark.parametrize("size", [10_000])
def test_the_scan_is_complete_in_large_values(codec: str, size: int) -> None:
    value = [{"k": n, "v": [n / 3]} for n in range(size)]
    assert roundtrip(codec, value) == value
    value[size - 1]["v"][0] = {1}  # type: ignore[index]
    assert failure(codec, value)["path"] == f"$[{size - 1}].v[0]"


def test_normalise_names_the_first_fault() -> None:
    with pytest.raises(Unserializable) as caught:
        normalise({"a": 1, "b": [object(), {1}]})
    assert caught.value.path == "$.b[0]"


def test_numpy_is_never_imported() -> None:
    assert "numpy" not in sys.modules
