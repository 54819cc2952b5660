"""Rows of logs that were printed: objects and dicts behind any prefix, and `name: value` lines.

A dict that says no step gets the one of the progress bar that stands before it, where that bar
counts the training.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from stages.curves.columns import Row, is_missing, of_role, role

BAR = "progress bar"  # the column of steps that are read off a bar
LONG = 1 << 16  # characters of a line; what is longer is no line of a log
_BAR = re.compile(r"(?<![\d.:])(\d{1,9})/(\d{1,9}) \[")
_NOT_LITERAL = re.compile(r"(?<=[:,\[(\s])(-?)(nan|inf|NaN|Infinity|null)\b")
_NUMBER = r"[-+]?(?:\d[\d,_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PAIR = re.compile(
    rf"(?P<name>[A-Za-z_][\w /.()\-]{{0,60}}?)\s*(?P<sign>[:=]\s*|\s)\s*"
    rf"(?P<value>{_NUMBER}|[-+]?nan\b|[-+]?inf\b)(?P<of>\s*/\s*\d+)?(?!\w|[.:]\d)",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"[|,;\[\]()]| - |\s{2,}")  # what ends one name and begins another
_WORDS = re.compile(r"^(?:[A-Z]{3,}|metrics?|results?|stats)\s+")  # levels of logging, and the like
_TUNE = re.compile(r"(\d+)\|(\d+)\|\s*[Ll]oss:\s*([\w.+\-]+)")  # torchtune's bar: epoch|step|Loss
_MEGATRON = re.compile(r"validation loss at iteration (\d+)", re.IGNORECASE)
_HEADING = re.compile(r"^\s*epoch\s+(\d+)\s*/\s*\d+\s*$", re.IGNORECASE)  # Keras


def rows_of(lines: list[str]) -> list[Row]:
    """The lines of a printed log that say something, as dicts."""
    found: list[Row] = []
    bars: list[tuple[int, int] | None] = []
    last: tuple[int, int] | None = None
    for line in lines:
        if len(line) > LONG:
            continue
        objects = list(_objects(line)) if "{" in line else []
        seen = [(int(n), int(of)) for n, of in _BAR.findall(line)]
        if objects:
            # A bar of the same line is the one that was there when the dict was printed.
            last = seen[0] if seen else last
            for row in objects:
                found.append(row)
                bars.append(last)
        last = seen[-1] if seen else last
    return _with_bars(found, bars) if found else _pair_rows(lines)


def _objects(line: str) -> Iterator[dict[str, Any]]:
    """The JSON objects and Python dicts of a line that hold more than one number or word."""
    at = line.find("{")
    while at >= 0:
        end = _end_of(line, at)
        if end < 0:
            return
        row = _object(line[at:end])
        if row is not None:
            yield _flat(row)
            at = line.find("{", end)
        else:
            at = line.find("{", at + 1)


def _end_of(line: str, begin: int) -> int:
    """Behind the bracket that closes the one at `begin`; strings are looked over. -1: none does."""
    depth, quote, at = 0, "", begin
    while at < len(line):
        sign = line[at]
        if quote:
            if sign == "\\":
                at += 1
            elif sign == quote:
                quote = ""
        elif sign in "'\"":
            quote = sign
        elif sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return -1


def _object(text: str) -> dict[str, Any] | None:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        try:
            row = ast.literal_eval(_NOT_LITERAL.sub(_literal, text))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None
    return row if isinstance(row, dict) and all(isinstance(key, str) for key in row) else None


def _literal(match: re.Match[str]) -> str:
    return "None" if match[2] == "null" else f"'{match[1]}{match[2]}'"


def _flat(row: dict[str, Any], deep: int = 3) -> dict[str, Any]:
    """{"eval": {"loss": 1}} as {"eval/loss": 1}; a wrapper of one key around it is taken off."""
    out: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict) and deep and all(isinstance(name, str) for name in value):
            inner = _flat(value, deep - 1)
            plain = {name for name in inner if role(name)} and role(f"{key}/loss") is None
            out |= inner if plain else {f"{key}/{name}": one for name, one in inner.items()}
        else:
            out[key] = value
    return out


def _with_bars(rows: list[Row], bars: list[tuple[int, int] | None]) -> list[Row]:
    """Rows with the step of the training's bar, where they say none and the bar's steps rise."""
    if any(of_role(row, "step") for row in rows):
        return rows
    lossy = [bar for row, bar in zip(rows, bars, strict=True) if _has(row, "loss")]
    totals = Counter(bar[1] for bar in lossy if bar is not None)
    if not totals or totals.most_common(1)[0][1] < 0.8 * len(lossy):
        return rows
    total = totals.most_common(1)[0][0]
    made, step, steps = [], None, []
    for row, bar in zip(rows, bars, strict=True):
        step = bar[0] if bar is not None and bar[1] == total else step
        made.append(row if step is None else {**row, BAR: step})
        if step is not None and _has(row, "loss"):
            steps.append(step)
    # A bar that is drawn now and then only says the same step for several lines: none at all.
    return rows if any(a == b for a, b in pairwise(steps)) else made


def _has(row: Row, wanted: Any) -> bool:
    return any(not is_missing(row[name]) for name in of_role(row, wanted))


def _pair_rows(lines: list[str]) -> list[Row]:
    """Lines of `name: value`: torchtune, Megatron, nanoGPT, litgpt, Keras and their kin."""
    found: list[Row] = []
    epoch: float | None = None
    for line in lines:
        if len(line) > 4096:
            continue
        if match := _HEADING.match(line):
            epoch = float(match[1])
            continue
        row = _pairs(line)
        if not (_has(row, "loss") or _has(row, "val")):
            continue
        if epoch is not None and "epoch" not in row:
            # Only the last state of a bar is the mean of its epoch.
            row = {**row, "epoch": epoch}
            if found and found[-1].get("epoch") == epoch and not of_role(row, "step"):
                found.pop()
        found.append(row)
    return found


def _pairs(line: str) -> Row:
    """The known names of a line with their numbers."""
    if match := _TUNE.search(line):
        return {"epoch": match[1], "step": match[2], "loss": match[3]}
    if match := _MEGATRON.search(line):
        value = re.search(rf"lm loss value:\s*({_NUMBER}|nan|inf)", line, re.IGNORECASE)
        return {"iteration": match[1], "val_loss": value[1]} if value else {}
    row: dict[str, Any] = {}
    for match in _PAIR.finditer(line):
        name = _BEFORE.split(match["name"])[-1].strip()
        name = _WORDS.sub("", name)
        if match["sign"].startswith("="):  # `level=info step=1`: no blanks in such names
            name = name.rpartition(" ")[2]
        found = role(name) or ("val" if name in ("val", "valid") and "loss" in line else None)
        if found is not None:
            row.setdefault(name if role(name) else "val_loss", match["value"])
    return row
