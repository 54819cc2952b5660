"""What clusters are about, and in which order records would be kept.

A cluster is named by the words that it has more often than all records (count times the logarithm
of the lift), and shown by the records nearest to its middle.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.select.coverage import farthest_first

Array = np.ndarray[Any, Any]
TERMS, NEAREST = 4, 3
LEAST = 3  # records of a cluster that hold a term, where it has so many
COMMON = 0.2  # share of all records from which a word names nothing
COMPONENTS, PICKED = 32, 2000  # of the order: principal components, and records chosen one by one
_WORD = re.compile(r"[^\W\d_]{3,}|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2}")


def terms(texts: Sequence[str], clusters: Array, count: int) -> list[str]:
    """A name for each cluster: its distinctive words."""
    own: list[Counter[str]] = [Counter() for _ in range(count)]
    for text, cluster in zip(texts, clusters.tolist(), strict=True):
        if cluster >= 0:
            own[cluster].update(set(_WORD.findall(text.casefold())))
    whole: Counter[str] = Counter()
    for one in own:
        whole.update(one)
    sizes = np.bincount(clusters[clusters >= 0], minlength=count)
    records = int(sizes.sum())
    names = []
    for one, size in zip(own, sizes.tolist(), strict=True):
        scored = sorted(
            (
                (-held * np.log(held * records / (size * whole[word])), word)
                for word, held in one.items()
                if held >= min(LEAST, size)
                and held * records > size * whole[word]
                and whole[word] <= max(COMMON * records, size)
            ),
        )
        names.append(", ".join(word for _, word in scored[:TERMS]) or "no words of its own")
    return names


def nearest(vectors: Array, clusters: Array, count: int) -> list[list[int]]:
    """The records of each cluster that lie nearest to its mean."""
    found = []
    for cluster in range(count):
        rows = np.flatnonzero(clusters == cluster)
        x = vectors[rows].astype(np.float32)
        distance = ((x - x.mean(axis=0)) ** 2).sum(axis=1) if len(rows) else np.zeros(0)
        found.append(rows[np.argsort(distance, kind="stable")[:NEAREST]].tolist())
    return found


def components(vectors: Array, count: int = COMPONENTS) -> Array:
    """The first principal components of vectors."""
    x = vectors.astype(np.float32)
    x -= x.mean(axis=0)
    _, axes = np.linalg.eigh((x.T @ x).astype(np.float64))
    found: Array = (x @ axes[:, ::-1][:, :count]).astype(np.float32)
    return found


def order(points: Array) -> Array:
    """The place of each record in an order in which each lies far from those before it: the first
    PICKED one by one, the others by how far they are from these."""
    y = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    picked, _ = farthest_first(y, np.ones(len(y), dtype=np.float32), min(PICKED, len(y)))
    place = np.full(len(y), -1, dtype=np.int64)
    place[picked] = np.arange(len(picked))
    rest = np.flatnonzero(place < 0)
    near = np.full(len(rest), -2, dtype=np.float32)
    for begin in range(0, len(rest), 4096):
        near[begin : begin + 4096] = (y[rest[begin : begin + 4096]] @ y[picked].T).max(axis=1)
    place[rest[np.argsort(near, kind="stable")]] = np.arange(len(picked), len(y))
    return place
