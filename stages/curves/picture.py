"""A log and its findings as a curve with marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypedDict

import numpy as np

from stages.charts.curve import Curve, Mark
from stages.curves.epochs import positions
from stages.curves.finding import Finding
from stages.curves.log import Log, Series

MOST = 4000  # points of a line that are kept for drawing
GOOD = ("well_fit",)
OPEN = ("train_on", "plateau", "val_below_train", "cannot_tell", "refused")  # neither good nor bad
UNMARKED = ("cannot_tell", "refused")  # they are about no place of the curve


class Drawn(TypedDict):
    """A curve without its marks as JSON: (step, loss) points, null for a loss that is no number;
    (step, name) of epochs."""

    train: list[tuple[float, float | None]]
    val: list[tuple[float, float | None]]
    epochs: list[tuple[float, str]]
    title: str


class Found(TypedDict):
    """What `findings.json` holds."""

    findings: list[Finding]
    repairs: list[str]
    curve: Drawn


def named(finding: Finding) -> str:
    """The kind of a finding in words."""
    return str(finding["kind"]).replace("_", " ")


def tone(finding: Finding) -> Literal["good", "open", "bad"]:
    """How a finding is coloured."""
    return "good" if finding["kind"] in GOOD else "open" if finding["kind"] in OPEN else "bad"


def marks_of(findings: Sequence[Finding]) -> list[Mark]:
    """The findings that are about a step, as marks on the curve."""
    return [
        Mark(one["step"], named(one), one["words"], tone(one) != "bad")
        for one in findings
        if one["step"] is not None and one["kind"] not in UNMARKED
    ]


def curve_of(log: Log, findings: Sequence[Finding]) -> Curve:
    """The curve of a log; of very long ones, points at even distances."""
    epochs = [
        (float(log.train.steps[line]), f"epoch {epoch + 1}") for epoch, line in positions(log)
    ]
    title = log.title or "training log"
    return Curve(_points(log.train), _points(log.val), epochs, marks_of(findings), title)


def _points(series: Series) -> list[tuple[float, float]]:
    if len(series) > MOST:
        series = series.where(np.linspace(0, len(series) - 1, MOST).astype(int))
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def as_json(curve: Curve) -> Drawn:
    """A curve without its marks as JSON, where a loss that is no number is null."""
    train, val = (
        [(step, loss if math.isfinite(loss) else None) for step, loss in points]
        for points in (curve.train, curve.val)
    )
    return {"train": train, "val": val, "epochs": list(curve.epochs), "title": curve.title}


def from_json(value: Drawn, findings: Sequence[Finding]) -> Curve:
    """The curve of `as_json`, with the findings marked."""
    train, val = (
        [(step, math.nan if loss is None else loss) for step, loss in points]
        for points in (value["train"], value["val"])
    )
    epochs = [(step, name) for step, name in value["epochs"]]
    return Curve(train, val, epochs, marks_of(findings), value["title"])
