"""What the clusters of a corpus are about: the words of each, and which are alike, in a drawing.

Words: those that add most to the Kullback-Leibler divergence of the cluster from the corpus, p log
p/q with the shares p, q of records that hold the word. Places: two dimensions of a truncated SVD
of these, so that clusters that share words lie near each other.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from stages.charts.axes import Axis
from stages.charts.svg import both, picture, tag, words
from stages.require import require

Floats = npt.NDArray[np.float64]

SAMPLE = 5000  # records that words are counted in, spread evenly over the corpus
HEAD = 2000  # characters of each
TERMS = 6  # words of a cluster
SHOWN = 12  # clusters in the table
NAMED = 12  # names in the drawing, at most
LARGEST, SMALLEST = 34.0, 4.0  # radius of the largest cluster, and least of any
LETTER, LINE = 7.5, 15.0  # width of a letter and height of a line of names, about
LONGEST = 22  # letters of a name


@dataclass(frozen=True)
class Topic:
    """A cluster: its number, how many records it has, its most telling words, its place."""

    cluster: int
    records: int
    terms: tuple[str, ...]
    x: float
    y: float


def topics(clusters: Sequence[int | None], texts: Sequence[tuple[int, str]]) -> list[Topic]:
    """The topics of a corpus, the largest first; empty where no text has two words.

    clusters: of each record; None: it has none. texts: (cluster, text) of a sample of them.
    """
    counter = require("sklearn.feature_extraction.text", "cluster").CountVectorizer(
        binary=True, max_features=20_000, token_pattern=r"(?u)\b[^\W\d]\w+\b"
    )
    try:
        held = counter.fit_transform([text[:HEAD] for _, text in texts])
    except ValueError:  # no text has a word
        return []
    labels, sizes = np.unique([c for c in clusters if c is not None], return_counts=True)
    rows = np.searchsorted(labels, [cluster for cluster, _ in texts])
    sampled = np.bincount(rows, minlength=len(labels))
    shares = np.zeros((len(labels), held.shape[1]))
    entries = held.tocoo()
    np.add.at(shares, (rows[entries.row], entries.col), 1.0)
    shares /= np.maximum(sampled, 1)[:, None]
    overall = np.asarray(held.mean(axis=0)).ravel()
    # A word of one record says nothing of a cluster that has several.
    known = np.where(shares * sampled[:, None] > (sampled > 2)[:, None], shares, 0.0)
    scores = known * np.log(np.where(known > 0, known, overall) / overall)
    names = counter.get_feature_names_out()
    places = _places(np.sqrt(np.maximum(scores, 0.0)))
    found = []
    for row, (label, size) in enumerate(zip(labels, sizes, strict=True)):
        best = np.argsort(-scores[row], kind="stable")[:TERMS]
        terms = tuple(str(names[at]) for at in best if scores[row, at] > 0)
        found.append(Topic(int(label), int(size), terms, *places[row].tolist()))
    return sorted(found, key=lambda topic: (-topic.records, topic.cluster))


def _places(scores: Floats) -> Floats:
    """Two coordinates from 0 to 1 of each row; the same in every run."""
    rows, columns = scores.shape
    if min(rows, columns) < 3:
        return np.stack([np.linspace(0, 1, rows), np.full(rows, 0.5)], axis=1)
    unit = require("sklearn.preprocessing", "cluster").normalize(scores)
    svd = require("sklearn.decomposition", "cluster").TruncatedSVD(3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # equal rows have no variance to explain
        # The first direction is what all have in common.
        found = svd.fit_transform(unit)[:, 1:]
    # Ranks spread them: a few clusters far away would leave one heap of all others.
    ranks = found.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return np.asarray(ranks / max(rows - 1, 1), dtype=np.float64)


def drawn(found: Sequence[Topic]) -> Markup:
    """The drawing, for wide and narrow screens: a disc a cluster, its area the records."""
    return both(lambda width: drawing(found, width))


def drawing(found: Sequence[Topic], width: float) -> Markup:
    """The drawing at a width."""
    height, largest = 380.0, LARGEST * min(1.0, (width / 800) ** 0.5)
    margin = largest + 6
    across, down = Axis(0, 1, margin, width - margin), Axis(0, 1, margin, height - margin - 14)
    most = max(topic.records for topic in found)
    discs, labels = [], []
    taken: list[tuple[float, float, float]] = []  # left, right and height of the names
    for topic in found:
        x, y = across.at(topic.x), down.at(topic.y)
        radius = max(SMALLEST, largest * float(np.sqrt(topic.records / most)))
        told = f"cluster {topic.cluster}, {topic.records:,}: {', '.join(topic.terms)}"
        discs.append(tag("circle", tag("title", told), class_="disc", cx=x, cy=y, r=radius))
        name = textwrap.shorten(" ".join(topic.terms[:2]), LONGEST, placeholder=" …")
        half = len(name) * LETTER / 2
        left, low = min(max(x - half, 0.0), width - 2 * half), y + radius + 13
        apart = all(
            left > end or left + 2 * half < begin or abs(low - at) > LINE
            for begin, end, at in taken
        )
        if name and apart and len(taken) < NAMED:
            taken.append((left, left + 2 * half, low))
            labels.append(words(left + half, low, name, "s", "middle"))
    return picture(width, height, Markup("").join([*discs, *labels]), "clusters and their words")
