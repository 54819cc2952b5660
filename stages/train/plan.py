"""What is trained on when, as pure functions of lengths, ids and a seed.

An epoch is an order of the documents; a step is a run of that order; a row packs whole documents
of one step. Best-fit decreasing wastes no more than 11/9 of the best packing (Johnson 1973).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np


def order(ids: Sequence[str], seed: int, epoch: int) -> list[int]:
    """The documents' numbers in the order of an epoch: by a hash of (seed, epoch, id), so a
    document more or less leaves the order of the others as it was."""
    salt = f"train.{seed}.{epoch}.".encode()
    keys = [hashlib.blake2b(salt + name.encode(), digest_size=8).digest() for name in ids]
    return sorted(range(len(ids)), key=lambda number: (keys[number], number))


def steps_of(weights: Sequence[int] | np.ndarray[Any, Any], size: int) -> list[tuple[int, int]]:
    """Cut a row of weights into runs of nearly equal weight, none of them a short rest.

    A short last batch shows as a spike in the curve at every epoch's border; even runs do not.
    size: the greatest weight aimed at; a run is never empty.
    """
    total = int(np.sum(weights))
    number = max(1, min(len(weights), math.ceil(total / size)))
    running = np.concatenate([[0], np.cumsum(weights)])
    cuts = [0]
    for part in range(1, number):
        wanted = total * part / number
        after = int(np.searchsorted(running, wanted))
        nearest = after - 1 if wanted - running[after - 1] < running[after] - wanted else after
        # at least one document in this run, and one for each run that follows
        cuts.append(min(max(nearest, cuts[-1] + 1), len(weights) - (number - part)))
    cuts.append(len(weights))
    return list(pairwise(cuts))
