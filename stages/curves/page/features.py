"""Curves as rows of which the distance is that of their losses, each step weighted.

A step weighs by how much of the axis of log(step) lies around it, because checkpoints stand dense
at the start (Michaud 2023). A feature scaled by the root of its weight gives that distance. step 0
and step 1 have the same logarithm, so step 0 weighs next to nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def weights_of(steps: Array) -> Array:
    """The weight of each step: half the distance of its two neighbours in log(max(step, 1)), at the
    ends half of that to the one neighbour; they sum to the whole. Equal where all is one step."""
    places = np.log(np.maximum(np.asarray(steps, dtype=np.float64), 1.0))
    if len(places) < 2 or places[-1] == places[0]:
        return np.ones(len(places))
    half = np.diff(places) / 2
    weights: Array = np.concatenate([half, [0.0]]) + np.concatenate([[0.0], half])
    return weights


def features_of(steps: Array, losses: Array) -> Array:
    """float32 [n, k]: losses scaled by the root of their step's weight; what is no number has its
    step's mean."""
    finite = np.isfinite(losses)
    held = np.where(finite, losses, 0.0)
    mean = held.sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    filled = np.where(finite, losses, mean)
    features: Array = (filled * np.sqrt(weights_of(steps))).astype(np.float32)
    return features
