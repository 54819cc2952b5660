"""Cases of split."""

from __future__ import annotations

from pathlib import Path

from stages.select.split import Split
from stages.testing import Case


def cases(folder: Path) -> list[Case]:
    """By share, by number, by group with shared prompts, by source; split rejects nothing."""
    asked = [
        {"prompt": f"question {n % 30}", "completion": f"answer {n}", "source": f"s{n % 4}"}
        for n in range(80)
    ]
    grouped = [{**record, "group": f"g{n // 3}"} for n, record in enumerate(asked)]
    mixed = [
        *asked[:10],
        {"text": "a text is its own prompt"},
        {"messages": [{"role": "user", "content": "Question 1"}]},
        {"messages": []},
    ]
    return [
        Case(Split(val=0.3), records=asked),
        Case(Split(val_rows=9, seed=4), records=asked),
        Case(Split(val=0.4), records=grouped),
        Case(Split(val_rows=12, by="group"), records=grouped),
        Case(Split(val=0.5, by="source"), records=asked),
        Case(Split(val=0.5, by="text"), records=mixed),
    ]
