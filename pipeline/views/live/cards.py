"""Rows for the page, as JSON: texts are stretches of a style each, so that what is marked in them
is known and nothing of them is markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.terminal import Line
from pipeline.views import told
from pipeline.views.explain import of_chapter, place_of
from pipeline.views.live.tables import Stretch
from pipeline.views.lives import Chapter, Life
from pipeline.views.rows import Shelf
from pipeline.views.stays import would_stay
from stages.base import Stage
from stages.preference import REJECTED, texts_of
from stages.records import CORE

_EMPTY = re.compile(r"\n\s*\n")
SHORT = 360  # characters of a text in a list
LONG = 200_000  # of one that is shown whole
FEW = 8  # texts of a record in a list
_VALUE = 24  # of a column's value there
_BEFORE = 80  # characters before what a text is opened at


def of_record(row: Mapping[str, Any], words: Sequence[str], whole: bool) -> dict[str, Any]:
    """A record. whole: all of its texts; else the beginning of some, or what is around a word."""
    meta = _object(row.get("meta"))
    texts = [*told.fields_of(row)]
    texts += texts_of({"meta": meta}) if REJECTED in meta else ()
    shown = texts if whole else texts[:FEW]
    more = len(texts) - len(shown)
    columns = [
        (name, told.value_of(value))
        for name, value in row.items()
        if name not in CORE and value is not None and (whole or _is_short(value))
    ]
    return {
        **_where(row),
        "texts": [(name, _opened(text, -1, -1, words, whole)) for name, text in shown],
        "more": more,
        "facts": [*columns, *_meta(meta)] if whole else columns,
    }


def of_reject(
    shelf: Shelf, row: Mapping[str, Any], stage: Stage | None, words: Sequence[str], whole: bool
) -> dict[str, Any]:
    """What left: why, on what evidence, with what the evidence matched marked in its text."""
    evidence = told.evidence_of(row)
    text = row["text"] or ""
    begin, end = told.match_in(text, evidence)
    return {
        **_where(row),
        "step": shelf.label,
        "reason": row["reason"],
        "failed": row["failed"],
        "meaning": shelf.meanings.get(row["reason"], "no reason of this stage"),
        "facts": [(name, told.value_of(value)) for name, value in evidence.items()],
        "stays": would_stay(stage, row["reason"], evidence) if stage else "",
        "texts": [("text", _opened(text, begin, end, words, whole))] if text else [],
        "more": 0,
    }


def of_life(life: Life) -> dict[str, Any]:
    """A record's life, step by step, as `explain` tells it."""
    licence = life.source.get("license") or "no licence given"
    raw = None if life.raw is None else life.raw.decode("utf-8", "backslashreplace")
    return {
        "source": f"{life.source.get('name', '?')} ({licence})",
        "place": place_of(life.source, life.place),
        "bytes": None if raw is None else _opened(raw, -1, -1, (), whole=True),
        "chapters": [_chapter(one) for one in life.chapters],
        "passages": list(life.passages),
        "after": list(life.after),
    }


def _chapter(chapter: Chapter) -> dict[str, Any]:
    return {
        "label": chapter.label,
        "event": chapter.event,
        "reason": chapter.reason,
        "meaning": chapter.meaning,
        "lines": [_stretches(line) for line in list(of_chapter(chapter))[1:]],
    }


def _stretches(line: Line) -> list[Stretch]:
    return [("", line)] if isinstance(line, str) else [(style, text) for style, text in line]


def _is_short(value: object) -> bool:
    """Whether a column's value has room in a list."""
    return not isinstance(value, dict | list) and len(str(value)) <= _VALUE


def _where(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], "source": row["source"], "place": row["place"]}


def _object(text: str | None) -> dict[str, Any]:
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {"": value}


def _meta(meta: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in meta.items():
        if name != REJECTED:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _opened(text: str, begin: int, end: int, words: Sequence[str], whole: bool) -> list[Stretch]:
    """A text with its match marked, cut to what is around the first word or the match."""
    room = LONG if whole else SHORT
    first = begin
    if not whole and words:
        lower = text.lower()
        found = [at for word in words if (at := lower.find(word.lower())) >= 0]
        first = min(found, default=begin)
    cut = first > 2 * _BEFORE and (not whole or len(text) > room)
    from_ = first - _BEFORE if cut else 0
    to = min(len(text), max(from_ + room, end if begin >= from_ else 0))
    out: list[Stretch] = [("soft", "… ")] if from_ else []
    if from_ <= begin < end <= to:
        out += [("", text[from_:begin]), ("match", text[begin:end]), ("", text[end:to])]
    else:
        out.append(("", text[from_:to]))
    if to < len(text):
        out.append(("soft", f" … ({len(text):,} characters)"))
    if not whole:  # a list has no room for empty lines
        out = [(style, _EMPTY.sub("\n", part)) for style, part in out]
    return [(style, part) for style, part in out if part]
