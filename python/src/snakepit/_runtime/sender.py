"""Writing frames: a buffer that any thread may add to and one thread at a time sends."""

from __future__ import annotations

import _thread
import select
import socket
import time
from typing import Optional, Union


class Sender:
    """The writing side of a connection.

    Whoever has something to send appends a whole frame to ``out`` (one atomic step) and calls :meth:`flush`.
    Who finds somebody else sending leaves at once: the sender looks into ``out`` again after it has let go of
    the lock, so nothing is left behind, and frames leave in the order in which they were appended.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.out: list[bytes] = []
        self.dead = False
        self._sock = sock
        self._send = sock.send
        self._lock = _thread.allocate_lock()
        self._rest: Optional[memoryview] = None

    @property
    def pending(self) -> bool:
        """True while something is not sent yet."""
        return bool(self.out) or self._rest is not None

    def post(self, frame: bytes) -> None:
        """Send a frame, with whatever has been held back before it."""
        self.out.append(frame)
        self.flush()

    def flush(self, timeout: Optional[float] = None) -> bool:
        """Send what ``out`` holds. False when the host did not take all of it within ``timeout`` seconds.

        A connection that broke is no error here, since the reading side sees it too and ends the process:
        what cannot be sent is let go.
        """
        while self.out or self._rest is not None:
            if not self._lock.acquire(False):
                return True
            try:
                done = self._drain(timeout)
            except OSError:
                self.dead = True
                self.out.clear()
                self._rest = None
                return True
            finally:
                self._lock.release()
            if not done:
                return False
        return True

    def settle(self) -> None:
        """See to it that what was flushed survives the process, which may be about to crash: the kernel has it."""

    def _drain(self, timeout: Optional[float]) -> bool:
        if self._rest is None:
            out = self.out
            count = len(out)
            data = out[0] if count == 1 else b"".join(out[:count])
            del out[:count]
            # Never blocking, so that no signal finds us between "sent some" and "know how much".
            sent = self._try(data)
            if sent == len(data):
                return True
            self._rest = memoryview(data)[sent:]
        return self._finish(time.monotonic() + timeout if timeout is not None else None)

    def _finish(self, until: Optional[float]) -> bool:
        writable = select.poll()
        writable.register(self._sock, select.POLLOUT)
        while self._rest is not None:
            sent = self._try(self._rest)
            self._rest = self._rest[sent:] if sent < len(self._rest) else None
            if self._rest is not None:
                left = None if until is None else (until - time.monotonic()) * 1000
                if left is not None and left <= 0:
                    return False
                writable.poll(left)
        return True

    def _try(self, data: Union[bytes, memoryview]) -> int:
        try:
            return self._send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0
