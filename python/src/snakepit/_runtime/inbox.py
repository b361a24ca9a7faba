"""What has come but not started, and where it comes from."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional

from snakepit._runtime.streams import Credit
from snakepit._runtime.wire import CREDIT, REQUEST, Frame, HostGone, ProtocolError, Reader

if TYPE_CHECKING:
    import asyncio

_DONTWAIT = socket.MSG_DONTWAIT
_CHUNK = 1 << 16
_CLOSED = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Inbox:
    """Requests that have come, by id, in the order in which they came.

    Taking one out of ``unstarted`` with ``pop`` is what starts, recalls or cancels it. Each of these happens
    to a request once, because ``pop`` is one atomic step: whoever gets the frame has it, the others get None.
    """

    #: What a byte is written to in order to end a wait, as Python does at a signal.
    wake_descriptor: int

    def __init__(self, reader: Reader) -> None:
        self.unstarted: dict[int, Frame] = {}
        #: Credit of the streams that were asked for and are not over.
        self.streams: dict[int, Credit] = {}
        #: Told of each that has come, where handlers run in threads.
        self.fifo: Optional[Callable[[int], None]] = None
        self._feed = reader.feed
        # Held only while bytes are taken and cut, so that the control thread can look for what to recall
        # while the main thread is in a handler. Never held while waiting for bytes.
        self._lock = threading.Lock()

    def receive(self) -> bytes:
        """What has come, without waiting; empty: nothing.

        :raises HostGone: the host closed the connection.
        """
        raise NotImplementedError

    def wait(self, timeout_ms: Optional[float] = None) -> None:
        """Sleep until there is something to read or :meth:`wake` is called."""
        raise NotImplementedError

    def wake(self) -> None:
        """End a :meth:`wait`, or the next one if nobody waits."""
        raise NotImplementedError

    def attend(self, loop: asyncio.AbstractEventLoop, readable: Callable[[], object]) -> None:
        """Have ``readable`` called on the loop when there is something to read."""
        raise NotImplementedError

    def unattend(self, loop: asyncio.AbstractEventLoop) -> None:
        """No longer."""
        raise NotImplementedError

    def closes(self, within_ms: float) -> bool:
        """Whether the host has closed the connection, or does so soon."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the connection, as a forked child does."""

    def read(self) -> bool:
        """Take what has been received, without waiting. False when there was nothing.

        :raises HostGone: the host closed the connection.
        :raises ProtocolError: it sent something that is no frame.
        """
        with self._lock:
            data = self.receive()
            if not data:
                return False
            at = time.monotonic()
            unstarted, streams, fifo = self.unstarted, self.streams, self.fifo
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


class SocketInbox(Inbox):
    """Reads the work connection."""

    def __init__(self, sock: socket.socket, reader: Reader) -> None:
        super().__init__(reader)
        self._sock = sock
        self._recv = sock.recv
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self.wake_descriptor = self._wake_in.fileno()
        self._ready = select.poll()
        self._ready.register(sock, select.POLLIN)
        self._ready.register(self._wake_out, select.POLLIN)

    def receive(self) -> bytes:
        """See :class:`Inbox`."""
        try:
            data = self._recv(_CHUNK, _DONTWAIT)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise HostGone(str(error)) from error
        if not data:
            raise HostGone("the work connection is closed")
        return data

    def wait(self, timeout_ms: Optional[float] = None) -> None:
        """See :class:`Inbox`."""
        for descriptor, _ in self._ready.poll(timeout_ms):
            if descriptor == self._wake_out.fileno():
                try:
                    self._wake_out.recv(_CHUNK)
                except BlockingIOError:
                    pass

    def wake(self) -> None:
        """See :class:`Inbox`."""
        try:
            self._wake_in.send(b"!")
        except BlockingIOError:
            pass  # so many wakes are pending that one more makes no difference

    def attend(self, loop: asyncio.AbstractEventLoop, readable: Callable[[], object]) -> None:
        """See :class:`Inbox`."""
        loop.add_reader(self._sock, readable)

    def unattend(self, loop: asyncio.AbstractEventLoop) -> None:
        """See :class:`Inbox`."""
        loop.remove_reader(self._sock)

    def closes(self, within_ms: float) -> bool:
        """See :class:`Inbox`."""
        end = select.poll()
        end.register(self._sock, _CLOSED)
        return bool(end.poll(within_ms))

    def close(self) -> None:
        """See :class:`Inbox`."""
        self._sock.close()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "…"
