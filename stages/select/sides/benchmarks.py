"""Decontamination: records that hold an item of a benchmark.

An item is found by its prompt, by a run of 13 words, by all its words where it has 5 to 12 of
them, and as a near duplicate. Files are read as `jsonl` and `csv` read them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages import records, user_code
from stages.clean import shingles
from stages.errors import UsageError
from stages.select.sides import overlap
from stages.select.sides.connected import Hashes, hashes, normalised
from stages.stamps import stamps_of
from stages.verdicts import Batch

SHORTEST = 5  # words of an item that is looked for as a whole
_BY_PROMPT: Mapping[str, Any] = {"by": "prompt"}


def files(paths: Sequence[str]) -> tuple[Path, ...]:
    """The files, looked for beside the recipe and in the working folder; UsageError for none."""
    return tuple(map(_file, paths))


def _file(path: str) -> Path:
    for folder in (*user_code.folders(), "."):
        if (found := Path(folder, path)).is_file():
            return found.resolve()
    raise UsageError(f"benchmarks: {path}: no such file")


@dataclass(frozen=True)
class Item:
    """An item of a benchmark: the number of its file, and where it stands there."""

    file: int
    place: str


class Benchmarks:
    """The items of some files, to look for in records."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.items: list[Item] = []
        prompts: list[str] = []
        sketches: list[pa.Table] = []
        for number, path in enumerate(paths):
            for batch in _read(path):
                self.items += [Item(number, place or "") for place in batch.column("place")]
                prompts += asked(batch)
                sketches.append(overlap.sketched(overlap.said(batch, range(len(batch)))))
        self._index = overlap.Index(overlap.tables(pa.concat_tables(sketches)))
        self._prompts = dict(
            zip(reversed(hashes(prompts).tolist()), reversed(range(len(prompts))), strict=True)
        )
        self._short = _short_items(prompts)

    def found(self, batch: Batch) -> Iterator[tuple[int, Item, Mapping[str, Any]]]:
        """(row, item, evidence) of the rows that hold an item; of several the first found."""
        texts = overlap.said(batch, range(len(batch)))
        whole = hashes(asked(batch)).tolist()
        short = list(self._short_hits(texts))
        sketches = overlap.sketches(texts)
        for row, (prompt, own, sketch) in enumerate(zip(whole, short, sketches, strict=True)):
            if prompt in self._prompts and texts[row].strip():
                number, evidence = self._prompts[prompt], _BY_PROMPT
            elif len(runs := self._index.common_runs(sketch)):
                number = int(self._index.numbers_of(int(runs[0])).min())
                evidence = {"by": "run", **_spot(batch.fields(row), int(runs[0]), overlap.RUN)}
            elif own:
                number, run, length = own
                evidence = {"by": "run", **_spot(batch.fields(row), run, length)}
            elif near := max(self._index.alike(sketch), key=lambda one: one[1], default=None):
                number = near[0]
                evidence = {"by": "near", "score": round(near[1], 6), "limit": overlap.LIKE}
            else:
                continue
            yield row, self.items[number], evidence

    def _short_hits(self, texts: Sequence[str]) -> Iterator[tuple[int, int, int] | None]:
        """(item, run, words of the run) of each text."""
        for part in shingles.chunks(texts):
            words = shingles.words_of(texts[part.start : part.stop])
            hits: list[tuple[int, int, int] | None] = [None] * len(part)
            for length, known in self._short.items():
                runs, counts = shingles.runs_of(words, length)
                at = np.flatnonzero(np.isin(runs, np.array(list(known), dtype=np.uint64)))
                rows = np.searchsorted(np.cumsum(counts), at, side="right")
                for row, run in zip(rows.tolist()[::-1], runs[at].tolist()[::-1], strict=True):
                    hits[row] = hits[row] or (known[run], run, length)
            yield from hits


def asked(batch: Batch) -> list[str]:
    """What each row asks, or its whole text where nothing is asked; normalised."""
    pairs = zip(batch.texts("input"), batch.texts("all"), strict=True)
    return [normalised(one if one is not None else text or "") for one, text in pairs]


def _short_items(prompts: Sequence[str]) -> Mapping[int, Mapping[int, int]]:
    """words → run → item, of the items that have fewer words than a run."""
    found: dict[int, dict[int, int]] = {}
    begin = 0
    for part in shingles.chunks(prompts):
        words = shingles.words_of(prompts[part.start : part.stop])
        for length in range(SHORTEST, overlap.RUN):
            runs, counts = shingles.runs_of(words, length)
            ends = np.cumsum(counts)
            for row in np.flatnonzero(words.counts == length).tolist():
                run = int(runs[ends[row] - 1])
                found.setdefault(length, {}).setdefault(run, begin + row)
        begin += len(part)
    return found


_WORD = re.compile(
    "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
    "|[^\\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)


def _spot(fields: Sequence[tuple[str, str]], run: int, length: int) -> dict[str, Any]:
    """Where a run of words stands; nothing where it goes over the border of two fields."""
    for name, text in fields:
        words = shingles.words_of([text])
        runs: Hashes = shingles.runs_of(words, length)[0]
        at = np.flatnonzero(runs == np.uint64(run))
        spans = [match.span() for match in _WORD.finditer(text)] if len(at) else []
        if len(at) and len(spans) == words.counts[0]:  # folding may make another word of a letter
            begin, end = spans[at[0]][0], spans[at[0] + length - 1][1]
            return {"field": name, "span": [begin, end], "match": text[begin:end]}
    return {}


def _read(path: Path) -> Iterator[Batch]:
    from stages.extract.csv import CsvExtract
    from stages.extract.jsonl import JsonlExtract

    rejects: list[dict[str, Any]] = []
    reader = CsvExtract() if path.suffix.lower() in (".csv", ".tsv") else JsonlExtract()
    table = reader(str(path), rejects).to_arrow()
    if not table.num_rows:
        why = f" ({rejects[0]['reason']})" if rejects else ""
        raise UsageError(f"benchmarks: {path}: no item can be read{why}")
    for begin in range(0, table.num_rows, 1024):
        yield Batch(table.slice(begin, 1024).select([*records.CORE]))


def known(paths: Sequence[str]) -> Benchmarks:
    """The items of files; those of the last few are remembered."""
    return _known(stamps_of(files(paths)))


@lru_cache(maxsize=2)
def _known(stamps: tuple[tuple[str, tuple[int, ...]], ...]) -> Benchmarks:
    return Benchmarks([Path(path) for path, _ in stamps])
