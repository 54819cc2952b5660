"""The two tables that the page pages through: the records after a step, and all that left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.views import rows as shelves
from pipeline.views.rows import Shelf
from stages.corpus import iterate_arrow, read_batch
from stages.records import FORMS

KEPT, LEFT = "kept", "left"
NAMES = (KEPT, LEFT)
Array = np.ndarray[Any, Any]
Stretch = tuple[str, str]  # style ("" for none), text


@dataclass(frozen=True)
class Table:
    """Rows of some shelves, one after the other, counted from 0."""

    name: str
    shelves: Sequence[Shelf]

    def __len__(self) -> int:
        return sum(shelf.size for shelf in self.shelves)

    @cached_property
    def files(self) -> list[tuple[Shelf, Path]]:
        """All files with their shelves, in order."""
        return [(shelf, path) for shelf in self.shelves for path in shelf.files]

    @property
    def searched(self) -> tuple[str, ...]:
        """The columns in which words are looked for."""
        own = (*FORMS, "meta") if self.name == KEPT else ("text", "evidence")
        return (*own, "place", "id")

    def first(self, number: int) -> Iterator[tuple[Shelf, dict[str, Any]]]:
        """The first rows: nothing but their batches is read."""
        for shelf, path in self.files:
            for batch in iterate_arrow(path):
                some = batch.slice(0, number).to_pylist()
                yield from ((shelf, row) for row in some)
                number -= len(some)
                if number <= 0:
                    return

    def rows(
        self, at: Sequence[int], starts: Array, batches: Array
    ) -> Iterator[tuple[Shelf, Mapping[str, Any]]]:
        """Rows by their numbers, which grow. starts: the first row of each batch; batches: its
        file and its number in it."""
        of = np.searchsorted(starts, at, "right") - 1
        for batch in dict.fromkeys(of.tolist()):
            file, number = (int(one) for one in batches[batch])
            shelf, path = self.files[file]
            mine = [
                one - int(starts[batch]) for one, own in zip(at, of, strict=True) if own == batch
            ]
            for row in read_batch(path, number).take(mine).to_pylist():
                yield shelf, row


def table_of(folder: Path, name: str, step: str | None) -> Table:
    """A table of a run or corpus. step: after which step the records are meant."""
    if name == KEPT:
        return Table(name, [shelves.records_in(folder, step)])
    return Table(name, shelves.rejects_in(folder))
