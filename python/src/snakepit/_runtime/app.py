"""Loading the app and describing its commands."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Optional

from snakepit import _api


class AppError(Exception):
    """The app cannot serve, for a reason that its author can mend."""


def load(app: str, cwd: Optional[str]) -> None:
    """Import the app: a path to a .py file, or a dotted module name that is found from ``cwd``.

    It is imported under its own name and stays in ``sys.modules``, so that what it defines can be pickled.

    :raises AppError: there is no such file, its name is taken, or it defines no command.
    """
    if app.endswith(".py") or os.sep in app:
        _load_file(os.path.abspath(app))
    else:
        _put_first(os.path.abspath(cwd or os.getcwd()))
        importlib.import_module(app)
    if not _api.commands:
        raise AppError(
            f"{app} defines no command. "
            "Put @command (from snakepit import command) on each function that Node.js calls."
        )


def _load_file(path: str) -> None:
    if not os.path.isfile(path):
        raise AppError(f"there is no file {path}")
    name = os.path.basename(path)
    name = name[:-3] if name.endswith(".py") else name
    if name in sys.modules:
        raise AppError(
            f"the app's file {path} has the name of a module that Python has loaded already ({name}); "
            "rename the file"
        )
    _put_first(os.path.dirname(path))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise AppError(f"{path} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _put_first(folder: str) -> None:
    # In place of the working directory, which "python -m" had put there and the package's __init__ has
    # removed.
    sys.path.insert(0, folder)
