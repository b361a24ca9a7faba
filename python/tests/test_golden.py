"""The golden frames: bytes on one side, their meaning on the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import make_golden
import pytest

from snakepit._runtime import codec as codecs
from snakepit._runtime.codec.json import revive, tag
from snakepit._runtime.codec.values import normalise

GOLDEN = Path(__file__).resolve().parents[2] / "proto" / "golden"
ENTRIES = json.loads((GOLDEN / "frames.json").read_text(encoding="utf-8"))
#: Without those that are one of several ways to write it.
CANONICAL = [entry for entry in ENTRIES if entry.get("canonical") is not False]


def ids(entry: dict[str, Any]) -> str:
    return f"{entry['codec']}-{entry['name']}"


def test_there_are_entries_for_every_type_and_codec() -> None:
    for codec in ("msgpack", "json"):
        seen = {entry["body"][0] for entry in ENTRIES if entry["codec"] == codec}
        assert seen >= {*range(1, 16), *range(18, 22)}
    assert {16, 17, 22} <= {entry["body"][0] for entry in ENTRIES if entry["codec"] == "json"}


def test_the_file_is_what_the_script_makes() -> None:
    pytest.importorskip("msgpack")
    assert make_golden.PATH.read_text(encoding="utf-8") == make_golden.render(make_golden.make())


@pytest.mark.parametrize("entry", ENTRIES, ids=ids)
def test_decodes_to_its_meaning(entry: dict[str, Any]) -> None:
    if entry["codec"] not in codecs.offered():
        pytest.skip("msgpack is not installed")
    frames = codecs.make(entry["codec"]).reader(1 << 20).feed(bytes.fromhex(entry["hex"]))
    assert len(frames) == 1
    assert exact(tag(normalise(frames[0]))) == exact(entry["body"])


@pytest.mark.parametrize("entry", CANONICAL, ids=ids)
def test_encodes_to_its_bytes(entry: dict[str, Any]) -> None:
    if entry["codec"] not in codecs.offered():
        pytest.skip("msgpack is not installed")
    codec = codecs.make(entry["codec"])
    frame = revive(entry["body"])
    body = bytes.fromhex(entry["hex"])[4:]
    assert codec.pack_any(normalise(frame)) == body
    if codec.plain(frame):
        assert codec.pack(frame) == body


def exact(value: Any) -> str:
    """With types: 1, 1.0 and True are equal otherwise."""
    return json.dumps(value, sort_keys=True)
