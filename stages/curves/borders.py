"""Does the training loss fall at the border of an epoch, more than it does anywhere else?

Work is on ln(loss), whose noise is nearly white in real logs. At each border a line with a jump is
fitted to a window on both sides; the same fit at every other place is the placebo that says what
curved trends and grouped batches do to it. Lines of spikes and their recovery have no weight: a
spike just before a border would look like a fall. Where our own training has recorded the loss of
the same records before training, that is taken off, and noise falls
by about 2.4. Measured on 48 public runs; see docs/evidence.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from stages.curves import noise
from stages.curves.epochs import positions
from stages.curves.log import Array, Log

FEWEST_LINES = 8  # log lines of an epoch; with fewer no step can be told from noise
WINDOW = (4, 120)  # lines on each side of a border; half an epoch in between
WARM = 0.02  # share of the run at its start that is no placebo: the loss falls steeply there
LIMIT = 3.0  # standard deviations, of the fit and among the placebos, at least
ALARMS = 0.005  # runs without a step in which one of all borders would pass, if noise were normal
FEW_PLACEBOS = 30  # with fewer, their spread is not known and the t distribution stands in
RANK = 0.01
MOST_PLACEBOS, MOST_SHIFTS = 4000, 400  # evenly chosen of more, which a long log has
RAMPS = (5, 10, 20)  # lines over which a fall may spread where it is no sharp step
RAMP_MORE = 1.0  # what a ramp has to pass beyond: there are several, and the best is taken
COVERED = 0.9  # share of lines with a loss before training, from which it is taken off
FEWEST_LEFT = 3  # lines with weight on each side


@dataclass(frozen=True)
class Border:
    """One border: its step, the jump in ln(loss) with its standard error, how rare it is, and over
    how many lines it spreads (1: a sharp step)."""

    epoch: int
    step: float
    jump: float
    error: float
    score: float
    found: bool
    ramp: int = 1


@dataclass(frozen=True)
class Borders:
    """What was found; `why` says why nothing can be told."""

    tested: list[Border]
    pooled: float | None = None
    why: str | None = None


@dataclass(frozen=True)
class Curve:
    """ln(loss) by line, and the weight of each: 0 for what says nothing of the level."""

    values: Array
    weights: Array


def _fits(curve: Curve, centers: Array, window: int, ramp: int = 1) -> tuple[Array, Array]:
    """(jump, standard error) of l = a + b x + h min(1, x / ramp) [x > 0] around each centre, whose
    line is left out: it holds steps of both epochs, or the short last batch of one. A side without
    lines of weight gives a jump of 0 and an error of infinity."""
    places = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    rise = np.clip(places / ramp, 0.0, 1.0)
    design = np.stack([np.ones(len(places)), places / window, rise], axis=1)
    products = (design[:, :, None] * design[:, None, :]).reshape(len(places), 9)
    jumps, errors = np.zeros(len(centers)), np.full(len(centers), np.inf)
    for begin in range(0, len(centers), 2048):
        at = centers[begin : begin + 2048, None] + places[None, :]
        lines, weights = curve.values[at], curve.weights[at]
        enough = (weights[:, :window].sum(axis=1) >= FEWEST_LEFT) & (
            weights[:, window:].sum(axis=1) >= FEWEST_LEFT
        )
        if not enough.any():
            continue
        lines, weights = lines[enough], weights[enough]
        normal = (weights @ products).reshape(-1, 3, 3)
        inverse = np.linalg.pinv(normal, hermitian=True)
        solved = np.einsum("nij,nj->ni", inverse, (weights * lines) @ design)
        rest = lines - solved @ design.T
        spread = np.maximum(_spread(rest, weights, 3), 1e-9)
        where = begin + np.flatnonzero(enough)
        jumps[where] = solved[:, 2]
        errors[where] = spread * np.sqrt(np.maximum(inverse[:, 2, 2], 1e-12))
    return jumps, errors


def _spread(rest: Array, weights: Array, parameters: int) -> Array:
    """The larger of the clipped standard deviation and the median deviation, row by row."""
    if weights.all():
        middle = 1.4826 * np.median(np.abs(rest - np.median(rest, axis=1)[:, None]), axis=1)
    else:
        kept = np.where(weights > 0, rest, np.nan)
        center = np.nanmedian(kept, axis=1)[:, None]
        middle = 1.4826 * np.nanmedian(np.abs(kept - center), axis=1)
    bound = np.where(middle > 0, 4 * middle, np.inf)[:, None]
    clipped = weights * np.clip(rest, -bound, bound)
    free = np.maximum(1, weights.sum(axis=1) - parameters)
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
    curve = _paired(log) or _curve(whole, good)
    lines = len(curve.values) / float(np.nanmax(log.train.epochs))
    if lines < FEWEST_LINES:
        return Borders([], why=f"an epoch has {lines:.1f} log lines; {FEWEST_LINES} are needed")
    window = int(min(max(lines / 2 - 1, WINDOW[0]), WINDOW[1]))
    tested = []
    limit = max(LIMIT, NormalDist().inv_cdf(1 - ALARMS / len(found)))
    for epoch, line in found:
        here = min(window, line, len(curve.values) - 1 - line)
        if here < WINDOW[0]:
            continue
        places = _placebos(len(curve.values), here, [other for _, other in found], lines)
        step = float(log.train.steps[line])
        best = _tested(curve, line, places, here, 1, limit)
        if not best.found and len(places) >= FEW_PLACEBOS:
            ramps = [ramp for ramp in RAMPS if 2 * ramp <= here]
            tries = [_tested(curve, line, places, here, ramp, limit + RAMP_MORE) for ramp in ramps]
            fits = (one for one in tries if one.found)
            best = min(fits, key=lambda one: one.jump / one.error, default=best)
        tested.append(Border(epoch, step, best.jump, best.error, best.score, best.found, best.ramp))
    if not tested:
        return Borders([], why="too few log lines on one side of every border")
    return Borders(tested, _pooled(curve, tested, found, lines))


def _curve(whole: Array, good: Array) -> Curve:
    """ln(loss) with the weights; lines without a value take the one before and have none."""
    kept = np.flatnonzero(good)
    before = kept[np.maximum(np.searchsorted(kept, np.arange(len(whole)), "right") - 1, 0)]
    values = np.log(whole[before])
    out = noise.disturbed(values)
    return Curve(values, (good & ~out).astype(float))


def _paired(log: Log) -> Curve | None:
    """The training loss less that of the model before training on the same records, where nearly
    all lines have it: relative to the median loss, and without the difficulty of batches."""
    at = {
        float(step): value for step, value in zip(log.excess.steps, log.excess.values, strict=True)
    }
    values = np.array([at.get(float(step), np.nan) for step in log.train.steps])
    known = np.isfinite(values)
    if len(values) == 0 or known.mean() < COVERED:
        return None
    middle = float(np.median(log.train.values[np.isfinite(log.train.values)]))
    filled = np.interp(np.arange(len(values)), np.flatnonzero(known), values[known]) / middle
    return Curve(filled, (known & ~noise.disturbed(filled)).astype(float))


def _placebos(count: int, window: int, borders: list[int], lines: float) -> Array:
    """The lines at which the same fit says what noise and trend make of it."""
    first = max(window, int(WARM * count) + window)
    places = np.arange(first, count - window)
    for other in borders:
        places = places[np.abs(places - other) >= min(window, lines / 3)]
    return places[:: 1 + len(places) // MOST_PLACEBOS]


def _tested(curve: Curve, line: int, places: Array, window: int, ramp: int, limit: float) -> Border:
    """The fit at a border held against its own error and against the placebos."""
    jumps, errors = _fits(curve, np.concatenate([[line], places]), window, ramp)
    scores = as_normal(jumps / errors, 2 * window - 3)
    t, placebos = float(scores[0]), scores[1:]
    z = t - (float(np.median(placebos)) if len(placebos) else 0.0)
    if len(placebos) >= FEW_PLACEBOS:
        z /= max(1.0, noise.mad(placebos))
    rank = (1 + int((placebos <= t).sum())) / (1 + len(placebos))
    rare = rank <= max(RANK, 1.5 / (1 + len(placebos)))
    found = z < -limit and t < -limit and rare
    return Border(0, 0.0, float(jumps[0]), float(errors[0]), z, found, ramp)


def _pooled(
    curve: Curve, tested: list[Border], found: list[tuple[int, int]], lines: float
) -> float | None:
    """The joint score of all borders, when it is lower than that of every shifted grid."""
    if len(tested) < 2 or any(border.found for border in tested):
        return None
    joint = sum(border.score for border in tested) / math.sqrt(len(tested))
    if joint >= -LIMIT or sum(border.jump for border in tested) >= 0:
        return None
    window = int(min(max(lines / 2 - 1, WINDOW[0]), WINDOW[1]))
    centers = np.array([line for _, line in found])
    own = _grid(curve, centers, window)
    for offset in range(window, int(lines) - window + 1, 1 + int(lines) // MOST_SHIFTS):
        if _grid(curve, centers + offset, window) <= own:
            return None
    return joint


def _grid(curve: Curve, centers: Array, window: int) -> float:
    inside = centers[(centers >= window) & (centers < len(curve.values) - window)]
    if not len(inside):
        return 0.0
    jumps, errors = _fits(curve, inside, window)
    return float(as_normal(jumps / errors, 2 * window - 3).sum()) / math.sqrt(len(inside))
