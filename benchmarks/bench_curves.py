"""Epoch steps, overfitting, divergence and spikes against what people use in their place.

    python -m benchmarks.bench_curves [--logs 60] [--seed 0]

Logs are made here by seed: 2 to 5 epochs of 20 to 300 lines; ln(loss) falls along an exponential
and a power, with noise of 0.01 to 0.3, heavy-tailed and lingering a little, and one of: nothing
else, batches grouped by length, a short last batch an epoch, spikes that heal, spikes just before a
border, a drop inside an epoch, a plateau, or an event: a step at every border (sharp, or over 15
lines), a rise for good, losses that become NaN, a validation that turns. The strength of a step is
its height over noise / sqrt(half the lines of an epoch).

Against: the mean of 10 lines before a border and 10 after it, a fall of 5 %; PELT (ruptures, l2,
penalty 3 ln n) with a change downwards within 3 % of an epoch of a border; stopping with a patience
of three evaluations. Counted: runs that have at least one finding of the kind, of runs with the
event (found) and of runs without it (false).
"""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import header, in_turn, table

QUIET = (
    "nothing", "grouped batches", "short last batch", "spikes", "spikes before borders",
    "drop inside an epoch", "plateau",
)  # fmt: skip
EVENTS = ("sharp steps", "steps over 15 lines", "rise for good", "NaN", "validation turns")
SLOWER = 20  # PELT is given one log of so many
STRENGTHS = ((0, 4), (4, 8), (8, 16), (16, math.inf))


@dataclass(frozen=True)
class Made:
    """A log with what was planted. has: kinds of findings that are true; free: those that may or
    may not be found; strength: of its steps."""

    log: Any
    has: frozenset[str]
    free: frozenset[str]
    strength: float = 0.0


def made(seed: int, trait: str) -> Made:
    """One log; a line an optimizer step."""
    import numpy as np

    from stages.curves.log import Log, Series

    random = np.random.default_rng([seed, (QUIET + EVENTS).index(trait)])
    per, passes = round(math.exp(random.uniform(math.log(20), math.log(300)))), 0
    passes = int(random.integers(2, 6))
    count = per * passes
    part = np.arange(1, count + 1) / count
    sd = math.exp(random.uniform(math.log(0.01), math.log(0.3)))
    fall = random.uniform(0.02, 0.5) if trait != "plateau" else random.uniform(0, 0.01)
    level = 0.3 + random.uniform(0, 0.5) * np.exp(-part / random.uniform(0.01, 0.1))
    level -= fall * part ** random.uniform(0.4, 1)
    trend = level.copy()
    noise = random.standard_t(8, count) * sd * math.sqrt(6 / 8)
    slow = np.zeros(count)
    for line in range(1, count):
        slow[line] = 0.9 * slow[line - 1] + 0.44 * random.normal() * sd * 0.2
    level += noise + slow
    has, free, strength = set(), set(), 0.0
    if trait == "grouped batches":
        period = int(random.integers(4, 13))
        level += (np.arange(count) % period / period - 0.5) * sd * random.uniform(1, 4)
    if trait == "short last batch":
        level[per - 1 :: per] += sd * random.uniform(3, 8)
    if trait.startswith("spikes"):
        has.add("spikes")
        places = random.choice(np.arange(count // 5, count - 4), int(random.integers(1, 4)), False)
        if trait == "spikes before borders":
            places = np.array([per * int(random.integers(1, passes)) - int(random.integers(2, 5))])
            # In the line in which an epoch ends a high loss is no spike; beside it, it may be.
        height = max(8 * sd, random.uniform(0.3, 1.5))
        for place in places:
            for after in range(4):
                level[min(place + after, count - 1)] += height * 0.5**after
    if trait == "drop inside an epoch":
        place = int((random.integers(0, passes) + random.uniform(0.3, 0.7)) * per)
        level[place:] -= random.uniform(0.05, 0.3)
    if "steps" in trait:
        height = random.uniform(0.02, 0.4)
        ramp = 15 if "over" in trait else 1
        since = np.arange(count)[:, None] - per * np.arange(1, passes)[None, :]
        level -= height * np.clip((since + 1) / ramp, 0, 1).sum(axis=1)
        has.add("epoch_step")
        strength = height / (sd / math.sqrt(per / 2))
    values = np.exp(level)
    begin = int(count * random.uniform(0.3, 0.8))
    if trait == "rise for good":
        rise = np.minimum(np.arange(count - begin) / max(4, per // 8), 1)
        values[begin:] *= np.exp(rise * random.uniform(0.7, 2))
    if trait == "NaN":
        values[begin:] = np.nan
    if trait in ("rise for good", "NaN"):
        has.add("divergence")
        free.add("overfit")
    evaluations = int(random.integers(6, 25))
    at = np.unique(np.linspace(count / evaluations - 1, count - 1, evaluations).astype(int))
    val = trend[at] + random.uniform(-0.02, 0.1)
    if trait == "validation turns":
        turn = random.uniform(0.25, 0.7)
        where = (at + 1) / count
        val = 0.3 + 0.3 * (np.maximum(turn - where, 0) / turn) ** 2
        val += random.uniform(0.02, 0.3) * np.maximum(where - turn, 0) / (1 - turn)
        has.add("overfit")
    val = val + random.normal(0, math.exp(random.uniform(math.log(5e-4), math.log(0.01))), len(at))
    steps = np.arange(1, count + 1).astype(float)
    train = Series(steps, values, steps / per)
    log = Log(train, Series(steps[at], np.exp(val), steps[at] / per))
    return Made(log, frozenset(has), frozenset(free), strength)


def ours(log: Any) -> set[str]:
    """Kinds of findings."""
    from stages.curves.findings import findings

    return {one["kind"] for one in findings(log)}


def _borders(log: Any) -> list[int]:
    import numpy as np

    epochs = log.train.epochs
    lines = [int(np.argmax(epochs >= end)) for end in range(1, int(epochs[-1]) + 1)]
    return [line for line in lines if 3 <= line <= len(epochs) - 3]


def naive_mean(log: Any) -> set[str]:
    """The mean of the 10 lines before a border against the 10 after it."""
    import numpy as np

    for line in _borders(log):
        sides = (log.train.values[max(0, line - 10) : line], log.train.values[line : line + 10])
        if not all(np.isfinite(side).any() for side in sides):
            continue
        before, after = map(np.nanmean, sides)
        if before > 0 and (before - after) / before > 0.05:
            return {"epoch_step"}
    return set()


def pelt(log: Any) -> set[str]:
    """Change points of the level, those near a border."""
    import numpy as np
    import ruptures

    values = log.train.values
    good = np.isfinite(values) & (values > 0)
    level, epochs = np.log(values[good]), log.train.epochs[good]
    if len(level) < 20:
        return set()
    noise = 1.4826 * float(np.median(np.abs(np.diff(level) - np.median(np.diff(level)))))
    model = ruptures.Pelt(model="l2", min_size=5, jump=1).fit(level / (noise / math.sqrt(2)))
    changes = model.predict(pen=3 * math.log(len(level)))[:-1]
    for line in _borders(log):
        per = max(1, int((np.ceil(epochs) == np.ceil(epochs[min(line, len(epochs) - 1)])).sum()))
        for at in changes:
            falls = level[at : at + 10].mean() < level[max(0, at - 10) : at].mean()
            if abs(at - line) <= max(1, 0.03 * per) and falls:
                return {"epoch_step"}
    return set()


def patience(log: Any) -> set[str]:
    """Whether a trainer with early stopping would have stopped."""
    best, bad = math.inf, 0
    for value in log.val.values.tolist():
        best, bad = (value, 0) if value < best else (best, bad + 1)
        if bad >= 3:
            return {"overfit"}
    return set()


def main() -> None:
    """Print what each finds, where it is false, and the power by strength."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, default=60, help="of each trait")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    header("curves", "numpy", "ruptures")
    everything = [
        (trait, made(1000 * given.seed + number, trait))
        for number in range(given.logs)
        for trait in QUIET + EVENTS
    ]
    peers: dict[str, Callable[[Any], set[str]]] = {"seedbed": ours, "naive mean": naive_mean}
    if importlib.util.find_spec("ruptures"):
        peers["PELT"] = pelt
    peers["patience 3"] = patience
    # PELT takes a second a log and more: the first logs of each trait, for all rows of it.
    few = everything[: len(QUIET + EVENTS) * max(2, given.logs // SLOWER)]
    of = {name: few if name == "PELT" else everything for name in peers}
    works = {
        name: lambda name=name, find=find: [find(one.log) for _, one in of[name]]
        for name, find in peers.items()
    }
    timed = in_turn(works, 1)
    rows = []
    for kind, name in (
        ("epoch_step", "seedbed"), ("epoch_step", "naive mean"), ("epoch_step", "PELT"),
        ("overfit", "seedbed"), ("overfit", "patience 3"), ("divergence", "seedbed"),
        ("spikes", "seedbed"),
    ):  # fmt: skip
        if name not in timed:
            continue
        told = [
            (kind in found, kind in one.has, kind in one.free)
            for found, (_, one) in zip(timed[name].result, of[name], strict=True)
        ]
        hits = [found for found, has, _ in told if has]
        false = [found for found, has, free in told if not has and not free]
        speed = len(of[name]) / timed[name].seconds
        rows.append((
            f"{kind}, {name}", f"{sum(hits)} of {len(hits)}", f"{sum(false)} of {len(false)}",
            f"{100 * sum(false) / len(false):.2f} %", speed,
        ))  # fmt: skip
    table(("kind, by", "found", "false", "of runs", "logs/CPU-s"), rows)
    shown = []
    names = [name for name in ("seedbed", "naive mean", "PELT") if name in timed]
    for trait in ("sharp steps", "steps over 15 lines"):
        for low, high in STRENGTHS:
            cells = []
            for name in names:
                power = [
                    "epoch_step" in found
                    for found, (mine, one) in zip(timed[name].result, of[name], strict=True)
                    if mine == trait and low <= one.strength < high
                ]
                cells.append(f"{sum(power)} of {len(power)}")
            shown.append((f"{trait}, strength {low} to {high}", *cells))
    table(("runs with a step told", *names), shown)


if __name__ == "__main__":
    main()
