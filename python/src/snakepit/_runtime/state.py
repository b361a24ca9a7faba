"""What the threads of a worker share."""

from __future__ import annotations

import time
from typing import Optional

from snakepit._runtime.progress import Progress
from snakepit._runtime.wire import Frame


class Cancel:
    """A cancel that has come for a request that may be running."""

    __slots__ = ("born", "next_kick", "thrown", "wait")

    def __init__(self) -> None:
        self.born = self.next_kick = time.monotonic()
        #: Until the next attempt, in seconds; doubles, since a signal also makes some C calls return early.
        self.wait = 0.01
        #: True once Cancelled was raised in the handler: it is raised once.
        self.thrown = False


class State:
    """Shared by the main thread, the handler threads and the control thread. Every field is written by one
    side only.
    """

    __slots__ = (
        "_slots",
        "batches",
        "cancels",
        "frame",
        "progress",
        "ready",
        "stopping",
        "threads",
        "ticking",
    )

    def __init__(self, progress: Progress, slots: int = 1) -> None:
        #: At concurrency 1, the request whose handler runs now.
        self.frame: Optional[Frame] = None
        #: Cancels by request id. The control thread adds; who ends the request removes.
        self.cancels: dict[int, Cancel] = {}
        #: The request that each slot started last, and the thread that runs it, where the host can read them.
        self.progress, self.threads = progress.words, progress.threads
        self._slots = slots
        #: Batches of requests the main thread has begun; tells the control thread that there is work.
        self.batches = 0
        #: True while the control thread looks every few milliseconds for replies that are held back.
        self.ticking = False
        self.ready = False
        #: Once True, the worker ends as soon as it has nothing left to do.
        self.stopping = False

    def progress_words(self) -> list[int]:
        """The request that each slot started last; 0 for one that has started none."""
        return [self.progress[slot] for slot in range(self._slots)]
