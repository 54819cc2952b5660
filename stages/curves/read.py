"""Training logs as curves: what trainers write, with the repairs that real logs need.

Reads our adapter folder, trainer_state.json, JSON lines, printed dicts and `name: value` lines,
tables, notebooks and TensorBoard events. `notes` says what was repaired; a log that is no one
cross-entropy curve has `refused`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from stages.curves import epochs, files
from stages.curves.columns import Row, number
from stages.curves.documents import document_rows
from stages.curves.lines import Line, Lines, lines_of, one_run, one_validation, places, series
from stages.curves.log import Log, Series
from stages.curves.printed import LONG, rows_of
from stages.curves.refusals import refusal
from stages.curves.repeats import read_repeats
from stages.curves.tables import table_rows
from stages.curves.tfevents import event_rows
from stages.errors import UsageError

__all__ = ["Log", "Series", "log_file", "log_of", "read_log"]

NOT_CURVES = ("probe_val", "retention")  # splits of our curve.jsonl that no finding is about


def read_log(path: str | Path) -> Log:
    """Read a log file, or the log of a run's folder. UsageError for what is no log at all."""
    found = files.log_files(Path(path))
    rows, state, comma, notes = _rows(found)
    log = _log([_own(row) for row in rows], state, comma, notes)
    log.title = files.title_of(found.first)
    log.checkpoints = files.checkpoints_of(found.first) or _saved(log, state)
    log.vocabulary = files.vocabulary_of(found.first)
    if found.first.name == "curve.jsonl":
        log.repeats = read_repeats(found.first.parent)
    return log


def log_of(rows: Iterable[Row]) -> Log:
    """The log of rows in memory: lines of our curve.jsonl, or dicts of another trainer."""
    return _log([_own(row) for row in rows], {}, False, [])


def log_file(path: Path) -> Path:
    """The file that a log is read from; the first of several event files."""
    return files.log_files(path).first


def _rows(found: files.Found) -> tuple[list[Row], Row, bool, list[str]]:
    """(rows, what the file says of the run as a whole, whether numbers have a decimal comma,
    notes)."""
    path = found.first
    data = files.content(path)
    if files.is_events(path, data):
        parts = [(path, data), *((file, files.content(file)) for file in found.files[1:])]
        return event_rows(parts), {}, False, []
    text = files.text_of(data)
    begin = text.lstrip()[:1]
    if begin and begin in "[{":
        whole = _whole(text)
        if whole is not None:
            made = document_rows(whole)
            if made is not None:
                return *made, False, []
            if path.suffix == ".json":
                raise UsageError(
                    f"{path} has no log_history: it is no trainer_state.json, nor a history of "
                    f"losses; it holds {_keys(whole)}"
                )
        elif path.suffix in (".json", ".ipynb") and not _has_lines(text):
            raise UsageError(f"{path} is not JSON, or is nested too deeply, and holds no lines")
    lines = text.splitlines()
    notes = []
    if long := sum(len(line) > LONG for line in lines):
        notes.append(f"{long} lines of more than {LONG:,} characters are not read")
    table = table_rows(lines)
    if table is not None and 2 * len(table[0]) >= len(lines):
        return table[0], {}, table[1], notes
    printed = rows_of(lines)
    if table is not None and len(table[0]) >= len(printed):
        return table[0], {}, table[1], notes
    return printed, {}, False, notes


def _whole(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _has_lines(text: str) -> bool:
    return bool(rows_of(text.splitlines()[:100]))


def _keys(whole: object) -> str:
    names = [str(key)[:40] for key in whole][:12] if isinstance(whole, dict) else []
    return ", ".join(names) if names else "no keys"


def _own(row: Row) -> Row:
    """A line of our curve.jsonl in the words of other trainers."""
    split = row.get("split")
    if split == "val":
        kept = {"step": row.get("step"), "epoch": row.get("epoch"), "eval_loss": row.get("loss")}
        return kept | ({"val_records": row["records"]} if "records" in row else {})
    if split == "probe_train":
        return {
            "step": row.get("step"), "epoch": row.get("epoch"), "probe_loss": row.get("loss")
        }  # fmt: skip
    return {} if split in NOT_CURVES else row


def _saved(log: Log, state: Row) -> tuple[int, ...]:
    """The steps that a trainer saved, by what its state says; some may have been deleted."""
    every, last = number(state.get("save_steps")), number(state.get("global_step"))
    if every is None or last is None or not 1 <= every <= last or last / every > 10_000:
        return ()
    return tuple(int(step) for step in np.arange(every, last + 1, every))


# --- one curve, repaired ------------------------------------------------------------------------


def _log(rows: list[Row], state: Row, comma: bool, notes: list[str]) -> Log:
    found = lines_of(rows, comma)
    found.notes[:0] = notes
    losses = np.array([line.loss for line in found.lines if line.loss is not None], dtype=float)
    refused = refusal(found, losses) or one_run(found)
    log = _curves(found)
    log.refused = refused
    if refused is not None:
        log.epochs_fit = False
        return log
    epochs.repair(log, state)
    return log


def _curves(found: Lines) -> Log:
    at = list(zip(places(found), found.lines, strict=True))

    def of(value: str) -> Series:
        return series(
            [
                (place, number_of, line.epoch)
                for place, line in at
                if (number_of := getattr(line, value)) is not None
            ]
        )

    names = dict.fromkeys(name for line in found.lines for name in line.vals)
    sets = {name: _validation(name, at, found.notes) for name in names}
    main = max(sets, key=lambda name: (name == "", len(sets[name])), default=None)
    log = Log(of("loss"), sets.pop(main) if main is not None else series([]))
    if main and sets:
        found.notes.append(
            f"{len(sets) + 1} validation sets: {main} is shown as the validation loss, "
            "each is looked at"
        )
    log.x, log.notes, log.columns = found.x, found.notes, tuple(found.columns)
    log.others, log.val_records = sets, found.val_records
    log.rate, log.norm = of("rate"), of("norm")
    log.excess, log.probe = of("excess"), of("probe")
    return log


def _validation(name: str, at: list[tuple[float, Line]], notes: list[str]) -> Series:
    rows = [(place, line.vals[name], line.epoch) for place, line in at if name in line.vals]
    return one_validation(rows, notes)
