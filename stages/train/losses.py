"""The panel of losses by source and record: which records taught, and which are not understood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from stages import json_lines
from stages.corpus import read_arrow
from stages.errors import UsageError
from stages.kinds import Panel
from stages.pages import rendered
from stages.train.recorded import FOLDER
from stages.words import number

HARDEST = 6  # records that are shown


def panels(folder: Path) -> list[Panel]:
    """Losses by source, of all records, and the records with the highest; nothing where training
    recorded none."""
    place = folder / FOLDER
    try:
        records = read_arrow(place / "records.arrow", ("source", "split", "last", "targets"))
    except UsageError:  # of an earlier version, or sent without it
        return []
    last = np.asarray(records.column("last").drop_null(), dtype=float)
    if not len(last):
        return []
    half, most = np.percentile(last, [50, 90])
    body = rendered(
        "stages.train:losses.html",
        rows=_by_source(place),
        note=f"Of {number(len(last))} records that were measured half have a last loss under "
        f"{half:.2f}, and nine tenths under {most:.2f}.",
        hardest=json_lines.read(place / "worst.jsonl")[:HARDEST],
    )
    return [Panel("Loss by source and record", body)]


def _by_source(place: Path) -> list[dict[str, Any]]:
    """A row a source and side: records, and the mean loss at the first and last measurement."""
    table = read_arrow(place / "groups.arrow")
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        if row["by"] == "source":
            found.setdefault((row["name"], row["split"]), []).append(row)
    return [
        {
            "source": source,
            "split": split,
            "records": rows[-1]["records"],
            "targets": rows[-1]["targets"],
            "first": rows[0]["loss"],
            "last": rows[-1]["loss"],
        }
        for (source, split), rows in sorted(found.items())
    ]
