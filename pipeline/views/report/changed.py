"""The panel of changed texts: of each step that rewrites some, a few as differences.

A run does not keep the records between such steps, so the first records before them are taken
through these once more, within a few seconds.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.engine.account import Account, CountedStep
from pipeline.views.difference import Piece, pieces, shown
from pipeline.views.figures import counted, ends_of_sources
from pipeline.views.steps import stage_of
from stages.base import Map
from stages.corpus import Corpus
from stages.errors import SeedbedError
from stages.kinds import RECORDS, Panel
from stages.pages import rendered
from stages.records import fields

EACH = 3  # records of a step
SECONDS = 1.0  # CPU, for all steps: a run from the store takes little more


@dataclass
class Changed:
    """A step, how many records it changed, and some of them: row, (name, pieces) of its texts."""

    step: str
    count: int
    samples: list[tuple[dict[str, Any], list[tuple[str, list[Piece]]]]] = field(
        default_factory=list
    )


def panel(account: Account, folder: Path) -> list[Panel]:
    """The panel; none where no step changed a text."""
    found = list(changes(account, folder))
    body = rendered("pipeline.views.report:changed.html", steps=found)
    return [Panel("What was changed", body)] if found else []


def changes(account: Account, folder: Path) -> Iterator[Changed]:
    """The steps that changed texts of records, in order, with examples."""
    end = time.process_time() + SECONDS
    for row in _rows_of_maps(account):
        found = {
            step["label"]: Changed(step["label"], step["counts"]["changed"])
            for _, step in row
            if step["counts"]["changed"]
        }
        if not found:
            continue
        for table in _before(row[0][1], account, folder):
            if time.process_time() > end or all(len(c.samples) >= EACH for c in found.values()):
                break
            _through(row, table, found)
        yield from found.values()


def _rows_of_maps(account: Account) -> Iterator[list[tuple[Map, CountedStep]]]:
    """Steps in rows that can be asked again, each of which follows on records that are there."""
    row: list[tuple[Map, CountedStep]] = []
    for step in counted(account):
        stage = stage_of(step)
        fits = isinstance(stage, Map) and stage.kind == RECORDS
        if row and (not fits or row[-1][1]["source"] != step["source"]):
            yield row
            row = []
        if fits and isinstance(stage, Map):
            row.append((stage, step))
    if row:
        yield row


def _before(step: CountedStep, account: Account, folder: Path) -> Iterator[pa.Table]:
    """Records that the step saw, batch by batch: of the last step before it that kept them; for
    the first step on all of them a batch of each source in turn."""
    steps = counted(account)
    at = next(n for n, one in enumerate(steps) if one["label"] == step["label"])
    if step["source"] is None and not any(one["source"] is None for one in steps[:at]):
        found = [_kept(folder, one) for one in ends_of_sources(account)]
        if all(found):
            turns = itertools.zip_longest(*(corpus.batches() for corpus in found if corpus))
            yield from (table for turn in turns for table in turn if table is not None)
        return
    before = (one for one in reversed(steps[:at]) if one["source"] == step["source"])
    corpus = next(filter(None, (_kept(folder, one) for one in before)), None)
    yield from corpus.batches() if corpus else ()


def _kept(folder: Path, step: CountedStep) -> Corpus | None:
    """The records after a step, where they were kept as records."""
    corpus = Corpus(folder / step["folder"])
    return corpus if corpus.has_records and corpus.kind == RECORDS.name else None


def _through(
    row: Sequence[tuple[Map, CountedStep]], table: pa.Table, found: dict[str, Changed]
) -> None:
    """Take a batch through maps; note what each changed."""
    for stage, step in row:
        try:
            judged = stage.split(table)
        except SeedbedError:  # a function of the user's, which is not looked for here
            return
        change = found.get(step["label"])
        if change is not None and judged.counts.changed:
            before = {one["id"]: one for one in table.to_pylist()}
            for after in judged.kept.to_pylist():
                texts = list(_differences(before.get(after["id"], after), after))
                if texts and len(change.samples) < EACH:
                    change.samples.append((after, texts))
        table = judged.kept


def _differences(
    before: dict[str, Any], after: dict[str, Any]
) -> Iterator[tuple[str, list[Piece]]]:
    old, new = dict(fields(before, "all")), dict(fields(after, "all"))
    for name, text in new.items():
        if old.get(name, "") != text:
            yield name, shown(pieces(old.get(name, ""), text))
