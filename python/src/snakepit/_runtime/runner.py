"""Running a handler of any kind: what the main thread and the handler threads have in common."""

from __future__ import annotations

import contextvars
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, Optional, Union

from snakepit._api import session_hooks
from snakepit._context import Cancelled, Context
from snakepit._runtime.answers import Answers, SessionFault, TooLarge
from snakepit._runtime.arguments import InvalidArguments
from snakepit._runtime.capture import Capture
from snakepit._runtime.codec.values import Unserializable
from snakepit._runtime.commands import WARY_CALLS, Command, unknown
from snakepit._runtime.failure import Failure, cancelled, failure, from_exception
from snakepit._runtime.inbox import Inbox
from snakepit._runtime.peak import SLOW_S, Gauge
from snakepit._runtime.sender import Sender
from snakepit._runtime.sessions import change_of
from snakepit._runtime.state import State
from snakepit._runtime.streams import Credit
from snakepit._runtime.wire import Frame, HostGone, ProtocolError

if TYPE_CHECKING:
    import asyncio

#: The request of an asyncio task or a handler thread. Sync handlers in the main thread are found through the
#: state.
CURRENT: contextvars.ContextVar[Optional[Context]] = contextvars.ContextVar("snakepit_request", default=None)

_LAZY = (GeneratorType, CoroutineType, AsyncGeneratorType)
_END = object()
# A chunk is held back for the next only when chunks come faster than this.
_FAST_S = 0.0002
_HOLD_S = 0.001


class Runner(ABC):
    """Runs one request at a time."""

    def __init__(
        self,
        state: State,
        inbox: Inbox,
        channel: Sender,
        answers: Answers,
        commands: dict[str, Command],
        capture: Capture,
    ) -> None:
        self.state = state
        self.inbox = inbox
        self.channel = channel
        self.answers = answers
        self.commands = commands
        self.capture = capture
        # Seconds spent in the app's code for the request at hand, waits for credit left out.
        self.wall = 0.0
        self.cpu = 0.0
        self._flushed = 0.0
        #: The thread that runs the handler, as ``threading.get_ident()`` has it; 0 while not known.
        self.ident = 0
        #: Tells what memory a request takes; None where others run beside it.
        self.gauge: Optional[Gauge] = None
        # What the control thread needs to tell where the request at hand is.
        #: The coroutine that runs it, if any.
        self.coroutine: Optional[Coroutine[Any, Any, Any]] = None
        #: The generator whose chunks are its results, if any.
        self.source: Optional[Union[Generator[Any, Any, Any], AsyncGenerator[Any, Any]]] = None
        #: True while it waits for credit.
        self.starved = False

    #: The context of the request at hand, once it was made.
    _context: Optional[Context] = None

    def serve(self, frame: Frame, command: Optional[Command]) -> None:
        """Run a request from its first check to its answer.

        :raises HostGone, ProtocolError: from reading the connection while a stream waits for credit.
        """
        self.wall = self.cpu = 0.0
        self.begin(frame)
        if self.gauge is not None and command is not None and command.heavy:
            command.heavy -= 1
            self.gauge.start(frame[1])
        try:
            if frame[1] in self.state.cancels:
                # Its cancel came first, on the other connection.
                reply = self.answers.error(frame[1], cancelled())
            elif command is None:
                reply = self.answers.error(frame[1], unknown(frame[2], self.commands))
            else:
                command.signature.check(frame[3])
                if frame[9] is not None and "restore" in frame[9]:
                    self._restore(frame)
                result = self._resolve(frame, self.step(call, command.call, frame[3]))
                peak = self.peak(frame, self.wall)
                change = None if frame[9] is None else change_of(self._context, frame[1], self.answers)
                wall, cpu = self.wall * 1000, self.cpu * 1000
                reply = self.answers.response(frame[1], result, wall, cpu, peak, change)
        except BaseException as error:
            reply = self.failed(frame, error, self.wall, self.cpu)
        self.end(frame)
        self.channel.post(reply)

    def peak(self, frame: Frame, wall: float) -> int:
        """The peak of this process's memory in bytes, if the request at hand is what raised it; else 0.

        ``wall``: seconds that its handler took.
        """
        if self.gauge is None or wall <= SLOW_S:
            return 0
        command = self.commands.get(frame[2])
        if command is not None:
            command.wary = command.heavy = WARY_CALLS
        return self.gauge.risen(frame[1])

    def finish(self, frame: Frame, result: Any, wall: float, cpu: float, peak: int) -> bytes:
        """The answer for a result that a plain handler has returned and that cannot be packed as it is.

        A decorator may hide that a handler is async or a generator, so those are recognised here too.
        ``peak``: see :meth:`peak`.

        :raises HostGone, ProtocolError: see :meth:`serve`.
        """
        self.wall, self.cpu = wall, cpu
        try:
            if isinstance(result, _LAZY):
                result = self._resolve(frame, result)
                peak = self.peak(frame, self.wall)
            change = None if frame[9] is None else change_of(self._context, frame[1], self.answers)
            wall, cpu = self.wall * 1000, self.cpu * 1000
            return self.answers.response(frame[1], result, wall, cpu, peak, change)
        except BaseException as error:
            return self.failed(frame, error, self.wall, self.cpu)

    def failed(self, frame: Frame, error: BaseException, wall: float, cpu: float) -> bytes:
        """The ERROR for what a handler, or a check before it, has raised. ``wall``, ``cpu``: seconds it took.

        :raises HostGone, ProtocolError: if that is what was raised, since then there is nobody to answer.
        """
        if isinstance(error, (HostGone, ProtocolError)):
            raise error
        peak = self.peak(frame, wall)
        return self.answers.error(frame[1], _failure_of(error), wall * 1000, cpu * 1000, peak)

    def tidy(self, id: int) -> None:
        """Forget what was kept for a request; what it printed without an end of line goes out before its
        answer.
        """
        self.capture.finish(id)
        self.inbox.streams.pop(id, None)
        self.state.cancels.pop(id, None)

    # -- what differs between the main thread and the others

    @abstractmethod
    def begin(self, frame: Frame) -> None:
        """The request starts: note it where the control thread, the context and the progress file find it."""

    @abstractmethod
    def end(self, frame: Frame) -> None:
        """The handler is over."""

    @abstractmethod
    def step(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call the app's code, so that a cancel can be raised in it, and measure it."""

    @abstractmethod
    def run(self, frame: Frame, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine of the app to its end, so that a cancel can be raised in it, and measure it."""

    @abstractmethod
    def wait_credit(self, id: int, credit: Credit) -> None:
        """Wait until another chunk may be sent or the request is cancelled."""

    @property
    @abstractmethod
    def loop_ident(self) -> int:
        """The thread in which coroutines run."""

    @abstractmethod
    async def wait_credit_async(self, credit: Credit) -> None:
        """The same within the event loop; a cancel comes as ``asyncio.CancelledError``."""

    # -- coroutines

    #: The task that runs the coroutine of the request at hand, while it does.
    task: Optional[asyncio.Task[Any]] = None

    async def guarded(
        self, awaitable: Awaitable[Any], context: Optional[Context]
    ) -> tuple[Any, Optional[BaseException]]:
        """What a task runs: a result or an error.

        Caught here, a cancel shows where the coroutine was (before Python 3.11 that is lost further out), and
        what derives from ``BaseException`` only does not end a loop that others share.
        """
        import asyncio

        CURRENT.set(context)  # in the task's own copy of the context variables
        self.task = asyncio.current_task()
        try:
            return await awaitable, None
        except BaseException as error:
            return None, error
        finally:
            self.task = None

    def settle(self, frame: Frame, result: Any, error: Optional[BaseException]) -> Any:
        """The result of a coroutine, or its error raised."""
        import asyncio

        if isinstance(error, asyncio.CancelledError) and frame[1] in self.state.cancels:
            raise Cancelled("the request was cancelled").with_traceback(error.__traceback__)
        if error is not None:
            raise error
        return result

    def _restore(self, frame: Frame) -> None:
        hook, session = session_hooks.get("restore"), frame[9]
        if hook is None:
            return
        made = self.step(hook, session["id"], session["restore"])
        if isinstance(made, CoroutineType):
            self.run(frame, made)

    # -- results

    def _resolve(self, frame: Frame, result: Any) -> Any:
        """Turn what a handler returned into the result: run it, if it is lazy, and send chunks, if they are
        wanted.
        """
        if isinstance(result, CoroutineType):
            result = self.run(frame, result)
        if isinstance(result, GeneratorType):
            return self._generate(frame, result)
        if isinstance(result, AsyncGeneratorType):
            return self.run(frame, self._generate_async(frame, result))
        if not frame[8]:
            return result
        credit = self._credit(frame[1])
        if credit.left <= 0:
            self._starve(frame[1], credit)
        self._check_cancel(frame[1])
        self._chunk(frame[1], credit, result, last=True)
        return None

    def _generate(self, frame: Frame, generator: Generator[Any, Any, Any]) -> Optional[list[Any]]:
        id, stream = frame[1], frame[8]
        chunks: list[Any] = []
        credit = self._credit(id)
        self.source = generator
        try:
            while True:
                before = self.wall
                value = self.step(next, generator, _END)
                self._check_cancel(id)
                if value is _END:
                    return None if stream else chunks
                if not stream:
                    chunks.append(value)
                    continue
                # The next value is made before there is credit for it, so that the end is told without any.
                if credit.left <= 0:
                    self.channel.flush()
                    self._starve(id, credit)
                    self._check_cancel(id)
                self._chunk(id, credit, value, last=self.wall - before > _FAST_S)
        finally:
            self._close(generator.close)
            self.source = None

    async def _generate_async(self, frame: Frame, generator: AsyncGenerator[Any, Any]) -> Optional[list[Any]]:
        id, stream = frame[1], frame[8]
        chunks: list[Any] = []
        credit = self._credit(id)
        self.source = generator
        try:
            async for value in generator:
                self._check_cancel(id)
                if not stream:
                    chunks.append(value)
                    continue
                if credit.left <= 0:
                    self.channel.flush()
                    began = time.monotonic()
                    self.starved = True
                    try:
                        await self.wait_credit_async(credit)
                    finally:
                        self.starved = False
                    self.wall -= time.monotonic() - began
                self._chunk(id, credit, value, last=True)
            return None if stream else chunks
        finally:
            try:
                await generator.aclose()
            except Exception as error:
                self.capture.internal_error("closing a stream that was left early", error)
            self.source = None

    def _starve(self, id: int, credit: Credit) -> None:
        self.starved = True
        try:
            self.wait_credit(id, credit)
        finally:
            self.starved = False

    def _chunk(self, id: int, credit: Credit, value: Any, last: bool) -> None:
        """Send a chunk; ``last``: nothing will follow at once."""
        chunk = self.answers.chunk(id, value)
        credit.spent += 1
        self.channel.out.append(chunk)
        now = time.monotonic()
        # Held back only while the control thread looks after what is held: the generator may stop for long
        # before its next chunk. Asked after the append, so that one side sees the other.
        if last or credit.left <= 0 or now - self._flushed > _HOLD_S or not self.state.ticking:
            self.channel.flush()
            self._flushed = now

    def _credit(self, id: int) -> Credit:
        return self.inbox.streams.get(id) or Credit()

    def _check_cancel(self, id: int) -> None:
        if id in self.state.cancels:
            raise Cancelled("the request was cancelled")

    def _close(self, close: Callable[[], None]) -> None:
        try:
            close()
        except BaseException as error:
            # Raised while cleaning up; the request has its own outcome, which this must not replace.
            self.capture.internal_error("closing a stream that was left early", error)


def call(function: Callable[..., Any], args: dict[str, Any]) -> Any:
    """Call a handler with arguments by name."""
    return function(**args)


def _failure_of(error: BaseException) -> Failure:
    if isinstance(error, Cancelled):
        # With the traceback: where the handler was when its time was over is what one wants to know.
        return {**from_exception(error, "cancelled"), "message": "the request was cancelled"}
    if isinstance(error, InvalidArguments):
        return failure("invalid_arguments", str(error), error.path)
    if isinstance(error, Unserializable):
        return failure("unserializable", f"a chunk cannot be sent: {error}", error.path)
    if isinstance(error, SessionFault):
        return failure("unserializable", str(error), error.path)
    if isinstance(error, TooLarge):
        return failure("payload_too_large", str(error))
    return from_exception(error)
