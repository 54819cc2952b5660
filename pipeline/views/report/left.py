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
from pipeline.views.figures import counted
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


def panel(account: Account, folder: Path) -> Panel:
    """All reasons of all steps."""
    found = list(reasons(account, folder))
    matched = [reason for reason in found if "match" in reason.samples[0]["evidence"]]
    shown = max(matched, key=lambda reason: reason.count, default=None)  # one as an example
    body = rendered(
        "pipeline.views.report:left.html",
        reasons=found,
        shown=shown,
        text=list(text_of_reasons(account, folder)),
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


def text_of_reasons(account: Account, folder: Path) -> Iterator[tuple[str, str, str, int, float]]:
    """(step, reason, meaning, characters, their share of the step's) of the text that left."""
    for step in counted(account):
        text = step["counts"]["text"]
        meanings: dict[str, str] = {}
        for one in Corpus(folder / step["folder"]).manifest.get("steps", []):
            meanings |= {**one.get("reasons", {}), **one.get("cuts", {})}
        for reason, count in sorted(text["removed"].items(), key=lambda one: -one[1]):
            yield (
                step["label"],
                reason,
                meanings.get(reason, ""),
                count,
                count / (text["seen"] or 1),
            )


def _told(evidence: dict[str, Any]) -> str:
    return ", ".join(f"{key} {short(value)}" for key, value in evidence.items() if key != "match")


def marked(text: str, evidence: dict[str, Any]) -> Markup:
    """The text, escaped, with the evidence's match marked where it stands."""
    match = evidence.get("match")
    if not isinstance(match, str) or not match:
        return escape(text)
    span = evidence.get("span")
    begin = span[0] if isinstance(span, list) and text[span[0] : span[1]] == match else -1
    if begin < 0:
        begin = text.find(match)
    if begin < 0:
        return Markup("{}\n… <mark>{}</mark>").format(text, match)
    end = begin + len(match)
    return Markup("{}<mark>{}</mark>{}").format(text[:begin], match, text[end:])
