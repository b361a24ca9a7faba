"""What the app prints, logs and warns about becomes LOG frames of the request that did it."""

from __future__ import annotations

import codecs
import io
import logging
import math
import sys
import threading
import time
from typing import Any, Optional

from snakepit._runtime.failure import clean, format_exception
from snakepit._runtime.limit import Limiter, Rate
from snakepit._runtime.records import Records
from snakepit._runtime.wire import LOG

_MAX_MESSAGE = 64 << 10
_LEVELS = ((40, "error"), (30, "warning"), (20, "info"))
# Stands among the lines without an end while there is news of dropped records: so whoever looks at the end of a
# request whether it left such lines behind sees the news as well, at no cost of its own.
_NEWS = ("news", None)


class Capture:
    """Sends LOG frames. Nothing it does ever raises into the app."""

    def __init__(self, records: Records, rate: Optional[Rate] = None) -> None:
        """``rate``: what is over it is dropped; None: nothing is."""
        self._records = records
        self._limiter = Limiter(rate) if rate is not None else None
        self._telling = threading.Lock()
        #: Text printed without an end of line yet, by stream and request.
        self.partial: dict[tuple[str, Optional[int]], str] = {}

    def install(self, level: str) -> None:
        """Replace the streams, hook into logging and warnings. ``level``: of the root logger, by name."""
        sys.stdout = LineWriter("stdout", 1, self)
        sys.stderr = LineWriter("stderr", 2, self)
        logging.captureWarnings(True)
        self._handler = RecordHandler(self)
        root = logging.getLogger()
        try:
            root.setLevel(level.upper())
        except ValueError:
            root.setLevel(logging.INFO)
        root.addHandler(self._handler)

    def reinstall(self) -> None:
        """Hook in again after the app was imported: ``logging.config`` removes handlers that it did not make."""
        root = logging.getLogger()
        if self._handler not in root.handlers:
            root.addHandler(self._handler)

    def send(
        self,
        id: Optional[int],
        level: str,
        logger: str,
        message: str,
        fields: dict[str, Any],
        now: Optional[float] = None,
        news: bool = False,
    ) -> bool:
        """Send a record, at once, so that it is out even if the next line of the app crashes the process.

        ``now``: the time, if it was read already. ``news``: may wait, and need not be counted when it does not
        get out.
        """
        elements = (LOG, id, level, clean(logger), clean(message, _MAX_MESSAGE), (now or time.time()) * 1000)

        def make(lost: int) -> tuple[Any, ...]:
            return (*elements, {**fields, "dropped": lost + fields.get("dropped", 0)} if lost else fields)

        return self._records.offer(make, at_once=not news, count=not news)

    # -- the limit

    @property
    def due(self) -> float:
        """When :meth:`tell` is to be called at the latest, by ``time.monotonic()``."""
        return math.inf if self._limiter is None else self._limiter.due

    def tell(self, id: Optional[int]) -> None:
        """Send the news of dropped records. ``id``: the request that runs here, if any."""
        self._records.shield(self._tell, id)

    def _tell(self, id: Optional[int]) -> None:
        limiter = self._limiter
        if limiter is None or not self._telling.acquire(False):
            return
        try:
            self.partial.pop(_NEWS, None)
            owner = limiter.owner
            lost = limiter.lost()
            if lost:
                total = sum(lost.values())
                message = f"{total} records were dropped: more than {limiter.rate.per_second:g} a second"
                fields = {"dropped": total, "by_level": lost}
                of = id if id == owner else None
                if not self.send(of, "warning", "snakepit.output", message, fields, news=True):
                    limiter.keep(lost)
                    self._records.nudge()
        finally:
            self._telling.release()

    def _admit(self, level: str, id: Optional[int]) -> Optional[float]:
        """The time, if a record may be sent; else None, and it is counted."""
        now = time.time()
        limiter = self._limiter
        if limiter is None:
            return now
        if limiter.take(now) or limiter.take_reserve(level, now):
            if limiter.due != math.inf and limiter.recovered and limiter.rested:
                self.tell(id)
            return now
        if limiter.drop(level, id):
            self.partial[_NEWS] = ""
            self._records.nudge()  # from now on the control thread waits until it is due
        elif time.monotonic() > limiter.due:
            self.tell(id)  # within a flood that never pauses, should the control thread not get to run
        return None

    def print(self, stream: str, text: str) -> None:
        """Take printed text; whole lines are sent."""
        self._records.shield(self._print, stream, text)
        self._records.checkpoint()

    def _print(self, stream: str, text: str) -> None:
        id = self._records.current_id()
        key = (stream, id)
        held = self.partial.pop(key, "") if self.partial else ""
        *lines, rest = (held + text).split("\n")
        for line in lines:
            self._line(stream, id, line)
        if len(rest) > _MAX_MESSAGE:
            self._line(stream, id, rest)
        elif rest:
            self.partial[key] = rest

    def finish(self, id: Optional[int]) -> None:
        """Send what a request has printed without an end of line, and how much it has printed in vain."""
        for stream in ("stdout", "stderr") if self.partial else ():
            rest = self.partial.pop((stream, id), "")
            if rest:
                self._line(stream, id, rest)
        limiter = self._limiter
        # None: the process is about to end, and later is never.
        if limiter is not None and limiter.due != math.inf and (id is None or limiter.rested):
            self.tell(id)

    def _line(self, stream: str, id: Optional[int], line: str) -> None:
        level = "info" if stream == "stdout" else "warning"
        now = self._admit(level, id)
        if now is not None:
            # A progress bar writes its line over and over: what a terminal would show is what follows the last
            # \r.
            line = line.rstrip("\r").rpartition("\r")[2]
            self.send(id, level, f"python.{stream}", line, {"stream": stream}, now)

    def checkpoint(self) -> None:
        """Raise Cancelled if it is due."""
        self._records.checkpoint()

    def record(self, record: logging.LogRecord) -> None:
        """Send a record of the logging module."""
        level = next((name for number, name in _LEVELS if record.levelno >= number), "debug")
        level = "critical" if record.levelno >= logging.CRITICAL else level
        id = self._records.current_id()
        now = self._admit(level, id)
        if now is None:
            return
        try:
            message = record.getMessage()
        except Exception as error:
            message = f"{record.msg!s:.1000} (its arguments do not fit: {error})"
        fields: dict[str, Any] = {"file": clean(record.pathname), "line": record.lineno}
        if record.exc_info and record.exc_info[1] is not None:
            fields["traceback"] = clean(format_exception(record.exc_info[1]), _MAX_MESSAGE)
        self.send(id, level, record.name, message, fields, now)

    def internal_error(self, doing: str, error: BaseException) -> None:
        """Log what went wrong in a place where there is nobody to raise it to."""
        fields = {"traceback": clean(format_exception(error), _MAX_MESSAGE)}
        self.send(
            self._records.current_id(), "error", "snakepit", f"{doing} failed: {type(error).__name__}", fields
        )

    def release(self) -> None:
        """Give the streams back to the process, for instance in a forked child, which shares our connection."""
        for name, number in (("stdout", 1), ("stderr", 2)):
            if isinstance(getattr(sys, name), LineWriter):
                setattr(sys, name, open(number, "w", closefd=False, buffering=1, errors="backslashreplace"))
        logging.getLogger().removeHandler(self._handler)


class RecordHandler(logging.Handler):
    """The root logger's handler."""

    def __init__(self, capture: Capture) -> None:
        super().__init__()
        self._capture = capture

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``."""
        try:
            self._capture.record(record)
        except Exception:
            pass  # a log call never raises
        self._capture.checkpoint()


class LineWriter(io.TextIOBase):
    """Stands in for ``sys.stdout`` and ``sys.stderr``."""

    encoding = "utf-8"
    errors = "backslashreplace"
    line_buffering = True

    def __init__(self, stream: str, descriptor: int, capture: Capture) -> None:
        self._stream = stream
        self._descriptor = descriptor
        self._capture = capture
        self.buffer = _Bytes(self)
        self.mode = "w"

    @property
    def name(self) -> str:
        """As the replaced stream has it."""
        return f"<{self._stream}>"

    def write(self, text: str) -> int:
        """Take text; lines become log records."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._capture.print(self._stream, text)
        return len(text)

    def writable(self) -> bool:
        """True."""
        return True

    def fileno(self) -> int:
        """The process's own descriptor, for children that are to inherit it; what they write goes to the host
        as it is.
        """
        return self._descriptor

    def isatty(self) -> bool:
        """False."""
        return False

    def reconfigure(self, **_: Any) -> None:
        """Accepted and ignored."""


class _Bytes(io.RawIOBase):
    """``sys.stdout.buffer``."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer
        self._decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._writer.fileno()

    def write(self, data: Any) -> int:
        taken = bytes(data)
        self._writer.write(self._decode(taken))
        return len(taken)
