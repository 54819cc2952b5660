"""Ordinals of equal siblings: how often a key of 8 bytes came before it.

Keys that come one by one are counted in a dict. Those that come many at once are held in sorted
arrays, 8 bytes each, of which a new one is merged with its neighbour while that is not longer, so
that there are few: no work for each key of rows that come once, as nearly all do.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
_KEY = np.dtype("<u8")


class Siblings:
    """Counts keys."""

    def __init__(self) -> None:
        self._singles: dict[bytes, int] = {}
        self._runs: list[Keys] = []  # sorted, each key in one of them, the longest first
        self._again: dict[int, int] = {}  # keys of the runs that came more than once

    def one(self, key: bytes) -> int:
        """How often the key came before this time."""
        number = self._singles.get(key)
        if number is None and self._runs:
            whole = int.from_bytes(key, "little")
            if self._among(np.array([whole], _KEY))[0]:
                number = self._again.get(whole, 1)
                self._again[whole] = number + 1
                return number
        number = number or 0
        self._singles[key] = number + 1
        return number

    def many(self, keys: Keys) -> Iterator[tuple[int, int]]:
        """(index, ordinal) of the keys that came before, in order; all others have ordinal 0."""
        self._put_away()
        ordered = np.sort(keys)
        known = self._among(ordered)
        twice = ordered[1:] == ordered[:-1]
        again = np.unique(np.concatenate((ordered[known], ordered[1:][twice])))
        fresh = ordered[~known]
        if twice.any():
            fresh = np.unique(fresh)
        self._add(fresh)
        if not len(again):
            return iter(())
        return self._counted(keys, again, set(ordered[known].tolist()))

    def _counted(self, keys: Keys, again: Keys, known: set[int]) -> Iterator[tuple[int, int]]:
        for index in np.flatnonzero(np.isin(keys, again)).tolist():
            key = int(keys[index])
            number = self._again.get(key, 1 if key in known else 0)
            self._again[key] = number + 1
            if number:
                yield index, number

    def _put_away(self) -> None:
        """Move what came one by one to the arrays."""
        if not self._singles:
            return
        for key, number in self._singles.items():
            if number > 1:
                self._again[int.from_bytes(key, "little")] = number
        self._add(np.sort(np.frombuffer(b"".join(self._singles), _KEY)))
        self._singles = {}

    def _add(self, run: Keys) -> None:
        while self._runs and len(self._runs[-1]) <= len(run):
            run = np.concatenate((self._runs.pop(), run))
            run.sort(kind="stable")  # merges what is sorted
        if len(run):
            self._runs.append(run)

    def _among(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Which of some keys the arrays have."""
        found = np.zeros(len(keys), np.bool_)
        for run in self._runs:
            at = np.searchsorted(run, keys)
            at[at == len(run)] = 0
            found |= run[at] == keys
        return found
