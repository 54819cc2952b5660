"""What the validation loss shows: overfitting, a good fit, one that lies below training."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stages.curves.borders import as_normal
from stages.curves.finding import Finding, around, at, finding, percent, rounded
from stages.curves.log import Array, Log, Series
from stages.curves.noise import mad, of_lines, usable
from stages.curves.training import FLAT, fall_of

LIMIT = 3.0  # standard deviations
RISE = 0.01  # rise of validation loss, relative, that matters
FEWEST = 4  # evaluations
FEW_VALUES = 7  # with fewer, second differences measure curvature, not noise
FEW_RISE = 0.10  # then a rise must be this large
LATER = 8  # evaluations after the turn from which their own spread is known
NEAR = 0.02  # how far over its lowest value a settled validation loss may end, relative
SETTLED = FLAT  # relative fall in the last third that counts as none
BLIND = 0.10  # a rise that would not be seen, relative, from which nothing can be told
BELOW = 0.01  # how far validation lies below training, relative, to be told


@dataclass(frozen=True)
class Turn:
    """Where a validation loss turns: the evaluation, the rise after it with its standard error
    (None: too few values to reckon one), how rare it is, and what was tested."""

    at: int
    rise: float
    error: float | None
    score: float
    test: str


def values_of(series: Series) -> tuple[Array, Array]:
    """(steps, losses) of the evaluations that gave a loss."""
    good = np.isfinite(series.values) & (series.values > 0)
    return series.steps[good], series.values[good]


def noise_of(values: Array) -> float:
    """Noise from evaluation to evaluation: second differences know no smooth trend."""
    return max(mad(np.diff(values, 2)) / math.sqrt(6), 1e-9)


def turn_of(values: Array) -> Turn | None:
    """The turn of a validation loss that rises after its lowest value; None: it does not."""
    turn = int(np.argmin(values))
    after = values[turn + 1 :]
    lowest = float(values[turn])
    if not len(after):
        return None
    if len(values) < FEW_VALUES:
        rise = float(after[-1]) - lowest
        rising = bool((np.diff(values[turn:]) > 0).all())
        if not rising or rise <= FEW_RISE * lowest:
            return None
        return Turn(turn, rise, None, rise / lowest, "relative rise, in every evaluation after")
    noise = noise_of(values)
    later = after[len(after) // 2 :]
    rise = float(later.mean()) - lowest
    if rise <= RISE * lowest or len(after) < 2:
        return None
    error = noise * math.sqrt(1 / len(later) + 1)
    score = rise / error - 1  # the 1 pays for having chosen the lowest
    if score > LIMIT and (values[-2:] > lowest + 2 * noise).all():
        return Turn(turn, rise, error, score, "rise over its noise (second differences)")
    return _outlier(values, turn)


def _outlier(values: Array, turn: int) -> Turn | None:
    """The lowest value against the spread of all later ones about their own trend: validations
    that swing up and down make second differences larger than the swing is."""
    after = values[turn + 1 :]
    if len(after) < LATER:
        return None
    places = np.linspace(-0.5, 0.5, len(after))
    slope = float((places * after).sum() / (places**2).sum())
    rest = after - after.mean() - slope * places
    spread = math.sqrt(float((rest**2).sum()) / (len(after) - 2))
    lowest = float(values[turn])
    rise = float(after.mean()) - lowest
    error = max(spread, 1e-9) * math.sqrt(1 + 1 / len(after))
    score = float(as_normal(np.array([rise / error]), len(after) - 2)[0])
    # Of the first evaluation it is known beforehand that it is compared; another was chosen.
    score -= 0 if turn == 0 else 1
    if score <= LIMIT or slope < -rise or not (after > lowest + RISE * lowest).all():
        return None
    return Turn(turn, rise, error, score, "rise over the spread of all later values")


def overfit(log: Log, series: Series, name: str = "") -> list[Finding]:
    """Whether a validation loss rises while training goes on. name: of the set, if it has one."""
    steps, values = values_of(series)
    if len(values) < FEWEST:
        return _too_few(log, len(values), len(series), name)
    turn = turn_of(values)
    if turn is None:
        return []
    lowest = float(values[turn.at])
    share = turn.rise / lowest
    noise = noise_of(values) if turn.error is not None else 0.0
    near = [place for place in range(len(values)) if values[place] <= lowest + 2 * noise]
    first, last = turn.at, turn.at
    while first - 1 in near:
        first -= 1
    while last + 1 in near:
        last += 1
    where = f"after {at(log, steps[turn.at])}"
    remedy = "Stop there, or lower the learning rate."
    if turn.at == 0:
        where = f"from the first evaluation ({at(log, steps[0])}) on"
        remedy = "The turn lies before it: evaluate earlier and at step 0, train for less."
    elif first < last:
        remedy = (
            f"Stop between {steps[first]:.0f} and {steps[last]:.0f}, where it is as low within its "
            "noise, or lower the learning rate."
        )
    of = f" of {name}" if name else ""
    words = f"The validation loss{of} rises by {percent(share)} {where}: overfitting."
    gap, error = gap_of(log)
    found = finding(
        log, "overfit", steps[turn.at], turn.score, turn.test,
        None if turn.error is None else around(turn.rise, turn.error), words, remedy,
        rise=rounded(share), stop=[int(steps[first]), int(steps[last])], gap=rounded(gap),
        gap_interval=[rounded(end) for end in around(gap, error)],
    )  # fmt: skip
    if name:
        found["set"] = name
    return [found]


def _too_few(log: Log, have: int, had: int, name: str) -> list[Finding]:
    remedy = "Evaluate more often, and at step 0 too."
    if not had:
        why, remedy = "there is no validation loss", "Keep some records for validation."
    elif have < min(had, FEWEST):
        why = "the validation loss is no number: validation is broken, not the fit"
        remedy = "Look for rows of validation without a target, and for an overflow of fp16."
    else:
        why = f"there are {had} validation values, {FEWEST} are needed"
    of = f" on {name}" if name else ""
    words = f"Overfitting{of} cannot be told: {why}."
    return [finding(log, "cannot_tell", None, None, "", None, words, remedy, about="overfit")]


def gap_of(log: Log) -> tuple[float, float]:
    """(validation minus training loss at the end in nats, its standard error); of our own runs the
    training side is the probe, which is measured as validation is."""
    _, val = values_of(log.val)
    probe = log.probe.values[np.isfinite(log.probe.values)]
    if not len(val):
        return math.nan, math.nan
    noise = noise_of(val) if len(val) >= FEW_VALUES else float(np.std(val[-3:]))
    if len(probe):
        return float(val[-1] - probe[-1]), math.sqrt(2) * noise
    _, level = usable(log.train)
    if not len(level):
        return math.nan, math.nan
    last = level[-max(3, len(level) // 10) :]
    train = float(np.exp(np.median(last)))
    error = train * of_lines(level) * math.sqrt(1.57 / len(last))
    return float(val[-1]) - train, math.hypot(noise, error)


def small(log: Log) -> list[Finding]:
    """A validation so noisy that a rise would not be seen."""
    _, values = values_of(log.val)
    if len(values) < FEW_VALUES or turn_of(values) is not None:
        return []
    noise = noise_of(values) / float(np.median(values))
    hidden = (LIMIT + 1) * noise * math.sqrt(1.5)
    if hidden <= BLIND:
        return []
    size = f" of {log.val_records} records" if log.val_records else ""
    words = (
        f"The validation loss{size} changes by {percent(noise)} from one evaluation to the next: "
        f"a rise under {percent(hidden)} would not be seen, so neither a good fit nor overfitting "
        "can be told."
    )
    remedy = (
        "Validate on more records: hundreds at least, whatever share of the data they are; 0.01 % "
        "serves only for corpora of millions."
    )
    test = "noise from evaluation to evaluation, relative"
    error = noise / math.sqrt(2 * len(values))
    return [
        finding(log, "small_validation", None, noise, test, around(noise, error), words, remedy)
    ]


def below(log: Log) -> list[Finding]:
    """A validation loss that lies under the training loss at the same steps."""
    steps, val = values_of(log.val)
    good = np.isfinite(log.train.values) & (log.train.values > 0)
    where, train = log.train.steps[good], log.train.values[good]
    late = steps >= steps[0] + 0.2 * (steps[-1] - steps[0]) if len(steps) else steps > 0
    if late.sum() < FEWEST or len(train) < 20:
        return []
    differences = []
    for step, loss in zip(steps[late], val[late], strict=True):
        near = np.argsort(np.abs(where - step), kind="stable")[:9]
        differences.append(math.log(loss) - float(np.log(np.median(train[near]))))
    mean = float(np.mean(differences))
    error = float(np.std(differences, ddof=1)) / math.sqrt(len(differences))
    error = max(error, of_lines(np.log(train)) / math.sqrt(9 * len(differences)))
    if mean >= -BELOW or mean >= -LIMIT * error:
        return []
    words = (
        f"The validation loss lies {percent(1 - math.exp(mean))} below the training loss from the "
        "first fifth of the run on. Likely causes: dropout, which is on in training alone; a "
        "training loss that is the mean over the lines since the last one, while it falls; records "
        "of validation that are easier, shorter, or in the training data too."
    )
    remedy = (
        "Measure the training loss with dropout off on a fixed sample, and look for records that "
        "are on both sides."
    )
    test = "mean difference of ln(loss), validation minus training"
    return [finding(log, "val_below_train", None, mean, test, around(mean, error), words, remedy)]


def good_fit(log: Log) -> list[Finding]:
    """A good fit where validation has settled near its lowest value; else how far it still falls,
    or that it cannot be told."""
    steps, values = values_of(log.val)
    if len(values) < FEWEST:
        return []
    _, level = usable(log.train)
    fall, _ = fall_of(level)
    noise = noise_of(values) / float(values[-1]) if len(values) >= FEW_VALUES else 0.0
    over = float(values[-1] / values.min() - 1)
    third = values[-(len(values) // 3 + 1) :]
    late, error = _late(np.log(third), noise)
    if fall < FLAT or over > max(NEAR, 2 * noise):
        words = (
            f"The validation loss ends {percent(over)} over its lowest value, which is no clear "
            "rise and no good end either: whether the fit is good cannot be told."
        )
        remedy = "Evaluate more often towards the end."
        test = "last validation loss over the lowest, minus 1"
        return [
            finding(log, "cannot_tell", None, over, test, around(over, noise), words, remedy,
                    about="well_fit")
        ]  # fmt: skip
    test = "fall of ln(validation loss) in the last third"
    gap, wide = gap_of(log)
    ends = [rounded(end) for end in around(gap, wide)]
    if late > SETTLED and late > 2 * error:
        words = (
            f"The validation loss still falls at the end, by {percent(late)} in the last third of "
            "the evaluations: nothing speaks of overfitting, and it has not settled."
        )
        return [
            finding(log, "train_on", steps[-1], late, test, around(late, error), words,
                    "Train on: more steps, or another epoch.", late=rounded(late))
        ]  # fmt: skip
    words = (
        f"The validation loss ends {percent(over)} over its lowest value and changed by "
        f"{percent(late)} in the last third, while training loss fell by {percent(fall)}; it lies "
        f"{abs(gap):.3f} nats {'over' if gap >= 0 else 'under'} training "
        f"({ends[0]} to {ends[1]}): a good fit."
    )
    return [
        finding(log, "well_fit", steps[-1], over, "last validation loss over the lowest, minus 1",
                around(over, noise), words, late=rounded(late), gap=rounded(gap), gap_interval=ends)
    ]  # fmt: skip


def _late(third: Array, noise: float) -> tuple[float, float]:
    """(fall over the last third of the evaluations, its standard error)."""
    if len(third) < 3:
        return float(third[0] - third[-1]), noise * math.sqrt(2)
    places = np.linspace(-0.5, 0.5, len(third))
    slope = float((places * third).sum() / (places**2).sum())
    return -slope, noise / math.sqrt(float((places**2).sum()))
