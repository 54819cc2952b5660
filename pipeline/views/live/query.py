"""Which rows somebody asks for: columns by their values, lengths, and words in any text.

Columns decide for all rows at once. Words are looked for batch by batch, no further than the rows
that are wanted, for as long as the asker waits; who asks again goes on from there.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.views.live.columns import Columns
from pipeline.views.live.tables import Table
from stages.corpus import iterate_arrow

Array = np.ndarray[Any, Any]
_WORD = re.compile(r'"([^"]+)"?|(\S+)')
_ID = re.compile("[0-9a-fA-F]{8,32}")  # shorter words are in most ids, by chance
_TOGETHER = 16  # batches that are looked through in one call
_LONGEST, _MANY = 200, 8  # characters of a word, words


def words_in(text: str) -> tuple[str, ...]:
    """The words of a question, all of which are looked for; what is in quotes is one word."""
    found = ((quoted or plain).replace('"', "") for quoted, plain in _WORD.findall(text))
    return tuple(dict.fromkeys(word[:_LONGEST] for word in found if word.strip()))[:_MANY]


@dataclass(frozen=True)
class Query:
    """facets: (column, value) that a row must have; low, high: of its characters; words: that it
    must hold, in any case of letters."""

    facets: tuple[tuple[str, str], ...] = ()
    low: int | None = None
    high: int | None = None
    words: tuple[str, ...] = ()


def chosen(columns: Columns, query: Query) -> Array:
    """The numbers of the rows that fit by their columns, which grow."""
    mask = np.ones(len(columns), np.bool_)
    known = {facet.name: facet for facet in columns.facets}
    for name, value in query.facets:
        facet = known.get(name)
        if facet is None or value not in facet.values:
            return np.empty(0, np.int64)
        mask &= facet.codes == list(facet.values).index(value)
    if query.low is not None:
        mask &= columns.lengths >= query.low
    if query.high is not None:
        mask &= columns.lengths <= query.high
    return np.flatnonzero(mask)


class Hits:
    """The rows that fit a query, found as far as somebody asked."""

    def __init__(self, table: Table, columns: Columns, query: Query) -> None:
        self._table, self._columns, self._words = table, columns, query.words
        candidates = chosen(columns, query)
        self._candidates = candidates
        self._found: list[Array] = [] if query.words else [candidates]
        self.total = 0 if query.words else len(candidates)
        self._next = 0  # batch
        self._lock = threading.Lock()
        self.done = not query.words or not len(candidates)

    @property
    def share(self) -> float:
        """How much of the table was looked through."""
        return 1.0 if self.done else self._next / max(1, len(self._columns.batches))

    def rows(self, begin: int, number: int) -> list[int]:
        """Some of the rows that are known by now."""
        if len(self._found) > 1:
            self._found = [np.concatenate(self._found)]
        known = self._found[0] if self._found else np.empty(0, np.int64)
        return [int(one) for one in known[begin : begin + number]]

    def advance(self, until: int, seconds: float) -> None:
        """Look on until so many rows are known, or the time is over."""
        end = time.monotonic() + seconds
        with self._lock:
            while not self.done and self.total < until:
                self._look()
                if time.monotonic() > end:
                    return

    def _look(self) -> None:
        """Look through the next batches that hold candidates, of one file together."""
        starts, batches = self._columns.starts, self._columns.batches
        mine: list[tuple[int, Array]] = []  # number in the file, candidates
        file = None
        while self._next < len(batches) and len(mine) < _TOGETHER:
            at = self._next
            low, high = np.searchsorted(self._candidates, starts[at : at + 2])
            if low < high:
                if file not in (None, batches[at, 0]):
                    break
                file = batches[at, 0]
                mine.append((int(batches[at, 1]), self._candidates[low:high] - starts[at]))
            self._next += 1
        if file is not None:
            self._search(int(file), mine)
        self.done = self._next >= len(batches)

    def _search(self, file: int, mine: list[tuple[int, Array]]) -> None:
        """Note which candidates of some batches of a file hold the words."""
        table = self._table
        numbers = [number for number, _ in mine]
        read = iterate_arrow(table.files[file][1], table.searched, numbers)
        some = pa.concat_tables(
            batch if len(own) == batch.num_rows else batch.take(own)
            for batch, (_, own) in zip(read, mine, strict=True)
        )
        rows = np.concatenate([own + self._begin(file, number) for number, own in mine])
        found = rows[holding(some, self._words)]
        if len(found):
            self._found.append(found)
            self.total += len(found)

    def _begin(self, file: int, number: int) -> int:
        """The first row of a batch of a file."""
        first = int(np.searchsorted(self._columns.batches[:, 0], file))
        return int(self._columns.starts[first + number])


def holding(batch: pa.Table, words: Iterable[str]) -> Array:
    """Of each row whether it holds all words, each in any of its columns."""
    mask = np.ones(batch.num_rows, np.bool_)
    for word in words:
        one = np.zeros(batch.num_rows, np.bool_)
        for name in batch.column_names:
            if name != "id" or _ID.fullmatch(word):
                one |= _holds(batch.column(name).combine_chunks(), word)
        mask &= one
    return mask


def _holds(column: pa.Array, word: str) -> Array:
    if not pa.types.is_list(column.type):
        return _matches(column, word)
    inner = pc.list_flatten(column)
    rows = np.asarray(pc.list_parent_indices(column))
    mask = np.zeros(len(column), np.bool_)
    for name in ("content", "extra"):
        mask[rows[_matches(pc.struct_field(inner, name), word)]] = True
    return mask


def _matches(column: pa.Array, word: str) -> Array:
    found = pc.fill_null(pc.match_substring(column, word, ignore_case=True), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)
