"""Loss scaling for fp16, whose smallest numbers would swallow gradients (Micikevicius 2017)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

GROWTH, PATIENCE = 2.0, 2000  # the scale doubles after so many steps without an overflow
LEAST = 1.0


@dataclass
class Scaler:
    """The scale of the loss and how many steps it has held; both are in the checkpoint."""

    scale: float = 65536.0
    held: int = 0

    def unscale(self, parameters: Iterable[Any]) -> None:
        """Gradients of the loss itself."""
        for value in parameters:
            if value.grad is not None:
                value.grad.div_(self.scale)

    def adapt(self, finite: bool) -> None:
        """Halve the scale after an overflow; double it after many steps without one."""
        self.held = self.held + 1 if finite else 0
        if not finite:
            self.scale = max(LEAST, self.scale / GROWTH)
        elif self.held >= PATIENCE:
            self.scale, self.held = self.scale * GROWTH, 0

    @property
    def exhausted(self) -> bool:
        """Whether no smaller scale is left: then it is divergence, not the precision."""
        return self.scale <= LEAST or math.isnan(self.scale)
