"""The ways between gRPC and the runtime within one process: bytes as on a socket, without one.

To write to a socket and have the other end woken by ``poll`` costs a short call a tenth of its time.
"""

from __future__ import annotations

import _thread
import asyncio
import functools
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Optional

from snakepit._runtime.ending import fatal
from snakepit._runtime.inbox import Inbox
from snakepit._runtime.sender import Sender
from snakepit._runtime.wire import Reader

_HEADER = 4


class DirectInbox(Inbox):
    """Is handed what comes, by any thread."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._come: deque[bytes] = deque()
        # Held while there is nothing to do: a bare lock is the cheapest thing to wait for.
        self._idle = _thread.allocate_lock()
        self._idle.acquire()
        self._attending: Optional[Callable[[], object]] = None
        signals, wake = socket.socketpair()
        wake.setblocking(False)
        self._signals, self._wake = signals, wake
        self.wake_descriptor = wake.fileno()
        threading.Thread(target=self._hear_signals, name="snakepit-signals", daemon=True).start()

    def hand_over(self, data: bytes) -> None:
        """Take whole frames."""
        self._come.append(data)
        if self.fifo is not None:
            # The threads that run handlers are told from here, with no thread in between.
            self._read_or_end()
        elif self._attending is not None:
            self._attending()
        else:
            self.wake()

    def _read_or_end(self) -> None:
        try:
            self.read()
        except BaseException as error:
            fatal(error)

    def receive(self) -> bytes:
        """See :class:`Inbox`."""
        come = self._come
        if len(come) == 1:
            return come.popleft()
        return b"".join(come.popleft() for _ in range(len(come)))

    def wait(self, timeout_ms: Optional[float] = None) -> None:
        """See :class:`Inbox`."""
        if timeout_ms is None:
            self._idle.acquire()
        else:
            self._idle.acquire(True, timeout_ms / 1000)

    def wake(self) -> None:
        """See :class:`Inbox`."""
        try:
            self._idle.release()
        except RuntimeError:
            pass  # it is awake, or about to be

    def attend(self, loop: asyncio.AbstractEventLoop, readable: Callable[[], object]) -> None:
        """See :class:`Inbox`."""
        self._attending = functools.partial(loop.call_soon_threadsafe, readable)
        if self._come:
            self._attending()

    def unattend(self, loop: asyncio.AbstractEventLoop) -> None:
        """See :class:`Inbox`."""
        self._attending = None
        self.wake()

    def closes(self, within_ms: float) -> bool:
        """See :class:`Inbox`."""
        return False

    def close(self) -> None:
        """See :class:`Inbox`."""
        self._signals.close()
        self._wake.close()

    def _hear_signals(self) -> None:
        # Python writes to the descriptor at a signal, whichever thread it has come to; what follows is the main thread's to do.
        while self._signals.recv(64):
            self.wake()


class DirectSender(Sender):
    """Hands over what it is given instead of writing it."""

    def __init__(
        self, take: Callable[[list[bytes]], object], settle: Callable[[], object] = lambda: None
    ) -> None:
        """``take``: gets whole frames. ``settle``: waits until what it got has left the process."""
        self.out = []
        self.dead = False
        self._lock = _thread.allocate_lock()
        self._rest = None
        self._take = take
        self._settle = settle

    def settle(self) -> None:
        """See :class:`Sender`."""
        self._settle()

    def _drain(self, timeout: Optional[float]) -> bool:
        out = self.out
        count = len(out)
        frames = out[:count]
        del out[:count]
        self._take(frames)
        return True


def bodies(frames: list[bytes]) -> list[bytes]:
    """Frames without their headers."""
    return [frame[_HEADER:] for frame in frames]
