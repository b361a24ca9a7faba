"""The JSON codec: needs nothing but Python, and carries what JSON cannot by tags such as ``{"$int":
"9007199254740993"}``.
"""

from __future__ import annotations

import base64
import datetime
import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from snakepit._runtime.codec.repair import DateOutOfRange, repair
from snakepit._runtime.codec.values import MAX_SAFE, scanner
from snakepit._runtime.wire import SplittingReader

NAME = "json"
UTC = datetime.timezone.utc
# An int may be too wide for JSON's numbers, so it is looked at by the full scan.
_SCALARS: frozenset[type] = frozenset({str, float, bool, type(None)})
_NUMBERS = frozenset({int, bool})
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)")


def _ints_fit(kinds: set[type], values: Iterable[Any]) -> bool:
    if kinds <= _NUMBERS:
        return bool(-MAX_SAFE <= min(values) and max(values) <= MAX_SAFE)
    return all(-MAX_SAFE <= value <= MAX_SAFE for value in values if type(value) is int)


def _encoder() -> Callable[[Any], str]:
    """``json.dumps`` without the set-up it repeats in every call, which costs more than a small value does."""
    slow = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)
    try:
        from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]

        fast = c_make_encoder(None, slow.default, encode_basestring, None, ":", ",", False, False, False)
        if "".join(fast([1, "ü", {"a": 1.5}], 0)) != '[1,"ü",{"a":1.5}]':
            return slow.encode
    except Exception:
        # Those are the standard library's inner parts: where they have changed, its front door serves.
        return slow.encode
    join = "".join
    return lambda value: join(fast(value, 0))


class JsonCodec:
    """See :class:`snakepit._runtime.codec.Codec`."""

    name = NAME

    def __init__(self) -> None:
        self.scalars = _SCALARS
        self.plain = scanner(_SCALARS | {int}, _ints_fit)
        self._dumps = _encoder()

    def pack(self, frame: Any) -> bytes:
        """Encode a frame whose values are plain; tags are looked for only where something looks like one."""
        try:
            text = self._dumps(frame)
        except ValueError:  # NaN or an infinity
            return self.pack_any(frame)
        if '"$' in text:
            return self.pack_any(frame)
        return text.encode()

    def pack_any(self, frame: Any) -> bytes:
        """Encode a frame whose values may need tags."""
        return self._dumps(tag(frame)).encode()

    def reader(self, max_frame_bytes: int) -> SplittingReader:
        """A reader of frames of this codec."""
        return SplittingReader(decode, max_frame_bytes)


def tag(value: Any) -> Any:
    """A copy of a normalised value in which everything JSON cannot say is a tag."""
    if isinstance(value, dict):
        tagged = {key: tag(item) for key, item in value.items()}
        return {"$dict": tagged} if any(key.startswith("$") for key in value) else tagged
    if isinstance(value, (list, tuple)):
        return [tag(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": "nan" if value != value else "inf" if value > 0 else "-inf"}
    if isinstance(value, int) and not -MAX_SAFE <= value <= MAX_SAFE:
        return {"$int": str(value)}
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        return {"$date": _rfc3339(value)}
    return value


def _rfc3339(value: datetime.datetime) -> str:
    value = value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat(timespec="microseconds" if value.microsecond % 1000 else "milliseconds") + "Z"


def decode(body: bytes) -> Any:
    """Decode a body.

    :raises ValueError: it is no JSON, or a tag in it is not one of the protocol's.
    """
    text = body.decode()
    value = json.loads(text)
    if '"$' not in text:
        return value
    try:
        return revive(value)
    except DateOutOfRange:
        return repair(value, revive)


def revive(value: Any) -> Any:
    """Turn tags into what they stand for. From the outside in, since ``$dict`` shields what looks like a tag
    within.

    :raises ValueError: see :func:`decode`.
    """
    if type(value) is list:
        return [revive(item) for item in value]
    if type(value) is not dict:
        return value
    for key in value:
        if key.startswith("$"):
            return _untag(value)
    return {key: revive(item) for key, item in value.items()}


def _untag(value: dict[str, Any]) -> Any:
    ((name, held),) = value.items() if len(value) == 1 else (("", None),)
    if name == "$dict" and type(held) is dict:
        return {key: revive(item) for key, item in held.items()}
    if type(held) is str:
        if name == "$int":
            return int(held)
        if name == "$float" and held in ("nan", "inf", "-inf"):
            return float(held)
        if name == "$bytes":
            return base64.b64decode(held, validate=True)
        if name == "$date":
            return _moment(held)
    raise ValueError(f"a tag is none of the protocol's: {', '.join(value)[:100]}")


def _moment(text: str) -> datetime.datetime:
    match = _DATE.fullmatch(text)
    if match is None:
        # JavaScript writes years beyond 9999 and before 0 with a sign and six digits.
        if re.fullmatch(r"[+-]\d{6}-.*", text):
            raise DateOutOfRange
        raise ValueError(f"{text!r} is no RFC 3339 time")
    day, hour, fraction, zone = match.groups()
    fraction = ((fraction or "") + "000000")[:6]
    zone = "+00:00" if zone in "Zz" else zone
    if day.startswith("0000"):
        raise DateOutOfRange
    return datetime.datetime.fromisoformat(f"{day}T{hour}.{fraction}{zone}").astimezone(UTC)
