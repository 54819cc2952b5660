"""One optimizer step: the gradient of the mean loss over its targets, clipped, then AdamW."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from stages.require import require
from stages.train import model as models

BETAS, EPSILON = (0.9, 0.999), 1e-8  # as in the paper (Loshchilov and Hutter 2019)

Array = np.ndarray[Any, Any]
Row = Sequence[tuple[Array, Array]]  # (token ids, which of them are targets) of each document


def optimizer_of(parameters: Iterable[Any], weight_decay: float) -> Any:
    """AdamW over the parameters that are trained; each step gives the rate."""
    return require("torch", "train").optim.AdamW(parameters, 0.0, BETAS, EPSILON, weight_decay)


def step(
    model: Any,
    optimizer: Any,
    rows: Iterable[Row],
    *,
    targets: int,
    lr: float,
    clip: float,
    precision: str,
    device: str,
    between: Callable[[], None] = lambda: None,
) -> tuple[float, float]:
    """Take one step; returns (mean loss in nats over the targets, norm of the gradient before it
    was clipped). Where either is not finite the parameters stay as they were.

    rows: packed rows, worked on one after the other; how the documents are cut into them changes
    nothing but memory. targets: of all rows together. clip: greatest norm of the gradient; 0 sets
    no limit. between: called after each row; what it raises ends the step without a change.
    """
    torch = require("torch", "train")
    parameters = [value for group in optimizer.param_groups for value in group["params"]]
    for group in optimizer.param_groups:
        group["lr"] = lr
    model.train()
    loss = 0.0
    for row in rows:
        batch = models.row_of(row, device)
        part = models.row_losses(model, batch, precision).sum() / targets
        part.backward()
        loss += float(part.detach())
        between()
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, clip or math.inf))
    if math.isfinite(loss) and math.isfinite(norm):
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss, norm
