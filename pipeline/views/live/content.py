"""What the page asks of a run, answered as JSON values; of a folder of one corpus, too."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pipeline.engine.account import folders_of, load_run
from pipeline.views.figures import counted, reads, totals
from pipeline.views.index import pieces_with
from pipeline.views.kinds import shown
from pipeline.views.live import cards
from pipeline.views.live.columns import Columns, columns_of
from pipeline.views.live.query import Hits, Query
from pipeline.views.live.tables import KEPT, LEFT, Table, table_of
from pipeline.views.lives import life_of
from pipeline.views.report import page as report
from pipeline.views.steps import stage_of
from stages.base import Stage
from stages.corpus import Corpus
from stages.errors import SeedbedError, UsageError
from stages.kinds import RECORDS, Kind, Marked, Panel
from stages.manifest import MANIFEST

PAGE = 50  # rows of a page
PATIENCE = 0.2  # seconds of one answer in which words are looked for
_REMEMBERED = 8  # queries
T = TypeVar("T")


class Content:
    """A run's folder, or one corpus, as it is now; see `stamp`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stamp = stamp_of(folder)
        self.whole = (folder / MANIFEST).is_file()
        self.account = None if self.whole else load_run(folder)
        self._tables: dict[tuple[str, str | None], Table] = {}
        self._columns: dict[tuple[str, str | None], Columns] = {}
        self._hits: OrderedDict[Any, Hits] = OrderedDict()
        self._locks: dict[Any, threading.Lock] = {}
        self._lock = threading.Lock()

    # --- what there is ----------------------------------------------------------------------------

    def about(self) -> dict[str, Any]:
        """What the first screen says; no record is read for it."""
        account = self.account
        told: dict[str, Any] = {"name": self.folder.resolve().name, "page": PAGE}
        told["tables"] = {name: self._size(name) for name in (KEPT, LEFT)}
        told["steps"] = self._steps()
        told["tiles"] = told["warnings"] = ()
        told["status"] = f"{self.folder}: the folder of one corpus" if account is None else ""
        if account is not None:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(account["started"]))
            told["name"] = account["name"]
            told["status"] = f"{account['status']} on {when}, {self.folder}"
            told["warnings"] = account["warnings"]
            if account["reason"]:
                told["warnings"] = [account["reason"], *told["warnings"]]
            told["tiles"] = [(one.name, one.value, one.about) for one in report.tiles(account)]
        return told

    def _size(self, name: str) -> int:
        if self.account is not None and name == LEFT:
            all_ = totals(self.account)
            return all_.dropped + all_.failed
        try:
            return len(self.table(name))
        except UsageError:  # a run that ended before any records
            return 0

    def _steps(self) -> list[str]:
        """The steps after which there are records."""
        if self.account is None:
            return []
        found = []
        for step in counted(self.account):
            corpus = Corpus(self.folder / step["folder"])
            if corpus.has_records and corpus.kind == RECORDS.name:
                found.append(step["label"])
        return found

    def on_the_way(self) -> list[tuple[str, str]]:
        """The panels of the flow: (title, markup of ours)."""
        if self.account is None:
            return []
        return _panels(report.on_the_way(self.account, self.folder, ()))

    def at_the_end(self) -> list[tuple[str, str]]:
        """The panels of the result: curves, masks, lengths, settings."""
        made = self._made
        if self.account is None:
            return _panels(report.of_kinds(made))
        return _panels(report.at_the_end(self.account, self.folder, made))

    @cached_property
    def _made(self) -> dict[Kind, Path]:
        return folders_of(self.folder)

    # --- rows -------------------------------------------------------------------------------------

    def table(self, name: str, step: str | None = None) -> Table:
        """One of the two tables."""
        key = (name, step)
        return self._once(self._tables, key, lambda: table_of(self.folder, name, step))

    def columns(self, name: str, step: str | None = None) -> Columns:
        """What a table is filtered by; of many rows it takes seconds the first time."""
        table = self.table(name, step)
        store = None if self.account is None else Path(self.account["store"])
        return self._once(self._columns, (name, step), lambda: columns_of(table, store))

    def facets(self, name: str, step: str | None = None) -> dict[str, Any]:
        """The columns with few values, how many rows have each, and the longest row."""
        columns = self.columns(name, step)
        return {
            "facets": [(facet.name, facet.counts()) for facet in columns.facets],
            "longest": int(columns.lengths.max()) if len(columns) else 0,
        }

    def rows(
        self, name: str, step: str | None, query: Query, begin: int, number: int
    ) -> dict[str, Any]:
        """Rows in short, from the one numbered `begin` among those that fit; how many fit as far
        as it is known (`done`: all looked at)."""
        table = self.table(name, step)
        if query == Query() and (name, step) not in self._columns and not begin:
            some = [
                {**self._card(name, shelf, row, (), False), "at": at}
                for at, (shelf, row) in enumerate(table.first(number))
            ]
            return {"rows": some, "total": len(table), "done": True, "share": 1.0}
        columns = self.columns(name, step)
        hits = self._hits_of(table, columns, (name, step), query)
        hits.advance(begin + number if number else len(columns) + 1, PATIENCE)
        some = self.cards(name, step, hits.rows(begin, number), query.words)
        return {"rows": some, "total": hits.total, "done": hits.done, "share": hits.share}

    def cards(
        self, name: str, step: str | None, numbers: Sequence[int], words: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Rows in short, by their numbers, which grow."""
        columns = self.columns(name, step)
        found = self.table(name, step).rows(numbers, columns.starts, columns.batches)
        return [
            {**self._card(name, shelf, row, words, False), "at": at}
            for at, (shelf, row) in zip(numbers, found, strict=True)
        ]

    def row(self, name: str, step: str | None, at: int) -> dict[str, Any]:
        """One row whole, by its number in the table."""
        table, columns = self.table(name, step), self.columns(name, step)
        if not 0 <= at < len(columns):
            raise UsageError(f"there is no row {at}: the table has {len(columns):,}")
        ((shelf, row),) = table.rows([at], columns.starts, columns.batches)
        return {**self._card(name, shelf, row, (), True), "at": at}

    def _card(
        self, name: str, shelf: Any, row: Any, words: Sequence[str], whole: bool
    ) -> dict[str, Any]:
        if name == KEPT:
            return cards.of_record(row, words, whole)
        return cards.of_reject(shelf, row, self._stages.get(shelf.label), words, whole)

    @cached_property
    def _stages(self) -> dict[str, Stage]:
        if self.account is None:
            return {}
        made = {step["label"]: stage_of(step) for step in self.account["steps"]}
        return {label: stage for label, stage in made.items() if stage is not None}

    def _hits_of(self, table: Table, columns: Columns, key: Any, query: Query) -> Hits:
        with self._lock:
            hits = self._hits.get((key, query))
            if hits is None:
                hits = self._hits[key, query] = Hits(table, columns, query)
            self._hits.move_to_end((key, query))
            while len(self._hits) > _REMEMBERED:
                self._hits.popitem(last=False)
        return hits

    # --- one record -------------------------------------------------------------------------------

    def life(self, identity: str) -> dict[str, Any] | None:
        """A record's life; None in a folder that is no run's."""
        if self.account is None:
            return None
        return cards.of_life(life_of(identity, self.folder, self.account))

    def marked(self, identity: str) -> list[dict[str, Any]]:
        """The record's text as what was made of it has it, with marks."""

        def failed(words: str) -> Marked:
            return Marked(words, [])

        found: list[dict[str, Any]] = []
        for kind, path in self._made.items():

            def of_kind(folder: Path, kind: Kind = kind) -> list[Marked]:
                try:
                    return kind.marked(folder, identity)
                except SeedbedError as error:  # no tokenizer here
                    return [Marked(str(error), [])]

            for one in shown(kind, of_kind, path, failed):
                some = [("learned" if marked else "", text) for marked, text in one.stretches]
                found.append({"title": one.title, "stretches": some})
        return found

    # --- before anybody asks ----------------------------------------------------------------------

    def warm(self) -> None:
        """Make what is made once, so that nobody waits for it later."""
        for name in (KEPT, LEFT):
            if self._size(name):
                self.columns(name)
        if self.account is not None:
            for step in reads(self.account):
                pieces_with("0" * 32, step, Corpus(self.folder / step["folder"]), self.account)

    def _once(self, known: dict[Any, T], key: Any, make: Callable[[], T]) -> T:
        """What is known under a key, made by one thread while others wait for it."""
        with self._lock:
            lock = self._locks.setdefault((id(known), key), threading.Lock())
        with lock:
            if key not in known:
                known[key] = make()
            return known[key]


def stamp_of(folder: Path) -> str:
    """What changes when the folder is made anew; UsageError where it is gone."""
    for name in ("run.json", MANIFEST):
        try:
            told = os.stat(folder / name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        return f"{told.st_mtime_ns}-{told.st_ino}"
    raise UsageError(f"{folder} is gone, or no run or corpus: name one that is there")


def _panels(found: Sequence[Panel]) -> list[tuple[str, str]]:
    from markupsafe import escape

    return [(panel.title, str(escape(panel.body))) for panel in found]
