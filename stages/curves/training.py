"""What the training loss shows: divergence, spikes, a flat curve, a plateau, a wrong rate."""

from __future__ import annotations

import math

import numpy as np

from stages.curves.epochs import positions
from stages.curves.finding import Finding, around, at, finding, percent
from stages.curves.log import Array, Log
from stages.curves.noise import (
    ends_of_epochs,
    has_period,
    of_lines,
    peaks_of,
    running_median,
    spikes,
    thinned,
    usable,
)

FLAT = 0.03  # fall of ln(loss) over a run that counts as none
UNSURE = 0.1  # two standard errors of the fall from which it cannot be told
LEVEL = 0.02  # fall of ln(loss) in the second half that counts as none
RISE = 0.35  # rise of ln(loss) for good, at least
TAIL = 3  # lines without a loss that is a number, at the end
UNIFORM = 0.01  # how near ln V a loss is that of guessing evenly, relative
STILL = 0.01  # two standard errors of the fall within which nothing has moved
LARGEST = math.log(300_000)  # nats of guessing evenly in the largest vocabularies in use
SUMMED = 1.2  # times that, over half of the run: a sum
EARLY = 0.2  # rise of ln(loss) over its first value that is a rate too high


def divergence(log: Log) -> list[Finding]:
    """A loss that rises for good, or is no number."""
    return _broken(log) or _rising(log)


def _broken(log: Log) -> list[Finding]:
    values = log.train.values
    broken = ~np.isfinite(values) | (values == 0)
    whole = np.flatnonzero(~broken)
    tail = len(values) - (int(whole[-1]) + 1 if len(whole) else 0)
    often = broken.sum() >= TAIL and broken.mean() >= 0.3
    if not often and tail < TAIL:
        return []
    step = log.train.steps[int(np.argmax(broken)) if often else len(values) - tail]
    share = float(broken.mean())
    words = (
        f"From {at(log, step)} on the loss is zero or no number, in {percent(share)} of all lines: "
        "an overflow, often of fp16."
    )
    remedy = "Use bf16 or fp32, or a lower learning rate."
    return [
        finding(log, "divergence", step, share, "share of lines", (share, share), words, remedy)
    ]


def _rising(log: Log) -> list[Finding]:
    steps, level = usable(log.train)
    if len(level) < 6:
        return []
    steps, level = thinned(steps, level)
    width = max(3, len(level) // 12)
    smooth = running_median(level, width)
    lowest = int(np.argmin(smooth))
    noise = of_lines(level)
    error = noise * math.sqrt(2 * 1.57 / width)
    limit = max(RISE, min(6 * noise / math.sqrt(width), 1.0))
    rise = float(smooth[-1] - smooth[lowest])
    end = level[-width:]
    if rise <= limit or (end - smooth[lowest] > 0.2).mean() < 0.9 or len(end) < 3:
        return []
    step = steps[_onset(level, smooth, lowest, width)]
    words = (
        f"From {at(log, step)} on the training loss rises and ends {math.exp(rise):.1f} times as "
        "high as at its lowest."
    )
    remedy = "Lower the learning rate, clip the gradient, or warm up for longer."
    test = "rise of ln(loss) from its lowest level to its last"
    return [finding(log, "divergence", step, rise, test, around(rise, error), words, remedy)]


def _onset(level: Array, smooth: Array, lowest: int, width: int) -> int:
    """The line from which a loss rises: the largest difference between the lines before and after,
    about the place where it was last low."""
    low = np.flatnonzero(smooth[lowest:] <= smooth[lowest] + 0.2)
    last = min(lowest + int(low[-1]) + 1, len(level) - 1)
    sums = np.concatenate([[0.0], np.cumsum(level)])
    best, found = -math.inf, last
    for line in range(max(lowest, last - width), min(last + width, len(level) - 1) + 1):
        before, after = max(0, line - width), min(len(level), line + width)
        if line in (before, after):
            continue
        higher = (sums[after] - sums[line]) / (after - line)
        lower = (sums[line] - sums[before]) / (line - before)
        if higher - lower > best:
            best, found = higher - lower, line
    return found


def spikes_of(log: Log) -> list[Finding]:
    """Single lines with a far higher loss, unless they stand at equal distances."""
    steps, level = usable(log.train)
    if len(level) < 30:
        return []
    high, over, wide = spikes(level)
    high = high[high >= max(5, len(level) // 50)]
    peaks = peaks_of(high)
    # The line in which an epoch ends may hold a short last batch, which is no fault.
    ends = ends_of_epochs(log, steps)
    peaks = np.array([peak for peak in peaks if float(steps[peak]) not in ends], dtype=int)
    if has_period(peaks):
        peaks = peaks[wide[peaks]]
    if not len(peaks):
        return []
    largest = peaks[np.argmax(over[peaks])]
    height = float(over[largest])
    count = "A spike" if len(peaks) == 1 else f"{len(peaks)} spikes"
    which = "at" if len(peaks) == 1 else "the highest at"
    words = (
        f"{count} of the training loss, {which} {at(log, steps[largest])} "
        f"({math.exp(height):.1f} times its surroundings)."
    )
    remedy = (
        "Look at the records of these steps; a gradient clip of 1 keeps one bad batch from moving "
        "the weights far."
    )
    test = "ln(loss) over the lines around it"
    return [
        finding(
            log, "spikes", steps[largest], height, test, around(height, of_lines(level)), words,
            remedy, steps=[int(step) for step in steps[peaks][:20]],
        )
    ]  # fmt: skip


def ends(level: Array) -> tuple[Array, Array]:
    """The first twentieth and the last tenth of the lines."""
    return level[: max(1, len(level) // 20)], level[-max(1, len(level) // 10) :]


def fall_of(level: Array) -> tuple[float, float]:
    """(fall of ln(loss) from the first lines to the last, its standard error)."""
    first, last = ends(level)
    error = of_lines(level) * math.sqrt(1.57 / len(first) + 1.57 / len(last))
    return float(np.median(first) - np.median(last)), error


def underfit(log: Log) -> list[Finding]:
    """A loss that hardly falls, and whether anything moves at all."""
    _, level = usable(log.train)
    if len(level) < 10:
        return []
    fall, error = fall_of(level)
    if fall >= FLAT or _validation_falls(log):
        return []
    test = "fall of ln(loss) from the first lines to the last"
    if 2 * error >= UNSURE:
        words = (
            "Whether the training loss falls cannot be told: its noise from step to step is as "
            "large as a fall would be, and there are too few steps to average it out."
        )
        remedy = "Log more often, or look at the validation loss."
        return [
            finding(log, "cannot_tell", None, fall, test, around(fall, error), words, remedy,
                    about="underfit")
        ]  # fmt: skip
    words = f"The training loss falls by {percent(max(fall, 0.0))} over the whole run: the model "
    words += "hardly learns."
    remedy = "Raise the learning rate or the rank, and check that weights are updated."
    return [
        *_no_update(log, fall, error),
        finding(log, "underfit", None, fall, test, around(fall, error), words, remedy),
    ]


def _no_update(log: Log, fall: float, error: float) -> list[Finding]:
    """Signs that weights stand still: rates or gradients of zero, equal validations, no drift."""
    val = log.val.values[np.isfinite(log.val.values)]
    rate, norm = log.rate.values, log.norm.values[np.isfinite(log.norm.values)]
    if len(rate) > 2 and not rate.any():
        why = "the learning rate is zero in every line"
    elif len(norm) > 2 and not norm.any():
        why = "the gradient norm is zero in every line"
    elif len(val) > 2 and float(np.ptp(val)) <= 1e-6 * abs(float(val[0])):
        why = f"all {len(val)} evaluations give the same loss"
    elif abs(fall) <= 2 * error and 2 * error <= STILL:
        why = f"the loss has moved by no more than {percent(max(abs(fall), 2 * error))}"
    else:
        return []
    words = f"No update seems to reach the weights: {why}."
    remedy = (
        "Check that the trained parameters require gradients and are in the optimizer, that the "
        "rate is not zero, and that half precision does not lose the updates."
    )
    test = "fall of ln(loss) from the first lines to the last"
    return [finding(log, "no_update", None, fall, test, around(fall, error), words, remedy)]


def _validation_falls(log: Log) -> bool:
    """Whether validation, which averages over the same records each time, shows a fall."""
    _, level = usable(log.val)
    return len(level) > 1 and float(level[0] - level.min()) >= FLAT


def slope_of(half: Array) -> tuple[float, float]:
    """(change over the lines by least squares, its standard error)."""
    places = np.linspace(-0.5, 0.5, len(half))
    slope = float((places * half).sum() / (places**2).sum())
    rest = half - half.mean() - slope * places
    error = float(np.sqrt((rest**2).sum() / max(1, len(half) - 2) / (places**2).sum()))
    return slope, error


def plateau(log: Log) -> list[Finding]:
    """A second half in which the loss does not change, and the bend before it."""
    steps, level = usable(log.train)
    half = level[len(level) // 2 :]
    if len(half) < 15:
        return []
    slope, error = slope_of(half)
    if abs(slope) >= LEVEL or 2 * error >= LEVEL:
        return []
    bend, first, last = _elbow(level)
    words = (
        f"In the second half the training loss changes by {percent(slope)}; it bends at "
        f"{at(log, steps[bend])} ({steps[first]:.0f} to {steps[last]:.0f}): more steps of this "
        "kind bring little."
    )
    remedy = "Stop near the bend, or change something: other data, a higher rank, another rate."
    test = "change of ln(loss) over the second half"
    elbow = [int(steps[first]), int(steps[last])]
    return [
        finding(log, "plateau", steps[bend], slope, test, around(slope, error), words, remedy,
                elbow=elbow)
    ]  # fmt: skip


def _elbow(level: Array) -> tuple[int, int, int]:
    """(line of the bend, first and last line that fit about as well): two straight lines that meet,
    by least squares; the interval by the likelihood ratio at 95 %."""
    block = max(1, len(level) // 400)
    whole = len(level) // block * block
    y = np.median(level[:whole].reshape(-1, block), axis=1)
    x = np.arange(len(y)) / len(y)
    candidates = np.arange(2, len(y) - 2)
    rests = []
    for place in candidates:
        design = np.stack([np.ones_like(x), x, np.maximum(0, x - x[place])], axis=1)
        solved, *_ = np.linalg.lstsq(design, y, rcond=None)
        rests.append(float(((y - design @ solved) ** 2).sum()))
    rest = np.array(rests)
    best = int(np.argmin(rest))
    near = np.flatnonzero(rest <= rest[best] * math.exp(3.84 / len(y)))
    return tuple(int(candidates[one]) * block for one in (best, near[0], near[-1]))  # type: ignore[return-value]


def rates(log: Log, stairs: bool) -> list[Finding]:
    """A learning rate that is too high at first, or too low throughout. stairs: the loss falls at
    borders of epochs, which looks like an even fall."""
    steps, level = thinned(*usable(log.train))
    if len(level) < 30:
        return []
    noise = of_lines(level)
    width = max(5, len(level) // 50)
    smooth = running_median(level, width)
    start = float(np.median(level[:3]))
    peak = int(np.argmax(smooth[: len(level) // 2]))
    rise = float(smooth[peak]) - start
    error = noise * math.sqrt(1.57 / width + 1.57 / 3)
    if rise > max(EARLY, 4 * error) and rise > EARLY:
        words = (
            f"The loss first rises to {math.exp(rise):.1f} times its first value, up to "
            f"{at(log, steps[peak])}, before it falls: the learning rate is too high, or is "
            "reached too soon."
        )
        remedy = "Lower the rate, warm up for longer, or clip the gradient."
        test = "rise of ln(loss) over its first lines"
        return [
            finding(
                log, "rate_too_high", steps[peak], rise, test, around(rise, error), words, remedy
            )
        ]
    # In a single pass a loss that still falls is no fault.
    if stairs or len(level) < 60 or not positions(log):
        return []
    first, second = (slope_of(part) for part in np.array_split(level, 2))
    fall, _ = fall_of(level)
    ratio = second[0] / first[0] if first[0] < 0 else 0.0
    clear = second[0] < -4 * second[1] and first[0] < -2 * first[1]
    if not clear or fall < 2 * FLAT or second[0] > first[0] + 2 * math.hypot(first[1], second[1]):
        return []
    error = math.hypot(second[1], ratio * first[1]) / abs(first[0])
    words = (
        f"The training loss falls {ratio:.1f} times as fast in the second half as in the first, "
        f"by {percent(fall)} in all: nothing has begun to settle."
    )
    remedy = "Raise the learning rate (tenfold is a usual next try), or train for longer."
    test = "fall in the second half over fall in the first"
    return [finding(log, "rate_too_low", None, ratio, test, around(ratio, error), words, remedy)]


def collapse(log: Log) -> list[Finding]:
    """A loss that has become that of guessing evenly among all tokens."""
    _, level = usable(log.train)
    if log.vocabulary is None or len(level) < 10:
        return []
    uniform = math.log(log.vocabulary)
    last = np.exp(level[-max(3, len(level) // 10) :])
    away = float(np.median(last)) / uniform - 1
    error = float(np.std(last)) / uniform / math.sqrt(len(last))
    if abs(away) > UNIFORM:
        return []
    words = (
        f"The loss ends at {np.median(last):.2f} nats, which is ln {log.vocabulary:,}: the model "
        "guesses evenly among all tokens."
    )
    remedy = (
        "Lower the learning rate and start again from the base model; check that labels are not "
        "shifted or masked away."
    )
    test = "last loss over ln V, minus 1"
    step = log.train.steps[-1]
    return [finding(log, "collapse", step, away, test, around(away, error), words, remedy)]


def summed(log: Log) -> list[Finding]:
    """A training loss that is several times what it should be: a sum where a mean belongs."""
    _, level = usable(log.train)
    steps, val = usable(log.val)
    if len(level) < 5:
        return []
    remedy = (
        "Divide the loss by the accumulation steps (old trainers log the sum); where the gradient "
        "is summed as well, divide the rate too."
    )
    if len(val) >= 3:
        good = log.train.steps[np.isfinite(log.train.values) & (log.train.values > 0)]
        near = np.array([float(np.median(level[_around(good, step)])) for step in steps])
        ratios = np.exp(near - val)
        ratio = float(np.median(ratios))
        times = round(ratio)
        error = float(np.std(ratios)) / math.sqrt(len(ratios))
        if times >= 2 and abs(ratio / times - 1) < 0.05 and float(np.std(near - val)) < 0.25:
            words = (
                f"The training loss is {ratio:.1f} times the validation loss all along: it is "
                f"summed over {times} micro-batches and no mean."
            )
            test = "training loss over validation loss"
            return [
                finding(log, "summed_loss", None, ratio, test, around(ratio, error), words, remedy,
                        times=times)
            ]  # fmt: skip
    uniform = math.log(log.vocabulary) if log.vocabulary else LARGEST
    middle = float(np.exp(np.median(level)))
    if middle <= SUMMED * uniform:
        return []
    words = (
        f"The loss is {middle:.1f} nats over half of the run, where guessing evenly costs "
        f"{uniform:.1f} at most: it is a sum over micro-batches or over several heads, and no mean "
        "over tokens."
    )
    test = "median loss over ln V"
    statistic = middle / uniform
    error = 1.25 * statistic * of_lines(level) / math.sqrt(len(level))
    return [
        finding(log, "summed_loss", None, statistic, test, around(statistic, error), words, remedy,
                times=None)
    ]  # fmt: skip


def _around(steps: Array, step: float, lines: int = 5) -> Array:
    """The lines that are nearest to a step."""
    return np.argsort(np.abs(steps - step), kind="stable")[:lines]
