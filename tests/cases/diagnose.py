"""Diagnose on an adapter folder of ours and on logs of other trainers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from stages import Diagnose
from stages.testing import Case


def curve(
    *,
    per: int = 40,
    passes: int = 3,
    noise: float = 0.05,
    fall: float = 0.3,
    step: float = 0.0,
    seed: int = 0,
) -> np.ndarray[Any, Any]:
    """ln(loss) of a run: a falling trend, white noise, a drop of `step` at each epoch's border."""
    lines = np.arange(per * passes)
    part = (lines + 1) / len(lines)
    level = 0.7 - fall * part**0.5 + np.random.default_rng(seed).normal(0, noise, len(lines))
    return level - step * (lines // per)


def own_lines(level: np.ndarray[Any, Any], per: int, val: dict[int, float]) -> list[dict[str, Any]]:
    """The lines of curve.jsonl for ln(loss) by step, with validation losses at some steps."""
    lines = []
    for step in range(len(level) + 1):
        common = {"step": step, "epoch": step / per}
        if step:
            loss = float(np.exp(level[step - 1]))
            lines.append({**common, "split": "train", "loss": loss})
        if step in val:
            lines.append({**common, "split": "val", "loss": val[step]})
    return lines


def write_lines(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def trainer_state(path: Path, rows: list[dict[str, Any]], **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"log_history": rows, **more}))
    return path


def cases(folder: Path) -> list[Case]:
    """A folder of ours with an epoch step, a log that is refused, and one that says little."""
    lines = own_lines(curve(step=0.4), 40, {0: 2.0, 40: 1.7, 80: 1.6, 120: 1.59})
    write_lines(folder / "adapter" / "curve.jsonl", lines)
    preference = [{"step": n, "loss": 0.69, "rewards/chosen": 0.1} for n in range(1, 20)]
    refused = trainer_state(folder / "run" / "trainer_state.json", preference)
    short = folder / "short.csv"
    short.write_text("step,loss\n1,2.5\n2,2.4\n3,2.2\n4,2.1\n")
    return [
        Case(Diagnose(), path=str(folder / "adapter")),
        Case(Diagnose(width=640), path=str(refused)),
        Case(Diagnose(), path=str(short)),
    ]
