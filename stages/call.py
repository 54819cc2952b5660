"""A stage called as a function, in this process: what `Stage(parameters)(input)` does."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from stages import conform, corpus, frames, records, secrets
from stages.errors import UsageError
from stages.frames import Tabular
from stages.kinds import RECORDS
from stages.manifest import MADE_BY, MANIFEST, Contents, Manifest
from stages.owned import WORK, claim, obstacle, relation, resolved

if TYPE_CHECKING:
    from stages.base import End, Source, Stage, Transform

PART_BYTES = 16 << 20
_REFUSED = 200  # items that are looked through for a column that is not there
_AS_TEXT = 'record["{name}"] = str(record["{name}"])'


class Records(Tabular):
    """What a source reads of a path: iterate it for dicts, or have all as a frame.

    Each pass reads anew. Rejects are handed over as they are met, each once, however often the
    records are read. A column that is named and that nothing has is a mistake, as in a recipe.
    """

    def __init__(
        self,
        stage: Source,
        path: str,
        rejects: list[dict[str, Any]] | None,
        name: str,
        isolate: bool,
    ) -> None:
        self._stage, self._path, self._name, self._isolate = stage, path, name, isolate
        self._rejects, self._handed, self._warned = rejects, 0, False

    def __repr__(self) -> str:
        return f"<records that {self._stage.name} reads of {self._path}>"

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for kept in self._tables(hand_over=True):
            yield from filled(kept)

    def to_arrow(self) -> pa.Table:
        """All records as one Arrow table."""
        schema = self._stage.schema(records.SCHEMA)
        return pa.concat_tables([schema.empty_table(), *self._tables(hand_over=True)])

    def head(self, number: int) -> tuple[list[Mapping[str, Any]], int | None]:
        """The first records; nothing is handed over."""
        found = (row for kept in self._tables(hand_over=False) for row in filled(kept))
        return list(itertools.islice(found, number)), None

    def _tables(self, hand_over: bool) -> Iterator[pa.Table]:
        from stages.sample import Refused, missing

        stage, met = self._stage, 0
        reasons: Counter[str] = Counter()
        if not os.path.exists(self._path):
            wrong = secrets.problem(self._path)
            if wrong is None and "://" in self._path:
                wrong = stage.problem_with(self._path)
            if wrong:
                raise UsageError(wrong)
        empty, refused = True, list[Refused]()
        for part in stage.parts(self._path, PART_BYTES):
            for split in stage.splits(part, self._name, self._isolate):
                left = split.rejects
                empty = empty and not split.kept.num_rows
                if empty and len(refused) < _REFUSED:
                    refused += _refused(left.slice(0, _REFUSED))
                if hand_over and self._rejects is not None and met + left.num_rows > self._handed:
                    new = left.slice(max(0, self._handed - met))
                    self._rejects.extend(new.to_pylist())
                    self._handed += new.num_rows
                met += left.num_rows
                reasons.update(left.column("reason").to_pylist())
                yield split.kept
        if empty and (wrong := missing(stage, refused, whole=True)):
            raise UsageError(wrong)
        if hand_over and self._rejects is None and not self._warned:
            self._warned = True
            _warn(stage.name, reasons)


def _refused(rejects: pa.Table) -> list[tuple[str, str, dict[str, Any]]]:
    rows = rejects.select(["place", "reason", "evidence"]).to_pylist()
    return [(row["place"], row["reason"], json.loads(row["evidence"])) for row in rows]


def filled(table: pa.Table) -> Iterator[dict[str, Any]]:
    for row in table.to_pylist():
        yield {key: value for key, value in row.items() if value is not None}


def _warn(stage: str, reasons: Mapping[str, int]) -> None:
    """Say how many records left."""
    if reasons:
        told = ", ".join(f"{reason} {number}" for reason, number in sorted(reasons.items()))
        _say(f"{stage}: {sum(reasons.values())} left ({told}); pass rejects=[] to have them")


def _say(message: str) -> None:
    """Warn at the caller's line."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals["__name__"].split(".")[0] == "stages":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def as_table(data: Any) -> tuple[pa.Table, Callable[[pa.Table], Any]]:
    """(table of records, what makes of a result what came in) of a frame, dicts, a table, a
    corpus or its path.

    Records without an id get one from their content; without source and place, empty ones.
    """
    if isinstance(data, str | os.PathLike):
        data = corpus.Corpus(data)
    if isinstance(data, corpus.Corpus):
        return data.table(), lambda result: result
    if isinstance(data, Records):
        return data.to_arrow(), frames.Rows
    found = frames.given(data)
    if found is None:
        columns, rows = _columns_of(data)
        return conform.to_records(columns, rows, _AS_TEXT, True), frames.Rows
    columns = found.columns
    rows = len(next(iter(columns.values()))) if columns else 0
    complete = found.unique or "id" not in columns
    table = conform.to_records(columns, rows, found.as_text, complete)
    if found.unique:
        conform.check_ids(table)
    return table, lambda result: found.back(table, result)


def _columns_of(data: Any) -> tuple[dict[str, list[Any]], int]:
    """The columns of dicts, and how many there are."""
    told = "give a list of dicts, a frame, a table or a corpus"
    if isinstance(data, Mapping):
        raise UsageError(f"this is one dict: {told}")
    try:
        rows = list(data)
    except TypeError:
        raise UsageError(f"there are no records in a {type(data).__name__}: {told}") from None
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise UsageError(f"record {number} is a {type(row).__name__}: {told}")
    names = dict.fromkeys(name for row in rows for name in row)
    others = sorted(name for name in names if name not in records.CORE)
    there = [*(name for name in records.CORE if name in names), *others]
    return {name: [row.get(name) for row in rows] for name in there}, len(rows)


def transformed(stage: Transform, data: Any, rejects: list[dict[str, Any]] | None) -> Any:
    """Judge records in this process; see `Transform.__call__`."""
    from stages.base import Fit, Map, State, VisibleState
    from stages.verdicts import Batch

    table, back = as_table(data)
    _check_needs(stage, table)
    batches = list(corpus.batches_of(table))
    if isinstance(stage, Map):
        splits = [stage.split(batch) for batch in batches]
    else:
        assert isinstance(stage, Fit)
        state, seen = State(), VisibleState(0, {}, {}, None)
        while batches and not state.done:
            observed = pa.concat_tables([stage.observe(Batch(b), seen) for b in batches])
            state = stage.merge([observed], state)
            local = state.local[0] if state.local is not None else None
            seen = VisibleState(state.round, state.values, state.tables, local)
        splits = [stage.split(batch, seen) for batch in batches]
        for text in state.told.get("warnings", ()):
            _say(f"{stage.name}: {text}")
    if batches and all(s.counts.inapplicable == s.counts.seen for s in splits):
        _check_forms(stage, table)
    left = [row for split in splits for row in split.rejects.to_pylist()]
    if rejects is not None:
        rejects.extend(left)
    else:
        _warn(stage.name, Counter(row["reason"] for row in left))
    schema = stage.schema(table.schema)
    kept = pa.concat_tables([s.kept for s in splits]) if splits else schema.empty_table()
    return back(kept)


def _check_forms(stage: Transform, table: pa.Table) -> None:
    """UsageError for records none of which has anything that a stage could judge, when their
    text is in columns of other names."""
    others = [name for name in table.column_names if name not in records.CORE]
    forms = [table.column(name) for name in records.FORMS if name in table.column_names]
    if others and all(column.null_count == len(column) for column in forms):
        raise UsageError(
            f"{stage.name} finds no text: none of {', '.join(records.FORMS)} is filled, and "
            f"{', '.join(others)} {'is' if len(others) == 1 else 'are'} not a record's own: "
            "rename what holds the text"
        )


def _check_needs(stage: Stage, table: pa.Table) -> None:
    for group in stage.needs():
        if not any(name in table.column_names for name in group):
            raise UsageError(
                f"{stage.name} needs a column {' or '.join(group)}; the records have "
                f"{', '.join(table.column_names)}"
            )


def ended(stage: End, data: Any, out: Path) -> dict[str, Any]:
    """Run an end stage into a temporary folder that then takes the name `out`; see `End.__call__`.

    Unfinished work lies in a hidden folder beside `out`, so that the same call goes on.
    """
    if isinstance(data, corpus.Corpus):
        data = data.path
    if isinstance(data, str | os.PathLike):
        return _ended(stage, Path(data), out)
    if stage.consumes != RECORDS:
        raise UsageError(
            f"{stage.name} works on a folder of {stage.consumes}, not on a "
            f"{type(data).__name__}: give the path of one"
        )
    table, _ = as_table(data)
    _check_needs(stage, table)
    rejects = records.REJECTS.empty_table()
    with tempfile.TemporaryDirectory(prefix="seedbed-") as folder:
        path = Path(folder) / "records"
        corpus.write_corpus(path, "records", [(conform.to_store(table), rejects)], {})
        return _ended(stage, path, out)


def _ended(stage: End, source: Path, out: Path) -> dict[str, Any]:
    out = resolved(out)
    if blocker := obstacle(out):
        raise UsageError(f"{blocker} is no folder; name another output")
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} exists and is not empty; name another folder")
    if how := relation(out, resolved(source)):
        raise UsageError(f"{out} {how} the input {source}; name another folder")
    # A hash of the name: with a prefix the longest names would be too long.
    name = hashlib.blake2b(os.fsencode(out.name), digest_size=8).hexdigest()
    unfinished = out.with_name(f".seedbed-work-{name}")
    claim(unfinished, WORK)
    work = unfinished / "work"
    work.mkdir(exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".seedbed-new-", dir=out.parent))
    try:
        summary = stage.run(source, temporary, work, lambda done, total: None)
        manifest: Manifest = {
            **MADE_BY,
            "format": records.FORMAT,
            "kind": stage.kind.name,
            "stage": stage.name,
            **_files_of(temporary),
            "summary": summary,
        }
        corpus.write_json(temporary / MANIFEST, manifest)
        try:
            temporary.rename(out)  # takes the place of a missing or empty folder alone
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
            raise UsageError(f"{out} was filled by others meanwhile; name another") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(unfinished, ignore_errors=True)
    return summary


def _files_of(folder: Path) -> Contents:
    """Sizes and hashes, and the hash of all, as in an entry of the engine's store."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    hashes = {name: corpus.sha256_of(path) for name, path in zip(names, paths, strict=True)}
    text = json.dumps(hashes, sort_keys=True, separators=(",", ":"))
    return {
        "files": {name: path.stat().st_size for name, path in zip(names, paths, strict=True)},
        "hashes": hashes,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
