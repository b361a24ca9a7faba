"""The command line of ``python -m snakepit``."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, Optional

from snakepit._runtime import codec
from snakepit._serve import address, extra
from snakepit._serve.settings import Settings
from snakepit._version import __version__

_TOKEN_VARIABLE = "SNAKEPIT_WORKER_TOKEN"
_MIN_TOKEN = 16
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def main(arguments: Optional[Sequence[str]] = None) -> NoReturn:
    """Run it. The exit code is 2 for what was asked wrongly, 1 for what went wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    missing = extra.complaint()
    if missing:
        parser.error(missing)
    settings = _settings(parser, options)
    from snakepit._serve.main import serve
    from snakepit._serve.server import Trouble

    try:
        code = serve(settings)
    except Trouble as trouble:
        parser.exit(trouble.code, f"{parser.prog}: error: {trouble}\n")
    # Threads that wait for the network must not keep the process.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m snakepit", description="Snakepit's Python side.")
    parser.add_argument("--version", action="version", version=f"snakepit-runtime {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    worker = commands.add_parser(
        "worker",
        prog="python -m snakepit worker",
        help="serve an app's commands over gRPC, to hosts here or on other machines",
        description="Serves the commands of an app as snakepit.v1.Worker, over gRPC.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = worker.add_argument
    add("app", metavar="APP", help="the app: a module (package.module) or a file (app.py)")
    add("--listen", metavar="ADDRESS", required=True, help="host:port or unix:/path")
    add("--concurrency", type=_whole(1, 10_000), default=1, metavar="N", help="requests that run at a time")
    add("--cwd", default=os.getcwd(), metavar="DIR", help="working directory of the app")
    add("--python", default=sys.executable, metavar="FILE", help="interpreter that runs the app")
    add(
        "--codec",
        choices=("msgpack", "json"),
        help="how values are encoded; default: msgpack where it is installed",
    )
    size = _whole(4096, 2**31 - 1)
    add(
        "--max-message-bytes",
        type=size,
        default=64 << 20,
        metavar="N",
        help="largest request, result or chunk",
    )
    add("--max-session-bytes", type=size, default=1 << 20, metavar="N", help="largest data of a session")
    add(
        "--stats-interval-ms",
        type=_whole(10),
        default=1000,
        metavar="MS",
        help="how often readings are taken",
    )
    add("--log-level", choices=_LEVELS, default="INFO", help="least level of records that are kept")
    add(
        "--log-rate-per-second",
        type=_whole(1),
        default=500,
        metavar="N",
        help="records a second, in the long run",
    )
    add("--log-rate-burst", type=_whole(1), default=2000, metavar="N", help="records at once")
    add(
        "--heartbeat-interval-ms",
        type=_whole(10),
        default=1000,
        metavar="MS",
        help="how often the app's process is asked whether it lives",
    )
    add(
        "--stuck-after-ms",
        type=_whole(0),
        default=0,
        metavar="MS",
        help="silence after which that process is killed; 0: hosts decide",
    )
    add("--start-timeout-ms", type=_whole(1), default=300_000, metavar="MS", help="time to load the app")
    add(
        "--drain-timeout-ms",
        type=_whole(0),
        default=20_000,
        metavar="MS",
        help="time running requests get at the end",
    )
    add("--tls-cert", metavar="FILE", help="certificate of the worker, PEM; read again when it changes")
    add("--tls-key", metavar="FILE", help="its key, PEM")
    add("--tls-client-ca", metavar="FILE", help="authority whose certificates hosts must have (mutual TLS)")
    add(
        "--token-file",
        metavar="FILE",
        help=f"file with the token hosts must name; or the variable {_TOKEN_VARIABLE}",
    )
    add(
        "--no-stack-signal",
        action="store_true",
        help="take no stack with a signal (SIGURG) while the app does not answer; it makes some C calls return early",
    )
    add("--once", action="store_true", help="end with the app's process instead of starting another")
    worker.set_defaults(parser=worker)
    return parser


def _whole(least: int, most: int = 2**31 - 1) -> Any:
    def parse(text: str) -> int:
        # int() takes more than one would write: "1_000", " 5".
        if not re.fullmatch(r"-?\d+", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return parse


def _settings(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Settings:
    fail = options.parser.error
    token = _token(options.token_file, fail)
    try:
        loopback = address.check(options.listen)
    except address.BadAddress as error:
        fail(f"argument --listen: {error}")
    if bool(options.tls_cert) != bool(options.tls_key):
        fail("--tls-cert and --tls-key go together: give both")
    if options.tls_client_ca and not options.tls_cert:
        fail("--tls-client-ca needs --tls-cert and --tls-key")
    if not loopback and not (options.tls_cert and (options.tls_client_ca or token)):
        fail(
            f"{options.listen} can be reached from other machines, so it needs TLS and a way to know the hosts: give "
            "--tls-cert and --tls-key, and either --tls-client-ca (mutual TLS) or --token-file. Or listen on "
            "127.0.0.1 or a Unix socket"
        )
    if not os.path.isdir(options.cwd):
        fail(f"argument --cwd: {options.cwd!r} is no directory")
    if options.codec == "msgpack" and "msgpack" not in codec.offered():
        fail(f"argument --codec: msgpack is not installed in {sys.executable}: install msgpack, or use json")
    chosen = options.codec or (None if "msgpack" in codec.offered() else "json")
    return Settings(
        app=options.app,
        address=options.listen,
        cwd=os.path.abspath(options.cwd),
        python=options.python,
        codec=chosen,
        concurrency=options.concurrency,
        max_message_bytes=options.max_message_bytes,
        max_session_bytes=options.max_session_bytes,
        stats_interval_ms=options.stats_interval_ms,
        log_level=options.log_level,
        log_rate=(options.log_rate_per_second, options.log_rate_burst),
        heartbeat_s=options.heartbeat_interval_ms / 1000,
        silent_s=3 * options.heartbeat_interval_ms / 1000 + 0.5,
        stuck_s=options.stuck_after_ms / 1000,
        start_timeout_s=options.start_timeout_ms / 1000,
        drain_timeout_s=options.drain_timeout_ms / 1000,
        tls_cert=options.tls_cert,
        tls_key=options.tls_key,
        tls_client_ca=options.tls_client_ca,
        token=token,
        loopback=loopback,
        stack_signal=not options.no_stack_signal,
        once=options.once,
    )


def _token(file: Optional[str], fail: Any) -> Optional[str]:
    # Taken out, so that neither the app nor what it starts can read it.
    token = os.environ.pop(_TOKEN_VARIABLE, None)
    where = _TOKEN_VARIABLE
    if file is not None:
        where = file
        try:
            token = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            fail(f"argument --token-file: {file!r} cannot be read: {error}")
    if token is None:
        return None
    token = token.strip()
    if len(token) < _MIN_TOKEN or not re.fullmatch(r"[!-~]+", token):
        fail(f"the token in {where} must be at least {_MIN_TOKEN} printable ASCII characters without spaces")
    return token
