"""Writes ``src/snakepit/_serve/worker.binpb`` from ``proto/snakepit/v1/worker.proto``; ``--check`` only compares. Needs grpcio-tools."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
TARGET = _ROOT / "python" / "src" / "snakepit" / "_serve" / "worker.binpb"


def make() -> bytes:
    """The schema as a serialized FileDescriptorSet."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "worker.binpb"
        proto = _ROOT / "proto"
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{proto}", f"--descriptor_set_out={out}"]
        subprocess.run([*command, "snakepit/v1/worker.proto"], check=True)
        return out.read_bytes()


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        if TARGET.read_bytes() != make():
            sys.exit(f"{TARGET} is out of date: run python tools/make_proto.py")
    else:
        TARGET.write_bytes(make())
