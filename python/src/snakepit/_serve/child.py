"""The process that runs the handlers: its start, its greeting, its output, its end."""

from __future__ import annotations

import hmac
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Optional

from snakepit._runtime import wire
from snakepit._runtime.codec import json
from snakepit._runtime.wire import SplittingReader
from snakepit._serve import progress
from snakepit._serve.backend import Greeting
from snakepit._serve.frames import RawCodec, make
from snakepit._serve.link import ChildLink, LinkListener
from snakepit._serve.settings import Settings
from snakepit._serve.stack_dump import StackPipe

_TAIL_LINES = 50
_LINE_BYTES = 16 << 10
#: Greetings are small; whoever sends more is no child of ours.
_MAX_GREETING = 64 << 10
#: How long output and answers may still arrive once the process is gone.
_LAST_WORDS_S = 0.3


class End(NamedTuple):
    """How a process ended."""

    code: Optional[int]
    signal: Optional[str]

    def __str__(self) -> str:
        return f"it was ended by {self.signal}" if self.signal else f"it ended with exit code {self.code}"


class Child:
    """One process. Made in the main thread, to which Linux ties the process's life."""

    def __init__(
        self,
        settings: Settings,
        directory: str,
        serial: int,
        listener: LinkListener,
        on_greeting: Callable[[Greeting], None],
        on_line: Callable[[str, str], None],
        on_end: Callable[[Child], None],
    ) -> None:
        """``on_greeting``, ``on_line`` (stream, text) and ``on_end`` are called from other threads."""
        self._settings = settings
        self._listener = listener
        self._on_greeting, self._on_line, self._on_end = on_greeting, on_line, on_end
        self._socket_path = f"{directory}/{serial}.sock"
        self._progress = Path(f"{directory}/{serial}.progress")
        self._token = secrets.token_hex(24)
        self._worker_id = f"grpc-{os.getpid()}-{serial}"
        self.link: Optional[ChildLink] = None
        self.codec: Optional[RawCodec] = None
        self.end: Optional[End] = None
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.started_at = time.monotonic()
        self.stack_pipe = StackPipe()
        progress.make(self._progress, settings.concurrency)
        self._listener_socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener_socket.bind(self._socket_path)
        self._listener_socket.listen()
        self.process = self._spawn()
        self.pid = self.process.pid
        os.close(self.stack_pipe.writes)
        self._outputs = [self._thread(self._read_output, name) for name in ("stdout", "stderr")]
        self._thread(self._greet)
        self._thread(self._await_end)

    def _spawn(self) -> subprocess.Popen[bytes]:
        source = str(Path(__file__).resolve().parents[2])
        old = os.environ.get("PYTHONPATH")
        env = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEPIT_WORKER_TOKEN")}
        env.update(
            PYTHONPATH=f"{source}{os.pathsep}{old}" if old else source,
            SNAKEPIT_SOCKET=self._socket_path,
            SNAKEPIT_TOKEN=self._token,
            SNAKEPIT_WORKER_ID=self._worker_id,
            SNAKEPIT_WORKER_SLOT="0",
            SNAKEPIT_HOST_PID=str(os.getpid()),
        )
        # Without the descriptor it leaves the signal to the app.
        inherited = (self.stack_pipe.writes,) if self._settings.stack_signal else ()
        env["SNAKEPIT_STACK_FD"] = "".join(map(str, inherited))
        return subprocess.Popen(
            [self._settings.python, "-m", "snakepit._worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._settings.cwd,
            env=env,
            start_new_session=True,
            pass_fds=inherited,
        )

    def _thread(self, run: Callable[..., None], *args: Any) -> threading.Thread:
        thread = threading.Thread(target=run, args=args, daemon=True)
        thread.start()
        return thread

    # -- asking

    def kill(self) -> None:
        """End the process and all it has started, at once."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except OSError:
            pass  # gone already

    def terminate(self) -> None:
        """Ask it to finish what runs and end."""
        # One of the two: the signal would kill one that is on its way out already.
        if self.link is not None:
            self.link.stop()
        else:
            self.process.terminate()

    def words(self) -> list[int]:
        """The request each slot started last."""
        return progress.words(self._progress, self._settings.concurrency)

    def threads(self) -> list[int]:
        """The thread of each slot."""
        return progress.threads(self._progress, self._settings.concurrency)

    def dump_stacks(self) -> str:
        """What faulthandler says of all threads; empty where it may not be sent the signal for that."""
        if self.end is not None or not self._settings.stack_signal:
            return ""
        return self.stack_pipe.dump(self.pid, signal.SIGURG)

    def dispose(self) -> None:
        """Remove what is left of it; it must have ended."""
        self.stack_pipe.close()
        for path in (self._socket_path, self._progress):
            Path(path).unlink(missing_ok=True)

    # -- threads

    def _greet(self) -> None:
        greeted: dict[str, tuple[socket.socket, bytes]] = {}
        greeting = None
        self._listener_socket.settimeout(0.5)
        try:
            while len(greeted) < 2 and self.end is None:
                try:
                    sock, _ = self._listener_socket.accept()
                except socket.timeout:
                    continue
                sock.settimeout(10)
                hello, rest = _read_hello(sock)
                greeting = self._welcome(sock, hello)
                sock.settimeout(None)
                greeted[str(hello["role"])] = (sock, rest)
        except (OSError, ValueError, KeyError, wire.ProtocolError) as error:
            print(f"snakepit: the worker process did not introduce itself: {error}", file=sys.stderr)
            self.kill()
            return
        finally:
            self._listener_socket.close()
        if greeting is None or len(greeted) < 2:
            return
        self.codec = make(greeting.codec)
        control, work = greeted["control"], greeted["work"]
        limit = self._frame_limit()
        sockets = (control[0], work[0])
        self.link = ChildLink(self.codec, sockets, limit, self._listener, self._settings.concurrency)
        self._on_greeting(greeting)
        self.link.start_reading((control[1], work[1]))

    def _frame_limit(self) -> int:
        # A little more than hosts may send, for what surrounds the value in a frame.
        return self._settings.max_message_bytes + (64 << 10)

    def _welcome(self, sock: socket.socket, hello: dict[str, Any]) -> Greeting:
        settings = self._settings
        if not hmac.compare_digest(str(hello["token"]), self._token):
            raise ValueError("it does not know its token")
        chosen = settings.codec or hello["codecs"][0]
        if chosen not in hello["codecs"]:
            raise ValueError(f"its Python has no codec {chosen!r}: install msgpack there")
        content = {
            "protocol": wire.PROTOCOL_VERSION,
            "codec": chosen,
            "max_frame_bytes": self._frame_limit(),
            "pool_name": "",
            "worker_slot": 0,
            "concurrency": settings.concurrency,
            "app": settings.app,
            "cwd": settings.cwd,
            "stats_interval_ms": settings.stats_interval_ms,
            "progress_file": str(self._progress),
            "log_level": settings.log_level,
            "log_rate": {"per_second": settings.log_rate[0], "burst": settings.log_rate[1]},
            "max_session_bytes": settings.max_session_bytes,
        }
        body = json.JsonCodec().pack([wire.WELCOME, content])
        sock.sendall(wire.header(len(body)) + body)
        return Greeting(int(hello["pid"]), str(hello["python_version"]), chosen)

    def _read_output(self, name: str) -> None:
        stream = getattr(self.process, name)
        while True:
            line = stream.readline(_LINE_BYTES)
            if not line:
                return
            text = line.decode(errors="replace").rstrip("\r\n")
            if name == "stderr":
                self.tail.append(text[:1000])
            self._on_line(name, text)

    def _await_end(self) -> None:
        status = self.process.wait()
        # Whatever it has left running would keep our pipes open.
        self.kill()
        for thread in self._outputs:
            thread.join(_LAST_WORDS_S)
        self.end = End(status, None) if status >= 0 else End(None, _signal_name(-status))
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._on_end(self)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _read_hello(sock: socket.socket) -> tuple[dict[str, Any], bytes]:
    reader = SplittingReader(json.decode, _MAX_GREETING, limit=1)
    while True:
        data = sock.recv(1 << 16)
        if not data:
            raise ValueError("it closed its connection")
        for frame in reader.feed(data):
            if frame[0] != wire.HELLO or not isinstance(frame[1], dict):
                raise ValueError("its first frame is no HELLO")
            hello = frame[1]
            if hello.get("protocol") != wire.PROTOCOL_VERSION:
                raise ValueError(
                    f"it speaks protocol {hello.get('protocol')!r}, this one {wire.PROTOCOL_VERSION}"
                )
            return hello, reader.rest
