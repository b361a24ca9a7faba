"""A worker that serves gRPC itself, from threads beside the one that runs the handlers: what a pool starts on its own machine.

A worker that others connect to has a parent that serves for it (:mod:`snakepit._serve.main`), which can still answer while a
handler holds the interpreter. Here the pool is that parent: it kills what hangs, takes stacks with a signal, and reads the
progress file. So a call saves the way through a second process, and a worker the memory of one.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from typing import Any, NoReturn, Optional

from snakepit._runtime import codec, handshake, process, wire
from snakepit._runtime.ending import fatal
from snakepit._runtime.main import Wiring, Worker
from snakepit._runtime.progress import open_progress
from snakepit._runtime.sender import Sender
from snakepit._runtime.wire import ProtocolError
from snakepit._serve import messages, reports
from snakepit._serve.backend import Greeting
from snakepit._serve.calls import Call
from snakepit._serve.direct import DirectInbox, DirectSender, bodies
from snakepit._serve.frames import make
from snakepit._serve.link import Link
from snakepit._serve.server import Server, Trouble
from snakepit._serve.stacks import ask

#: How often it is looked whether the last request is answered, once the worker is to end, in seconds.
_LOOK_S = 0.02


def main(stdin: Optional[int]) -> NoReturn:
    """Run a worker until the host stops it or is gone; ``stdin``: from :func:`~snakepit._runtime.process.take_stdin`.

    The exit code is 0 after an orderly stop, 1 when the start failed.
    """
    try:
        path, welcome = _told()
        inside = Inside(welcome, f"unix:{path}")
        worker = Worker(welcome, inside.wiring, stdin)
    except (Trouble, ProtocolError, OSError, ValueError) as error:
        print(f"snakepit: {error}", file=sys.stderr)
        sys.exit(1)
    process.on_fork(inside.let_go)
    try:
        code = worker.live()
        inside.close(failed=code != 0)
    except BaseException as error:
        fatal(error)
    worker.control.exit_soon(code)
    sys.exit(code)


def _told() -> tuple[str, handshake.Welcome]:
    """Where to listen, and what the host would say in WELCOME."""
    path, told = (os.environ.pop(name, None) for name in ("SNAKEPIT_SOCKET", "SNAKEPIT_WELCOME"))
    os.environ.pop("SNAKEPIT_WORKER_ID", None)
    if path is None or told is None:
        raise Trouble(
            "SNAKEPIT_SOCKET or SNAKEPIT_WELCOME is not set: a worker is started by Snakepit's host, not by hand"
        )
    fields = json.loads(told)
    offered = codec.offered()
    common = [name for name in fields["codecs"] if name in offered]
    if not common:
        wanted = " or ".join(fields["codecs"])
        raise Trouble(
            f"this Python has the codecs {', '.join(offered)}, the pool wants {wanted}: install msgpack or set codec to 'auto'"
        )
    return path, handshake.read_welcome({**fields, "codec": common[0]})


class Inside:
    """The server, and its ways to the runtime and back."""

    def __init__(self, welcome: handshake.Welcome, address: str) -> None:
        """:raises Trouble: it cannot listen."""
        self.concurrency = welcome.concurrency
        self.snapshots = False
        self.link: Optional[Link] = None
        self.down_because = "it is starting"
        self._greeting = Greeting(os.getpid(), sys.version.split()[0].rstrip("+"), welcome.codec)
        self._server = Server(welcome.max_frame_bytes)
        reach = open_progress(welcome.progress_file, welcome.concurrency).reach
        raw = make(welcome.codec)
        inbox = DirectInbox(raw.codec.reader(welcome.max_frame_bytes))
        # Cancels and the like are the control thread's, which waits for a socket.
        self._control, theirs = socket.socketpair()
        work = DirectSender(lambda frames: inbox.hand_over(b"".join(frames)))
        self._link = link = Link(raw, Sender(self._control), work, self, welcome.concurrency, reach)
        link.start()
        told = DirectSender(lambda frames: link.take_control(bodies(frames)))
        answered = DirectSender(lambda frames: link.take_work(bodies(frames)), self._server.settle)
        self.wiring = Wiring(theirs, b"", told, inbox, answered)
        self._server.open(self, address, with_reflection=True)

    def let_go(self) -> None:
        """In a forked child: what it has must not keep the worker's."""
        self._control.close()

    def close(self, *, failed: bool) -> None:
        """The runtime has ended; ``failed``: before it was ready."""
        self._server.close(meet=failed)

    # -- for the service: see Backend

    def greet(self, within_s: float) -> Optional[Greeting]:
        """There is nobody to wait for."""
        return self._greeting

    def stacks(self, request_ids: list[str]) -> Any:
        """Where the control thread does not answer, the host has a signal sent."""
        told = ask(self._link, request_ids)
        return messages.StacksReply(captured="none") if told is None else told

    def stop(self, kill: bool, restart: bool, within_s: Optional[float], by: str) -> None:
        """It cannot wait for its own end, which the host sees."""
        if kill:
            os.kill(os.getpid(), signal.SIGKILL)
        self.link, self.down_because = None, "it is ending"
        self._server.health(False)
        threading.Thread(target=self._stop_once_done, daemon=True).start()

    def _stop_once_done(self) -> None:
        while self._link.open:
            time.sleep(_LOOK_S)
        self._link.stop()

    # -- from the runtime: see LinkListener

    def frame(self, kind: int, elements: list[Any], call: Optional[Call]) -> None:
        """A step of its life, or what it has to tell."""
        watchers = self._server.watchers
        if reports.spread(watchers, kind, elements, call):
            return
        body = elements[1]
        if kind == wire.PHASE:
            watchers.tell_state(reports.phase(body))
        elif kind == wire.START_FAILED:
            self.down_because = f"it could not start: {body['message']}"
            watchers.tell_state(reports.start_failed(body))
        elif kind == wire.READY:
            self.snapshots = body.get("snapshots") is True
            self.link = self._link
            self._server.health(True)
            watchers.tell_state(reports.ready(body, self._greeting.pid, self._greeting.python_version))

    def closed(self, fault: Optional[str]) -> None:
        """Nobody reads that could find an end."""
