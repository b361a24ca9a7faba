"""What the extra ``[grpc]`` installs."""

from __future__ import annotations

INSTALL = 'python -m pip install "snakepit-runtime[grpc]"'


def complaint() -> str:
    """What is missing and how to get it; empty: nothing is."""
    missing = []
    for module, package in (
        ("grpc", "grpcio"),
        ("google.protobuf", "protobuf"),
        ("grpc_health.v1.health", "grpcio-health-checking"),
        ("grpc_reflection.v1alpha.reflection", "grpcio-reflection"),
    ):
        try:
            __import__(module)
        except ImportError as error:
            missing.append(package if isinstance(error, ModuleNotFoundError) else f"{package} ({error})")
    if not missing:
        return ""
    names = ", ".join(missing)
    return f"{names} cannot be imported: a gRPC worker needs the extra [grpc]. Install it with: {INSTALL}"
