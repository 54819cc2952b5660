"""The leak check: what of validation is in training too, counted after the sides are chosen.

Equal texts, equal prompts and shared openings are counted from the keys of all rows. For runs of
13 words and near duplicates the texts of the val side are looked for in those of the train side;
of a val side of more than LOOKED_AT characters every second, fourth, eighth … record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.base import VisibleState
from stages.select.sides import overlap
from stages.select.sides.connected import Hashes, prefixes
from stages.words import number, percent

LOOKED_AT = 16_000_000  # characters; what is looked for takes some 150 MB then

HITS = pa.schema([("kind", pa.uint8()), ("key", pa.uint64())])
_RUN, _NEAR = 0, 1


@dataclass(frozen=True)
class Leaks:
    """Records of the val side that the train side has too. of: those that were looked at for runs
    and near duplicates."""

    val: int
    exact: int
    prompt: int
    prefix: int
    run: int
    near: int
    of: int

    def line(self) -> str:
        """What people are told."""
        sampled = "" if self.of == self.val else f" (these two of {number(self.of)})"
        return (
            f"leak check, {number(self.val)} val records that train has too: exact "
            f"{number(self.exact)}, prompt {number(self.prompt)}, prefix {number(self.prefix)}, "
            f"{overlap.RUN}-gram {number(self.run)}, MinHash {number(self.near)}{sampled}"
        )

    def warnings(self) -> list[str]:
        """What is odd: text that is in both, beyond common phrases."""
        found = [
            f"{number(count)} of {number(whole)} val records ({percent(count, whole)}) {what}"
            for count, whole, what in (
                (self.exact, self.val, "are in train too, word for word"),
                (self.prompt, self.val, "have a prompt that is in train too"),
                (self.prefix, self.val, "begin like a conversation in train"),
                (self.near, self.of, "have a near duplicate in train; put dedup before split"),
            )
            if count
        ]
        if self.run > MUCH * self.of:
            share = percent(self.run, self.of)
            found.append(
                f"{number(self.run)} of {number(self.of)} val records ({share}) have {overlap.RUN} "
                "words in a row in common with train"
            )
        return found


# Share of the val side. Of 28,477 public instructions without near duplicates 14 % share 13 words
# with another one: phrases of templates.
MUCH = 0.25


def counted(table: pa.Table, val: npt.NDArray[np.bool_]) -> dict[str, int]:
    """exact, prompt and prefix of the rows of `table`, of which `val` are on that side."""
    found = {"val": int(val.sum())}
    for name in ("exact", "prompt"):
        found[name] = _on_both(table.column(name).to_numpy(), val)
    begun = prefixes(table)
    found["prefix"] = _on_both(begun, val & (begun != 0))
    return found


def _on_both(keys: Hashes, val: npt.NDArray[np.bool_]) -> int:
    return int(np.isin(keys[val], np.unique(keys[~val])).sum())


def every(characters: int) -> int:
    """Which part of a val side of so many characters is looked at: every second, fourth …"""
    return 1 << max(0, -(-characters // LOOKED_AT) - 1).bit_length()


def is_looked_at(nodes: Hashes, part: int) -> npt.NDArray[np.bool_]:
    """Which records are, by their nodes."""
    return np.asarray(nodes % np.uint64(part) == 0)


class Search:
    """The val side's texts, looked for in batches of train."""

    def __init__(self, seen: VisibleState) -> None:
        self._index = overlap.Index(seen.tables)

    def hits(self, texts: Sequence[str]) -> pa.Table:
        """The runs that texts share with the val side, and the val records that they are like."""
        runs: list[Hashes] = []
        near: set[int] = set()
        for sketch in overlap.sketches(texts):
            runs.append(self._index.common_runs(sketch))
            near.update(one for one, _ in self._index.alike(sketch))
        distinct = np.unique(np.concatenate([*runs, np.empty(0, dtype=np.uint64)]))
        kinds = np.repeat(np.array([_RUN, _NEAR], dtype=np.uint8), [len(distinct), len(near)])
        keys = np.concatenate([distinct, np.array(sorted(near), dtype=np.uint64)])
        return pa.table([kinds, keys], schema=HITS)


# The tables of one state are the same for all batches of a piece.
_last: tuple[VisibleState, Search] | None = None


def search(seen: VisibleState) -> Search:
    """What looks for the val side that a state holds."""
    global _last
    if _last is None or _last[0] is not seen:
        _last = (seen, Search(seen))
    return _last[1]


def found(hits: pa.Table, tables: Mapping[str, pa.Table]) -> dict[str, int]:
    """run and near from what all pieces found, and how many records were looked for."""
    kinds, keys = hits.column("kind").to_numpy(), hits.column("key").to_numpy()
    runs = tables["runs"]
    shared = np.isin(runs.column("run").to_numpy(), np.unique(keys[kinds == _RUN]))
    return {
        "run": len(np.unique(runs.column("number").to_numpy()[shared])),
        "near": len(np.unique(keys[kinds == _NEAR])),
        "of": tables["grams"].num_rows,
    }
