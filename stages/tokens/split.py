"""Training and validation: a side for each record, by a hash, without leaks between the sides.

Does not shuffle and drops nothing. A side depends only on the seed and on what the record is
connected to, so a corpus that grows keeps the sides of what it had (unless `val_rows` is given).
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from stages.base import Fit, Needs, State, VisibleState
from stages.records import FORMS
from stages.verdicts import Batch, Verdicts

_OBSERVED = pa.schema([("key", pa.uint64()), ("prompt", pa.uint64()), ("rows", pa.uint32())])
_LINKS = pa.schema([("key", pa.uint64()), ("root", pa.uint64())])
_CHOSEN = pa.schema([("root", pa.uint64())])


@dataclass(frozen=True)
class Split(Fit):
    """Put each record on a side: the column `split` is train or val.

    Records that are connected stay together. With `by: auto` that are those of one `group` (near
    duplicates) and those with the same prompt, compared without regard to case and white space;
    a `text` record counts as its own prompt.

    val: share of the records for validation, 0 to 1, by hash, so that a small corpus may have
        somewhat more or less. 0.05, the usual share for fine-tuning corpora.
    val_rows: number of records for validation in place of a share; whole groups are taken as long
        as they fit, so the sides change when the corpus does.
    seed: another seed, another choice.
    by: what is kept together: auto connects by group and prompt, group by the column `group`
        alone, text by the prompt alone, source keeps whole sources together.
    """

    name: ClassVar[str] = "split"

    val: float = field(default=0.05, metadata={"range": (0.0, 1.0)})
    val_rows: int | None = field(default=None, metadata={"range": (0, 1 << 40)})
    seed: int = 0
    by: Literal["auto", "group", "text", "source"] = "auto"

    def needs(self) -> Needs:
        """A column to split by."""
        if self.by == "group":
            return (("group",),)
        return (("source",),) if self.by == "source" else (FORMS,)

    def makes(self) -> Mapping[str, pa.DataType]:
        """split: train or val."""
        return {"split": pa.string()}

    def observe(self, batch: Batch, seen: VisibleState) -> pa.Table:
        """Distinct (key, prompt) pairs with their rows; nothing where hashes alone decide."""
        connected = self.by == "auto" and "group" in batch.table.column_names
        if not connected and self.val_rows is None:
            return _OBSERVED.empty_table()
        keys = self._keys(batch)
        prompts = _prompts(batch) if connected else keys
        pairs, rows = np.unique(np.stack((keys, prompts), axis=1), axis=0, return_counts=True)
        return pa.table([pairs[:, 0], pairs[:, 1], rows.astype(np.uint32)], schema=_OBSERVED)

    def merge(self, tables: Sequence[pa.Table], state: State) -> State:
        """Connect keys that share a prompt; choose the groups of val_rows."""
        whole = pa.concat_tables(tables) if tables else _OBSERVED.empty_table()
        keys, prompts, rows = (whole.column(name).to_numpy() for name in _OBSERVED.names)
        links = _links(keys, prompts)
        found = {"links": links}
        if self.val_rows is not None:
            found["val"] = self._chosen(_roots(keys, links), rows.astype(np.int64))
        return State(round=state.round + 1, done=True, tables=found)

    def judge(self, verdicts: Verdicts, seen: VisibleState) -> None:
        """Set the column."""
        keys = self._keys(verdicts)
        links = seen.tables.get("links", _LINKS.empty_table())
        roots = _roots(keys, links)
        if self.val_rows is None:
            limit = self.val * 2.0**64
            chosen = self._order(roots).astype(np.float64) < limit
        else:
            chosen = np.isin(roots, seen.tables["val"].column("root").to_numpy())
        sides = np.where(chosen, "val", "train")
        verdicts.set("split", sides.tolist())

    def _chosen(self, roots: np.ndarray, rows: np.ndarray) -> pa.Table:
        distinct, inverse = np.unique(roots, return_inverse=True)
        sizes = np.bincount(inverse, weights=rows, minlength=len(distinct)).astype(np.int64)
        left = self.val_rows or 0
        taken = []
        for number in np.argsort(self._order(distinct), kind="stable"):
            if sizes[number] <= left:
                taken.append(distinct[number])
                left -= int(sizes[number])
            if not left:
                break
        return pa.table([np.sort(np.array(taken, dtype=np.uint64))], schema=_CHOSEN)

    def _order(self, roots: np.ndarray) -> np.ndarray:
        """A pseudo-random 64-bit number for each root, from it and the seed alone."""
        secret = hashlib.blake2b(str(self.seed).encode(), digest_size=8).digest()
        mixed = roots ^ np.uint64(int.from_bytes(secret, "little"))
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)  # splitmix64
        return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)

    def _keys(self, batch: Batch) -> np.ndarray:
        if self.by == "source":
            return _hashes(["s" + (source or "") for source in batch.column("source")])
        if self.by == "text" or "group" not in batch.table.column_names:
            return _prompts(batch)
        groups = batch.column("group")
        keys = _hashes([f"g{group}" for group in groups])
        alone = np.array([group is None for group in groups], dtype=bool)
        return np.where(alone, _prompts(batch), keys) if alone.any() else keys


def _prompts(batch: Batch) -> np.ndarray:
    """A hash of what the model is asked, or of the whole text where nothing is asked."""
    whole = batch.texts("all")
    asked = batch.texts("input")
    return _hashes(
        [
            "p" + normalised(question if question is not None else text or "")
            for question, text in zip(asked, whole, strict=True)
        ]
    )


def normalised(text: str) -> str:
    """Compatibility forms, case and white space made equal."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _hashes(texts: Sequence[str]) -> np.ndarray:
    digests = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype="<u8")


def _links(keys: np.ndarray, prompts: np.ndarray) -> pa.Table:
    """key → root for keys that share a prompt with another; the root is the smallest of them."""
    if not len(keys):
        return _LINKS.empty_table()
    pairs = np.unique(np.stack((prompts, keys), axis=1), axis=0)
    same = pairs[1:, 0] == pairs[:-1, 0]
    parent: dict[int, int] = {}

    def root(key: int) -> int:
        while (above := parent.get(key, key)) != key:
            parent[key] = parent.get(above, above)
            key = above
        return key

    for here in np.flatnonzero(same):
        low, high = sorted((root(int(pairs[here, 1])), root(int(pairs[here + 1, 1]))))
        parent[high] = low
        parent.setdefault(low, low)
    linked = sorted(key for key in parent if root(key) != key)
    return pa.table(
        [
            np.array(linked, dtype=np.uint64),
            np.array([root(key) for key in linked], dtype=np.uint64),
        ],
        schema=_LINKS,
    )


def _roots(keys: np.ndarray, links: pa.Table) -> np.ndarray:
    linked = links.column("key").to_numpy()
    if not len(linked):
        return keys
    at = np.minimum(np.searchsorted(linked, keys), len(linked) - 1)
    return np.where(linked[at] == keys, links.column("root").to_numpy()[at], keys)
