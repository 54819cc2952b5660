"""States of fits in the store: `values` and `tables` that every piece sees, `local` by piece."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa

from pipeline.engine.keys import hash_of
from pipeline.engine.store import Entry, Store, Values
from stages.base import Fit, State, VisibleState
from stages.corpus import ArrowWriter, Digest, read_arrow, sha256_of, write_json

_STATE, _LOCAL, _TOLD = "state.json", "local.arrow", "told.json"


class Learned(TypedDict):
    """What people are told of a state: its rounds, values, and the rows of its tables; lines for
    the end of its step, and warnings."""

    rounds: int
    values: dict[str, Any]
    tables: dict[str, int]
    lines: list[str]
    warnings: list[str]


def merge(
    store: Store,
    stage: Fit,
    before: str | None,
    observed: Sequence[tuple[str, str]],
    folder: Path,
) -> Values:
    """Merge observations, (key, file) of each piece, into the state after one more round, and
    write it; returns the values of the manifest. before: the key of the state before it."""
    state = _whole(store, before)
    tables = [read_arrow(store.needed(key).file(name)) for key, name in observed]
    new = stage.merge(tables, state)
    new.round = state.round + 1
    write_json(folder / _STATE, {"values": new.values, "tables": sorted(new.tables)}, flushed=False)
    write_json(folder / _TOLD, new.told, flushed=False)
    for name, table in sorted(new.tables.items()):
        _write(folder / f"table-{name}.arrow", table)
    rows: list[int] = []
    hashes: list[str] = []
    if new.local is not None:
        if len(new.local) != len(tables):
            raise AssertionError(f"{stage.name}: a local table for each piece, or none")
        rows = [table.num_rows for table in new.local]
        hashes = [_hash(table) for table in new.local]
        _write(folder / _LOCAL, pa.concat_tables(new.local))
    return {
        "round": new.round,
        "done": new.done,
        "locals": hashes,
        "local_rows": rows,
        "shared": _shared_hash(folder),
    }


def visible(store: Store, key: str | None, local: int | None) -> VisibleState:
    """What one piece sees of a state; `local` is the piece's number."""
    if not key:
        return VisibleState(0, {}, {}, None)
    entry = store.needed(key)
    saved = json.loads(entry.file(_STATE).read_bytes())
    tables = {name: read_arrow(entry.file(f"table-{name}.arrow")) for name in saved["tables"]}
    table = None
    if local is not None and entry.manifest["locals"]:
        rows = entry.manifest["local_rows"]
        whole = read_arrow(entry.file(_LOCAL))
        table = whole.slice(sum(rows[:local]), rows[local])
    return VisibleState(entry.manifest["round"], saved["values"], tables, table)


def learned(state: Entry) -> Learned:
    """What people are told of a state."""
    saved = json.loads(state.file(_STATE).read_bytes())
    tables = {n: read_arrow(state.file(f"table-{n}.arrow")).num_rows for n in saved["tables"]}
    if state.manifest["locals"]:
        tables["of each piece"] = sum(state.manifest["local_rows"])
    told = json.loads(state.file(_TOLD).read_bytes())
    return {
        "rounds": state.manifest["round"],
        "values": saved["values"],
        "tables": tables,
        "lines": told.get("lines", []),
        "warnings": told.get("warnings", []),
    }


def seen_by(state: Entry, piece: int) -> list[Any]:
    """What the key of a piece's job is made of: no more of the state than the piece sees."""
    locals_ = state.manifest["locals"]
    own = locals_[piece] if locals_ else None
    return [state.manifest["round"], state.manifest["shared"], own]


def _whole(store: Store, key: str | None) -> State:
    if key is None:
        return State()
    seen = visible(store, key, None)
    state = State(seen.round, False, dict(seen.values), dict(seen.tables))
    entry = store.needed(key)
    state.told = json.loads(entry.file(_TOLD).read_bytes())
    if entry.manifest["locals"]:
        whole, begin = read_arrow(entry.file(_LOCAL)), 0
        state.local = []
        for rows in entry.manifest["local_rows"]:
            state.local.append(whole.slice(begin, rows))
            begin += rows
    return state


def _shared_hash(folder: Path) -> str:
    unseen = (_LOCAL, _TOLD)
    return hash_of({p.name: sha256_of(p) for p in folder.iterdir() if p.name not in unseen})


def _write(path: Path, table: pa.Table) -> None:
    writer = ArrowWriter(path, table.schema)
    writer.write(table)
    writer.close()


def _hash(table: pa.Table) -> str:
    if not table.num_rows:
        return ""
    digest = Digest(table.schema)
    digest.update(table.combine_chunks())
    return digest.hexdigest()
