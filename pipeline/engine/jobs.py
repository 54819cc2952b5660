"""What a worker does: one job makes one entry of the store and answers with a small summary.

A job is JSON: `do`, `stage`, `parameters`, `key`, `store`, the paths of its input, and `files`:
what its key was made of, as it was when it was hashed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

import stages
from pipeline.engine.content import Damaged, Hashed, unchanged, verified
from pipeline.engine.keys import hash_of
from pipeline.engine.store import Entry, Store
from stages import check
from stages.base import Fit, Map, Part, Seen, Source, Stage, State
from stages.corpus import (
    MANIFEST,
    ArrowWriter,
    Digest,
    batches_of,
    iterate_arrow,
    read_arrow,
    sha256_of,
    write_json,
)
from stages.counts import Counts
from stages.records import REJECTS, SCHEMA
from stages.verdicts import Batch, Judged

DATA, REJECTED, OBSERVED, STATE = "data.arrow", "rejects.arrow", "observed.arrow", "state.json"


def execute(job: dict[str, Any]) -> dict[str, Any]:
    """Do one job; returns `summary_of` its entry. Changed when a file that the job's key was made
    of is another one by now, Damaged when a piece is: nothing is committed then."""
    store = Store(Path(job["store"]))
    stage = _stage(job["stage"], json.dumps(job["parameters"], sort_keys=True))
    files = [Hashed(*file) for file in job["files"]]
    unchanged(files, read=False)
    write, main = _DO[job["do"]](store, stage, job)

    def checked(folder: Path) -> dict[str, Any]:
        values = write(folder)
        unchanged(files, read=True)
        return values

    return summary_of(store.put(job["key"], checked, main))


@lru_cache(maxsize=8)
def _stage(name: str, parameters: str) -> Stage:
    built = check.build(stages.stage(name), json.loads(parameters))
    assert isinstance(built, Stage)
    return built


def summary_of(entry: Entry) -> dict[str, Any]:
    """The part of an entry's manifest that the driver needs."""
    manifest = entry.manifest
    return {
        "key": entry.key,
        "sha256": manifest["sha256"],
        "rows": manifest.get("rows", 0),
        "counts": manifest.get("counts"),
    }


def encode_schema(schema: pa.Schema) -> str:
    """A schema as text that travels in a job."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def decode_schema(text: str) -> pa.Schema:
    """The schema of `encode_schema`."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def aligned(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns of a schema; what it lacks is null."""
    if table.schema.equals(schema):
        return table
    return pa.Table.from_arrays(
        [
            table.column(field.name)
            if field.name in table.column_names
            else pa.nulls(table.num_rows, field.type)
            for field in schema
        ],
        schema=schema,
    )


def write_splits(folder: Path, schema: pa.Schema, splits: Iterable[Judged]) -> dict[str, Any]:
    """Write the splits of a piece; returns the piece's manifest values."""
    data = ArrowWriter(folder / DATA, schema)
    rejects = ArrowWriter(folder / REJECTED, REJECTS)
    counts = Counts()
    timing = passing = False
    try:
        for split in splits:
            data.write(split.kept)
            rejects.write(split.rejects)
            counts.add(split.counts)
            timing = timing or "deadline" in split.counts.reasons
            passing = passing or split.passing
        data.close()
        rejects.close()
    except BaseException:
        data.abandon()
        rejects.abandon()
        raise
    return {"rows": data.rows, "counts": asdict(counts), "timing": timing, "passing": passing}


# What writes the files of an entry, and the name of its main file.
_Work = tuple[Callable[[Path], dict[str, Any]], str | None]


def _read_source(store: Store, stage: Stage, job: dict[str, Any]) -> _Work:
    assert isinstance(stage, Source)
    part = Part(**{**job["part"], "files": tuple(job["part"]["files"])})
    splits = stage.splits(part, job["source"], True)
    return _written(stage.schema(SCHEMA), splits)


def _written(schema: pa.Schema, splits: Iterable[Judged]) -> _Work:
    return lambda folder: write_splits(folder, schema, splits), DATA


def _batches(job: dict[str, Any]) -> Iterator[pa.Table]:
    """The input piece's rows; row order and batch borders depend on the piece alone."""
    schema = decode_schema(job["schema"])
    for table in iterate_arrow(verified(Path(job["input"]), job["sha256"])):
        yield from batches_of(aligned(table, schema))


def _map(store: Store, stage: Stage, job: dict[str, Any]) -> _Work:
    assert isinstance(stage, Map)
    schema = stage.schema(decode_schema(job["schema"]))
    return _written(schema, (stage.split(batch) for batch in _batches(job)))


def _judge(store: Store, stage: Stage, job: dict[str, Any]) -> _Work:
    assert isinstance(stage, Fit)
    schema = stage.schema(decode_schema(job["schema"]))
    seen = read_seen(store, job["state"], job["local"])
    return _written(schema, (stage.split(batch, seen) for batch in _batches(job)))


def _observe(store: Store, stage: Stage, job: dict[str, Any]) -> _Work:
    assert isinstance(stage, Fit)
    seen = read_seen(store, job["state"], job["local"])

    def write(folder: Path) -> dict[str, Any]:
        writer = None
        for batch in _batches(job):
            table = stage.observe(Batch(batch), seen)
            if writer is None:
                writer = ArrowWriter(folder / OBSERVED, table.schema)
            writer.write(table)
        if writer is None:
            empty = stage.observe(Batch(decode_schema(job["schema"]).empty_table()), seen)
            writer = ArrowWriter(folder / OBSERVED, empty.schema)
        writer.close()
        return {"rows": writer.rows}

    return write, OBSERVED


# --- the state of a fit -------------------------------------------------------------------------


def _merge(store: Store, stage: Stage, job: dict[str, Any]) -> _Work:
    assert isinstance(stage, Fit)
    state = State()
    if job["state"]:
        before = _entry(store, job["state"])
        seen = read_seen(store, job["state"], None)
        state = State(seen.round, False, dict(seen.values), dict(seen.tables))
        if before.manifest["locals"]:
            whole = read_arrow(before.file("local.arrow"))
            state.local = _cut(whole, before.manifest["local_rows"])
    tables = [read_arrow(_entry(store, key).file(OBSERVED)) for key in job["observed"]]
    new = stage.merge(tables, state)
    new.round = state.round + 1

    def write(folder: Path) -> dict[str, Any]:
        write_json(folder / STATE, {"values": new.values, "tables": sorted(new.tables)})
        hashes = []
        for name, table in sorted(new.tables.items()):
            _write(folder / f"table-{name}.arrow", table)
        rows: list[int] = []
        if new.local is not None:
            if len(new.local) != len(tables):
                raise AssertionError(f"{stage.name}: a local table for each piece, or none")
            rows = [table.num_rows for table in new.local]
            hashes = [_table_hash(table) for table in new.local]
            _write(folder / "local.arrow", pa.concat_tables(new.local))
        return {
            "round": new.round,
            "done": new.done,
            "locals": hashes,
            "local_rows": rows,
            "shared": _shared_hash(folder),
        }

    return write, None


def _entry(store: Store, key: str) -> Entry:
    entry = store.get(key)
    if entry is None:
        raise Damaged(store.path(key) / MANIFEST)
    return entry


def _shared_hash(folder: Path) -> str:
    return hash_of({p.name: sha256_of(p) for p in folder.iterdir() if p.name != "local.arrow"})


def _cut(table: pa.Table, rows: list[int]) -> list[pa.Table]:
    out, begin = [], 0
    for number in rows:
        out.append(table.slice(begin, number))
        begin += number
    return out


def _write(path: Path, table: pa.Table) -> None:
    writer = ArrowWriter(path, table.schema)
    writer.write(table)
    writer.close()


def _table_hash(table: pa.Table) -> str:
    if not table.num_rows:
        return ""
    digest = Digest(table.schema)
    digest.update(table.combine_chunks())
    return digest.hexdigest()


def read_seen(store: Store, key: str | None, local: int | None) -> Seen:
    """What one piece sees of a state; `local` is the piece's number."""
    if not key:
        return Seen(0, {}, {}, None)
    entry = _entry(store, key)
    saved = json.loads(entry.file(STATE).read_bytes())
    tables = {name: read_arrow(entry.file(f"table-{name}.arrow")) for name in saved["tables"]}
    table = None
    if local is not None and entry.manifest["locals"]:
        rows = entry.manifest["local_rows"]
        whole = read_arrow(entry.file("local.arrow"))
        table = whole.slice(sum(rows[:local]), rows[local])
    return Seen(entry.manifest["round"], saved["values"], tables, table)


_DO = {
    "source": _read_source,
    "map": _map,
    "observe": _observe,
    "merge": _merge,
    "judge": _judge,
}
