"""`seedbed show`: the records and rejects of a run or corpus, its schema, one record, or what a
source of a recipe begins with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pipeline import terminal
from pipeline.engine.account import Account, folders_of, load_run
from pipeline.recipe.recipe import Recipe
from pipeline.terminal import Line
from pipeline.views import rows as shelves
from pipeline.views import told
from pipeline.views.kinds import shown
from pipeline.views.rows import Found, Shelf, Wanted
from pipeline.views.steps import stage_of
from stages import check
from stages.base import Source, Stage
from stages.corpus import Corpus
from stages.errors import UsageError
from stages.kinds import RECORDS, Kind
from stages.manifest import MANIFEST
from stages.sample import parts_of
from stages.words import number

_TYPE = 40  # characters of a column's type


def rows(folder: Path, wanted: Wanted, rejects: bool, step: str | None) -> tuple[Found, bool]:
    """The rows that are wanted, and whether they are rejects."""
    if not rejects and wanted.reason is None:
        shelf = shelves.records_in(folder, step)
        corpus = Corpus(shelf.files[0].parent.parent) if shelf.files else None
        if corpus is None or not shelves.rejects_asked(wanted, corpus.schema):
            return _found(folder, [shelf], wanted), False
    return _found(folder, _with_reason(folder, wanted, step), wanted), True


def _found(folder: Path, some: list[Shelf], wanted: Wanted) -> Found:
    """The rows; UsageError where there is none for the source's name is none."""
    found = shelves.find(some, wanted)
    if wanted.source is not None and not found.total:
        whole = (folder / MANIFEST).is_file()
        known = Corpus(folder).manifest.get("sources", []) if whole else load_run(folder)["sources"]
        names = [source["name"] for source in known]
        if names and wanted.source not in names:
            near = check.nearest(wanted.source, names)
            raise UsageError(
                f"{folder} has no source {wanted.source!r}{near}; it has {', '.join(names)}"
            )
    return found


def _with_reason(folder: Path, wanted: Wanted, step: str | None) -> list[Shelf]:
    """The rejects; UsageError for a reason that no step has."""
    found = shelves.rejects_in(folder, step)
    known = {name for shelf in found for name in shelf.meanings}
    if wanted.reason is not None and wanted.reason not in known:
        here = sorted({name for shelf in found for name in shelf.reasons})
        near = check.nearest(wanted.reason, here or known)
        raise UsageError(
            f"no step of {folder} has a reason {wanted.reason!r}{near}; what left has "
            f"{', '.join(here) or 'none'}"
        )
    return found


def json_lines(found: Found) -> Iterator[str]:
    """A line of JSON a row."""
    for shelf, row in found.rows:
        yield terminal.json_line(shelves.as_json(shelf, row))


def lines(folder: Path, found: Found, rejects: bool) -> Iterator[Line]:
    """The rows for people, and how many there are."""
    stages = {} if (folder / MANIFEST).is_file() else _stages(load_run(folder))
    for shelf, row in found.rows:
        if rejects:
            meaning = shelf.meanings.get(row["reason"], "no reason of this stage")
            yield from told.of_reject(row, shelf.label, meaning, stages.get(shelf.label))
        else:
            yield from told.of_record(row)
        yield ""
    what = "rejects" if rejects else RECORDS.name
    of = f" of {number(found.total)}" if found.total != len(found.rows) else ""
    yield f"{number(len(found.rows))}{of} {what}"


def _stages(account: Account) -> dict[str, Stage]:
    made = {step["label"]: stage_of(step) for step in account["steps"]}
    return {label: stage for label, stage in made.items() if stage is not None}


def schema(folder: Path, step: str | None) -> Iterator[Line]:
    """The columns of the records: type, the step that adds it, and the first record's value."""
    shelf = shelves.records_in(folder, step)
    if not shelf.files:
        raise UsageError(f"{folder} holds no records")
    corpus = Corpus(shelf.files[0].parent.parent)
    makers: dict[str, str] = {}
    if not (folder / MANIFEST).is_file():
        for one in load_run(folder)["steps"]:
            stage = stage_of(one)
            makers |= dict.fromkeys(stage.makes(), one["label"]) if stage else {}
    first = next(iter(shelves.find([shelf], Wanted(number=1)).rows), (shelf, {}))[1]
    table: list[tuple[str, str, str, Any]] = [
        (field.name, _cut(str(field.type)), makers.get(field.name, ""), first.get(field.name))
        for field in corpus.schema
    ]
    widths = [max(len(row[at]) for row in table) for at in range(3)]
    for name, kind, maker, value in table:
        text = "" if value is None else told.value_of(value)
        parts = [f"{name:<{widths[0]}}", f"{kind:<{widths[1]}}", f"{maker:<{widths[2]}}", text]
        yield "  ".join(parts).rstrip()
    yield f"{number(shelf.size)} records in {corpus.path}"


def _cut(kind: str) -> str:
    return kind if len(kind) <= _TYPE else f"{kind[: _TYPE - 1]}…"


def one(folder: Path, what: str) -> list[str]:
    """What each kind of a run has of one record, by its id or place; UsageError for nothing."""
    out: list[str] = []
    for kind, path in folders_of(folder).items():
        found = shown(kind, partial(_of, kind, what), path, str)
        out += ["", str(kind), *found] if found else []
    if not out:
        raise UsageError(
            f"nothing in {folder} shows a record {what!r}; `seedbed explain` tells what became "
            "of it"
        )
    return out[1:]


def _of(kind: Kind, what: str, folder: Path) -> list[str]:
    return kind.record(folder, what)


# --- before a run ---------------------------------------------------------------------------------


def first_items(
    recipe: Recipe, source: str | None, number_of: int
) -> Iterator[tuple[str, Found, Found]]:
    """(source, its first records, what was refused before them) of a recipe's sources, read as a
    run reads them, no further than that. UsageError for a source that is none of them."""
    names = [one.name for one in recipe.sources]
    if source is not None and source not in names:
        near = check.nearest(source, names)
        raise UsageError(f"{recipe.name} has no source {source!r}{near}; it has {', '.join(names)}")
    for one in recipe.sources:
        if source not in (None, one.name):
            continue
        stage = one.stage
        assert isinstance(stage, Source)
        shelf = Shelf("", [], 0, dict(stage.reasons))
        kept, left = _read(stage, one.path, one.name, number_of)
        records = Found([(shelf, row) for row in kept[:number_of]], len(kept[:number_of]))
        rejects = Found([(shelf, row) for row in left[:number_of]], len(left[:number_of]))
        yield one.name, records, rejects


def _read(
    stage: Source, path: str, name: str, number_of: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    kept: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    for part in parts_of(stage, path):
        for split in stage.splits(part, name, isolate=True):
            kept += split.kept.slice(0, number_of - len(kept)).to_pylist()
            left += split.rejects.slice(0, number_of - len(left)).to_pylist()
            if len(kept) >= number_of:
                return kept, left  # the reader ends, in the middle of a file or not
    return kept, left


def items_told(found: Iterable[tuple[str, Found, Found]]) -> Iterator[Line]:
    """First items for people: of each source records, then what was refused."""
    for name, records, rejects in found:
        yield [("name", f"{name}: {number(len(records.rows))} of the first records")]
        yield ""
        for _, row in records.rows:
            yield from told.of_record(row)
            yield ""
        if rejects.rows:
            yield [("name", f"{name}: refused on the way")]
            yield ""
        for shelf, row in rejects.rows:
            yield from told.of_reject(row, "", shelf.meanings[row["reason"]])
            yield ""
