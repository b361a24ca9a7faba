"""Where requests are in their code."""

from __future__ import annotations

from typing import Any, Optional

from snakepit._serve import messages
from snakepit._serve.child import Child
from snakepit._serve.link import Link
from snakepit._serve.stack_dump import parse

#: What the control thread may take to answer; it needs the GIL.
_ASK_S = 0.5


def ask(link: Link, request_ids: list[str]) -> Any:
    """A StacksReply from the control thread; None where that does not answer."""
    by_id = _open(link)
    wanted = [id for id, name in by_id.items() if name in request_ids]
    if request_ids and not wanted:
        return messages.StacksReply(captured="none")
    told = link.stacks(wanted if request_ids else None, _ASK_S)
    if told is None:
        return None
    reply = messages.StacksReply(captured="control_thread")
    for id, text in told:
        reply.stacks.add(request_id=by_id.get(id, ""), text=text)
    return reply


def take_stacks(child: Optional[Child], request_ids: list[str]) -> Any:
    """A StacksReply: from the control thread, or with a signal where that does not answer and one may be sent."""
    link = None if child is None else child.link
    if child is None or link is None:
        return messages.StacksReply(captured="none")
    by_id = _open(link)
    told = ask(link, request_ids)
    return told if told is not None else _by_signal(child, by_id, request_ids)


def _open(link: Link) -> dict[int, str]:
    return {call.id: call.request_id for call in list(link.open.values())}


def _by_signal(child: Child, by_id: dict[int, str], request_ids: list[str]) -> Any:
    reply = messages.StacksReply(captured="none")
    sections = parse(child.dump_stacks())
    if sections:
        reply.captured = "signal"
    slots = dict(zip(child.threads(), child.words()))
    for section in sections:
        request_id = by_id.get(slots.get(section.ident, 0), "")
        if not request_ids or request_id in request_ids:
            reply.stacks.add(request_id=request_id, text=section.text)
    return reply
