"""Real workers behind gRPC for tests: ``with Served("...app...") as worker:``; nothing of them is left afterwards."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path
from typing import Any, Callable, Optional

import grpc
from host import PATIENCE_S, SRC

from snakepit._runtime import codec as codecs
from snakepit._runtime.codec import json as json_codec
from snakepit._serve import messages as m

SERVICE = m.SERVICE


class Served:
    """A worker process and a channel to it."""

    def __init__(
        self,
        source: str,
        *options: str,
        listen: Optional[str] = None,
        codec: str = "msgpack",
        env: Optional[dict[str, str]] = None,
        credentials: Any = None,
        hello: bool = True,
        inside: bool = False,
        welcome: Optional[dict[str, Any]] = None,
    ) -> None:
        """``inside``: the process that serves runs the handlers too, as under a pool of this machine."""
        self.folder = Path(tempfile.mkdtemp(prefix="spg"))
        (self.folder / "app.py").write_text(textwrap.dedent(source))
        self.codec = codec
        self._options = options if codec == "msgpack" else (*options, "--codec", codec)
        self._listen = listen or f"unix:{self.folder}/w.sock"
        self._env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("SNAKEPIT_")},
            "PYTHONPATH": str(SRC),
            **(env or {}),
        }
        self.credentials = credentials
        self._hello = hello
        self._inside = inside
        self.welcome = welcome or {}
        self._serials = itertools.count(1)
        self.progress = self.folder / "progress"
        self.process: Optional[subprocess.Popen[str]] = None
        self.address = ""
        self.reports: list[Any] = []
        self._channels: list[grpc.Channel] = []

    def __enter__(self) -> Served:
        try:
            self._err = open(self.folder / "stderr", "w+")
            listen = ["worker", "app.py", "--listen", self._listen, *self._options]
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    *(["snakepit._grpc_worker"] if self._inside else ["snakepit", *listen]),
                ],
                cwd=self.folder,
                env={**self._env, **self._told()} if self._inside else self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._err,
                text=True,
                start_new_session=True,
            )
            self.address = self._listening()
            self.channel = self.connect()
            if self._hello:
                self.hello = self.say_hello()
                self.watch()
                self.wait(lambda: self.seen("ready"), "ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _told(self) -> dict[str, str]:
        self.progress.write_bytes(bytes(64))
        welcome = {
            "protocol": 1,
            "codecs": [self.codec],
            "app": "app.py",
            "cwd": str(self.folder),
            "progress_file": str(self.progress),
            "stats_interval_ms": 50,
            "max_frame_bytes": 64 << 20,
            **self.welcome,
        }
        return {"SNAKEPIT_SOCKET": self._listen[len("unix:") :], "SNAKEPIT_WELCOME": json.dumps(welcome)}

    def _listening(self) -> str:
        assert self.process is not None and self.process.stdout is not None
        if self._inside:
            path = Path(self._listen[len("unix:") :])
            self.wait(lambda: path.exists() or self.process.poll() is not None, "its socket")
            return self._listen
        line = self.process.stdout.readline()
        assert line, self.stderr()
        listening = json.loads(line)
        assert listening["event"] == "snakepit.worker.listening"
        assert listening["pid"] == self.process.pid
        return str(listening["address"])

    def __exit__(self, *_: Any) -> None:
        for channel in self._channels:
            channel.close()
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait(PATIENCE_S)
            # What a handler has forked is in its group.
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            for stream in (self.process.stdin, self.process.stdout):
                assert stream is not None
                stream.close()
        self._err.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, *options: tuple[str, Any]) -> grpc.Channel:
        """Another host's channel."""
        # Else channels of one process share their connection.
        every = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1), *options]
        if self.credentials is None:
            channel = grpc.insecure_channel(self.address, options=every)
        else:
            channel = grpc.secure_channel(self.address, self.credentials, options=every)
        self._channels.append(channel)
        return channel

    # -- calls

    def method(self, name: str, kind: str = "unary_unary", channel: Any = None) -> Any:
        replies = {
            "Execute": "ExecuteReply",
            "ExecuteStream": "StreamReply",
            "Exchange": "WorkerBatch",
            "Watch": "Report",
        }
        reply = getattr(m, replies.get(name, f"{name}Reply"))
        make = getattr(channel or self.channel, kind)
        return make(
            f"/{SERVICE}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=reply.FromString,
        )

    def say_hello(self, channel: Any = None, **more: Any) -> Any:
        fields = {"protocols": [1], "codecs": [self.codec], "worker_id": "w1", "pool_name": "p", **more}
        return self.method("Hello", channel=channel)(m.HelloRequest(**fields), timeout=PATIENCE_S)

    def watch(self, channel: Any = None, worker_id: str = "w1", into: Optional[list[Any]] = None) -> Any:
        call = self.method("Watch", "unary_stream", channel)(m.WatchRequest(worker_id=worker_id))
        found = self.reports if into is None else into

        def collect() -> None:
            try:
                for report in call:
                    found.append(report)
                found.append(None)
            except grpc.RpcError:
                found.append(None)

        threading.Thread(target=collect, daemon=True).start()
        return call

    def pack(self, value: Any) -> bytes:
        return bytes(codecs.make(self.codec).pack_any(value))

    def unpack(self, data: bytes) -> Any:
        if self.codec == "json":
            return json_codec.decode(data)
        import msgpack

        return msgpack.unpackb(data, timestamp=3)

    def request(self, command: str, args: Optional[dict[str, Any]] = None, **more: Any) -> Any:
        fields: dict[str, Any] = {"request_id": f"r-{command}", "correlation_id": "c", **more}
        fields.setdefault("serial", next(self._serials))
        return m.ExecuteRequest(**{"command": command, "args": self.pack(args or {}), **fields})

    def execute(
        self, command: str, args: Optional[dict[str, Any]] = None, timeout: float = PATIENCE_S, **more: Any
    ) -> Any:
        return self.method("Execute")(self.request(command, args, **more), timeout=timeout)

    def result(self, command: str, args: Optional[dict[str, Any]] = None, **more: Any) -> Any:
        return self.unpack(self.execute(command, args, **more).result)

    def fails(self, call: Callable[[], Any]) -> tuple[grpc.StatusCode, Any]:
        """Status and Failure of a call that must fail."""
        try:
            call()
        except grpc.RpcError as error:
            return failure_of(error)
        raise AssertionError("it did not fail")

    def begin(self, command: str, args: Optional[dict[str, Any]] = None, **more: Any) -> Any:
        return self.method("Execute").future(
            self.request(command, args, **more), timeout=more.get("timeout", PATIENCE_S)
        )

    # -- what is known of it

    def wait(self, condition: Callable[[], Any], what: str = "condition", timeout: float = PATIENCE_S) -> Any:
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            found = condition()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError(
            f"waited in vain for {what}; reports: {self.reports[-5:]}; stderr: {self.stderr()[-3000:]}"
        )

    def seen(self, kind: str) -> list[Any]:
        """The reports of a kind that have come."""
        return [getattr(r, kind) for r in self.reports if r is not None and r.WhichOneof("of") == kind]

    def child_pid(self) -> int:
        return int(self.seen("ready")[-1].pid)

    def exit_code(self) -> int:
        assert self.process is not None
        return self.process.wait(PATIENCE_S)

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stderr(self) -> str:
        return (self.folder / "stderr").read_text(errors="replace")


def failure_of(error: Any) -> tuple[grpc.StatusCode, Any]:
    """Status and Failure of a call that has failed."""
    for key, value in error.trailing_metadata() or ():
        if key == "snakepit-failure-bin":
            return error.code(), m.Failure.FromString(value)
    return error.code(), None


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end(pid: int) -> None:
    """Kill one process, if it is there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
