"""Threads for calls: as many as there are calls, kept for the next ones."""

from __future__ import annotations

import _thread
import sys
import traceback
from collections.abc import Callable
from concurrent import futures
from typing import Any, cast

from snakepit._serve import deferred

#: Idle threads kept.
_KEEP = 64


class _Running:
    """The little of a Future that grpcio asks for; a whole one costs more than a short call."""

    __slots__ = ("_done", "_then")

    def __init__(self) -> None:
        self._done = False
        self._then: list[Callable[[Any], object]] = []

    def add_done_callback(self, then: Callable[[Any], object]) -> None:
        self._then.append(then)
        if self._done:
            self._run()

    def finish(self) -> None:
        self._done = True
        self._run()

    def _run(self) -> None:
        # Taking it out is one atomic step, so whichever side comes second runs it, and one only.
        while self._then:
            try:
                then = self._then.pop()
            except IndexError:
                return
            then(self)


class Threads(futures.ThreadPoolExecutor):
    """What grpcio hands calls to.

    Calls wait for the child, for a host that reads slowly, or for news to report. With a fixed number of threads those
    that wait would one day leave none for a Stop; with a queue in between each call would cost more. How many there can
    be is limited by the server.
    """

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self._idle: list[list[Any]] = []

    def submit(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> futures.Future[Any]:
        """Run it in a thread that is free, the one used last first: its memory is warm."""
        running = _Running()
        if deferred.take(function, args):
            # Of this kind there may be as many as the child is given, without threads of ours.
            running.finish()
            return cast("futures.Future[Any]", running)
        try:
            place = self._idle.pop()
        except IndexError:
            place = [None, _thread.allocate_lock()]
            place[1].acquire()
            _thread.start_new_thread(self._live, (place,))
        place[0] = (running, function, args, named)
        place[1].release()
        return cast("futures.Future[Any]", running)

    def _live(self, place: list[Any]) -> None:
        lock = place[1]
        while True:
            lock.acquire()
            running, function, args, named = place[0]
            place[0] = None
            try:
                function(*args, **named)
            except BaseException:
                traceback.print_exc(file=sys.stderr)
            running.finish()
            del running, function, args, named
            if len(self._idle) >= _KEEP:
                return
            self._idle.append(place)
