"""What is wrong in the texts of records, and in who says them."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from stages.audit.finding import Findings, short, where
from stages.clean.normalize import repaired
from stages.markup import written_in
from stages.preference import REJECTED, texts_of
from stages.records import fields, opened
from stages.roles import meaning

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_TEXT_CHARS = 1 << 20  # of one text that are looked at
Record = Mapping[str, Any]


def of_records(rows: Sequence[Record], findings: Findings) -> None:
    """All that one record shows by itself."""
    for row in rows:
        place = where(row["place"])
        for name, text in fields(row, "all"):
            _text(place, name, text[:_TEXT_CHARS], findings)
        if row["messages"]:
            _talk(place, row["messages"], findings)
        elif row["prompt"] is not None and not (row["completion"] or "").strip():
            findings.add("no_answer", place)
        if REJECTED in (row.get("meta") or "") and _same_answer(row):
            findings.add("same_answer", place)


def _same_answer(row: Record) -> bool:
    """Whether the worse answer of a preference pair is the better one."""
    meta = opened(row["meta"])
    worse = texts_of({"meta": meta}) if isinstance(meta, dict) and REJECTED in meta else []
    better = [text for _, text in fields(row, "output")]
    return bool(worse and better) and worse[-1][1].strip() == better[-1].strip()


def _text(place: str, name: str, text: str, findings: Findings) -> None:
    if (fixed := repaired(text)) != text:
        at = next(n for n, (a, b) in enumerate(zip(text, fixed, strict=False)) if a != b)
        findings.add("mojibake", place, f"{name}: {short(text[max(0, at - 10) : at + 30])}")
    if "\ufffd" in text:
        at = text.index("\ufffd")
        findings.add("replaced", place, f"{name}: {short(text[max(0, at - 20) : at + 20])}")
    if (match := _CONTROL.search(text)) is not None:
        findings.add("control", place, f"{name}: U+{ord(match[0]):04X}")
    if (match := _ENDS.search(text)) is not None:
        findings.add("line_end", place, f"{name}: U+{ord(match[0]):04X}")
    if kind := written_in(text):
        findings.add("markup", place, f"{name}: {kind}")


def _talk(place: str, messages: Sequence[Record], findings: Findings) -> None:
    roles = [meaning(message["role"]) for message in messages]
    for message, role in zip(messages, roles, strict=True):
        if role is None:
            findings.add("role", place, short(message["role"]))
    spoken = [role for role in roles if role not in ("system", None)]
    if "assistant" not in spoken:
        findings.add("no_answer", place)
        return
    if all(_masked(message) for message in _answers(messages, roles)):
        findings.add("all_masked", place)
    if spoken[-1] != "assistant":
        findings.add("ends_unanswered", place)
    if spoken[0] == "assistant":
        findings.add("begins_answering", place)
    if any(role == "system" for role in roles[1:]):
        findings.add("late_system", place)
    pairs = itertools.pairwise(spoken)
    if any(one == other and one in ("user", "assistant") for one, other in pairs):
        findings.add("same_twice", place)


def _answers(messages: Sequence[Record], roles: Sequence[str | None]) -> list[Record]:
    return [one for one, role in zip(messages, roles, strict=True) if role == "assistant"]


def _masked(message: Record) -> bool:
    """Whether a message of the assistant trains nothing: weight 0 as OpenAI has it, train: false
    as axolotl has it, or no text and no call."""
    extra = json.loads(message["extra"]) if message.get("extra") else {}
    off = extra.get("weight") == 0 or extra.get("train") is False or extra.get("training") is False
    said = (message["content"] or "").strip()
    return bool(off or not (said or extra))
