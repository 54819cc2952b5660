"""Cases of apply, and the functions that they apply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.apply.apply import Apply
from stages.testing import Case


def tidy(record: dict[str, Any]) -> Any:
    """Drops `drop`, fails on `fail`, returns no record for `wrong`, cuts others at bars."""
    text = record.get("text")
    if text is None:
        return record
    if text == "drop":
        return None
    if text == "fail":
        raise RuntimeError("asked to fail")
    if text == "wrong":
        return "wrong"
    if "|" in text:
        return [{"text": part} for part in text.split("|")]
    return {**record, "text": text.strip()}


def measure(record: dict[str, Any]) -> dict[str, Any]:
    """Adds a number and a word."""
    text = record.get("text") or ""
    return {**record, "signs": len(text), "kind": "long" if len(text) > 20 else "short"}


def cases(folder: Path) -> list[Case]:
    """A function that does all that a function can do, and one that adds columns."""
    texts = ("  spaces ", "one|two|three", "drop", "fail", "wrong", "as it is")
    records = [{"text": text} for text in texts]
    return [
        Case(
            Apply(function="tests.cases.apply:tidy"),
            records=[*records, {"prompt": "a", "completion": "b"}],
            reasons={"function": 1, "error": 1, "invalid": 1},
        ),
        Case(
            Apply(function="tests.cases.apply:measure", columns=("signs:int", "kind:str")),
            records=records,
        ),
    ]
