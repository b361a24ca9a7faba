"""The loop at concurrency above 1: the main thread reads, handler threads run requests in the order in which
they came.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, Optional

from snakepit._runtime.inbox import Inbox
from snakepit._runtime.runner import Runner
from snakepit._runtime.runner_thread import LoopThread, ThreadRunner
from snakepit._runtime.state import State


class Threads:
    """The handler threads and what they share."""

    def __init__(self, runners: list[ThreadRunner], fifo: queue.SimpleQueue[Optional[int]]) -> None:
        self.active: dict[int, ThreadRunner] = {}
        self.loop = LoopThread()
        self._by_ident: dict[int, ThreadRunner] = {}
        self._fifo = fifo
        for slot, runner in enumerate(runners):
            runner.setup(slot, self.loop, self.active, self._by_ident)
        self._threads = [
            threading.Thread(target=runner.work, args=(fifo.get,), name=f"snakepit-{slot}")
            for slot, runner in enumerate(runners)
        ]

    def running(self, id: int) -> bool:
        """See :class:`snakepit._runtime.control.Runs`."""
        return id in self.active

    def runner_of(self, id: int) -> Optional[Runner]:
        """See :class:`snakepit._runtime.control.Runs`."""
        return self.active.get(id)

    def kick(self, id: int) -> None:
        """See :class:`snakepit._runtime.control.Runs`."""
        runner = self.active.get(id)
        if runner is not None:
            runner.kick(id)

    def shield(self, action: Callable[..., Any], *args: Any) -> Any:
        """Run something of the runtime, in which Cancelled must not appear, in whatever thread this is."""
        runner = self._by_ident.get(threading.get_ident())
        return action(*args) if runner is None else runner.shield(action, *args)

    def checkpoint(self) -> None:
        """Raise Cancelled if it is due in this thread."""
        runner = self._by_ident.get(threading.get_ident())
        if runner is not None:
            runner.checkpoint()

    def serve(self, state: State, inbox: Inbox) -> None:
        """Serve until the worker is to stop and nothing is left to do.

        :raises HostGone: the host closed the connection.
        :raises ProtocolError: it sent something that is not the protocol.
        """
        for thread in self._threads:
            thread.start()
        while not state.stopping:
            if not inbox.read():
                inbox.wait()
        for _ in self._threads:
            self._fifo.put(None)
        # Streams that still run need the credit that we read.
        while any(thread.is_alive() for thread in self._threads):
            if not inbox.read():
                inbox.wait(100)
