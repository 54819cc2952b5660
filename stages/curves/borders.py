"""Does the training loss fall at the border of an epoch, more than it does anywhere else?

Work is on ln(loss), whose noise is nearly white in real logs. At each border a line with a jump is
fitted to a window on both sides; the same fit at every other place is the placebo that says what
curved trends and grouped batches do to it. Measured on 48 public runs; see docs/evidence.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.curves.read import Log

Array = np.ndarray[Any, Any]

FEWEST_LINES = 8  # log lines of an epoch; with fewer no step can be told from noise
WINDOW = (4, 120)  # lines on each side of a border; half an epoch in between
WARM = 0.02  # share of the run at its start that is no placebo: the loss falls steeply there
LIMIT = 3.0  # standard deviations, of the fit and among the placebos
FEW_PLACEBOS = 30  # with fewer, their spread is not known and the t distribution stands in
RANK = 0.01
MOST_PLACEBOS, MOST_SHIFTS = 4000, 400  # evenly chosen of more, which a long log has


@dataclass(frozen=True)
class Border:
    """One border: its step, the jump in ln(loss) with its standard error, and how rare it is."""

    epoch: int
    step: float
    jump: float
    error: float
    score: float
    found: bool


@dataclass(frozen=True)
class Borders:
    """What was found; `why` says why nothing can be told."""

    tested: list[Border]
    pooled: float | None = None
    why: str | None = None


def positions(log: Log) -> list[tuple[int, int]]:
    """(epochs that are over, index of the line in which they end) of each border."""
    epochs = log.train.epochs
    if not log.epochs_fit or len(epochs) < 3:
        return []
    last = float(np.nanmax(epochs))
    slack = 0.02 * float(np.nanmedian(np.diff(epochs)))
    found = []
    for epoch in range(1, math.floor(last + slack) + 1):
        line = int(np.argmax(epochs >= epoch - slack))
        if 3 <= line < len(epochs) - 3:
            found.append((epoch, line))
    return found


def _fits(values: Array, centers: Array, window: int) -> tuple[Array, Array]:
    """(jump, standard error) of l = a + b x + h [x > 0] around each centre, whose line is left
    out: it holds steps of both epochs, or the short last batch of one."""
    places = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)]).astype(float)
    design = np.stack([np.ones_like(places), places, (places > 0).astype(float)], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    solve = inverse @ design.T
    jumps, errors = np.empty(len(centers)), np.empty(len(centers))
    for begin in range(0, len(centers), 2048):
        part = centers[begin : begin + 2048]
        lines = values[part[:, None] + places.astype(int)[None, :]]
        solved = lines @ solve.T
        rest = lines - solved @ design.T
        jumps[begin : begin + 2048] = solved[:, 2]
        errors[begin : begin + 2048] = _spread(rest, 3)
    return jumps, np.maximum(errors, 1e-9) * math.sqrt(inverse[2, 2])


def _spread(rest: Array, parameters: int) -> Array:
    """The larger of the clipped standard deviation and the median deviation, row by row."""
    middle = 1.4826 * np.median(np.abs(rest - np.median(rest, axis=1)[:, None]), axis=1)
    bound = np.where(middle > 0, 4 * middle, np.inf)[:, None]
    clipped = np.clip(rest, -bound, bound)
    free = max(1, rest.shape[1] - parameters)
    result: Array = np.maximum(np.sqrt((clipped**2).sum(axis=1) / free), middle)
    return result


def as_normal(t: Array, free: int) -> Array:
    """The normal deviate that is as rare as a t value (Wallace 1959)."""
    scale = (8 * free + 1) / (8 * free + 3)
    result: Array = np.sign(t) * scale * np.sqrt(free * np.log1p(t * t / free))
    return result


def epoch_steps(log: Log) -> Borders:
    """Test every border, then all of them together where none stands out alone."""
    whole = log.train.values
    good = np.isfinite(whole) & (whole > 0)
    if good.sum() < 2 * FEWEST_LINES:
        return Borders([], why=f"the log has {int(good.sum())} usable lines, too few to test")
    if not log.epochs_fit:
        return Borders([], why="the log does not say where epochs end, or says it wrongly")
    found = positions(log)
    if not found:
        return Borders([], why="the run has one pass over its data, so no border to test")
    # Lines without a value take the one before: too few to matter, or the run has diverged.
    kept = np.flatnonzero(good)
    values = np.log(
        whole[kept[np.maximum(np.searchsorted(kept, np.arange(len(whole)), "right") - 1, 0)]]
    )
    last = float(np.nanmax(log.train.epochs))
    lines = len(values) / last
    if lines < FEWEST_LINES:
        return Borders([], why=f"an epoch has {lines:.1f} log lines; {FEWEST_LINES} are needed")
    window = int(min(max(lines / 2 - 1, WINDOW[0]), WINDOW[1]))
    tested = []
    for epoch, line in found:
        here = min(window, line, len(values) - 1 - line)
        if here < WINDOW[0]:
            continue
        away = min(here, lines / 3)
        first = max(here, int(WARM * len(values)) + here)
        places = np.arange(first, len(values) - here)
        for _, other in found:
            places = places[np.abs(places - other) >= away]
        places = places[:: 1 + len(places) // MOST_PLACEBOS]
        jumps, errors = _fits(values, np.concatenate([[line], places]), here)
        scores = as_normal(jumps / errors, 2 * here - 3)
        t, placebos = float(scores[0]), scores[1:]
        z = t - (float(np.median(placebos)) if len(placebos) else 0.0)
        if len(placebos) >= FEW_PLACEBOS:
            z /= max(1.0, 1.4826 * float(np.median(np.abs(placebos - np.median(placebos)))))
        rank = (1 + int((placebos <= t).sum())) / (1 + len(placebos))
        rare = rank <= max(RANK, 1.5 / (1 + len(placebos)))
        tested.append(
            Border(
                epoch,
                float(log.train.steps[line]),
                float(jumps[0]),
                float(errors[0]),
                z,
                z < -LIMIT and t < -LIMIT and rare,
            )
        )
    if not tested:
        return Borders([], why="too few log lines on one side of every border")
    return Borders(tested, _pooled(values, tested, found, lines))


def _pooled(
    values: Array, tested: list[Border], found: list[tuple[int, int]], lines: float
) -> float | None:
    """The joint score of all borders, when it is lower than that of every shifted grid."""
    if len(tested) < 2 or any(border.found for border in tested):
        return None
    joint = sum(border.score for border in tested) / math.sqrt(len(tested))
    if joint >= -LIMIT or sum(border.jump for border in tested) >= 0:
        return None
    window = int(min(max(lines / 2 - 1, WINDOW[0]), WINDOW[1]))
    centers = np.array([line for _, line in found])
    own = _grid(values, centers, window)
    for offset in range(window, int(lines) - window + 1, 1 + int(lines) // MOST_SHIFTS):
        if _grid(values, centers + offset, window) <= own:
            return None
    return joint


def _grid(values: Array, centers: Array, window: int) -> float:
    inside = centers[(centers >= window) & (centers < len(values) - window)]
    if not len(inside):
        return 0.0
    jumps, errors = _fits(values, inside, window)
    return float(as_normal(jumps / errors, 2 * window - 3).sum()) / math.sqrt(len(inside))
