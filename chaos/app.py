"""The app the chaos suite breaks: some commands do honest work, the others do the worst they can."""

import ctypes
import os
import resource
import socket
import struct
import subprocess
import time

from snakepit import command, on_start, on_stop

FOLDER = os.environ["CHAOS_FOLDER"]


def flag(name):
    """Whether the suite has raised a flag."""
    return os.path.exists(os.path.join(FOLDER, name))


if flag("die_in_import"):
    os._exit(11)


@on_start
def limit_memory():
    """Memory beyond the limit is refused to this process, so that the machine does not notice."""
    if "CHAOS_MEMORY" in os.environ:
        limit = int(os.environ["CHAOS_MEMORY"])
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


@on_stop
def leave_early():
    if flag("die_in_on_stop"):
        os._exit(12)


# -- honest work


@command
def echo(token: int):
    return token


@command
def work(token: int, ms: float = 5):
    time.sleep(ms / 1000)
    return token


@command
def once(token: int, ms: float = 0):
    """Must not run twice for one token: every run leaves a line, in one write, before anything else."""
    file = os.open(os.path.join(FOLDER, "runs"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, f"{token}\n".encode())
    finally:
        os.close(file)
    time.sleep(ms / 1000)
    return token


@command
def count(token: int, to: int = 5):
    for i in range(to):
        time.sleep(0.001)
        yield i


# -- ends


@command
def leave(token: int, code: int = 3):
    os._exit(code)


@command
def leave_in_stream(token: int, after: int = 2):
    yield from range(after)
    os._exit(4)


@command
def segfault(token: int):
    ctypes.string_at(0)


@command
def deadlock_with_gil(token: int):
    """Wait for ever in C, with the GIL held: no signal handler of Python runs any more, nor any other thread."""
    mutex = ctypes.create_string_buffer(128)
    c = ctypes.PyDLL(None)
    c.pthread_mutex_lock(mutex)
    c.pthread_mutex_lock(mutex)


# -- memory

kept = []


@command
def hog(token: int, keep: bool = False):
    """Take all the address space there is. Without ``keep`` it is given back with the MemoryError."""
    taken = kept if keep else []
    size = 1 << 24
    while size >= 1 << 10:
        try:
            while True:
                taken.append(bytes(size))
        except MemoryError:
            if not keep:
                raise
            size >>= 2


@command
def hog_in_c(token: int):
    """C code that does not look at what malloc gives."""
    c = ctypes.CDLL(None)
    c.malloc.restype = ctypes.c_void_p
    c.malloc.argtypes = [ctypes.c_size_t]
    c.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    while True:
        c.memset(c.malloc(1 << 24), 0, 1)


# -- children


@command
def breed(token: int, children: int):
    """Start children in the worker's process group that end by nothing of their own for ten minutes."""
    return [subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL).pid for _ in range(children)]


# -- output


@command
def flood(token: int, lines: int, source: str):
    """``source``: print, or write(2) past Python's own streams."""
    if source == "python":
        for i in range(lines):
            print(f"flood {i}")
    else:
        for at in range(0, lines, 100):
            data = b"".join(b"flood %d\n" % i for i in range(at, min(lines, at + 100)))
            while data:
                data = data[os.write(1, data) :]
    return token


@command
def say(token: int):
    print(f"token {token}")
    return token


# -- frames


def connections():
    """The worker's connections to its host, in the order in which they were made."""
    found = []
    for name in sorted(os.listdir("/proc/self/fd"), key=int):
        try:
            connection = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        try:
            peer = connection.getpeername()
        except OSError:
            peer = ""
        if isinstance(peer, str) and peer.endswith(".sock"):
            found.append(connection)
        else:
            connection.close()
    return {"control": found[0], "work": found[1]}


@command
def cut(token: int, which: str, piece: str, then: str):
    """Send the beginning of a frame; ``then``: exit, hang up, stay."""
    connection = connections()[which]
    whole = struct.pack(">I", 100) + b"[2," + b" " * 97
    connection.sendall(whole[: {"header": 2, "body": 40}[piece]])
    if then == "exit":
        os._exit(5)
    if then == "hang up":
        connection.shutdown(socket.SHUT_WR)
    time.sleep(600)
