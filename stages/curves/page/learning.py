"""Learning curves of a run or a log as the page draws them: every figure over every axis."""

from __future__ import annotations

import contextlib
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa

from stages.curves.columns import number
from stages.curves.finding import Finding
from stages.curves.log import Log, Series
from stages.curves.picture import MOST, UNMARKED, curve_of, named, tone
from stages.curves.read import log_file
from stages.errors import UsageError

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
RECORDED = {"source": "source", "cluster": "cluster", "group": "duplicate group"}
GROUPINGS = {"set": "validation set", **RECORDED}
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
    """A finding as the page shows it. tone: good, bad or open. step: where a mark stands, if any.
    facts: (name, value)."""

    title: str
    tone: str
    step: float | None
    words: str
    remedy: str
    facts: list[tuple[str, str]]


class Learning(TypedDict):
    """The curves of one run. epochs: (step, name) where an epoch begins. unit: what its first axis
    counts, as "steps"."""

    name: str
    unit: str
    lines: list[Line]
    epochs: list[tuple[float, str]]
    findings: list[Marked]
    repairs: list[str]


def of_log(path: Path, log: Log, found: Sequence[Finding], name: str) -> Learning:
    """The curves of a run's folder or of anyone's log, with what they show.

    path: where the log was read. name: what the run is called."""
    file = log_file(path)
    own = _rows(file) if file.name == "curve.jsonl" else []
    lines = _own(own) if own else _others(log)
    with readable(file.parent / "recorded"):
        groups = _grouped(file.parent, own)
    return {
        "name": name,
        "unit": f"{log.x}s",
        "lines": [*lines, *groups],
        "epochs": list(curve_of(log, found).epochs),
        "findings": [_marked(one) for one in found],
        "repairs": list(log.notes),
    }


def _rows(file: Path) -> list[dict[str, Any]]:
    """The lines of a curve.jsonl; those that a kill or a hand left broken are no part of it."""
    found = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            row = json.loads(line)
            if isinstance(row, dict):
                found.append(row)
    return found


def of_mean(name: str, steps: Array, losses: Array, unit: str = "steps") -> Learning:
    """A curve that is there without a log."""
    line = _line("loss", "val", {"step": steps}, losses)
    return {
        "name": name, "unit": unit, "lines": [line], "epochs": [], "findings": [], "repairs": [],
    }  # fmt: skip


def _marked(one: Finding) -> Marked:
    hidden = ("kind", "words", "remedy", "step", "x", "steps", "why", "about", "statistic", "test")
    statistic = one["statistic"]
    facts = [] if statistic is None else [(one["test"] or "statistic", _told(statistic))]
    return {
        "title": named(one),
        "tone": tone(one),
        "step": None if one["kind"] in UNMARKED else one["step"],
        "words": one["words"],
        "remedy": one["remedy"],
        "facts": [
            *facts,
            *(
                (_FACTS.get(key, key.replace("_", " ")), _told(value))
                for key, value in one.items()
                if key not in hidden and value not in (None, "", [])
            ),
        ],
    }


_FACTS = {"checkpoint": "nearest checkpoint"}


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
                    axis: np.array([number(row[axis]) for row in held], dtype=np.float64)
                    for axis in AXES
                    if all(isinstance(row.get(axis), int | float) for row in held)
                }
                values = np.array([number(row[figure]) for row in held], dtype=np.float64)
                lines.append(_line(figure, side, axes, values))
    return lines


def _others(log: Log) -> list[Line]:
    lines = []
    held = [("loss", "train", "", log.train), ("loss", "val", "", log.val)]
    held += [("loss", "val", name, series) for name, series in log.others.items()]
    held += [("lr", "train", "", log.rate), ("grad_norm", "train", "", log.norm)]
    for figure, side, name, series in held:
        if len(series):
            by = "set" if name else ""
            axes = _axes(series, log.epochs_fit)
            lines.append(_line(figure, side, axes, series.values, by, name))
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


@contextlib.contextmanager
def readable(place: Path) -> Iterator[None]:
    """What a damaged file of a folder does to its readers becomes a UsageError that names it."""
    try:
        yield
    except UsageError:
        raise
    except (OSError, ValueError, LookupError, TypeError, EOFError, pa.ArrowException) as error:
        first = " ".join(str(error).split())[:300]
        raise UsageError(
            f"{place} holds a damaged file ({type(error).__name__}: {first}): train again, or "
            "remove the folder to see the curves without it"
        ) from None


def _grouped(folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Line]:
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
    for by in RECORDED:
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
