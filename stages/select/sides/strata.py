"""Sides of which each stratum (a cluster, a language) has its part: what `stratify` names.

A component of connected records is of the stratum that most of its records have, since it is not
cut.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stages.select.sides import sizes
from stages.select.sides.connected import Hashes, Ints, opened
from stages.select.sides.connected import hashes as hashed
from stages.verdicts import Batch
from stages.words import number, percent


def of_rows(batch: Batch, name: str | None) -> Hashes:
    """The stratum of each row: a hash of its value in a column, or of a key of its meta; 0 where
    it has none."""
    if name is None:
        return np.zeros(len(batch), dtype=np.uint64)
    if name in batch.table.column_names:
        values = batch.column(name)
    else:
        metas: list[Mapping[str, object]] = [opened(m, [name]) for m in batch.column("meta")]
        values = [meta.get(name) for meta in metas]
    return hashed([None if one is None or one == "" else str(one) for one in values])


def of_components(stratum: Hashes, component: Ints, count: int) -> Ints:
    """The number of the stratum that most rows of each component have; of two the first."""
    _, own = np.unique(stratum, return_inverse=True)
    pairs, rows = np.unique(np.stack([component, own]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -rows, pairs[0]))
    component, own = pairs[:, order]
    first = np.unique(component, return_index=True)[1]
    found = np.zeros(count, dtype=np.int64)
    found[component[first]] = own[first]
    return found


def targets(whole: Ints, wanted: int) -> Ints:
    """`wanted` in parts as large as the strata are, by largest remainder."""
    exact = whole * (wanted / max(int(whole.sum()), 1))
    found: Ints = np.floor(exact).astype(np.int64)
    first = np.argsort(found - exact, kind="stable")
    found[first[: wanted - int(found.sum())]] += 1
    return found


def chosen(place: sizes.Floats, rows: Ints, stratum: Ints, wanted: sizes.Asked) -> sizes.Flags:
    """Which components go to validation: of each stratum its part, as `sizes.chosen` takes it."""
    whole = np.bincount(stratum, rows).astype(np.int64)
    taken = np.zeros(len(rows), dtype=bool)
    for one, target in enumerate(targets(whole, wanted.of(int(rows.sum()))).tolist()):
        own = np.flatnonzero(stratum == one)
        taken[own] = sizes.to_target(place[own], rows[own], wanted, target)
    return taken


def told(name: str, stratum: Ints, rows: Ints, taken: sizes.Flags) -> tuple[str, list[str]]:
    """A line on the part of each stratum that is on the val side, and warnings."""
    whole = np.bincount(stratum, rows)
    val = np.bincount(stratum, rows * taken, len(whole))
    share = val[whole > 0] / whole[whole > 0]
    line = (
        f"stratified by {name}: {number(len(share))} values, of which val has "
        f"{percent(share.min(), 1)} to {percent(share.max(), 1)}"
    )
    without = int((share == 0).sum())
    if not without or not val.any():
        return line, []
    return line, [
        f"{number(without)} of {number(len(share))} values of {name} have no record in val: they "
        "are too few for its share, or connected; ask for more"
    ]
