"""A stage called as a function, in this process: what `Stage(parameters)(input)` does."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from stages import corpus, records, secrets
from stages.errors import UsageError
from stages.owned import WORK, claim, obstacle, relation, resolved

if TYPE_CHECKING:
    from stages.base import End, Source, Transform

PART_BYTES = 16 << 20


def _hand_over(stage: str, rejected: list[pa.Table], rejects: list[dict[str, Any]] | None) -> None:
    rows = [row for table in rejected for row in table.to_pylist()]
    if rejects is not None:
        rejects.extend(rows)
    elif rows:
        reasons: dict[str, int] = {}
        for row in rows:
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
        told = ", ".join(f"{reason} {number}" for reason, number in sorted(reasons.items()))
        warnings.warn(
            f"{stage}: {len(rows)} left ({told}); pass rejects=[] to have them", stacklevel=4
        )


def records_of(
    stage: Source, path: str, rejects: list[dict[str, Any]] | None, name: str, isolate: bool
) -> Iterator[dict[str, Any]]:
    """The records of a source, one dict at a time, without the columns that are null."""
    rejected: list[pa.Table] = []
    if not os.path.exists(path) and (wrong := secrets.problem(path)):
        raise UsageError(wrong)
    for part in stage.parts(path, PART_BYTES):
        for split in stage.splits(part, name, isolate):
            if rejects is not None:
                rejects.extend(split.rejects.to_pylist())
            elif split.rejects.num_rows:
                rejected.append(split.rejects)
            for row in split.kept.to_pylist():
                yield {key: value for key, value in row.items() if value is not None}
    _hand_over(stage.name, rejected, rejects)


def as_table(data: Any) -> tuple[pa.Table, bool]:
    """(table, whether dicts came in) of dicts, a table, a corpus or its path.

    Records without an id get one from their content; without source and place, empty ones.
    """
    if isinstance(data, corpus.Corpus):
        return data.table(), False
    if isinstance(data, str | os.PathLike):
        return corpus.Corpus(data).table(), False
    if isinstance(data, pa.Table):
        missing = [field for field in records.SCHEMA if field.name not in data.column_names]
        if missing and "id" in data.column_names:
            return data, False
        rows: list[Mapping[str, Any]] = data.to_pylist()
        extra = {f.name: f.type for f in data.schema if f.name not in records.CORE}
        return _identified(rows, extra), False
    rows = list(data)
    names = {name for row in rows for name in row if name not in records.CORE}
    extra = {
        name: pa.infer_type([row.get(name) for row in rows if row.get(name) is not None])
        for name in sorted(names)
    }
    return _identified(rows, extra), True


def _identified(rows: Iterable[Mapping[str, Any]], extra: Mapping[str, pa.DataType]) -> pa.Table:
    seen: dict[bytes, int] = {}
    out = []
    for row in rows:
        if row.get("id") is None:
            raw = records.to_json({k: v for k, v in row.items() if k in records.CORE}).encode()
            digest = hashlib.blake2b(raw, digest_size=8).digest()
            ordinal = seen.get(digest, 0)
            seen[digest] = ordinal + 1
            row = {**row, "id": records.record_id("", "", raw, ordinal)}
        out.append({"source": "", "place": "", **row})
    return records.to_table(out, records.schema_with(extra))


def transformed(stage: Transform, data: Any, rejects: list[dict[str, Any]] | None) -> Any:
    """Judge records in this process; see `Transform.__call__`."""
    from stages.base import Fit, Map, State, VisibleState
    from stages.verdicts import Batch

    table, dicts = as_table(data)
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
    _hand_over(stage.name, [s.rejects for s in splits if s.rejects.num_rows], rejects)
    schema = stage.schema(table.schema)
    kept = pa.concat_tables([s.kept for s in splits]) if splits else schema.empty_table()
    if not dicts:
        return kept
    return [{k: v for k, v in row.items() if v is not None} for row in kept.to_pylist()]


def _check_needs(stage: Transform, table: pa.Table) -> None:
    for group in stage.needs():
        if not any(name in table.column_names for name in group):
            raise UsageError(
                f"{stage.name} needs a column {' or '.join(group)}; the records have "
                f"{', '.join(table.column_names)}"
            )


def ended(stage: End, source: Path, out: Path) -> dict[str, Any]:
    """Run an end stage into a temporary folder that then takes the name `out`.

    Unfinished work lies in a hidden folder beside `out`, so that the same call goes on.
    """
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
        corpus.write_json(
            temporary / corpus.MANIFEST,
            {
                **corpus.MADE_BY,
                "format": records.FORMAT,
                "kind": stage.kind.name,
                "stage": stage.name,
                **_files_of(temporary),
                "summary": summary,
            },
        )
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


def _files_of(folder: Path) -> dict[str, Any]:
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
