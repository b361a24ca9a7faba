"""Requests that the child holds: who waits for what it says of them."""

from __future__ import annotations

import _thread
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Optional, Union

from snakepit._runtime.failure import failure
from snakepit._serve.frames import Answer, Raw


class Problem(NamedTuple):
    """Why a request has no result: a failure as the protocol has it, and the times that went into it."""

    failure: dict[str, Any]
    python_ms: float = 0.0
    cpu_ms: float = 0.0


Outcome = Union[Answer, Problem]

_RECALLED = Problem(failure("recalled", "the request was taken back before it had begun"))


class Call:
    """One request on the child, from its frame to its one answer."""

    __slots__ = ("after", "id", "owner", "request_id", "serial")

    #: Called once after a number of calls that share it have been told something.
    after: Optional[Callable[[], None]]

    def __init__(self, request_id: str, owner: Any) -> None:
        """``owner``: the gRPC context of the call it came with; tells which host asked."""
        self.id = 0
        #: Its number at the host; 0: not known.
        self.serial = 0
        self.after = None
        self.request_id = request_id
        self.owner = owner

    def settle(self, outcome: Outcome) -> None:
        """Take the end. Called once, from the thread that reads the child's answers: it must not wait."""
        raise NotImplementedError

    def chunk(self, value: Raw) -> None:
        """Take a chunk, likewise."""

    def give_back(self) -> None:
        """Take the end of one that its host has recalled, likewise."""
        self.settle(_RECALLED)

    def record(self, report: Any) -> bool:
        """Take a Report with a log record or event of the request. False: it is for those who watch."""
        return False


class UnaryCall(Call):
    """A call whose thread waits for one answer."""

    __slots__ = ("_lock", "outcome")

    def __init__(self, request_id: str, owner: Any) -> None:
        super().__init__(request_id, owner)
        self.outcome: Optional[Outcome] = None
        # A bare lock is the cheapest thing to wait for.
        self._lock = _thread.allocate_lock()
        self._lock.acquire()

    def settle(self, outcome: Outcome) -> None:
        """See :class:`Call`."""
        self.outcome = outcome
        self.wake()

    def wake(self) -> None:
        """End :meth:`wait` without an answer: the caller is gone."""
        try:
            self._lock.release()
        except RuntimeError:
            pass  # both have happened

    def wait(self) -> Optional[Outcome]:
        """The outcome; None when the caller is gone."""
        self._lock.acquire()
        return self.outcome


class DeferredCall(Call):
    """A call that nobody waits for: its end is carried on by whoever brings it."""

    __slots__ = ("_then",)

    def __init__(self, request_id: str, owner: Any, then: Callable[[Outcome], None]) -> None:
        super().__init__(request_id, owner)
        self._then = then

    def settle(self, outcome: Outcome) -> None:
        """See :class:`Call`."""
        self._then(outcome)


class StreamCall(Call):
    """A call whose thread takes chunks one by one."""

    __slots__ = ("_chunks", "_gone", "_there", "outcome")

    def __init__(self, request_id: str, owner: Any) -> None:
        super().__init__(request_id, owner)
        self.outcome: Optional[Outcome] = None
        self._chunks: deque[Raw] = deque()
        self._gone = False
        self._there = threading.Semaphore(0)

    def settle(self, outcome: Outcome) -> None:
        """See :class:`Call`."""
        self.outcome = outcome
        self._there.release()

    def chunk(self, value: Raw) -> None:
        """See :class:`Call`."""
        self._chunks.append(value)
        self._there.release()

    def wake(self) -> None:
        """See :meth:`UnaryCall.wake`."""
        self._gone = True
        self._there.release()

    def next(self) -> Optional[Raw]:
        """The next chunk; None after the last one, and when the caller is gone."""
        self._there.acquire()
        if self._gone or not self._chunks:
            return None
        return self._chunks.popleft()


class BatchedCall(Call):
    """A call on an Exchange, which sends many answers together."""

    __slots__ = ("_number", "_tell")

    def __init__(
        self,
        request_id: str,
        owner: Any,
        number: int,
        tell: Callable[[int, Any], None],
        after: Callable[[], None],
    ) -> None:
        """``number``: that of it on the stream. ``tell``: takes chunks, reports and the end; then ``after`` is called.

        The end is an outcome; None for one that was taken back, of which the host hears elsewhere.
        """
        super().__init__(request_id, owner)
        self._number, self._tell, self.after = number, tell, after

    def settle(self, outcome: Outcome) -> None:
        """See :class:`Call`."""
        self._tell(self._number, outcome)

    def chunk(self, value: Raw) -> None:
        """See :class:`Call`."""
        self._tell(self._number, value)

    def give_back(self) -> None:
        """See :class:`Call`."""
        self._tell(self._number, None)

    def record(self, report: Any) -> bool:
        """See :class:`Call`."""
        self._tell(self._number, report)
        return True
