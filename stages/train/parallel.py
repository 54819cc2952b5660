"""Processes that train one model together: each works on a part of a step's rows.

Gradients are summed over the processes before they are clipped. The loss of a row is divided by
the targets of the whole step, so that the sum is the gradient of one process with all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stages.require import require

BUCKET = 1 << 25  # numbers that are summed at once


@dataclass(frozen=True)
class Group:
    """This process among `size`; the first, of rank 0, alone reads and writes files. even: all
    must compute equally many rows, for each holds a part of the weights. reduced: PyTorch means
    the gradients over the processes itself."""

    rank: int = 0
    size: int = 1
    even: bool = False
    reduced: bool = False

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, weights: Sequence[int]) -> list[tuple[int, float]]:
        """(number, what it counts) of the rows of this process: the heaviest first to whoever has
        least. Where all must have equally many, the lightest comes once more and counts nothing;
        else it counts 1, times the processes where their gradients are meant."""
        loads = [0] * self.size
        shares: list[list[int]] = [[] for _ in loads]
        order = sorted(range(len(weights)), key=lambda at: (-weights[at], at))
        for number in order:
            least = loads.index(min(loads))
            loads[least] += weights[number]
            shares[least].append(number)
        counts = float(self.size) if self.reduced else 1.0
        mine = [(number, counts) for number in sorted(shares[self.rank])]
        if self.even:
            most = max(len(one) for one in shares)
            mine += [(order[-1], 0.0)] * (most - len(mine))
        return mine

    def gathered(self, parameters: Sequence[Any], loss: float) -> float:
        """Sum gradients, in place, and the loss over all processes."""
        if self.size == 1:
            return loss
        torch = require("torch", "train")
        if self.reduced:
            loss /= self.size
        else:
            self._sum_gradients(parameters)
        return float(self.summed(torch.tensor([loss], dtype=torch.float64))[0])

    def _sum_gradients(self, parameters: Sequence[Any]) -> None:
        torch = require("torch", "train")
        for value in parameters:
            if value.grad is None:  # a process without a row
                value.grad = torch.zeros_like(value)
        for some in _buckets([value.grad for value in parameters]):
            flat = torch.cat([one.reshape(-1).float() for one in some])
            torch.distributed.all_reduce(flat)
            for one, part in zip(some, flat.split([one.numel() for one in some]), strict=True):
                one.copy_(part.view_as(one))

    def summed(self, numbers: Any) -> Any:
        """A tensor summed over all processes."""
        if self.size > 1:
            torch = require("torch", "train")
            where = numbers.device
            if torch.distributed.get_backend() == "nccl":
                numbers = numbers.cuda()
            torch.distributed.all_reduce(numbers)
            numbers = numbers.to(where)
        return numbers

    def told(self, value: Any) -> Any:
        """What the first process says, on all of them."""
        if self.size == 1:
            return value
        said = [value]
        require("torch.distributed", "train").broadcast_object_list(said, src=0)
        return said[0]


ALONE = Group()


def _buckets(tensors: Sequence[Any]) -> list[list[Any]]:
    made: list[list[Any]] = []
    held = BUCKET
    for one in tensors:
        if held + one.numel() > BUCKET:
            made.append([])
            held = 0
        made[-1].append(one)
        held += one.numel()
    return made
