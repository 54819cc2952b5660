"""What a training measures of itself, and how much of it: probe, base losses, retention.

A pure function of settings and documents. Each of the three may take a third of the share of
training's work that is allowed for measuring. A training step is reckoned as three forward passes
where all weights are trained, as two with an adapter, whose backward pass makes no gradients of the
frozen weights (Kaplan et al. 2020: 6 N and 4 N operations a token beside 2 N).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stages.train.course import Course
from stages.train.data import Documents, nothing
from stages.train.plan import order

if TYPE_CHECKING:
    from stages.train.train import Train

PROBE, BASE = -3, -4  # epochs that there are not: which records are chosen
MOST = 100_000  # tokens of a probe that nobody asked for: what a page of curves shows at once


@dataclass(frozen=True)
class Measured:
    """probe_train, probe_val: numbers of the records whose losses are kept token by token. base:
    training records whose loss is taken before the first step. retention: passages of other text.
    """

    probe_train: list[int]
    probe_val: list[int]
    base: list[int]
    retention: Documents

    @property
    def probes(self) -> bool:
        """Whether there is a probe."""
        return bool(self.probe_train)


def measured(course: Course, validation: Documents, passages: Documents) -> Measured:
    """What this training measures. passages: of the retention text, in their order."""
    setting, documents = course.setting, course.documents
    epochs = course.total / course.per_epoch
    passes = 3 if setting.method == "full" else 2
    allowed = setting.measure * passes * float(documents.lengths.sum()) * epochs / 3
    wanted, asked = setting.probe_tokens, setting.measure > 0
    if wanted is None:
        wanted = min(MOST, int(allowed / course.points))
    else:
        asked = wanted > 0
    sides: list[list[int]] = [[], []]
    if asked:
        both = (documents, validation)
        sides = [_within(side, wanted / 2, setting.seed, PROBE) for side in both]
    base: Sequence[int] = []
    if setting.base_losses == "all":
        base = range(len(documents))
    elif setting.base_losses == "some" and setting.measure:
        base = _within(documents, allowed, setting.seed, BASE)
    kept = nothing()
    if len(passages) and (setting.retention_tokens is not None or setting.measure):
        budget = setting.retention_tokens or allowed / course.evaluations
        held = np.cumsum(passages.lengths)
        kept = passages.only(range(max(1, int(np.searchsorted(held, budget, side="right")))))
    return Measured(sides[0], sides[1], sorted(base), kept)


def _within(documents: Documents, tokens: float, seed: int, epoch: int) -> list[int]:
    """Numbers of the records, by hash of (seed, id), while they have no more than so many tokens;
    one at least where there is any."""
    chosen = order(documents.ids, seed, epoch)
    held = np.cumsum(documents.lengths[chosen])
    return sorted(chosen[: max(1, int(np.searchsorted(held, tokens, side="right")))])


def rules(setting: Train) -> dict[str, str]:
    """How probe and base losses are chosen, in words."""
    share = f"the share of {setting.measure / 3:.3g} of training's work"
    tokens = share if setting.probe_tokens is None else f"{setting.probe_tokens} tokens"
    base = {
        "some": f"training records by hash of (seed, id), up to {share}",
        "all": "all training records",
        "none": "none",
    }
    return {
        "probe": f"records of each side by hash of (seed, id), up to a half of {tokens} each, one "
        "at least",
        "base": base[setting.base_losses],
    }
