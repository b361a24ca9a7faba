"""What a worker does for sessions: tells the host of data that a handler has changed, and hands state over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from snakepit import _api
from snakepit._runtime.app import AppError
from snakepit._runtime.commands import Command

if TYPE_CHECKING:
    from snakepit._context import Context
    from snakepit._runtime.answers import Answers

#: The command under which the host asks for the snapshot of a session; no app can define it, and READY does not
#: list it.
SNAPSHOT = "snakepit.snapshot"

#: The changed data of a session, as RESPONSE carries it; None where nothing changed.
Change = Optional[dict[str, Any]]


def check_hooks() -> None:
    """Refuse an app that defines one of the two hooks only.

    :raises AppError: it does.
    """
    hooks = _api.session_hooks
    if len(hooks) == 1:
        there = next(iter(hooks))
        missing = "restore" if there == "snapshot" else "snapshot"
        raise AppError(
            f"the app defines @{there} but no @{missing}: one takes the state that the other gives"
        )


def snapshot_command() -> Optional[Command]:
    """The command behind :data:`SNAPSHOT`; None where the app takes no snapshots."""
    hook = _api.session_hooks.get("snapshot")
    if hook is None:
        return None

    def take(session_id: str) -> Any:
        return hook(session_id)

    return Command(SNAPSHOT, take)


def change_of(context: Optional[Context], id: int, answers: Answers) -> Change:
    """The data of the session of a request, where its handler has changed it.

    :raises SessionFault: it cannot cross.
    :raises TooLarge: it is over the limit of a session.
    """
    if context is None or context._id != id or context.session is None:
        return None
    session = context.session
    if session._before is None:
        return None
    return answers.session_change(session._before, session._data)
