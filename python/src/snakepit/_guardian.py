"""The guardian of a host: ends what the host leaves behind when it dies without a word (kill -9, out of
memory).

The host runs one as ``python -I -S _guardian.py``, in a session of its own, and tells it over standard input,
a line each:

- ``+ <pgid> <start time>``: watch a process group (start time: field 22 of ``/proc/<pid>/stat``, 0: unknown)
- ``- <pgid>``: no longer
- ``d <directory>``: remove this private directory when the host has died
- ``D <directory>``: no longer

The end of standard input is the host's death, or its orderly end, when nothing is registered any more. This
file imports as little as it can, since it costs every host that memory.
"""

from __future__ import annotations

import os
import signal
import stat


class Registry:
    """What is to go when the host does."""

    def __init__(self) -> None:
        self.groups: dict[int, int] = {}
        self.directories: set[bytes] = set()
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take in a piece of what the host wrote; it may end in the middle of a line.

        The beginning of a line is never acted on: half a number is another number.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._obey(line)

    def _obey(self, line: bytes) -> None:
        verb, _, rest = line.partition(b" ")
        if verb == b"d":
            self.directories.add(rest)
        elif verb == b"D":
            self.directories.discard(rest)
        elif verb in (b"+", b"-"):
            numbers = [int(word) for word in rest.split() if word.isdigit()]
            if verb == b"+" and len(numbers) == 2:
                self.groups[numbers[0]] = numbers[1]
            elif verb == b"-" and len(numbers) == 1:
                self.groups.pop(numbers[0], None)

    def carry_out(self) -> None:
        """Kill the groups, then remove the directories."""
        for pgid, started in self.groups.items():
            kill_group(pgid, started)
        for directory in self.directories:
            remove_directory(directory)


def kill_group(pgid: int, started: int) -> None:
    """SIGKILL to all of a group, unless its number now belongs to somebody else.

    A dead leader is no reason to stop: Linux does not give its number away while the group has members.
    """
    # To kill(2), 0 and 1 mean: my own group, and everybody.
    if pgid <= 1 or pgid == os.getpgrp():
        return
    now = start_time(pgid) if started else None
    if now is not None and now != started:
        return
    try:
        os.killpg(pgid, signal.SIGKILL)
    except OSError:
        pass  # nobody is left


def start_time(pid: int) -> int | None:
    """When a process began, in ticks since the machine did; None when there is no such process, or no /proc."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in parentheses before it may hold anything.
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def remove_directory(path: bytes) -> None:
    """Remove a directory if it is one of ours: absolute, named ``snakepit-…``, this user's, no link."""
    path = path.rstrip(b"/")
    if not path.startswith(b"/") or not os.path.basename(path).startswith(b"snakepit-"):
        return
    try:
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid():
            _remove(path)
    except OSError:
        pass  # gone already


def _remove(directory: bytes) -> None:
    # shutil.rmtree would do the same for half a megabyte more.
    for entry in list(os.scandir(directory)):
        if entry.is_dir(follow_symlinks=False):
            _remove(entry.path)
        else:
            os.unlink(entry.path)
    os.rmdir(directory)


def detach() -> None:
    """Let nothing but the end of standard input end this process, and hold on to nothing of the host."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    try:
        descriptors = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        descriptors = list(range(3, 256))
    for descriptor in descriptors:
        if descriptor > 2:
            try:
                os.close(descriptor)
            except OSError:
                pass  # the one that listed them
    # Were it not, "nothing to read yet" would look like the end.
    os.set_blocking(0, True)


def main() -> None:
    """Listen until the host is gone, then clean up."""
    detach()
    registry = Registry()
    while True:
        try:
            data = os.read(0, 65536)
        except OSError:
            break
        if not data:
            break
        registry.feed(data)
    registry.carry_out()


if __name__ == "__main__":
    main()
