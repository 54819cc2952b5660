"""What a training measures of itself, and how much of it: probe, base losses, retention.

A pure function of settings, documents and the model's shape. Each of the three may take a third of
the share of training's work that is allowed for measuring. Work is counted in tokens that pass
through a model's layers; the logits of a target, which no other token needs, are `head` tokens, and
half as much again where all figures are taken of them. A training step is reckoned as three forward
passes where all weights are trained, as two with an adapter, whose backward pass makes no gradients
of the frozen weights (Kaplan et al. 2020: 6 N and 4 N operations a token beside 2 N).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.errors import SeedbedError
from stages.train.course import Course
from stages.train.data import Documents, nothing
from stages.train.plan import order
from stages.train.shape import shape_of

if TYPE_CHECKING:
    from stages.train.train import Train

PROBE, BASE = -3, -4  # epochs that there are not: which records are chosen
MOST = 100_000  # tokens of a probe that nobody asked for: what a page of curves shows at once
FIGURES = 1.5  # what all figures of a logit's row cost beside its loss (benchmarks/bench_recording)

Array = np.ndarray[Any, Any]


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


def head_of(folder: Path) -> float:
    """What the logits of a token cost beside its way through the layers before them; 0 for a model
    whose shape is not known."""
    try:
        shape = shape_of(folder)
    except SeedbedError:
        return 0.0
    return shape.head / shape.multiplied if shape.multiplied else 0.0


def measured(
    course: Course, validation: Documents, passages: Documents, head: float = 0.0
) -> Measured:
    """What this training measures. passages: of the retention text, in their order. head: as
    `head_of` the model has it."""
    setting, documents = course.setting, course.documents
    epochs = course.total / course.per_epoch
    passes = 3 if setting.method == "full" else 2
    work = float(_work(documents, head).sum())
    allowed = setting.measure * passes * work * epochs / 3
    sides: list[list[int]] = [[], []]
    if setting.probe_tokens is not None or setting.measure > 0:
        most = MOST if setting.probe_tokens is None else setting.probe_tokens
        share = allowed / course.points if setting.probe_tokens is None else np.inf
        if most:
            both = (documents, validation)
            sides = [_within(side, most / 2, head, share / 2, setting.seed, PROBE) for side in both]
    base: Sequence[int] = []
    if setting.base_losses == "all":
        base = range(len(documents))
    elif setting.base_losses == "some" and setting.measure:
        base = _within(documents, np.inf, head, allowed, setting.seed, BASE)
    kept = nothing()
    if len(passages) and (setting.retention_tokens is not None or setting.measure):
        if setting.retention_tokens is not None:
            count = _first(passages.lengths, setting.retention_tokens)
        else:
            count = _first(_work(passages, FIGURES * head), allowed / course.evaluations)
        kept = passages.only(range(count))
    return Measured(sides[0], sides[1], sorted(base), kept)


def _work(documents: Documents, head: float) -> Array:
    made: Array = documents.lengths + head * documents.targets
    return made


def _within(
    documents: Documents, tokens: float, head: float, work: float, seed: int, epoch: int
) -> list[int]:
    """Numbers of the records, by hash of (seed, id), while they have no more than so many tokens
    and an evaluation of them no more than so much work; one at least where there is any."""
    chosen = order(documents.ids, seed, epoch)
    by_work = _first(_work(documents, FIGURES * head)[chosen], work)
    return sorted(chosen[: min(by_work, _first(documents.lengths[chosen], tokens))])


def _first(sizes: Array, most: float) -> int:
    """How many of the first sum to no more than `most`: one at least."""
    return max(1, int(np.searchsorted(np.cumsum(sizes), most, side="right")))


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
