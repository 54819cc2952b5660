"""The panel on clusters: words that tell each from the others, alike ones near, nothing cut."""

from __future__ import annotations

import itertools
import math
import random
import re
from pathlib import Path

import pytest

from stages.charts import topics
from stages.charts.records import panels
from stages.corpus import write_corpus
from stages.records import REJECTS, schema_with, to_table

pytest.importorskip("sklearn")
import pyarrow as pa

COMMON = ["the", "and", "with", "every", "other", "from", "into", "this", "that", "there"]
OWN = {0: "beans peas sowing trellis", 1: "beans peas mulch compost", 2: "gale anchor rope mast",
       3: "gale anchor sail tiller", 4: "dough oven yeast crust"}  # fmt: skip


def texts(each: int = 30, seed: int = 1) -> list[tuple[int, str]]:
    draw = random.Random(seed)
    return [
        (cluster, " ".join(draw.sample(own.split(), 3) + draw.sample(COMMON, 6)))
        for cluster, own in OWN.items()
        for _ in range(each + cluster)
    ]


def test_words_are_those_that_other_clusters_lack() -> None:
    sample = texts()
    found = topics.topics([*(cluster for cluster, _ in sample), None, None], sample)
    assert [(t.cluster, t.records) for t in found] == [(c, 30 + c) for c in reversed(OWN)]
    for topic in found:
        assert set(topic.terms[:4]) == set(OWN[topic.cluster].split())
    # What only these two have comes first, what two clusters share after it.
    assert set(found[-1].terms[:2]) == {"sowing", "trellis"}
    assert topics.topics([c for c, _ in sample], sample) == found


def test_clusters_that_share_words_lie_near_each_other() -> None:
    themes = ["beans peas mulch compost", "gale anchor mast sail", "dough oven yeast crust"]
    draw = random.Random(2)
    sample = [
        (cluster, f"{themes[cluster % 3]} own{cluster} {' '.join(draw.sample(COMMON, 6))}")
        for cluster in range(12)
        for _ in range(20)
    ]
    at = {t.cluster: (t.x, t.y) for t in topics.topics([c for c, _ in sample], sample)}
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in at.values())
    near: list[float] = []
    far: list[float] = []
    for one, other in itertools.combinations(range(12), 2):
        (near if (one - other) % 3 == 0 else far).append(math.dist(at[one], at[other]))
    assert sum(near) / len(near) < 0.6 * sum(far) / len(far)


@pytest.mark.parametrize("words", ["", "1 2 3", "a"])
def test_clusters_without_words_are_no_topics(words: str) -> None:
    assert topics.topics([0, 1], [(0, words), (1, words)]) == []


def test_two_clusters_and_one_have_places() -> None:
    for count in (1, 2):
        sample = [(c, f"word{c} other words") for c in range(count)]
        assert len(topics.topics(range(count), sample)) == count


@pytest.mark.parametrize("width", [960.0, 340.0])
def test_no_disc_and_no_name_is_cut(width: float) -> None:
    names = [f"very_long_word_number_{n}" for n in range(40)]
    found = [topics.Topic(n, 5 + n, (names[n], "x"), n / 39, (n * 7 % 40) / 39) for n in range(40)]
    drawing = topics.drawing(found, width)
    discs = re.findall(r'<circle class="disc" cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"', drawing)
    assert len(discs) == 40
    for x, y, radius in ((float(a), float(b), float(c)) for a, b, c in discs):
        assert radius <= x <= width - radius and radius <= y <= 380 - radius
    labels = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)', drawing)
    assert 3 <= len(labels) <= topics.NAMED
    for x, _, name in labels:
        half = len(name) * topics.LETTER / 2
        assert half <= float(x) + 0.1 and float(x) + half <= width + 0.1


def test_a_corpus_with_clusters_shows_them_and_escapes_their_words(tmp_path: Path) -> None:
    rows = [{"id": f"{n:03}", "source": "s", "place": "", "text": text}
            for n, (_, text) in enumerate(texts())]  # fmt: skip
    table = to_table(rows).append_column(
        "cluster", pa.array([cluster for cluster, _ in texts()], pa.int32())
    )
    assert table.schema.equals(schema_with({"cluster": pa.int32()}))
    corpus = write_corpus(
        tmp_path / "c", "records", [(table, REJECTS.empty_table())], {"sources": []}
    )
    (shown,) = (panel for panel in panels(corpus.path) if panel.title == "Clusters")
    assert "5 clusters" in shown.body and "dough" in shown.body
    assert "<script" not in shown.body
