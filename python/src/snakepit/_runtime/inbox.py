"""Reading the work connection, and what has come but not started."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Optional

from snakepit._runtime.streams import Credit
from snakepit._runtime.wire import CREDIT, REQUEST, Frame, HostGone, ProtocolError, Reader

_DONTWAIT = socket.MSG_DONTWAIT
_CHUNK = 1 << 16


class Inbox:
    """Requests that have come, by id, in the order in which they came.

    Taking one out of ``unstarted`` with ``pop`` is what starts, recalls or cancels it. Each of these happens
    to a request once, because ``pop`` is one atomic step: whoever gets the frame has it, the others get None.
    """

    def __init__(
        self, sock: socket.socket, reader: Reader, fifo: Optional[Callable[[int], None]] = None
    ) -> None:
        self.unstarted: dict[int, Frame] = {}
        #: Credit of the streams that were asked for and are not over.
        self.streams: dict[int, Credit] = {}
        self.sock = sock
        self._recv = sock.recv
        self._feed = reader.feed
        self._fifo = fifo
        # Held only while bytes are taken and cut, so that the control thread can look for what to recall
        # while the main thread is in a handler. Never held while waiting for bytes.
        self._lock = threading.Lock()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        #: What a byte is written to in order to end a wait.
        self.wake_descriptor = self._wake_in.fileno()
        self._ready = select.poll()
        self._ready.register(sock, select.POLLIN)
        self._ready.register(self._wake_out, select.POLLIN)

    def read(self) -> bool:
        """Take what has been received, without waiting. False when there was nothing.

        :raises HostGone: the host closed the connection.
        :raises ProtocolError: it sent something that is no frame.
        """
        with self._lock:
            try:
                data = self._recv(_CHUNK, _DONTWAIT)
            except BlockingIOError:
                return False
            except OSError as error:
                raise HostGone(str(error)) from error
            if not data:
                raise HostGone("the work connection is closed")
            at = time.monotonic()
            unstarted, streams, fifo = self.unstarted, self.streams, self._fifo
            for frame in self._feed(data):
                try:
                    # Taking it apart is the cheapest way to see that it has the elements of a request.
                    kind, id, _, _, _, _, _, _, stream, _ = frame
                except ValueError:
                    self._credit(frame)
                    continue
                if kind != REQUEST or type(id) is not int:
                    raise ProtocolError(f"a frame that is no request came: {_short(frame)}")
                # The deadline counts from here, not from when the handler is called. The type of the frame
                # has done its service, so the time takes its place.
                frame[0] = at
                if stream:
                    streams[id] = Credit()
                unstarted[id] = frame
                if fifo is not None:
                    fifo(id)
        return True

    def wait(self, timeout_ms: Optional[float] = None) -> None:
        """Sleep until there is something to read or :meth:`wake` is called."""
        for descriptor, _ in self._ready.poll(timeout_ms):
            if descriptor == self._wake_out.fileno():
                try:
                    self._wake_out.recv(_CHUNK)
                except BlockingIOError:
                    pass

    def wake(self) -> None:
        """End a :meth:`wait`, or the next one if nobody waits."""
        try:
            self._wake_in.send(b"!")
        except BlockingIOError:
            pass  # so many wakes are pending that one more makes no difference

    def recall(self, ids: list[int]) -> list[int]:
        """Take back those of ``ids`` that have not started; returns which these are."""
        if not all(id in self.unstarted for id in ids):
            # They may still be in the kernel's buffer, behind a handler that keeps the main thread.
            while self.read():
                # Other requests may be among what was read, and the main thread may be about to wait for
                # them.
                self.wake()
        given_back = [id for id in ids if self.unstarted.pop(id, None) is not None]
        for id in given_back:
            self.streams.pop(id, None)
        return given_back

    def _credit(self, frame: Frame) -> None:
        if frame[0] != CREDIT or len(frame) != 3 or type(frame[2]) is not int:
            raise ProtocolError(f"a frame of type {frame[0]!r} came on the work connection: {_short(frame)}")
        stream = self.streams.get(frame[1])
        if stream is not None:  # else it is over, and its last credit crossed with its end
            stream.grant(frame[2])


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "…"
