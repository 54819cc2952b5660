"""Cases of select: all kept, some kept by each method, noise left out, rows without a vector."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from stages.select.select import KMeansSelect
from stages.testing import Case


def clusters(count: int = 60) -> list[dict[str, Any]]:
    """Unit vectors in four directions of eight, a lonely one in the other half of space, and a
    record without a vector."""
    found = []
    for number in range(count):
        vector = [0.0] * 8
        vector[number % 4] = 1.0
        vector[(number + 1) % 4] = 0.1 * math.sin(number)
        vector[4] = 0.1 * math.cos(number)
        found.append({"id": f"{number:03}", "text": f"row {number}", "vector": unit(vector)})
    found[7]["vector"] = unit([0, 0, 0, 0, 0, 0, 0, 1.0])
    return [*found, {"id": "none", "text": "", "vector": None}]


def unit(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector]


def cases(folder: Path) -> list[Case]:
    records = clusters()
    return [
        Case(KMeansSelect(k=4), records=records),
        Case(
            KMeansSelect(keep=12, noise=0.02),
            records=records,
            reasons={"noise": 1, "not_selected": 47},
        ),
        Case(
            KMeansSelect(share=0.5, method="random", keep_vectors=True),
            records=records,
            reasons={"not_selected": 30},
        ),
        Case(KMeansSelect(noise=0.02), records=records, reasons={"noise": 1}),
    ]
