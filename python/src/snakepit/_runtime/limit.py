"""How much an app may print and log: a token bucket, with a reserve for what matters most."""

from __future__ import annotations

import itertools
import math
import time
from typing import NamedTuple, Optional

LEVELS = ("debug", "info", "warning", "error", "critical")
#: The reserve of errors, as a share of the rate and of the burst.
RESERVE = 0.25
#: How long the host may wait for the news that records were dropped, and the least time between such news, in
#: seconds.
NEWS_S = 1.0
# The flood is over when this share of the burst has come back.
_RECOVERED = 0.1


class Rate(NamedTuple):
    """``per_second``: records in the long run. ``burst``: records at once."""

    per_second: float
    burst: float


class _Bucket:
    """Threads may use it at the same time; then a few records too many may pass, and that is all."""

    __slots__ = ("_at", "_burst", "_per_second", "tokens")

    def __init__(self, rate: Rate) -> None:
        self._per_second, self._burst = rate
        self.tokens = rate.burst
        self._at = 0.0

    def take(self, now: float) -> bool:
        # By the wall clock, which each record reads anyway; set back, it gives nothing.
        gained = (now - self._at) * self._per_second
        self._at = now
        tokens = self.tokens + gained if gained > 0 else self.tokens
        if tokens > self._burst:
            tokens = self._burst
        if tokens < 1:
            self.tokens = tokens
            return False
        self.tokens = tokens - 1
        return True


class Limiter:
    """Says which records pass, and counts the others.

    ``error`` and ``critical`` have a reserve of a quarter of the rate when all else is used up.
    """

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._bucket = _Bucket(rate)
        #: True when a record may be sent that takes its place in the common bucket; given ``time.time()``.
        self.take = self._bucket.take
        self._reserve = _Bucket(Rate(rate.per_second * RESERVE, max(1.0, rate.burst * RESERVE)))
        # Adding one to a number loses counts when threads (or a signal handler that logs) do it at the same
        # time; taking the next of a counter does not.
        self._counts = {level: itertools.count() for level in LEVELS}
        self._taken = dict.fromkeys(LEVELS, 0)
        self._unsent: dict[str, int] = {}
        self._told_at = -math.inf
        #: When the news of dropped records is to be sent at the latest, by ``time.monotonic()``; infinite
        #: while there is none.
        self.due = math.inf
        #: The request whose records were dropped, None when it was more than one.
        self.owner: Optional[int] = None

    def take_reserve(self, level: str, now: float) -> bool:
        """True when a record may be sent nonetheless."""
        return level in ("error", "critical") and self._reserve.take(now)

    def drop(self, level: str, id: Optional[int]) -> bool:
        """Count a record. True for the first one since the last news."""
        next(self._counts[level])
        first = self.due == math.inf
        if first:
            self.owner = id
            self.due = max(time.monotonic(), self._told_at) + NEWS_S
        elif self.owner != id:
            self.owner = None
        return first

    @property
    def recovered(self) -> bool:
        """True when the flood has let up."""
        return self._bucket.tokens >= self.rate.burst * _RECOVERED

    @property
    def rested(self) -> bool:
        """True when the last news is long enough ago."""
        return time.monotonic() - self._told_at >= NEWS_S

    def lost(self) -> dict[str, int]:
        """The number of dropped records by level since the last call. One thread at a time."""
        # Before the counts: what is dropped from here on is either among them or makes news of its own.
        self.due, self._told_at = math.inf, time.monotonic()
        lost, self._unsent = self._unsent, {}
        for level, count in self._counts.items():
            reached = next(count)
            lost[level] = lost.get(level, 0) + reached - self._taken[level]
            self._taken[level] = reached + 1
        return {level: number for level, number in lost.items() if number}

    def keep(self, lost: dict[str, int]) -> None:
        """The news could not be sent: it is due again."""
        self._unsent = lost
        self.due = time.monotonic() + NEWS_S
