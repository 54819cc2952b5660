"""Findings that are told while a run goes on: how many are false, and how late the true ones are.

    python -m benchmarks.bench_live [--logs 60]

The logs of `bench_curves`, replayed: the curve is looked at 50 times and after each validation, as
`train` does, and a finding counts once two looks in a row have it. Beside it what a single look
would give (a finding counts at first sight), and patience 3 on validation. Late: how much of the
run has passed between the turn of validation, which is known here, and what is told.
"""

from __future__ import annotations

import argparse
import math
import statistics
from typing import Any

from benchmarks.bench_curves import RISES, TRAITS, log_of, validated
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
    state = State("replay")
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
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, default=60)
    count = parser.parse_args().logs
    header("live", "numpy")
    shown = []
    for trait in TRAITS:
        runs = [replayed(log_of(seed, 0.0, trait)) for seed in range(count)]
        row: list[object] = [trait]
        for kind in ("epoch_step", "divergence", "plateau", "spikes"):
            row.append(" / ".join(str(sum(kind in which for which in side))
                                  for side in zip(*runs, strict=True)))  # fmt: skip
        shown.append(row)
    head = (f"of {count} logs without a step", "epoch step", "divergence", "plateau", "spikes")
    print("told in two looks / seen at first sight")
    table(head, shown)
    late = []
    for rise in RISES:
        logs = [validated(seed, rise) for seed in range(count)]
        runs = [replayed(log) for log in logs]
        mine = [told["overfit"] for told, _ in runs if "overfit" in told]
        once = sum("overfit" in seen for _, seen in runs)
        others = [at for log in logs if (at := stopped(log)) is not None]
        late.append(
            (f"rise of {100 * rise:g} %", len(mine), once, len(others),
             *(statistics.median(some) if some else "-" for some in (mine, others)))
        )  # fmt: skip
    table((f"of {count} logs", "told", "at first sight", "patience 3", "told at", "patience at"),
          late)  # fmt: skip


if __name__ == "__main__":
    main()
