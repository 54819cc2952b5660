"""A corpus of records, shown: how long its records are, of which sources and licences, and what
its clusters are about."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.compute as pc

from stages import card as cards
from stages.charts import kept, topics
from stages.charts.histogram import drawn, histogram
from stages.corpus import Corpus, read_arrow
from stages.counts import characters
from stages.errors import MissingExtra
from stages.kinds import Panel
from stages.markup import written_in
from stages.pages import rendered
from stages.records import FORMS, fields
from stages.words import number, percent

_LOOKED_AT = 500  # records of a source that are looked at for markup
_MUCH = 0.05  # share of them from which it is told
_CALLED = {"html": "HTML", "bbcode": "BBCode", "phpbb": "XML of phpBB"}


def panels(folder: Path) -> list[Panel]:
    """Lengths; sources and licences; clusters, where there are any."""
    corpus = Corpus(folder)
    counts: dict[str, int] = {}
    lengths: list[float] = []
    clusters: list[int | None] = []
    sample: list[tuple[int, str]] = []
    every = -(-len(corpus) // topics.SAMPLE)
    for table in corpus.batches((*FORMS, "source", "cluster")):
        for one in pc.value_counts(table.column("source")).to_pylist():
            name = one["values"]
            counts[name] = counts.get(name, 0) + one["counts"]
        labels = table["cluster"].to_pylist() if "cluster" in table.column_names else []
        for at, label in enumerate(labels):
            if label is not None and (len(lengths) + at) % every == 0:
                row = table.slice(at, 1).to_pylist()[0]
                sample.append((label, "\n".join(text for _, text in fields(row, "all"))))
        lengths += characters(table).astype(float).tolist()
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
        *kept.panels(folder),
        *_of_clusters(clusters, sample),
    ]


def warnings(folder: Path) -> list[str]:
    """Sources whose records are still written in markup."""
    seen: Counter[str] = Counter()
    dressed: dict[str, Counter[str]] = {}  # source → markup → records
    corpus = Corpus(folder)
    for path in corpus.files:
        wanted = []
        for at, name in enumerate(read_arrow(path, ("source",)).column(0).to_pylist()):
            if seen[name] < _LOOKED_AT:
                seen[name] += 1
                wanted.append((at, name))
        if not wanted:
            continue
        forms = read_arrow(path, FORMS)
        for at, name in wanted:
            texts = (text for _, text in fields(forms.slice(at, 1).to_pylist()[0], "all"))
            kind = next(filter(None, map(written_in, texts)), None)
            dressed.setdefault(name, Counter()).update([kind] if kind else [])
    return [
        f"{percent(sum(kinds.values()), seen[name])} of the first {number(seen[name])} records of "
        f"{name} hold undressed {' and '.join(_CALLED[kind] for kind, _ in kinds.most_common())}: "
        "the step `markup` makes Markdown of it"
        for name, kinds in dressed.items()
        if sum(kinds.values()) > _MUCH * seen[name]
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
