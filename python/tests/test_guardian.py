"""The guardian, told by hand what a host would tell it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from snakepit import _guardian as guardian

SCRIPT = str(Path(guardian.__file__))
LINUX = Path("/proc/self/stat").exists()


def gone(pid: int) -> bool:
    try:
        # A zombie still exists, so the state is what counts.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


class Group:
    """A process that leads a group, and a child of it in that group."""

    def __init__(self) -> None:
        sleep = "import time; time.sleep(600)"
        code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-S', '-c', {sleep!r}]).pid, flush=True); {sleep}"
        self.leader = subprocess.Popen(
            [sys.executable, "-S", "-c", code], start_new_session=True, stdout=subprocess.PIPE
        )
        assert self.leader.stdout is not None
        self.child = int(self.leader.stdout.readline())
        self.pgid = self.leader.pid
        self.started = guardian.start_time(self.pgid) or 0

    @property
    def gone(self) -> bool:
        self.leader.poll()
        return gone(self.pgid) and gone(self.child)

    def close(self) -> None:
        try:
            os.killpg(self.pgid, signal.SIGKILL)
        except OSError:
            pass
        self.leader.wait()
        assert self.leader.stdout is not None
        self.leader.stdout.close()


@pytest.fixture
def make_group() -> Iterator[Callable[[], Group]]:
    groups: list[Group] = []

    def make() -> Group:
        groups.append(Group())
        return groups[-1]

    yield make
    for group in groups:
        group.close()


def run(*pieces: bytes) -> subprocess.CompletedProcess[bytes]:
    """Tell a guardian these pieces, each in a write of its own, end its input and wait for its end."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        bufsize=0,
    ) as process:
        assert process.stdin is not None
        for piece in pieces:
            process.stdin.write(piece)
            time.sleep(0.01)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (0, b"", b"")
    return subprocess.CompletedProcess(process.args, process.returncode)


def private(path: Path) -> Path:
    (path / "deep").mkdir(parents=True)
    (path / "w1.sock").write_text("")
    (path / "deep" / "file").write_text("")
    return path


def test_kills_whole_groups(make_group: Callable[[], Group]) -> None:
    groups = [make_group(), make_group()]
    run(*(b"+ %d %d\n" % (group.pgid, group.started) for group in groups))
    until(lambda: all(group.gone for group in groups))


def test_kills_the_rest_when_the_leader_is_gone(make_group: Callable[[], Group]) -> None:
    group = make_group()
    os.kill(group.pgid, signal.SIGKILL)
    group.leader.wait()
    assert not gone(group.child)
    run(b"+ %d %d\n" % (group.pgid, group.started))
    until(lambda: group.gone)


def test_leaves_what_was_taken_back(make_group: Callable[[], Group], tmp_path: Path) -> None:
    kept, killed = make_group(), make_group()
    left = private(tmp_path / "snakepit-left")
    lines = b"+ %d %d\n" % (kept.pgid, kept.started)
    lines += b"+ %d %d\n" % (killed.pgid, killed.started)
    run(lines + b"- %d\nd %s\nD %s\n" % (kept.pgid, bytes(left), bytes(left)))
    until(lambda: killed.gone)
    assert not kept.gone
    assert left.exists()


@pytest.mark.skipif(not LINUX, reason="only /proc tells when a process began")
def test_leaves_a_process_that_got_the_number_later(make_group: Callable[[], Group]) -> None:
    later, witness = make_group(), make_group()
    run(b"+ %d %d\n+ %d %d\n" % (later.pgid, later.started - 1, witness.pgid, witness.started))
    until(lambda: witness.gone)
    assert not later.gone


def test_kills_without_a_start_time(make_group: Callable[[], Group]) -> None:
    group = make_group()
    run(b"+ %d 0\n" % group.pgid)
    until(lambda: group.gone)


def test_lines_may_come_in_pieces(make_group: Callable[[], Group]) -> None:
    group = make_group()
    line = b"+ %d %d\n" % (group.pgid, group.started)
    run(*(line[i : i + 1] for i in range(len(line))))
    until(lambda: group.gone)


def test_the_beginning_of_a_line_is_no_line(make_group: Callable[[], Group]) -> None:
    group, witness = make_group(), make_group()
    run(b"+ %d %d\n" % (witness.pgid, witness.started), b"+ %d %d" % (group.pgid, group.started))
    until(lambda: witness.gone)
    assert not group.gone


def test_nonsense_harms_nobody(make_group: Callable[[], Group]) -> None:
    group = make_group()
    # 0 and 1 would be "my group" and "everybody"; signs and words are no numbers.
    nonsense = b"+ 0 0\n+ 1 0\n+ -1 0\n+\n+ x y\n- \nq\n\n\xff\xfe\nd\nd /\nd relative/snakepit-x\n"
    registry = guardian.Registry()
    registry.feed(nonsense)
    assert registry.groups == {0: 0, 1: 0}
    run(nonsense, b"+ %d %d\n" % (group.pgid, group.started))
    until(lambda: group.gone)


def test_never_kills_its_own_group_or_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda pgid, _signal: sent.append(pgid))
    for pgid in (0, 1, os.getpgrp()):
        guardian.kill_group(pgid, 0)
    assert sent == []


def test_removes_directories(tmp_path: Path) -> None:
    directory = private(tmp_path / "snakepit-a b\u00fc")
    run(b"d %s\n" % bytes(directory))
    assert not directory.exists()


def test_removes_no_other_directories(tmp_path: Path) -> None:
    target = private(tmp_path / "target")
    link = tmp_path / "snakepit-link"
    link.symlink_to(target)
    file = tmp_path / "snakepit-file"
    file.write_text("")
    inside = private(tmp_path / "snakepit-inside")
    (inside / "link").symlink_to(target)
    other = private(tmp_path / "other")
    run(*(b"d %s\n" % bytes(path) for path in (link, file, other, tmp_path / "snakepit-none", inside)))
    assert link.is_symlink()
    assert file.exists()
    assert sorted(path.name for path in target.iterdir()) == ["deep", "w1.sock"]
    assert other.exists()
    assert not inside.exists()


def test_removes_no_directory_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = private(tmp_path / "snakepit-other")
    monkeypatch.setattr(os, "getuid", lambda: os.lstat(directory).st_uid + 1)
    guardian.remove_directory(bytes(directory))
    assert directory.exists()


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_is_small_and_holds_nothing() -> None:
    inherited = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", SCRIPT], stdin=subprocess.PIPE, close_fds=False, start_new_session=True
    )
    try:
        until(lambda: sorted(os.listdir(f"/proc/{process.pid}/fd")) == ["0", "1", "2"])
        assert os.readlink(f"/proc/{process.pid}/cwd") == "/"
        status = Path(f"/proc/{process.pid}/status").read_text()
        # Of its own, not shared with other Pythons; about 4 MB. Threads or more modules would show.
        private_kb = int(status.split("RssAnon:")[1].split()[0])
        assert private_kb < 8 * 1024
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
        assert process.stdin is not None
        process.stdin.close()
        # Ended by a signal it would have a negative code.
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(inherited)
