"""The panel of what left: each reason, how often, and a few of the rejects with their evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from markupsafe import Markup, escape

from pipeline.engine.account import Account
from pipeline.views.figures import counted, text_read
from pipeline.views.told import match_in
from stages.corpus import Corpus
from stages.kinds import Panel
from stages.pages import rendered
from stages.words import short

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
class Removed:
    """Characters that left at a step for a reason, and their share of the step's and of all."""

    step: str
    reason: str
    meaning: str
    count: int
    of_step: float
    of_all: float


def panel(account: Account, folder: Path) -> Panel:
    """All reasons of all steps."""
    found = list(reasons(account, folder))
    matched = [reason for reason in found if "match" in reason.samples[0]["evidence"]]
    shown = max(matched, key=lambda reason: reason.count, default=None)  # one as an example
    body = rendered(
        "pipeline.views.report:left.html",
        reasons=found,
        shown=shown,
        text=sorted(text_of_reasons(account, folder), key=lambda one: -one.count),
        marked=marked,
        told=_told,
    )
    return Panel("What left, and why", body)


def reasons(account: Account, folder: Path) -> Iterator[Reason]:
    """The reasons, step by step, the most frequent first."""
    for step in counted(account):
        if not step["counts"]["reasons"]:
            continue
        corpus = Corpus(folder / step["folder"])
        rejects, meanings = corpus.rejects(), corpus.reasons
        for reason, count in sorted(step["counts"]["reasons"].items(), key=lambda one: -one[1]):
            rows = rejects.filter(pc.equal(rejects.column("reason"), reason)).slice(0, SAMPLES)
            samples = [{**row, "evidence": json.loads(row["evidence"])} for row in rows.to_pylist()]
            failed = bool(samples and samples[0]["failed"])
            yield Reason(step["label"], reason, meanings[reason], count, failed, samples)


def text_of_reasons(account: Account, folder: Path) -> Iterator[Removed]:
    """The text that left, by step and reason."""
    read = text_read(account) or 1
    for step in counted(account):
        text = step["counts"]["text"]
        meanings: dict[str, str] = {}
        for one in Corpus(folder / step["folder"]).manifest.get("steps", []):
            meanings |= {**one.get("reasons", {}), **one.get("cuts", {})}
        for reason, count in text["removed"].items():
            of_step = count / (text["seen"] or 1)
            meaning = meanings.get(reason, "")
            yield Removed(step["label"], reason, meaning, count, of_step, count / read)


def _told(evidence: dict[str, Any]) -> str:
    return ", ".join(f"{key} {short(value)}" for key, value in evidence.items() if key != "match")


def marked(text: str, evidence: dict[str, Any]) -> Markup:
    """The text, escaped, with the evidence's match marked where it stands."""
    begin, end = match_in(text, evidence)
    match = evidence.get("match")
    if begin < 0 and isinstance(match, str) and match:
        return Markup("{}\n… <mark>{}</mark>").format(text, match)
    if begin < 0:
        return escape(text)
    return Markup("{}<mark>{}</mark>{}").format(text[:begin], text[begin:end], text[end:])
