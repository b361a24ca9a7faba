"""The guardian of the parent: ends the child and what it has started when the parent is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from snakepit import _guardian


class Guardian:
    """One process of its own; told over its standard input, whose end is the parent's."""

    def __init__(self) -> None:
        file = str(Path(_guardian.__file__))
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", file],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        """The group of ``pid`` must not outlive us."""
        self._tell(f"+ {pid} {_guardian.start_time(pid) or 0}")

    def forget(self, pid: int) -> None:
        """It is gone."""
        self._tell(f"- {pid}")

    def directory(self, path: str) -> None:
        """To be removed as well."""
        self._tell(f"d {path}")

    def end(self) -> None:
        """Have it finish, which it does by carrying out what is still registered."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tell(self, line: str) -> None:
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has died; the end of the child's standard input and the kernel remain
