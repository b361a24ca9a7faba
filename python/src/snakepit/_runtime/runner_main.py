"""Running handlers in the main thread, at concurrency 1."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Optional

from snakepit._context import Context
from snakepit._runtime.interrupt import Interrupter
from snakepit._runtime.runner import Runner
from snakepit._runtime.streams import Credit
from snakepit._runtime.wire import Frame, HostGone, ProtocolError

if TYPE_CHECKING:
    import asyncio


class MainRunner(Runner):
    """Runs handlers of all kinds in the main thread; the plain fast case has its own loop in ``loop_main``."""

    interrupter: Interrupter
    _loop: Optional[asyncio.AbstractEventLoop] = None

    def context(self) -> Optional[Context]:
        """The context of the running request; made only when somebody asks, which most handlers never do."""
        frame = self.state.frame
        if frame is None:
            return None
        found = self._context
        if found is None or found._id != frame[1]:
            found = self._context = Context(frame, self.state.cancels)
        return found

    def begin(self, frame: Frame) -> None:
        """See :class:`Runner`. The frame first: who finds the id in the progress word but no frame knows it
        is over.
        """
        self.state.frame = frame
        self.state.progress[0] = frame[1]

    def end(self, frame: Frame) -> None:
        """See :class:`Runner`."""
        self.tidy(frame[1])
        self.state.frame = None

    def tidy(self, id: int) -> None:
        """See :class:`Runner`."""
        if self._context is not None and self._context._id == id:
            self._context._over = id in self.state.cancels
        super().tidy(id)

    # -- for the control thread

    def running(self, id: int) -> bool:
        """See :class:`snakepit._runtime.control.Runs`."""
        frame = self.state.frame
        return frame is not None and frame[1] == id

    def runner_of(self, id: int) -> Optional[Runner]:
        """See :class:`snakepit._runtime.control.Runs`."""
        return self if self.running(id) else None

    @property
    def loop_ident(self) -> int:
        """See :class:`Runner`."""
        return self.ident

    def kick(self, id: int) -> None:
        """See :class:`snakepit._runtime.control.Runs`."""
        task, loop = self.task, self._loop
        if task is not None and loop is not None:
            loop.call_soon_threadsafe(self._cancel_task, id)
        else:
            self.interrupter.interrupt()
            self.inbox.wake()  # should it wait for credit

    def _cancel_task(self, id: int) -> None:
        cancel = self.state.cancels.get(id)
        if self.task is not None and self.running(id) and cancel is not None and not cancel.thrown:
            cancel.thrown = True
            self.task.cancel()

    # -- running

    def step(self, function: Callable[..., Any], *args: Any) -> Any:
        """See :class:`Runner`."""
        wall, cpu = time.monotonic(), time.thread_time()
        try:
            return function(*args)
        finally:
            self.wall += time.monotonic() - wall
            self.cpu += time.thread_time() - cpu

    def run(self, frame: Frame, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """See :class:`Runner`."""
        wall, cpu = time.monotonic(), time.thread_time()
        self.coroutine = coroutine
        try:
            outcome = self._until_done(self.guarded(coroutine, self.context()))
        finally:
            self.coroutine = None
            self.wall += time.monotonic() - wall
            self.cpu += time.thread_time() - cpu
        return self.settle(frame, *outcome)

    def _until_done(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        loop = self.loop()
        task = loop.create_task(coroutine)
        while True:
            try:
                return loop.run_until_complete(task)
            except (SystemExit, KeyboardInterrupt):
                # Another task of the app's has raised it, which stops the loop but not our task.
                if task.done():
                    raise

    def loop(self) -> asyncio.AbstractEventLoop:
        """The one event loop, made when it is first needed: apps without coroutines need not pay for asyncio."""
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop

    def run_hook(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run an async on_start or on_stop hook, on the loop that the handlers will use."""
        return self.loop().run_until_complete(coroutine)

    def close(self) -> None:
        """Shut the event loop down: what still runs on it is cancelled and may clean up."""
        if self._loop is not None:
            close_loop(self._loop)

    def wait_credit(self, id: int, credit: Credit) -> None:
        """See :class:`Runner`. Reads frames meanwhile, since nobody else does; requests are queued."""
        credit.on_change = (
            self.inbox.wake
        )  # the control thread may read the grant while it looks for recalled requests
        while credit.left <= 0 and id not in self.state.cancels:
            if not self.inbox.read():
                self.inbox.wait()

    async def wait_credit_async(self, credit: Credit) -> None:
        """See :class:`Runner`. The loop stays free for the app's other tasks."""
        loop = self.loop()
        future: asyncio.Future[None] = loop.create_future()

        def changed() -> None:
            if credit.left > 0 and not future.done():
                future.set_result(None)

        def readable() -> None:
            try:
                self.inbox.read()
            except (HostGone, ProtocolError) as error:
                if not future.done():
                    future.set_exception(error)

        credit.on_change = functools.partial(loop.call_soon_threadsafe, changed)
        changed()
        self.inbox.attend(loop, readable)
        try:
            await future
        finally:
            self.inbox.unattend(loop)
            credit.on_change = None


def close_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what still runs on a loop that is not running itself, let it clean up, and close the loop."""
    import asyncio

    try:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
