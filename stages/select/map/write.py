"""The page of a map from its records: one file, without a server."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from stages.charts.live import packed
from stages.charts.live.page import page
from stages.charts.live.projection import Way, projected
from stages.pages import rendered
from stages.select.map import about
from stages.select.map.read import KEPT, Records

HERE = "stages.select.map"
MARK = "seedbed map"  # what a page of ours is known by, so that no other file is replaced
# Above so many records UMAP takes minutes, and `auto` means principal components.
UMAP = 20_000


def written(records: Records, way: Way = "auto") -> Markup:
    """The whole page."""
    count = len(records.ids)
    features = about.components(records.vectors)
    points, told = projected(features, "pca" if way == "auto" and count > UMAP else way, "records")
    numbers, clusters = np.unique(records.clusters, return_inverse=True)
    sizes = np.bincount(clusters, minlength=len(numbers))
    # The largest first; what has no cluster last.
    ranked = sorted(range(len(numbers)), key=lambda n: (numbers[n] < 0, -sizes[n], numbers[n]))
    rank = np.empty(len(numbers), dtype=np.int64)
    rank[ranked] = np.arange(len(numbers))
    clusters = rank[clusters]
    names = about.terms(records.texts, clusters, len(numbers))
    sources, source = np.unique(records.sources, return_inverse=True)
    others = sorted({*records.fates} - {KEPT})
    fates = [KEPT, *others]
    fate = np.array([fates.index(one) for one in records.fates], dtype=np.uint8)
    measured = np.isfinite(records.losses)
    values: dict[str, Any] = {
        "name": records.name,
        "count": count,
        "sources": sources.tolist(),
        "fates": fates,
        "clusters": [
            {
                "number": int(numbers[at]),
                "name": name if numbers[at] >= 0 else "no cluster",
                "nearest": near,
            }
            for at, name, near in zip(
                ranked, names, about.nearest(records.vectors, clusters, len(numbers)), strict=True
            )
        ],
        "left": records.left,
        "losses": bool(measured.any()),
        "notes": [
            f"Points: {told}, of {features.shape[1]} principal components of the vectors.",
            *records.notes,
        ],
    }
    parts = [
        packed.value("map", values),
        packed.value("texts", records.texts),
        packed.value("ids", records.ids),
        packed.places("places", points),
        packed.array("source", source.reshape(-1).astype(np.uint16)),
        packed.array("fate", fate),
        packed.array("cluster", clusters.astype(np.uint16)),
        packed.array("order", about.order(features).astype(np.uint32)),
    ]
    if measured.any():
        losses = np.where(measured, records.losses, np.nan).astype(np.float32)
        parts.append(packed.array("loss", losses))
    body = rendered(f"{HERE}:map.html", name=records.name)
    return page(
        f"{records.name}: map",
        body,
        parts,
        [f"{HERE}:map.js"],
        MARK,
        styles=[f"{HERE}:map.css"],
    )
