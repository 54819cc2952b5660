"""Documents packed into rows of a length, as a plan: which go together, and in which order.

Best-fit decreasing: the longest first, each into the row that has the least room for it, which
wastes no more than 11/9 of the best packing (Johnson 1973) and next to nothing where there are
many short documents. Documents of one length, and rows with the same room, are worked on all at
once, so the work grows with how many lengths there are and hardly with how many documents: a
million take half a second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Bins:
    """A plan: the numbers of the documents, row after row; bounds[i]:bounds[i+1] are those of row
    i. capacity: tokens that a row has room for; tokens: of all documents."""

    members: Array
    bounds: Array
    capacity: int
    tokens: int

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __iter__(self) -> Iterator[list[int]]:
        for row in range(len(self)):
            yield self.row(row)

    def row(self, number: int) -> list[int]:
        """The documents of one row."""
        return [*self.members[self.bounds[number] : self.bounds[number + 1]].tolist()]

    def row_of(self, document: int) -> int:
        """The row that a document is in."""
        (at,) = np.flatnonzero(self.members == document)
        return int(np.searchsorted(self.bounds, at, side="right")) - 1

    @property
    def fill(self) -> float:
        """The share of the rows' room that is used."""
        return self.tokens / max(1, len(self) * self.capacity)


def bins(lengths: Sequence[int] | Array, capacity: int, seed: int = 0, epoch: int = 0) -> Bins:
    """A plan that depends on (lengths, capacity, seed, epoch) alone: which of equally long
    documents go together, and the order of the rows, are other ones in each epoch.

    A document that is longer than the capacity has a row of its own. Documents of length 0 have
    nothing to pack, and are in no row.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    chance = _mixed(len(sizes), seed, epoch)
    order = np.lexsort((chance, -sizes))
    order = order[sizes[order] > 0]
    row_of = _rows(sizes[order], capacity)
    rows = int(row_of.max(initial=-1)) + 1
    place = np.empty(rows, dtype=np.int64)
    place[np.lexsort((_mixed(rows, seed, epoch),))] = np.arange(rows)
    placed = place[row_of]
    within = np.lexsort((chance[order], placed))
    counts = np.bincount(placed, minlength=rows)
    bounds = np.concatenate(([0], np.cumsum(counts)))
    return Bins(order[within], bounds, capacity, int(sizes.sum()))


def pack(lengths: Sequence[int] | Array, capacity: int) -> list[list[int]]:
    """Rows of documents, packed in the same way; rows, and what is in them, come in the order of
    `lengths`."""
    sizes = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-sizes, kind="stable")
    rows: dict[int, list[int]] = {}
    for document, row in zip(order.tolist(), _rows(sizes[order], capacity).tolist(), strict=True):
        rows.setdefault(row, []).append(document)
    return sorted(sorted(row) for row in rows.values())


def _mixed(number: int, seed: int, epoch: int) -> Array:
    """Pseudo-random 64-bit numbers (splitmix64), whichever library is installed."""
    digest = hashlib.blake2b(f"bins.{seed}.{epoch}".encode(), digest_size=8).digest()
    mixed = np.arange(1, number + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed += np.uint64(int.from_bytes(digest, "little"))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def _rows(sizes: Array, capacity: int) -> Array:
    """The row of each document; sizes fall. Space is looked up by a bit set of the rooms that some
    row has: the least room that fits is the lowest bit above a length."""
    values, starts = np.unique(-sizes, return_index=True)
    ends = [*starts.tolist(), len(sizes)][1:]
    rows = 0
    found: list[Array] = []
    room: dict[int, list[int]] = {}  # rows by their room
    rooms = 0  # a bit for each room
    for size, begin, end in zip((-values).tolist(), starts.tolist(), ends, strict=True):
        left = end - begin
        if size >= capacity or size == 0:
            found.append(np.arange(rows, rows + left))
            rows += left
            continue
        while left:
            fitting = rooms >> size
            if fitting:
                here = size + (fitting & -fitting).bit_length() - 1
                held = room[here]
                each = here // size
                taken = held[-min(len(held), -(-left // each)) :]
                del held[-len(taken) :]
                if not held:
                    rooms &= ~(1 << here)
            else:
                here, each = capacity, capacity // size
                number = -(-left // each)
                taken = list(range(rows, rows + number))
                rows += number
            placed = min(left, each * len(taken))
            found.append(np.repeat(np.array(taken), each)[:placed])
            left -= placed
            rest = placed - each * (len(taken) - 1)  # how many the last of them got
            for some, many in ((taken[:-1], each), (taken[-1:], rest)):
                new = here - many * size
                if some and new:
                    room.setdefault(new, []).extend(some)
                    rooms |= 1 << new
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
