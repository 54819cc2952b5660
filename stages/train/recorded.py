"""The folder `recorded/` of a training: what was measured, as tables. docs/architecture.md has the
schema; a page of curves, and anybody's notebook, are made from these files alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages import json_lines
from stages.corpus import write_json
from stages.train.data import LABELS, Documents
from stages.train.measure import Measured
from stages.train.recorder import Recorder
from stages.train.retention import Text
from stages.train.setup import Sides
from stages.train.spelling import Spelling

Array = np.ndarray[Any, Any]

FOLDER = "recorded"
FORMAT = 1
WORST = 100  # records that are shown
SHOWN = 2000  # characters of one of them
PRIOR = 16  # targets of mean loss that are added to each record when the worst are looked for
AXES = ("step", "epoch", "seen", "trained")


@dataclass(frozen=True)
class Recorded:
    """What the tables are made of. per_epoch: steps. rules: how probe and base were chosen."""

    sides: Sides
    measured: Measured
    text: Text | None
    spelling: Spelling | None
    per_epoch: int
    rules: dict[str, str]


def write(out: Path, given: Recorded, recorder: Recorder, lines: Sequence[dict[str, Any]]) -> None:
    """Write the folder below `out`. lines: of the curve."""
    folder = out / FOLDER
    folder.mkdir()
    visits, evaluations = recorder.rows("visits.bin"), recorder.rows("evaluations.bin")
    base = recorder.rows("base.bin")
    records = _records(given, visits, evaluations, base)
    _write(folder / "records.arrow", records)
    _write(folder / "visits.arrow", _table(visits))
    _write(folder / "evaluations.arrow", _table(evaluations))
    _write(folder / "groups.arrow", _groups(given, records, visits, evaluations))
    json_lines.write(folder / "worst.jsonl", _worst(given, records))
    points = [{k: line[k] for k in AXES} for line in lines if line["split"] == "probe_train"]
    probe = _probe(given)
    _write(folder / "probe.arrow", probe)
    count = int(np.sum(probe.column("count").to_numpy())) if probe.num_rows else 0
    losses = recorder.rows("probe.bin").reshape(len(points), count)
    np.save(folder / "probe.npy", losses, allow_pickle=False)
    write_json(folder / "recorded.json", _facts(given, points, count))


def _facts(given: Recorded, points: list[dict[str, Any]], count: int) -> dict[str, Any]:
    measured, text = given.measured, given.text
    retention = None
    if text is not None and len(measured.retention):
        kept = measured.retention
        retention = {
            "name": text.name,
            "license": text.license,
            "passages": len(kept),
            "tokens": int(kept.targets.sum()),
            "bytes": None if given.spelling is None else int(given.spelling.sizes(kept).sum()),
        }
    return {
        "format": FORMAT,
        "points": points,
        "probe": {
            "rule": given.rules["probe"],
            "tokens": count,
            "records_train": len(measured.probe_train),
            "records_val": len(measured.probe_val),
        },
        "base": {"rule": given.rules["base"], "records": len(measured.base)},
        "retention": retention,
    }


def _records(given: Recorded, visits: Array, evaluations: Array, base: Array) -> pa.Table:
    train, val = given.sides.documents, given.sides.validation
    count = len(train) + len(val)
    first, last = np.full(count, np.nan, np.float32), np.full(count, np.nan, np.float32)
    often = np.zeros(count, dtype=np.int32)
    for rows in (visits, evaluations):
        last[rows["record"]] = rows["loss"]  # in the order of steps: the later one stays
        first[rows["record"][::-1]] = rows["loss"][::-1]
        often += np.bincount(rows["record"], minlength=count).astype(np.int32)
    probed = np.zeros(count, dtype=bool)
    probed[[*given.measured.probe_train, *(len(train) + at for at in given.measured.probe_val)]] = 1
    known = np.full(count, np.nan, np.float32)
    known[: len(base)] = base
    bytes_ = pa.nulls(count, pa.int32())
    if given.spelling is not None:
        sizes = [given.spelling.sizes(side) for side in (train, val)]
        bytes_ = pa.array(np.concatenate(sizes), pa.int32())
    labels = {name: pa.concat_arrays([train.labels[name], val.labels[name]]) for name in LABELS}
    return pa.table(
        {
            "id": pa.array([*train.ids, *val.ids], pa.string()),
            "split": pa.array(["train"] * len(train) + ["val"] * len(val), pa.string()),
            **labels,
            "length": pa.array(np.concatenate([train.lengths, val.lengths]), pa.int32()),
            "targets": pa.array(np.concatenate([train.targets, val.targets]), pa.int32()),
            "bytes": bytes_,
            "base": pa.array(known, from_pandas=True),
            "first": pa.array(first, from_pandas=True),
            "last": pa.array(last, from_pandas=True),
            "measured": pa.array(often),
            "probed": pa.array(probed),
        }
    )


def _probe(given: Recorded) -> pa.Table:
    sides = given.sides
    rows: dict[str, list[Any]] = {
        name: [] for name in ("record", "split", "input_ids", "targets", "pieces", "count")
    }
    for split, documents, numbers, begin in (
        ("train", sides.documents, given.measured.probe_train, 0),
        ("val", sides.validation, given.measured.probe_val, len(sides.documents)),
    ):
        for number in numbers:
            ids, wanted = documents.tokens(number)
            pieces = None if given.spelling is None else given.spelling.pieces(ids)
            told = (begin + number, split, ids.tolist(), wanted.tolist(), pieces, int(wanted.sum()))
            for name, value in zip(rows, told, strict=True):
                rows[name].append(value)
    counts = np.array(rows["count"], dtype=np.int32)
    first = np.cumsum(counts, dtype=np.int64) - counts
    return pa.table(
        {
            "record": pa.array(rows["record"], pa.int32()),
            "split": pa.array(rows["split"], pa.string()),
            "input_ids": pa.array(rows["input_ids"], pa.list_(pa.uint32())),
            "targets": pa.array(rows["targets"], pa.list_(pa.bool_())),
            "pieces": pa.array(rows["pieces"], pa.list_(pa.string())),
            "first": pa.array(first),
            "count": pa.array(counts),
        }
    )


# --- groups of records --------------------------------------------------------------------------

GROUPS = pa.schema(
    [
        ("by", pa.string()), ("name", pa.string()), ("split", pa.string()), ("step", pa.int32()),
        ("records", pa.int32()), ("targets", pa.int64()), ("loss", pa.float32()),
        ("base", pa.float32()),
    ]
)  # fmt: skip


def _groups(given: Recorded, records: pa.Table, visits: Array, evaluations: Array) -> pa.Table:
    """Mean losses of records with a label in common: over each epoch's visits, and over each
    evaluation."""
    targets = records.column("targets").to_numpy().astype(np.int64)
    base = records.column("base").to_numpy()
    last = int(visits["step"].max(initial=0))
    ends = np.minimum(-(-visits["step"] // given.per_epoch) * given.per_epoch, last)
    made = []
    for split, rows, steps in (
        ("train", visits, ends), ("val", evaluations, evaluations["step"])
    ):  # fmt: skip
        for by in LABELS:
            column = records.column(by).combine_chunks().dictionary_encode()
            codes = column.indices.fill_null(-1).to_numpy()[rows["record"]]
            names = column.dictionary.to_pylist()
            for step in np.unique(steps):
                here = (steps == step) & (codes >= 0)
                made.append(
                    _means(rows[here], codes[here], names, targets, base, (by, split, int(step)))
                )
    return pa.concat_tables([GROUPS.empty_table(), *made])


def _means(
    rows: Array, codes: Array, names: list[str], targets: Array, base: Array,
    told: tuple[str, str, int],
) -> pa.Table:  # fmt: skip
    """A row for each group of two records and more."""
    weights = targets[rows["record"]]
    each, at = np.unique(codes, return_inverse=True)
    _, ones = np.unique(rows["record"], return_index=True)
    records = np.bincount(at[ones], minlength=len(each))
    tokens = np.bincount(at, weights, len(each)).astype(np.int64)
    loss = np.bincount(at, weights * rows["loss"].astype(float), len(each))
    own = base[rows["record"]].astype(float)
    known = np.isfinite(own)
    held = np.bincount(at, weights * known, len(each))
    before = np.bincount(at, weights * np.where(known, own, 0.0), len(each))
    kept = np.flatnonzero(records > 1)
    by, split, step = told
    with np.errstate(invalid="ignore", divide="ignore"):
        values = [
            [by] * len(kept), [names[each[n]] for n in kept], [split] * len(kept),
            [step] * len(kept), records[kept], tokens[kept], (loss / tokens)[kept],
            (before / held)[kept],
        ]  # fmt: skip
    arrays = [
        pa.array(one, field.type, from_pandas=True)
        for one, field in zip(values, GROUPS, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=GROUPS)


# --- the worst records --------------------------------------------------------------------------


def _worst(given: Recorded, records: pa.Table) -> Iterator[dict[str, Any]]:
    """The records with the highest last loss, short ones drawn to the mean."""
    last = records.column("last").to_numpy().astype(float)
    targets = records.column("targets").to_numpy().astype(float)
    known = np.isfinite(last)
    if not known.any():
        return
    mean = float((last * targets)[known].sum() / targets[known].sum())
    score = np.where(known, (last * targets + PRIOR * mean) / (targets + PRIOR), -np.inf)
    order = np.lexsort((np.arange(len(score)), -score))[: min(WORST, int(known.sum()))]
    names = ("id", "split", *LABELS, "targets", "base", "first", "last", "measured")
    rows = records.select(names).take(pa.array(order)).to_pylist()
    for number, row in zip(order.tolist(), rows, strict=True):
        yield {**row, "score": float(score[number]), "text": _text(given, number)}


def _text(given: Recorded, number: int) -> str | None:
    if given.spelling is None:
        return None
    train = given.sides.documents
    side: Documents = train if number < len(train) else given.sides.validation
    ids, _ = side.tokens(number if number < len(train) else number - len(train))
    return given.spelling.text(ids)[:SHOWN]


def _table(rows: Array) -> pa.Table:
    return pa.table({name: np.ascontiguousarray(rows[name]) for name in rows.dtype.names})


def _write(path: Path, table: pa.Table) -> None:
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(path, table.schema, options=options) as writer:
        writer.write_table(table.combine_chunks())
