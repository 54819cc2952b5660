"""Groups of curves that are alike: K-means on the features that the projection is of."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from stages.curves.page.classes import Colouring

Array = np.ndarray[Any, Any]

GROUPS = 10
LEAST = 20  # curves a group, or there are fewer groups
SEED = 0


def clusters(features: Array) -> Colouring | None:
    """The group of each curve, the largest first; None without PyTorch or for a few curves."""
    count = min(GROUPS, len(features) // LEAST)
    if count < 2 or importlib.util.find_spec("torch") is None:
        return None
    from stages.select.kmeans import assigned, fitted

    draws = np.random.default_rng(SEED).integers(0, 2**63, len(features), dtype=np.uint64)
    labels, _ = assigned(features, fitted(features, count, draws, SEED))
    sizes = np.bincount(labels, minlength=count)
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    rank = np.zeros(count, dtype=np.uint8)
    rank[order] = np.arange(len(order))
    names = [f"cluster {number + 1}" for number in range(len(order))]
    return Colouring("cluster", names, [""] * len(names), rank[labels])
