"""Writes ``proto/golden/frames.json``: ``python tests/make_golden.py`` (needs msgpack). The same input gives
the same bytes.

Each entry: ``name``, ``codec``, ``direction``, ``hex`` (the whole frame with its length), ``body`` (the frame
in JSON, with the tags of the protocol's Values table where JSON has no such value). Where ``canonical`` is
false, the bytes are a valid way to write the frame that the sender of that direction may use, but not the one
that this script's encoder chooses: such entries are for decoding only.

It uses none of the runtime's code, so that the tests compare two implementations.
"""

from __future__ import annotations

import base64
import datetime
import json
import struct
from pathlib import Path
from typing import Any

PATH = Path(__file__).resolve().parents[2] / "proto" / "golden" / "frames.json"
TO_HOST, TO_WORKER = "worker→host", "host→worker"
IDS = ["01J9ZQ3M5V", "4bf92f3577b34da6a3ce929d0e0e4736"]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

FAILURE = {
    "code": "python_exception",
    "message": "ValueError: Invalid input shape",
    "traceback": 'Traceback (most recent call last):\n  File "/srv/app.py", line 7, in predict\nValueError: Invalid input shape\n',
    "exception": {
        "type": "ValueError",
        "module": "builtins",
        "message": "Invalid input shape",
        "frames": [
            {"file": "/srv/app.py", "line": 7, "function": "predict", "code": "raise ValueError(shape)"}
        ],
        "chain": [{"type": "KeyError", "module": "builtins", "message": "'x'", "relation": "cause"}],
    },
    "path": None,
}
NOT_SENDABLE = {
    "code": "unserializable",
    "message": "the result cannot be sent: set cannot be sent; send sorted(...) or list(...)",
    "traceback": None,
    "exception": None,
    "path": "$.items[3].name",
}
READY = {
    "commands": [
        {
            "name": "predict",
            "kind": "plain",
            "doc": "Predict.",
            "parameters": [
                {
                    "name": "text",
                    "kind": "positional_or_keyword",
                    "annotation": "str",
                    "required": True,
                    "default": None,
                },
                {
                    "name": "top",
                    "kind": "positional_or_keyword",
                    "annotation": "int",
                    "required": False,
                    "default": "3",
                },
            ],
        },
        {"name": "generate", "kind": "async_generator", "doc": None, "parameters": []},
    ],
    "snapshots": True,
}
HELLO = {
    "protocol": 1,
    "role": "control",
    "worker_id": "w-1",
    "token": "s3cr3t",
    "pid": 4711,
    "python_version": "3.11.7",
    "runtime_version": "0.1.0",
    "codecs": ["msgpack", "json"],
}
WELCOME = {
    "protocol": 1,
    "codec": "msgpack",
    "max_frame_bytes": 67108864,
    "pool_name": "default",
    "worker_slot": 0,
    "concurrency": 1,
    "app": "/srv/app.py",
    "cwd": "/srv",
    "stats_interval_ms": 1000,
    "progress_file": "/tmp/progress",
    "log_rate": {"per_second": 500, "burst": 2000},
    "max_session_bytes": 1048576,
}

STATS = {
    "rss_bytes": 52428800,
    "peak_rss_bytes": 73400320,
    "cpu_seconds": 1.75,
    "threads": 3,
    "open_fds": 11,
    "gc_collections": 42,
}
STACK = 'Traceback (most recent call last):\n  File "/srv/app.py", line 7, in predict\n    model.run(x)\n'

# (name, direction, body in tagged JSON); the handshake is JSON always
HANDSHAKE: list[tuple[str, str, Any]] = [
    ("hello", TO_HOST, [16, HELLO]),
    ("welcome", TO_WORKER, [17, WELCOME]),
    ("reject", TO_WORKER, [22, {"code": "wrong_token", "message": "the token is not the one expected"}]),
]

FRAMES: list[tuple[str, str, Any]] = [
    ("request", TO_WORKER, [1, 1, "predict", {"text": "hi", "top": 3}, *IDS, 60000, TRACE, False, None]),
    ("request: no deadline, no arguments", TO_WORKER, [1, 2, "ping", {}, *IDS, None, None, False, None]),
    ("request: stream in a session", TO_WORKER, [
        1, 4294967295, "generate", {"prompt": "grüße 🐍"}, *IDS, 1500.5, None, True, {"id": "s-1", "data": {"turn": 2}},
    ]),
    ("request: of a session that another worker had", TO_WORKER, [
        1, 3, "chat", {}, *IDS, 60000, None, False, {"id": "s-1", "data": None, "restore": ["what", "it", "left"]},
    ]),
    ("response", TO_HOST, [2, 1, {"label": "ok", "scores": [0.25, 0.75]}, 1.25, 0.5]),
    ("response: the end of a stream", TO_HOST, [2, 4294967295, None, 12.5, 3.5]),
    ("response: with its peak of memory", TO_HOST, [2, 1, {"label": "ok"}, 12.5, 3.5, 1073741824]),
    ("response: with the changed data of its session", TO_HOST, [2, 1, "ok", 1.25, 0.5, 0, {"data": {"turn": 3}}]),
    ("error: exception", TO_HOST, [3, 1, FAILURE, 0.5, 0.25]),
    ("error: unserializable", TO_HOST, [3, 2, NOT_SENDABLE, 0.5, 0.25]),
    ("error: with its peak of memory", TO_HOST, [3, 1, FAILURE, 12.5, 3.5, 5368709120]),
    ("chunk", TO_HOST, [4, 7, {"token": "Hel"}]),
    ("credit", TO_WORKER, [5, 7, 16]),
    ("cancel", TO_WORKER, [6, 7, "timeout"]),
    ("recall", TO_WORKER, [7, [8, 9, 10]]),
    ("recalled", TO_HOST, [8, [9, 10]]),
    ("recalled: none", TO_HOST, [8, []]),
    ("ping", TO_WORKER, [9, 41]),
    ("pong", TO_HOST, [10, 41]),
    ("stats", TO_HOST, [11, STATS]),
    ("event: of a request", TO_HOST, [12, 7, "model.loaded", {"duration_ms": 2.5}, {"model": "m"}]),
    ("event: of none", TO_HOST, [12, None, "tick", {}, {}]),
    ("log", TO_HOST, [13, 7, "warning", "app", "low on memory", 1700000000000.5, {"file": "/srv/app.py", "line": 9}]),
    ("log: of none", TO_HOST, [13, None, "info", "python.stdout", "hello", 1700000000000.5, {"stream": "stdout"}]),
    ("stack: of requests", TO_WORKER, [14, 5, [7, 8]]),
    ("stack: of all threads", TO_WORKER, [14, 6, None]),
    ("stacks: of requests, the second not running", TO_HOST, [15, 5, [[7, STACK], [8, ""]]]),
    ("stacks: of threads", TO_HOST, [15, 6, [[None, 'Thread 0x00007f36b4ff9740 "MainThread"\n']]]),
    ("phase", TO_HOST, [18, "import"]),
    ("ready", TO_HOST, [19, READY]),
    ("start failed", TO_HOST, [20, {**FAILURE, "code": "worker_start_failed"}]),
    ("stop", TO_WORKER, [21]),
]  # fmt: skip

# Each as the result of a response, and as an argument of a request.
VALUES: list[tuple[str, Any]] = [
    ("null", None),
    ("booleans", [True, False]),
    ("small integers", [0, 1, -1, 127, 128, -32, -33, 255, 256, 65535, 65536, -32768]),
    ("integers of 32 bits", [2**31 - 1, 2**31, 2**32 - 1, 2**32, -(2**31), -(2**31) - 1]),
    ("safe integers", [2**53 - 1, -(2**53 - 1)]),
    ("wide integers", [{"$int": str(n)} for n in (2**53, -(2**53), 2**63 - 1, 2**63, 2**64 - 1, -(2**63))]),
    ("floats", [0.5, -0.25, 1e300, 5e-324, 3.141592653589793]),
    ("floats that JSON lacks", [{"$float": "nan"}, {"$float": "inf"}, {"$float": "-inf"}]),
    ("strings", ["", "a", "ä", "€", "🐍", 'q"\\/\b\n\t\u0001', "x" * 40]),
    ("bytes", [{"$bytes": ""}, {"$bytes": base64.b64encode(bytes(range(256))).decode()}]),
    ("dates", [
        {"$date": "1970-01-01T00:00:00.000Z"},
        {"$date": "2024-02-29T12:34:56.789Z"},
        {"$date": "1969-12-31T23:59:59.999Z"},
        {"$date": "9999-12-31T23:59:59.999Z"},
    ]),
    ("empty containers", [[], {}]),
    ("nested containers", {"a": [{"b": [[1], {"c": None}]}], "z": {"y": {"x": []}}}),
    ("keys with a dollar", {"$dict": {"$int": "5", "plain": {"$dict": {"$": 1}}, "$date": {"$int": "9007199254740993"}}}),
    ("a string that looks like a tag", ["$int", '{"$int":"5"}']),
    ("many keys", {f"k{n:02}": n for n in range(17)}),
    ("many elements", list(range(17))),
]  # fmt: skip


def untag(value: Any) -> Any:
    """Tagged JSON to Python values."""
    if isinstance(value, list):
        return [untag(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, held),) = value.items()
        if name == "$int":
            return int(held)
        if name == "$float":
            return float(held)
        if name == "$bytes":
            return base64.b64decode(held)
        if name == "$date":
            return datetime.datetime.strptime(held, "%Y-%m-%dT%H:%M:%S.%f%z")
        if name == "$dict":
            return {key: untag(item) for key, item in held.items()}
    return {key: untag(item) for key, item in value.items()}


def encode_json(body: Any) -> bytes:
    """The compact form: no white space, nothing escaped that need not be."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def encode_msgpack(body: Any) -> bytes:
    """The shortest form, floats in 64 bits."""
    import msgpack

    return bytes(msgpack.packb(untag(body), datetime=True))


def entry(
    name: str, codec: str, direction: str, data: bytes, body: Any, canonical: bool = True
) -> dict[str, Any]:
    """One entry of the file."""
    made = {
        "name": name,
        "codec": codec,
        "direction": direction,
        "hex": (struct.pack(">I", len(data)) + data).hex(),
        "body": body,
    }
    return made if canonical else {**made, "canonical": False}


def other_forms() -> list[dict[str, Any]]:
    """Bytes that this script's encoders would not choose."""
    credit: Any = [5, 7, 16]
    request: Any = [1, 3, "f", {"a": 1, "b": 2.5}, "r", "c", 60000, None, False, None]
    map16 = (
        bytes.fromhex("9a0103a166")
        + bytes.fromhex("de0002a16101a162ca40200000")
        + encode_msgpack(request[4:])[1:]
    )
    spaced = json.dumps(request, indent=1).encode()
    escaped: Any = [4, 7, "ä🐍/\u2028"]
    return [
        entry("request: map of 16-bit size, float of 32 bits", "msgpack", TO_WORKER, map16, request, False),
        entry("credit: integers of 64 bits", "msgpack", TO_WORKER, bytes.fromhex(
            "93d300000000000000" + "05cf00000000000000" + "07cd0010"), credit, False),
        entry("request: with white space", "json", TO_WORKER, spaced, request, False),
        entry("chunk: with escapes", "json", TO_HOST, b'[4,7,"\\u00e4\\ud83d\\udc0d\\/\\u2028"]', escaped, False),
    ]  # fmt: skip


def make() -> list[dict[str, Any]]:
    """All entries."""
    entries = [entry(name, "json", direction, encode_json(body), body) for name, direction, body in HANDSHAKE]
    frames = list(FRAMES)
    for name, value in VALUES:
        frames.append((f"result: {name}", TO_HOST, [2, 1, value, 1.5, 0.5]))
        frames.append(
            (f"argument: {name}", TO_WORKER, [1, 1, "f", {"value": value}, *IDS, 60000, None, False, None])
        )
    for codec, encode in (("msgpack", encode_msgpack), ("json", encode_json)):
        entries += [entry(name, codec, direction, encode(body), body) for name, direction, body in frames]
    return entries + other_forms()


def render(entries: list[dict[str, Any]]) -> str:
    """The text of the file: one entry a line."""
    return "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries) + "\n]\n"


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(render(make()), encoding="utf-8")
    print(f"{len(make())} frames in {PATH.name}")
