"""Cases of embed: each view, texts without a token, long ones, and both models that come along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.select.embed import Embed
from stages.testing import Case

RECORDS: list[dict[str, Any]] = [
    {"text": "When should peas be sown?"},
    {"text": "  When should\n\npeas be sown? "},
    {"text": ""},
    {"text": " \n\t"},
    {"text": "豌豆 peas 🌱 </s> \ufffd"},
    {"text": "peas and beans " * 3000},
    {"prompt": "How deep?", "completion": "Two inches."},
    {
        "messages": [
            {"role": "user", "content": "How deep?"},
            {"role": "assistant", "content": "Two inches."},
        ]
    },
]


def cases(folder: Path) -> list[Case]:
    return [
        Case(Embed(), records=RECORDS),
        Case(Embed(on="output"), records=RECORDS),
        Case(Embed(model="minilm", tokens=32), records=RECORDS),
    ]
