"""Findings that are told while a run goes on: how many are false, and how late the true ones are.

    python -m benchmarks.bench_live [--logs 60]

The logs of `bench_curves`, replayed: the curve is looked at 50 times and after each validation, as
`train` does, and a finding counts once two looks in a row have it. Beside it what a single look
would give (a finding counts at first sight), and patience 3 on validation. Late: how much of the
run has passed when it is told.
"""

from __future__ import annotations

import argparse
import math
import statistics
from typing import Any

from benchmarks.bench_curves import EVENTS, QUIET, made
from benchmarks.measure import header, table

LOOKS = 50


def prefix(log: Any, step: float) -> Any:
    """The log as it was after so many steps."""
    from stages.curves.read import Log

    return Log(*(side.where(side.steps <= step) for side in (log.train, log.val)))


def replayed(log: Any) -> tuple[dict[str, float], dict[str, float]]:
    """kind → the share of the run at which it is told; the same at first sight."""
    from stages.curves.findings import findings
    from stages.train.live import EARLY, certain
    from stages.train.state import State

    total = max(float(log.train.steps[-1]), float(log.val.steps[-1]) if len(log.val) else 0)
    every = max(1, math.ceil(total / LOOKS))
    looks = sorted({*range(every, int(total) + 1, every), *log.val.steps.tolist()} - {0.0})
    state = State({}, {}, 1)
    told: dict[str, float] = {}
    seen: dict[str, float] = {}
    for step in looks:
        found = findings(prefix(log, step))
        for one in found:
            if one["kind"] in EARLY:
                seen.setdefault(one["kind"], step / total)
        for one in certain(found, state):
            told.setdefault(one["kind"], step / total)
    return told, seen


def stopped(log: Any) -> float | None:
    """The share of the run at which patience 3 stops."""
    values, best, waited = log.val.values.tolist(), math.inf, 0
    for at, value in enumerate(values):
        best, waited = (value, 0) if value < best else (best, waited + 1)
        if waited == 3:
            return at / (len(values) - 1)
    return None


def main() -> None:
    """Print how many runs are told of each kind, and when overfitting is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, default=60, help="of each trait")
    count = parser.parse_args().logs
    header("live", "numpy")
    kinds = ("epoch_step", "divergence", "plateau", "spikes", "overfit")
    shown, late = [], []
    for trait in QUIET + EVENTS:
        logs = [made(seed, trait) for seed in range(count)]
        runs = [replayed(one.log) for one in logs]
        row: list[object] = [trait]
        for kind in kinds:
            told, seen = (sum(kind in which for which in side) for side in zip(*runs, strict=True))
            row.append(f"{told} / {seen}")
        shown.append(row)
        if trait == "validation turns":
            mine = [told["overfit"] for told, _ in runs if "overfit" in told]
            others = [at for one in logs if (at := stopped(one.log)) is not None]
            late = [
                (name, len(found), statistics.median(found) if found else "-")
                for name, found in (("seedbed", mine), ("patience 3", others))
            ]
    print("told in two looks / seen at first sight")
    table((f"of {count} logs", *kinds), shown)
    table((f"of {count} logs whose validation turns", "stopped", "at share of the run"), late)


if __name__ == "__main__":
    main()
