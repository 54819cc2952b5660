"""Cases of repeats: pages with a footer and a notice, answers with a closing line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.clean.repeats import RemoveRepeats
from stages.testing import Case

NOTICE = (
    "You may copy this page for any garden of your own, but you may not sell it\n"
    "nor put it on a site of yours without asking the club first."
)
FOOTER = "--\nThe club of small gardens, page 12 of 40\nHome | Seeds | Contact us"
CROPS = ("peas", "beans", "kale", "leek", "beets", "chard", "cress", "dill")
RECORDS: list[dict[str, Any]] = [
    *({"text": f"Sow {crop} in spring.\n\n{NOTICE}\n\nWater them.\n\n{FOOTER}"} for crop in CROPS),
    {"text": FOOTER},
    {"text": ""},
    {"text": f"```\nsow()\n{FOOTER}\n```"},
    *(
        {
            "prompt": f"How do I sow {crop}?",
            "completion": f"In rows.\n{crop}!\nI hope that this helps.",
        }
        for crop in CROPS
    ),
]


def cases(folder: Path) -> list[Case]:
    return [
        Case(RemoveRepeats(documents=5), records=RECORDS),
        Case(RemoveRepeats(documents=5, on="all", lines="everywhere"), records=RECORDS),
        Case(RemoveRepeats(documents=5, on="output", words=4), records=RECORDS),
        Case(RemoveRepeats(documents=2, lines="never", share=1.0), records=RECORDS),
    ]
