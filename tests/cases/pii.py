"""Cases of pii: masked, dropped, and what only looks like personal data."""

from __future__ import annotations

from pathlib import Path

from stages.clean.pii import Pii
from stages.testing import Case

RECORDS = [
    {"text": "Write to ann@example.org or call +49 30 1234567."},
    {"prompt": "My card is 4111 1111 1111 1111.", "completion": "Do not tell me that."},
    {
        "messages": [
            {"role": "user", "content": "Pay to DE89 3704 0044 0532 0130 00"},
            {"role": "assistant", "content": "The host is 81.2.69.160."},
        ]
    },
    {"text": "Version 1.2.3.4 of 2024-01-12, ISBN 978-3-16-148410-0, pi is 3.14159265."},
    {"prompt": "Nothing here.", "completion": "Nothing there."},
]


def cases(folder: Path) -> list[Case]:
    """Mask all; drop all; drop by e-mail in outputs only."""
    return [
        Case(Pii(), RECORDS),
        Case(Pii(action="drop"), RECORDS, reasons={"pii": 3}),
        Case(Pii(on="output", action="drop", kinds=("ip",)), RECORDS, reasons={"pii": 1}),
    ]
