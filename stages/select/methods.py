"""Other choices of records by name, each with its paper; `coverage` has the default.

Each is a function from what is known of the rows to the rows that are kept, in order. Those that
compare all rows with all do so within clusters, of which each gets a share of what is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from stages.select.coverage import Flags, Floats, Ints, Neighbourhoods, farthest_first, spread

Method = Literal[
    "spread",
    "k_center",
    "balanced",
    "facility_location",
    "semdedup",
    "prototypes",
    "deita",
    "quality",
    "random",
]
BY_QUALITY: tuple[Method, ...] = ("deita", "quality")
# DEITA's: a record is taken while it is farther than this (cosine distance) from all taken.
APART = 0.1


@dataclass
class Rows:
    """What is known of the rows. y: unit vectors without their mean; weight: what their distances
    count; where: which rows are compared; parts: clusters, the largest cut, so that all rows of
    one can be; distance: to the mean of the cluster; quality: from 0 (the worst) to 1 (the best).
    """

    y: Floats
    weight: Floats
    allowed: Flags
    where: Neighbourhoods
    parts: Neighbourhoods
    distance: Floats
    quality: Floats
    draws: Ints

    def chosen(self, method: Method, keep: int) -> Ints:
        """The rows that a method keeps."""
        return np.sort(_METHODS[method](self, keep))

    def of(self, cluster: int) -> Ints:
        """The allowed rows of a cluster."""
        rows = self.parts.rows(cluster)
        found: Ints = rows[self.allowed[rows]]
        return found


def _spread(rows: Rows, keep: int) -> Ints:
    return spread(rows.y, rows.weight, rows.allowed, rows.where, keep)


def _k_center(rows: Rows, keep: int) -> Ints:
    return spread(rows.y, np.ones_like(rows.weight), rows.allowed, rows.where, keep)


def _quality(rows: Rows, keep: int) -> Ints:
    return spread(rows.y, rows.weight * rows.quality, rows.allowed, rows.where, keep)


def _random(rows: Rows, keep: int) -> Ints:
    allowed = np.flatnonzero(rows.allowed)
    found: Ints = allowed[np.argsort(rows.draws[allowed], kind="stable")[:keep]]
    return found


def _balanced(rows: Rows, keep: int) -> Ints:
    """As many of each cluster as of any other, where it has so many; far apart within it."""
    return _within(rows, keep, _far_apart, even=True)


def _prototypes(rows: Rows, keep: int) -> Ints:
    """Of each cluster its share, those farthest from its middle (D4)."""

    def farthest(rows: Rows, of: Ints, keep: int) -> Ints:
        found: Ints = of[np.argsort(-rows.distance[of], kind="stable")[:keep]]
        return found

    return _within(rows, keep, farthest)


def _facility(rows: Rows, keep: int) -> Ints:
    """Of each cluster its share, so that the sum of every row's likeness to the nearest that is
    kept is large (greedy; within 1 - 1/e of the best)."""

    def greedy(rows: Rows, of: Ints, keep: int) -> Ints:
        like = np.maximum(rows.y[of] @ rows.y[of].T, 0)
        best = np.zeros(len(of), dtype=np.float32)
        taken: list[int] = []
        for _ in range(keep):
            gain = np.maximum(like - best[:, None], 0).sum(axis=0)
            gain[taken] = -1
            taken.append(int(gain.argmax()))
            np.maximum(best, like[:, taken[-1]], out=best)
        found: Ints = of[taken]
        return found

    return _within(rows, keep, greedy)


def _semdedup(rows: Rows, keep: int) -> Ints:
    """Of each cluster its share: the row most like another goes, until so many are left; of a pair
    the one nearer to the middle."""

    def left(rows: Rows, of: Ints, keep: int) -> Ints:
        like = rows.y[of] @ rows.y[of].T
        np.fill_diagonal(like, -2)
        there = np.ones(len(of), dtype=bool)
        nearest, most, near = like.argmax(axis=1), like.max(axis=1), rows.distance[of]
        for _ in range(len(of) - keep):
            pair = np.flatnonzero(most >= most.max() - 1e-6)
            gone = int(pair[near[pair].argmin()])
            there[gone], most[gone] = False, -3
            like[:, gone] = -2
            stale = np.flatnonzero(there & (nearest == gone))
            nearest[stale], most[stale] = like[stale].argmax(axis=1), like[stale].max(axis=1)
        found: Ints = of[there]
        return found

    return _within(rows, keep, left)


def _deita(rows: Rows, keep: int) -> Ints:
    """The best first, each if it lies apart from all that are taken; then the best of the rest."""
    order = np.flatnonzero(rows.allowed)
    order = order[np.argsort(-rows.quality[order], kind="stable")]
    taken: list[int] = []
    near = np.full(len(rows.y), -1, dtype=np.float32)
    for row in order.tolist():
        if len(taken) == keep:
            break
        if near[row] < 1 - APART:
            taken.append(row)
            # A neighbourhood at a time: what is far from the row does not change.
            those = rows.where.near(row)
            near[those] = np.maximum(near[those], rows.y[those] @ rows.y[row])
    rest = order[~np.isin(order, taken)][: keep - len(taken)]
    return np.concatenate([np.array(taken, dtype=np.int64), rest])


def _far_apart(rows: Rows, of: Ints, keep: int) -> Ints:
    found: Ints = of[farthest_first(rows.y[of], rows.weight[of], keep)[0]]
    return found


def _within(
    rows: Rows, keep: int, choose: Callable[[Rows, Ints, int], Ints], even: bool = False
) -> Ints:
    """A choice within each cluster. even: each gets as many, and not as it has rows."""
    members = [rows.of(cluster) for cluster in range(int(rows.parts.labels.max()) + 1)]
    shares = _shares(np.array([len(one) for one in members]), keep, even)
    found = [choose(rows, one, n) for one, n in zip(members, shares.tolist(), strict=True) if n]
    return np.concatenate([np.empty(0, dtype=np.int64), *found])


def _shares(sizes: Ints, keep: int, even: bool) -> Ints:
    """How many of each cluster: sums to `keep`, none above its size."""
    keep = min(keep, int(sizes.sum()))
    if not even:
        exact = sizes * (keep / max(int(sizes.sum()), 1))
        shares: Ints = np.minimum(np.floor(exact).astype(np.int64), sizes)
        first = np.argsort(-(exact - shares), kind="stable")
        shares[first[: keep - int(shares.sum())]] += 1
        return shares
    shares = np.zeros_like(sizes)
    while (missing := keep - int(shares.sum())) > 0:
        open_ = np.flatnonzero(shares < sizes)
        if missing < len(open_):  # the largest have the last ones
            shares[open_[np.argsort(-sizes[open_], kind="stable")[:missing]]] += 1
        else:
            shares[open_] += np.minimum(missing // len(open_), sizes[open_] - shares[open_])
    return shares


_METHODS: dict[str, Callable[[Rows, int], Ints]] = {
    "spread": _spread,
    "k_center": _k_center,
    "balanced": _balanced,
    "facility_location": _facility,
    "semdedup": _semdedup,
    "prototypes": _prototypes,
    "deita": _deita,
    "quality": _quality,
    "random": _random,
}
assert set(_METHODS) == set(get_args(Method))
