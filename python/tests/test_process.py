"""The process: how it ends when the host does, and what it leaves when it crashes."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest
from host import PATIENCE_S, Host

from snakepit._runtime import wire

APP = """
import ctypes, multiprocessing, os, signal, subprocess, sys, threading, time
from snakepit import command, on_stop

@on_stop
def stopped(): open("stopped", "w").close()

@command
def sleep(seconds: float): time.sleep(seconds)

@command
def spin(seconds: float):
    end = time.monotonic() + seconds
    while time.monotonic() < end: pass

@command
def crash_here(): ctypes.string_at(0)

@command
def abort(): os.abort()

@command
def leave(): os._exit(7)

@command
def linger():
    threading.Thread(target=time.sleep, args=(600,)).start()

@command
def children():
    global child
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()
    return child.pid

@command
def descriptors(): return sorted(os.listdir("/proc/self/fd"), key=int)
"""


def gone(pid: int) -> bool:
    try:
        # A zombie still exists, so the state is what counts.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("busy", ["idle", "sleep", "spin"])
@pytest.mark.parametrize("what", ["control", "both", "stdin"])
def test_the_end_of_the_host_ends_the_process(what: str, busy: str, concurrency: int) -> None:
    with Host(APP, concurrency=concurrency) as host:
        if busy != "idle":
            host.request(busy, {"seconds": 600})
            host.wait(lambda: any(host.words()))
        began = time.monotonic()
        if what == "stdin":
            assert host.process is not None and host.process.stdin is not None
            host.process.stdin.close()
        else:
            host.control.sock.shutdown(2)
            if what == "both":
                host.work.sock.shutdown(2)
        assert host.exit_code() == 1
        assert time.monotonic() - began < 5
        half = "snakepit: the host closed the control connection\n"
        assert host.stderr() == (half if what == "control" else "")


def test_the_end_of_the_work_connection_ends_an_idle_process() -> None:
    with Host(APP) as host:
        host.work.sock.shutdown(2)
        assert host.exit_code() == 1


def test_the_end_of_stdin_during_the_import() -> None:
    with Host("import time; time.sleep(600)", start=False) as host:
        host.accept()
        host.wait(lambda: host.control_frames(wire.PHASE))
        assert host.process is not None and host.process.stdin is not None
        host.process.stdin.close()
        assert host.exit_code() == 1


def test_children_of_multiprocessing_go_too() -> None:
    with Host(APP) as host:
        pid = host.result("children")
        assert not gone(pid)
        host.control.sock.shutdown(2)
        host.exit_code()
        host.wait(lambda: gone(pid))


def test_a_segfault_leaves_its_python_stack() -> None:
    with Host(APP) as host:
        id = host.request("crash_here")
        assert host.exit_code() == -signal.SIGSEGV
        assert "Fatal Python error: Segmentation fault" in host.stderr()
        assert "in crash_here" in host.stderr()
        assert host.words()[0] == id


def test_other_deaths() -> None:
    with Host(APP) as host:
        host.request("abort")
        assert host.exit_code() == -signal.SIGABRT and "in abort" in host.stderr()
    with Host(APP) as host:
        host.request("leave")
        assert host.exit_code() == 7


def test_progress_in_threads_has_a_word_each() -> None:
    with Host(APP, concurrency=3) as host:
        ids = [host.request("sleep", {"seconds": 0.3}) for _ in range(3)]
        host.wait(lambda: sorted(host.words()) == ids)
        for id in ids:
            host.answer(id)
        assert max(host.words()) == 3


def test_a_thread_that_was_left_behind_does_not_keep_the_process() -> None:
    with Host(APP) as host:
        host.result("linger")
        began = time.monotonic()
        assert host.stop() == 0
        assert time.monotonic() - began < 10
        assert (host.folder / "stopped").exists()


def test_stacks_on_demand() -> None:
    read, write = os.pipe()
    try:
        with Host(APP, env={"SNAKEPIT_STACK_FD": str(write)}, pass_fds=(write,)) as host:
            id = host.request("spin", {"seconds": 600})
            host.wait(lambda: host.words()[0] == id)
            assert host.process is not None
            host.process.send_signal(signal.SIGURG)
            text = b""
            while b"in spin" not in text:
                text += os.read(read, 65536)
            host.cancel(id)
            assert host.answer(id)[2]["code"] == "cancelled"
    finally:
        os.close(read)
        os.close(write)


def test_the_stacks_of_many_threads_come_whole_by_a_socket() -> None:
    ours, theirs = socket.socketpair()
    # The least there is, which a few writes fill: whoever reads at all is always behind.
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    source = """
    import threading, time
    from snakepit import command
    def deep(n):
        if n: deep(n - 1)
        else: time.sleep(600)
    for _ in range(40): threading.Thread(target=deep, args=(30,), daemon=True).start()
    @command
    def ready(): pass
    """
    descriptor = theirs.fileno()
    stack_fd = {"SNAKEPIT_STACK_FD": str(descriptor)}
    with ours, theirs, Host(source, env=stack_fd, pass_fds=(descriptor,)) as host:
        host.result("ready")
        assert host.process is not None
        host.process.send_signal(signal.SIGURG)
        ours.settimeout(PATIENCE_S)
        text = b""
        while text.count(b" in deep") < 40 * 31:
            text += ours.recv(512)


def test_sigurg_is_harmless_otherwise() -> None:
    with Host(APP) as host:
        assert host.process is not None
        host.process.send_signal(signal.SIGURG)
        assert host.result("sleep", {"seconds": 0.0}) is None


def test_no_descriptor_is_leaked() -> None:
    with Host(APP) as host:
        before = host.result("descriptors")
        for _ in range(50):
            id = host.request("sleep", {"seconds": 30})
            host.cancel(id)
            host.answer(id)
        assert host.result("descriptors") == before


def test_an_idle_worker_sleeps() -> None:
    with Host(APP) as host:
        host.work.send(*[host.frame("sleep", {"seconds": 0.0}) for _ in range(50)])
        host.answer(50)
        assert host.process is not None

        def switches() -> int:
            total = 0
            for task in Path(f"/proc/{host.process.pid}/task").iterdir():  # type: ignore[union-attr]
                status = (task / "status").read_text()
                total += int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
            return total

        def quiet() -> bool:
            before = switches()
            time.sleep(0.3)
            return switches() - before <= 1

        host.wait(quiet, "the control thread to stop its quick looks")
