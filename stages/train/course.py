"""The course of a training: which records, in which rows, at which rate, in every step.

A pure function of settings and documents; what a step does depends on nothing that ran before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.tokens.packing import pack
from stages.train.data import Documents
from stages.train.plan import order, steps_of
from stages.train.schedule import rate, warmup_steps

if TYPE_CHECKING:
    from stages.train.train import Train

# Validations after that of step 0 when eval_every is not given: seven values tell turn from noise.
EVALUATIONS = 6
BATCH = 8  # records of a step when nothing else is given


@dataclass(frozen=True)
class Chosen:
    """One step. numbers: its documents. rows: those of each packed row. targets, tokens: of all.
    lr: its rate."""

    numbers: list[int]
    rows: list[list[int]]
    targets: int
    tokens: int
    lr: float


@dataclass(frozen=True, eq=False)
class Course:
    """capacity: tokens of a packed row; 0: a row for each document. processes: of the group."""

    setting: Train
    documents: Documents
    capacity: int
    processes: int = 1

    @cached_property
    def size(self) -> int:
        """What a step weighs, at most: records, or targets with `batch_tokens`."""
        setting = self.setting
        if setting.batch_tokens is not None:
            return setting.batch_tokens
        if setting.per_device_batch is not None:
            return setting.per_device_batch * (setting.accumulation or 1) * self.processes
        return setting.batch or BATCH

    @cached_property
    def _weights(self) -> np.ndarray[Any, Any]:
        if self.setting.batch_tokens is not None:
            return self.documents.targets
        return np.ones(len(self.documents), dtype=np.int64)

    @cached_property
    def per_epoch(self) -> int:
        """Optimizer steps of an epoch, the same in all of them."""
        return len(steps_of(self._weights, self.size))

    @cached_property
    def total(self) -> int:
        """Optimizer steps of the run."""
        steps = self.per_epoch * self.setting.epochs
        return min(steps, self.setting.max_steps or steps)

    @cached_property
    def eval_every(self) -> int:
        return self.setting.eval_every or max(1, math.ceil(self.total / EVALUATIONS))

    def evaluates(self, done: int) -> bool:
        """Whether validation and retention are due after `done` steps."""
        at_end = done in (0, self.total) or done % self.per_epoch == 0
        return at_end or done % self.eval_every == 0

    def probes(self, done: int) -> bool:
        """Whether the probe is due: with validation, and at 1, 2, 4, 8 … steps, since curves of
        single tokens move most at the beginning."""
        return self.evaluates(done) or done & (done - 1) == 0

    @cached_property
    def evaluations(self) -> int:
        """How many validations the run has."""
        return len(self._evaluated)

    @cached_property
    def points(self) -> int:
        """How often the run looks at the probe."""
        powers = {1 << power for power in range(self.total.bit_length())}
        return len(self._evaluated | powers)

    @cached_property
    def _evaluated(self) -> set[int]:
        regular = range(0, self.total + 1, self.eval_every)
        return {*regular, *range(0, self.total + 1, self.per_epoch), self.total}

    def rate(self, step: int) -> float:
        """The learning rate of step `step`, from 0."""
        setting = self.setting
        rising = warmup_steps(self.total, setting.warmup, setting.warmup_steps)
        return rate(step, self.total, setting.lr, setting.schedule, rising, self.per_epoch)

    def step(self, number: int) -> Chosen:
        """Step `number`, from 0."""
        epoch, within = divmod(number, self.per_epoch)
        numbers = self._epoch(epoch)[within]
        return Chosen(
            numbers,
            self._rows(numbers),
            int(self.documents.targets[numbers].sum()),
            int(self.documents.lengths[numbers].sum()),
            self.rate(number),
        )

    @lru_cache(maxsize=1)  # noqa: B019  (a course lives as long as its run)
    def _epoch(self, epoch: int) -> list[list[int]]:
        numbers = order(self.documents.ids, self.setting.seed, epoch)
        cuts = steps_of(self._weights[numbers], self.size)
        return [numbers[begin:end] for begin, end in cuts]

    def _rows(self, numbers: Sequence[int]) -> list[list[int]]:
        """The packed rows of a step: of at most the capacity, or as many as are asked for."""
        wanted = self.setting.accumulation
        if wanted is None:
            packed = pack(self.documents.lengths[numbers], self.capacity)
            return [[numbers[at] for at in row] for row in packed]
        parts = np.array_split(np.array(numbers), min(wanted * self.processes, len(numbers)))
        rows = [part.tolist() for part in parts]
        return rows if self.capacity else [[one] for row in rows for one in row]

    def longest(self) -> list[int]:
        """The documents of the longest row of the first epoch: what memory must hold."""
        chosen: list[int] = []
        for numbers in self._epoch(0):
            for row in self._rows(numbers):
                if self._tokens(row) > self._tokens(chosen):
                    chosen = row
        return chosen

    def _tokens(self, row: Sequence[int]) -> int:
        return int(self.documents.lengths[list(row)].sum()) if row else 0
