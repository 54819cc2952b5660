"""A corpus of records, shown: how long its records are, of which sources and licences, and what
its clusters are about."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from stages import card as cards
from stages.charts import topics
from stages.charts.histogram import drawn, histogram
from stages.corpus import Corpus
from stages.errors import MissingExtra
from stages.kinds import Panel
from stages.pages import rendered
from stages.records import FORMS, fields


def panels(folder: Path) -> list[Panel]:
    """Lengths; sources and licences; clusters, where there are any."""
    corpus = Corpus(folder)
    counts: dict[str, int] = {}
    lengths: list[float] = []
    clusters: list[int | None] = []
    sample: list[tuple[int, str]] = []
    every = -(-len(corpus) // topics.SAMPLE)
    for table in corpus.batches():
        for name in table.column("source").to_pylist():
            counts[name] = counts.get(name, 0) + 1
        labels = table["cluster"].to_pylist() if "cluster" in table.column_names else []
        for number, row in enumerate(
            table.select([n for n in FORMS if n in table.column_names]).to_pylist()
        ):
            texts = [text for _, text in fields(row, "all")]
            if labels and labels[number] is not None and len(lengths) % every == 0:
                sample.append((labels[number], "\n".join(texts)))
            lengths.append(float(sum(map(len, texts))))
        clusters += labels
    data = histogram("length of the kept records", "characters", lengths)
    licences = {source["name"]: source.get("license") or "" for source in corpus.sources}
    rows = [(name, licence, counts.get(name, 0)) for name, licence in licences.items()]
    return [
        Panel(
            "Length of the records",
            rendered("stages.charts:drawing.html", note=data.note, drawing=drawn(data)),
        ),
        Panel("Sources and licences", rendered("stages.charts:sources.html", rows=rows)),
        *_of_clusters(clusters, sample),
    ]


def card(folder: Path) -> list[str]:
    """What hubs show of a corpus."""
    return [cards.of_corpus(Corpus(folder))]


def _of_clusters(
    clusters: Sequence[int | None], sample: Sequence[tuple[int, str]]
) -> Iterator[Panel]:
    """What the clusters are about; nothing where there are none, or what finds it is missing."""
    with contextlib.suppress(MissingExtra):
        if found := topics.topics(clusters, sample) if sample else []:
            body = rendered(
                "stages.charts:topics.html",
                count=len(found),
                drawing=topics.drawn(found),
                largest=found[: topics.SHOWN],
                more=max(0, len(found) - topics.SHOWN),
            )
            yield Panel("Clusters", body)
