"""The life of one record: what each step of a run did with it, and what it was made of.

A run keeps the records after some steps and the rejects of all. A map whose records were not kept
is asked again, for its verdict on a row depends on nothing else; what a fit set stands in the
record as it is later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.account import Account, CountedStep, SourceAccount, made_by
from pipeline.views import passages
from pipeline.views.figures import counted, reads
from pipeline.views.index import pieces_with
from pipeline.views.kinds import shown
from pipeline.views.stays import would_stay
from pipeline.views.steps import stage_of
from stages import records
from stages.base import ISOLATION_REASONS, Map
from stages.corpus import Corpus, iterate_arrow, read_batch
from stages.errors import UsageError
from stages.extract.files import root_of
from stages.extract.packed.archives import read_at
from stages.kinds import RECORDS
from stages.place import Place
from stages.records import CORE, FORMS
from stages.verdicts import Judged


@dataclass
class Chapter:
    """What one step did with the record: kept, changed, dropped or failed. meaning: of the reason,
    as the step's manifest has it; stays: what would have kept it; cut: characters of it that left
    by reason; changed: column → before, after."""

    label: str
    stage: str
    event: str
    row: dict[str, Any]
    reason: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    meaning: str = ""
    stays: str = ""
    cut: dict[str, int] = field(default_factory=dict)


@dataclass
class Life:
    """A record's source, raw bytes (None where its place has none) and chapters; what its source
    kept and left out of them, and what became of it in what was made of the records, in lines."""

    id: str
    source: SourceAccount
    place: Place
    raw: bytes | None
    chapters: list[Chapter]
    passages: list[str]
    after: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Step:
    """A step and those of its pieces that may hold the record; None: any."""

    account: CountedStep
    corpus: Corpus
    pieces: Sequence[int] | None

    def files(self, role: str) -> Iterator[Path]:
        """The files of data or rejects that may hold it."""
        for at, piece in enumerate(self.corpus.pieces):
            if (self.pieces is None or at in self.pieces) and role in piece:
                yield self.corpus.path / str(piece[role])  # type: ignore[literal-required]

    def row(self, identity: str, role: str = "data") -> dict[str, Any] | None:
        """The record after the step, or its reject."""
        found = (_find(path, identity) for path in self.files(role))
        return next((row for row in found if row is not None), None)


def life_of(identity: str, folder: Path, account: Account) -> Life:
    """The life of one record; UsageError when no step knows it."""
    chapters: list[Chapter] = []
    row: dict[str, Any] = {}
    steps = _steps(identity, folder, account)
    read_by: CountedStep | None = None
    for number, step in enumerate(steps):
        read_by = read_by if chapters else step.account
        if chapter := _left(step, identity):
            chapters.append(chapter)
            break
        kept = step.corpus.has_records
        after = step.row(identity) if kept else None
        judged = None
        if row and (not kept or (after and _texts(after) != _texts(row))):
            judged = _judged(step, row)
        if after is None and row and not kept:
            after = _again(step, row, judged, _later(steps[number:], identity))
        if after is not None:
            chapters.append(_stayed(step, row, after, judged))
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
    reader = None if isolated or read_by is None else stage_of(read_by)
    if reader is not None:
        lines = passages.told(reader, place, raw)
    after_all = [] if chapters[-1].reason else _after(identity, folder, account)
    return Life(identity, source, place, raw, chapters, lines, after_all)


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


# --- where to look --------------------------------------------------------------------------------


def _steps(identity: str, folder: Path, account: Account) -> list[_Step]:
    """The steps that the record may have gone through, in order; all of them, and all of their
    pieces, where no source read a record of this id: a later step made it."""
    steps = [(one, Corpus(folder / one["folder"])) for one in counted(account)]
    corpora = {one["label"]: corpus for one, corpus in steps}
    before = 0
    for read in reads(account):
        corpus = corpora[read["label"]]
        found = pieces_with(identity, read, corpus, account)
        if found:
            own = [at + before for at in found]
            return [
                _Step(one, corpus, found if one["source"] else own)
                for one, corpus in steps
                if one["source"] in (None, read["source"])
            ]
        before += len(corpus.pieces)
    return [_Step(one, corpus, None) for one, corpus in steps]


def _find(path: Path, identity: str) -> dict[str, Any] | None:
    for number, ids in enumerate(iterate_arrow(path, ("id",))):
        index = pc.index(ids.column("id"), identity).as_py()
        if index >= 0:
            return dict(read_batch(path, number).slice(index, 1).to_pylist()[0])
    return None


def _later(steps: Sequence[_Step], identity: str) -> dict[str, Any] | None:
    """The record after the first of the steps whose records were kept."""
    for step in steps:
        if step.corpus.has_records:
            return step.row(identity)
    return None


# --- what a step did ------------------------------------------------------------------------------


def _left(step: _Step, identity: str) -> Chapter | None:
    """The chapter of a step that left the record out."""
    row = step.row(identity, "rejects")
    if row is None:
        return None
    event = "failed" if row["failed"] else "dropped"
    evidence, reason = json.loads(row["evidence"]), row["reason"]
    stage = stage_of(step.account)
    return Chapter(
        step.account["label"],
        step.account["stage"],
        event,
        row,
        reason,
        evidence,
        meaning=step.corpus.reasons.get(reason, "no reason of this stage"),
        stays=would_stay(stage, reason, evidence) if stage else "",
    )


def _stayed(
    step: _Step, before: dict[str, Any], row: dict[str, Any], judged: Judged | None
) -> Chapter:
    changed = {
        name: (before.get(name), row[name])
        for name in row
        if before and before.get(name) != row[name]
    }
    event = "changed" if any(name in FORMS for name in changed) else "kept"
    stage = stage_of(step.account)
    words = stage.tell(row) if stage else []
    cut = dict(judged.counts.text.removed) if judged and event == "changed" else {}
    label, name = step.account["label"], step.account["stage"]
    return Chapter(label, name, event, row, "", {}, changed, words, cut=cut)


def _texts(row: Mapping[str, Any]) -> list[Any]:
    return [row.get(name) for name in FORMS]


def _judged(step: _Step, before: dict[str, Any]) -> Judged | None:
    """What a map makes of a record, asked once more; None for what cannot be asked of one row."""
    stage = stage_of(step.account)
    if not isinstance(stage, Map) or stage.kind != RECORDS:
        return None
    try:
        return stage.split(_table_of(before))
    except UsageError:  # a function of the user's, which is not looked for
        return None


def _again(
    step: _Step, before: dict[str, Any], judged: Judged | None, later: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The record after a step whose records were not kept."""
    if judged is not None:
        return next((row for row in judged.kept.to_pylist() if row["id"] == before["id"]), None)
    stage = stage_of(step.account)
    if stage is None or isinstance(stage, Map):
        return later or before
    gone = set(stage.drops())
    set_now = {name: later.get(name) for name in stage.makes()} if later else {}
    return {**{name: value for name, value in before.items() if name not in gone}, **set_now}


def _table_of(row: dict[str, Any]) -> pa.Table:
    extra = {name: pa.array([value]).type for name, value in row.items() if name not in CORE}
    return records.to_table([row], records.schema_with(extra))


# --- what became of it ----------------------------------------------------------------------------


def _after(identity: str, folder: Path, account: Account) -> list[str]:
    """What each kind that was made tells of the record: where it is packed, how it was learned."""
    told: list[str] = []
    for kind, path in made_by(account, folder).items():
        told += shown(kind, partial(kind.life, what=identity), path, str)
    return told
