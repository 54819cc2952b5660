"""How a training learned one record: its loss at each visit, for `explain`."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.corpus import read_arrow
from stages.errors import UsageError
from stages.kinds import summary_of
from stages.train.recorded import FOLDER

MOST = 12  # visits that are told


def life(folder: Path, what: str) -> list[str]:
    """Lines on the record with an id: its losses by epoch, in nats a target; nothing where the
    training did not have it, or has no record of it."""
    place = folder / FOLDER
    try:
        records = read_arrow(place / "records.arrow")
    except UsageError:  # of an earlier version, or sent without it
        return []
    at = pc.index(records.column("id"), what).as_py()
    if at < 0:
        return []
    row = records.slice(at, 1).to_pylist()[0]
    name = "visits" if row["split"] == "train" else "evaluations"
    table = read_arrow(place / f"{name}.arrow", ["step", "record", "loss"])
    mine = table.filter(pc.equal(table.column("record"), pa.scalar(at, pa.int32())))
    summary = summary_of(folder)
    per_epoch = max(1, round(summary["steps"] / max(1, summary["epochs"])))
    seen = [
        f"{loss:.3f} at step {step:,} ({_epoch(step, per_epoch, row['split'])})"
        for step, loss in zip(
            mine.column("step").to_pylist(), np.asarray(mine.column("loss")), strict=True
        )
    ]
    if len(seen) > MOST:
        seen = [*seen[: MOST // 2], f"… {len(seen) - MOST:,} more …", *seen[-MOST // 2 :]]
    head = "trained" if row["split"] == "train" else "measured"
    told = [
        f"{head}: {row['targets']:,} of its {row['length']:,} tokens enter the loss; nats a token: "
        + (", ".join(seen) or "no step had it")
    ]
    if row["base"] is not None:
        told[0] += f"; {row['base']:.3f} before training"
    return told


def _epoch(step: int, per_epoch: int, split: str) -> str:
    if split == "train":
        return f"epoch {math.ceil(step / per_epoch)}"
    return f"epoch {step / per_epoch:.1f}"
