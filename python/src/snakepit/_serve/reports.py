"""What the child tells, as reports for the hosts that watch."""

from __future__ import annotations

import time
from typing import Any, Optional

from snakepit._runtime import wire
from snakepit._serve import failures
from snakepit._serve.calls import Call
from snakepit._serve.messages import Report
from snakepit._serve.watchers import Watchers


def phase(name: str) -> Any:
    """How far a start has come."""
    return Report(phase=name)


def ready(body: dict[str, Any], pid: int, python_version: str) -> Any:
    """What READY says."""
    report = Report()
    report.ready.pid = pid
    report.ready.snapshots = body.get("snapshots") is True
    report.ready.python_version = python_version
    for command in body["commands"]:
        made = report.ready.commands.add(name=command["name"], kind=command["kind"], doc=command["doc"])
        for parameter in command["parameters"]:
            made.parameters.add(**parameter)
    return report


def start_failed(failure: dict[str, Any]) -> Any:
    """What START_FAILED says."""
    return Report(start_failed=failures.start_failed(failure))


def stats(body: dict[str, Any]) -> Any:
    """A reading."""
    return Report(stats=body)


def exit(code: Optional[int], signal: Optional[str], tail: list[str]) -> Any:
    """The end of the process."""
    report = Report()
    report.exit.SetInParent()
    if code is not None:
        report.exit.code = code
    if signal is not None:
        report.exit.signal = signal
    report.exit.stderr_tail.extend(tail)
    return report


def record(kind: int, elements: list[Any], request_id: str) -> Any:
    """A LOG or EVENT, whose maps are encoded."""
    report = Report()
    if kind == wire.LOG:
        log = report.log
        _, _, log.level, log.logger, log.message, log.time_ms, log.fields = elements
        log.request_id = request_id
    else:
        event = report.event
        _, _, event.name, event.measurements, event.metadata = elements
        event.request_id = request_id
    return report


def spread(watchers: Watchers, kind: int, elements: list[Any], call: Optional[Call]) -> bool:
    """Tell those whom a LOG, EVENT or STATS concerns; ``call``: that it belongs to. False: it is none of these."""
    if kind in (wire.LOG, wire.EVENT):
        report = record(kind, elements, "" if call is None else call.request_id)
        if call is None or not call.record(report):
            watchers.tell(report, None if call is None else call.owner)
    elif kind == wire.STATS:
        watchers.tell_stats(stats(elements[1]))
    else:
        return False
    return True


def line(stream: str, text: str, fields: bytes) -> Any:
    """A line the process wrote past Python's own streams."""
    report = Report()
    log = report.log
    log.level = "warning" if stream == "stderr" else "info"
    log.logger, log.message, log.time_ms, log.fields = f"python.{stream}", text, time.time() * 1000, fields
    return report
