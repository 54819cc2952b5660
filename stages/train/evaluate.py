"""Validation: the loss of each record, summed over its trained-on tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stages.require import require
from stages.train.data import Documents
from stages.train.loss import row_losses, row_of
from stages.train.parallel import ALONE, Group

Array = np.ndarray[Any, Any]


def evaluate(
    model: Any,
    documents: Documents,
    rows: Sequence[Sequence[int]],
    precision: str,
    device: str,
    *,
    group: Group = ALONE,
    between: Callable[[], None] = lambda: None,
) -> Array:
    """The sum of the losses of each document's targets, in nats; float64, one a document.

    rows: numbers of the documents of each packed row. between: called after a row.
    """
    torch = require("torch", "train")
    model.eval()
    sums = np.zeros(len(documents))
    lengths = [int(documents.lengths[list(row)].sum()) for row in rows]
    for number, counts in group.share(lengths):
        row = list(rows[number])
        batch = row_of([documents.tokens(at) for at in row], device)
        with torch.no_grad():
            losses = row_losses(model, batch, precision).double().cpu().numpy()
        ends = np.cumsum(documents.targets[row])
        for at, begin, end in zip(row, [0, *ends[:-1]], ends, strict=True):
            sums[at] += losses[begin:end].sum() * (counts > 0)
        between()
    made: Array = group.summed(torch.from_numpy(sums)).numpy()
    return made
