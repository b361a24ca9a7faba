"""Starting: where apps come from, and how a start fails."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from host import SRC, Host

from snakepit._runtime import wire

#: Runs a worker on a Python that takes itself for an older one: real old ones are not at hand everywhere.
OLD = """
import runpy, sys
sys.version_info = (3, 8, 18, "final", 0)
runpy.run_module("snakepit._worker", run_name="__main__")
"""


def start_failed(source: str, **options: Any) -> dict[str, Any]:
    with Host(source, start=False, **options) as host:
        host.accept()
        host.wait(lambda: host.control_frames(wire.START_FAILED), "START_FAILED")
        assert host.exit_code() == 1
        assert host.control_frames(wire.READY) == []
        return dict(host.control_frames(wire.START_FAILED)[0][1])


def test_an_import_that_raises(codec: str) -> None:
    problem = start_failed("def f():\n    raise ValueError('broken')\nf()", codec=codec)
    assert problem["code"] == "worker_start_failed"
    assert problem["message"] == "ValueError: broken"
    assert re.fullmatch(
        r"Traceback \(most recent call last\):\n"
        r'  File ".*app.py", line 3, in <module>\n    f\(\)(\n    [~^]+)?\n'
        r'  File ".*app.py", line 2, in f\n    raise ValueError\(\'broken\'\)\n'
        r"ValueError: broken\n",
        problem["traceback"],
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("def f(:\n  pass", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("x = 1", "defines no command. Put @command"),
        ("from snakepit import *\n@command\ndef f(): pass\n@on_start\ndef g(): raise KeyError('model')", "KeyError: 'model'"),
        ("from snakepit import *\n@command\ndef f(): pass\n@on_start\nasync def g(): raise OSError('model')", "OSError: model"),
        ("from snakepit import *\n@command\ndef f(): pass\n@command(name='f')\ndef g(): pass", "two commands are named 'f'"),
    ],
)  # fmt: skip
def test_other_start_failures(source: str, message: str) -> None:
    assert message in start_failed(source)["message"]


def test_a_file_that_is_missing_or_misnamed() -> None:
    assert "there is no file" in start_failed("", app="/nowhere/app.py")["message"]
    with_name = start_failed("", files={"json.py": "x = 1"}, app="json.py")
    assert "rename the file" in with_name["message"]


def test_what_is_printed_before_a_failure_is_not_lost() -> None:
    with Host("print('before', end='')\nraise ValueError", start=False) as host:
        host.accept()
        host.exit_code()
        host.wait(lambda: host.logs("before"))
        assert host.logs("before")[0][1] is None


def test_a_module_is_imported_from_cwd() -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/helper.py": "def answer(): return 42",
        "pkg/serve.py": "from snakepit import command\nfrom .helper import answer\ncommand(answer)\n"
        "@command\ndef where():\n  import sys; return [sys.path[0], __name__]",
    }
    with Host(files=files, app="pkg.serve") as host:
        assert host.result("answer") == 42
        assert host.result("where") == [str(host.folder), "pkg.serve"]


def test_neighbours_of_the_app_can_be_imported_and_its_classes_pickled() -> None:
    app = """
    import multiprocessing, pickle
    import neighbour
    from snakepit import command
    class Thing: pass
    def double(x): return x * 2
    @command
    def go(): return [neighbour.X, type(pickle.loads(pickle.dumps(Thing()))).__name__, Thing.__module__]
    @command
    def spawn():
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            return pool.map(double, [1, 2])
    @command
    def fork():
        context = multiprocessing.get_context("fork")
        with context.Pool(1) as pool:
            return pool.map(double, [1, 2])
    """
    with Host(app, files={"neighbour.py": "X = 1"}) as host:
        assert host.result("go") == [1, "Thing", "app"]
        assert host.result("fork") == [2, 4]
        assert host.result("spawn") == [2, 4]
        assert host.stop() == 0


def test_future_annotations_and_names_only_for_type_checkers() -> None:
    app = """
    from __future__ import annotations
    from typing import TYPE_CHECKING
    from snakepit import command
    if TYPE_CHECKING:
        from nowhere import Tensor
    @command
    def f(a: int, b: Tensor = None, c: "list[int]" = ()): return a
    """
    with Host(app) as host:
        assert host.result("f", {"a": 1, "b": "anything", "c": [1]}) == 1
        assert host.failure("f", {"a": "x"})["path"] == "$.a"
        assert host.failure("f", {"a": 1, "c": 5})["path"] == "$.c"


def test_pings_are_answered_during_the_import() -> None:
    app = "import time, os\nwhile not os.path.exists('go'): time.sleep(0.01)\nfrom snakepit import command\n@command\ndef f(): pass"
    with Host(app, start=False) as host:
        host.accept()
        host.control.send([wire.PING, 7])
        host.wait(lambda: host.control_frames(wire.PONG) == [[wire.PONG, 7]])
        assert not host.control_frames(wire.READY)
        (host.folder / "go").touch()
        host.wait(lambda: host.control_frames(wire.READY))


def test_stop_during_the_import_ends_the_worker() -> None:
    with Host("import time; time.sleep(60)", start=False) as host:
        host.accept()
        host.wait(lambda: host.control_frames(wire.PHASE))
        assert host.stop() == 0


def test_what_comes_right_behind_welcome_is_read() -> None:
    # A host may send its first PING in the same write.
    with Host("from snakepit import command\n@command\ndef f(): pass", start=False) as host:
        original, ping = wire.header, json.dumps([wire.PING, 9]).encode()

        def glued(size: int) -> bytes:
            return original(size)

        sock, _ = host.listener.accept()
        sock.recv(1 << 16)
        body = json.dumps([wire.WELCOME, host.welcome]).encode()
        sock.sendall(glued(len(body)) + body + glued(len(ping)) + ping)
        work, _ = host.listener.accept()
        work.recv(1 << 16)
        work.sendall(glued(len(body)) + body)
        data = b""
        while b"[10,9]" not in data:
            got = sock.recv(1 << 16)
            assert got
            data += got
        sock.close()
        work.close()
        assert host.exit_code() == 1


def test_a_refused_worker_says_why() -> None:
    with Host("x = 1", start=False, reject={"code": "wrong_token", "message": "not ours"}) as host:
        host.greet("control")
        assert host.exit_code() == 1
        assert "the host refused this worker: wrong_token: not ours" in host.stderr()
        assert len(host.stderr().splitlines()) == 1


@pytest.mark.parametrize(
    "change", [{"protocol": 2}, {"codec": "xml"}, {"stats_interval_ms": "x"}, {"max_frame_bytes": "x"}]
)
def test_a_welcome_that_is_none(change: dict[str, Any]) -> None:
    with Host("x = 1", start=False, **change) as host:
        host.greet("control")
        assert host.exit_code() == 1
        assert host.stderr().startswith("snakepit: ") and "Traceback" not in host.stderr()


def test_started_by_hand() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "snakepit._worker"],
        env={"PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr == (
        "snakepit: SNAKEPIT_SOCKET is not set: a worker is started by Snakepit's host, not by hand\n"
    )


def test_a_python_that_is_too_old_says_so() -> None:
    env = {"PYTHONPATH": str(SRC), "SNAKEPIT_SOCKET": "x", "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([sys.executable, "-c", OLD], env=env, stdout=-1, stderr=-1, text=True)
    assert run.returncode == 1
    assert run.stderr.startswith("snakepit needs Python 3.9 or newer; this is Python ")
    assert len(run.stderr.splitlines()) == 1


def test_no_message_says_pip_install() -> None:
    # The name on PyPI belongs to somebody else.
    for path in SRC.parent.rglob("*"):
        if path.is_file() and path.suffix in {".py", ".md", ".toml"} and path != Path(__file__):
            assert "pip install " + "snakepit" not in path.read_text(encoding="utf-8")
