"""Cases of normalize: each kind of leftover, and texts of which nothing is left."""

from __future__ import annotations

from pathlib import Path

from stages.clean.normalize import Normalize
from stages.testing import Case

RECORDS = [
    {"text": "caf\u00c3\u00a9 &amp; bar\r\n\r\n\r\n\r\nopen  \n"},
    {"prompt": "Why?\u200b", "completion": "Because `a&amp;b` stays."},
    {"prompt": "Say nothing.", "completion": " \u200b\n\t"},
    {
        "messages": [
            {"role": "user", "content": "Hi\x00"},
            {"role": "assistant", "content": "\ufeff"},
        ]
    },
    {
        "messages": [
            {"role": "user", "content": "The time?"},
            {"role": "assistant", "content": "", "tool_calls": [{"name": "clock"}]},
        ]
    },
    {"text": "\ufeff \u200b"},
    {"prompt": "", "completion": "An answer without a question stays."},
]


def cases(folder: Path) -> list[Case]:
    """All defaults; outputs only; nothing but white space."""
    return [
        Case(Normalize(), RECORDS, reasons={"empty": 3}),
        Case(Normalize(on="output", form="NFKC"), RECORDS, reasons={"empty": 2}),
        Case(
            Normalize(form="none", entities=False, mojibake=False, blank_lines=0),
            RECORDS,
            reasons={"empty": 3},
        ),
    ]
