"""Raising ``Cancelled`` in the main thread, in the handler that it is meant for and nowhere else.

The control thread sends a signal; Python runs the handler below in the main thread between two bytecodes,
wherever that thread is, even out of ``time.sleep``. Where it is decides:

- The stack above the call of the handler is all the app's (or a library's): Cancelled is raised there.
- Anything of the runtime is in between (the app is within ``print`` or ``emit``, a chunk is being encoded),
  or the call has
  not begun or is over: nothing happens now. Raised there, it could cut a frame in half or lose a reply.

In the second case the control thread tries again until the request has ended. A signal that arrives late
finds another request, or none, and does nothing.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import CodeType, FrameType
from typing import Any, Optional

from snakepit._context import Cancelled
from snakepit._runtime.failure import is_own
from snakepit._runtime.state import State

#: The first real-time signals are used by C libraries; where there are none, the one left to applications.
SIGNAL: int = signal.SIGRTMIN + 3 if sys.platform == "linux" else signal.SIGUSR2


class Interrupter:
    """Owns the signal. ``callers``: code of the runtime's functions that call handlers."""

    def __init__(self, state: State, callers: list[CodeType]) -> None:
        self._state = state
        self._callers = {id(code) for code in callers}
        self._keep = callers  # so that the ids stay theirs
        self._thread = threading.main_thread().ident or 0

    def add_caller(self, code: CodeType) -> None:
        """One more function that calls a handler."""
        self._callers.add(id(code))
        self._keep.append(code)

    def install(self) -> None:
        """Arm the signal; to be called in the main thread."""
        signal.signal(SIGNAL, self._arrived)

    def interrupt(self) -> None:
        """Have the main thread look whether it runs a cancelled request."""
        signal.pthread_kill(self._thread, SIGNAL)

    def checkpoint(self) -> None:
        """Raise Cancelled if it is due; called where the runtime is about to return to the app."""
        if not self._state.cancels or threading.get_ident() != self._thread:
            return
        stack: Optional[FrameType] = sys._getframe(1)
        while stack is not None and is_own(stack.f_code.co_filename):
            stack = stack.f_back
        self._arrived(0, stack)

    def _arrived(self, _signal: int, stack: Optional[FrameType]) -> Any:
        request = self._state.frame
        if request is None:
            return
        cancel = self._state.cancels.get(request[1])
        if cancel is None or cancel.thrown or not self._in_handler(stack):
            return
        cancel.thrown = True
        raise Cancelled("the request was cancelled")

    def _in_handler(self, stack: Optional[FrameType]) -> bool:
        inside = False
        while stack is not None:
            code = stack.f_code
            if id(code) in self._callers:
                return inside
            # What is raised in a destructor is printed and forgotten: the cancel would be lost.
            if is_own(code.co_filename) or code.co_name == "__del__":
                return False
            inside = True
            stack = stack.f_back
        return False
