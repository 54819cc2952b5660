"""`seedbed explain`: the lives of records in lines, from the source bytes to what they became."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline import terminal
from pipeline.engine.account import SourceAccount, load_run
from pipeline.terminal import Line
from pipeline.views import told
from pipeline.views.lives import Chapter, Life, life_of
from pipeline.views.named import MOST, ids_of
from stages.errors import UsageError
from stages.place import Place
from stages.records import CORE, FORMS, fields
from stages.words import number

FULL = 5  # lives that are told whole where several records are meant
LISTED = 12  # records that are named


def newest_run(runs: Path) -> Path:
    """The folder of the run that ended last."""
    found = sorted(runs.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UsageError(f"{runs} holds no run; name one with --run")
    return found[-1].parent


def explain(what: str, folder: Path) -> str:
    """The lives of the records that `what` names (see `ids_of`), as text without colours."""
    return "\n".join(map(terminal.painted, lines(what, folder)))


def lines(what: str, folder: Path) -> Iterator[Line]:
    """The same in lines; of very many records the first are told, and some are named."""
    account = load_run(folder)
    ids = ids_of(what, folder, account)
    shown = ids if len(ids) <= FULL else ids[:1]
    for at, identity in enumerate(shown):
        yield from [""] if at else []
        yield from of_life(life_of(identity, folder, account))
    if len(ids) > len(shown):
        more = " and more" if len(ids) == MOST else ""
        yield ""
        yield [("name", f"{number(len(ids))}{more} records are meant; this was the first of them")]
        for identity in ids[1:LISTED]:
            life = life_of(identity, folder, account)
            yield f"  {identity}  {life.chapters[-1].event}  {life.chapters[0].row['place']}"
        if len(ids) > LISTED:
            yield f"  and {number(len(ids) - LISTED)} more"


def of_life(life: Life) -> Iterator[Line]:
    """A life in lines."""
    source = life.source
    licence = source.get("license") or "no licence given"
    yield [("name", f"record   {life.id}")]
    yield f"source   {source.get('name', '?')} ({licence})"
    yield f"place    {place_of(source, life.place)}"
    if life.raw is not None:
        yield from _block(life.raw.decode("utf-8", "backslashreplace"))
    for chapter in life.chapters:
        yield from of_chapter(chapter)
        if chapter is life.chapters[0] and chapter.event == "kept":
            for name, text in fields(chapter.row, "all"):
                yield f"  {name}"
                yield from _block(text)
        if chapter is life.chapters[0]:
            yield from life.passages
    yield from life.after


def place_of(source: SourceAccount, place: Place) -> str:
    """Where a record's bytes lie, for people."""
    text = place.path or source.get("path", "")
    if place.member is not None:
        text += f", member {place.member}"
    if place.offset is not None and place.length is not None:
        text += f", line {place.line}, bytes {place.offset:,} to {place.offset + place.length:,}"
    if place.table is not None:
        text += f", table {place.table}" + (f" [{place.key}]" if place.key else "")
    return text


def of_chapter(chapter: Chapter) -> Iterator[Line]:
    """What one step did with a record."""
    if chapter.event in ("dropped", "failed"):
        yield [
            ("name", f"{chapter.label}: "),
            ("bad", f"{chapter.event}, {chapter.reason}"),
            ("", f" ({chapter.meaning})"),
        ]
        yield from (f"  {name}: {value}" for name, value in chapter.evidence.items())
        yield from [f"  {chapter.stays}"] if chapter.stays else []
        if text := chapter.row["text"]:
            yield from _indented(told.marked(text, chapter.evidence))
        return
    style = "good" if chapter.event == "changed" else ""
    yield [("name", f"{chapter.label}: "), (style, chapter.event)]
    yield from ("  " + words for words in chapter.words)
    for name, (old, new) in chapter.changed.items():
        if name in FORMS and new is not None:
            yield from _change(name, old, new)
        elif name not in CORE and new is not None:
            yield f"  {name}: {told.value_of(new)}"
    if chapter.cut:
        parts = [f"{size:,} characters as {reason}" for reason, size in chapter.cut.items()]
        yield f"  left it: {', '.join(parts)}"


def _change(name: str, old: Any, new: Any) -> Iterator[Line]:
    """A form that a step changed: as differences of the texts that are in both, else whole."""
    before, after = dict(fields({name: old}, "all")), dict(fields({name: new}, "all"))
    if set(before) != set(after):
        yield f"  {name} was"
        yield from _block(_text(old))
        yield f"  {name} is"
        yield from _block(_text(new))
        return
    for part, text in after.items():
        if text != before[part]:
            yield from _indented(told.changed(part, before[part], text))


def _indented(some: Iterator[Line]) -> Iterator[Line]:
    for one in some:
        yield [("", "  "), *one] if not isinstance(one, str) else f"  {one}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _block(text: str) -> list[str]:
    long = told.LONG
    shown = text if len(text) <= long else text[:long] + f" … ({len(text):,} characters)"
    return ["    | " + line for line in re.split(r"\r?\n", shown.removesuffix("\n"))]
