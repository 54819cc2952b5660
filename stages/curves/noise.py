"""The noise of a curve: what all tests are held against."""

from __future__ import annotations

import math

import numpy as np

from stages.curves.epochs import positions
from stages.curves.log import Array, Log, Series

LONG = 4000  # lines from which trends are looked for in blocks
JUMP, JUMP_LINES = 1.0, 5  # rise of ln(loss) over the median of so many lines before: a spike
AROUND = 15  # lines of the running median that a spike stands out from
LEAST = 0.25  # rise of ln(loss) that counts as a spike, at least
OVER = 7  # noise that a spike stands out by
HEALED = 1.5  # noise over the lines before it at which a spike has healed
LONGEST = 20  # lines after a spike that may belong to its recovery


def usable(series: Series) -> tuple[Array, Array]:
    """(steps, ln of losses) of the lines that have one."""
    good = np.isfinite(series.values) & (series.values > 0)
    return series.steps[good], np.log(series.values[good])


def mad(values: Array) -> float:
    """Median absolute deviation as a standard deviation of normal values."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


def thinned(steps: Array, level: Array) -> tuple[Array, Array]:
    """Medians of blocks of a long curve: windows over all lines would hold millions of numbers."""
    if len(level) <= LONG:
        return steps, level
    block = len(level) // (LONG // 2)
    whole = len(level) // block * block
    return steps[:whole:block], np.median(level[:whole].reshape(-1, block), axis=1)


def of_lines(level: Array) -> float:
    """Standard deviation from line to line, without the trend."""
    return mad(np.diff(level)) / math.sqrt(2)


def running_median(values: Array, width: int) -> Array:
    """The median of `width` lines around each; beyond the ends the lines are mirrored."""
    half = min(width // 2, len(values) - 1)
    padded = np.pad(values, half, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    result: Array = np.median(windows, axis=1)[: len(values)]
    return result


def spikes(level: Array) -> tuple[Array, Array, Array]:
    """(lines that stand out, by how much every line does, which jump whatever is around them)."""
    over = level - running_median(level, AROUND)
    limit = max(OVER * mad(over), LEAST)
    # A jump that takes long to heal lifts the median around it: compare it with the lines before.
    before = np.lib.stride_tricks.sliding_window_view(level, JUMP_LINES)[:-1]
    jump = np.zeros(len(level))
    jump[JUMP_LINES:] = level[JUMP_LINES:] - np.median(before, axis=1)
    wide = jump > max(JUMP, 10 * of_lines(level))
    over = np.where(wide, jump, over)
    return np.flatnonzero(wide | (over > limit)), over, wide


def peaks_of(high: Array) -> Array:
    """The first line of each group of lines that stand out."""
    result: Array = high[np.diff(high, prepend=-9) > 3]
    return result


def has_period(peaks: Array) -> bool:
    """Peaks at equal distances come from how batches are made: grouped lengths, short rests."""
    if len(peaks) < 5:
        return False
    gaps = np.diff(peaks)
    return bool((np.abs(gaps - np.median(gaps)) <= max(1, 0.03 * np.median(gaps))).mean() > 0.6)


def disturbed(level: Array) -> Array:
    """A mask of the lines of spikes and their recovery, which say nothing of the level."""
    mask = np.zeros(len(level), dtype=bool)
    if len(level) < 2 * AROUND:
        return mask
    high, _, wide = spikes(level)
    if has_period(peaks_of(high)):
        high = high[wide[high]]
    healed = HEALED * of_lines(level)
    for peak in high:
        if mask[peak]:
            continue
        # Against the lines before it: those around it are high themselves.
        before = level[max(0, peak - AROUND) : peak][~mask[max(0, peak - AROUND) : peak]]
        base = float(np.median(before)) if len(before) else float(level[peak])
        mask[peak] = True
        for line in range(peak + 1, min(peak + 1 + LONGEST, len(level))):
            if level[line] - base <= healed:
                break
            mask[line] = True
    return mask


def ends_of_epochs(log: Log, steps: Array) -> set[float]:
    """The steps of lines in which an epoch ends; they may hold a short last batch."""
    return {float(log.train.steps[line]) for _, line in positions(log)} | {float(steps[-1])}
