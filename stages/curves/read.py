"""Training logs as curves: what trainers write, with the repairs that real logs need.

Reads our adapter folder, trainer_state.json, trainer_log.jsonl, printed dicts, CSV and TensorBoard
events. `notes` says what was repaired; a log that is no one cross-entropy curve has `refused`.
"""

from __future__ import annotations

import ast
import csv
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from stages.curves.tfevents import scalars
from stages.errors import UsageError

Array = np.ndarray[Any, Any]
Row = Mapping[str, Any]

_LINE = 1 << 17  # characters of a line of CSV
STEP_KEYS = ("step", "current_steps", "global_step", "iter", "iteration")
LOSS_KEYS = ("loss", "train_loss", "train/loss", "training_loss")
VAL_KEYS = ("eval_loss", "val_loss", "valid_loss", "validation_loss", "eval/loss", "val/loss")
EPOCH_KEYS = ("epoch", "train/epoch")
PRINTED = re.compile(r"\{[^{}]*'(?:eval_)?loss'[^{}]*\}")
NOT_LITERAL = re.compile(r"(:\s*)(-?)(nan|inf)\b")
MOST_STEPS, MOST_EPOCHS = 1e12, 1e5  # beyond these a number is damage
MOST_LOSS = 1e30  # beyond it a loss is infinite
LN2 = math.log(2)


@dataclass(frozen=True)
class Series:
    """Values over optimizer steps; `epochs` is NaN where a log does not say it."""

    steps: Array
    values: Array
    epochs: Array

    def __len__(self) -> int:
        return len(self.steps)

    def where(self, keep: Array) -> Series:
        """The lines that a mask or indices choose."""
        return Series(self.steps[keep], self.values[keep], self.epochs[keep])


@dataclass
class Log:
    """One run's curves. epochs_fit: whether the epoch field can be used. refused: why this is no
    one cross-entropy curve, or None."""

    train: Series
    val: Series
    epochs_fit: bool = True
    notes: list[str] = field(default_factory=list)
    refused: str | None = None
    title: str = ""


def read_log(path: str | Path) -> Log:
    """Read a log file, or the log of a run's folder."""
    found = log_file(Path(path))
    rows, state = _rows(found)
    log = _log(rows, state, has_steps=_first(rows, STEP_KEYS) is not None)
    log.title = _title(found)
    return log


def _title(found: Path) -> str:
    """What the run is called: never where it lies, which would change the picture's bytes."""
    summary = found.parent / "summary.json"
    if found.name != "curve.jsonl" or not summary.is_file():
        return found.name
    try:
        facts = json.loads(summary.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return found.name
    if not isinstance(facts, dict):
        return found.name
    return f"{facts.get('method')} on {facts.get('base')}"


def log_file(path: Path) -> Path:
    """The file itself, or the one that a folder of ours or of another trainer holds."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise UsageError(f"{path} does not exist: name an adapter folder or a training log")
    for name in ("curve.jsonl", "trainer_state.json", "trainer_log.jsonl"):
        if (path / name).is_file():
            return path / name
    numbered = {
        int(match[1]): folder / "trainer_state.json"
        for folder in path.iterdir()
        if (match := re.fullmatch(r"checkpoint-(\d+)", folder.name))
        and (folder / "trainer_state.json").is_file()
    }
    if numbered:
        return numbered[max(numbered)]  # the last checkpoint holds the longest history
    events = sorted(path.rglob("*tfevents*"))
    if events:
        return events[-1]
    raise UsageError(
        f"{path} holds no training log: looked for curve.jsonl, trainer_state.json, "
        "trainer_log.jsonl, checkpoint-N/trainer_state.json and TensorBoard events"
    )


# --- forms --------------------------------------------------------------------------------------


def _rows(path: Path) -> tuple[list[Row], Row]:
    """The log's lines as dicts, and what the file says of the run as a whole."""
    if "tfevents" in path.name:
        return _event_rows(path), {}
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".csv":
        try:
            lines = text.splitlines()
            if any(len(line) > _LINE for line in lines):  # csv's own limit is the whole process's
                raise csv.Error(f"a line of more than {_LINE:,} characters")
            return [_filled(row) for row in csv.DictReader(lines)], {}
        except csv.Error as error:
            raise UsageError(f"{path} cannot be read as CSV: {error}") from None
    if path.suffix == ".json":
        try:
            whole = json.loads(text)
        except ValueError as error:
            raise UsageError(f"{path} is not JSON: {error}") from None
        except RecursionError:
            raise UsageError(f"{path} is no training log: it is nested too deeply") from None
        state = whole if isinstance(whole, dict) else {}
        rows = state.get("log_history", whole)
        if not isinstance(rows, list):
            raise UsageError(f"{path} has no log_history: it is no trainer_state.json")
        return [row for row in rows if isinstance(row, dict)], state
    rows = [row for line in text.splitlines() if (row := _json_line(line)) is not None]
    if rows:
        return [_own(row) for row in rows], {}
    return [row for match in PRINTED.findall(text) if (row := _printed(match))], {}


def _filled(row: Row) -> Row:
    return {key: value for key, value in row.items() if key and value not in ("", None)}


def _json_line(line: str) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _own(row: dict[str, Any]) -> Row:
    """A line of our curve.jsonl in the words of other trainers."""
    if row.get("split") == "val":
        return {
            "step": row.get("step"),
            "epoch": row.get("epoch"),
            "eval_loss": row.get("loss"),
        }
    if row.get("split") in ("probe_train", "probe_val", "retention"):
        return {}
    return row


def _printed(text: str) -> dict[str, Any] | None:
    try:
        row = ast.literal_eval(NOT_LITERAL.sub(r"\1'\2\3'", text))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _event_rows(path: Path) -> list[Row]:
    """Scalars of one step, gathered: tags stay as they are."""
    rows: list[Row] = []
    current: dict[str, Any] = {}
    for step, tag, value in scalars(path):
        if not rows or current["step"] != step or tag in current:
            current = {"step": step}
            rows.append(current)
        current[tag] = value
    return rows


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:  # an integer of hundreds of digits
        return math.inf if not isinstance(value, str) and value > 0 else -math.inf


def _within(value: float | None, most: float) -> float | None:
    """The value when it can be a step or an epoch."""
    return value if value is not None and abs(value) <= most else None


def _value(row: Row, keys: Iterable[str]) -> float | None:
    for key in keys:
        if row.get(key) is not None:
            return _number(row[key])
    return None


def _loss(row: Row, keys: Iterable[str]) -> float | None:
    value = _value(row, keys)
    return math.copysign(math.inf, value) if value and abs(value) > MOST_LOSS else value


def _first(rows: list[Row], keys: tuple[str, ...]) -> float | None:
    return next((value for row in rows if (value := _value(row, keys)) is not None), None)


# --- one curve, repaired ------------------------------------------------------------------------


def _log(rows: list[Row], state: Row, has_steps: bool) -> Log:
    # A closing summary (train_runtime) gives the mean of the run as train_loss: no line of it.
    lines = [row for row in rows if not _summary(row)]
    train, val = [], []
    without = 0
    for number, row in enumerate(lines):
        given = _value(row, STEP_KEYS) if has_steps else float(number + 1)
        step = _within(given, MOST_STEPS)
        without += step is None and given is not None
        epoch = _within(_value(row, EPOCH_KEYS), MOST_EPOCHS)
        loss, val_loss = _loss(row, LOSS_KEYS), _loss(row, VAL_KEYS)
        if loss is not None and step is not None:
            train.append((step, loss, math.nan if epoch is None else epoch))
        if val_loss is not None and step is not None:
            val.append((step, val_loss, math.nan if epoch is None else epoch))
    log = Log(_series(train), _series(val))
    if without:
        log.notes.append(f"{without} lines have a step that is no number of steps; left out")
    # A row of other trainers may hold null for what was not measured: such a key is no sign.
    keys = {key for row in rows for key, value in row.items() if value is not None}
    log.refused = _refusal(log.train, keys, rows, has_steps)
    if log.refused is not None:
        log.epochs_fit = False
        return log
    log.train = _one_value_a_step(log)
    log.val = _one_val_series(log)
    _repair_epochs(log, state)
    return log


def _summary(row: Row) -> bool:
    return any(row.get(key) is not None for key in ("train_runtime", "train/train_runtime"))


def _series(rows: list[tuple[float, float, float]]) -> Series:
    array = np.array(rows, dtype=float).reshape(len(rows), 3)
    return Series(array[:, 0], array[:, 1], array[:, 2])


def _refusal(train: Series, keys: set[str], rows: list[Row], has_steps: bool) -> str | None:
    if any(
        key.startswith(("rewards/", "logps/", "train/rewards/", "train/logps/")) for key in keys
    ):
        return (
            "dpo: the log has rewards or log-probabilities of chosen and rejected answers; the "
            "loss of preference training starts at ln 2 and is no cross-entropy"
        )
    if keys & {"reward", "reward_std", "kl", "completion_length", "train/reward", "objective/kl"}:
        return "rl: the log has rewards; a policy's loss says nothing of fit"
    values = train.values[np.isfinite(train.values)]
    if len(values) and (values < 0).mean() > 0.02:
        return "rl: losses are negative, so this is no cross-entropy"
    per_line = any(_value(row, ("accuracy",)) is not None for row in rows if _value(row, LOSS_KEYS))
    if per_line and len(values) and abs(values[0] - LN2) < 0.05:
        return (
            "dpo: accuracy is logged beside a loss that starts at ln 2, as preference training "
            "does; name the log of a cross-entropy run"
        )
    ended = sum(_summary(row) for row in rows)
    rises = np.diff(train.epochs[np.isfinite(train.epochs)])
    falls = rises < 0
    mixed = falls.sum() >= 3 or (falls.sum() >= 2 and (rises <= 0).mean() > 0.5)
    if not has_steps and (ended > 1 or mixed):
        return (
            f"several-runs: the epoch falls back {int(falls.sum())} times and {ended} runs end in "
            "this file; give each run its own log"
        )
    return None


def _one_value_a_step(log: Log) -> Series:
    """A resumed run writes steps again: the last value of each counts."""
    series = log.train
    last = {float(step): number for number, step in enumerate(series.steps)}
    if len(last) < len(series):
        log.notes.append(
            f"{len(series) - len(last)} steps are logged twice, as after a resume; the last counts"
        )
    return series.where(np.array([last[step] for step in sorted(last)], dtype=int))


def _one_val_series(log: Log) -> Series:
    """Where the step falls back another series begins: the longest is the run's own."""
    series = log.val
    cuts = [0, *(np.flatnonzero(np.diff(series.steps) <= 0) + 1).tolist(), len(series)]
    if len(cuts) == 2:
        return series
    begin, end = max(pairwise(cuts), key=lambda cut: cut[1] - cut[0])
    log.notes.append(
        f"{len(cuts) - 1} validation series lie over each other; the longest ({end - begin} "
        "values) is used"
    )
    return series.where(np.arange(begin, end))


def _repair_epochs(log: Log, state: Row) -> None:
    epochs, steps = log.train.epochs, log.train.steps
    known = np.isfinite(epochs)
    if known.sum() < 2:
        log.epochs_fit = False
        return
    if (np.diff(epochs[known]) < -1e-9).any():
        log.epochs_fit = False
        log.notes.append("the epoch field falls back while steps go on; it is not used")
        return
    rounded = np.allclose(epochs[known] * 100, np.round(epochs[known] * 100), atol=1e-6)
    last_step = _number(state.get("global_step")) or float(steps[known][-1])
    last_epoch = _number(state.get("epoch")) or float(epochs[known][-1])
    if rounded and last_step > 0 and last_epoch > 0 and len(steps) > 3:
        rebuilt = steps * last_epoch / last_step
        if np.abs(rebuilt - epochs)[known].max() < 0.02 + 0.002 * last_epoch:
            log.train = Series(steps, log.train.values, rebuilt)
            log.notes.append("epochs are rounded to two decimals; rebuilt from the steps")
