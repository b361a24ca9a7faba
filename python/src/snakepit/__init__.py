"""Turn Python functions into commands that Node.js calls on warm workers.

    from snakepit import command

    @command
    def predict(text: str, top: int = 3):
        return ...

Outside a worker everything here is inert: decorators return the function unchanged, ``context()`` has empty
fields, ``emit`` and ``span`` do nothing. So an app file imports, tests and type-checks anywhere.
"""

# This file and _worker.py must parse on any Python 3, so that one that is too old gets the sentence below,
# not a SyntaxError.
import os
import sys

if sys.version_info < (3, 9):
    _TOO_OLD = "snakepit needs Python 3.9 or newer; this is Python %d.%d at %s" % (
        sys.version_info[0],
        sys.version_info[1],
        sys.executable,
    )
    if "SNAKEPIT_SOCKET" in os.environ:
        sys.stderr.write(_TOO_OLD + "\n")
        sys.stderr.flush()
        raise SystemExit(1)
    raise ImportError(_TOO_OLD)

if "SNAKEPIT_SOCKET" in os.environ and not getattr(sys.flags, "safe_path", False):
    # "python -m" has put the working directory first. A file of the user's there that is named like a module
    # of the standard library must not be what the worker itself imports; the app's folder comes in when the
    # app does.
    del sys.path[0]

from snakepit import metrics
from snakepit._api import command, on_start, on_stop, restore, snapshot
from snakepit._context import Cancelled, Context, Session, context
from snakepit._telemetry import emit, span
from snakepit._version import __version__

__all__ = [
    "Cancelled",
    "Context",
    "Session",
    "__version__",
    "command",
    "context",
    "emit",
    "metrics",
    "on_start",
    "on_stop",
    "restore",
    "snapshot",
    "span",
]
