"""How much goes to validation: what `val` asks for, and which components are taken for it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stages.select.sides.connected import Hashes, Ints

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# By how much a share may be missed before a hash alone no longer says the side: as long as it
# does, every record of a corpus that grows keeps its side.
TOLERANCE = 0.05

Val = float | int | str | tuple[float, ...]


@dataclass(frozen=True)
class Asked:
    """What `val` asks for: a share of the records, or rows of them."""

    share: float = 0.0
    rows: int | None = None

    def of(self, whole: int) -> int:
        """How many of `whole` records that is."""
        return round(self.share * whole) if self.rows is None else min(self.rows, whole)


def asked(val: Val) -> Asked:
    """What a value of `val` asks for; ValueError with what is wrong."""
    if isinstance(val, str):
        words = [word.strip() for word in val.split(",")]
        if not all(re.fullmatch(r"\d+(\.\d*)?|\.\d+", word) for word in words):
            raise ValueError(_FORM)
        numbers: Sequence[float] = [float(w) if "." in w else int(w) for w in words]
    else:
        numbers = val if isinstance(val, tuple | list) else (val,)
    if len(numbers) == 2:
        if min(numbers) < 0 or not 0 < sum(numbers) < float("inf"):
            raise ValueError(_FORM)
        return Asked(numbers[1] / sum(numbers))
    if len(numbers) != 1 or not numbers[0] >= 0:
        raise ValueError(_FORM)
    if isinstance(numbers[0], int):
        return Asked(rows=numbers[0])
    if numbers[0] > 1:
        raise ValueError(_FORM)
    return Asked(float(numbers[0]))


_FORM = (
    "must be a share between 0.0 and 1.0, a number of records (an integer), or the parts of train "
    "and val as in 0.99,0.01"
)


def places(nodes: Hashes, seed: int) -> Floats:
    """A pseudo-random number in [0, 1) for each node, from it and the seed alone."""
    secret = hashlib.blake2b(str(seed).encode(), digest_size=8).digest()
    mixed = nodes ^ np.uint64(int.from_bytes(secret, "little"))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)  # splitmix64
    mixed ^= mixed >> np.uint64(31)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def chosen(place: Floats, rows: Ints, wanted: Asked) -> Flags:
    """Which components go to validation. place: of each, by which they are taken; rows: of each.

    Of a share those whose place is below it, where that gives the share to a twentieth: so nothing
    depends on how much else there is. Otherwise, and for a number of rows, they are taken in the
    order of their places, each that still fits. One larger than all that is asked for never is.
    """
    return to_target(place, rows, wanted, wanted.of(int(rows.sum())))


def to_target(place: Floats, rows: Ints, wanted: Asked, target: int) -> Flags:
    """The same, of so many rows: what a share comes to, or a part of a number."""
    if wanted.rows is None:
        below = place < wanted.share
        if abs(int(rows[below].sum()) - target) <= TOLERANCE * target:
            return np.asarray(below)
    return filled(place, rows, target)


def filled(place: Floats, rows: Ints, target: int) -> Flags:
    """Components in the order of their places, each that still fits, up to `target` rows."""
    taken = np.zeros(len(rows), dtype=bool)
    order, left = np.argsort(place, kind="stable"), target
    while left and len(order):
        fit = int(np.searchsorted(np.cumsum(rows[order]), left, side="right"))
        taken[order[:fit]] = True
        left -= int(rows[order[:fit]].sum())
        order = order[fit + 1 :]
        order = order[rows[order] <= left]
    return taken


def newest(time: Ints, place: Floats, rows: Ints, target: int) -> Flags:
    """The components that began last, up to the first that does not fit; of one time by place.
    time: of the oldest record of each; NO_TIME for none."""
    taken = np.zeros(len(rows), dtype=bool)
    able = np.flatnonzero((rows <= target) & (time != NO_TIME))
    order = able[np.lexsort((place[able], -time[able]))]
    fit = int(np.searchsorted(np.cumsum(rows[order]), target, side="right"))
    taken[order[:fit]] = True
    return taken


NO_TIME = np.iinfo(np.int64).max
