"""Cases of dedup: exact and near duplicates in each form, short texts, texts alike in part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.clean.dedup import Deduplicate
from stages.testing import Case

PEAS = (
    "Sow the peas in the first warm week of spring, two inches deep and a hand apart, in a row "
    "that gets sun until noon; water them every second evening, and give them sticks to climb as "
    "soon as they are as high as your finger, or the wind will lay them flat."
)
RECORDS: list[dict[str, Any]] = [
    {"text": PEAS},
    {"text": PEAS.upper() + "!!"},
    {"text": PEAS + " Hope this helps!"},
    {"text": PEAS[: len(PEAS) // 2]},
    {"text": "豌豆应该在春天的第一个温暖的星期播种，每隔一天浇一次水。"},
    {"text": "豌豆应该在春天的第一个温暖的星期播种, 每隔一天浇一次水!"},
    {"text": "x > 5"},
    {"text": "x < 5"},
    {"text": "x < 5  \n"},
    {"text": "X  > 5"},
    {"text": ""},
    {"prompt": "How do I sow peas?", "completion": PEAS},
    {"prompt": "Tell me when and how peas are sown in a small garden.", "completion": PEAS},
    {
        "messages": [
            {"role": "user", "content": "Peas, please?"},
            {"role": "assistant", "content": PEAS + " Good luck."},
        ]
    },
]


def cases(folder: Path) -> list[Case]:
    return [
        Case(Deduplicate(), records=RECORDS, reasons={"exact_duplicate": 1, "near_duplicate": 6}),
        Case(
            Deduplicate(on="output", keep="first"),
            records=RECORDS,
            reasons={"exact_duplicate": 1, "near_duplicate": 1},
        ),
        Case(Deduplicate(action="tag", on="input"), records=RECORDS),
    ]
