"""When a certificate ends. The standard library tells that of a peer's only, so the few bytes are read here."""

from __future__ import annotations

import base64
import binascii
import datetime
import re

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.S)
_UTC = datetime.timezone.utc


def not_after(pem: bytes) -> datetime.datetime:
    """The end of the first certificate in a PEM file.

    :raises ValueError: there is none, or it cannot be read.
    """
    match = _PEM.search(pem)
    if match is None:
        raise ValueError("there is no certificate in it (-----BEGIN CERTIFICATE-----)")
    try:
        der = base64.b64decode(b"".join(match[1].split()), validate=True)
        return _not_after(der)
    except (binascii.Error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"the certificate in it cannot be read: {error}") from error


def _not_after(der: bytes) -> datetime.datetime:
    # Certificate > TBSCertificate > [version], serial number, algorithm, issuer, validity > from, until
    _, at, _ = _element(der, 0)
    _, at, _ = _element(der, at)
    tag, _, end = _element(der, at)
    skip = 3 if tag == 0xA0 else 2
    at = end
    for _ in range(skip):
        _, _, at = _element(der, at)
    _, at, _ = _element(der, at)
    _, _, at = _element(der, at)
    tag, start, end = _element(der, at)
    text = der[start:end].decode("ascii")
    if tag == 0x17:  # UTCTime: years 1950 to 2049 in two digits
        text = ("19" if text >= "5" else "20") + text
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=_UTC)


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of the content of the element at ``at``."""
    tag, length, at = der[at], der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(der[at : at + count], "big"), at + count
    if at + length > len(der):
        raise ValueError("it is cut short")
    return tag, at, at + length
