"""Failures as the protocol carries them: bounded, without the runtime's own frames, and never failing
themselves.
"""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Any, Optional

_MAX_TRACEBACK = 64 << 10
_MAX_MESSAGE = 16 << 10
_MAX_FRAMES = 100
_MAX_CHAIN = 20
# Reading source lines costs, so of an endless recursion only the two ends are read.
_MAX_DEPTH = 400
#: Folder of the runtime: what lies below is not the user's.
OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

Failure = dict[str, Any]


def clean(text: str, limit: int = _MAX_MESSAGE) -> str:
    """Text that any codec takes: no lone surrogates, cut in the middle when too long (``limit`` in
    characters).
    """
    if len(text) > limit:
        half = limit // 2
        text = f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return text


def failure(code: str, message: str, path: Optional[str] = None) -> Failure:
    """A failure without an exception."""
    return {
        "code": code,
        "message": clean(message),
        "traceback": None,
        "exception": None,
        "path": None if path is None else clean(path),
    }


def cancelled() -> Failure:
    """The failure of a request that was cancelled before it started."""
    return failure("cancelled", "the request was cancelled")


def from_exception(error: BaseException, code: str = "python_exception") -> Failure:
    """The failure of an exception: Python's own text of it, and its parts."""
    kind = type(error).__name__
    message = safe_str(error)
    return {
        "code": code,
        "message": clean(f"{kind}: {message}" if message else kind),
        "traceback": clean(format_exception(error), _MAX_TRACEBACK),
        "exception": {
            "type": kind,
            "module": clean(str(type(error).__module__)),
            "message": clean(message),
            "frames": _frames(error.__traceback__),
            "chain": _chain(error),
        },
        "path": None,
    }


def safe_str(error: BaseException) -> str:
    """``str(error)``; exceptions whose own ``__str__`` raises exist."""
    try:
        return str(error)
    except BaseException:
        return f"<str() of {type(error).__name__} failed>"


def format_exception(error: BaseException) -> str:
    """The text of ``traceback.format_exception`` without the frames of the runtime and of the import
    machinery.
    """
    try:
        report = traceback.TracebackException.from_exception(error, limit=_limit(error.__traceback__))
        _strip(report, set())
        return "".join(report.format())
    except BaseException as problem:
        # An exception can be hostile in many ways, and without memory or stack this can fail as well.
        reason = type(problem).__name__
        return f"{type(error).__name__}: {safe_str(error)}\n(its traceback cannot be shown: {reason})\n"


def is_own(filename: str) -> bool:
    """True for code of this runtime and of the import system."""
    return filename.startswith((OWN_FOLDER, "<frozen importlib", "<frozen runpy"))


def _is_ours(filename: str, function: str) -> bool:
    # An event loop's frame between ours and the coroutine says as little to the app's author as ours do.
    return is_own(filename) or (function == "run_until_complete" and filename.endswith("base_events.py"))


def _limit(tb: Optional[TracebackType]) -> Optional[int]:
    depth = 0
    while tb is not None:
        depth += 1
        tb = tb.tb_next
    return -_MAX_DEPTH if depth > 2 * _MAX_DEPTH else None


def _strip(report: traceback.TracebackException, seen: set[int]) -> None:
    if id(report) in seen:
        return
    seen.add(id(report))
    report.stack[:] = [frame for frame in report.stack if not _is_ours(frame.filename, frame.name)]
    others = [report.__cause__, report.__context__, *(getattr(report, "exceptions", None) or ())]
    for other in others:
        if other is not None:
            _strip(other, seen)


def _frames(tb: Optional[TracebackType]) -> list[dict[str, Any]]:
    found = []
    while tb is not None:
        code = tb.tb_frame.f_code
        if not _is_ours(code.co_filename, code.co_name):
            found.append((tb.tb_frame, tb.tb_lineno))
        tb = tb.tb_next
    if len(found) > _MAX_FRAMES:
        found = found[: _MAX_FRAMES // 2] + found[-_MAX_FRAMES // 2 :]
    try:
        lines = traceback.StackSummary.extract(iter(found))
        return [
            {
                "file": clean(frame.filename),
                "line": frame.lineno,
                "function": clean(frame.name),
                "code": clean(frame.line, 1000) if frame.line else None,
            }
            for frame in lines
        ]
    except Exception:
        return []


def _chain(error: BaseException) -> list[dict[str, Any]]:
    chain: list[dict[str, Any]] = []
    seen = {id(error)}
    while len(chain) < _MAX_CHAIN:
        following, relation = error.__cause__, "cause"
        if following is None and not error.__suppress_context__:
            following, relation = error.__context__, "context"
        if following is None or id(following) in seen:
            break
        seen.add(id(following))
        error = following
        chain.append(
            {
                "type": type(error).__name__,
                "module": clean(str(type(error).__module__)),
                "message": clean(safe_str(error)),
                "relation": relation,
            }
        )
    return chain
