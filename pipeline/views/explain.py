"""`seedbed explain`: one record's life, from the source bytes to the tokens.

A record is named by its id, by its place, or by a file and line. Each step's corpus is asked
whether the record was kept, changed, dropped or could not be read, and on what evidence.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import terminal
from pipeline.engine.account import Account, SourceAccount, StepAccount, load_run
from pipeline.views import passages
from stages import check, records
from stages.base import ISOLATION_REASONS, Map, Stage
from stages.corpus import Corpus, iterate_arrow, read_arrow
from stages.errors import UsageError
from stages.extract.files import root_of
from stages.extract.packed.archives import read_at
from stages.place import Place
from stages.records import CORE, FORMS, fields
from stages.registry import loaded

_ID = re.compile(r"[0-9a-f]{32}")
_SHOWN = 600  # characters of source and text that are shown


@dataclass
class Chapter:
    """What one step did with the record: kept, changed, dropped or failed. meaning: of the reason,
    as the step's manifest has it."""

    label: str
    stage: str
    event: str
    row: dict[str, Any]
    reason: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    meaning: str = ""


@dataclass
class Life:
    """A record's source, raw bytes (None where its place has none) and chapters; what its source
    kept and left out of them, in lines."""

    id: str
    source: SourceAccount
    place: Place
    raw: bytes | None
    chapters: list[Chapter]
    passages: list[str]


def newest_run(runs: Path) -> Path:
    """The folder of the run that ended last."""
    found = sorted(runs.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UsageError(f"{runs} holds no run; name one with --run")
    return found[-1].parent


def explain(what: str, folder: Path) -> str:
    """The lives of the record with an id, of those with a place as a corpus has it, or of all
    records on a line of a file, as text."""
    account = load_run(folder)
    if _ID.fullmatch(what):
        return told(life_of(what, folder, account))
    name, _, line = what.rpartition(":")
    ids = ids_of(what, folder, account)
    if not ids and name and line.isdigit():
        ids = ids_at(Path(name), int(line), folder, account)
        if not ids:
            raise UsageError(f"no record or reject of {folder} comes from {name}, line {line}")
    if not ids:
        raise UsageError(
            f"{what!r} is no id (32 hex digits), no FILE:LINE, and no place of a record or reject "
            f"of {folder}"
        )
    return "\n\n".join(told(life_of(one, folder, account)) for one in ids)


def ids_of(place: str, folder: Path, account: Account) -> list[str]:
    """The ids of records and rejects with a place, as their column `place` has it."""
    found: list[str] = []
    try:
        wanted = pa.scalar(place)
    except (UnicodeEncodeError, pa.ArrowException):  # a file's name that no text can hold
        return found
    for step, _ in _source_steps(account):
        for table in _tables(folder / step["folder"]):
            same = table.filter(pc.equal(table.column("place"), wanted))
            found += same.column("id").to_pylist()
    return list(dict.fromkeys(found))


def life_of(identity: str, folder: Path, account: Account) -> Life:
    """The life of one record; UsageError when no step knows it."""
    chapters: list[Chapter] = []
    row: dict[str, Any] = {}
    read_by: StepAccount | None = None
    steps = [step for step in account["steps"] if step["counts"]]
    for number, step in enumerate(steps):
        corpus = Corpus(folder / step["folder"])
        read_by = step if not chapters else read_by
        if chapter := _left(step, corpus, identity):
            chapters.append(chapter)
            break
        after = _row_in(corpus, identity) if corpus.has_records else None
        if after is None and row and not corpus.has_records:
            after = _again(step, row, _later(folder, steps[number:], identity))
        if after is not None:
            chapters.append(_stayed(step, row, after))
            row = after
    if not chapters:
        raise UsageError(f"no step of {folder} knows a record {identity}")
    first = chapters[0].row
    place = Place.parse(first["place"])
    unknown: SourceAccount = {}
    source = next((s for s in account["sources"] if s["name"] == first["source"]), unknown)
    raw = source_bytes(source, place)
    lines = []
    isolated = chapters[0].reason in ISOLATION_REASONS
    reader = None if isolated or read_by is None else _stage(read_by)
    if reader is not None:
        lines = passages.told(reader, place, raw)
    return Life(identity, source, place, raw, chapters, lines)


def source_bytes(source: SourceAccount, place: Place) -> bytes | None:
    """The bytes at a place of a source; None where the place is a row of a table or query."""
    path = source.get("full", "")
    if not path or not place.path or "://" in path:
        return None
    if place.offset is None and place.table is not None:
        return None
    try:
        return read_at(root_of(path)[0], place)
    except (OSError, ValueError):
        return None


def _left(step: StepAccount, corpus: Corpus, identity: str) -> Chapter | None:
    """The chapter of a step that left the record out."""
    for piece in corpus.pieces:
        row = _find(corpus.path / piece["rejects"], identity)
        if row is not None:
            event = "failed" if row["failed"] else "dropped"
            evidence = json.loads(row["evidence"])
            reason = row["reason"]
            meaning = corpus.reasons.get(reason, "no reason of this stage")
            chapter = Chapter(step["label"], step["stage"], event, row, reason, evidence)
            return dataclasses.replace(chapter, meaning=meaning)
    return None


def _stayed(step: StepAccount, before: dict[str, Any], row: dict[str, Any]) -> Chapter:
    changed = {
        name: (before.get(name), row[name])
        for name in row
        if before and before.get(name) != row[name]
    }
    event = "changed" if any(name in FORMS for name in changed) else "kept"
    stage = _stage(step)
    words = stage.tell(row) if stage else []
    return Chapter(step["label"], step["stage"], event, row, "", {}, changed, words)


def _stage(step: StepAccount) -> Stage | None:
    """A step's stage; None where that would import a module for the sake of an account."""
    cls = loaded(step["stage"])
    return check.build(cls, step["parameters"]) if cls else None


def _row_in(corpus: Corpus, identity: str) -> dict[str, Any] | None:
    rows = (_find(path, identity) for path in corpus.files)
    return next((row for row in rows if row is not None), None)


def _later(folder: Path, steps: list[StepAccount], identity: str) -> dict[str, Any] | None:
    """The record after the first of the steps whose records were kept."""
    for step in steps:
        corpus = Corpus(folder / step["folder"])
        if corpus.has_records:
            return _row_in(corpus, identity)
    return None


def _again(
    step: StepAccount, before: dict[str, Any], later: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The record after a step whose records were not kept. A map judges a row by itself, so it is
    asked once more; a fit knows all rows, and what it sets stands in the record as it is later."""
    stage = _stage(step)
    if stage is None:
        return later or before
    if isinstance(stage, Map):
        try:
            kept = stage.split(_table_of(before)).kept.to_pylist()
        except UsageError:  # a function of the user's, which is not looked for
            return later or before
        return next((row for row in kept if row["id"] == before["id"]), None)
    gone = set(stage.drops())
    set_now = {name: later.get(name) for name in stage.makes()} if later else {}
    return {**{name: value for name, value in before.items() if name not in gone}, **set_now}


def _table_of(row: dict[str, Any]) -> pa.Table:
    extra = {name: pa.array([value]).type for name, value in row.items() if name not in CORE}
    return records.to_table([row], records.schema_with(extra))


def _find(path: Path, identity: str) -> dict[str, Any] | None:
    begin = 0
    for ids in iterate_arrow(path, ("id",)):
        index = pc.index(ids.column("id"), identity).as_py()
        if index >= 0:
            return dict(read_arrow(path).slice(begin + index, 1).to_pylist()[0])
        begin += ids.num_rows
    return None


def ids_at(file: Path, line: int, folder: Path, account: Account) -> list[str]:
    """The ids of records and rejects that come from a line of a file, which is named from here, or
    as the recipe or a place has it."""
    here, recipe = Path.cwd() / file, Path(account["recipe"]).parent / file
    # A link is read under its own name; one from elsewhere names what it leads to.
    own = [path.parent.resolve() / path.name for path in (here, recipe)]
    for path in (own[0], here.resolve(), own[1], recipe.resolve(), file):
        found = _ids_at(path, line, folder, account)
        if found:
            return found
    return []


def _ids_at(path: Path, line: int, folder: Path, account: Account) -> list[str]:
    """path: absolute, or from the root of the source."""
    found = []
    for step, source in _source_steps(account):
        if "://" in source["full"]:
            continue
        root = root_of(source["full"])[0].resolve()
        if not (root / path).is_relative_to(root):
            continue
        name = (root / path).relative_to(root).as_posix()
        for identity, place in _places(folder / step["folder"]):
            if place.path == name and _covers(root, place, line):
                found.append(identity)
    return list(dict.fromkeys(found))


def _source_steps(account: Account) -> Iterator[tuple[StepAccount, SourceAccount]]:
    for source in account["sources"]:
        for step in account["steps"]:
            if step["source"] == source["name"] and step["stage"] == source["stage"]:
                yield step, source


def _places(folder: Path) -> Iterator[tuple[str, Place]]:
    for table in _tables(folder):
        ids, places = table.column("id").to_pylist(), table.column("place").to_pylist()
        yield from zip(ids, map(Place.parse, places), strict=True)


def _tables(folder: Path) -> Iterator[pa.Table]:
    """Ids and places of a step's records and rejects, a table a file."""
    corpus = Corpus(folder)
    for piece in corpus.pieces:
        for role in ("data", "rejects"):
            if role in piece:
                yield read_arrow(corpus.path / piece[role], ("id", "place"))


def _covers(root: Path, place: Place, line: int) -> bool:
    if place.offset is None or place.line is None:
        return place.table is None or place.key == f"row={line}"
    if line < place.line:
        return False
    if line == place.line:
        return True
    return line <= place.line + read_at(root, place).count(b"\n")


# --- in words -----------------------------------------------------------------------------------


def told(life: Life) -> str:
    """A life as text."""
    source = life.source
    licence = source.get("license") or "no licence given"
    lines = [f"record   {life.id}", f"source   {source.get('name', '?')} ({licence})"]
    lines.append(f"place    {_place(source, life.place)}")
    if life.raw is not None:
        lines += _block(life.raw.decode("utf-8", "backslashreplace"))
    for chapter in life.chapters:
        lines += _told(chapter)
        if chapter is life.chapters[0] and chapter.event == "kept":
            for name, text in fields(chapter.row, "all"):
                lines += [f"  {name}", *_block(text)]
        lines += life.passages if chapter is life.chapters[0] else []
    return terminal.lines(lines)


def _place(source: SourceAccount, place: Place) -> str:
    text = place.path or source.get("path", "")
    if place.member is not None:
        text += f", member {place.member}"
    if place.offset is not None and place.length is not None:
        text += f", line {place.line}, bytes {place.offset:,} to {place.offset + place.length:,}"
    if place.table is not None:
        text += f", table {place.table}" + (f" [{place.key}]" if place.key else "")
    return text


def _told(chapter: Chapter) -> list[str]:
    if chapter.event in ("dropped", "failed"):
        lines = [f"{chapter.label}: {chapter.event}, {chapter.reason} ({chapter.meaning})"]
        lines += [f"  {name}: {value}" for name, value in chapter.evidence.items()]
        return lines + _block(chapter.row["text"] or "")
    lines = [f"{chapter.label}: {chapter.event}", *("  " + words for words in chapter.words)]
    for name, (old, new) in chapter.changed.items():
        if name in FORMS and new is not None:
            lines += [f"  {name} was", *_block(_text(old)), f"  {name} is", *_block(_text(new))]
        elif name not in CORE and new is not None:
            lines.append(f"  {name}: {_short(new)}")
    return lines


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(value: Any) -> str:
    if isinstance(value, list) and len(value) > 16:
        return f"{value[:12]} … {len(value):,} values"
    return str(value)


def _block(text: str) -> list[str]:
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + f" … ({len(text):,} characters)"
    return ["    | " + line for line in re.split(r"\r?\n", shown.removesuffix("\n"))]
