"""From a named row of a table, a query or a server to a record: which columns are its text.

The values of all other columns go to `meta`, with the table's name.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from stages.check import nearest
from stages.errors import UsageError


class Empty(Exception):
    """The row has no text: the columns that are NULL."""

    def __init__(self, columns: list[str]) -> None:
        super().__init__(columns)
        self.columns = columns


def as_text(value: Any) -> str:
    """A value as text: numbers by their digits, booleans as true and false, bytes in base64."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    return str(value)


def as_json(value: Any) -> Any:
    """A value as JSON holds it: whole numbers, finite floats and booleans stay, all else is text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return as_text(value)


@dataclass(frozen=True)
class Layout:
    """Which columns of one table become the text of a record."""

    columns: tuple[str, ...]
    fields: tuple[tuple[str, int], ...]  # (prompt | completion | text, index of the column)
    meta: tuple[int, ...]
    table: str | None

    def record(self, values: Sequence[Any]) -> dict[str, Any]:
        """The record of one row; Empty when a column of its text is NULL."""
        if self.fields:
            missing = [self.columns[n] for _, n in self.fields if values[n] is None]
            if missing:
                raise Empty(missing)
            record: dict[str, Any] = {name: as_text(values[n]) for name, n in self.fields}
        else:
            lines = [
                f"{name}: {as_text(value)}"
                for name, value in zip(self.columns, values, strict=True)
                if value is not None
            ]
            if not lines:
                raise Empty(list(self.columns))
            record = {"text": "\n".join(lines)}
        meta = {self.columns[n]: as_json(values[n]) for n in self.meta if values[n] is not None}
        if self.table is not None:
            meta.setdefault("table", self.table)
        record["meta"] = meta
        return record


def layout(
    columns: Sequence[str],
    prompt: str | None,
    completion: str | None,
    text: str | None,
    table: str | None,
    skip: Sequence[str] = (),
) -> Layout:
    """How rows of these columns become records.

    The columns named decide; without any, columns called prompt and completion, or text; without
    these, the text is a line `column: value` for each value that is not NULL. skip: columns that
    are no part of the record (a place). UsageError for a column that is not there.
    """
    names = tuple(columns)
    index = {name.lower(): n for n, name in reversed(list(enumerate(names)))}
    wanted = {"prompt": prompt, "completion": completion, "text": text}
    wanted = {field: name for field, name in wanted.items() if name is not None}
    if not wanted:
        if "prompt" in index and "completion" in index:
            wanted = {"prompt": "prompt", "completion": "completion"}
        elif "text" in index:
            wanted = {"text": "text"}
    fields = []
    for field, name in wanted.items():
        assert name is not None
        if name.lower() not in index:
            raise UsageError(
                f"there is no column {name!r} in {table or 'the result'}{nearest(name, names)}; "
                f"it has {', '.join(names) or 'none with a name'}"
            )
        fields.append((field, index[name.lower()]))
    skipped = {index[name.lower()] for name in skip if name.lower() in index}
    used = {n for _, n in fields} | skipped
    meta = tuple(n for n in range(len(names)) if n not in used) if fields else ()
    return Layout(names, tuple(fields), meta, table)


def form_problems(prompt: str | None, completion: str | None, text: str | None) -> list[str]:
    """Sentences on names of columns that do not go together."""
    problems = []
    if text is not None and (prompt is not None or completion is not None):
        problems.append("text and prompt/completion are two forms: name the columns of one")
    if (prompt is None) != (completion is None):
        problems.append("prompt and completion go together: name both columns")
    return problems


def key_text(pairs: Iterable[tuple[str, Any]]) -> str:
    """`column=value` pairs for a place, on one line."""
    return ",".join(f"{name}={value}" for name, value in pairs).replace("\n", " ")[:200]
