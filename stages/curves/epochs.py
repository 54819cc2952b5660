"""The epochs of a log: rounded ones rebuilt, missing ones reckoned, and where each ends."""

from __future__ import annotations

import math

import numpy as np

from stages.curves.columns import Row, number
from stages.curves.log import Array, Log, Series


def repair(log: Log, state: Row) -> None:
    """Make the epochs of the training lines usable, or say that they are not.

    state: what the file says of the run as a whole (global_step, max_steps, num_train_epochs)."""
    if log.x == "epoch":
        log.epochs_fit = len(log.train) > 1
        return
    epochs, steps = log.train.epochs, log.train.steps
    known = np.isfinite(epochs)
    if known.sum() < 2:
        log.epochs_fit = False
        total, passes = number(state.get("max_steps")), number(state.get("num_train_epochs"))
        if (
            log.x == "step" and len(steps) and total and passes
            and 0 < passes < 1e5 and steps[-1] <= total
        ):  # fmt: skip
            log.train = Series(steps, log.train.values, steps * passes / total)
            log.epochs_fit = True
        return
    if (np.diff(epochs[known]) < -1e-9).any():
        log.epochs_fit = False
        log.notes.append("the epoch field falls back while steps go on; it is not used")
        return
    if (whole := _within(epochs, known)) is not None:
        log.train = Series(steps, log.train.values, whole)
        log.notes.append("epochs are whole numbers; parts of them are reckoned from the lines")
        return
    rounded = np.allclose(epochs[known] * 100, np.round(epochs[known] * 100), atol=1e-6)
    if not rounded or len(steps) <= 3:
        return
    last_step = float(steps[known][-1])
    last_epoch = float(epochs[known][-1])
    if log.x == "step":
        last_step = number(state.get("global_step")) or last_step
        last_epoch = number(state.get("epoch")) or last_epoch
    if last_step > 0 and last_epoch > 0:
        rebuilt = steps * last_epoch / last_step
        off = np.abs(rebuilt - epochs)[known].max()
        if 1e-9 < off < 0.02 + 0.002 * last_epoch:  # else they are as exact as they look
            log.train = Series(steps, log.train.values, rebuilt)
            log.notes.append(f"epochs are rounded to two decimals; rebuilt from the {log.x}s")


def _within(epochs: Array, known: Array) -> Array | None:
    """Epochs that count whole passes (0, 0, 0, 1, 1, 1 as Lightning, Keras and torchtune write)
    with the part of each pass that is over; None where they are no such count."""
    if not known.all() or (epochs != np.floor(epochs)).any() or len(epochs) < 6:
        return None
    names, first, counts = np.unique(epochs, return_index=True, return_counts=True)
    if len(names) * 3 > len(epochs):
        return None
    # The last pass may be cut short: it is as long as the others, or ends the log.
    lines = counts.astype(float)
    if len(names) > 1:
        lines[-1] = max(lines[-1], np.median(lines[:-1]))
    out = np.empty(len(epochs))
    for at, (begin, count) in enumerate(zip(first, counts, strict=True)):
        out[begin : begin + count] = at + np.arange(1, count + 1) / lines[at]
    return out


def positions(log: Log) -> list[tuple[int, int]]:
    """(epochs that are over, index of the line in which they end) of each border."""
    epochs = log.train.epochs
    known = epochs[np.isfinite(epochs)]
    if not log.epochs_fit or len(known) < 3:
        return []
    last = float(known.max())
    slack = 0.02 * float(np.median(np.diff(known)))
    found = []
    for epoch in range(1, math.floor(last + slack) + 1):
        line = int(np.argmax(epochs >= epoch - slack))
        if 3 <= line < len(epochs) - 3:
            found.append((epoch, line))
    return found
