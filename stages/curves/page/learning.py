"""Learning curves of a run or a log as the page draws them: every figure over every axis."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from stages import json_lines
from stages.curves import told
from stages.curves.finding import Finding, sentence
from stages.curves.findings import findings
from stages.curves.picture import MOST, curve_of, named, tone
from stages.curves.read import Log, Series, log_file, read_log

Array = np.ndarray[Any, Any]

# What a line of curve.jsonl may hold: key → (words, unit).
FIGURES = {
    "loss": ("loss", "nats a token"),
    "excess": ("loss less the base model's", "nats a token"),
    "bits_per_byte": ("bits per byte", "bits"),
    "accuracy": ("next-token accuracy", "share"),
    "confidence": ("mean confidence", "probability"),
    "entropy": ("mean entropy", "nats"),
    "lr": ("learning rate", ""),
    "grad_norm": ("gradient norm", ""),
}
SIDES = {
    "train": "training",
    "val": "validation",
    "probe_train": "probe, training side",
    "probe_val": "probe, validation side",
    "retention": "retention",
}
# Axes: key of curve.jsonl → words.
AXES = {"step": "steps", "seen": "tokens", "trained": "trained tokens", "epoch": "epochs"}
GROUPINGS = {"source": "source", "cluster": "cluster", "group": "duplicate group"}
GROUPS = 24  # of a grouping that are drawn, those with the most tokens
DIGITS = 6


class Line(TypedDict):
    """One line. figure: a key of `FIGURES`. side: a key of `SIDES`. by: a key of `GROUPINGS`, or
    empty. name: of the group. axes: axis → its values. values: null for what is no number."""

    figure: str
    side: str
    by: str
    name: str
    axes: dict[str, list[float]]
    values: list[float | None]


class Marked(TypedDict):
    """A finding as the page shows it. tone: good, bad or open. facts: (name, value)."""

    title: str
    tone: str
    step: float | None
    words: str
    facts: list[tuple[str, str]]


class Learning(TypedDict):
    """The curves of one run. epochs: (step, name) where an epoch begins. unit: what its first axis
    counts, as "steps". read: how a log was understood, for the terminal."""

    name: str
    unit: str
    lines: list[Line]
    epochs: list[tuple[float, str]]
    findings: list[Marked]
    repairs: list[str]
    read: str


def of_log(path: Path, name: str | None = None) -> Learning:
    """The curves of a run's folder or of anyone's log, with what they show."""
    log = read_log(path)
    found = findings(log)
    file = log_file(path)
    own = json_lines.read(file) if file.name == "curve.jsonl" else []
    lines = _own(own) if own else _others(log)
    return {
        "name": name or log.title or path.name,
        "unit": f"{log.x}s",
        "lines": [*lines, *groups(file.parent, own)],
        "epochs": list(curve_of(log, found).epochs),
        "findings": [_marked(one) for one in found],
        "repairs": list(log.notes),
        "read": told.read(log),
    }


def of_mean(name: str, steps: Array, losses: Array, unit: str = "steps") -> Learning:
    """A curve that is there without a log."""
    line = _line("loss", "val", {"step": steps}, losses)
    return {
        "name": name, "unit": unit, "lines": [line], "epochs": [], "findings": [], "repairs": [],
        "read": "",
    }  # fmt: skip


def _marked(one: Finding) -> Marked:
    hidden = ("kind", "words", "remedy", "checkpoint", "step", "x", "steps", "why", "about")
    return {
        "title": named(one),
        "tone": tone(one),
        "step": one["step"],
        "words": sentence(one),
        "facts": [
            (key.replace("_", " "), _told(value))
            for key, value in one.items()
            if key not in hidden and value not in (None, "", [])
        ],
    }


def _told(value: object) -> str:
    if isinstance(value, list):
        return " to ".join(map(_told, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _own(rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """The lines of a curve.jsonl: every figure of every side."""
    lines = []
    for side in SIDES:
        mine = [row for row in rows if row.get("split") == side]
        for figure in FIGURES:
            held = [row for row in mine if isinstance(row.get(figure), int | float)]
            if held:
                axes = {
                    axis: np.array([row[axis] for row in held], dtype=np.float64)
                    for axis in AXES
                    if all(isinstance(row.get(axis), int | float) for row in held)
                }
                values = np.array([row[figure] for row in held], dtype=np.float64)
                lines.append(_line(figure, side, axes, values))
    return lines


def _others(log: Log) -> list[Line]:
    lines = []
    for side, series in (("train", log.train), ("val", log.val)):
        if len(series):
            lines.append(_line("loss", side, _axes(series, log.epochs_fit), series.values))
    return lines


def _axes(series: Series, epochs_fit: bool) -> dict[str, Array]:
    axes = {"step": series.steps}
    if epochs_fit and len(series) and np.isfinite(series.epochs).all():
        axes["epoch"] = series.epochs
    return axes


def _line(
    figure: str, side: str, axes: Mapping[str, Array], values: Array, by: str = "", name: str = ""
) -> Line:
    """A line of at most `MOST` points, at even distances."""
    chosen = np.arange(len(values))
    if len(values) > MOST:
        chosen = np.linspace(0, len(values) - 1, MOST).astype(int)
    return {
        "figure": figure,
        "side": side,
        "by": by,
        "name": name,
        "axes": {axis: numbers(held[chosen]) for axis, held in axes.items()},  # type: ignore[misc]
        "values": numbers(values[chosen]),
    }


def numbers(values: Iterable[float]) -> list[float | None]:
    """Values as JSON holds them: few digits, null for what is no number."""
    return [
        (int(value) if value == int(value) else float(f"{value:.{DIGITS}g}"))
        if math.isfinite(value)
        else None
        for value in map(float, values)
    ]


def groups(folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """The losses of sources, clusters and duplicate groups that a training recorded."""
    path = folder / "recorded" / "groups.arrow"
    if not path.is_file():
        return []
    from stages.corpus import read_arrow

    at = {int(row["step"]): row for row in rows if isinstance(row.get("step"), int)}
    held: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in read_arrow(path).to_pylist():
        held[row["by"], row["name"], row["split"]].append(row)
    lines = []
    for by in GROUPINGS:
        weights: dict[str, int] = defaultdict(int)
        for (mine, name, _), some in held.items():
            if mine == by:
                weights[name] = max([weights[name], *(row["targets"] for row in some)])
        shown = sorted(weights, key=lambda name: (-weights[name], name))[:GROUPS]
        for name in shown:
            for side in ("train", "val"):
                some = sorted(held.get((by, name, side), []), key=lambda row: row["step"])
                if not some:
                    continue
                steps = [row["step"] for row in some]
                axes = {"step": np.array(steps, dtype=np.float64)}
                for axis in ("seen", "trained", "epoch"):
                    found = [at[step].get(axis) if step in at else None for step in steps]
                    if all(isinstance(value, int | float) for value in found):
                        axes[axis] = np.array(found, dtype=np.float64)
                values = np.array([row["loss"] for row in some], dtype=np.float64)
                lines.append(_line("loss", side, axes, values, by, name))
    return lines
