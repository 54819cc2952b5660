"""The panel of the flow: records and characters that each step saw, kept and lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, get_args

from markupsafe import Markup

from pipeline.engine.account import Account, CountedStep
from pipeline.views.figures import (
    common,
    counted,
    ends_of_sources,
    reads,
    text_kept,
    text_made,
    text_read,
    text_removed,
)
from stages.charts.band import Step, flow
from stages.kinds import Panel
from stages.pages import rendered

Column = Literal["seen", "kept", "dropped", "failed", "made", "changed", "inapplicable"]
COLUMNS: tuple[Column, ...] = get_args(Column)
SPARSE = ("changed", "inapplicable")  # told where any step has some


def panel(account: Account, amounts: Sequence[tuple[str, int]]) -> Panel:
    """The flow as two drawings and a table. amounts: what the text became after the last record,
    such as tokens."""
    steps = counted(account)
    chain = [("characters read", text_read(account)), ("characters at the end", text_kept(account))]
    body = rendered(
        "pipeline.views.report:flow.html",
        records=_drawing(account, _records, "how many records each step kept"),
        text=_drawing(account, _text, "how many characters each step kept"),
        chain=[*chain, *amounts],
        steps=[(step, text_removed(step)) for step in steps],
        columns=[
            key for key in COLUMNS if key not in SPARSE or any(s["counts"][key] for s in steps)
        ],
    )
    return Panel("From raw files to the result", body)


def _drawing(account: Account, step: Callable[[CountedStep, str], Step], label: str) -> Markup:
    sources = [
        replace(step(end, end["source"] or ""), came=step(first, "").came)
        for first, end in zip(reads(account), ends_of_sources(account), strict=True)
    ]
    return flow(sources, [step(one, one["stage"]) for one in common(account)], label)


def _records(step: CountedStep, label: str) -> Step:
    counts = step["counts"]
    return Step(label, counts["seen"], counts["made"], counts["dropped"], counts["failed"])


def _text(step: CountedStep, label: str) -> Step:
    return Step(label, step["counts"]["text"]["seen"], text_made(step), text_removed(step))
