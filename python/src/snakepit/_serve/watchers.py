"""The hosts that watch: each gets what concerns it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Optional

import grpc

from snakepit._serve.messages import Report

#: Metadata by which a call says from which worker of a host it comes; the id is that of its Hello and Watch.
WORKER_ID = "x-snakepit-worker-id"
#: Reports kept for a host that does not take them; beyond that, logs and events are lost.
_MAX_WAITING = 10_000
#: So often a call without news looks whether it still has a caller, in seconds.
_LOOK_S = 5.0


def owner_of(context: grpc.ServicerContext) -> tuple[Optional[str], str]:
    """Who made a call: the worker id it names, and its address."""
    named = None
    for key, value in context.invocation_metadata():
        if key == WORKER_ID:
            named = value if isinstance(value, str) else value.decode(errors="replace")
    return named, context.peer()


class Watcher:
    """One Watch call."""

    def __init__(self, context: grpc.ServicerContext, worker_id: str, stats_interval_s: float) -> None:
        self.worker_id = worker_id
        self.peer = context.peer()
        self._context = context
        self._interval = stats_interval_s
        self._stats_at = 0.0
        self._waiting: deque[Any] = deque()
        self._changed = threading.Condition()
        self._over = False
        self._lost = 0
        context.add_callback(self.close)

    def put(self, report: Any) -> None:
        """Add a report. Logs and events are dropped when there is no room, and counted."""
        with self._changed:
            if len(self._waiting) >= _MAX_WAITING and report.WhichOneof("of") in ("log", "event", "stats"):
                self._lost += 1
                return
            if self._lost and len(self._waiting) < _MAX_WAITING // 2:
                self._waiting.append(_loss(self._lost))
                self._lost = 0
            self._waiting.append(report)
            self._changed.notify()

    def put_stats(self, report: Any) -> None:
        """Add a reading, not more often than the host has asked for."""
        now = time.monotonic()
        # A little early is on time: the child has a clock of its own.
        if now - self._stats_at >= self._interval * 0.9:
            self._stats_at = now
            self.put(report)

    def close(self) -> None:
        """End the call once everything is sent."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def reports(self) -> Iterator[Any]:
        """What gRPC sends."""
        while True:
            with self._changed:
                while not self._waiting and not self._over and self._context.is_active():
                    self._changed.wait(_LOOK_S)
                if not self._waiting:
                    return
                report = self._waiting.popleft()
            yield report


def _loss(count: int) -> Any:
    report = Report()
    log = report.log
    log.level, log.logger = "warning", "snakepit.output"
    log.message = f"{count} reports were lost, since the host did not take them"
    log.time_ms = time.time() * 1000
    return report


class Watchers:
    """All of them, and what a new one has to be told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Watcher] = []
        # How far the process that runs now has come.
        self._state: list[Any] = []
        self._closed = False
        self._met = threading.Event()

    def meet(self, within_s: float) -> None:
        """Wait until one has come: a host that has said Hello is about to watch."""
        self._met.wait(within_s)

    def add(self, watcher: Watcher) -> None:
        """Let one in, and take the place of an earlier one of the same host."""
        with self._lock:
            for other in self._all:
                if (other.worker_id, other.peer) == (watcher.worker_id, watcher.peer):
                    other.close()
            for report in self._state:
                watcher.put(report)
            self._all.append(watcher)
            self._met.set()
            if self._closed:
                watcher.close()

    def remove(self, watcher: Watcher) -> None:
        """Its call is over."""
        with self._lock:
            self._all = [other for other in self._all if other is not watcher]

    def tell_state(self, report: Any, anew: bool = False) -> None:
        """A step of the process's life. ``anew``: the first of a new process."""
        with self._lock:
            if report.HasField("exit"):
                # Whoever comes now is told why there is no process, not of one that was ready once.
                self._state = [step for step in self._state if step.HasField("start_failed")]
            else:
                self._state = [report] if anew else [*self._state, report]
            for watcher in self._all:
                watcher.put(report)

    def tell(self, report: Any, context: Optional[grpc.ServicerContext] = None) -> None:
        """A record; ``context``: of the call that it belongs to, so that nobody but that host gets it."""
        watchers = self._all
        if context is not None and watchers:
            named, peer = owner_of(context)
            if named is not None:
                mine = [w for w in watchers if w.worker_id == named]
                # Two hosts may use the same id.
                watchers = [w for w in mine if w.peer == peer] or mine
            else:
                watchers = [w for w in watchers if w.peer == peer]
        for watcher in watchers:
            watcher.put(report)

    def tell_stats(self, report: Any) -> None:
        """A reading."""
        for watcher in self._all:
            watcher.put_stats(report)

    def close(self) -> None:
        """End all of them, once they have what was told."""
        with self._lock:
            self._closed = True
            for watcher in self._all:
                watcher.close()
