"""Histograms of lengths, which spread over decades: bins on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from stages.charts.axes import Axis
from stages.charts.svg import both, line, picture, tag, words

BINS = 24


@dataclass(frozen=True)
class Histogram:
    """Counts of values in bins; `edges` has one more entry than `counts`. note: what the values
    are like, in words."""

    label: str
    unit: str
    edges: Sequence[float]
    counts: Sequence[int]
    note: str


def histogram(label: str, unit: str, values: Sequence[float]) -> Histogram:
    """The histogram of some values, none of them negative."""
    array = np.array(values, dtype=float) if len(values) else np.array([1.0])
    low, high = max(1.0, float(array.min())), max(2.0, float(array.max()))
    edges = np.geomspace(low, high * 1.0001, BINS + 1)
    counts, _ = np.histogram(np.maximum(array, low), edges)
    middle, nine = (float(np.percentile(array, share)) for share in (50, 90))
    note = f"median {middle:,.0f}, 90 % below {nine:,.0f}, longest {array.max():,.0f} {unit}"
    if not len(values):
        note = "none"
    return Histogram(
        label, unit, edges.tolist(), counts.tolist() if len(values) else [0] * BINS, note
    )


def drawn(data: Histogram) -> Markup:
    """The drawing, for wide and narrow screens."""
    return both(lambda width: drawing(data, width))


def drawing(data: Histogram, width: float) -> Markup:
    """The drawing at a width."""
    height, base, left = 220.0, 186.0, 44.0
    most = max([*data.counts, 1])
    axis = Axis(data.edges[0], data.edges[-1], left, width - 12, logarithmic=True)
    parts = []
    for begin, end, count in zip(data.edges, data.edges[1:], data.counts, strict=False):
        tall = count / most * (base - 22)
        told = tag("title", f"{begin:,.0f} to {end:,.0f} {data.unit}: {count:,}")
        x, wide = axis.at(begin) + 1, max(1.0, axis.at(end) - axis.at(begin) - 2)
        parts.append(tag("rect", told, class_="bar", x=x, y=base - tall, width=wide, height=tall))
    parts.append(line(left, base, width - 12, base, "axis"))
    for tick in axis.ticks(8 if width > 500 else 4):
        parts.append(words(axis.at(tick), base + 20, f"{tick:,.0f}", "s", "middle"))
    parts.append(words(left - 6, 26, f"{most:,}", "s", "end"))
    return picture(width, height, Markup("").join(parts), data.label)
