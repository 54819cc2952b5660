"""Rows in lines for the terminal: records with their texts, rejects with their evidence marked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.terminal import Line
from pipeline.views.difference import pieces, shown
from pipeline.views.stays import would_stay
from stages.base import Stage
from stages.preference import REJECTED, texts_of
from stages.records import CORE, fields
from stages.words import short

LONG = 600  # characters of a text that are shown
_NAME = 10  # characters that names have room for
_VALUES = 12  # of a long list


def of_record(row: Mapping[str, Any], long: int = LONG) -> Iterator[Line]:
    """A record: where it is from, its texts, its `meta`, and the columns that stages added."""
    yield [("name", f"{'record':<{_NAME}} {row['id']}")]
    yield f"{'from':<{_NAME}} {row['source']}, {row['place']}"
    for name, text in fields_of(row):
        yield from texts(name, text, long)
    meta = json.loads(row["meta"]) if row.get("meta") else {}
    for name, text in texts_of({"meta": meta}) if REJECTED in meta else ():
        yield from texts(name.removeprefix("meta."), text, long)
    if rest := {name: value for name, value in meta.items() if name != REJECTED}:
        yield f"{'meta':<{_NAME}} {value_of(rest)}"
    yield from columns(row)


def of_reject(
    row: Mapping[str, Any], label: str, meaning: str, stage: Stage | None = None, long: int = LONG
) -> Iterator[Line]:
    """What left: why, on what evidence, what would have kept it, and its text. label: of the step;
    stage: that of the step, where it is at hand."""
    evidence = evidence_of(row)
    event = "failed" if row["failed"] else "dropped"
    where = f" at {label}" if label else ""
    yield [("bad", f"{row['reason']:<{_NAME}}"), ("", f" {event}{where}: {meaning}")]
    yield f"{'record':<{_NAME}} {row['id']}"
    yield f"{'from':<{_NAME}} {row['source']}, {row['place']}"
    yield from of_evidence(evidence, row["reason"], stage)
    if row["text"]:
        yield from marked(row["text"], evidence, long)


def of_evidence(
    evidence: Mapping[str, Any], reason: str, stage: Stage | None = None
) -> Iterator[Line]:
    """Evidence on one line, and what would have kept the record."""
    told = ", ".join(f"{name} {short(value)}" for name, value in evidence.items())
    if told:
        yield f"{'evidence':<{_NAME}} {told}"
    if stage is not None and (words := would_stay(stage, reason, evidence)):
        yield f"{'stays':<{_NAME}} {words}"


def marked(text: str, evidence: Mapping[str, Any], long: int = LONG) -> Iterator[Line]:
    """A reject's text, with what the evidence matched marked where it stands."""
    begin, end = match_in(text, evidence)
    if begin < 0:
        yield from texts("text", text, long)
        return
    first = max(0, min(begin - long // 3, end - long))
    last = max(end, first + long)
    before = ("… " if first else "") + text[first:begin]
    behind = text[end:last] + (" …" if last < len(text) else "")
    parts = [("", before), ("match", text[begin:end]), ("", behind)]
    yield from _lines("text", parts)


def match_in(text: str, evidence: Mapping[str, Any]) -> tuple[int, int]:
    """Where a text holds what the evidence matched; (-1, -1) where it does not."""
    match, span = evidence.get("match"), evidence.get("span")
    if not isinstance(match, str) or not match:
        return -1, -1
    begin = -1
    if isinstance(span, list) and len(span) == 2 and text[slice(*span)] == match:
        begin = int(span[0])
    begin = text.find(match) if begin < 0 else begin
    return (begin, begin + len(match)) if begin >= 0 else (-1, -1)


def changed(name: str, old: str, new: str) -> Iterator[Line]:
    """A text that a step changed, as a difference."""
    yield from _lines(name, [(piece.fate, piece.text) for piece in shown(pieces(old, new))])


def texts(name: str, text: str, long: int = LONG) -> Iterator[Line]:
    """A text with its name on the first line."""
    cut = text if len(text) <= long else f"{text[:long]} … ({len(text):,} characters)"
    yield from _lines(name, [("", cut.removesuffix("\n"))])


def columns(row: Mapping[str, Any]) -> Iterator[Line]:
    """The columns that stages added, a few words each."""
    own = {name: value for name, value in row.items() if name not in CORE and value is not None}
    if own:
        told = "; ".join(f"{name} {value_of(value)}" for name, value in own.items())
        yield f"{'columns':<{_NAME}} {told}"


def value_of(value: Any) -> str:
    """A column's value in a few words."""
    if isinstance(value, list) and len(value) > _VALUES:
        return f"{value[: _VALUES // 2]} … {len(value):,} values"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {value_of(one)}" for name, one in value.items())
    return short(value)


def fields_of(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The texts of a record with names for people: of a message, its role."""
    return [(_named(row, name), text) for name, text in fields(row, "all")]


def evidence_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence of a reject."""
    return dict(json.loads(row["evidence"]))


def _named(row: Mapping[str, Any], name: str) -> str:
    """A field's name for people: that of a message with its role."""
    match = re.fullmatch(r"messages\[(\d+)\]", name)
    return str(row["messages"][int(match[1])]["role"]) if match else name


def _lines(name: str, parts: list[tuple[str, str]]) -> Iterator[Line]:
    """Stretches of text as lines behind a bar, the name before the first."""
    line: list[tuple[str, str]] = []
    lines = [line]
    for style, text in parts:
        for number, one in enumerate(re.split(r"\r?\n", text)):
            if number:
                line = []
                lines.append(line)
            line.append((style, one))
    for number, one_line in enumerate(lines):
        yield [("soft", f"{'' if number else name:<{_NAME}} | "), *one_line]
