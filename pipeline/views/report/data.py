"""What the report shows, gathered from manifests, rejects, events and the adapter's curve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pipeline.engine.account import load_run, made_by
from pipeline.views.summary import totals
from stages.corpus import MANIFEST, Corpus
from stages.records import FORMS, fields

SAMPLES = 3  # rejects shown of each reason


@dataclass
class Reason:
    """One reason of one step: how often, what it means, and a few of the rejects."""

    step: str
    reason: str
    meaning: str
    count: int
    failed: bool
    samples: list[dict[str, Any]]


@dataclass
class Histogram:
    """Counts of values in bins; `edges` has one more entry than `counts`."""

    title: str
    unit: str
    edges: list[float]
    counts: list[int]
    note: str = ""


@dataclass
class Training:
    """The adapter's summary, curve and samples."""

    summary: dict[str, Any]
    curve: list[dict[str, Any]]
    samples: list[dict[str, Any]]


@dataclass
class Report:
    """Everything that the page shows."""

    account: dict[str, Any]
    totals: dict[str, int]
    reasons: list[Reason]
    histograms: list[Histogram]
    by_source: list[tuple[str, str, int]]
    training: Training | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)
    tokens: int | None = None


def collect(folder: Path) -> Report:
    """Read a run's folder."""
    account = load_run(folder)
    report = Report(account, totals(account), list(_reasons(folder, account)), [], [])
    made = made_by(account, folder)
    if "records" in made:
        corpus = Corpus(made["records"])
        report.by_source = _by_source(corpus)
        lengths = [
            float(sum(len(text) for _, text in fields(row, "all")))
            for table in corpus.batches()
            for row in table.select([n for n in FORMS if n in table.column_names]).to_pylist()
        ]
        report.histograms.append(_histogram("Length of the kept records", "characters", lengths))
    if "tokens" in made and "length" in Corpus(made["tokens"]).schema.names:
        tokens = [
            float(value)
            for table in Corpus(made["tokens"]).batches()
            for value in table.column("length").to_pylist()
        ]
        report.tokens = int(sum(tokens))
        report.histograms.append(_histogram("Tokens a record", "tokens", tokens))
    if "adapter" in made:
        report.training = _training(made["adapter"])
    if "findings" in made:
        found = made["findings"] / "findings.json"
        report.findings = json.loads(found.read_bytes())["findings"]
    return report


def _reasons(folder: Path, account: dict[str, Any]) -> Iterator[Reason]:
    for step in account["steps"]:
        if not step["counts"] or not step["counts"]["reasons"]:
            continue
        corpus = Corpus(folder / step["folder"])
        rejects, meanings = corpus.rejects(), corpus.reasons
        for reason, count in sorted(step["counts"]["reasons"].items(), key=lambda one: -one[1]):
            rows = rejects.filter(pc.equal(rejects.column("reason"), reason)).slice(0, SAMPLES)
            samples = [{**row, "evidence": json.loads(row["evidence"])} for row in rows.to_pylist()]
            failed = bool(samples and samples[0]["failed"])
            yield Reason(step["label"], reason, meanings[reason], count, failed, samples)


def _by_source(corpus: Corpus) -> list[tuple[str, str, int]]:
    counts: dict[str, int] = {}
    for table in corpus.batches():
        for pair in table.column("source").value_counts().to_pylist():
            counts[pair["values"]] = counts.get(pair["values"], 0) + pair["counts"]
    licences = {source["name"]: source.get("license") or "" for source in corpus.sources}
    return [(name, licences.get(name, ""), counts.get(name, 0)) for name in licences]


def _histogram(title: str, unit: str, values: list[float]) -> Histogram:
    """Bins on a logarithmic axis: lengths spread over decades."""
    array = np.array(values) if values else np.array([1.0])
    low, high = max(1.0, float(array.min())), max(2.0, float(array.max()))
    edges = np.geomspace(low, high * 1.0001, 25)
    counts, _ = np.histogram(np.maximum(array, low), edges)
    middle, nine = (float(np.percentile(array, share)) for share in (50, 90))
    note = f"median {middle:,.0f}, 90 % below {nine:,.0f}, longest {array.max():,.0f}"
    return Histogram(title, unit, edges.tolist(), counts.tolist(), note)


def _training(folder: Path) -> Training:
    lines = (folder / "curve.jsonl").read_text(encoding="utf-8").splitlines()
    return Training(
        json.loads((folder / MANIFEST).read_bytes())["summary"],
        [json.loads(line) for line in lines if line],
        json.loads((folder / "samples.json").read_bytes()),
    )
