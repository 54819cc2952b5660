"""Columns of any frame as a table of records: types, missing values, ids.

NaN, None and pandas' NA are null. What a record's own column cannot hold is one UsageError that
names column, row and remedy; all other columns stay what they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stages import records
from stages.errors import UsageError

_TEXTS = ("id", "source", "place", "text", "prompt", "completion")
_MESSAGES = pa.list_(records.MESSAGE)
_TALK = 'a record\'s messages are a list of {"role": …, "content": …}'


def to_records(columns: Mapping[str, Any], rows: int, as_text: str, complete: bool) -> pa.Table:
    """A table of records: its own columns in their types, then all others.

    columns: Arrow columns, or lists of Python values. as_text: the remedy for a column that should
    be text, with {name}. complete: whether columns that a record has and the frame lacks are made.
    """
    made: dict[str, pa.ChunkedArray | pa.Array] = {}
    for name, column in columns.items():
        if name in _TEXTS:
            made[name] = _texts(name, column, as_text)
        elif name == "messages":
            made[name] = _messages(column)
        elif name == "meta":
            made[name] = _meta(column)
        else:
            made[name] = _other(name, column)
    if "id" not in made or made["id"].null_count:
        made["id"] = _ids(made, rows)
    for name in ("source", "place"):
        if name in made:
            made[name] = pc.fill_null(made[name], "")
        elif complete:
            made[name] = pa.array([""] * rows, pa.string())
    schema = []
    for field in records.SCHEMA:
        if field.name in made:
            schema.append((field.name, made[field.name]))
        elif complete:
            schema.append((field.name, pa.nulls(rows, field.type)))
    schema += [(name, column) for name, column in made.items() if name not in records.CORE]
    return pa.table(dict(schema))


def is_missing(value: object) -> bool:
    """Whether a Python value stands for no value: None, NaN, pandas' NA and NaT."""
    if value is None or (isinstance(value, float) and value != value):
        return True
    return type(value).__name__ in ("NAType", "NaTType")


def _arrow(column: Any) -> pa.ChunkedArray:
    column = pa.chunked_array([column]) if isinstance(column, pa.Array) else column
    if isinstance(column.type, pa.BaseExtensionType):
        chunks = [chunk.storage for chunk in column.chunks]
        column = pa.chunked_array(chunks, column.type.storage_type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column


def _texts(name: str, column: Any, as_text: str) -> pa.ChunkedArray | pa.Array:
    if not isinstance(column, list):
        column = _arrow(column)
        if _is_text(column.type) or pa.types.is_null(column.type):
            return _as_strings(column)
        if name == "id" and pa.types.is_integer(column.type):
            return column.cast(pa.string())
        column = column.to_pylist()
    texts: list[str | None] = []
    for row, value in enumerate(column):
        if is_missing(value):
            texts.append(None)
        elif isinstance(value, str):
            texts.append(records.encodable(value))
        elif name == "id" and type(value) is int:
            texts.append(str(value))
        else:
            raise UsageError(
                f"{name} of row {row} is {_told(value)}, and a string is wanted: "
                + as_text.format(name=name)
            )
    return pa.array(texts, pa.string())


def _told(value: object) -> str:
    kind = type(value).__name__
    if isinstance(value, bool):
        return f"the boolean {value}"
    if isinstance(value, int | float):
        return f"the number {value}"
    return f"a {kind}, {str(value)[:40]!r}"


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _as_strings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of texts in the type that records have, in chunks that it can hold."""
    if pa.types.is_string(column.type):
        return column
    chunks = [piece for chunk in column.chunks for piece in _pieces(chunk)]
    return pa.chunked_array(chunks, pa.string())


def _pieces(array: pa.Array) -> list[pa.Array]:
    try:
        return [array.cast(pa.string())]
    except pa.ArrowInvalid:
        if len(array) < 2:
            raise
        half = len(array) // 2
        return _pieces(array[:half]) + _pieces(array[half:])


def _other(name: str, column: Any) -> Any:
    if not isinstance(column, list):
        # Arrow cannot take rows of views.
        plain = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
        return column.cast(plain[column.type]) if column.type in plain else column
    values = [None if is_missing(value) else value for value in column]
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        kinds: dict[str, int] = {}
        for row, value in enumerate(values):
            if value is not None:
                kinds.setdefault(type(value).__name__, row)
        told = ", ".join(f"{kind} in row {row}" for kind, row in kinds.items())
        raise UsageError(
            f"column {name!r} has values of several types or of one that Arrow does not know "
            f"({told[:200]}): give them one, or leave it out"
        ) from None


def to_store(table: pa.Table) -> pa.Table:
    """The table in types that a corpus holds: categories and times as text."""
    for number, field in enumerate(table.schema):
        kind, types = field.type, pa.types
        plain = types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind)
        if plain or types.is_string(kind) or types.is_nested(kind):
            continue
        column = _arrow(table.column(number)).cast(pa.string())
        table = table.set_column(number, field.name, column)
    return table


def _messages(column: Any) -> Any:
    if not isinstance(column, list):
        column = _arrow(column)
        if column.type == _MESSAGES:
            return column
        if pa.types.is_null(column.type):
            return pa.nulls(len(column), _MESSAGES)
        column = records.without_nulls(column.to_pylist())
    talks = [None if is_missing(talk) else _talk(row, talk) for row, talk in enumerate(column)]
    schema = pa.schema([records.SCHEMA.field("messages")])
    return records.to_table([{"messages": talk} for talk in talks], schema).column(0)


def _talk(row: int, talk: Any) -> list[dict[str, Any]]:
    if isinstance(talk, str):
        raise UsageError(f"messages of row {row} is text, and {_TALK}: json.loads reads it")
    if isinstance(talk, Mapping) or not hasattr(talk, "__iter__"):
        raise UsageError(f"messages of row {row} is {_told(talk)}, and {_TALK}")
    found = []
    for number, message in enumerate(talk):
        where = f"messages[{number}] of row {row}"
        if not isinstance(message, Mapping):
            raise UsageError(f"{where} is {_told(message)}, and {_TALK}")
        kept = {key: value for key, value in message.items() if not is_missing(value)}
        if not isinstance(kept.get("role"), str):
            raise UsageError(f"{where} has no role (its keys: {', '.join(kept)}): {_TALK}")
        if not isinstance(kept.get("content"), str | None):
            raise UsageError(
                f"content of {where} is {_told(kept['content'])}, and a string is wanted"
            )
        found.append({"content": None, **kept})
    return found


def _meta(column: Any) -> Any:
    if not isinstance(column, list):
        column = _arrow(column)
        if _is_text(column.type) or pa.types.is_null(column.type):
            return _as_strings(column)
        column = records.without_nulls(column.to_pylist())
    texts: list[str | None] = []
    for row, value in enumerate(column):
        if is_missing(value):
            texts.append(None)
        elif isinstance(value, str):
            texts.append(records.escaped(value))
        elif isinstance(value, Mapping):
            filled = {str(key): one for key, one in value.items() if not is_missing(one)}
            try:
                texts.append(records.object_json(filled))
            except (TypeError, ValueError):
                raise UsageError(f"meta of row {row} holds what JSON has no form for") from None
        else:
            raise UsageError(f"meta of row {row} is {_told(value)}: give a dict, or JSON text")
    return pa.array(texts, pa.string())


def _ids(made: Mapping[str, Any], rows: int) -> pa.Array:
    """An id from its content for each record that has none; equal ones are numbered."""
    names = [name for name in records.CORE if name in made and name != "id"]
    columns = [made[name].to_pylist() for name in names]
    own: Sequence[str | None] = made["id"].to_pylist() if "id" in made else [None] * rows
    seen: dict[bytes, int] = {}
    ids = []
    values = zip(*columns, strict=True) if columns else iter([()] * rows)
    for known, row in zip(own, values, strict=True):
        if known is not None:
            ids.append(known)
            continue
        filled = {
            name: value
            for name, value in zip(names, row, strict=True)
            if value is not None and (value != "" or name not in ("source", "place"))
        }
        raw = records.to_json(filled).encode()
        digest = hashlib.blake2b(raw, digest_size=8).digest()
        ordinal = seen.get(digest, 0)
        seen[digest] = ordinal + 1
        ids.append(records.record_id("", "", raw, ordinal))
    return pa.array(ids, pa.string())


def check_ids(table: pa.Table) -> None:
    """UsageError when two rows of a frame have one id."""
    ids = table.column("id")
    if pc.count_distinct(ids).as_py() == len(ids):
        return
    seen: dict[str, int] = {}
    for row, identity in enumerate(ids.to_pylist()):
        if identity in seen:
            raise UsageError(
                f"id {identity!r} stands in rows {seen[identity]} and {row}, and names one record: "
                "rename the column (ids are made where there are none)"
            )
        seen[identity] = row
