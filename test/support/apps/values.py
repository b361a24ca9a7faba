"""Values on their way out of Python and into it."""

import datetime
import enum
import fractions

from snakepit import command


class Text(str):
    """Derives from an allowed type."""


class Level(enum.IntEnum):
    LOW = 7


class Thing:
    """An object of nobody's kind."""


class Scalar:
    """Looks like a numpy scalar; the tests do without numpy itself."""

    shape = ()

    def __init__(self, item):
        self._item = item

    def item(self):
        return self._item


Scalar.__module__ = "numpy"

EAST = datetime.timezone(datetime.timedelta(hours=2))


def cycle():
    items = []
    items.append(items)
    return items


def deep(levels):
    value = "bottom"
    for _ in range(levels):
        value = [value]
    return value


SENDABLE = {
    "none": lambda: None,
    "true": lambda: True,
    "text": lambda: "grüße 🐍",
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "float": lambda: 0.1,
    "safe": lambda: [2**53 - 1, -(2**53) + 1],
    "beyond safe": lambda: [2**53, -(2**53)],
    "widest": lambda: [2**64 - 1, -(2**63)],
    "bytes": lambda: [b"\x00\xff", bytearray(b"ab"), memoryview(b"abcd")[::2]],
    "aware": lambda: [
        datetime.datetime(2024, 2, 29, 12, 30, 15, 250000, tzinfo=datetime.timezone.utc),
        datetime.datetime(2024, 2, 29, 14, 30, 15, 250000, tzinfo=EAST),
    ],
    "old": lambda: datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc),
    "tuple": lambda: (1, ("two", (3.5,))),
    "dict": lambda: {"a": {"b": [{"c": None}]}, "": "no key", "ü": 1},
    "dollar": lambda: {"$int": "5", "$any": [{"$float": 1}]},
    "derived": lambda: [Text("derived"), Level.LOW],
    "numpy": lambda: {"mean": Scalar(1.5), "count": [Scalar(3)], "yes": Scalar(True)},
    "deep": lambda: deep(128),
}

REFUSED = {
    "set": lambda: {1, 2},
    "nested set": lambda: {"items": [1, {"name": {"x"}}]},
    "naive datetime": lambda: {"at": datetime.datetime(2024, 1, 1)},
    "object": object,
    "instance": lambda: [Thing()],
    "key": lambda: {"table": {1: "one"}},
    "surrogate": lambda: {"text": "\ud800"},
    "surrogate key": lambda: {"\ud800": 1},
    "too wide": lambda: [0, 2**65],
    "too low": lambda: [-(2**63) - 1],
    "fraction": lambda: fractions.Fraction(1, 3),
    "function": lambda: {"call": deep},
    "cycle": cycle,
    "too deep": lambda: deep(129),
}


@command
def echo(value):
    return value


@command
def describe(value):
    return f"{type(value).__name__} {value!r}"


@command
def keys(**values):
    return sorted(values)


@command
def send(name: str):
    return SENDABLE[name]()


@command
def refuse(name: str):
    return REFUSED[name]()


@command
def refuse_in_stream(name: str):
    yield "first"
    yield {"chunk": REFUSED[name]()}
    yield "never"
