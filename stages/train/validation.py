"""Losses of a corpus's validation side under a model and its base, with standard errors.

The mean is over tokens, and tokens of a record are not independent: the error is that of a ratio of
sums over records (Cochran 1977, section 6.3), so that 20 long records count as 20.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stages.require import require
from stages.train.asked import Pair, Side
from stages.train.data import Documents
from stages.train.loss import row_losses, row_of


@dataclass(frozen=True)
class Loss:
    """mean: nats a token. error: its standard error, nan with fewer than two records."""

    mean: float
    error: float


def losses_of(
    pair: Pair,
    side: Side,
    documents: Documents,
    count: int,
    told: Callable[[int], None] = lambda done: None,
) -> list[float]:
    """The sum of the losses of each document's targets, in nats, of the first `count`. told: called
    after each with how many are done."""
    torch = require("torch", "train")
    sums = []
    with pair.of(side) as model, torch.no_grad():
        for number in range(count):
            row = row_of([documents.tokens(number)], pair.device)
            sums.append(float(row_losses(model, row, pair.precision).double().sum()))
            told(number + 1)
    return sums


def mean_of(sums: Sequence[float], tokens: Sequence[int]) -> Loss:
    """Mean loss over all tokens. sums, tokens: of each record."""
    count, total = len(sums), sum(tokens)
    mean = math.fsum(sums) / total
    if count < 2:
        return Loss(mean, math.nan)
    rest = math.fsum((s - mean * t) ** 2 for s, t in zip(sums, tokens, strict=True))
    return Loss(mean, math.sqrt(rest * count / (count - 1)) / total)
