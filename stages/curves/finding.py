"""A finding: what it is, its statistic with an interval, where on the curve, and what helps."""

from __future__ import annotations

import math
from typing import TypedDict, Unpack

import numpy as np

from stages.curves.log import Axis, Log

KINDS = {
    "divergence": "the loss rises for good, or is no number",
    "collapse": "the loss has become that of guessing evenly",
    "no_update": "no update reaches the weights",
    "summed_loss": "the training loss is a sum over micro-batches or heads, not a mean",
    "overfit": "validation loss rises while training goes on",
    "underfit": "training loss hardly falls",
    "rate_too_high": "the loss first rises far over its first value",
    "rate_too_low": "training loss falls no slower at the end than at the beginning",
    "spikes": "single steps with a far higher loss",
    "epoch_step": "training loss falls where records begin to repeat",
    "memorised": "records seen again have fallen further than the same model without training",
    "val_below_train": "validation loss lies below training loss",
    "small_validation": "validation is too small or too noisy to tell",
    "plateau": "training loss no longer falls in the second half",
    "train_on": "the loss still falls at the end",
    "well_fit": "validation loss has settled near its lowest value",
    "cannot_tell": "the log does not hold what the question needs",
    "refused": "the log is no one cross-entropy curve",
}
SURE = 2.0  # standard errors on each side of a statistic in its interval


class Particulars(TypedDict, total=False):
    """What findings of some kinds hold besides.

    about: the question, of `cannot_tell`; why: of `refused`; steps: of `spikes`; epoch, fall: of
    `epoch_step` and `memorised`; rise: of `overfit`; stop: first and last place at
    which to stop, of `overfit`;
    gap, gap_interval: validation minus training loss in nats, of `well_fit` and `overfit`;
    late: relative fall in the last third, of `train_on` and `well_fit`; elbow: first and last
    place of the bend, of `plateau`; times: how many losses are summed; set: of several validations,
    which.
    """

    about: str
    why: str
    steps: list[int]
    epoch: int
    fall: float | None
    rise: float | None
    stop: list[int]
    gap: float | None
    gap_interval: list[float | None]
    late: float | None
    elbow: list[int]
    times: int | None
    set: str


class Finding(Particulars):
    """A finding as JSON values.

    kind: a key of KINDS. step: where on the curve, None where it is about no place; x: what
    `step` counts. statistic: a number, and `test` what it is; interval: what holds `statistic`,
    or the effect that the words tell, with two standard errors on each side; None where there is
    no error to reckon. words: what was found. remedy: what helps; empty for good news.
    checkpoint: the saved step that is nearest, None where none is known.
    """

    kind: str
    step: int | None
    x: Axis
    statistic: float | None
    test: str
    interval: list[float | None] | None
    words: str
    remedy: str
    checkpoint: int | None


def finding(
    log: Log,
    kind: str,
    step: float | None,
    statistic: float | None,
    test: str,
    interval: tuple[float, float] | None,
    words: str,
    remedy: str = "",
    **more: Unpack[Particulars],
) -> Finding:
    """A finding as JSON values: no number that JSON does not know."""
    assert kind in KINDS
    at = None if step is None else int(step)
    return {
        "kind": kind,
        "step": at,
        "x": log.x,
        "statistic": rounded(statistic),
        "test": test,
        "interval": None if interval is None else [rounded(end) for end in interval],
        "words": words,
        "remedy": remedy,
        "checkpoint": None if at is None else nearest(log, at),
        **more,
    }


def sentence(found: Finding) -> str:
    """Words and remedy, with the checkpoint to go back to."""
    parts = [found["words"], found["remedy"]]
    if found["checkpoint"] is not None and found["remedy"]:
        parts.append(f"The nearest saved checkpoint is that of step {found['checkpoint']:,}.")
    return " ".join(part for part in parts if part)


def nearest(log: Log, step: float) -> int | None:
    """The saved step that is nearest; None for a log whose places are no steps."""
    if log.x != "step" or not log.checkpoints:
        return None
    return min(log.checkpoints, key=lambda saved: (abs(saved - step), saved))


def at(log: Log, step: float) -> str:
    """A place of the curve in words: `step 400`, `line 44 (epoch 1.1)`, `epoch 4`."""
    told = f"{log.x} {step:.0f}"
    if log.x == "line" and len(log.train):
        line = int(np.argmin(np.abs(log.train.steps - step)))
        epoch = float(log.train.epochs[line])
        if math.isfinite(epoch):
            told += f" (epoch {epoch:.2g})"
    return told


def rounded(value: float | None) -> float | None:
    """A number of JSON with six digits behind the point; None for what is no number."""
    return None if value is None or not math.isfinite(value) else round(float(value), 6)


def percent(share: float) -> str:
    """A share in words."""
    return f"{100 * share:.0f} %" if abs(share) >= 0.1 else f"{100 * share:.1f} %"


def around(value: float, error: float) -> tuple[float, float]:
    """The interval of a value with a standard error."""
    return value - SURE * error, value + SURE * error
