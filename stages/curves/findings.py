"""What a run's curves show: findings with a statistic, its interval, and words that say why.

Every test is against the noise of the run itself. Where a log cannot answer, the finding is
`cannot_tell` with the reason: silence would read as a good fit.
"""

from __future__ import annotations

import math

from stages.curves import training, validation
from stages.curves.borders import Border, epoch_steps
from stages.curves.finding import KINDS, Finding, at, finding, percent, rounded
from stages.curves.log import Log
from stages.curves.repeats import memorised

__all__ = ["KINDS", "Finding", "findings"]


def findings(log: Log) -> list[Finding]:
    """The findings on curves, most serious first."""
    if log.refused is not None:
        kind, _, why = log.refused.partition(": ")
        words = why[:1].upper() + why[1:] + "."
        return [finding(log, "refused", None, None, "", None, words, why=kind)]
    if len(log.train) < 3:
        return [*_no_curve(log), *_validations(log, diverged=False)]
    found = training.divergence(log)
    diverged = bool(found)
    found += training.collapse(log)
    summed = [] if diverged else training.summed(log)
    found += summed
    if not diverged:
        flat = training.underfit(log)
        steps = _epoch_steps(log)
        found += flat
        found += training.rates(log, any(one["kind"] == "epoch_step" for one in steps))
        found += [] if flat else training.plateau(log)
        found += training.spikes_of(log)
        found += steps
        found += memorised(log)
    found += _validations(log, diverged)
    if not diverged:
        small = validation.small(log)
        found += small
        found += [] if summed else validation.below(log)
        if not small and not any(one["kind"] in ("overfit", "underfit") for one in found):
            found += validation.good_fit(log)
    if any(one["kind"] in ("overfit", "well_fit") for one in found):
        # An even fall of training is no fault of the rate where validation has had enough.
        found = [one for one in found if one["kind"] != "rate_too_low"]
    order = list(KINDS)
    return sorted(found, key=lambda one: order.index(one["kind"]))


def _no_curve(log: Log) -> list[Finding]:
    lines = len(log.train)
    columns = ", ".join(log.columns[:20]) + (" …" if len(log.columns) > 20 else "")
    if lines:
        words = f"The log has {lines} lines with a training loss, which is no curve."
        remedy = "Log more often (logging_steps), or train for longer."
    elif log.columns:
        words = f"No column is known as a training loss; the columns are: {columns}."
        remedy = "Call the loss `loss` or `train_loss`, and the step `step`."
    else:
        words = "The file has no line that is read as one of a training log."
        remedy = "Give trainer_state.json, JSON lines, a table, or lines of `name: value`."
    return [
        finding(log, "cannot_tell", None, lines, "lines with a training loss", None, words, remedy,
                about="training")
    ]  # fmt: skip


def _validations(log: Log, diverged: bool) -> list[Finding]:
    """Overfitting on each validation set; of a diverged run only whether it can be told."""
    if len(log.train) < 3 and not len(log.val):
        return []
    found = validation.overfit(log, log.val)
    for name, series in log.others.items():
        found += [one for one in validation.overfit(log, series, name) if one["kind"] == "overfit"]
    return [one for one in found if one["kind"] == "cannot_tell"] if diverged else found


def _epoch_steps(log: Log) -> list[Finding]:
    result = epoch_steps(log)
    if result.why is not None:
        words = f"Whether the loss falls at epoch borders cannot be told: {result.why}."
        return [finding(log, "cannot_tell", None, None, "", None, words, about="epoch_step")]
    return [
        _epoch_step(log, border, result.pooled)
        for border in result.tested
        if border.found or result.pooled is not None
    ]


def _epoch_step(log: Log, border: Border, pooled: float | None) -> Finding:
    low, high = (border.jump - 2 * border.error, border.jump + 2 * border.error)
    fall = 1 - math.exp(border.jump)
    together = "" if border.found else " (all borders together; this one alone is within noise)"
    over = f" over {border.ramp} lines" if border.ramp > 1 else ""
    words = (
        f"The training loss falls by {percent(fall)} ({percent(1 - math.exp(high))} to "
        f"{percent(1 - math.exp(low))}){over} at {at(log, border.step)}, where epoch "
        f"{border.epoch + 1} begins{together}: the model knows records that it has seen once."
    )
    remedy = "Watch validation; a lower learning rate or fewer epochs memorise less."
    test = "jump of ln(loss) over its error, against the same at other places"
    score = border.score if border.found else pooled
    return finding(
        log, "epoch_step", border.step, score, test, (low, high), words, remedy,
        epoch=border.epoch, fall=rounded(fall),
    )  # fmt: skip
