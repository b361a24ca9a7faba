"""Writes proto/golden/sampling.json: ids, what they are sampled by, and decisions, which both languages must agree on.

Worked out with whole numbers and fractions, apart from the two implementations that are tested against it.
"""

import hashlib
import json
import random
import re
from fractions import Fraction
from pathlib import Path

TARGET = Path(__file__).parents[2] / "proto" / "golden" / "sampling.json"
SPAN = 2**56


def value_of(identifier: str) -> int:
    if re.fullmatch("[0-9a-f]{32}", identifier):
        return int(identifier, 16) % SPAN
    return int.from_bytes(hashlib.sha256(identifier.encode("utf-8")).digest()[:7], "big")


def is_kept(identifier: str, rate: float) -> bool:
    # What is meant by 1 - rate is the double, as both languages have it.
    threshold = Fraction(1 - rate) * SPAN
    rounded = int(threshold + Fraction(1, 2))
    if rate in (0, 1):
        return rate == 1
    return value_of(identifier) >= rounded


def main() -> None:
    dice = random.Random(20)
    hexes = [f"{dice.getrandbits(128):032x}" for _ in range(12)]
    others = [
        "4bf92f3577b34da6a3ce929d0e0e473",  # a digit short
        "4BF92F3577B34DA6A3CE929D0E0E4736",
        "550e8400-e29b-41d4-a716-446655440000",
        "order:4711",
        "",
        "g" * 32,
        "Grüße/日本語",
        "x" * 128,
    ]
    rates = [0, 5e-324, 1e-20, 2.0**-56, 1e-9, 0.001, 0.01, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1 - 2.0**-53, 1]
    decisions = [(each, rate) for each in hexes[:6] + others for rate in rates]
    for rate in rates[1:-1]:
        # The id on the threshold is kept, the one below is not.
        border = int(Fraction(1 - rate) * SPAN + Fraction(1, 2))
        for low in (border - 1, border, border + 1):
            if 0 <= low < SPAN:
                decisions.append((f"{'0' * 18}{low:014x}", rate))
    golden = {
        "about": "Written by python/tests/make_sampling_golden.py.",
        "values": [{"id": each, "value": f"{value_of(each):014x}"} for each in hexes + others],
        "decisions": [{"id": each, "rate": rate, "keeps": is_kept(each, rate)} for each, rate in decisions],
    }
    TARGET.write_text(json.dumps(golden, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
