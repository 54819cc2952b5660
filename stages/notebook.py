"""Records as a small table for a notebook: escaped, short, without a script."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

ROWS = 10
_LETTERS, _COLUMNS, _ID = 120, 12, 8
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]")
_CELL = "text-align:left;vertical-align:top;padding:.2em .6em;max-width:24em;"
_CELL += "overflow-wrap:break-word"


def table(rows: Sequence[Mapping[str, Any]], total: int | None) -> str:
    """An HTML table of records; texts are cut at 120 characters, ids at 8, and columns without a
    value are left out. total: None: more may follow."""
    if not rows:
        return "<p>no records</p>"
    names = list(dict.fromkeys(name for row in rows for name in row if not _is_nothing(row[name])))
    shown = names[:_COLUMNS]
    head = "".join(f'<th style="{_CELL}">{_escaped(name)}</th>' for name in shown)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{_cell(name, row.get(name))}</td>' for name in shown)
        + "</tr>"
        for row in rows
    )  # fmt: skip
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<p>{_told(len(rows), total, len(names) - len(shown))}</p>"
    )


def _told(rows: int, total: int | None, columns: int) -> str:
    if total is None:
        told = f"the first {rows:,} records" if rows == ROWS else f"{rows:,} records"
    else:
        told = f"{rows:,} of {total:,} records" if rows < total else f"{total:,} records"
    told = told.replace("1 records", "1 record") if rows == 1 else told
    return told + (f", {columns} more columns" if columns else "")


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "id":
        return _escaped(str(value)[:_ID])
    if isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value):
        value = "\n".join(f"{one.get('role', '?')}: {one.get('content') or ''}" for one in value)
    text = str(value)
    cut = text if len(text) <= _LETTERS else text[:_LETTERS] + " …"
    return "<br>".join(_escaped(line) for line in cut.split("\n"))


def _escaped(text: str) -> str:
    return html.escape(_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text))
