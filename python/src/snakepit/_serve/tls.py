"""Certificates of the server, read again when their files change."""

from __future__ import annotations

import datetime
import os
import ssl
import sys
import threading
import time
from typing import Any, Optional

import grpc

from snakepit._serve import certificate

_UTC = datetime.timezone.utc
#: How long before its end a certificate is warned of, and how often, in seconds.
_WARN_S = 14 * 24 * 3600
_WARN_EVERY_S = 24 * 3600.0


class BadCertificate(ValueError):
    """A file that TLS cannot work with; says which and why."""


class Tls:
    """The files; checked together, since a certificate and a key are seldom replaced in one step."""

    def __init__(self, cert: str, key: str, client_ca: Optional[str]) -> None:
        self._cert, self._key, self._client_ca = cert, key, client_ca
        self._lock = threading.Lock()
        self._seen = self._stamps()
        self._warned_at = -_WARN_EVERY_S
        self._configuration, self.not_after = self._load()

    def credentials(self) -> grpc.ServerCredentials:
        """What a secure port takes."""
        return grpc.dynamic_ssl_server_credentials(
            self._configuration,
            self._fetch,
            require_client_authentication=self._client_ca is not None,
        )

    def _fetch(self) -> Any:
        # Called for each handshake; None: what it was.
        try:
            with self._lock:
                return self._fetch_changed()
        except Exception as error:
            print(f"snakepit: looking for new certificates failed: {error}", file=sys.stderr, flush=True)
            return None

    def _fetch_changed(self) -> Any:
        now = self._stamps()
        self._warn()
        if now == self._seen:
            return None
        try:
            configuration, self.not_after = self._load()
        except BadCertificate as error:
            # Half of them may be replaced; looked at again with the next connection.
            print(f"snakepit: the new certificates are not taken: {error}", file=sys.stderr, flush=True)
            return None
        self._seen = now
        print(
            f"snakepit: new certificates, good until {self.not_after:%Y-%m-%d}", file=sys.stderr, flush=True
        )
        self._configuration = configuration
        return configuration

    def _warn(self) -> None:
        left = (self.not_after - datetime.datetime.now(_UTC)).total_seconds()
        if left < _WARN_S and time.monotonic() - self._warned_at > _WARN_EVERY_S:
            self._warned_at = time.monotonic()
            when = "has ended" if left <= 0 else "ends"
            text = f"snakepit: the certificate {self._cert} {when} on {self.not_after:%Y-%m-%d %H:%M} UTC: replace it"
            print(f"{text}, the worker takes the new one by itself", file=sys.stderr, flush=True)

    def _stamps(self) -> list[Any]:
        found: list[Any] = []
        for path in filter(None, (self._cert, self._key, self._client_ca)):
            try:
                status = os.stat(path)
                found.append((status.st_mtime_ns, status.st_ino, status.st_size))
            except OSError:
                found.append(None)
        return found

    def _load(self) -> tuple[Any, datetime.datetime]:
        chain, key = _read(self._cert), _read(self._key)
        try:
            until = certificate.not_after(chain)
        except ValueError as error:
            raise BadCertificate(f"{self._cert}: {error}") from error
        if until <= datetime.datetime.now(_UTC):
            raise BadCertificate(f"{self._cert} ended on {until:%Y-%m-%d %H:%M} UTC: replace it")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._cert, self._key, password="")
        except (ssl.SSLError, ValueError, OSError) as error:
            raise BadCertificate(f"{self._cert} and {self._key} do not go together: {error}") from error
        roots = None
        if self._client_ca is not None:
            roots = _read(self._client_ca)
            try:
                ssl.create_default_context(cafile=self._client_ca)
            except (ssl.SSLError, OSError) as error:
                raise BadCertificate(
                    f"{self._client_ca} holds no certificates of an authority: {error}"
                ) from error
        return grpc.ssl_server_certificate_configuration([(key, chain)], roots), until


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise BadCertificate(f"{path} cannot be read: {error.strerror}") from error
