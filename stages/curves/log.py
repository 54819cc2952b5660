"""A training log as curves: what the readers make and the detectors take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, Any]
Axis = Literal["step", "line", "epoch"]


@dataclass(frozen=True)
class Series:
    """Values over the axis of the log; `epochs` is NaN where a log does not say it."""

    steps: Array
    values: Array
    epochs: Array

    def __len__(self) -> int:
        return len(self.steps)

    def where(self, keep: Array) -> Series:
        """The lines that a mask or indices choose."""
        return Series(self.steps[keep], self.values[keep], self.epochs[keep])


def nothing() -> Series:
    """A series without values."""
    return Series(np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass
class Log:
    """One run's curves, losses in nats.

    train, val: loss of training lines and of evaluations. x: what `steps` count: optimizer steps,
    lines of the log with a training loss (a log that says no step), or epochs (a line an epoch).
    epochs_fit: whether the epoch field can be used. refused: why this is no one cross-entropy
    curve, or None. others: further validation sets by name. rate, norm: learning rate, and
    gradient norm before the clip. excess: training loss minus that of the model before training on
    the same records, nats. repeats: for each repetition, (step, loss) of records at a visit and
    at the next one. probe: loss on a fixed sample of training records, dropout off.
    checkpoints: steps that were saved. vocabulary: entries of the model's, for a loss of ln V.
    val_records: records of the validation side. columns: names that the file has.
    """

    train: Series
    val: Series
    epochs_fit: bool = True
    notes: list[str] = field(default_factory=list)
    refused: str | None = None
    title: str = ""
    x: Axis = "step"
    others: dict[str, Series] = field(default_factory=dict)
    rate: Series = field(default_factory=nothing)
    norm: Series = field(default_factory=nothing)
    excess: Series = field(default_factory=nothing)
    probe: Series = field(default_factory=nothing)
    repeats: tuple[Array, ...] = ()
    checkpoints: tuple[int, ...] = ()
    vocabulary: int | None = None
    val_records: int | None = None
    columns: tuple[str, ...] = ()
