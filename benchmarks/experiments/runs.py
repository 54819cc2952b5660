"""Trainings of an experiment, and what their records say of memorising.

A record is memorised by as much as its loss lies further below its base loss than validation's does
at the same step: `memorised = (val(s) - val(0)) - (loss(s) - base)`, in nats a target. Before a
record is trained on, that is nothing but noise, so the first epoch is the control of the others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stages import Train

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Made:
    """A training's curve and visits. per_epoch: its steps."""

    out: Path
    lines: list[dict[str, Any]]
    steps: Array
    records: Array
    losses: Array
    base: Array
    per_epoch: int

    def curve(self, split: str, name: str = "loss") -> tuple[Array, Array]:
        """(steps, values) of a side."""
        rows = [(one["step"], one[name]) for one in self.lines if one["split"] == split]
        return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])

    def memorised(self) -> Array:
        """Of each visit, in nats a target; validation between two looks is on a straight line."""
        at, val = self.curve("val")
        # A visit is measured before its step's update.
        control = np.interp(self.steps - 1, at, val) - val[0]
        made: Array = control - (self.losses - self.base[self.records])
        return made

    def findings(self) -> list[str]:
        """What `diagnose` finds, in words."""
        from stages.curves.findings import findings
        from stages.curves.read import read_log

        return [f"{one['kind']}: {one['words']}" for one in findings(read_log(self.out))]


def trained(folder: Path, source: Path, **given: Any) -> Made:
    """Train on one thread, in fp32, without dropout, with all base losses; what the folder holds
    already is read."""
    import pyarrow as pa

    common: dict[str, Any] = {
        "method": "full", "batch": 8, "device": "cpu", "precision": "fp32", "threads": 1,
        "samples": 0, "probe_tokens": 0, "base_losses": "all", "retention": "none", "warmup": 0.0,
        "attention": "documents", "save_minutes": 1e6, "save_every": 1 << 30,
    }  # fmt: skip
    stage = Train(**{**common, **given})
    out = folder / "out"
    if not (out / "summary.json").is_file():
        out.mkdir(parents=True)
        stage.run(source, out, folder / "work", lambda done, total: None)
    summary = json.loads((out / "summary.json").read_text())
    visits = pa.ipc.open_file(out / "recorded/visits.arrow").read_all()
    records = pa.ipc.open_file(out / "recorded/records.arrow").read_all()
    lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    step, record, loss = (visits.column(n).to_numpy() for n in ("step", "record", "loss"))
    borders = summary["epoch_borders"]
    return Made(
        out, lines, step, record, loss.astype(float), records.column("base").to_numpy(),
        borders[0] if borders else summary["steps"],
    )  # fmt: skip


def mean(values: Array) -> tuple[float, float]:
    """(mean, its standard error)."""
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))


def by_part(made: Made, per: int) -> list[tuple[float, float]]:
    """What was memorised (mean, error) in each run of `per` steps."""
    values, parts = made.memorised(), (made.steps - 1) // per
    return [mean(values[parts == part]) for part in range(int(parts.max()) + 1)]


def border(made: Made, step: int, width: int) -> tuple[float, float]:
    """The height of a step at a border (mean, error): what is memorised in `width` steps after it
    less what is in as many before it."""
    values = made.memorised()
    before = values[(made.steps > step - width) & (made.steps <= step)]
    after = values[(made.steps > step) & (made.steps <= step + width)]
    (low, one), (high, other) = mean(before), mean(after)
    return high - low, math.hypot(one, other)


def told(pair: tuple[float, float]) -> str:
    """A mean with two standard errors."""
    return f"{pair[0]:.3f} ± {2 * pair[1]:.3f}"


def rows(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    shown = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in shown) + "\n"


def figure(path: Path, made: Made, title: str, names: Sequence[tuple[int, str]]) -> None:
    """The curves as a drawing. names: steps that are marked."""
    from stages.charts.curve import Curve, drawing
    from stages.charts.svg import alone

    train, val = (list(zip(*map(np.ndarray.tolist, made.curve(side)), strict=True))
                  for side in ("train", "val"))  # fmt: skip
    curve = Curve(train, val, [(float(step), name) for step, name in names], title=title)
    path.write_text(alone(drawing(curve, 760, 320)), encoding="utf-8")
