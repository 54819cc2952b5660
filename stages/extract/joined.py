"""Rows of one file that become records only together: nodes of trees, posts of topics."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from stages.base import Fault, Item
from stages.extract import flat_trees, forms, topics
from stages.extract.flat_trees import FlatTrees
from stages.extract.topics import FlatTopics
from stages.extract.waiting import Waiting
from stages.place import Place

CUTS, REASONS = topics.CUTS, flat_trees.REASONS


def may_join(columns: Collection[str]) -> bool:
    """Whether rows of a table may be such rows."""
    return flat_trees.are_nodes(columns) or topics.are_posts(columns)


class Joined:
    """The rows of one file that wait for others of it; a context, for they lie in files.

    sample: bytes of rows that are wanted; after twice as many `full` says that there are more."""

    def __init__(self, names: forms.Names, sample: int | None = None) -> None:
        self._waiting = [Waiting(sample), Waiting(sample)]
        self._trees = FlatTrees(names, self._waiting[0])
        self._topics = FlatTopics(names, self._waiting[1])

    def __enter__(self) -> Joined:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._waiting:
            one.close()

    @property
    def full(self) -> bool:
        """Whether a sample has all that it asked for."""
        return any(one.full for one in self._waiting)

    def takes(self, row: Mapping[str, Any]) -> bool:
        """Whether a row waits here for others."""
        return self._trees.takes(row) or self._topics.takes(row)

    def take(self, place: Place, row: Mapping[str, Any], raw: bytes | None = None) -> None:
        """Keep a row that `takes` is true of. raw: its JSON text in UTF-8."""
        taken = self._trees if self._trees.takes(row) else self._topics
        taken.take(place, row, raw)

    def items(
        self, alone: Callable[[Place, bytes, dict[str, Any]], Item | Fault]
    ) -> Iterator[Item | Fault]:
        """What the rows become. alone: reads a row by itself that is of no tree after all."""
        yield from self._trees.items(alone)
        yield from self._topics.items()
