"""Keeps a child running: starts it, asks whether it lives, ends it, starts the next.

All of it happens in the main thread, fed by a queue: Linux ties the life of a child to the thread that started it. Over the
usual length because it is the one place where what is seen of a child becomes one state.
"""

from __future__ import annotations

import queue
import random
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Optional

from snakepit._runtime import wire
from snakepit._runtime.failure import failure
from snakepit._serve import failures, progress, reports
from snakepit._serve.backend import Greeting
from snakepit._serve.calls import Call, Problem
from snakepit._serve.child import Child
from snakepit._serve.guardian import Guardian
from snakepit._serve.link import Link
from snakepit._serve.settings import Settings
from snakepit._serve.stacks import take_stacks
from snakepit._serve.watchers import Watchers

_FIRST_WAIT_S = 0.1
_MAX_WAIT_S = 10.0
#: One that has served so long has not died of its start.
_PROVEN_S = 10.0
#: A child that was told to end and holds nothing any more gets so long.
_LEAVE_S = 10.0
_TICK_S = 0.25
_HALF_OPEN_S = 0.3


class Supervisor:
    """``state``: "down", "starting", "ready" or "ending"."""

    def __init__(
        self,
        settings: Settings,
        directory: str,
        guardian: Guardian,
        watchers: Watchers,
        on_health: Callable[[bool], None],
    ) -> None:
        self.settings = settings
        self.concurrency = settings.concurrency
        self._directory = directory
        self._guardian = guardian
        self._watchers = watchers
        self._on_health = on_health
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self.child: Optional[Child] = None
        self.greeting: Optional[Greeting] = None
        self.state = "down"
        self.snapshots = False
        #: The link while the child takes requests.
        self.link: Optional[Link] = None
        #: Why there is none.
        self.down_because = "it has not started yet"
        self._serial = 0
        self._start_at: Optional[float] = None
        self._wait_s = _FIRST_WAIT_S
        self._ready_at = 0.0
        self._pinged_at = 0.0
        self._seq = 0
        self._healthy = False
        #: The child is to go, by when, and whether another follows.
        self._ending_by: Optional[float] = None
        self._restart = True
        self._told = self._planned = False
        self._killed_for = ""
        self._half_open_at: Optional[float] = None
        self._failed_start: Optional[dict[str, Any]] = None
        self.over = False

    # -- from any thread

    def post(self, task: Callable[[], None]) -> None:
        """Have something done in the main thread."""
        self._tasks.put(task)

    def greet(self, within_s: float) -> Optional[Greeting]:
        """See :class:`~snakepit._serve.backend.Backend`."""
        self._wait_for(lambda: self.greeting is not None or self.over, within_s)
        return self.greeting

    def stacks(self, request_ids: list[str]) -> Any:
        """See :class:`~snakepit._serve.backend.Backend`."""
        return take_stacks(self.child, request_ids)

    def end(self) -> None:
        """End the child once it has finished, and all of it."""
        self.post(lambda: self._end_child(kill=False, restart=False))

    def stop(self, kill: bool, restart: bool, within_s: Optional[float], by: str) -> None:
        """See :class:`~snakepit._serve.backend.Backend`."""
        child = self.child
        self._log(f"the host at {by} has the worker process {'killed' if kill else 'stopped'}")
        self.post(lambda: self._end_child(kill, restart))
        self._wait_for(lambda: self.over or (child is not None and self.child is not child), within_s)

    def _wait_for(self, condition: Callable[[], bool], within_s: Optional[float]) -> None:
        with self._changed:
            self._changed.wait_for(condition, within_s)

    # -- the main thread

    def run(self) -> None:
        """Work until the end of it all."""
        self._start()
        while not self.over:
            try:
                self._tasks.get(timeout=self._pause())()
            except queue.Empty:
                pass
            self._look()

    def _pause(self) -> float:
        if self.state == "down" and self._start_at is not None:
            return max(0.0, min(_TICK_S, self._start_at - time.monotonic()))
        return _TICK_S

    def _start(self) -> None:
        self._serial += 1
        self._start_at = self._ending_by = self._half_open_at = self._failed_start = None
        self._told = self._planned = False
        self._killed_for, self._restart = "", not self.settings.once
        self._become("starting", "it is starting")
        self._watchers.tell_state(reports.phase("spawn"), anew=True)
        try:
            self.child = Child(
                self.settings,
                self._directory,
                self._serial,
                self,
                lambda greeting: self.post(lambda: self._greeted(greeting)),
                self._line,
                lambda child: self.post(lambda: self._ended(child)),
            )
        except OSError as error:
            self._log(f"{self.settings.python} could not be started: {error}")
            problem = failure("worker_start_failed", f"{self.settings.python} could not be started: {error}")
            self._watchers.tell_state(reports.start_failed(problem))
            if self.settings.once:
                self._finish()
            else:
                self._rest(f"it could not be started: {error}")
            return
        self._guardian.watch(self.child.pid)

    def _greeted(self, greeting: Greeting) -> None:
        self.greeting = greeting
        self._notify()

    def _look(self) -> None:
        now = time.monotonic()
        if self.state == "down":
            if self._start_at is not None and now >= self._start_at:
                self._start()
            return
        child = self.child
        if child is None:
            return
        if self._half_open_at is not None and now >= self._half_open_at:
            self._kill("it closed its connections while it kept running")
        if self.state == "starting" and now - child.started_at > self.settings.start_timeout_s:
            self._start_took_too_long()
        elif self.state == "ready":
            self._beat(child, now)
        elif self.state == "ending":
            self._see_it_off(child, now)

    def _start_took_too_long(self) -> None:
        text = f"the worker was not ready after {self.settings.start_timeout_s:g} s (--start-timeout-ms)"
        self._failed_start = failure("worker_start_failed", text)
        self._watchers.tell_state(reports.start_failed(self._failed_start))
        self._kill(text)

    def _beat(self, child: Child, now: float) -> None:
        link = child.link
        if link is None:
            return
        silent = now - max(link.heard_at, self._ready_at)
        if now - self._pinged_at >= self.settings.heartbeat_s:
            self._pinged_at = now
            self._seq += 1
            link.ping(self._seq)
        self._health(silent < self.settings.silent_s)
        if 0 < self.settings.stuck_s <= silent:
            self._log(f"pid {child.pid} has not answered for {silent:.1f} s\n{child.dump_stacks()}")
            self._kill("it did not answer any more")

    def _see_it_off(self, child: Child, now: float) -> None:
        link = child.link
        if not self._told and (link is None or not link.open):
            # Only once it holds nothing: that word goes another way than requests, and would overtake one.
            self._told = True
            self._ending_by = now + _LEAVE_S
            child.terminate()
        if self._ending_by is not None and now >= self._ending_by:
            self._kill("it did not end in time")

    def _end_child(self, kill: bool, restart: bool) -> None:
        self._restart = restart and not self.settings.once
        self._planned = True
        if self.state == "down":
            if not restart:
                self._finish()
            elif self._serial > 0:
                self._start_at = time.monotonic()
            return
        if kill:
            self._kill("it was told to")
        elif self.state != "ending":
            self._become("ending", "it is ending")
            self._ending_by = time.monotonic() + self.settings.drain_timeout_s
            self._look()

    def _kill(self, why: str) -> None:
        if self.child is not None and not self._killed_for:
            self._killed_for = why
            self._become("ending", why)
            self._half_open_at = None
            self._told = True
            self._ending_by = None
            self.child.kill()

    def _ended(self, child: Child) -> None:
        end = child.end
        assert end is not None
        how = f"{end}" + (f" ({self._killed_for})" if self._killed_for else "")
        self._become("ending", how)
        words = child.words()
        if child.link is not None:
            crashed, untouched = failures.crashed(how), failures.not_begun(how)

            def problem_of(call: Call) -> Problem:
                return crashed if progress.begun(call.id, words) else untouched

            child.link.close(problem_of)
        child.dispose()
        self._guardian.forget(child.pid)
        proven = self._ready_at > child.started_at and time.monotonic() - self._ready_at > _PROVEN_S
        if proven or self._planned:
            self._wait_s = _FIRST_WAIT_S
        self._watchers.tell_state(reports.exit(end.code, end.signal, list(child.tail)))
        self._log(f"the worker process {child.pid} is gone: {how}")
        self.child = None
        if self._restart:
            self._rest(how, at_once=self._planned)
        else:
            self._become("down", how)
            self._finish()

    def _rest(self, why: str, at_once: bool = False) -> None:
        self.child = None
        self._become("down", why)
        wait = 0.0 if at_once else self._wait_s * random.uniform(0.8, 1.2)
        self._start_at = time.monotonic() + wait
        if not at_once:
            self._wait_s = min(_MAX_WAIT_S, self._wait_s * 2)
            self._log(f"the next start is in {wait:.1f} s")

    def _finish(self) -> None:
        self.over = True
        self._notify()

    def _become(self, state: str, why: str) -> None:
        self.state, self.down_because = state, why
        self.link = self.child.link if state == "ready" and self.child is not None else None
        self._health(state == "ready")
        self._notify()

    def _health(self, healthy: bool) -> None:
        if healthy != self._healthy:
            self._healthy = healthy
            self._on_health(healthy)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _log(self, text: str) -> None:
        print(f"snakepit: {text}", file=sys.stderr, flush=True)

    # -- from the threads that read what the child says

    def frame(self, kind: int, elements: list[Any], call: Optional[Call]) -> None:
        """See :class:`~snakepit._serve.link.LinkListener`."""
        if not reports.spread(self._watchers, kind, elements, call):
            self.post(lambda: self._step(kind, elements[1]))

    def _step(self, kind: int, body: Any) -> None:
        if kind == wire.PHASE:
            self._watchers.tell_state(reports.phase(body))
        elif kind == wire.START_FAILED:
            self._failed_start = body
            self._log(body["traceback"] or body["message"])
            self._watchers.tell_state(reports.start_failed(body))
            # It ends by itself.
            self._told = True
            self._ending_by = time.monotonic() + _LEAVE_S
            self._become("ending", f"it could not start: {body['message']}")
        elif kind == wire.READY and self.state == "starting" and self.child is not None:
            assert self.greeting is not None
            self.snapshots = body.get("snapshots") is True
            self._ready_at = self._pinged_at = time.monotonic()
            self._become("ready", "")
            self._watchers.tell_state(reports.ready(body, self.child.pid, self.greeting.python_version))

    def closed(self, fault: Optional[str]) -> None:
        """See :class:`~snakepit._serve.link.LinkListener`."""
        self.post(lambda: self._link_closed(fault))

    def _link_closed(self, fault: Optional[str]) -> None:
        if self.child is None or self.child.end is not None:
            return
        if fault is not None:
            self._log(fault)
            self._kill(fault)
        elif self._half_open_at is None:
            # A process that dies closes its connections first.
            self._half_open_at = time.monotonic() + _HALF_OPEN_S

    def _line(self, stream: str, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
        child = self.child
        if child is not None and child.codec is not None:
            fields = child.codec.codec.pack({"stream": stream})
            self._watchers.tell(reports.line(stream, text, fields))
