"""What seeing a record once more does to its loss: paired records, less what validation learned.

Needs what our own training records (`recorded/visits.arrow`). The loss of a record at its next
visit minus that at the one before, minus the change of the validation loss between the same two
steps, is what was memorised; the pairing takes out how hard records are.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from stages.curves.finding import Finding, around, finding, percent, rounded
from stages.curves.log import Array, Log
from stages.curves.noise import of_lines

VISITS = Path("recorded", "visits.arrow")
FEWEST = 20  # records that were seen again
LIMIT = 3.0  # standard errors
LEAST = 0.01  # of the loss, from which memorising matters


def read_repeats(folder: Path) -> tuple[Array, ...]:
    """For each repetition an array of (step, loss in nats) at one visit and (step, loss) at the
    next, a row a record; nothing for a folder that has no visits."""
    if not (folder / VISITS).is_file():
        return ()
    import pyarrow as pa

    try:
        table = pa.ipc.open_file(folder / VISITS).read_all()
        columns = [table[name].to_numpy() for name in ("record", "step", "loss")]
    except (pa.ArrowInvalid, KeyError, OSError):
        return ()
    records, steps, losses = (np.asarray(column, dtype=float) for column in columns)
    order = np.lexsort((steps, records))
    records, steps, losses = records[order], steps[order], losses[order]
    first = np.concatenate([[True], np.diff(records) != 0]) if len(records) else np.zeros(0, bool)
    begin = np.maximum.accumulate(np.where(first, np.arange(len(records)), 0))
    visit = np.arange(len(records)) - begin
    made = []
    for number in range(1, int(visit.max(initial=0)) + 1):
        again = np.flatnonzero((visit == number) & np.isfinite(losses))
        rows = np.stack([steps[again - 1], losses[again - 1], steps[again], losses[again]], axis=1)
        made.append(rows[np.isfinite(rows).all(axis=1)])
    return tuple(rows for rows in made if len(rows) >= FEWEST)


def memorised(log: Log) -> list[Finding]:
    """How far records fall from one visit to the next beyond validation; the largest repetition."""
    good = np.isfinite(log.val.values)
    steps, val = log.val.steps[good], log.val.values[good]
    if len(val) < 2:
        return []
    noise = of_lines(np.log(val)) * float(np.median(val)) if len(val) > 4 else 0.0
    best: Finding | None = None
    for number, rows in enumerate(log.repeats, start=1):
        learned = np.interp(rows[:, 2], steps, val) - np.interp(rows[:, 0], steps, val)
        excess = rows[:, 3] - rows[:, 1] - learned
        height = float(excess.mean())
        error = math.hypot(float(excess.std(ddof=1)) / math.sqrt(len(excess)), noise)
        level = float(rows[:, 1].mean())
        if error <= 0 or height / error >= -LIMIT or -height < LEAST * level:
            continue
        low, high = around(height, error)
        words = (
            f"Records that were seen {number + 1} times lie {-height:.3f} nats ({-high:.3f} to "
            f"{-low:.3f}, {percent(-height / level)}) lower than learning in general explains: "
            f"that is memorised ({len(rows):,} records against themselves, less what validation "
            "fell)."
        )
        remedy = "Watch validation; a lower learning rate or fewer epochs memorise less."
        found = finding(
            log, "memorised", float(np.median(rows[:, 2])), height,
            "mean change of a record's loss to its next visit, less validation's, nats",
            (low, high), words, remedy, epoch=number, fall=rounded(-height / level),
        )  # fmt: skip
        if best is None or height < (best["statistic"] or 0.0):
            best = found
    return [best] if best is not None else []
