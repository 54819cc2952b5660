"""Rows as lines of one run: which column is which, what counts as a line, which run it is.

A resume writes steps again, a second run in the same file begins them again, workers that print
into one file mix them: the first is merged, of the second the last run is taken, the third is
refused.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from stages.curves.columns import Role, Row, columns_of, is_missing, number, of_role, role, set_name
from stages.curves.log import Axis, Series
from stages.curves.printed import BAR

MOST_STEPS, MOST_EPOCHS = 1e12, 1e5  # beyond these a number is damage
MOST_LOSS = 1e30  # beyond it a loss is infinite
MIXED = 0.2  # share of lines at which the count falls or stands still: several at once
SAME = 0.25  # of the difference between neighbouring steps: one loss, written by several processes


@dataclass(frozen=True)
class Line:
    """A line: its place among the rows, step and epoch (NaN: not said), and what it holds."""

    row: int
    step: float
    epoch: float
    loss: float | None = None
    vals: Mapping[str, float] = field(default_factory=dict)
    rate: float | None = None
    norm: float | None = None
    excess: float | None = None
    probe: float | None = None


@dataclass
class Lines:
    """The lines of a log with what was found about them. sets: names of validation sets."""

    lines: list[Line]
    x: Axis
    notes: list[str]
    columns: list[str]
    ended: int = 0
    val_records: int | None = None


def is_summary(row: Row) -> bool:
    """Whether a row closes a run: it holds the mean of the losses, which is no line of it."""
    return any(not is_missing(row.get(key)) for key in ("train_runtime", "train/train_runtime"))


def lines_of(rows: list[Row], comma: bool = False) -> Lines:
    """The lines of rows of any trainer. comma: numbers have a decimal comma."""
    ended = sum(is_summary(row) for row in rows)
    rows = [row for row in rows if not is_summary(row)]
    columns = columns_of(rows)
    named = _chosen(rows, columns, comma)
    held_out = of_role(columns, "val")
    notes: list[str] = []
    found = []
    damaged = 0
    for at, row in enumerate(rows):
        line = _line(at, row, named, held_out, comma)
        if line is None:
            continue
        given = number(row.get(named["step"]), comma) if "step" in named else None
        damaged += given is not None and math.isnan(line.step)
        found.append(line)
    if damaged:
        found = [line for line in found if math.isfinite(line.step)]
        notes.append(f"{damaged} lines have a step that is no number of steps; left out")
    if named.get("step") == BAR:
        notes.append("the steps are those of the progress bar that stands before each line")
    records = [number(row.get("val_records"), comma) for row in rows if "val_records" in row]
    made = Lines(_missing_apart(found), "step", notes, columns, ended)
    if records and records[-1] and math.isfinite(records[-1]):
        made.val_records = int(records[-1])
    made.x = _axis(made.lines)
    return made


def _chosen(rows: list[Row], columns: list[str], comma: bool) -> dict[Role, str]:
    """The column of each role: the most believed of those that most lines with a loss have."""
    lossy = [row for row in rows if any(role(name) in ("loss", "val") for name in row)]
    chosen: dict[Role, str] = {}
    roles: tuple[Role, ...] = (
        "loss", "step", "epoch", "rate", "norm", "excess", "probe",
    )  # fmt: skip
    for wanted in roles:
        candidates = of_role(columns, wanted)
        if wanted == "excess":
            candidates = [name for name in columns if name == "excess"]
        if wanted == "step" and BAR in columns:
            candidates.append(BAR)
        held = {
            name: sum(number(row.get(name), comma) is not None for row in lossy)
            for name in candidates
        }
        most = max(held.values(), default=0)
        for name in candidates:
            if held[name] >= 0.9 * most and most:
                chosen[wanted] = name
                break
    return chosen


def _line(
    at: int, row: Row, named: Mapping[Role, str], held_out: list[str], comma: bool
) -> Line | None:
    def of(wanted: Role, most: float) -> float | None:
        value = number(row.get(named[wanted]), comma) if wanted in named else None
        return value if value is not None and abs(value) <= most else None

    step, epoch = of("step", MOST_STEPS), of("epoch", MOST_EPOCHS)
    vals: dict[str, float] = {}
    for name in held_out:
        if (value := number(row.get(name), comma)) is not None:
            vals.setdefault(set_name(name) or "", _bounded(value))
    loss = number(row.get(named["loss"]), comma) if "loss" in named else None
    if loss is None and not vals:
        loss, vals = _null(row, named)
    probe = of("probe", MOST_LOSS)
    if loss is None and not vals and probe is None:
        return None
    return Line(
        at,
        math.nan if step is None else step,
        math.nan if epoch is None else epoch,
        None if loss is None else _bounded(loss),
        vals,
        of("rate", MOST_LOSS),
        of("norm", math.inf),
        of("excess", MOST_LOSS),
        probe,
    )


def _bounded(loss: float) -> float:
    return math.copysign(math.inf, loss) if abs(loss) > MOST_LOSS else loss


def _null(row: Row, named: Mapping[Role, str]) -> tuple[float | None, dict[str, float]]:
    """A loss of null, as JSON writers make of NaN: no number where the row says that it is a line
    of training or an evaluation, and nothing where the row has the key of everything."""
    has_val = of_role(row, "val")
    if named.get("loss") in row and row[named["loss"]] is None:
        trained = any(
            wanted in named and not is_missing(row.get(named[wanted]))
            for wanted in ("rate", "norm")
        )
        if trained or not has_val:
            return math.nan, {}
        return None, {}
    if has_val and named.get("loss") not in row:
        return None, {set_name(name) or "": math.nan for name in has_val if row[name] is None}
    return None, {}


def _missing_apart(lines: list[Line]) -> list[Line]:
    """NaN beside the other loss of a row is how tables write "not measured" where numbers follow;
    where none follows the loss has become no number."""
    out: list[Line] = []
    later_loss = later_val = False
    for line in reversed(lines):
        finite = {name: value for name, value in line.vals.items() if not math.isnan(value)}
        loss = line.loss
        if loss is not None and math.isnan(loss) and finite and later_loss:
            line = replace(line, loss=None)
        elif len(finite) < len(line.vals) and loss is not None and later_val:
            line = replace(line, vals=finite)
        later_loss = later_loss or (loss is not None and not math.isnan(loss))
        later_val = later_val or bool(finite)
        out.append(line)
    return out[::-1]


def _axis(lines: list[Line]) -> Axis:
    """Steps where the training lines say them; epochs where each line is one; else lines."""
    train = [line for line in lines if line.loss is not None] or lines
    if train and sum(math.isfinite(line.step) for line in train) > 0.5 * len(train):
        return "step"
    epochs = [line.epoch for line in train]
    whole = all(math.isfinite(epoch) and epoch == int(epoch) for epoch in epochs)
    rising = sum(a < b for a, b in pairwise(epochs))
    return "epoch" if len(train) > 1 and whole and rising >= 0.8 * (len(train) - 1) else "line"


# --- one run ------------------------------------------------------------------------------------


def one_run(found: Lines) -> str | None:
    """Leave the lines of one run; why that cannot be done, or None."""
    lines = found.lines
    train = [line for line in lines if line.loss is not None]
    if len(train) < 2:
        return None
    count = [_count(line, found.x) for line in train]
    same = [
        found.x != "line" and a == b and _differ(train[at].loss, train[at + 1].loss)
        for at, (a, b) in enumerate(pairwise(count))
    ]
    falls = [at + 1 for at, (a, b) in enumerate(pairwise(count)) if b < a]
    runs = [at for at in falls if _begins_again(count, at)]
    mixed = len(falls) + sum(same) > max(3, MIXED * len(train))
    if mixed and found.x == "step" and _agree(train):
        found.notes.append(
            "several processes wrote this log of one run; of the lines of a step the last counts"
        )
        found.lines.sort(key=lambda line: line.step)
        _last_of_each(found)
        return None
    if mixed or (found.x == "line" and (len(runs) > 1 or len(falls) > 2 or found.ended > 2)):
        return (
            f"several-runs: the {'step' if found.x == 'step' else 'epoch'} falls back "
            f"{len(falls)} times and {found.ended} runs end in this file; give each run its own log"
        )
    for at in falls:
        _merge(found, train, at, again=at in runs)
    if runs:
        left = len(train) - sum(line.loss is not None for line in found.lines)
        found.notes.insert(
            0,
            f"{len(runs) + 1} runs are in this file; the last one is shown, {left} lines of "
            "training before it are left out",
        )
    _last_of_each(found)
    return None


def _differ(a: float | None, b: float | None) -> bool:
    """Whether two losses are of two runs; what is no number may be of one."""
    return a is not None and b is not None and a != b and not (math.isnan(a) or math.isnan(b))


def _agree(train: list[Line]) -> bool:
    """Whether lines of one step have nearly one loss, as the processes of one run have: nearer
    than losses of neighbouring steps are to each other."""
    of_step: dict[float, list[float]] = {}
    for line in train:
        if line.loss is not None and 0 < line.loss < math.inf:
            of_step.setdefault(line.step, []).append(math.log(line.loss))
    within = [abs(a - b) for losses in of_step.values() for a, b in pairwise(losses)]
    between = np.abs(np.diff([of_step[step][-1] for step in sorted(of_step)]))
    if len(within) < 3 or len(between) < 3:
        return False
    return float(np.median(within)) <= SAME * float(np.median(between))


def _count(line: Line, x: Axis) -> float:
    """What rises from line to line; steps that a line does not say stand still."""
    value = line.step if x == "step" else line.epoch
    return value if math.isfinite(value) else math.inf


def _begins_again(count: list[float], at: int) -> bool:
    """Whether the run begins anew at a fall: at its first count, or within a line of zero."""
    if count[at] <= count[0]:
        return True
    return at + 1 < len(count) and 0 <= count[at] <= 1.01 * (count[at + 1] - count[at])


def _merge(found: Lines, train: list[Line], at: int, again: bool) -> None:
    """Take away what a run that goes on from a checkpoint does again, or a whole earlier run."""
    row, count = train[at].row, _count(train[at], found.x)
    before = len(found.lines)
    found.lines = [
        line
        for line in found.lines
        if line.row >= row or (not again and _count(line, found.x) < count)
    ]
    if not again:
        found.notes.append(
            f"{before - len(found.lines)} lines from {found.x if found.x != 'line' else 'epoch'} "
            f"{count:g} on are there twice, as after a resume; the later ones count"
        )


def _last_of_each(found: Lines) -> None:
    """Of training lines of one step, the last; a note where that takes some away."""
    if found.x == "line":
        return
    last = {line.step if found.x == "step" else line.epoch: line.row for line in found.lines
            if line.loss is not None}  # fmt: skip
    kept = [
        line
        if line.loss is None or last[line.step if found.x == "step" else line.epoch] == line.row
        else replace(line, loss=None)
        for line in found.lines
    ]
    twice = sum(
        a.loss is not None and b.loss is None for a, b in zip(found.lines, kept, strict=True)
    )
    if twice:
        found.notes.append(f"{twice} steps are logged twice; the last value of each counts")
    found.lines = kept


# --- series -------------------------------------------------------------------------------------


def places(found: Lines) -> list[float]:
    """Where each line stands on the axis: a validation takes the place of the training before."""
    at, out = 0.0, []
    for line in found.lines:
        if found.x == "line":
            at += line.loss is not None
        else:
            value = line.step if found.x == "step" else line.epoch
            at = value if math.isfinite(value) else at
        out.append(at)
    return out


def series(rows: list[tuple[float, float, float]]) -> Series:
    """(place, value, epoch) of lines as a series, by place."""
    array = np.array(rows, dtype=float).reshape(len(rows), 3)
    array = array[np.argsort(array[:, 0], kind="stable")]
    return Series(array[:, 0], array[:, 1], array[:, 2])


def one_validation(rows: list[tuple[float, float, float]], notes: list[str]) -> Series:
    """Where the place falls back though training goes on, another series begins: the longest is
    the run's own."""
    parts: list[list[tuple[float, float, float]]] = [[]]
    for row in rows:
        current = parts[-1]
        if current and row[0] <= current[-1][0]:
            if row[0] == current[-1][0]:
                current.pop()
            else:
                parts.append([])
        parts[-1].append(row)
    longest = max(parts, key=len)
    if len(parts) > 1:
        notes.append(
            f"{len(parts)} validation series lie over each other; the longest ({len(longest)} "
            "values) is used"
        )
    return series(longest)


def chart_runs(columns: list[str]) -> list[str]:
    """The runs whose losses a chart of W&B holds, by the names before ` - `."""
    runs = Counter(
        name.rpartition(" - ")[0].strip('"')
        for name in columns
        if " - " in name and role(name) == "loss"
    )
    return list(runs)
