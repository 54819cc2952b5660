"""Rows of logs that are one JSON document: trainer_state.json, histories, notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stages.curves.columns import Row, number, role
from stages.curves.printed import rows_of
from stages.curves.tables import html_rows, table_rows

# Keys under which trainers keep the rows of a history: transformers; Keras and others.
HISTORIES = ("log_history", "history", "logs", "metrics", "rows", "data")


def document_rows(whole: Any) -> tuple[list[Row], Row] | None:
    """(rows, what the document says of the run as a whole), or None for no log."""
    if isinstance(whole, dict) and isinstance(whole.get("cells"), list):
        outputs = _notebook_rows(whole["cells"])
        return (outputs, {}) if outputs else None
    if isinstance(whole, list):
        listed: list[Row] = [row for row in whole if isinstance(row, dict)]
        return (listed, {}) if listed or not whole else None
    if not isinstance(whole, dict):
        return None
    for name in HISTORIES:
        inner = whole.get(name)
        if isinstance(inner, list | dict) and (rows := _rows_in(inner)) is not None:
            return rows, {key: value for key, value in whole.items() if key != name}
    rows_here = _rows_in(whole)
    return None if rows_here is None else (rows_here, {})


def _rows_in(inner: Any) -> list[Row] | None:
    """Rows of a list of objects, or of an object of columns (lists, or {"0": …} of pandas)."""
    if isinstance(inner, list):
        return [row for row in inner if isinstance(row, dict)]
    columns: dict[str, Sequence[Any]] = {}
    for name, values in inner.items():
        if isinstance(values, dict) and all(key.isdigit() for key in values):
            values = list(values.values())
        if isinstance(values, list):
            columns[name] = values
    if not any(role(name) in ("loss", "val") for name in columns):
        return None
    longest = max(len(values) for values in columns.values())
    return [
        {name: values[at] for name, values in columns.items() if at < len(values)}
        for at in range(longest)
    ]


def _notebook_rows(cells: list[Any]) -> list[Row]:
    """Rows of the outputs of a notebook: the table that is shown while it trains, printed dicts.

    The output with the most rows is the log; of equal ones the last."""
    best: list[Row] = []
    for cell in cells:
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        for output in outputs if isinstance(outputs, list) else []:
            if not isinstance(output, dict):
                continue
            data = output.get("data")
            data = data if isinstance(data, dict) else {}
            plain = _text(output.get("text")) or _text(data.get("text/plain"))
            lines = plain.splitlines()
            table = table_rows(lines)
            for rows in (
                html_rows(_text(data.get("text/html"))),
                table[0] if table else [],
                rows_of(lines),
            ):
                if len(rows) >= max(len(best), 1) and _lossy(rows):
                    best = rows
    return best


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _lossy(rows: list[Row]) -> bool:
    return any(
        number(value) is not None
        for row in rows
        for name, value in row.items()
        if role(name) in ("loss", "val")
    )
