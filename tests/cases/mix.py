"""Cases of mix: sources left out, cut and repeated; clusters; the val side; amounts of text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.testing import Case
from stages.tokens.mix import Mix


def records(**sizes: int) -> list[dict[str, Any]]:
    """So many records of each source, of different lengths, in three clusters of unlike sizes."""
    return [
        {
            "id": f"{source}{n:03}",
            "source": source,
            "text": f"{source} {n} " + "peas and beans " * (n % 5),
            "meta": {"language": "de" if n % 4 else "en"},
            "cluster": min(n % 7, 2),
        }
        for source, size in sizes.items()
        for n in range(size)
    ]


def cases(folder: Path) -> list[Case]:
    given = records(faq=10, wiki=60, old=5)
    sides = [{**one, "split": "val" if n % 5 == 0 else "train"} for n, one in enumerate(given)]
    return [
        Case(
            Mix(share=("faq=2", "others=1"), total=100, repeat=4),
            records=given,
            reasons={"over_share": 35},
        ),
        Case(
            Mix(share=("faq=1", "wiki=1", "old=0")),
            records=given,
            reasons={"over_share": 50, "no_share": 5},
        ),
        Case(Mix(share=("faq=2", "others=1"), total=400, repeat=3), records=given),
        Case(
            Mix(by="language", share=("en=0.5", "de=0.5"), even="cluster"),
            records=given,
            reasons={"over_share": 35},
        ),
        Case(
            Mix(by="cluster", unit="characters", total=900),
            records=given,
            reasons={"over_share": 50},
        ),
        Case(Mix(total=30, repeat=2), records=sides, reasons={"over_share": 38}),
    ]
