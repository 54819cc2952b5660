"""Learning rates, as pure functions of the step.

The names are those of transformers' schedulers; `constant` with a warm-up is its
`constant_with_warmup`. `cosine_by_epoch` begins anew in each epoch: half of it rises, half falls
(fast.ai's learning-curve study used it to see which examples are memorised).
"""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["constant", "linear", "cosine", "cosine_by_epoch"]

RISING = 0.5  # share of an epoch in which `cosine_by_epoch` warms up


def rate(
    step: int, total: int, peak: float, schedule: Schedule, warmup: int, per_epoch: int = 0
) -> float:
    """The learning rate of step `step` (from 0) of `total`.

    warmup: steps in which the rate rises linearly to its peak. per_epoch: steps of an epoch, after
    which `cosine_by_epoch` begins anew; it has a warm-up of its own.
    """
    if schedule == "cosine_by_epoch":
        return rate(step % per_epoch, per_epoch, peak, "cosine", math.ceil(RISING * per_epoch))
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    part = (step - warmup) / max(1, total - warmup)
    if schedule == "cosine":
        return peak * 0.5 * (1 + math.cos(math.pi * part))
    return peak * (1 - part) if schedule == "linear" else peak


def warmup_steps(total: int, share: float, steps: int | None) -> int:
    """Steps of the warm-up: as given, else a share of all, rounded up."""
    return math.ceil(share * total) if steps is None else min(steps, total)
