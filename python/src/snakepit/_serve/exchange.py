"""Requests and answers in batches over one stream."""

from __future__ import annotations

import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Optional, Union

import grpc

from snakepit._serve import failures, messages
from snakepit._serve.backend import Backend
from snakepit._serve.calls import BatchedCall, Outcome, Problem
from snakepit._serve.frames import Answer, Raw
from snakepit._serve.link import Gone, Link
from snakepit._serve.requests import Refused, Requests

#: A batch of more than one message stays below this, in bytes.
_MAX_BATCH = 1 << 20
_MAX_MESSAGES = 512


class Exchange:
    """One such stream: a thread reads, another writes."""

    def __init__(self, backend: Backend, requests: Requests, context: grpc.ServicerContext) -> None:
        self._backend = backend
        self._requests = requests
        self._context = context
        self._open: dict[int, tuple[Link, BatchedCall]] = {}
        self._out: deque[Any] = deque()
        self._ready = threading.Semaphore(0)
        self._woken = False
        #: Nothing is left to send.
        self.idle = threading.Event()
        #: The host sends no more, and is to have the answers that are still due.
        self._half_closed = False
        self._gone = False

    # -- in

    def read(self, batches: Iterable[bytes]) -> None:
        """Take what the host sends, to its end."""
        try:
            for data in batches:
                self._take(messages.HostBatch.FromString(data))
        except grpc.RpcError:
            pass  # the call is over, of which caller_gone is told
        except Exception:
            if not self._gone:
                traceback.print_exc(file=sys.stderr)
                self._context.cancel()
        finally:
            self._half_closed = True
            self._wake()

    def _take(self, batch: Any) -> None:
        links: list[Link] = []
        for message in batch.messages:
            kind = message.WhichOneof("of")
            if kind in ("execute", "stream"):
                link = self._begin(message, getattr(message, kind), kind == "stream")
                if link is not None and link not in links:
                    links.append(link)
                continue
            link, call = self._open.get(message.id, (None, None))
            if link is not None and call is not None:
                if kind == "credit":
                    link.credit(call, message.credit)
                elif kind == "cancel":
                    # What it cancels may have been held back.
                    link.flush()
                    link.cancel(call, message.cancel)
        for link in links:
            link.flush()

    def _begin(self, message: Any, request: Any, stream: bool) -> Optional[Link]:
        number, link = message.id, self._backend.link
        call = BatchedCall(request.request_id, self._context, number, self._told, self._wake)
        left = message.timeout_ms / 1000 if message.timeout_ms else None
        try:
            if link is None:
                raise Gone
            self._open[number] = (link, call)
            self._requests.pass_on(link, call, request, len(request.args), left, stream, send=False)
            if self._gone:
                link.flush()
                link.cancel(call, "cancelled")
            return link
        except Refused as refused:
            self._told(number, refused.problem)
        except Gone:
            self._told(number, failures.not_begun(self._backend.down_because))
        self._wake()
        return None

    # -- from the thread that reads the child's answers

    def _told(self, number: int, what: Union[Outcome, Raw, Any, None]) -> None:
        if what is None:
            self._open.pop(number, None)
        else:
            self._out.append((number, what))

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            self.idle.clear()
            self._ready.release()

    def caller_gone(self) -> None:
        """The call is over: what runs for it is cancelled."""
        self._gone = True
        for link, call in list(self._open.values()):
            link.cancel(call, "cancelled")
        self._wake()

    # -- out

    def write(self) -> Iterator[bytes]:
        """What gRPC sends."""
        while True:
            self.idle.set()
            if self._woken:
                self.idle.clear()
            self._ready.acquire()
            # Before the look: what comes after it wakes us again.
            self._woken = False
            while self._out:
                yield self._batch()
            if self._gone or (self._half_closed and not self._open):
                self.idle.set()
                return

    def _batch(self) -> bytes:
        out, size = self._out, 0
        made: list[Any] = []
        batch = messages.WorkerBatch()
        while out and len(made) < _MAX_MESSAGES:
            number, what = out[0]
            message = self._message(number, what)
            bytes_ = message.ByteSize()
            if made and size + bytes_ > _MAX_BATCH:
                break
            size += bytes_
            made.append(message)
            out.popleft()
            if isinstance(what, (Answer, Problem)):
                self._open.pop(number, None)
        batch.messages.extend(made)
        return bytes(batch.SerializeToString())

    def _message(self, number: int, what: Any) -> Any:
        if type(what) is Answer:
            try:
                reply = self._requests.reply_message(what, self._context)
                return messages.WorkerMessage(id=number, reply=reply)
            except Refused as refused:
                what = refused.problem
        if isinstance(what, Problem):
            return messages.WorkerMessage(id=number, failure=failures.message(what))
        if isinstance(what, bytes):
            return messages.WorkerMessage(id=number, chunk=what)
        kind = what.WhichOneof("of")
        return messages.WorkerMessage(id=number, **{kind: getattr(what, kind)})
