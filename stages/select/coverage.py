"""Choosing rows that cover much: k-center on vectors with the mean taken out, noise counting less.

Gonzalez 1985 for the farthest-first order; Sener & Savarese 2018 for core-sets; Breunig et al. 2000
for what is noise: a row less like its neighbours than these are like theirs. Up to LARGE
products all rows are compared; beyond, each cluster by itself and with its neighbours, and the
rows with the largest distances over all clusters are taken.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NEIGHBOURS = 3  # a row is as lonely as it is unlike this many others
# Distances count times the relative likeness to this power: a row that is as close to its
# neighbours as these are to theirs counts in full, however small its topic. docs/evidence.md has
# what was tried: likeness alone, which was here before, costs small topics half of the gain.
POWER = 1.0
LARGE = 1 << 28  # products of rows with rows: half a minute on one core
BLOCK = 1024
CLUSTERS = 8  # a cluster's neighbours, itself among them
# A cluster of more rows, and of more than so many times the mean, is cut into parts: where most
# records are alike one cluster holds them all, and comparing all with all is what is avoided.
ROWS, MEANS = 8192, 4


def centre(x: Floats) -> None:
    """Take the mean direction out of unit vectors and bring them to length 1 again, in place."""
    mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    for begin in range(0, len(x), BLOCK):
        part = x[begin : begin + BLOCK]
        part -= mean
        lengths = np.sqrt((part.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
        part /= np.maximum(lengths, 1e-12).astype(np.float32)


class Neighbourhoods:
    """Which rows are compared with which: all with all, or clusters with the clusters near them."""

    def __init__(self, labels: Ints, centroids: Floats, products: int) -> None:
        self.whole = products <= LARGE
        if not self.whole:
            labels, centroids = _parts(labels, centroids)
        self.labels = labels
        self._order = np.argsort(labels, kind="stable")
        self._cuts = np.searchsorted(labels[self._order], np.arange(len(centroids) + 1))
        squares = (centroids**2).sum(axis=1)
        distance = squares + squares[:, None] - 2 * centroids @ centroids.T
        np.fill_diagonal(distance, -1)
        self._near = np.argsort(distance, axis=1, kind="stable")

    def rows(self, cluster: int) -> Ints:
        """The rows of a cluster, in order."""
        found: Ints = self._order[self._cuts[cluster] : self._cuts[cluster + 1]]
        return found

    def near(self, row: int) -> Ints:
        """The rows that a row is compared with."""
        if self.whole:
            return np.arange(len(self.labels))
        return self._others(int(self.labels[row]), None)

    def blocks(self, wanted: Flags | None = None) -> Iterator[tuple[Ints, Ints]]:
        """(rows, the rows to compare them with): of those wanted, at least one."""
        count = len(self.labels)
        if self.whole:
            others = np.arange(count) if wanted is None else np.flatnonzero(wanted)
            for begin in range(0, count, BLOCK):
                yield np.arange(begin, min(begin + BLOCK, count)), others
            return
        for cluster in range(len(self._near)):
            mine = self.rows(cluster)
            if not len(mine):
                continue
            others = self._others(cluster, wanted)
            for begin in range(0, len(mine), BLOCK):
                yield mine[begin : begin + BLOCK], others

    def _others(self, cluster: int, wanted: Flags | None) -> Ints:
        found: list[Ints] = []
        some = False
        for number, near in enumerate(self._near[cluster].tolist()):
            if number >= CLUSTERS and some:
                break
            rows = self.rows(near)
            found.append(rows if wanted is None else rows[wanted[rows]])
            some = some or len(found[-1]) > 0
        return np.sort(np.concatenate(found))


def _parts(labels: Ints, centroids: Floats) -> tuple[Ints, Floats]:
    """Clusters, those that are too large cut into runs of rows with the same centroid."""
    sizes = np.bincount(labels, minlength=len(centroids))
    most = max(ROWS, MEANS * len(labels) // max(len(centroids), 1))
    parts = -(-sizes // most)
    if parts.max(initial=0) <= 1:
        return labels, centroids
    labels = labels.copy()
    extra = [centroids]
    number = len(centroids)
    for cluster in np.flatnonzero(parts > 1).tolist():
        for rows in np.array_split(np.flatnonzero(labels == cluster), parts[cluster])[1:]:
            labels[rows] = number
            number += 1
        extra.append(np.repeat(centroids[cluster : cluster + 1], parts[cluster] - 1, axis=0))
    return labels, np.concatenate(extra)


def likeness(y: Floats, where: Neighbourhoods) -> tuple[Floats, Floats]:
    """Of each row the mean cosine with its nearest neighbours, and that relative to theirs."""
    own = np.full(len(y), -1, dtype=np.float32)
    nearest = np.tile(np.arange(len(y))[:, None], NEIGHBOURS)
    for rows, others in where.blocks():
        products = y[rows] @ y[others].T
        at = np.searchsorted(others, rows)
        products[np.arange(len(rows)), at] = -2  # not with itself
        top = min(NEIGHBOURS, len(others) - 1)
        if top > 0:
            best = np.argpartition(products, len(others) - top, axis=1)[:, len(others) - top :]
            found = np.take_along_axis(products, best, axis=1)
            own[rows] = np.sort(found, axis=1).mean(axis=1)
            nearest[rows, :top] = others[best]
    theirs = np.sort(own[nearest], axis=1).mean(axis=1)
    relative = np.maximum(own, 0) / np.maximum(theirs, np.float32(1e-3))
    return own, np.minimum(relative, np.float32(1))


def loneliest(own: Floats, count: int) -> Ints:
    """The rows least like their nearest neighbours."""
    return np.argsort(own, kind="stable")[:count]


def farthest_first(y: Floats, weight: Floats, keep: int) -> tuple[Ints, Floats]:
    """Rows in the order in which each is the farthest from those before, by distance times
    weight, and how far it was.

    The first is the row nearest to the middle, and counts as infinitely far.
    """
    keep = min(keep, len(y))
    order, radii = np.empty(keep, dtype=np.int64), np.full(keep, np.inf, dtype=np.float32)
    if not keep:
        return order, radii
    order[0] = int(((y - y.mean(axis=0)) ** 2).sum(axis=1).argmin())
    distance = 1 - y @ y[order[0]]
    distance[order[0]] = -1
    for number in range(1, keep):
        far = distance * weight
        row = int(far.argmax())
        order[number], radii[number] = row, far[row]
        np.minimum(distance, 1 - y @ y[row], out=distance)
        distance[row] = -1  # taken: no rounding and no copy of it brings it back
    return order, radii


def weights(relative: Floats) -> Floats:
    """How much a row's distance counts: less where its neighbours lie closer to others."""
    found: Floats = np.maximum(relative, np.float32(1e-3)) ** np.float32(POWER)
    return found


def spread(y: Floats, weight: Floats, allowed: Flags, where: Neighbourhoods, keep: int) -> Ints:
    """`keep` rows among the allowed that lie far apart, in row order."""
    if len(y) * keep <= LARGE:
        rows = np.flatnonzero(allowed)
        return np.sort(rows[farthest_first(y[rows], weight[rows], keep)[0]])
    taken, radii = [], []
    for cluster in range(where.labels.max() + 1):
        rows = where.rows(cluster)
        rows = rows[allowed[rows]]
        order, far = farthest_first(y[rows], weight[rows], keep)
        taken.append(rows[order])
        radii.append(far)
    together = np.concatenate(taken)
    first = np.isinf(np.concatenate(radii))
    if first.sum() >= keep:  # not even one a cluster
        together = together[first]
        return np.sort(together[farthest_first(y[together], weight[together], keep)[0]])
    best = np.argsort(-np.concatenate(radii), kind="stable")[:keep]
    return np.sort(together[best])


def nearest_kept(y: Floats, kept: Flags, where: Neighbourhoods) -> tuple[Ints, Floats]:
    """For each row the kept row most like it, and the cosine between them."""
    nearest, score = np.full(len(y), -1, dtype=np.int64), np.zeros(len(y), dtype=np.float32)
    for rows, others in where.blocks(kept):
        products = y[rows] @ y[others].T
        best = products.argmax(axis=1)
        nearest[rows], score[rows] = others[best], products[np.arange(len(rows)), best]
    return nearest, score
