"""The parent: puts the parts together, and lives until it is told to end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from typing import Any, Optional

from snakepit._runtime import process
from snakepit._serve.guardian import Guardian
from snakepit._serve.server import Server, Trouble
from snakepit._serve.settings import Settings
from snakepit._serve.supervisor import Supervisor
from snakepit._serve.tls import BadCertificate, Tls

#: A thread that wants to go on waits so long for one that does not stop; with Python's 5 ms the threads that read from
#: gRPC and from the child hold each other up.
_SWITCH_S = 0.0002


def serve(settings: Settings) -> int:
    """Serve until SIGTERM, or a Stop; returns the exit code.

    :raises Trouble: it cannot begin.
    """
    process.die_with_host()
    sys.setswitchinterval(_SWITCH_S)
    tls = _tls(settings)
    directory = tempfile.mkdtemp(prefix="snakepit-")
    guardian = Guardian()
    guardian.directory(directory)
    try:
        return _serve(settings, tls, directory, guardian)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        guardian.end()


def _serve(settings: Settings, tls: Optional[Tls], directory: str, guardian: Guardian) -> int:
    server = Server(settings.max_message_bytes, token=settings.token, tls=tls)
    supervisor = Supervisor(settings, directory, guardian, server.watchers, server.health)
    address = server.open(supervisor, settings.address, with_reflection=settings.loopback)
    _obey(supervisor, server)
    line = {"event": "snakepit.worker.listening", "address": address, "pid": os.getpid()}
    print(json.dumps(line), flush=True)
    supervisor.run()
    server.close()
    return 0


def _tls(settings: Settings) -> Optional[Tls]:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    try:
        return Tls(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    except BadCertificate as error:
        raise Trouble(str(error), 2) from error


def _obey(supervisor: Supervisor, server: Server) -> None:
    def end(*_: Any) -> None:
        # First of all whoever spreads load must know.
        threading.Thread(target=server.leave, daemon=True).start()
        supervisor.end()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
