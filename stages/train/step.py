"""One optimizer step: the gradient of the mean loss over its targets, clipped, then the optimizer.

How the documents of a step are cut into rows, and which process works on which row, changes
memory and time and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from stages.require import require
from stages.train.loss import row_losses
from stages.train.optimizer import parameters_of, set_rate
from stages.train.parallel import ALONE, Group
from stages.train.scaling import Scaler
from stages.train.sharding import whole


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
) -> tuple[float, float]:
    """Take one step; returns (mean loss in nats over the targets, norm of the gradient before it
    was clipped). Where either is not finite the parameters stay as they were.

    rows: packed rows as `loss.row_of` makes them, worked on one after the other; in a group those
    of this process. targets: of all rows of all processes. clip: greatest norm of the gradient;
    0 sets no limit. scaler: for fp16. between: called after each row; what it raises ends the step
    without a change.
    """
    torch = require("torch", "train")
    parameters = parameters_of(optimizer)
    set_rate(optimizer, lr)
    model.train()
    scale = scaler.scale if scaler else 1.0
    loss = 0.0
    for row in rows:
        part = row_losses(model, row, precision).sum() * row["counts"] / targets
        (part * scale).backward()
        loss += float(part.detach())
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
