"""What a layout understood, as a line for people: `prompt ← question; meta ← id, votes`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from stages.extract.forms.names import TALK, TEXT
from stages.records import encodable

ALL_COLUMNS = "text ← all columns"  # so a line begins where a row was not understood
_BY_LINES = (
    f'{ALL_COLUMNS}, as lines of "column: value", since no column is called {TEXT[0]}, prompt, '
    f"question, {TALK[0]} …"
)
_BEHIND = re.compile(r"; (?:meta ←|table: )")
_NAMES, _CHARS = 12, 40  # of a list of columns


def line(
    parts: Mapping[str, Sequence[str]],
    meta: Sequence[str],
    table: str | None = None,
    rejected: str | None = None,
    left: Collection[str] = (),
) -> str:
    """The line of a layout. parts: field → its columns, none for lines of all columns. rejected:
    the column of the worse answers of preference pairs. left: those with bytes that are no text."""
    told = [f"{field} ← {_listed(columns)}" for field, columns in parts.items()] or [_BY_LINES]
    if rejected is not None:
        told.append(f"preference pairs: meta.rejected ← {_short(rejected)}")
    if left:
        told.append(f"left out, bytes: {_listed(sorted(left))}")
    if meta:
        told.append(f"meta ← {_listed(sorted(meta))}")
    if table is not None:
        told.append(f"table: {_short(table)}")
    return "; ".join(told)


def noted(line: str, note: str) -> str:
    """A line that says one thing more, before what it says of meta and table."""
    found = _BEHIND.search(line)
    at = found.start() if found is not None else len(line)
    return f"{line[:at]}; {note}{line[at:]}"


def _listed(names: Sequence[str]) -> str:
    told = ", ".join(_short(name) for name in names[:_NAMES])
    more = len(names) - _NAMES
    return f"{told} and {more:,} more" if more > 0 else told


def _short(name: str) -> str:
    """A name on one line, in which nothing looks like a part of the line."""
    name = " ".join(encodable(name).replace(";", ",").replace("←", "<-").split())
    return name if len(name) <= _CHARS else name[: _CHARS - 1] + "…"
