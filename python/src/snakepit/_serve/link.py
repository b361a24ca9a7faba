"""The way from gRPC to the runtime and back: requests in its frames, answers out of them."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, MutableSequence
from typing import Any, Optional, Protocol

from snakepit._runtime import wire
from snakepit._runtime.sender import Sender
from snakepit._runtime.wire import ProtocolError, SplittingReader
from snakepit._serve.calls import Call, Problem
from snakepit._serve.frames import Raw, RawCodec, Session

_CHUNK = 1 << 18
_AHEAD = 4
_MAX_ID = 2**32 - 1


class LinkListener(Protocol):
    """What a link tells. Called from the threads that read: must not wait, must not raise."""

    def frame(self, kind: int, elements: list[Any], call: Optional[Call]) -> None:
        """An EVENT or LOG, maps in it encoded; or one of the control connection, decoded."""
        ...

    def closed(self, fault: Optional[str]) -> None:
        """A connection has ended; ``fault``: for what reason of ours."""
        ...


class _Recall:
    """Somebody waits to hear what was given back."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.back: list[Call] = []


class Unnumbered(Exception):
    """A request has no number of its own, on a link where it must have one."""


class Gone(Exception):
    """The child has ended."""


class Link:
    """Threads: any may send; one reads the work connection, one the control connection."""

    def __init__(
        self,
        codec: RawCodec,
        control: Sender,
        work: Sender,
        listener: LinkListener,
        concurrency: int,
        reach: Optional[MutableSequence[int]] = None,
    ) -> None:
        """``reach``: the word of the progress file for what came out of turn. Given where requests keep the numbers of their host,
        which reads the file.
        """
        self.codec = self._codec = codec
        self._listener = listener
        self._control, self._work = control, work
        #: Requests without an answer, also those that nobody waits for any more: they keep the child busy.
        self.open: dict[int, Call] = {}
        self._last_id = 0
        self._reach = reach
        # Requests that keep the child busy until more come.
        self._enough = concurrency + _AHEAD
        # Ids must arrive in the order of their numbers, for the progress file to tell what has begun.
        self._lock = threading.Lock()
        self._rest_due = threading.Semaphore(0)
        self._over = False
        self.heard_at = time.monotonic()
        self._stack_seq = 0
        self._stacks: dict[int, tuple[threading.Event, list[Any]]] = {}
        self._recalling = threading.Lock()
        # Oldest first: the child answers in the order in which it was asked.
        self._recalls: deque[_Recall] = deque()

    def start(self) -> None:
        """Begin to send what could not be sent at once."""
        threading.Thread(target=self._flush_rest, daemon=True).start()

    # -- out

    def request(
        self,
        call: Call,
        command: str,
        args: Raw,
        about: tuple[str, str, Optional[float], Optional[str], bool],
        session: Optional[Session],
        send: bool = True,
    ) -> None:
        """Hand a request over. ``send``: False when :meth:`flush` follows soon.

        :raises Gone: there is nobody to take it.
        :raises Unnumbered: it has no number of its own.
        """
        with self._lock:
            if self._over:
                raise Gone
            call.id = id = (
                self._next_id() if self._reach is None else self._take_number(call.serial, self._reach)
            )
            frame = self._codec.request(id, command, args, about, session)
            self.open[id] = call
            self._work.out.append(frame)
        if send:
            self._work.flush()

    def _next_id(self) -> int:
        last = self._last_id
        id = last + 1 if last < _MAX_ID else 1
        while id in self.open:
            id = id + 1 if id < _MAX_ID else 1
        self._last_id = id
        return id

    def _take_number(self, serial: int, reach: MutableSequence[int]) -> int:
        if not serial or serial in self.open:
            raise Unnumbered
        if 0 < (serial - self._last_id) % 2**32 < 2**31:
            self._last_id = serial
        else:
            # gRPC has delivered two calls the wrong way round. Once this one begins, its word would say that those of higher
            # numbers have not.
            reach[0] = self._last_id
        return serial

    def flush(self) -> None:
        """Send what was held back."""
        self._work.flush()

    def flush_soon(self) -> None:
        """The same without waiting: what the child has no room for yet goes later.

        Nor does what it could not begin yet: that goes together, with the next answer. To wake the child for each request
        costs more than to run a short one.
        """
        work = self._work
        # Asked after the request was added: either this sees that answers have come, or who takes them sees the request.
        if len(self.open) - len(work.out) <= self._enough:
            self._flush_without_waiting()

    def _flush_without_waiting(self) -> None:
        if not self._work.flush(0.0):
            self._rest_due.release()

    def _flush_rest(self) -> None:
        while not self._over:
            self._rest_due.acquire()
            self._work.flush()

    def credit(self, call: Call, count: int) -> None:
        """Allow so many more chunks."""
        self._work.post(self._frame(wire.CREDIT, call.id, count))

    def cancel(self, call: Call, reason: str) -> None:
        """Ask for the end of a request; its answer still comes."""
        if self.open.get(call.id) is call:
            if self._work.out:
                self._flush_without_waiting()
            self._control.post(self._frame(wire.CANCEL, call.id, reason))

    def recall(self, calls: Iterable[Call]) -> list[Call]:
        """Take back those that have not begun, which ends them; returns them, once the child has said which these are."""
        recall = _Recall()
        ids = [call.id for call in calls if self.open.get(call.id) is call]
        # The child looks for them in what it has been sent.
        if self._work.out:
            self._flush_without_waiting()
        with self._recalling:
            if self._over:
                return []
            self._recalls.append(recall)
            self._control.post(self._frame(wire.RECALL, ids))
        recall.done.wait()
        return recall.back

    def _recalled(self, ids: Iterable[int]) -> None:
        recall = self._recalls.popleft()
        recall.back = [call for call in (self.open.pop(id, None) for id in ids) if call is not None]
        for call in recall.back:
            call.give_back()
        self._wake_exchanges(recall.back)
        recall.done.set()

    def ping(self, seq: int) -> None:
        """Ask whether it lives."""
        self._control.post(self._frame(wire.PING, seq))

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._control.post(self._frame(wire.STOP))

    def stacks(self, ids: Optional[list[int]], within_s: float) -> Optional[list[Any]]:
        """``[id or None, text]`` of these requests or of every thread; None when no answer came in time."""
        with self._lock:
            self._stack_seq += 1
            seq = self._stack_seq
            waiter: tuple[threading.Event, list[Any]] = (threading.Event(), [])
            self._stacks[seq] = waiter
        self._control.post(self._frame(wire.STACK, seq, ids))
        answered = waiter[0].wait(within_s)
        self._stacks.pop(seq, None)
        return waiter[1] if answered else None

    def close(self, fail: Callable[[Call], Problem]) -> list[Call]:
        """Let go of the child, which is dead; every request that is open gets the problem ``fail`` names."""
        with self._lock, self._recalling:
            self._over = True
        while self._recalls:
            self._recalls.popleft().done.set()
        self._rest_due.release()
        left = list(self.open.values())
        self.open.clear()
        for call in left:
            call.settle(fail(call))
        self._wake_exchanges(left)
        return left

    def _frame(self, *elements: Any) -> bytes:
        body = self._codec.codec.pack(elements)
        return wire.header(len(body)) + body

    # -- in

    def take_work(self, bodies: Iterable[bytes]) -> None:
        """Take what came on the work connection.

        :raises ProtocolError: it is not the protocol.
        """
        codec, pop = self._codec, self.open.pop
        settled: list[Call] = []
        for body in bodies:
            kind, id, at = codec.head(body)
            call: Optional[Call]
            if kind == wire.RESPONSE:
                call = pop(id, None) or self._unknown(id)
                call.settle(codec.answer(body, at))
                settled.append(call)
            elif kind == wire.CHUNK:
                call = self.open.get(id) or self._unknown(id)
                call.chunk(codec.chunk(body, at))
                settled.append(call)
            elif kind == wire.ERROR:
                call = pop(id, None) or self._unknown(id)
                _, _, failure, python_ms, cpu_ms, *_ = codec.decode(body)
                call.settle(Problem(failure, python_ms, cpu_ms))
                settled.append(call)
            elif kind in (wire.LOG, wire.EVENT):
                call = self.open.get(id)
                self._listener.frame(kind, codec.elements(body), call)
                if call is not None:
                    settled.append(call)
            else:
                raise ProtocolError(f"a frame of type {kind} came on the work connection")
        if settled:
            self._wake_exchanges(settled)
        if self._work.out:
            self._flush_without_waiting()

    def _wake_exchanges(self, settled: list[Call]) -> None:
        # Once for all that came in one read, so that they leave in one message.
        for wake in {call.after for call in settled if call.after is not None}:
            wake()

    def _unknown(self, id: int) -> Call:
        raise ProtocolError(f"an answer to request {id} came, which is not open")

    def take_control(self, bodies: Iterable[bytes]) -> None:
        """The same of the control connection."""
        for body in bodies:
            self.heard_at = time.monotonic()
            frame = self._codec.decode(body)
            if frame[0] == wire.STACKS:
                waiter = self._stacks.get(frame[1])
                if waiter is not None:
                    waiter[1].extend(frame[2])
                    waiter[0].set()
            elif frame[0] == wire.RECALLED:
                self._recalled(frame[1])
            elif frame[0] != wire.PONG:
                self._listener.frame(frame[0], frame, None)


class ChildLink(Link):
    """Over the two sockets of a process: a thread reads each."""

    def __init__(
        self,
        codec: RawCodec,
        sockets: tuple[socket.socket, socket.socket],
        max_frame_bytes: int,
        listener: LinkListener,
        concurrency: int,
    ) -> None:
        """``sockets``: control and work."""
        control, work = map(Sender, sockets)
        super().__init__(codec, control, work, listener, concurrency)
        self._sockets = sockets
        self._max = max_frame_bytes

    def start_reading(self, rests: tuple[bytes, bytes]) -> None:
        """``rests``: what came right behind HELLO, control first."""
        self.start()
        for sock, take, rest in zip(self._sockets, (self.take_control, self.take_work), rests):
            threading.Thread(target=self._read, args=(sock, take, rest), daemon=True).start()

    def close(self, fail: Callable[[Call], Problem]) -> list[Call]:
        """See :class:`Link`."""
        for sock in self._sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
        return super().close(fail)

    def _read(self, sock: socket.socket, take: Callable[[Iterable[bytes]], None], data: bytes) -> None:
        feed = SplittingReader(lambda body: [body], self._max).feed
        fault = None
        try:
            while True:
                take([body for (body,) in feed(data)])
                data = sock.recv(_CHUNK)
                if not data:
                    break
        except OSError:
            pass
        except Exception as error:
            fault = f"the process that runs the handlers broke the protocol: {error!r}"
        self._listener.closed(fault)
