"""PING is answered whatever the app does, as long as the GIL can be had."""

from __future__ import annotations

import time
from typing import Optional

import pytest
from host import Host

from snakepit._runtime import wire

APP = """
import asyncio, os, threading, time
from snakepit import command, on_start, on_stop

def spin(name):
    while not os.path.exists(name): sum(range(100))

if os.path.exists("slow_import"): spin("go")

@on_start
def starting():
    if os.path.exists("slow_on_start"): spin("go")

@on_stop
def stopping():
    open("stopping", "w").close()
    if os.path.exists("slow_on_stop"): spin("go")

@command
def busy():
    open("there", "w").close()
    spin("go")

@command
async def abusy():
    open("there", "w").close()
    spin("go")

@command
def busy_threads():
    threads = [threading.Thread(target=spin, args=("go",)) for _ in range(4)]
    for thread in threads: thread.start()
    open("there", "w").close()
    for thread in threads: thread.join()

@command
def prints():
    open("there", "w").close()
    while not os.path.exists("go"): print("x" * 100)
"""
#: How long an answer may take on a machine that is busy with other things.
PROMPT_S = 1.5


def pings(host: Host, count: int = 5) -> list[float]:
    """Ping one after the other; returns how long each took, in seconds."""
    took = []
    for _ in range(count):
        before = len(host.control_frames(wire.PONG))
        sent = time.monotonic()
        host.control.send([wire.PING, before + 1])
        came = host.wait(lambda: host.control_frames(wire.PONG)[before:], "PONG")  # noqa: B023
        took.append(time.monotonic() - sent)
        assert came == [[wire.PONG, before + 1]]
    return took


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("command", ["busy", "abusy", "busy_threads", "prints"])
def test_while_a_handler_is_busy(command: str, concurrency: int) -> None:
    with Host(APP, concurrency=concurrency) as host:
        ids = [host.request(command) for _ in range(concurrency)]
        host.wait((host.folder / "there").exists)
        assert max(pings(host)) < PROMPT_S
        assert not any(host.answers(id) for id in ids)
        (host.folder / "go").touch()
        for id in ids:
            host.answer(id)


@pytest.mark.parametrize("phase", ["import", "on_start", "on_stop"])
def test_while_it_starts_and_stops(phase: str) -> None:
    with Host(APP, start=False) as host:
        (host.folder / f"slow_{phase}").touch()
        host.accept()

        def last_phase() -> Optional[str]:
            frames = host.control_frames(wire.PHASE)
            return frames[-1][1] if frames else None

        if phase == "on_stop":
            host.wait(lambda: host.control_frames(wire.READY))
            host.control.send([wire.STOP])
            host.wait((host.folder / "stopping").exists)
        else:
            host.wait(lambda: last_phase() == phase)
        assert max(pings(host)) < PROMPT_S
        assert bool(host.control_frames(wire.READY)) == (phase == "on_stop")
        (host.folder / "go").touch()
        if phase == "on_stop":
            assert host.exit_code() == 0
        else:
            host.wait(lambda: host.control_frames(wire.READY))
