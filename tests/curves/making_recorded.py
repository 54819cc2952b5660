"""A training's folder as `train` leaves it, without a training: curve.jsonl and `recorded/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather

from stages import json_lines

STEPS = (0, 1, 2, 4, 8, 16, 24, 32, 40)
PER_EPOCH, EPOCHS = 20, 2
HOSTILE = "</script><script>document.documentElement.dataset.owned='yes'</script>"
# The text of a record as tokens: repeated, so that pairs come back.
PIECES = ["The", " cat", "'", "s", " ear", ".", "\n", " 12", HOSTILE, " The", " cat", " <b>", "ing"]


def recorded(folder: Path, records: int = 12, plain: bool = True) -> Path:
    """Write the folder. records: of either side together, every third of validation. plain: without
    the file that says which base it was."""
    random = np.random.default_rng(3)
    place = folder / "recorded"
    place.mkdir(parents=True)
    split = ["val" if number % 3 == 2 else "train" for number in range(records)]
    _curve(folder, random)
    points = [
        {"step": step, "epoch": step / PER_EPOCH, "seen": 130 * step, "trained": 120 * step}
        for step in STEPS
    ]
    told = {
        "format": 1, "points": points,
        "probe": {"rule": "by hash of (seed, id)", "tokens": 12 * records, "records_train": 8,
                  "records_val": 4},
        "base": {"rule": "all of them", "records": 8}, "retention": None,
    }  # fmt: skip
    (place / "recorded.json").write_text(json.dumps(told))
    pieces = [[*PIECES[number % 3 :], f" {number}"] for number in range(records)]
    counts = [len(one) - 1 for one in pieces]
    _write(place / "records.arrow", {
        "id": [f"{number:032x}" for number in range(records)],
        "split": split,
        "source": ["forum" if number % 2 else "site" for number in range(records)],
        "cluster": [None if number == 0 else str(number % 2) for number in range(records)],
        "group": pa.array([None] * records, pa.string()),
        "length": pa.array([len(one) for one in pieces], pa.int32()),
        "targets": pa.array(counts, pa.int32()),
        "bytes": pa.array(counts, pa.int32()),
        "base": pa.array([3.5 if one == "train" else None for one in split], pa.float32()),
        "first": pa.array([3.4] * records, pa.float32()),
        "last": pa.array(np.linspace(1, 2, records), pa.float32()),
        "measured": pa.array([2] * records, pa.int32()),
        "probed": [True] * records,
    })  # fmt: skip
    train = [number for number in range(records) if split[number] == "train"]
    val = [number for number in range(records) if split[number] == "val"]
    visits = [(epoch * PER_EPOCH + 1 + at, number) for epoch in range(EPOCHS)
              for at, number in enumerate(train)]  # fmt: skip
    _write(place / "visits.arrow", {
        "step": pa.array([step for step, _ in visits], pa.int32()),
        "record": pa.array([number for _, number in visits], pa.int32()),
        "loss": pa.array([3.0 - step / 20 for step, _ in visits], pa.float32()),
    })  # fmt: skip
    seen = [(step, number) for step in (0, 20, 40) for number in val]
    _write(place / "evaluations.arrow", {
        "step": pa.array([step for step, _ in seen], pa.int32()),
        "record": pa.array([number for _, number in seen], pa.int32()),
        **{name: pa.array([0.5] * len(seen), pa.float32())
           for name in ("loss", "accuracy", "confidence", "entropy")},
    })  # fmt: skip
    _write(place / "probe.arrow", {
        "record": pa.array(range(records), pa.int32()),
        "split": split,
        "input_ids": pa.array([list(range(len(one))) for one in pieces], pa.list_(pa.uint32())),
        "targets": [[False, *[True] * (len(one) - 1)] for one in pieces],
        "pieces": pieces,
        "first": pa.array(np.cumsum([0, *counts[:-1]]), pa.int64()),
        "count": pa.array(counts, pa.int32()),
    })  # fmt: skip
    depth = random.gamma(2, 0.7, sum(counts))
    falls = 1 / (1 + np.exp(np.log1p(STEPS)[:, None] - 2))
    np.save(place / "probe.npy", (depth + (4 - depth) * falls).astype(np.float16))
    _groups(place, split)
    worst = sorted(range(records), key=lambda number: -number)
    json_lines.write(place / "worst.jsonl", [
        {"id": f"{number:032x}", "split": split[number], "source": "site", "cluster": None,
         "group": None, "targets": counts[number], "base": None, "first": 3.4, "last": 2.0,
         "measured": 2, "score": 2.0, "text": "".join(pieces[number])}
        for number in worst[:5]
    ])  # fmt: skip
    return folder


def _curve(folder: Path, random: np.random.Generator) -> None:
    rows: list[dict[str, Any]] = []
    for step in range(PER_EPOCH * EPOCHS + 1):
        axes = {"step": step, "epoch": step / PER_EPOCH, "seen": 130 * step, "trained": 120 * step}
        if step:
            loss = 3.0 - 0.02 * step + random.normal(0, 0.05)
            rows.append(
                {
                    **axes,
                    "split": "train",
                    "loss": loss,
                    "tokens": 120,
                    "records": 4,
                    "lr": 1e-3,
                    "grad_norm": 1.0,
                    "excess": loss - 3.2,
                    "paired": 100,
                }
            )
        if step % 5 == 0:
            for side, level in (
                ("val", 3.1),
                ("probe_train", 3.0),
                ("probe_val", 3.1),
                ("retention", 2.0),
            ):
                slope = 0.01 if side == "retention" else -0.02
                rows.append(
                    {
                        **axes,
                        "split": side,
                        "loss": level + slope * step,
                        "tokens": 90,
                        "records": 4,
                        "accuracy": 0.4 + step / 200,
                        "confidence": 0.5,
                        "entropy": 2.0,
                        "bits_per_byte": 1.0,
                        "lr": None,
                        "grad_norm": None,
                    }
                )
    json_lines.write(folder / "curve.jsonl", rows)  # fmt: skip


def _groups(place: Path, split: list[str]) -> None:
    rows: list[tuple[str, str, str, int, float]] = []
    for by, names in (("source", ("site", "forum")), ("cluster", ("0", "1"))):
        for at, name in enumerate(names):
            rows += [(by, name, "train", step, 2.5 + at - step / 40) for step in (20, 40)]
            rows += [(by, name, "val", step, 2.6 + at - step / 50) for step in range(0, 41, 5)]
    _write(place / "groups.arrow", {
        "by": [row[0] for row in rows], "name": [row[1] for row in rows],
        "split": [row[2] for row in rows],
        "step": pa.array([row[3] for row in rows], pa.int32()),
        "records": pa.array([4] * len(rows), pa.int32()),
        "targets": pa.array([400 if row[1] == "site" else 300 for row in rows], pa.int64()),
        "loss": pa.array([row[4] for row in rows], pa.float32()),
        "base": pa.array([None] * len(rows), pa.float32()),
    })  # fmt: skip


def _write(path: Path, columns: dict[str, Any]) -> None:
    pa.feather.write_feather(pa.table(columns), path, compression="zstd")
