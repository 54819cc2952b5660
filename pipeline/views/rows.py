"""Rows of a run or a corpus that somebody asks for: the first ones, a sample, or what a condition
picks, of its records or of what left.

A condition is an expression of DuckDB's SQL over the columns; it reads no file and knows no other
table. A sample is the rows whose hashes of (id, seed) are smallest, so it is the same every time.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.account import Account, folders_of, load_run
from pipeline.views.figures import counted
from stages import check
from stages.corpus import Corpus, iterate_arrow, read_batch
from stages.errors import UsageError
from stages.kinds import RECORDS
from stages.manifest import MANIFEST
from stages.records import REJECTS


@dataclass(frozen=True)
class Shelf:
    """Rows of one step, in files. label: of the step, empty for a folder that is no run's; files:
    in order; size: rows. Of rejects, meanings: of all reasons there may be; reasons: how many."""

    label: str
    files: Sequence[Path]
    size: int
    meanings: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """Which rows. number: at most; source, reason: of which alone; where: a condition in SQL;
    random: a sample in place of the first ones, by this seed."""

    number: int = 5
    source: str | None = None
    reason: str | None = None
    where: str | None = None
    random: bool = False
    seed: int = 0

    @property
    def all(self) -> bool:
        """Whether any row will do."""
        return self.source is None and self.reason is None and self.where is None


@dataclass(frozen=True)
class Found:
    """Rows with the shelf of each, and how many there are in all."""

    rows: list[tuple[Shelf, dict[str, Any]]]
    total: int


# --- where they lie -------------------------------------------------------------------------------


def records_in(folder: Path, step: str | None = None) -> Shelf:
    """The records of a run or corpus; of a run those after its last step that has any with text,
    or after a step that is named. UsageError where they were not kept."""
    if (folder / MANIFEST).is_file():
        _no_step(folder, step)
        return _records("", Corpus(folder))
    account = load_run(folder)
    if step is not None:
        label, path = _step_of(account, folder, step)
        return _records(label, Corpus(path))
    made = folders_of(folder)
    if RECORDS in made:
        return _records("", Corpus(made[RECORDS]))
    for one in reversed(counted(account)):
        corpus = Corpus(folder / one["folder"])
        if corpus.has_records and corpus.kind == RECORDS.name:
            return _records(one["label"], corpus)
    raise UsageError(f"{folder} holds no records: its run ended before any step that keeps them")


def rejects_in(folder: Path, step: str | None = None) -> list[Shelf]:
    """What left at each step of a run, or at the one that is named; or of a corpus."""
    if (folder / MANIFEST).is_file():
        _no_step(folder, step)
        return [_rejects("", Corpus(folder))]
    account = load_run(folder)
    steps = [(one["label"], folder / one["folder"]) for one in counted(account)]
    if step is not None:
        steps = [_step_of(account, folder, step)]
    return [_rejects(label, Corpus(path)) for label, path in steps]


def _records(label: str, corpus: Corpus) -> Shelf:
    return Shelf(label, corpus.files, len(corpus))


def _rejects(label: str, corpus: Corpus) -> Shelf:
    counts = corpus.manifest["counts"]
    files = [corpus.path / piece["rejects"] for piece in corpus.pieces]
    left = counts["dropped"] + counts["failed"]
    return Shelf(label, files, left, corpus.reasons, counts["reasons"])


def _no_step(folder: Path, step: str | None) -> None:
    if step is not None:
        raise UsageError(f"{folder} is one corpus and no run: leave out --step {step}")


def _step_of(account: Account, folder: Path, step: str) -> tuple[str, Path]:
    """Label and folder of the step that is called so: by its label, its number or its stage."""
    steps = counted(account)
    for one in reversed(steps):  # of two steps of one stage the later one
        label = one["label"]
        if step in (label, label.partition("-")[0].lstrip("0"), one["stage"]):
            return label, folder / one["folder"]
    labels = [one["label"] for one in steps]
    near = check.nearest(step, labels)
    raise UsageError(f"{folder} has no step {step!r}{near}; it has {', '.join(labels)}")


# --- which of them --------------------------------------------------------------------------------


def find(shelves: Sequence[Shelf], wanted: Wanted) -> Found:
    """The rows that are wanted, in their order. UsageError for a condition that is none."""
    if wanted.all and not wanted.random:
        rows = itertools.islice(_in_order(shelves), wanted.number)
        return Found(list(rows), sum(shelf.size for shelf in shelves))
    chosen, total = _chosen(shelves, wanted)
    return Found(list(_taken(shelves, chosen)), total)


def fits(columns: pa.Schema, where: str) -> bool:
    """Whether a condition can be asked of rows with these columns."""
    try:
        _filtered(connection().from_arrow(columns.empty_table()), where)
    except UsageError:
        return False
    return True


def _in_order(shelves: Sequence[Shelf]) -> Iterator[tuple[Shelf, dict[str, Any]]]:
    for shelf in shelves:
        for path in shelf.files:
            for table in iterate_arrow(path):
                yield from ((shelf, row) for row in table.to_pylist())


def connection() -> Any:
    """A database in memory that reaches no file, no network and no variable of ours."""
    import duckdb

    return duckdb.connect(
        config={
            "enable_external_access": "false",
            "python_enable_replacements": "false",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
        }
    )


def _chosen(shelves: Sequence[Shelf], wanted: Wanted) -> tuple[set[tuple[int, str]], int]:
    """(number of the shelf, id) of the rows to show, and how many fit."""
    import pyarrow.dataset as datasets

    database = connection()
    ids: Any = None
    for number, shelf in enumerate(shelves):
        if not shelf.files or (wanted.reason and wanted.reason not in shelf.meanings):
            continue
        files = [str(path) for path in shelf.files]
        found = database.from_arrow(datasets.dataset(files, format="ipc"))
        for name, value in (("source", wanted.source), ("reason", wanted.reason)):
            if value is not None:
                found = found.filter(f"{name} = {_quoted(value)}")
        if wanted.where is not None:
            found = _filtered(found, wanted.where)
        some = found.project(f"{number} AS shelf, id")
        ids = some if ids is None else ids.union(some)
    if ids is None:
        return set(), 0
    try:
        ((total,),) = ids.aggregate("count(*)").fetchall()
        if wanted.random:
            ids = ids.order(f"md5(id || {_quoted(str(wanted.seed))})")
        return {tuple(row) for row in ids.limit(wanted.number).fetchall()}, int(total)
    except _errors() as error:
        raise UsageError(_told(wanted.where, error, "")) from None


def _filtered(found: Any, where: str) -> Any:
    try:
        return found.filter(where)
    except _errors() as error:
        raise UsageError(_told(where, error, f"; columns: {', '.join(found.columns)}")) from None


def _errors() -> tuple[type[Exception], ...]:
    import duckdb

    return (duckdb.Error, pa.ArrowException)


def _told(where: str | None, error: Exception, more: str) -> str:
    first = str(error).strip().partition("\n")[0]
    return f"--where {where!r} cannot be asked: {first}{more}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def with_ids(
    shelves: Sequence[Shelf], ids: Sequence[str]
) -> Iterator[tuple[Shelf, dict[str, Any]]]:
    """The rows with some ids, in order."""
    return _taken(shelves, {(at, one) for at in range(len(shelves)) for one in ids})


def _taken(
    shelves: Sequence[Shelf], chosen: set[tuple[int, str]]
) -> Iterator[tuple[Shelf, dict[str, Any]]]:
    """The rows with these ids; only batches that hold one are read whole."""
    for number, shelf in enumerate(shelves):
        mine = pa.array([one for at, one in chosen if at == number], pa.string())
        for path in shelf.files if len(mine) else ():
            for at, ids in enumerate(iterate_arrow(path, ("id",))):
                mask = pc.is_in(ids.column("id"), value_set=mine)
                if pc.any(mask).as_py():
                    found = read_batch(path, at).filter(mask)
                    yield from ((shelf, row) for row in found.to_pylist())


# --- as JSON --------------------------------------------------------------------------------------


def as_json(shelf: Shelf, row: dict[str, Any]) -> dict[str, Any]:
    """A row as programs read it: what is JSON in a column is JSON here."""
    out = {"step": shelf.label, **row} if shelf.label else dict(row)
    for name in ("meta", "evidence"):
        if isinstance(out.get(name), str):
            out[name] = json.loads(out[name])
    return out


def rejects_asked(wanted: Wanted, columns: pa.Schema) -> bool:
    """Whether a question can only be meant of what left: it names a reason, or columns that
    records do not have and rejects do."""
    if wanted.reason is not None:
        return True
    where = wanted.where
    return where is not None and not fits(columns, where) and fits(REJECTS, where)
