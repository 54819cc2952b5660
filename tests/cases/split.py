"""Cases of split."""

from __future__ import annotations

import json
from pathlib import Path

from stages.select.split import Split
from stages.testing import Case


def cases(folder: Path) -> list[Case]:
    """By share, number and parts; by group, by columns, by time; with benchmarks."""
    asked = [
        {
            "prompt": f"question {n % 30}",
            "completion": f"answer {n}",
            "source": f"s{n % 4}",
            "meta": {"date": f"2023-05-{n % 28 + 1:02}", "bed": n % 7},
        }
        for n in range(80)
    ]
    grouped = [{**record, "group": f"g{n // 3}"} for n, record in enumerate(asked)]
    mixed = [
        *asked[:10],
        {"text": "a text is its own prompt"},
        {"messages": [{"role": "user", "content": "Question 1"}]},
        {"messages": []},
    ]
    item = "which of these beds was dug over twice in the year of the long frost?"
    exam = folder / "exam.jsonl"
    exam.write_text(json.dumps({"question": item, "answer": "the north bed"}) + "\n")
    held = [*asked, {"text": f"An old paper asks: {item.upper()} And more."}]
    return [
        Case(Split(val=0.3), records=asked),
        Case(Split(val=9, seed=4), records=asked),
        Case(Split(val="0.7,0.3"), records=grouped),
        Case(Split(val=12, by=("group",)), records=grouped),
        Case(Split(val=0.5, by=("source", "bed")), records=asked),
        Case(Split(val=0.2, by=("date",)), records=asked),
        Case(Split(val=0.2, stratify="bed"), records=asked),
        Case(Split(val=0.5, connect=("prompt",)), records=mixed),
        Case(Split(val=0.5, connect=()), records=mixed),
        Case(Split(benchmarks=(str(exam),)), records=held, reasons={"benchmark": 1}),
        Case(Split(benchmarks=(str(exam),), contaminated="tag"), records=held),
    ]
