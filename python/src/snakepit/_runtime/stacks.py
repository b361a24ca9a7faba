"""Where requests are in their code: the answer to STACK.

Made by the control thread while the handlers go on. So first everything is noted that may change, then text is made
of it, for which source files are read.
"""

from __future__ import annotations

import itertools
import sys
import threading
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Optional

from snakepit._runtime import suspended
from snakepit._runtime.answers import Answers
from snakepit._runtime.failure import clean, is_own
from snakepit._runtime.suspended import Place
from snakepit._runtime.wire import STACKS

if TYPE_CHECKING:
    from snakepit._runtime.control import Runs
    from snakepit._runtime.runner import Runner

_MAX_FRAMES = 128
_MAX_TEXT = 64 << 10
_MAX_THREADS = 100
# An endless recursion is looked at no further than this.
_MAX_WALK = 10_000
_HEADER = "Traceback (most recent call last):\n"
#: The runtime's functions that call the app's code.
_CALLERS = frozenset(
    (
        "serve",
        "work",
        "invoke",
        "step",
        "call",
        "call_positional",
        "_close",
        "guarded",
        "_generate_async",
        "__await__",
    )
)


class Stacks:
    """Answers STACK. Nothing it does raises."""

    def __init__(self, answers: Answers, max_frame_bytes: int, runs: Runs) -> None:
        self._answers = answers
        self._max = max_frame_bytes
        self._runs = runs

    def frame(self, seq: int, ids: Optional[list[int]]) -> bytes:
        """The STACKS frame for these requests; for every thread but the one that answers if ``ids`` is None."""
        texts: list[tuple[Optional[int], str]]
        if ids is not None:
            texts = [(id, self._of(id)) for id in ids]
        else:
            try:
                texts = [(None, text) for text in _threads()]
            except Exception as error:
                texts = [(None, _not_shown(error))]
        limit = _MAX_TEXT
        while True:
            frame = self._answers.frame(STACKS, seq, [(id, clean(text, limit)) for id, text in texts])
            if len(frame) <= self._max or not limit:
                return frame
            limit //= 2

    def _of(self, id: int) -> str:
        try:
            runner = self._runs.runner_of(id)
            if runner is None:
                return ""
            parts = _look(runner)
            # What was seen may have been of the next request.
            return _text(_HEADER, parts) if self._runs.runner_of(id) is runner else ""
        except Exception as error:
            return _not_shown(error)


def _not_shown(error: Exception) -> str:
    return f"(the stack cannot be shown: {type(error).__name__})\n"


def _look(runner: Runner) -> list[suspended.Part]:
    coroutine, source = runner.coroutine, runner.source
    if runner.starved and source is not None:
        places, _ = suspended.chain(source)
        return [*places, "the stream waits for credit: its reader has not asked for another chunk"]
    if coroutine is None:
        return _running(runner.ident)
    for _ in range(3):
        if getattr(coroutine, "cr_running", False):
            return [*_running(runner.loop_ident), "a coroutine, which is running"]
        parts = suspended.look(coroutine, runner.task)
        if not getattr(coroutine, "cr_running", False):
            break  # else it went on while we looked
    return [part for part in parts if isinstance(part, str) or not is_own(part[0].co_filename)] or parts


def _running(ident: int) -> list[suspended.Part]:
    places = _walk(sys._current_frames().get(ident))
    start = 0
    for index, (code, _) in enumerate(places):
        if code.co_name in _CALLERS and is_own(code.co_filename):
            start = index + 1
    inner = places[start:]
    # Of the runtime's own, within what the app has called, one frame is enough to tell what that was.
    while len(inner) > 1 and is_own(inner[-1][0].co_filename) and is_own(inner[-2][0].co_filename):
        inner.pop()
    if all(is_own(code.co_filename) for code, _ in inner):
        return [*places[max(0, start - 1) :], "in Snakepit: the handler has not begun or has returned"]
    return [*inner]


def _walk(frame: Optional[FrameType]) -> list[Place]:
    places: list[Place] = []
    while frame is not None and len(places) < _MAX_WALK:
        places.append((frame.f_code, frame.f_lineno or frame.f_code.co_firstlineno))
        frame = frame.f_back
    places.reverse()
    return places


def _threads() -> Iterator[str]:
    me = threading.get_ident()
    stacks = [(ident, _walk(frame)) for ident, frame in sys._current_frames().items() if ident != me]
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, places in stacks[:_MAX_THREADS]:
        header = f'Thread {ident:#018x} "{names.get(ident, "?")}" (most recent call last):\n'
        yield _text(header, [*places])
    if len(stacks) > _MAX_THREADS:
        yield f"({len(stacks) - _MAX_THREADS} more threads)\n"


def _text(header: str, parts: list[suspended.Part]) -> str:
    out = [header]
    for is_note, group in itertools.groupby(parts, lambda part: isinstance(part, str)):
        if is_note:
            out += [f"({note})\n" for note in group]
        else:
            out += _format([place for place in group if not isinstance(place, str)])
    return "".join(out)


def _format(places: list[Place]) -> list[str]:
    left_out = len(places) - _MAX_FRAMES
    if left_out <= 0:
        return _summary(places)
    half = _MAX_FRAMES // 2
    return [*_summary(places[:half]), f"  … {left_out} frames left out …\n", *_summary(places[-half:])]


def _summary(places: list[Place]) -> list[str]:
    frames = [
        traceback.FrameSummary(code.co_filename, line, code.co_name, lookup_line=False)
        for code, line in places
    ]
    return traceback.StackSummary.from_list(frames).format()
