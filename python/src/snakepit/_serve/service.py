"""The methods of ``snakepit.v1.Worker``."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any, NoReturn, Optional

import grpc

from snakepit._serve import deferred, failures, messages
from snakepit._serve.backend import Backend
from snakepit._serve.calls import DeferredCall, Outcome, StreamCall, UnaryCall
from snakepit._serve.exchange import Exchange
from snakepit._serve.hosts import Hosts
from snakepit._serve.link import Gone, Link
from snakepit._serve.requests import Refused, Requests
from snakepit._serve.threads import Threads
from snakepit._serve.watchers import Watcher, Watchers, owner_of

#: Versions of worker.proto this speaks.
PROTOCOLS = (1,)
#: How long a Hello waits for a process that is just being started, in seconds.
_GREETING_S = 30.0
#: Chunks the child may send ahead of what gRPC has taken.
_WINDOW = 16
_Code = grpc.StatusCode


class Service:
    """Called from a thread for each call. What it is given and gives back is serialized: values pass unread."""

    def __init__(
        self, backend: Backend, max_message_bytes: int, watchers: Watchers, threads: Threads
    ) -> None:
        self._backend = backend
        self._max = max_message_bytes
        self._watchers = watchers
        self._threads = threads
        self._hosts = Hosts()
        self._exchanges: weakref.WeakSet[Exchange] = weakref.WeakSet()
        self._requests = Requests(max_message_bytes, self._hosts)

    def handler(self) -> grpc.GenericRpcHandler:
        """What a server is given."""
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        of, serialize = messages, _serialize
        methods = {
            "Hello": unary(self._hello, of.HelloRequest.FromString, serialize),
            "Watch": stream(self._watch, of.WatchRequest.FromString, serialize),
            "Execute": unary(deferred.mark(self._begin_execute, self._execute)),
            "ExecuteStream": stream(self._execute_stream),
            "Exchange": grpc.stream_stream_rpc_method_handler(self._exchange),
            "Recall": unary(self._recall, of.RecallRequest.FromString, serialize),
            "Stacks": unary(self._stacks, of.StacksRequest.FromString, serialize),
            "Stop": unary(self._stop, of.StopRequest.FromString, serialize),
        }
        return grpc.method_handlers_generic_handler(messages.SERVICE, methods)

    def settle(self, within_s: float) -> None:
        """Wait until the answers that exchanges were told of are sent; those of calls are at once."""
        for exchange in list(self._exchanges):
            exchange.idle.wait(within_s)

    def _hello(self, request: Any, context: grpc.ServicerContext) -> Any:
        if not set(request.protocols) & set(PROTOCOLS):
            theirs = ", ".join(map(str, request.protocols)) or "none"
            ours = ", ".join(map(str, PROTOCOLS))
            text = (
                f"the host speaks protocol {theirs}, this worker {ours}: use the same release on both sides"
            )
            context.abort(_Code.FAILED_PRECONDITION, text)
        backend = self._backend
        left = context.time_remaining()
        greeting = backend.greet(_GREETING_S if left is None else min(left, _GREETING_S))
        if greeting is None:
            text = f"the process that runs the handlers has not come up: {backend.down_because}"
            context.abort(_Code.UNAVAILABLE, text)
            raise AssertionError("abort raises")
        if greeting.codec not in request.codecs:
            theirs = ", ".join(request.codecs) or "none"
            remedy = "allow it on the host, or start the worker with --codec json"
            text = f"the host speaks the codecs {theirs}, this worker {greeting.codec}: {remedy}"
            context.abort(_Code.FAILED_PRECONDITION, text)
        self._hosts.add(context.peer(), request)
        return messages.HelloReply(
            protocol=1,
            codec=greeting.codec,
            concurrency=backend.concurrency,
            runtime=f"python {greeting.python_version}",
            python_version=greeting.python_version,
            pid=greeting.pid,
            max_message_bytes=self._max,
            exchange=True,
            snapshots=backend.snapshots,
            recall=True,
        )

    def _watch(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        host = self._hosts.of(context.peer())
        watcher = Watcher(context, request.worker_id, host.stats_interval_s)
        self._watchers.add(watcher)
        try:
            yield from watcher.reports()
        finally:
            self._watchers.remove(watcher)

    def _execute(self, data: bytes, context: grpc.ServicerContext) -> bytes:
        call = UnaryCall("", context)
        link = self._send(call, data, context, stream=False)
        outcome = call.wait()
        if outcome is None:
            link.cancel(call, _reason(context))
            context.abort(_Code.CANCELLED, "the call is over")
            raise AssertionError("abort raises")
        try:
            return self._requests.reply(outcome, context)
        except Refused as refused:
            failures.abort(context, refused.problem)

    def _begin_execute(self, data: bytes, context: Any, finish: deferred.Finish) -> None:
        link = self._backend.link

        def settled(outcome: Outcome) -> None:
            try:
                reply = self._requests.reply(outcome, context)
            except Refused as refused:
                problem = refused.problem
                finish(lambda _data, context: failures.abort(context, problem))
            else:
                finish(reply)

        call = DeferredCall("", context, settled)
        try:
            if link is None:
                raise Gone
            # In the thread that serves all calls, so nothing here may wait.
            self._requests.send(link, call, data, context.time_remaining(), False, wait=False)
        except Refused as refused:
            settled(refused.problem)
        except Gone:
            settled(failures.not_begun(self._backend.down_because))
        else:
            # Asked of a call that has ended at once, it says so instead.
            if not context.add_callback(lambda: link.cancel(call, _reason(context))):
                link.cancel(call, _reason(context))

    def _execute_stream(self, data: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        call = StreamCall("", context)
        link = self._send(call, data, context, stream=True)
        link.credit(call, _WINDOW)
        taken = 0
        try:
            while True:
                chunk = call.next()
                if chunk is None:
                    break
                # Comes back when gRPC has sent it, which waits for the host's window.
                yield self._requests.chunk(chunk, context)
                taken += 1
                if taken == _WINDOW // 2:
                    link.credit(call, taken)
                    taken = 0
            if call.outcome is not None:
                end = messages.StreamReply(end=self._requests.reply_message(call.outcome, context))
                yield end.SerializeToString()
        except Refused as refused:
            link.cancel(call, "cancelled")
            failures.abort(context, refused.problem)
        finally:
            if call.outcome is None:
                link.cancel(call, _reason(context))

    def _send(self, call: Any, data: bytes, context: grpc.ServicerContext, stream: bool) -> Link:
        link = self._backend.link
        if link is None:
            self._unavailable(context)
        try:
            self._requests.send(link, call, data, context.time_remaining(), stream)
        except Refused as refused:
            failures.abort(context, refused.problem)
        except Gone:
            self._unavailable(context)
        if not context.add_callback(call.wake):
            call.wake()
        return link

    def _unavailable(self, context: grpc.ServicerContext) -> NoReturn:
        failures.abort(context, failures.not_begun(self._backend.down_because))

    def _exchange(self, batches: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        exchange = Exchange(self._backend, self._requests, context)
        self._exchanges.add(exchange)
        context.add_callback(exchange.caller_gone)
        self._threads.submit(exchange.read, batches)
        return exchange.write()

    def _recall(self, request: Any, context: grpc.ServicerContext) -> Any:
        link, names, host = self._backend.link, set(request.request_ids), owner_of(context)
        # Another host may use the same ids.
        calls = (
            [c for c in list(link.open.values()) if c.request_id in names and owner_of(c.owner) == host]
            if link is not None
            else []
        )
        back = link.recall(calls) if link is not None and calls else []
        return messages.RecallReply(request_ids=[call.request_id for call in back])

    def _stacks(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._backend.stacks(list(request.request_ids))

    def _stop(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._backend.stop(request.kill, request.restart, _left(context), context.peer())
        return messages.StopReply()


def _serialize(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def _left(context: grpc.ServicerContext) -> Optional[float]:
    left = context.time_remaining()
    # Without a deadline grpcio names one in the far future.
    return None if left is None or left > 1e8 else left


def _reason(context: grpc.ServicerContext) -> str:
    left = _left(context)
    return "timeout" if left is not None and left <= 0 else "cancelled"
