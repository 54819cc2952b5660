"""One optimizer step: the gradient of the mean loss over its targets, clipped, then the optimizer.

How the documents of a step are cut into rows, and which process works on which row, changes
memory and time and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from stages.require import require
from stages.train.loss import row_losses
from stages.train.optimizer import parameters_of, set_rate
from stages.train.parallel import ALONE, Group
from stages.train.scaling import Scaler
from stages.train.sharding import whole

Array = np.ndarray[Any, Any]


def step(
    model: Any,
    optimizer: Any,
    rows: Iterable[dict[str, Any]],
    *,
    targets: int,
    lr: float,
    clip: float,
    precision: str,
    group: Group = ALONE,
    scaler: Scaler | None = None,
    between: Callable[[], None] = lambda: None,
    heard: Callable[[Any], None] = lambda losses: None,
) -> tuple[float, float]:
    """Take one step; returns (mean loss in nats over the targets, norm of the gradient before it
    was clipped). Where either is not finite the parameters stay as they were.

    rows: packed rows as `loss.row_of` makes them, worked on one after the other; in a group those
    of this process. targets: of all rows of all processes. clip: greatest norm of the gradient;
    0 sets no limit. scaler: for fp16. between: called after each row; what it raises ends the step
    without a change. heard: called with the losses of each row's targets.
    """
    torch = require("torch", "train")
    parameters = parameters_of(optimizer)
    set_rate(optimizer, lr)
    model.train()
    scale = scaler.scale if scaler else 1.0
    loss = 0.0
    for row in rows:
        losses = row_losses(model, row, precision)
        part = losses.sum() * row["counts"] / targets
        (part * scale).backward()
        loss += float(part.detach())
        heard(losses.detach())
        between()
    loss = group.gathered(parameters, loss)
    if scaler:
        scaler.unscale(parameters)
    norm = float(whole(torch.nn.utils.clip_grad_norm_(parameters, clip or math.inf)))
    finite = math.isfinite(loss) and math.isfinite(norm)
    if finite:
        optimizer.step()
    if scaler:
        scaler.adapt(math.isfinite(norm))
    optimizer.zero_grad(set_to_none=True)
    return loss, norm


class Seen:
    """The mean losses of a step's records, each before the step's update.

    targets: of all documents, by number. rows: documents of each row. shares: (row, what it counts)
    of this process, in the order in which it works on them.
    """

    def __init__(
        self, targets: Array, rows: Sequence[Sequence[int]], shares: Sequence[tuple[int, float]]
    ) -> None:
        self.numbers = np.array([number for row in rows for number in row], dtype=np.int64)
        self._targets = targets[self.numbers]
        self._begins = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
        self._coming = iter(shares)
        self._sums = np.zeros(len(self.numbers))

    def hear(self, losses: Any) -> None:
        """The losses of the next row's targets."""
        row, counts = next(self._coming)
        if counts > 0:
            here = slice(self._begins[row], self._begins[row + 1])
            begins = np.cumsum([0, *self._targets[here][:-1]])
            self._sums[here] = np.add.reduceat(losses.double().cpu().numpy(), begins)

    def together(self, group: Group) -> tuple[Array, Array]:
        """(documents, mean loss of each) of all processes."""
        torch = require("torch", "train")
        sums: Array = group.summed(torch.from_numpy(self._sums)).numpy()
        return self.numbers, sums / self._targets
