"""Token curves: the loss of single tokens over training, each in the text that it stands in.

The space of such curves: Michaud 2023, "The space of LLM learning curves".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# Tokens of a page's contexts, at most: of texts with one curve each, the last so many before the
# token are kept. 3,000,000 are about 6 MB of a page.
CONTEXTS = 3_000_000


@dataclass(frozen=True)
class TokenCurves:
    """steps: int64 [k], rising. losses: float32 [n, k], nats; not finite where there is none.
    ids: uint32, the text number of every token of all records, in order. begins: int64
    [records + 1]: where each record begins in `ids`. at: int64 [n]: which token of `ids` a curve is
    of. texts: the distinct token texts. names, sources: of each record. points: float32 [n, 2],
    where a projection came with the curves. before: tokens of a context that are kept, 0: all.
    repeated: bool [n], where contexts were cut: whether the pair came before in the whole one.
    notes: sentences on what the curves are."""

    steps: Array
    losses: Array
    ids: Array
    begins: Array
    at: Array
    texts: list[str]
    names: list[str]
    sources: list[str]
    axis: str = "step"
    points: Array | None = None
    before: int = 0
    repeated: Array | None = None
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.at)

    @property
    def records(self) -> Array:
        """int64 [n]: the record of each curve."""
        found: Array = np.searchsorted(self.begins, self.at, side="right") - 1
        return found

    def mean(self) -> Array:
        """float64 [k]: the mean loss at each step over what is a number; nan where nothing is."""
        finite = np.isfinite(self.losses)
        sums = np.where(finite, self.losses, 0.0).sum(axis=0, dtype=np.float64)
        counts = finite.sum(axis=0)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def previous(self) -> Array:
        """int64 [n]: the text number of the token before each, -1 for the first of a record."""
        first = self.at == self.begins[self.records]
        return np.where(first, -1, self.ids[np.maximum(self.at - 1, 0)].astype(np.int64))


class Texts:
    """Records as numbers of token texts, gathered one by one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._ids: list[Array] = []
        self._ends = [0]

    def add(self, pieces: Sequence[str]) -> int:
        """Add a record; where it begins in all of them."""
        begin = self._ends[-1]
        numbers = self._numbers
        found = [numbers.setdefault(piece, len(numbers)) for piece in pieces]
        self._ids.append(np.array(found, dtype=np.uint32))
        self._ends.append(begin + len(found))
        return begin

    def made(self) -> tuple[Array, Array, list[str]]:
        """ids, begins, texts as `TokenCurves` has them."""
        ids = np.concatenate(self._ids) if self._ids else np.zeros(0, dtype=np.uint32)
        return ids, np.array(self._ends, dtype=np.int64), list(self._numbers)


def shortened(contexts: Iterable[Sequence[str]], count: int, most: int = CONTEXTS) -> int:
    """How many tokens before the last of each context fit a page; 0 where all do."""
    lengths = np.array([len(context) for context in contexts], dtype=np.int64)
    if lengths.sum() <= most:
        return 0
    low, high = 1, int(lengths.max())
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if np.minimum(lengths, middle).sum() <= most else (low, middle - 1)
        )
    return low
