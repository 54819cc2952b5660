"""Parquet beside the JSON lines: the same rows under one schema that is written down.

Lists of messages of one shape are lists of structs. What has nested keys that differ from row to
row (calls, tools) is JSON text, and the metadata that `datasets` reads say so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages.json_lines import readable

ROWS = 4096  # of a row group, or fewer
BYTES = 32 << 20  # of JSON in it, about


def schema_of(first: Mapping[str, Any], shapes: set[str], columns: pa.Schema) -> pa.Schema:
    """The schema of lines. first: one of them; shapes: what all of them have
    (`stages.export.lines`); columns: those that have a type already."""
    fields = [
        columns.field(name)
        if name in columns.names
        else pa.field(name, _type(name, shapes, first[name]))
        for name in first
    ]
    features = {field.name: feature(field.type) for field in fields}
    about = {"info": {"features": features}}
    return pa.schema(fields, {"huggingface": json.dumps(about)})


def _type(name: str, shapes: set[str], value: Any) -> pa.DataType:
    """Text, lists of lists of text, lists of equal objects of text; all else is JSON. value: one
    that may be empty."""
    own = {shape for shape in shapes if shape.startswith((f".{name}[", f".{name}{{", f".{name}:"))}
    if own == {f".{name}:str"} or (not own and not isinstance(value, list | dict)):
        return pa.string()
    if own == {f".{name}[][]:str"}:
        return pa.list_(pa.list_(pa.string()))
    objects = [shape for shape in own if shape.startswith(f".{name}[]{{")]
    texts = [shape for shape in own if shape.startswith(f".{name}[].") and shape.endswith(":str")]
    if len(objects) == 1 and len(own) == len(texts) + 1:
        keys = sorted(shape[len(f".{name}[].") : -len(":str")] for shape in texts)
        if objects[0] == f".{name}[]{{{','.join(keys)}}}":
            return pa.list_(pa.struct([(key, pa.string()) for key in keys]))
    return pa.list_(pa.json_()) if objects or isinstance(value, list) else pa.json_()


def feature(kind: pa.DataType) -> Any:
    """An Arrow type as `datasets` writes it."""
    if kind == pa.json_():
        return {"_type": "Json"}
    if pa.types.is_struct(kind):
        return {field.name: feature(field.type) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        length = kind.list_size if pa.types.is_fixed_size_list(kind) else -1
        return {"feature": feature(kind.value_type), "length": length, "_type": "List"}
    names = {"double": "float64", "float": "float32", "halffloat": "float16"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}


class Table:
    """A Parquet file that takes lines one by one; on the disk when it is left."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self._path, self._schema = path, schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[Mapping[str, Any]] = []
        self._bytes = 0

    def write(self, line: Mapping[str, Any], size: int) -> None:
        """Append a line. size: its bytes as JSON."""
        self._rows.append(line)
        self._bytes += size
        if len(self._rows) >= ROWS or self._bytes >= BYTES:
            self._put()

    def _put(self) -> None:
        arrays = [_array(field.type, [row[field.name] for row in self._rows])
                  for field in self._schema]  # fmt: skip
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows, self._bytes = [], 0

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None and self._rows:
            self._put()
        self._writer.close()
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _array(kind: pa.DataType, values: list[Any]) -> pa.Array:
    if kind == pa.json_():
        texts = pa.array([None if v is None else readable(v) for v in values], pa.string())
        return pa.ExtensionArray.from_storage(kind, texts)
    if kind == pa.list_(pa.json_()):
        return _lists(values)
    return pa.array(values, kind)


def _lists(values: list[list[Any] | None]) -> pa.Array:
    """Lists of JSON values."""
    offsets = [0]
    flat: list[str] = []
    for value in values:
        flat += map(readable, value or ())
        offsets.append(len(flat))
    items = pa.ExtensionArray.from_storage(pa.json_(), pa.array(flat, pa.string()))
    missing = pa.array([value is None for value in values])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items, mask=missing)


def write(path: Path, lines: Iterable[tuple[Mapping[str, Any], int]], schema: pa.Schema) -> None:
    """Write (line, bytes) pairs as a Parquet file."""
    with Table(path, schema) as table:
        for line, size in lines:
            table.write(line, size)
