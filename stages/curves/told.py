"""Findings for people and for programs: lines of a terminal, rows of a page, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.curves.finding import Finding, sentence
from stages.curves.log import Log, Series
from stages.curves.picture import named, tone

NAMES = 10  # characters of the first column


def told(found: Sequence[Finding], notes: Sequence[str]) -> list[str]:
    """A line a finding, and what had to be repaired in the log."""
    out = [f"{'finding':<{NAMES}} {named(one)}: {sentence(one)}" for one in found]
    return [*out, *(f"{'repaired':<{NAMES}} {note}" for note in notes)]


def rows(found: Sequence[Finding]) -> list[tuple[str, str, str]]:
    """(kind in words, tone, sentence) of each finding."""
    return [(named(one), tone(one), sentence(one)) for one in found]


def read(log: Log) -> str:
    """How a log was understood: what is on which axis, how many lines, up to where."""
    if not len(log.train) and not len(log.val):
        return "no losses"
    parts = [f"{len(log.train):,} lines of training", f"{len(log.val):,} evaluations"]
    parts += [f"{len(series):,} of {name}" for name, series in log.others.items()]
    last = max(float(np.max(one.steps)) for one in (log.train, log.val) if len(one))
    return f"{', '.join(parts)}, up to {log.x} {last:,.0f}"


def as_json(log: Log, found: Sequence[Finding]) -> dict[str, Any]:
    """The log as it was understood and its findings: values of JSON.

    x: what places count; train, val: [place, loss in nats] with null for a loss that is no number;
    others: the same of further validation sets."""
    return {
        "title": log.title,
        "x": log.x,
        "refused": log.refused,
        "findings": list(found),
        "repairs": list(log.notes),
        "columns": list(log.columns),
        "checkpoints": list(log.checkpoints),
        "train": _points(log.train),
        "val": _points(log.val),
        "others": {name: _points(series) for name, series in log.others.items()},
    }


def _points(series: Series) -> list[list[float | None]]:
    return [
        [step, loss if np.isfinite(loss) else None]
        for step, loss in zip(series.steps.tolist(), series.values.tolist(), strict=True)
    ]
