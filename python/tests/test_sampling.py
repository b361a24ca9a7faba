import json
from pathlib import Path

import pytest

from snakepit import sampling

GOLDEN = json.loads((Path(__file__).parents[2] / "proto" / "golden" / "sampling.json").read_text())


@pytest.mark.parametrize("case", GOLDEN["values"], ids=lambda case: case["id"][:20])
def test_value(case):
    assert sampling.sample_value(case["id"]) == case["value"]


def test_decisions():
    wrong = [
        case for case in GOLDEN["decisions"] if sampling.keeps(case["id"], case["rate"]) is not case["keeps"]
    ]
    assert wrong == []
    assert len(GOLDEN["decisions"]) > 200


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_refuses(rate):
    with pytest.raises(ValueError, match="from 0"):
        sampling.keeps("x", rate)
