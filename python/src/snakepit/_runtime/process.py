"""Arranging the process: standard input, signals, forks."""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import stat
import struct
import sys
from collections.abc import Callable
from typing import Any, Optional

#: prctl(2), <linux/prctl.h>
_PR_SET_PDEATHSIG = 1
#: What each small write of a stack dump may wait for the host to read, in microseconds.
_WRITE_US = 20_000


def take_stdin() -> Optional[int]:
    """Keep the host's pipe for ourselves and give the app an empty standard input; returns the pipe's
    descriptor.

    An app that reads standard input would otherwise wait for ever, or take the end of the pipe from us, by
    which we know that the host is gone. None when standard input is no pipe, as for a worker started by hand.
    """
    try:
        mode = os.fstat(0).st_mode
        kept = os.dup(0) if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None
    except OSError:
        kept = None
    null = os.open(os.devnull, os.O_RDONLY)
    if null != 0:
        os.dup2(null, 0)
        os.close(null)
    return kept


def die_with_host() -> None:
    """Have Linux end this process when the host ends, however that happens.

    The end of standard input says the same, but only to a thread that gets the GIL; C code may hold it for
    ever. The host passes its pid in ``SNAKEPIT_HOST_PID`` where this is safe. It may have died before the
    request was made, and then no signal comes any more: hence the second look.
    """
    number = os.environ.pop("SNAKEPIT_HOST_PID", "")
    if not sys.platform.startswith("linux") or not number.isdecimal():
        return
    try:
        import ctypes

        armed = ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0
    except (ImportError, OSError, AttributeError):
        return  # a Python without ctypes: the end of standard input remains
    if armed and os.getppid() != int(number):
        os._exit(1)


def arm_fault_handler() -> None:
    """Have the Python stack written to descriptor 2 when the process crashes.

    If the host passes ``SNAKEPIT_STACK_FD``, the number of an inherited descriptor, SIGURG writes all stacks
    to it, even while C code holds the GIL. Left alone, SIGURG is ignored. A host that does not read loses the
    rest of a dump; it must not stop the process for long. Children do not get the descriptor.
    """
    faulthandler.enable(file=2)
    number = os.environ.pop("SNAKEPIT_STACK_FD", "")
    if not number.isdecimal():
        return
    descriptor = int(number)
    try:
        _bound_writes(descriptor)
        os.set_inheritable(descriptor, False)
        faulthandler.register(signal.SIGURG, file=descriptor, all_threads=True, chain=False)
    except (OSError, OverflowError, ValueError, RuntimeError):
        return  # stacks on demand are a convenience

    def release() -> None:
        faulthandler.unregister(signal.SIGURG)
        os.close(descriptor)

    on_fork(release)


def _bound_writes(descriptor: int) -> None:
    # faulthandler writes a few bytes at a time, of which a socket holds some hundred until they are read: too few for the stacks of
    # some ten threads, and the last, which come first to the eye, would be lost.
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        os.set_blocking(descriptor, False)
        return
    with socket.socket(fileno=os.dup(descriptor)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 0, _WRITE_US))
    os.set_blocking(descriptor, True)


def handle_signals(stop: Callable[[], None], wake_descriptor: int) -> None:
    """SIGTERM asks for an orderly stop; SIGINT, which a terminal sends to all, is the host's to judge.

    Not SIG_IGN for that, because children would inherit it. ``wake_descriptor`` ends the main thread's wait:
    a signal may be delivered to another thread, and then Python's handler would run only when the main thread
    next wakes up.
    """

    def terminate(_signal: int, _frame: Any) -> None:
        stop()

    def ignore(_signal: int, _frame: Any) -> None:
        pass

    signal.set_wakeup_fd(wake_descriptor, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, ignore)
    os.register_at_fork(after_in_child=lambda: _restore({signal.SIGTERM: terminate, signal.SIGINT: ignore}))


def _restore(ours: dict[int, Any]) -> None:
    # A forked child must die of a SIGTERM, unless the app has set a handler of its own.
    for number, handler in ours.items():
        if signal.getsignal(number) is handler:
            signal.signal(number, signal.SIG_DFL)


def on_fork(release: Callable[[], None]) -> None:
    """In forked children (multiprocessing, ``os.fork``) let go of what is the worker's.

    Written to by two processes, a connection would carry frames within frames; left open, it would hide the
    worker's death from the host.
    """

    def child() -> None:
        try:
            release()
        except Exception as error:
            print(f"snakepit: a forked child could not let go of the worker: {error}", file=sys.__stderr__)

    os.register_at_fork(after_in_child=child)
