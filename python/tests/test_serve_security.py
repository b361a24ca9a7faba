"""TLS, tokens and certificates of a worker behind gRPC, with certificates that openssl makes."""

from __future__ import annotations

import datetime
import os
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any, Optional

import pytest

grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
pytest.importorskip("grpc_health.v1.health")
if shutil.which("openssl") is None:
    pytest.skip("openssl is not installed", allow_module_level=True)

from host import PATIENCE_S
from served import Served
from test_serve import APP, Code, health, run

from snakepit._serve import certificate

TOKEN = "a-token-of-some-length"


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def authority(folder: Path, name: str) -> None:
    subject = [
        "-subj",
        f"/CN={name}",
        "-days",
        "30",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]
    openssl(folder, "req", "-x509", *subject, "-keyout", f"{name}.key", "-out", f"{name}.pem")


def issue(folder: Path, name: str, ca: str, days: int = 30) -> None:
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    openssl(
        folder,
        "req",
        "-nodes",
        *curve,
        "-subj",
        f"/CN={name}",
        "-keyout",
        f"{name}.key",
        "-out",
        f"{name}.csr",
    )
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    signer = ["-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-extfile", "ext"]
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-days", str(days), "-out", f"{name}.pem", *signer)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    for name in ("ca", "other"):
        authority(folder, name)
    issue(folder, "server", "ca")
    issue(folder, "client", "ca")
    issue(folder, "stranger", "other")
    issue(folder, "renewed", "ca", days=60)
    issue(folder, "expired", "ca", days=-1)
    return folder


def credentials(pki: Path, client: Optional[str] = None) -> Any:
    def read(name: str) -> bytes:
        return (pki / name).read_bytes()

    pair = (read(f"{client}.key"), read(f"{client}.pem")) if client else (None, None)
    return grpc.ssl_channel_credentials(read("ca.pem"), *pair)


def files(pki: Path, *more: str) -> list[str]:
    return ["--tls-cert", str(pki / "server.pem"), "--tls-key", str(pki / "server.key"), *more]


def test_mutual_tls(pki: Path) -> None:
    options = files(pki, "--tls-client-ca", str(pki / "ca.pem"))
    with Served(APP, *options, listen="127.0.0.1:0", credentials=credentials(pki, "client")) as worker:
        assert worker.result("echo", {"text": "sealed"}) == "sealed"
        for name in ("stranger", None):
            worker.credentials = credentials(pki, name)
            with pytest.raises(grpc.RpcError) as caught:
                worker.say_hello(worker.connect())
            assert caught.value.code() is Code.UNAVAILABLE
        worker.credentials = None
        with pytest.raises(grpc.RpcError):
            worker.say_hello(worker.connect())


@pytest.mark.parametrize("by_file", [True, False])
def test_token(pki: Path, tmp_path: Path, by_file: bool) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    options = files(pki, *(["--token-file", str(tmp_path / "token")] if by_file else []))
    env = {} if by_file else {"SNAKEPIT_WORKER_TOKEN": TOKEN}
    # 0.0.0.0 is what one listens on elsewhere; tests reach it over loopback.
    with Served(
        APP, *options, listen="0.0.0.0:0", env=env, credentials=credentials(pki), hello=False
    ) as worker:
        worker.address = worker.address.replace("0.0.0.0", "127.0.0.1")
        channel = worker.connect()
        for metadata in ((), (("authorization", "Bearer wrong"),), (("authorization", TOKEN),)):
            for name, kind in (
                ("Execute", "unary_unary"),
                ("Exchange", "stream_stream"),
                ("Watch", "unary_stream"),
            ):
                request = worker.request("echo", {"text": "x"})
                given = iter([request]) if kind == "stream_stream" else request
                with pytest.raises(grpc.RpcError) as caught:
                    call = worker.method(name, kind, channel)(given, timeout=PATIENCE_S, metadata=metadata)
                    list(call)
                assert caught.value.code() is Code.UNAUTHENTICATED, name
        good = (("authorization", f"Bearer {TOKEN}"),)
        execute = worker.method("Execute", channel=channel)

        def served() -> bool:
            try:
                return bool(
                    execute(worker.request("echo", {"text": "x"}), timeout=PATIENCE_S, metadata=good).result
                )
            except grpc.RpcError as error:
                assert error.code() is Code.UNAVAILABLE
                return False

        worker.wait(served, "an answer")
        worker.channel = channel
        assert health(worker) == "SERVING"
        from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
            ProtoReflectionDescriptorDatabase,
        )

        with pytest.raises(grpc.RpcError) as caught:
            ProtoReflectionDescriptorDatabase(channel).get_services()
        assert caught.value.code() in (Code.UNIMPLEMENTED, Code.UNAUTHENTICATED)


def test_the_app_does_not_see_the_token() -> None:
    source = APP + "\n    @command\n    def env(): return dict(os.environ)\n"
    with Served(source, env={"SNAKEPIT_WORKER_TOKEN": TOKEN}, hello=False) as worker:
        good = (("authorization", f"Bearer {TOKEN}"),)
        execute = worker.method("Execute")

        def env() -> Any:
            try:
                return worker.unpack(execute(worker.request("env"), timeout=PATIENCE_S, metadata=good).result)
            except grpc.RpcError:
                return None

        assert TOKEN not in str(worker.wait(env, "an answer"))


def serial_of(worker: Served, pki: Path) -> str:
    context = ssl.create_default_context(cafile=str(pki / "ca.pem"))
    context.set_alpn_protocols(["h2"])
    host, _, port = worker.address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), 10) as sock,
        context.wrap_socket(sock, server_hostname=host) as tls,
    ):
        return str(tls.getpeercert()["serialNumber"])  # type: ignore[index]


def test_new_certificates_are_taken(pki: Path, tmp_path: Path) -> None:
    def put(name: str) -> None:
        for end in ("pem", "key"):
            shutil.copy(pki / f"{name}.{end}", tmp_path / f"new.{end}")
            os.replace(tmp_path / f"new.{end}", tmp_path / f"server.{end}")

    put("server")
    with Served(APP, *files(tmp_path), listen="127.0.0.1:0", credentials=credentials(pki)) as worker:
        first = serial_of(worker, pki)
        # A broken one is told and not taken.
        (tmp_path / "server.pem").write_text("nothing")
        assert serial_of(worker, pki) == first
        assert "not taken" in worker.stderr() and "there is no certificate" in worker.stderr()
        put("expired")
        assert serial_of(worker, pki) == first
        put("renewed")
        assert worker.wait(lambda: serial_of(worker, pki) != first, "the new certificate")
        assert worker.result("echo", {"text": "still there"}) == "still there"


@pytest.mark.parametrize(
    ("cert", "key", "says"),
    [
        ("expired.pem", "expired.key", "expired.pem ended on"),
        ("server.pem", "client.key", "do not go together"),
        ("server.key", "server.key", "there is no certificate in it"),
    ],
)
def test_certificates_that_cannot_serve(pki: Path, cert: str, key: str, says: str) -> None:
    done = run(
        "worker", "a", "--listen", "127.0.0.1:0", "--tls-cert", str(pki / cert), "--tls-key", str(pki / key)
    )
    assert done.returncode == 2 and says in done.stderr, done.stderr


def test_a_short_token_is_none() -> None:
    done = run("worker", "a", "--listen", "127.0.0.1:0", SNAKEPIT_WORKER_TOKEN="short")
    assert done.returncode == 2 and "SNAKEPIT_WORKER_TOKEN must be at least 16" in done.stderr


def test_the_end_of_a_certificate(pki: Path) -> None:
    until = certificate.not_after((pki / "server.pem").read_bytes())
    command = ["openssl", "x509", "-noout", "-enddate", "-in", str(pki / "server.pem")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert said == until.strftime("notAfter=%b %e %H:%M:%S %Y GMT")
    assert until > datetime.datetime.now(datetime.timezone.utc)
