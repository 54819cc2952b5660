"""Epoch steps against Welch's t at each border, and overfitting against stopping with patience.

    python -m benchmarks.bench_curves [--logs 100]

Logs are made here by seed: 3 to 5 epochs of 60 to 200 lines, ln(loss) falls from 1.2 to 0.4 along
an exponential and has noise of 0.05 to 0.15; with a step of the given size at every border, or
with none and a trait that misleads: noise that lingers (AR(1), 0.6), a steep start, batches grouped
by length, outliers. The t test compares the 30 lines before a border with the 30 after it, at
p < .001. Counted: logs with at least one step reported.

Validation losses: 8 to 20 values that fall by a quarter and settle, with noise of 0.2 to 1.5 %, and
from somewhere in the middle rise by the given share until the end. Patience stops after three
values in a row that are no new best, as trainers' early stopping does.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.measure import header, in_turn, table

SIZES = (0.02, 0.05, 0.1, 0.2, 0.4)
RISES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
TRAITS = ("white noise", "lingering noise", "steep start", "grouped batches", "outliers")


def log_of(seed: int, step: float, trait: str) -> Any:
    """One log; a line an optimizer step."""
    import numpy as np

    from stages.curves.read import Log, Series

    random = np.random.default_rng([seed, round(step * 1000), TRAITS.index(trait)])
    per, passes = int(random.integers(60, 201)), int(random.integers(3, 6))
    at = np.arange(1, per * passes + 1)
    pace = per * passes * (0.02 if trait == "steep start" else random.uniform(0.1, 0.6))
    noise = random.standard_normal(len(at)) * random.uniform(0.05, 0.15)
    if trait == "lingering noise":
        for line in range(1, len(noise)):
            noise[line] = 0.6 * noise[line - 1] + 0.8 * noise[line]
    if trait == "grouped batches":  # each epoch goes from short to long records, a dozen times
        noise += 0.1 * (at % (per // 12) / (per // 12) - 0.5)
    if trait == "outliers":
        noise += (random.random(len(at)) < 0.02) * random.uniform(0.5, 2, len(at))
    level = 0.4 + 0.8 * np.exp(-at / pace) + noise - step * ((at - 1) // per)
    nothing = np.zeros(0)
    train = Series(at.astype(float), np.exp(level), at / per)
    return Log(train, Series(nothing, nothing, nothing))


def ours(log: Any) -> bool:
    """Whether the findings hold an epoch step."""
    from stages.curves.findings import findings

    return any(finding["kind"] == "epoch_step" for finding in findings(log))


def welch(log: Any) -> bool:
    """Whether the mean falls at any border."""
    import numpy as np
    from scipy.stats import ttest_ind

    level = np.log(log.train.values)
    borders = np.flatnonzero(np.diff(np.ceil(log.train.epochs - 1e-9))) + 1
    tests = (
        ttest_ind(level[at : at + 30], level[at - 30 : at], equal_var=False, alternative="less")
        for at in borders
    )
    return any(test.pvalue < 0.001 for test in tests)


def validated(seed: int, rise: float) -> Any:
    """A log whose validation loss rises by a share from somewhere in the middle."""
    import numpy as np

    from stages.curves.read import Log, Series

    random = np.random.default_rng([seed, 99, round(rise * 1000)])
    count = int(random.integers(8, 21))
    at = np.linspace(0, 1, count)
    turn = random.uniform(0.3, 0.6)
    level = 1.5 + 0.5 * np.exp(-at / random.uniform(0.05, 0.2))
    level *= 1 + rise * np.maximum(0, at - turn) / (1 - turn)
    level *= 1 + random.uniform(0.002, 0.015) * random.standard_normal(count)
    steps = np.round(at * 600)
    return Log(log_of(seed, 0.0, "white noise").train, Series(steps, level, steps / 200))


def overfit(log: Any) -> bool:
    """Whether the findings say so."""
    from stages.curves.findings import findings

    return any(finding["kind"] == "overfit" for finding in findings(log))


def patience(log: Any) -> bool:
    """Whether a trainer with early stopping would have stopped."""
    values = log.val.values.tolist()
    best = [min(values[: end + 1]) for end in range(len(values))]
    return any(min(values[at : at + 3]) > best[at - 1] for at in range(1, len(values) - 2))


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, default=100)
    count = parser.parse_args().logs
    header("curves", "numpy", "scipy")
    kinds = [(0.0, trait) for trait in TRAITS] + [(size, "white noise") for size in SIZES]
    rows = []
    for step, trait in kinds:
        logs = [log_of(seed, step, trait) for seed in range(count)]
        works = {
            "ours": lambda logs=logs: sum(map(ours, logs)),
            "t": lambda logs=logs: sum(map(welch, logs)),
        }
        timed = in_turn(works, 1)
        name = f"step of {step:g}" if step else f"no step, {trait}"
        rows.append((name, *(timed[key].result for key in works), count / timed["ours"].seconds))
    table((f"of {count} logs", "seedbed", "Welch's t", "logs/CPU-s"), rows)
    shown = []
    for rise in RISES:
        logs = [validated(seed, rise) for seed in range(count)]
        name = f"rise of {100 * rise:g} %" if rise else "no rise"
        shown.append((name, sum(map(overfit, logs)), sum(map(patience, logs))))
    table((f"of {count} logs", "overfit", "patience 3"), shown)


if __name__ == "__main__":
    main()
