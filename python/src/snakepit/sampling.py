"""Decisions of sampling, the same here and on the host.

Two processes that sample at the same rate keep the same requests, since the decision falls by the correlation id
alone. Use it for what a worker writes on its own: ``if keeps(context().correlation_id, 0.01): dump(tensor)``.
"""

from __future__ import annotations

import hashlib

__all__ = ["keeps", "sample_value"]

_DIGITS = 14
_HEX_LENGTH = 32
_HEX = frozenset("0123456789abcdef")


def sample_value(correlation_id: str) -> str:
    """Return the 56 bits by which an id is sampled, as 14 lower-case hex digits.

    They are the last ones of an id of 32 lower-case hex digits, which are those W3C Trace Context (level 2) wants
    random; of any other id the first ones of the SHA-256 of its UTF-8.
    """
    if len(correlation_id) == _HEX_LENGTH and _HEX.issuperset(correlation_id):
        return correlation_id[-_DIGITS:]
    return hashlib.sha256(correlation_id.encode()).hexdigest()[:_DIGITS]


def keeps(correlation_id: str, rate: float) -> bool:
    """Tell whether what belongs to a correlation id is kept at a rate from 0 to 1.

    Kept is an id whose :func:`sample_value` is not below the 14 hex digits of round((1 - rate) * 2**56).

    :raises ValueError: ``rate`` is no number from 0 to 1.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"a sampling rate is a number from 0 (nothing) to 1 (everything), got {rate!r}")
    if rate == 1:
        return True
    threshold = f"{round((1 - rate) * 2**56):014x}"
    # A rate so small that the threshold has a digit more could not be compared as a text.
    if rate == 0 or len(threshold) > _DIGITS:
        return False
    return sample_value(correlation_id) >= threshold
