"""The control thread: answers at once whatever the main thread is doing, as long as the GIL can be had."""

from __future__ import annotations

import math
import os
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Optional, Protocol

from snakepit import metrics
from snakepit._runtime import readings
from snakepit._runtime.answers import Answers
from snakepit._runtime.capture import Capture
from snakepit._runtime.ending import ControlClosed, end_process, fatal
from snakepit._runtime.failure import cancelled
from snakepit._runtime.inbox import Inbox
from snakepit._runtime.sender import Sender
from snakepit._runtime.stacks import Stacks
from snakepit._runtime.state import Cancel, State
from snakepit._runtime.wire import (
    CANCEL,
    PING,
    PONG,
    RECALL,
    RECALLED,
    STACK,
    STATS,
    STOP,
    Frame,
    HostGone,
    ProtocolError,
    Reader,
)

if TYPE_CHECKING:
    from snakepit._runtime.runner import Runner

_TICK_S = 0.01
# After so many ticks without a new batch nobody needs them any more.
_IDLE_TICKS = 10
_MAX_KICK_WAIT_S = 1.0
# A cancel for a request that is neither unstarted nor running: it may be just about to run, or over. By then
# it is over.
_FORGET_S = 1.0
# And for one that has not come at all: its REQUEST may be stuck behind others that the worker has not read
# yet.
_FORGET_UNSEEN_S = 60.0
# How long an orderly exit may take once everything is done; a thread the app has left behind must not keep
# the process.
_EXIT_S = 3.0
# The end of a host closes both connections, one a moment after the other.
_HALF_CLOSED_MS = 100


class Runs(Protocol):
    """What the control thread needs to know of who runs handlers."""

    def running(self, id: int) -> bool:
        """True while the handler of this request runs."""
        ...

    def kick(self, id: int) -> None:
        """Try to make that handler see its cancel."""
        ...

    def runner_of(self, id: int) -> Optional[Runner]:
        """Who runs that handler, while it does."""
        ...


class Control(threading.Thread):
    """Reads the control connection and watches standard input, whose end means that the host is gone."""

    def __init__(
        self,
        sock: socket.socket,
        reader: Reader,
        rest: bytes,
        sender: Sender,
        answers: Answers,
        stdin: Optional[int],
        stats_interval_s: float,
    ) -> None:
        super().__init__(name="snakepit-control", daemon=True)
        self._sock = sock
        self._reader = reader
        self._rest = rest
        self._sender = sender
        self._answers = answers
        self._stdin = stdin
        self._interval = stats_interval_s or math.inf
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._exit_at: Optional[float] = None
        self._exit_code = 0

    def attach(
        self,
        state: State,
        inbox: Inbox,
        channel: Sender,
        work: Answers,
        runs: Runs,
        output: Capture,
        stacks: Stacks,
    ) -> None:
        """Tell it of the work side; needed before :meth:`start`."""
        self._state, self._inbox, self._channel, self._work, self._runs = state, inbox, channel, work, runs
        self._output, self._stacks = output, stacks

    def nudge(self) -> None:
        """Ask it to look every few milliseconds for replies that are held back, for as long as there is work."""
        self._wake()

    def exit_soon(self, code: int) -> None:
        """The worker is done and about to leave: see to it that it does."""
        self._exit_code = code
        self._exit_at = time.monotonic() + _EXIT_S
        self._wake()

    def _wake(self) -> None:
        try:
            self._wake_in.send(b"!")
        except (BlockingIOError, OSError):
            pass

    def run(self) -> None:
        """The thread's body; ends only with the process."""
        try:
            self._loop()
        except BaseException as error:
            # Without this thread the worker would look dead to the host for no visible reason.
            fatal(error)

    def _loop(self) -> None:
        ready = select.poll()
        ready.register(self._sock, select.POLLIN)
        ready.register(self._wake_out, select.POLLIN)
        if self._stdin is not None:
            ready.register(self._stdin, select.POLLIN)
        self._take(self._rest)
        next_stats = time.monotonic() + self._interval
        seen = idle = 0
        while True:
            now = time.monotonic()
            until = min(next_stats, self._output.due)
            if self._exit_at is not None:
                if now >= self._exit_at:
                    end_process(self._exit_code)
                until = min(until, self._exit_at)
            if self._state.ticking:
                until = min(until, now + _TICK_S)
            for descriptor, _ in ready.poll(None if until == math.inf else max(0.0, (until - now) * 1000)):
                self._readable(descriptor)
            if time.monotonic() >= next_stats:
                next_stats = time.monotonic() + self._interval
                self._sender.post(self._answers.frame(STATS, readings.take()))
                metrics.flush()
            if time.monotonic() >= self._output.due:
                self._output.tell(None)
                self._state.ticking = True  # which sends it
            if self._state.ticking:
                batches = self._state.batches
                held = batches == seen and self._channel.pending
                idle = idle + 1 if batches == seen and not self._state.cancels else 0
                seen = batches
                if held:
                    self._channel.flush(0.0)
                self._kick_all()
                if idle > _IDLE_TICKS:
                    self._rest_from_ticking(batches)
                    idle = 0

    def _rest_from_ticking(self, batches: int) -> None:
        self._state.ticking = False
        # The main thread counts a batch first and looks at "ticking" then. So either we see its count here,
        # or it sees the False and nudges us: a reply is never held with nobody looking.
        if self._state.batches != batches or self._channel.pending:
            self._state.ticking = True

    def _readable(self, descriptor: int) -> None:
        if descriptor == self._sock.fileno():
            try:
                data = self._sock.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                raise self._closed()
            self._take(data)
        elif descriptor == self._stdin:
            if not os.read(self._stdin, 1 << 12):
                raise HostGone("standard input is closed")
        else:
            self._wake_out.recv(1 << 12)
            self._state.ticking = True

    def _closed(self) -> HostGone:
        return HostGone() if self._inbox.closes(_HALF_CLOSED_MS) else ControlClosed()

    def _take(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            self._on_frame(frame)

    def _on_frame(self, frame: Frame) -> None:
        kind = frame[0]
        if kind == PING and len(frame) == 2:
            self._sender.post(self._answers.frame(PONG, frame[1]))
        elif kind == CANCEL and len(frame) == 3 and type(frame[1]) is int:
            self._cancel(frame[1])
        elif kind == RECALL and len(frame) == 2 and type(frame[1]) is list:
            self._sender.post(self._answers.frame(RECALLED, self._inbox.recall(frame[1])))
        elif kind == STACK and len(frame) == 3 and type(frame[1]) is int:
            self._stack(frame[1], frame[2])
        elif kind == STOP:
            self._stop()
        else:
            raise ProtocolError(
                f"a frame of type {kind!r} with {len(frame)} elements came on the control connection"
            )

    def _stack(self, seq: int, ids: object) -> None:
        if ids is not None and (type(ids) is not list or any(type(id) is not int for id in ids)):
            raise ProtocolError(f"STACK wants a list of ids or null, not {ids!r:.200}")
        self._sender.post(self._stacks.frame(seq, ids))

    def _cancel(self, id: int) -> None:
        if not self._runs.running(id):
            if self._inbox.recall([id]):
                # Not waiting, should the host be slow to read: the ticks see to the rest.
                self._channel.out.append(self._work.error(id, cancelled()))
                self._channel.flush(0.0)
                self._state.ticking = True
                return
            # Between "taken" and "running" lie a few steps of the main thread: the cancel waits for them.
        self._state.cancels[id] = Cancel()
        self._state.ticking = True
        self._kick_all()

    def _kick_all(self) -> None:
        if not self._state.cancels:
            return
        now = time.monotonic()
        for id, cancel in list(self._state.cancels.items()):
            if not self._runs.running(id):
                if now > cancel.born + (_FORGET_UNSEEN_S if self._unseen(id) else _FORGET_S):
                    self._state.cancels.pop(id, None)
            elif not cancel.thrown and now >= cancel.next_kick:
                self._runs.kick(id)
                cancel.next_kick = now + cancel.wait
                cancel.wait = min(_MAX_KICK_WAIT_S, cancel.wait * 2)

    def _unseen(self, id: int) -> bool:
        """True for a request that comes after all that have been started: it may still be on its way."""
        return all(0 < (id - started) % 2**32 < 2**31 for started in self._state.progress_words())

    def _stop(self) -> None:
        self._state.stopping = True
        if not self._state.ready:
            # Nothing has been set up that on_stop could take down, and an import cannot be interrupted.
            end_process(0)
        self._inbox.wake()
