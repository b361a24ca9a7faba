"""Running handlers in threads, at concurrency above 1."""

from __future__ import annotations

import _thread
import functools
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Optional

from snakepit._context import Cancelled, Context
from snakepit._runtime.ending import fatal
from snakepit._runtime.runner import CURRENT, Runner
from snakepit._runtime.runner_main import close_loop
from snakepit._runtime.streams import Credit
from snakepit._runtime.wire import Frame

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future


class ThreadRunner(Runner):
    """Runs the handlers of one thread, whose number is ``slot``.

    A signal reaches the main thread only, so here Cancelled is raised by ``PyThreadState_SetAsyncExc``: it
    appears at the thread's next bytecode, wherever that is. Therefore it is asked for only while ``armed``,
    under a lock that disarming takes too, once per request; and who disarms then runs a few bytecodes, so
    that one which is under way appears there and not later. It cannot end a call that blocks in C.
    """

    slot = 0
    loop: LoopThread
    active: dict[int, ThreadRunner]
    by_ident: dict[int, ThreadRunner]

    def setup(
        self, slot: int, loop: LoopThread, active: dict[int, ThreadRunner], by_ident: dict[int, ThreadRunner]
    ) -> None:
        """Say which of the threads it is. All share who runs which request and who lives in which thread."""
        self.slot, self.loop, self.active, self.by_ident = slot, loop, active, by_ident
        self.armed = False
        self._sent = False
        self._lock = threading.Lock()
        self._more = threading.Event()

    def work(self, next_id: Callable[[], Optional[int]]) -> None:
        """The thread's body: run requests in the order in which they came, until None comes."""
        self.ident = _thread.get_ident()
        self.by_ident[self.ident] = self
        self.state.threads[self.slot] = self.ident
        unstarted = self.inbox.unstarted
        try:
            while True:
                id = next_id()
                if id is None:
                    return
                frame = unstarted.pop(id, None)
                if frame is not None:  # else recalled or cancelled meanwhile
                    self.serve(frame, self.commands.get(frame[2]))
                    frame = None  # may be large, and the next may be long in coming
        except BaseException as error:
            # A fault of the runtime's own. With a thread less, requests would wait for ever; without the
            # process the host starts a new one and says why.
            fatal(error)
        finally:
            self.inbox.wake()

    def begin(self, frame: Frame) -> None:
        """See :class:`Runner`."""
        self._sent = False
        self._context = Context(frame, self.state.cancels)
        CURRENT.set(self._context)
        self.active[frame[1]] = self
        self.state.progress[self.slot] = frame[1]

    def end(self, frame: Frame) -> None:
        """See :class:`Runner`."""
        if self._context is not None:
            self._context._over = frame[1] in self.state.cancels
        self.tidy(frame[1])
        self.active.pop(frame[1], None)
        CURRENT.set(None)
        self._context = None

    @property
    def loop_ident(self) -> int:
        """See :class:`Runner`."""
        return self.loop.ident

    def kick(self, id: int) -> None:
        """Make the handler see its cancel; called by the control thread."""
        cancel, task = self.state.cancels.get(id), self.task
        if cancel is None:
            return
        if task is not None:
            self.loop.call(self._cancel_task, task, id)
            return
        with self._lock:
            if self.armed and not self._sent and self.active.get(id) is self:
                self._sent = cancel.thrown = True
                _raise_in_thread(self.ident)
        credit = self.inbox.streams.get(id)
        if credit is not None:
            credit.changed()

    def _cancel_task(self, task: asyncio.Task[Any], id: int) -> None:
        cancel = self.state.cancels.get(id)
        if cancel is not None and not cancel.thrown and self.task is task:
            cancel.thrown = True
            task.cancel()

    def step(self, function: Callable[..., Any], *args: Any) -> Any:
        """See :class:`Runner`."""
        wall, cpu = time.monotonic(), time.thread_time()
        try:
            try:
                self.armed = True
                return function(*args)
            finally:
                self._disarm()
        finally:
            # Cancelled can have appeared instead of any of the steps above. But it does once per request, so
            # from here on there is peace.
            self.armed = False
            self.wall += time.monotonic() - wall
            self.cpu += time.thread_time() - cpu

    def _disarm(self) -> None:
        with self._lock:
            self.armed = False
        if self._sent:
            for _ in range(3):
                _breathe()

    def shield(self, action: Callable[..., Any], *args: Any) -> Any:
        """Run something of the runtime on behalf of the app, in which Cancelled must not appear."""
        if not self.armed:
            return action(*args)
        self._disarm()
        try:
            return action(*args)
        finally:
            self.armed = True

    def checkpoint(self) -> None:
        """Raise Cancelled if it is due; called where the runtime is about to return to the app."""
        if not self.armed or self._sent or self._context is None:
            return
        cancel = self.state.cancels.get(self._context._id)
        if cancel is None:
            return
        with self._lock:
            if self._sent:
                return  # it is on its way already
            self._sent = cancel.thrown = True
        raise Cancelled("the request was cancelled")

    def run(self, frame: Frame, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """See :class:`Runner`. The thread waits; so coroutines and others together stay within the
        concurrency.
        """
        meter = _Meter(coroutine)
        wall = time.monotonic()
        self.coroutine = coroutine
        try:
            outcome = self.loop.submit(self.guarded(meter, self._context)).result()
        finally:
            self.coroutine = None
            self.wall += time.monotonic() - wall
            self.cpu += meter.cpu
        return self.settle(frame, *outcome)

    def wait_credit(self, id: int, credit: Credit) -> None:
        """See :class:`Runner`."""
        credit.on_change = self._more.set
        while True:
            self._more.clear()
            if credit.left > 0 or id in self.state.cancels:
                return
            self._more.wait()

    async def wait_credit_async(self, credit: Credit) -> None:
        """See :class:`Runner`."""
        import asyncio

        more = asyncio.Event()
        loop = asyncio.get_running_loop()
        credit.on_change = functools.partial(loop.call_soon_threadsafe, more.set)
        while credit.left <= 0:
            await more.wait()
            more.clear()
        credit.on_change = None


def _breathe() -> None:
    """A call, at which the interpreter looks for what it has to raise."""


def _raise_in_thread(ident: int) -> None:
    try:
        import ctypes
    except ImportError:
        return  # a Python without it: the handler can still look at context().cancelled
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(Cancelled))


class _Meter:
    """Awaits a coroutine and adds up the CPU time of its own steps, since the loop's thread runs others in
    between.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self.cpu = 0.0

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[Any], Any] = self._coroutine.send
        argument: Any = None
        while True:
            began = time.thread_time()
            try:
                awaited = step(argument)
            except StopIteration as stop:
                return stop.value
            finally:
                self.cpu += time.thread_time() - began
            try:
                argument = yield awaited
                step = self._coroutine.send
            except BaseException as error:
                argument, step = error, self._coroutine.throw


class LoopThread:
    """The event loop of all async handlers, in a thread of its own; it starts when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._thread: Optional[threading.Thread] = None
        self._closing = False

    @property
    def ident(self) -> int:
        """Its thread, as ``threading.get_ident()`` has it; 0 before it runs."""
        return (self._thread.ident or 0) if self._thread is not None else 0

    def submit(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run a coroutine; the future has its result."""
        import asyncio

        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._serve, name="snakepit-asyncio", daemon=True)
                self._thread.start()
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, function: Callable[..., Any], *args: Any) -> None:
        """Call a function in the loop's thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(function, *args)

    def _serve(self) -> None:
        import asyncio

        loop = self._loop
        assert loop is not None
        asyncio.set_event_loop(loop)
        while not self._closing:
            try:
                loop.run_forever()
            except (
                BaseException
            ):  # such as SystemExit in a task of the app's: it must not take the others along
                continue
        close_loop(loop)

    def close(self) -> None:
        """Stop the loop, after cancelling what still runs on it."""
        if self._loop is not None and self._thread is not None:
            self._closing = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5.0)
