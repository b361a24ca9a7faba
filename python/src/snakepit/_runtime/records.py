"""Sending LOG and EVENT frames: bounded, counted, and never at the expense of the request that caused them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Optional

from snakepit._runtime.answers import Answers
from snakepit._runtime.arguments import short_repr
from snakepit._runtime.codec.values import Unserializable, normalise
from snakepit._runtime.failure import clean
from snakepit._runtime.sender import Sender
from snakepit._runtime.wire import EVENT

#: Name of the event that carries the app's metrics.
METRICS = "_metrics"
_PATIENCE_S = 0.1
# What may pile up behind a host that does not read before records are dropped at once instead of after a wait
# each.
_MAX_BACKLOG = 256


def _unchecked() -> None:
    pass


def _unshielded(action: Callable[..., Any], *args: Any) -> Any:
    return action(*args)


class Records:
    """The way out for records, shared by logs and events."""

    def __init__(
        self,
        channel: Sender,
        answers: Answers,
        max_frame_bytes: int,
        nudge: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._answers = answers
        self._max = max_frame_bytes
        #: Makes the control thread look what there is to do.
        self.nudge = nudge
        self._stuck = False
        self._dropped = 0
        #: Finds the id of the request that the caller runs for, or None. Set once there is a runner.
        self.current_id: Callable[[], Optional[int]] = lambda: None
        #: Runs an action in which Cancelled must not be raised.
        self.shield: Callable[..., Any] = _unshielded
        #: Raises Cancelled if it is due; called at the end of what the app calls of ours.
        self.checkpoint: Callable[[], None] = _unchecked

    def offer(self, make: Callable[[int], tuple[Any, ...]], at_once: bool, count: bool = True) -> bool:
        """Send a record; False, and counted unless ``count`` is, when the host does not read.

        ``make`` builds the frame's elements and is told how many were dropped before; ``at_once``: do not
        wait for the next reply, or for the control thread's next look a few milliseconds later.
        """
        try:
            sent = bool(self.shield(self._offer, make, at_once))
        except Exception:
            sent = False
        if not sent and count:
            self._dropped += 1
        return sent

    def _offer(self, make: Callable[[int], tuple[Any, ...]], at_once: bool) -> bool:
        channel = self._channel
        if self._stuck and len(channel.out) > _MAX_BACKLOG:
            if not channel.flush(0.0):
                return False
            self._stuck = False
        frame = self._answers.any_frame(*make(self._dropped))
        if len(frame) > self._max:
            return False
        self._dropped = 0
        channel.out.append(frame)
        if at_once or len(channel.out) > _MAX_BACKLOG:
            self._stuck = not channel.flush(0.0 if self._stuck else _PATIENCE_S)
        if channel.pending:
            self.nudge()
        return True

    def event(self, name: str, measurements: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        """Send an event of the app."""
        try:
            id = self.current_id()
            elements = (EVENT, id, clean(name, 200), _numbers(measurements), _metadata(metadata))
        except Exception:
            self._dropped += 1  # such as a mapping whose own methods raise
            return
        self.offer(lambda _: elements, at_once=id is None)
        self.checkpoint()

    def metrics(self, batch: dict[str, Any]) -> bool:
        """Send a batch of the app's metrics; False when the host does not read. Waits for nobody."""
        elements: tuple[Any, ...] = (EVENT, None, METRICS, {}, batch)
        sent = self.offer(lambda _: elements, at_once=False, count=False)
        self.nudge()
        return sent


def _numbers(measurements: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {}
    for key, value in dict(measurements).items():
        try:
            number = normalise(value)
        except Unserializable:
            continue
        if isinstance(number, (int, float)):
            numbers[clean(str(key), 200)] = int(number) if isinstance(number, bool) else number
    return numbers


def _metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    sendable = {}
    for key, value in dict(metadata).items():
        try:
            value = normalise(value)
        except Unserializable:
            value = clean(short_repr(value, 200))
        sendable[clean(str(key), 200)] = value
    return sendable
