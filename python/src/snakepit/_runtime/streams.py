"""Flow control: a stream may send as many chunks as the host has granted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Optional


class Credit:
    """How many chunks a stream may still send.

    Two counters that only grow, each written by one side (who reads the connection, who runs the stream),
    because a single one that both change would lose updates.
    """

    __slots__ = ("granted", "on_change", "spent")

    def __init__(self) -> None:
        self.granted = 0
        self.spent = 0
        #: Called after a grant or a cancel, to wake a stream that waits in another thread or in an event
        #: loop.
        self.on_change: Optional[Callable[[], object]] = None

    @property
    def left(self) -> int:
        """Chunks that may be sent now."""
        return self.granted - self.spent

    def grant(self, count: int) -> None:
        """The host takes ``count`` chunks more."""
        self.granted += count
        self.changed()

    def changed(self) -> None:
        """Wake the stream if it waits."""
        if self.on_change is not None:
            self.on_change()
