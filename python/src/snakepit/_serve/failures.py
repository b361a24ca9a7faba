"""Failures as gRPC carries them: a status, and the rest in a trailer."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc

from snakepit._runtime.failure import Failure, clean, failure
from snakepit._serve.calls import Problem
from snakepit._serve.messages import Failure as FailureMessage

TRAILER = "snakepit-failure-bin"
#: Peers refuse headers above 8 KiB, and a trailer travels in base64; what is larger loses its traceback.
_MAX_TRAILER = 5 << 10
_MAX_DETAILS = 512

_Code = grpc.StatusCode
_STATUS = {
    "invalid_arguments": _Code.INVALID_ARGUMENT,
    "unserializable": _Code.INVALID_ARGUMENT,
    "unknown_command": _Code.UNIMPLEMENTED,
    "cancelled": _Code.CANCELLED,
    "recalled": _Code.CANCELLED,
    "timeout": _Code.DEADLINE_EXCEEDED,
    "payload_too_large": _Code.RESOURCE_EXHAUSTED,
    "busy": _Code.RESOURCE_EXHAUSTED,
    "worker_crashed": _Code.UNAVAILABLE,
    "no_workers": _Code.UNAVAILABLE,
    "worker_start_failed": _Code.UNAVAILABLE,
}


def message(problem: Problem) -> Any:
    """The Failure message of a problem."""
    return _message(problem.failure, problem.python_ms, problem.cpu_ms)


def start_failed(of: Failure) -> Any:
    """The Failure message of a start."""
    return _message(of, 0.0, 0.0)


def _message(of: Failure, python_ms: float, cpu_ms: float) -> Any:
    made = FailureMessage(code=of["code"], message=of["message"], python_ms=python_ms, python_cpu_ms=cpu_ms)
    for name in ("traceback", "path"):
        if of.get(name) is not None:
            setattr(made, name, of[name])
    exception = of.get("exception")
    if exception is not None:
        for name in ("type", "module", "message"):
            setattr(made.exception, name, exception[name])
        for frame in exception["frames"]:
            made.exception.frames.add(
                file=frame["file"], line=frame["line"] or 0, function=frame["function"], code=frame["code"]
            )
        for cause in exception["chain"]:
            made.exception.chain.add(**cause)
    return made


def trailer(problem: Problem) -> bytes:
    """The Failure of a problem, without what would not fit into a trailer."""
    made = message(problem)
    if made.ByteSize() <= _MAX_TRAILER:
        return bytes(made.SerializeToString())
    exception = made.exception
    if made.HasField("exception"):
        # Nearest to the error is the innermost frame, which comes last.
        del exception.frames[:-5], exception.chain[3:]
        for part in (exception, *exception.chain):
            part.message = clean(part.message, 200)
        for frame in exception.frames:
            frame.file, frame.code = frame.file[-200:], frame.code[:100]
    made.message = clean(made.message, 800)
    made.path = made.path[:200]
    if not problem.failure.get("path"):
        made.ClearField("path")
    if made.HasField("traceback"):
        left = _MAX_TRAILER - 200 - (made.ByteSize() - len(made.traceback.encode()))
        if left > 300:
            made.traceback = _cut(made.traceback, left)
        else:
            made.ClearField("traceback")
    if made.ByteSize() > _MAX_TRAILER:
        made.ClearField("exception")
        made.message = clean(made.message, 200)
    return bytes(made.SerializeToString())


def _cut(text: str, limit: int) -> str:
    """The two ends of a text, ``limit`` bytes at most."""
    while len(text.encode()) > limit:
        text = clean(text, max(40, len(text) * 3 // 5))
    return text


def abort(context: grpc.ServicerContext, problem: Problem, status: Any = None) -> NoReturn:
    """End a call with a failure."""
    of = problem.failure
    context.set_trailing_metadata(((TRAILER, trailer(problem)),))
    details = of["message"]
    details = details if len(details) <= _MAX_DETAILS else details[: _MAX_DETAILS - 1] + "…"
    context.abort(status or _STATUS.get(of["code"], _Code.UNKNOWN), details)
    raise AssertionError("abort raises")


def too_large(what: str, size: int, limit: int, remedy: str) -> Problem:
    """The failure of what is over a limit."""
    text = f"the encoded {what} has {size} bytes; the limit is {limit} ({remedy})"
    return Problem(failure("payload_too_large", text))


def crashed(how: str) -> Problem:
    """The failure of a request that ran when its process ended."""
    return Problem(failure("worker_crashed", f"the process that ran the request ended: {how}"))


def not_begun(why: str) -> Problem:
    """The failure of a request that no handler has seen: it may be sent again, to any worker."""
    return Problem(failure("no_workers", f"the request has not begun: {why}"))
