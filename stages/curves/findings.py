"""What a run's curves show: findings with a statistic, its interval, and words that say why.

Every test is against the noise of the run itself. Where a log cannot answer, the finding is
`cannot_tell` with the reason: silence would read as a good fit.
"""

from __future__ import annotations

import math
from typing import Any, TypedDict, Unpack

import numpy as np

from stages.curves.borders import epoch_steps, positions
from stages.curves.read import Log, Series

Array = np.ndarray[Any, Any]


class Particulars(TypedDict, total=False):
    """What findings of some kinds hold besides. about: the question, of `cannot_tell`; why: of
    `refused`; steps: of `spikes`; epoch, fall: of `epoch_step`; rise: of `overfit`."""

    about: str
    why: str
    steps: list[int]
    epoch: int
    fall: float | None
    rise: float | None


class Finding(Particulars):
    """A finding as JSON values. step: where on the curve; interval: of the statistic."""

    kind: str
    step: int | None
    statistic: float | None
    interval: list[float | None] | None
    words: str


KINDS = {
    "epoch_step": "training loss falls where records begin to repeat",
    "overfit": "validation loss rises while training goes on",
    "divergence": "the loss rises for good, or is no number",
    "spikes": "single steps with a far higher loss",
    "underfit": "training loss hardly falls",
    "plateau": "training loss no longer falls in the second half",
    "well_fit": "validation loss has settled near its lowest value",
    "cannot_tell": "the log does not hold what the question needs",
    "refused": "the log is no one cross-entropy curve",
}
LIMIT = 3.0  # standard deviations
FLAT = 0.03  # fall of ln(loss) over a run that counts as none
UNSURE = 0.1  # two standard errors of the fall from which it cannot be told
LEVEL = 0.02  # fall of ln(loss) in the second half that counts as none
RISE = 0.01  # rise of validation loss, relative, that matters
FEW_VALUES = 7  # validations; with fewer, second differences measure curvature, not noise
FEW_RISE = 0.10  # then a rise must be this large
LONG = 4000  # lines from which divergence is looked for in blocks
JUMP, JUMP_LINES = 1.0, 5  # rise of ln(loss) over the median of so many lines before: a spike
NEAR = 0.02  # how far over its lowest value a settled validation loss may end, relative


def findings(log: Log) -> list[Finding]:
    """The findings on curves, most serious first."""
    if log.refused is not None:
        kind, _, why = log.refused.partition(": ")
        return [_finding("refused", None, None, None, why[:1].upper() + why[1:] + ".", why=kind)]
    if len(log.train) < 3:
        lines = len(log.train)
        words = f"The log has {lines} lines with a training loss, which is no curve."
        return [_finding("cannot_tell", None, lines, None, words, about="training")]
    found = _divergence(log.train)
    diverged = bool(found)
    if not diverged:
        flat = _underfit(log)
        found += flat or _plateau(log.train)
        found += _spikes(log)
        found += _epoch_steps(log)
    overfit = _overfit(log, diverged)
    found += overfit
    if not diverged and not any(f["kind"] in ("overfit", "underfit") for f in found):
        found += _well_fit(log)
    return found


def _finding(
    kind: str,
    step: float | None,
    statistic: float | None,
    interval: tuple[float, float] | None,
    words: str,
    **more: Unpack[Particulars],
) -> Finding:
    """A finding as JSON values: no number that JSON does not know."""
    assert kind in KINDS
    return {
        "kind": kind,
        "step": None if step is None else int(step),
        "statistic": _plain(statistic),
        "interval": None if interval is None else [_plain(end) for end in interval],
        "words": words,
        **more,
    }


def _plain(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 6)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if abs(share) >= 0.1 else f"{100 * share:.1f} %"


def _mad(values: Array) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


def _running_median(values: Array, width: int) -> Array:
    """The median of `width` lines around each; beyond the ends the lines are mirrored."""
    half = min(width // 2, len(values) - 1)
    padded = np.pad(values, half, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    result: Array = np.median(windows, axis=1)[: len(values)]
    return result


def _usable(series: Series) -> tuple[Array, Array]:
    """(steps, ln of losses) of the lines that have one."""
    good = np.isfinite(series.values) & (series.values > 0)
    return series.steps[good], np.log(series.values[good])


# --- training loss ------------------------------------------------------------------------------


def _divergence(train: Series) -> list[Finding]:
    values = train.values
    broken = ~np.isfinite(values) | (values == 0)
    if broken.sum() >= 3 and broken.mean() >= 0.3:
        step = train.steps[np.argmax(broken)]
        words = (
            f"From step {step:.0f} on the loss is zero or no number in {_percent(broken.mean())} "
            "of the lines: an overflow, often of fp16. Use bf16 or fp32, or a lower learning rate."
        )
        return [_finding("divergence", step, float(broken.mean()), None, words)]
    steps, level = _usable(train)
    if len(level) < 6:
        return []
    if len(level) > LONG:
        # Medians of blocks: the windows below would hold millions of numbers.
        block = len(level) // (LONG // 2)
        whole = len(level) // block * block
        steps = steps[:whole:block]
        level = np.median(level[:whole].reshape(-1, block), axis=1)
    width = max(3, len(level) // 12)
    smooth = _running_median(level, width)
    lowest = int(np.argmin(smooth))
    noise = _mad(np.diff(level)) / math.sqrt(2)
    limit = max(0.35, min(6 * noise / math.sqrt(width), 1.0))
    rise = float(smooth[-1] - smooth[lowest])
    after = smooth[lowest + 1 :]
    if rise <= limit or (after - smooth[lowest] > 0.2).mean() < 0.6:
        return []
    low = np.flatnonzero(smooth[lowest:] <= smooth[lowest] + 0.2)
    step = steps[min(lowest + int(low[-1]) + 1, len(steps) - 1)]
    words = (
        f"From step {step:.0f} on the training loss rises and ends {math.exp(rise):.1f} times as "
        "high as at its lowest. Lower the learning rate, clip the gradient, or warm up for longer."
    )
    return [_finding("divergence", step, rise, None, words)]


def _spikes(log: Log) -> list[Finding]:
    steps, level = _usable(log.train)
    if len(level) < 30:
        return []
    over = level - _running_median(level, 15)
    limit = max(7 * _mad(over), 0.25)
    # A jump that takes long to heal lifts the median around it: compare it with the lines before.
    before = np.lib.stride_tricks.sliding_window_view(level, JUMP_LINES)[:-1]
    jump = np.zeros(len(level))
    jump[JUMP_LINES:] = level[JUMP_LINES:] - np.median(before, axis=1)
    noise = _mad(np.diff(level)) / math.sqrt(2)
    wide = jump > max(JUMP, 10 * noise)
    over = np.where(wide, jump, over)
    high = np.flatnonzero(wide | (over > limit))
    high = high[high >= max(5, len(level) // 50)]
    peaks = high[np.diff(high, prepend=-9) > 3]
    # The line in which an epoch ends may hold a short last batch, which is no fault.
    ends = {float(log.train.steps[line]) for _, line in positions(log)} | {float(steps[-1])}
    peaks = np.array([at for at in peaks if float(steps[at]) not in ends], dtype=int)
    if _has_period(peaks):
        peaks = peaks[wide[peaks]]
    if not len(peaks):
        return []
    largest = peaks[np.argmax(over[peaks])]
    words = (
        f"{len(peaks)} spikes of the training loss, the highest at step {steps[largest]:.0f} "
        f"({math.exp(over[largest]):.1f} times its surroundings). Look at the records of these "
        "steps; a gradient clip of 1 keeps one bad batch from moving the weights far."
    )
    return [
        _finding(
            "spikes",
            steps[largest],
            float(over[largest]),
            None,
            words,
            steps=[int(step) for step in steps[peaks][:20]],
        )
    ]


def _has_period(peaks: Array) -> bool:
    """Peaks at equal distances come from how batches are made: grouped lengths, short rests."""
    if len(peaks) < 5:
        return False
    gaps = np.diff(peaks)
    return bool((np.abs(gaps - np.median(gaps)) <= max(1, 0.03 * np.median(gaps))).mean() > 0.6)


def _underfit(log: Log) -> list[Finding]:
    _, level = _usable(log.train)
    if len(level) < 10:
        return []
    first, last = level[: max(1, len(level) // 20)], level[-max(1, len(level) // 10) :]
    fall = float(np.median(first) - np.median(last))
    noise = _mad(np.diff(level)) / math.sqrt(2)
    error = noise * math.sqrt(1.57 / len(first) + 1.57 / len(last))
    if fall >= FLAT or _validation_falls(log):
        return []
    if 2 * error >= UNSURE:
        words = (
            "Whether the training loss falls cannot be told: its noise from step to step is as "
            "large as a fall would be, and there are too few steps to average it out."
        )
        return [_finding("cannot_tell", None, fall, None, words, about="underfit")]
    words = (
        f"The training loss falls by {_percent(max(fall, 0.0))} over the whole run: the model "
        "hardly learns. Raise the learning rate or the rank, and check that weights are updated."
    )
    return [_finding("underfit", None, fall, (fall - 2 * error, fall + 2 * error), words)]


def _validation_falls(log: Log) -> bool:
    """Whether validation, which averages over the same records each time, shows a fall."""
    _, level = _usable(log.val)
    return len(level) > 1 and float(level[0] - level.min()) >= FLAT


def _plateau(train: Series) -> list[Finding]:
    steps, level = _usable(train)
    half = level[len(level) // 2 :]
    if len(half) < 15:
        return []
    places = np.linspace(-0.5, 0.5, len(half))
    slope = float((places * half).sum() / (places**2).sum())
    rest = half - half.mean() - slope * places
    error = float(np.sqrt((rest**2).sum() / (len(half) - 2) / (places**2).sum()))
    if abs(slope) >= LEVEL or 2 * error >= LEVEL:
        return []
    words = (
        f"In the second half the training loss changes by {_percent(slope)}: more steps of this "
        "kind bring little."
    )
    step = steps[len(steps) // 2]
    return [_finding("plateau", step, slope, (slope - 2 * error, slope + 2 * error), words)]


def _epoch_steps(log: Log) -> list[Finding]:
    result = epoch_steps(log)
    if result.why is not None:
        words = f"Whether the loss falls at epoch borders cannot be told: {result.why}."
        return [_finding("cannot_tell", None, None, None, words, about="epoch_step")]
    found = []
    for border in result.tested:
        if not border.found and result.pooled is None:
            continue
        low, high = (border.jump - 2 * border.error, border.jump + 2 * border.error)
        fall = 1 - math.exp(border.jump)
        together = "" if border.found else " (all borders together; this one alone is within noise)"
        words = (
            f"The training loss falls by {_percent(fall)} ({_percent(1 - math.exp(high))} to "
            f"{_percent(1 - math.exp(low))}) at step {border.step:.0f}, where epoch "
            f"{border.epoch + 1} begins{together}: the model knows records that it has seen once. "
            "Watch validation; a lower learning rate or fewer epochs memorise less."
        )
        found.append(
            _finding(
                "epoch_step",
                border.step,
                border.score if border.found else result.pooled,
                (low, high),
                words,
                epoch=border.epoch,
                fall=_plain(fall),
            )
        )
    return found


# --- validation loss ----------------------------------------------------------------------------


def _overfit(log: Log, diverged: bool) -> list[Finding]:
    good = np.isfinite(log.val.values) & (log.val.values > 0)
    steps, values = log.val.steps[good], log.val.values[good]
    if len(values) < 3:
        had = len(log.val)
        if not had:
            why = "there is no validation loss; keep some records for validation"
        elif len(values) < had:
            why = "the validation loss is no number: validation is broken, not the fit"
        else:
            why = f"there are {had} validation values; evaluate more often, at step 0 too"
        words = f"Overfitting cannot be told: {why}."
        return [_finding("cannot_tell", None, None, None, words, about="overfit")]
    if diverged:
        return []
    turn = int(np.argmin(values))
    after = values[turn + 1 :]
    if not len(after):
        return []
    if len(values) < FEW_VALUES:
        rise = float(after[-1] - values[turn]) / values[turn]
        rising = bool((np.diff(values[turn:]) > 0).all()) and len(after) >= 1
        if not rising or rise <= FEW_RISE:
            return []
        return [_turn(steps, turn, rise, None, rise)]
    noise = max(_mad(np.diff(values, 2)) / math.sqrt(6), 1e-9)
    later = after[len(after) // 2 :]
    rise = float(later.mean() - values[turn])
    error = noise * math.sqrt(1 / len(later) + 1)
    score = rise / error - 1
    above = (values[-2:] > values[turn] + 2 * noise).all() and len(after) >= 2
    if score <= LIMIT or rise <= RISE * values[turn] or not above:
        return []
    return [_turn(steps, turn, score, (rise - 2 * error, rise + 2 * error), rise / values[turn])]


def _turn(
    steps: Array, turn: int, score: float, interval: tuple[float, float] | None, rise: float
) -> Finding:
    where = f"after step {steps[turn]:.0f}"
    advice = "Stop there, or lower the learning rate."
    if turn == 0:
        where = f"from the first evaluation (step {steps[0]:.0f}) on"
        advice = "The turn lies before it: evaluate earlier and at step 0, train for less."
    words = f"The validation loss rises by {_percent(rise)} {where}: overfitting. {advice}"
    return _finding("overfit", steps[turn], score, interval, words, rise=_plain(rise))


def _well_fit(log: Log) -> list[Finding]:
    good = np.isfinite(log.val.values) & (log.val.values > 0)
    steps, values = log.val.steps[good], log.val.values[good]
    if len(values) < 3:
        return []
    _, level = _usable(log.train)
    first, last = level[: max(1, len(level) // 20)], level[-max(1, len(level) // 10) :]
    fall = float(np.median(first) - np.median(last))
    over = float(values[-1] / values.min() - 1)
    late = float(math.log(values[-(len(values) // 3 + 1)] / values[-1]))
    learned = float(math.log(values[0] / values[-1]))
    if fall < FLAT or over > NEAR:
        words = (
            f"The validation loss ends {_percent(over)} over its lowest value, which is no clear "
            "rise and no good end either: whether the fit is good cannot be told."
        )
        return [_finding("cannot_tell", None, over, None, words, about="well_fit")]
    if learned > 0 and late > max(0.25 * learned, LEVEL):
        words = (
            f"The validation loss still falls at the end (by {_percent(late)} in the last third): "
            "nothing speaks of overfitting, and more steps may help."
        )
        return [_finding("cannot_tell", steps[-1], late, None, words, about="well_fit")]
    words = (
        f"The validation loss ends {_percent(over)} over its lowest value and changed by "
        f"{_percent(late)} in the last third, while training loss fell by {_percent(fall)}: "
        "a good fit."
    )
    return [_finding("well_fit", steps[-1], over, None, words)]
