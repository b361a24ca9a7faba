"""The life of a worker process, from its environment to its exit code."""

from __future__ import annotations

import inspect
import logging
import os
import queue
import socket
import sys
import threading
from typing import Any, NamedTuple, NoReturn, Optional

from snakepit import _api, _context, _telemetry, metrics
from snakepit._runtime import app, codec, handshake, loop_main, process, runner, sessions
from snakepit._runtime.answers import Answers
from snakepit._runtime.capture import Capture
from snakepit._runtime.commands import Command, call_positional
from snakepit._runtime.control import Control
from snakepit._runtime.ending import fatal
from snakepit._runtime.failure import failure, from_exception
from snakepit._runtime.inbox import Inbox, SocketInbox
from snakepit._runtime.interrupt import Interrupter
from snakepit._runtime.loop_threads import Threads
from snakepit._runtime.progress import open_progress
from snakepit._runtime.records import Records
from snakepit._runtime.runner_main import MainRunner
from snakepit._runtime.runner_thread import ThreadRunner
from snakepit._runtime.sender import Sender
from snakepit._runtime.stacks import Stacks
from snakepit._runtime.state import State
from snakepit._runtime.wire import PHASE, READY, START_FAILED, ProtocolError

#: How long a worker whose start failed waits for the host to take what it has printed, in seconds.
_LAST_WORDS_S = 1.0


def main() -> NoReturn:
    """Run a worker until the host stops it or is gone.

    The exit code is 0 after an orderly stop, 1 when the start failed or the connection broke.
    """
    process.die_with_host()
    process.arm_fault_handler()
    stdin = process.take_stdin()
    try:
        settings = handshake.Settings.from_environ()
        control = handshake.connect(settings, "control")
        work = handshake.connect(settings, "work")
        worker = Worker(control.welcome, by_sockets(control, work), stdin)
    except (handshake.Refused, ProtocolError, OSError, ValueError) as error:
        print(f"snakepit: {error}", file=sys.stderr)
        sys.exit(1)
    try:
        code = worker.live()
    except BaseException as error:
        fatal(error)
    worker.control.exit_soon(code)
    sys.exit(code)


class Wiring(NamedTuple):
    """Ways in and out of a worker. ``rest``: bytes that came on ``control`` already."""

    control: socket.socket
    rest: bytes
    control_channel: Sender
    inbox: Inbox
    channel: Sender


def by_sockets(control: handshake.Connection, work: handshake.Connection) -> Wiring:
    """Over the two connections to the host."""
    reader = codec.make(work.welcome.codec).reader(work.welcome.max_frame_bytes)
    inbox = SocketInbox(work.sock, reader)
    return Wiring(control.sock, control.rest, Sender(control.sock), inbox, Sender(work.sock))


class Worker:
    """The parts of a worker, put together."""

    def __init__(self, welcome: handshake.Welcome, wiring: Wiring, stdin: Optional[int]) -> None:
        chosen = codec.make(welcome.codec)
        self.welcome, self.codec = welcome, chosen
        limit = welcome.max_frame_bytes
        self.commands: dict[str, Command] = {}
        progress = open_progress(welcome.progress_file, welcome.concurrency)
        self.state = State(progress, welcome.concurrency)
        self.answers = Answers(chosen, limit, welcome.max_session_bytes)
        self.channel, self.control_channel = wiring.channel, wiring.control_channel
        fifo: queue.SimpleQueue[Optional[int]] = queue.SimpleQueue()
        threaded = welcome.concurrency > 1
        self.inbox = wiring.inbox
        if threaded:
            self.inbox.fifo = fifo.put
        self.control = Control(
            wiring.control,
            chosen.reader(limit),
            wiring.rest,
            self.control_channel,
            self.answers,
            stdin,
            welcome.stats_interval_ms / 1000,
        )
        self.records = Records(self.channel, self.answers, limit, self.control.nudge)
        self.capture = Capture(self.records, welcome.log_rate)
        parts = (self.state, self.inbox, self.channel, self.answers, self.commands, self.capture)
        self.main = MainRunner(*parts)
        self.main.ident = threading.get_ident()
        self.threads: Optional[Threads] = None
        if threaded:
            self.threads = Threads([ThreadRunner(*parts) for _ in range(welcome.concurrency)], fifo)
            self.records.shield = self.threads.shield
            self.records.checkpoint = self.threads.checkpoint
        else:
            self.state.threads[0] = self.main.ident
        runs = self.threads or self.main
        stacks = Stacks(self.answers, limit, runs)
        self.control.attach(self.state, self.inbox, self.channel, self.answers, runs, self.capture, stacks)
        self._wire_api(runs)
        process.handle_signals(self._stop, self.inbox.wake_descriptor)
        process.on_fork(lambda: self._let_go(wiring, stdin))

    def _wire_api(self, runs: Any) -> None:
        callers = [f.__code__ for f in (loop_main.serve, MainRunner.step, runner.call, call_positional)]
        self.main.interrupter = Interrupter(self.state, callers)
        self.main.interrupter.install()
        if self.threads is None:
            self.records.checkpoint = self.main.interrupter.checkpoint

        def find() -> Optional[_context.Context]:
            return runner.CURRENT.get() or self.main.context()

        def current_id() -> Optional[int]:
            # A task or thread may outlive its request, and records must not follow the answer.
            found = find()
            return found._id if found is not None and runs.running(found._id) else None

        self.records.current_id = current_id
        _context.source = find
        _context.freeze = self.answers.freeze
        _telemetry.sink = self.records.event
        metrics.sink = self.records.metrics

    def live(self) -> int:
        """Start, serve, stop; returns the exit code."""
        self.control.start()
        self.capture.install(self.welcome.log_level)
        try:
            self._start()
        except BaseException as error:
            self._start_failed(error)
            return 1
        if self.threads is not None:
            self.threads.serve(self.state, self.inbox)
        else:
            loop_main.serve(
                self.state,
                self.inbox,
                self.channel,
                self.codec,
                self.answers,
                self.commands,
                self.main,
                self.control.nudge,
                self.welcome.max_frame_bytes,
            )
        self._shut_down()
        return 0

    def _start(self) -> None:
        self._tell(PHASE, "import")
        app.load(self.welcome.app, self.welcome.cwd)
        self.capture.reinstall()
        sessions.check_hooks()
        self._tell(PHASE, "on_start")
        for hook in _api.start_hooks:
            self._run_hook(hook)
        self.commands.update((name, Command(name, function)) for name, function in _api.commands.items())
        for command in self.commands.values():
            self.main.interrupter.add_caller(command.invoke.__code__)
        listed = [command.describe() for command in self.commands.values()]
        take = sessions.snapshot_command()
        if take is not None:
            self.commands[sessions.SNAPSHOT] = take
        self.state.ready = True
        self._tell(READY, {"commands": listed, "snapshots": take is not None})

    def _start_failed(self, error: BaseException) -> None:
        if isinstance(error, app.AppError):
            problem = failure("worker_start_failed", str(error))
        else:
            problem = from_exception(error, "worker_start_failed")
        self.capture.finish(None)
        self.channel.flush(_LAST_WORDS_S)
        self._tell(START_FAILED, problem)

    def _shut_down(self) -> None:
        for hook in reversed(_api.stop_hooks):
            try:
                self._run_hook(hook)
            except BaseException:
                logging.getLogger("snakepit").exception(
                    "the on_stop hook %s failed", getattr(hook, "__name__", hook)
                )
        try:
            self.main.close()
            if self.threads is not None:
                self.threads.loop.close()
        except Exception:
            logging.getLogger("snakepit").exception("closing the event loop failed")
        metrics.flush()
        self.capture.finish(None)
        self.channel.flush()
        self.capture.release()

    def _run_hook(self, hook: Any) -> None:
        result = hook()
        if inspect.iscoroutine(result):
            if self.threads is not None:
                self.threads.loop.submit(result).result()
            else:
                self.main.run_hook(result)

    def _tell(self, kind: int, body: Any) -> None:
        self.control_channel.post(self.answers.frame(kind, body))

    def _stop(self) -> None:
        self.state.stopping = True
        if not self.state.ready:
            os._exit(0)
        self.inbox.wake()

    def _let_go(self, wiring: Wiring, stdin: Optional[int]) -> None:
        _context.source = _telemetry.sink = metrics.sink = None
        self.capture.release()
        wiring.control.close()
        wiring.inbox.close()
        if stdin is not None:
            os.close(stdin)
