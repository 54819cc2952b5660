"""A corpus of records, shown: how long its records are, and of which sources and licences."""

from __future__ import annotations

from pathlib import Path

from stages.charts.histogram import drawn, histogram
from stages.corpus import Corpus
from stages.kinds import Panel
from stages.pages import rendered
from stages.records import FORMS, fields


def panels(folder: Path) -> list[Panel]:
    """Lengths; sources and licences."""
    corpus = Corpus(folder)
    counts: dict[str, int] = {}
    lengths = []
    for table in corpus.batches():
        for name in table.column("source").to_pylist():
            counts[name] = counts.get(name, 0) + 1
        for row in table.select([n for n in FORMS if n in table.column_names]).to_pylist():
            lengths.append(float(sum(len(text) for _, text in fields(row, "all"))))
    data = histogram("length of the kept records", "characters", lengths)
    licences = {source["name"]: source.get("license") or "" for source in corpus.sources}
    rows = [(name, licence, counts.get(name, 0)) for name, licence in licences.items()]
    return [
        Panel(
            "Length of the records",
            rendered("stages.charts:drawing.html", note=data.note, drawing=drawn(data)),
        ),
        Panel("Sources and licences", rendered("stages.charts:sources.html", rows=rows)),
    ]
