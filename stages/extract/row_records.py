"""From a named row of a table, a query or a server to a record: which columns are its text.

The forms and the names known are those of `forms`, as for CSV and JSON. The values of all other
columns go to `meta`, with the table's name.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from typing import Any

from stages.check import nearest
from stages.errors import Unreadable, UsageError
from stages.extract.forms import KNOWN, Names, columns_of, has_form, records_of


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
    """A value as JSON holds it: numbers and booleans stay, what JSON has no form for is text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return as_text(value)


class Layout:
    """How the rows of one table or result become records; decided once, as for a CSV file.

    skip: columns that are no part of the record (a place). UsageError for a column that was named
    and is not there.
    """

    def __init__(
        self, columns: Sequence[str], names: Names, table: str | None, skip: Sequence[str] = ()
    ) -> None:
        self.columns, self._names, self._table = tuple(columns), names, table
        self._present = frozenset(columns)
        self._skip = frozenset(skip)
        given = (names.prompt, names.completion, names.text)
        used = [column for name in given if name is not None for column in columns_of(name)]
        for column in used:
            if column not in self.columns:
                raise UsageError(
                    f"there is no column {column!r} in {table or 'the result'}"
                    f"{nearest(column, self.columns)}; it has {', '.join(self.columns)}"
                )
        self._called = {column: self._known(column) for column in self.columns}
        self._described = not used and not has_form(set(self._called.values()), names)
        if used:
            self._called = {column: column for column in self.columns}
        self._texts = frozenset(used or KNOWN)

    def _known(self, column: str) -> str:
        """Question is question, if there is no column of that very name."""
        lower = column.lower()
        return lower if lower in KNOWN and lower not in self._present else column

    def record(self, values: Sequence[Any]) -> dict[str, Any]:
        """The record of one row; Unreadable empty when it has no text."""
        if self._described:
            lines = [
                f"{name}: {as_text(value)}"
                for name, value in zip(self.columns, values, strict=True)
                if value is not None and name not in self._skip
            ]
            if not lines:
                raise Unreadable("empty", field="text")
            return {"text": "\n".join(lines), "meta": self._meta({})}
        named: dict[str, Any] = {}
        for column, value in zip(self.columns, values, strict=True):
            called = self._called[column]
            if value is not None and column not in self._skip:
                named[called] = as_text(value) if called in self._texts else as_json(value)
            elif called in self._texts:
                named[called] = None
        (record,) = records_of(named, self._names)
        return {**record, "meta": self._meta(record.get("meta") or {})}

    def _meta(self, meta: dict[str, Any]) -> dict[str, Any]:
        meta = {name: value for name, value in meta.items() if value is not None}
        return meta if self._table is None else {"table": self._table, **meta}


def key_text(pairs: Iterable[tuple[str, Any]]) -> str:
    """`column=value` pairs for a place, on one line."""
    return ",".join(f"{name}={value}" for name, value in pairs).replace("\n", " ")[:200]
