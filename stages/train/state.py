"""Where a training stands, as it is kept in a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass
class State:
    """identity, means: what is trained and how, as `identity` says. seed: that is used, drawn or
    given. done: optimizer steps. evaluated: steps after which all was
    measured that is due. sizes: bytes of each file that is written on. based: whether base losses
    are taken. tokens, trained: in all steps. skipped: steps left out because fp16 overflowed.
    best: (steps done, validation loss) of the best so far. noticed, seen, told: steps after which
    the curve was last looked at, findings that it had then, and those that were told. stopped: the
    finding that ended the run. scale, held: of the loss, in fp16. before: completions of the base
    model."""

    identity: dict[str, Any]
    means: dict[str, Any]
    seed: int
    done: int = 0
    evaluated: int = -1
    sizes: dict[str, int] = field(default_factory=dict)
    based: bool = False
    tokens: int = 0
    trained: int = 0
    skipped: int = 0
    best: tuple[int, float] | None = None
    noticed: int = 0
    seen: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    stopped: dict[str, Any] | None = None
    scale: float | None = None
    held: int = 0
    before: list[dict[str, str]] | None = None

    @property
    def position(self) -> int:
        """Grows with every step and every look; a position stands for one state."""
        return 2 * self.done + (self.evaluated == self.done)

    def better(self, loss: float) -> bool:
        """Whether this validation is the best after a step, and remember it."""
        if self.done == 0 or not math.isfinite(loss):
            return False
        if self.best is not None and self.best[1] <= loss:
            return False
        self.best = self.done, loss
        return True

    @property
    def best_position(self) -> int | None:
        """Where the checkpoint of the best validation lies."""
        return None if self.best is None else 2 * self.best[0] + 1

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> State:
        known = {one.name: value[one.name] for one in fields(cls)}
        if known["best"] is not None:
            known["best"] = int(known["best"][0]), float(known["best"][1])
        return cls(**known)
