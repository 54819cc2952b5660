"""Boilerplate: lines and paragraphs that many documents have, cut out of them.

Nothing is judged by what it says: a footer, a signature or a licence is what repeats. Whole
documents that repeat are for `dedup`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from stages.base import Fit, State, VisibleState
from stages.clean import passages, shingles
from stages.clean.passages import LINE, PARAGRAPH
from stages.clean.shingles import Hashes
from stages.verdicts import Batch, Record, TextField, Verdicts
from stages.words import number

TOLD, SHOWN = 10, 80  # units that people are told of, and characters of each
_COUNTED = pa.schema([("unit", pa.uint64()), ("document", pa.uint64())])
_SAID = pa.schema([("unit", pa.uint64()), ("text", pa.string())])
_KNOWN = pa.schema([("unit", pa.uint64())])


@dataclass(frozen=True)
class RemoveRepeats(Fit):
    """Cut lines and paragraphs that many documents have: footers, signatures, licence texts.

    on: which text: text (records of plain text alone), output, input or all. Default text: what
        many prompts begin with is the task, and many answers end in a line that is the answer.
    documents: in how many documents of different text a line or paragraph must stand. Default 10.
    share: and in what share of all such documents. Default 0.001.
    words: words that a line must have at least, numbers left out; default 3.
    lines: where lines are cut: ends (from the first or the last line of a text on, up to one that
        does not repeat), everywhere or never. Paragraphs of 10 words or more are cut wherever they
        stand.

    Words are compared, without case, and every number is a 0. What is code is not cut, nor a text
    of which nothing would be left. A document is counted once, and equal documents are one: run
    `dedup` before, or near duplicates repeat each other's text. The end of a run tells what was
    cut most.
    """

    name: ClassVar[str] = "repeats"
    cuts: ClassVar[Mapping[str, str]] = {
        LINE: "a line at an end of the text that many documents have",
        PARAGRAPH: "a paragraph that many documents have",
    }
    usual: ClassVar[tuple[str, ...]] = (LINE, PARAGRAPH)
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "pyarrow")

    on: Literal["text", "output", "input", "all"] = "text"
    documents: int = field(default=10, metadata={"range": (2, 1 << 40)})
    share: float = field(default=0.001, metadata={"range": (0.0, 1.0)})
    words: int = field(default=3, metadata={"range": (1, 1000)})
    lines: Literal["ends", "everywhere", "never"] = "ends"

    def observe(self, batch: Batch, seen: VisibleState) -> pa.Table:
        """Round 0: the units of each document. Round 1: the texts of those that repeat."""
        texts = [text for row in range(len(batch)) for _, text in self._looked_at(batch, row)]
        units = passages.units_of(texts)
        if seen.round:
            at = np.flatnonzero(np.isin(units.hashes, _known(seen)))
            said = _smallest(
                units.hashes[at].tolist(), (units.spoken[unit][:SHOWN] for unit in at.tolist())
            )
            return pa.Table.from_pydict({"unit": [*said], "text": [*said.values()]}, schema=_SAID)
        whole = np.array([shingles.seed_of(text) for text in texts], dtype=np.uint64)
        wanted = units.words >= self.words
        pairs = np.stack([units.hashes[wanted], whole[units.rows[wanted]]], axis=1)
        return pa.Table.from_arrays([*map(pa.array, _distinct(pairs).T)], schema=_COUNTED)

    def _looked_at(self, batch: Batch, row: int) -> list[tuple[str, str]]:
        if self.on == "text":
            return [one for one in batch.fields(row) if one[0] == "text"]
        return batch.fields(row, self.on)

    def merge(self, tables: Sequence[pa.Table], state: State) -> State:
        """Which units repeat, by piece; then what people are told of them."""
        whole = pa.concat_tables(tables)
        if state.round:
            return self._told(whole, state)
        columns = [whole.column(name).to_numpy() for name in _COUNTED.names]
        pairs = _distinct(np.stack(columns, axis=1))
        units, counts = np.unique(pairs[:, 0], return_counts=True)
        documents = len(np.unique(pairs[:, 1]))
        limit = max(self.documents, int(np.ceil(self.share * documents)))
        repeats = counts >= limit
        known = units[repeats]
        bounds = np.cumsum([0, *(t.num_rows for t in tables)]).tolist()
        own = [np.unique(columns[0][a:b]) for a, b in pairwise(bounds)]
        local = [pa.table([np.intersect1d(one, known)], schema=_KNOWN) for one in own]
        found = {"units": known.tolist(), "counts": counts[repeats].tolist(), "limit": limit}
        return State(round=1, local=local, told=found)

    def _told(self, said: pa.Table, state: State) -> State:
        texts = _smallest(*(column.to_pylist() for column in said.columns))
        counts = sorted(
            zip(state.told["units"], state.told["counts"], strict=True),
            key=lambda one: (-one[1], one[0]),
        )
        lines = [
            f"repeats: {number(len(counts))} lines and paragraphs stand in "
            f"{number(state.told['limit'])} documents or more"
        ]
        for unit, count in counts[:TOLD]:
            lines.append(f"  in {number(count)}: {' '.join(texts[unit].split())}")
        return State(round=2, done=True, local=state.local, told={"lines": lines})

    def judge(self, verdicts: Verdicts, seen: VisibleState) -> None:
        """Cut what repeats out of each text."""
        known = _known(seen)
        fields: list[TextField] = []
        for row in range(len(verdicts)):
            wanted = {name for name, _ in self._looked_at(verdicts, row)}
            record = Record(verdicts, row, "all")
            if not wanted:
                verdicts.inapplicable(row)
            fields += [one for one in record.fields if one.name in wanted]
            fields += record.rejected if self.on in ("output", "all") else []
        units = passages.units_of([one.text for one in fields])
        repeats = np.isin(units.hashes, known)
        hits = np.bincount(units.rows[repeats], minlength=len(fields))
        firsts = np.searchsorted(units.rows, np.arange(len(fields) + 1))
        for number_, one in enumerate(fields):
            if not hits[number_]:
                continue
            own = slice(firsts[number_], firsts[number_ + 1])
            cut = passages.without(
                one.text,
                units.passages[number_],
                repeats[own].tolist(),
                units.words[own].tolist(),
                self.lines,
            )
            if cut:
                verdicts.write(one.row, one.name, cut.text, cut.removed, 0)


def _known(seen: VisibleState) -> Hashes:
    assert seen.local is not None
    found: Hashes = seen.local.column("unit").to_numpy()
    return found


def _smallest(units: Iterable[int], texts: Iterable[str]) -> dict[int, str]:
    """Of each unit the text that sorts first, so that it does not depend on the cut."""
    found: dict[int, str] = {}
    for unit, text in zip(units, texts, strict=True):
        found[unit] = min(text, found.get(unit, text))
    return found


def _distinct(pairs: Hashes) -> Hashes:
    """The distinct rows of a matrix of two columns, sorted."""
    ordered = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    fresh = np.ones(len(ordered), dtype=bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    found: Hashes = ordered[fresh]
    return found
