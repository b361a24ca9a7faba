"""Statistics of a table in CSV."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterable
from typing import Any, Optional


def describe(text: str) -> dict[str, Any]:
    """How many rows and columns a table has, and for each column of numbers what they are like.

    :raises ValueError: it has no row below its header, or a row has another number of cells than the header.
    """
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    if len(rows) < 2:
        raise ValueError("the table has no row below its header; the first line names the columns")
    header, body = rows[0], rows[1:]
    for number, row in enumerate(body, start=1):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} cells, but the header names {len(header)} columns")
    labels = [row[0] for row in body]
    columns = {name: _column(labels, [row[at] for row in body]) for at, name in enumerate(header)}
    return {"rows": len(body), "columns": {name: found for name, found in columns.items() if found}}


def _column(labels: list[str], cells: list[str]) -> Optional[dict[str, Any]]:
    numbers = _numbers(cells)
    if numbers is None:
        return None
    return {
        "least": min(numbers),
        "least_at": labels[numbers.index(min(numbers))],
        "most": max(numbers),
        "most_at": labels[numbers.index(max(numbers))],
        "mean": round(statistics.fmean(numbers), 3),
        "median": statistics.median(numbers),
        "deviation": round(statistics.pstdev(numbers), 3),
    }


def _numbers(cells: Iterable[str]) -> Optional[list[float]]:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return None
