"""Fixtures of all tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[1] / "src")]

from snakepit._runtime import codec as codecs

CODECS = codecs.offered()


@pytest.fixture(params=["msgpack", "json"])
def codec(request: pytest.FixtureRequest) -> str:
    """The name of a codec; tests that take it run with both."""
    if request.param not in CODECS:
        pytest.skip("msgpack is not installed")
    return str(request.param)
