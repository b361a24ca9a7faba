"""A small host for tests: starts a real worker over a real Unix socket and speaks the protocol with it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path
from typing import Any, Callable, Optional

from snakepit._runtime import codec as codecs
from snakepit._runtime import wire
from snakepit._runtime.codec import json as json_codec

SRC = Path(__file__).resolve().parents[1] / "src"
PATIENCE_S = 20.0
TOKEN = "test-token"


class Connection:
    """One of the worker's two connections; a thread collects what comes."""

    def __init__(self, sock: socket.socket, host: Host, hello: dict[str, Any], rest: bytes) -> None:
        self.sock = sock
        self.hello = hello
        self.host = host
        self.codec = codecs.make(host.codec if host.codec in codecs.offered() else "json")
        self.frames: list[list[Any]] = []
        self.arrived: list[float] = []
        self.closed = False
        self.error: Optional[Exception] = None
        self._reader = self.codec.reader(1 << 30)
        self.paused = threading.Event()
        self.paused.set()
        threading.Thread(target=self._collect, args=(rest,), daemon=True).start()

    def send(self, *frames: list[Any]) -> None:
        """Send frames in one write."""
        data = bytearray()
        for frame in frames:
            body = self.codec.pack_any(frame)
            data += wire.header(len(body)) + body
        self.sock.sendall(data)

    def _collect(self, rest: bytes) -> None:
        data = rest
        while True:
            try:
                frames = self._reader.feed(data)
            except Exception as error:
                self.error, frames = error, []
            with self.host.changed:
                self.frames += frames
                self.arrived += [time.monotonic()] * len(frames)
                self.host.changed.notify_all()
            self.paused.wait()
            try:
                data = self.sock.recv(1 << 20)
            except OSError:
                data = b""
            if not data or self.error:
                break
        with self.host.changed:
            self.closed = True
            self.host.changed.notify_all()


class Host:
    """``with Host("...app source...") as host:``; the worker is gone afterwards, whatever happened."""

    def __init__(
        self,
        source: str = "",
        *,
        app: Optional[str] = None,
        codec: str = "json",
        concurrency: int = 1,
        start: bool = True,
        files: Optional[dict[str, str]] = None,
        env: Optional[dict[str, str]] = None,
        python: str = sys.executable,
        reject: Optional[dict[str, Any]] = None,
        pass_fds: tuple[int, ...] = (),
        **welcome: Any,
    ) -> None:
        self.codec = codec
        self.folder = Path(tempfile.mkdtemp(prefix="sp"))
        self.app = self.folder / "app.py"
        if source:
            self.app.write_text(textwrap.dedent(source))
        for name, text in (files or {}).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        self.progress = self.folder / "progress"
        self.slots = concurrency
        self.progress.write_bytes(bytes(self._threads_at() + 8 * concurrency))
        self.welcome = {
            "protocol": 1,
            "codec": codec,
            "max_frame_bytes": 64 << 20,
            "pool_name": "default",
            "worker_slot": 0,
            "concurrency": concurrency,
            "app": app or str(self.app),
            "cwd": str(self.folder),
            "stats_interval_ms": 60_000,
            "progress_file": str(self.progress),
            **welcome,
        }
        self.reject = reject
        self.pass_fds = pass_fds
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("SNAKEPIT_")},
            "PYTHONPATH": str(SRC),
            "SNAKEPIT_SOCKET": str(self.folder / "s"),
            "SNAKEPIT_TOKEN": TOKEN,
            "SNAKEPIT_WORKER_ID": "w1",
            "SNAKEPIT_WORKER_SLOT": "0",
            **(env or {}),
        }
        self.python = python
        self.changed = threading.Condition()
        self.process: Optional[subprocess.Popen[bytes]] = None
        self.next_id = 1
        self._auto = start

    def __enter__(self) -> Host:
        try:
            self.spawn()
            if self._auto:
                self.accept()
                self.wait(lambda: self.control_frames(wire.READY) or self.control.closed, "READY")
                assert self.control_frames(wire.READY), (self.control.frames, self.stderr())
        except BaseException:
            self.__exit__()
            raise
        return self

    def spawn(self) -> None:
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self.folder / "s"))
        self.listener.listen()
        self.listener.settimeout(PATIENCE_S)
        self._stdout = open(self.folder / "stdout", "wb")
        self._stderr = open(self.folder / "stderr", "wb")
        self.process = subprocess.Popen(
            [self.python, "-m", "snakepit._worker"],
            stdin=subprocess.PIPE,
            stdout=self._stdout,
            stderr=self._stderr,
            cwd=self.folder,
            env=self.env,
            start_new_session=True,
            pass_fds=self.pass_fds,
        )

    def accept(self) -> None:
        """Take both connections."""
        self.control = self.greet("control")
        self.work = self.greet("work")

    def greet(self, role: str) -> Connection:
        sock, _ = self.listener.accept()
        reader = wire.SplittingReader(json_codec.decode, 1 << 20)
        frames: list[list[Any]] = []
        while not frames:
            data = sock.recv(1 << 16)
            assert data, f"the worker closed the {role} connection: {self.stderr()}"
            frames = reader.feed(data)
        kind, hello = frames[0]
        assert kind == wire.HELLO and hello["role"] == role, frames
        answer = [wire.REJECT, self.reject] if self.reject else [wire.WELCOME, self.welcome]
        body = json_codec.JsonCodec().pack(answer)
        sock.sendall(wire.header(len(body)) + body)
        return Connection(sock, self, hello, reader.rest)

    def __exit__(self, *_: Any) -> None:
        if self.process is not None:
            if self.process.poll() is None:
                try:
                    # Its session, so that what a handler has started is gone too.
                    os.killpg(self.process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait(PATIENCE_S)
            assert self.process.stdin is not None
            self.process.stdin.close()
        for closable in ("listener", "_stdout", "_stderr"):
            if hasattr(self, closable):
                getattr(self, closable).close()
        for name in ("control", "work"):
            if hasattr(self, name):
                getattr(self, name).sock.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- waiting

    def wait(self, condition: Callable[[], Any], what: str = "condition", timeout: float = PATIENCE_S) -> Any:
        """Wait until the condition holds; it is looked at whenever a frame comes, and every 20 ms."""
        until = time.monotonic() + timeout
        with self.changed:
            while True:
                found = condition()
                if found:
                    return found
                left = until - time.monotonic()
                if left <= 0:
                    break
                self.changed.wait(min(left, 0.02))
        work = getattr(self, "work", None)
        last = [repr(frame)[:300] for frame in work.frames[-5:]] if work else []
        raise AssertionError(
            f"waited in vain for {what}; last frames: {last}; stderr: {self.stderr()[-3000:]}"
        )

    def exit_code(self) -> int:
        """Wait for the process to end."""
        assert self.process is not None
        until = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)  # wait() with a timeout looks every 50 ms
        return self.process.wait(0)

    # -- the progress file

    def _threads_at(self) -> int:
        return (4 * (self.slots + 1) + 7) // 8 * 8

    def words(self) -> list[int]:
        """The request that each slot started last."""
        return list(struct.unpack_from(f"<{self.slots}I", self.progress.read_bytes()))

    def idents(self) -> list[int]:
        """The thread of each slot."""
        return list(struct.unpack_from(f"<{self.slots}Q", self.progress.read_bytes(), self._threads_at()))

    # -- what came

    def control_frames(self, kind: int) -> list[list[Any]]:
        return [frame for frame in self.control.frames if frame[0] == kind]

    def work_frames(self, kind: int, id: Optional[int] = None) -> list[list[Any]]:
        return [frame for frame in self.work.frames if frame[0] == kind and (id is None or frame[1] == id)]

    def logs(self, text: str = "") -> list[list[Any]]:
        return [frame for frame in self.work_frames(wire.LOG) if text in frame[4]]

    def answers(self, id: int) -> list[list[Any]]:
        return [f for f in self.work.frames if f[0] in (wire.RESPONSE, wire.ERROR) and f[1] == id]

    def answer(self, id: int) -> list[Any]:
        """Wait for the one RESPONSE or ERROR of a request."""
        found = self.wait(lambda: self.answers(id) or self.work.closed, f"an answer to {id}")
        assert found is not True, f"the worker closed the connection: {self.stderr()}"
        return found[0]

    def stderr(self) -> str:
        path = self.folder / "stderr"
        return path.read_text(errors="replace") if path.exists() else ""

    def stdout(self) -> str:
        return (self.folder / "stdout").read_text(errors="replace")

    # -- asking

    def frame(self, command: str, args: Optional[dict[str, Any]] = None, **more: Any) -> list[Any]:
        """A REQUEST frame with the next id."""
        id = self.next_id
        self.next_id += 1
        return [
            wire.REQUEST,
            id,
            command,
            args or {},
            f"r{id}",
            f"c{id}",
            more.get("timeout_ms", 60_000),
            more.get("traceparent"),
            more.get("stream", False),
            more.get("session"),
        ]

    def request(self, command: str, args: Optional[dict[str, Any]] = None, **more: Any) -> int:
        """Send a request; returns its id."""
        frame = self.frame(command, args, **more)
        self.work.send(frame)
        return int(frame[1])

    def call(self, command: str, args: Optional[dict[str, Any]] = None, **more: Any) -> list[Any]:
        """Send a request and wait for its answer."""
        return self.answer(self.request(command, args, **more))

    def result(self, command: str, args: Optional[dict[str, Any]] = None, **more: Any) -> Any:
        """The result of a request that must succeed."""
        answer = self.call(command, args, **more)
        assert answer[0] == wire.RESPONSE, answer
        return answer[2]

    def failure(self, command: str, args: Optional[dict[str, Any]] = None, **more: Any) -> dict[str, Any]:
        """The failure of a request that must fail."""
        answer = self.call(command, args, **more)
        assert answer[0] == wire.ERROR, answer
        return dict(answer[2])

    def cancel(self, id: int, reason: str = "cancelled") -> None:
        self.control.send([wire.CANCEL, id, reason])

    def recall(self, *ids: int) -> list[int]:
        """Recall requests; returns the ids that were given back."""
        before = len(self.control_frames(wire.RECALLED))
        self.control.send([wire.RECALL, list(ids)])
        self.wait(lambda: len(self.control_frames(wire.RECALLED)) > before, "RECALLED")
        return list(self.control_frames(wire.RECALLED)[before][1])

    def stop(self) -> int:
        """Stop the worker in an orderly way; returns its exit code."""
        self.control.send([wire.STOP])
        return self.exit_code()
