"""Rows of Parquet and Arrow files as dicts, in order, a batch at a time."""

from __future__ import annotations

import datetime
import io
import json
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from stages.errors import Unreadable, UsageError
from stages.extract.forms.names import numbered
from stages.extract.forms.values import bytes_text
from stages.extract.jsontext.lines import LINE_BYTES
from stages.extract.packed.streams import Limits
from stages.records import without_nulls

SUFFIXES = (".parquet", ".arrow", ".feather")
# What `datasets.save_to_disk` and our own corpora keep beside their data.
_BESIDE = ("state.json", "dataset_info.json", "dataset_dict.json", "manifest.json")
_ROWS = 1024
_BATCH = 32 << 20  # bytes of rows that are in memory as Python's values at a time
_ROW_BYTES = 128  # what a row counts for at least: runs and nulls take nothing in a file
_DEPTH, _FIELDS, _STRING = 64, 1_000_000, 16 << 20
_CONTINUATION = b"\xff\xff\xff\xff"


def kind(head: bytes) -> str | None:
    """parquet, arrow (a file), arrow-stream, or None, from the first bytes."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "arrow"
    return "arrow-stream" if head.startswith(_CONTINUATION) else None


class _Sized:
    """A seekable stream that never makes room for more than it has, whatever length is told."""

    closed, mode = False, "rb"

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = max(0, self.size - self._stream.tell())
        return self._stream.read(left if size < 0 else min(size, left))

    def seek(self, to: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(to, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        """The stream is its owner's."""


def rows(
    stream: BinaryIO, form: str, limits: Limits | None = None
) -> Iterator[dict[str, Any] | Unreadable]:
    """The rows of a seekable stream as JSON values, a row that cannot be read as what is wrong.

    The second of two columns of one name is numbered: text, text_2. Unreadable: corrupt, oversize;
    the reading ends there."""
    import pyarrow as pa

    limits, sized, made = limits or Limits(), _Sized(stream), 0
    try:
        for batch in _batches(sized, form):
            for part, weight in _parts(batch):
                made += weight + _ROW_BYTES * part.num_rows
                if limits.bomb(made, sized.size):
                    raise Unreadable("oversize", bytes=made, of="ratio")
                yield from _values(part, weight)
    except pa.ArrowMemoryError as error:
        told = re.search(r"size (\d+)", str(error))
        if told is None or not limits.bomb(int(told[1]), sized.size):
            raise
        raise Unreadable("oversize", bytes=int(told[1]), of="ratio") from None
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # whatever a foreign reader makes of damaged bytes
        raise Unreadable("corrupt", error=str(error)[:200] or type(error).__name__) from None


def _batches(stream: _Sized, form: str) -> Iterator[Any]:
    """Record batches that have been checked in full: no offset, index or type lies."""
    import pyarrow as pa

    file = pa.PythonFile(stream, "r")
    if form == "parquet":
        import pyarrow.parquet as pq

        reader = pq.ParquetFile(
            file, thrift_string_size_limit=_STRING, thrift_container_size_limit=_FIELDS
        )
        _check_schema(reader.schema_arrow)
        about = reader.metadata
        size = sum(about.row_group(n).total_byte_size for n in range(about.num_row_groups))
        number = max(1, min(_ROWS, _BATCH * max(1, about.num_rows) // max(1, size)))
        found: Iterable[Any] = reader.iter_batches(batch_size=number, use_threads=False)
    elif form == "arrow":
        opened = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(use_threads=False))
        _check_schema(opened.schema)
        found = (opened.get_batch(number) for number in range(opened.num_record_batches))
    else:
        stream_reader = pa.ipc.open_stream(file, options=pa.ipc.IpcReadOptions(use_threads=False))
        _check_schema(stream_reader.schema)
        found = stream_reader
    for batch in found:
        batch.validate(full=True)
        yield batch.rename_columns(numbered(batch.schema.names))


def _check_schema(schema: Any) -> None:
    level = [field.type for field in schema]
    for _ in range(_DEPTH):
        level = [kind.field(n).type for kind in level for n in range(kind.num_fields)]
        if not level:
            return
        if len(level) > _FIELDS:
            raise Unreadable("oversize", limit=_FIELDS, of="fields")
    raise Unreadable("oversize", limit=_DEPTH, of="levels of nesting")


def _parts(batch: Any) -> Iterator[tuple[Any, int]]:
    """A batch in slices that are small when written out, but for single rows; their weights."""
    for at in range(0, batch.num_rows, _ROWS):
        todo = [batch.slice(at, _ROWS)]
        while todo:
            part = todo.pop()
            weight = _weight(part.to_struct_array()) if part.num_columns else 16 * part.num_rows
            if part.num_rows > 1 and weight > LINE_BYTES:
                half = part.num_rows // 2
                todo += [part.slice(half), part.slice(0, half)]
            else:
                yield part, weight


def _values(part: Any, weight: int) -> Iterator[dict[str, Any] | Unreadable]:
    """The rows of a slice; where one cannot be converted, it alone is refused."""
    if part.num_rows == 1 and weight > LINE_BYTES:
        yield Unreadable("oversize", limit=LINE_BYTES, of="bytes of a row")
        return
    try:
        rows = part.to_pylist()
        found = [{name: without_nulls(plain(v)) for name, v in row.items()} for row in rows]
    except MemoryError:
        raise
    except Exception as error:  # a date beyond the calendar, text that is none
        if part.num_rows == 1:
            yield Unreadable("corrupt", error=str(error)[:200] or type(error).__name__)
            return
    else:
        yield from found
        return
    for number in range(part.num_rows):
        yield from _values(part.slice(number, 1), 0)


def _weight(array: Any) -> int:
    """About how many bytes an array's values take when written out, never much less.

    Views, dictionaries, runs and nulls can stand for far more than they take in the file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, size = array.type, len(array)
    if isinstance(kind, pa.BaseExtensionType):
        return _weight(array.storage)
    if pa.types.is_dictionary(kind):
        widths = _widths(array.dictionary)
        if widths is not None:
            return 8 * size + _sum(pc.take(widths, array.indices))
        return 8 * size + size * (
            _weight(array.dictionary) if pa.types.is_nested(kind.value_type) else 8
        )
    if pa.types.is_run_end_encoded(kind):
        runs = array.values.slice(array.find_physical_offset(), array.find_physical_length())
        widths = _widths(runs)
        one = _weight(runs) if widths is None else pc.max(widths).as_py() or 0
        return 8 * size + size * one
    if pa.types.is_struct(kind):
        inner = [_weight(child) for child in array.flatten()]
    elif pa.types.is_union(kind):
        inner = [_weight(array.field(number)) for number in range(kind.num_fields)]
    elif pa.types.is_nested(kind):
        if pa.types.is_map(kind):
            pairs = pa.struct([("key", kind.key_type), ("value", kind.item_type)])
            array = array.cast(pa.list_(pairs))
        held = _sum(pc.list_value_length(array))
        seen_twice = _is_view(kind) and held > len(array.values)
        inner = [8 * held]
        if not seen_twice:
            inner.append(_weight(array.flatten()) if held <= _BATCH else 0)
        elif held:  # as if each of its values were the largest
            inner.append(held * _weight(array.values))
    else:
        inner = [_sum(_widths(array))]
    return 8 * size + sum(inner)


def _is_view(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind))


def _sum(lengths: Any) -> int:
    import pyarrow.compute as pc

    return 0 if lengths is None else int(pc.sum(lengths).as_py() or 0)


def _widths(array: Any) -> Any:
    """The lengths of texts; None for values of another kind."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, size = array.type, len(array)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        views = np.frombuffer(array.buffers()[1] or b"", dtype="<i4").reshape(-1, 4)
        lengths = views[array.offset : array.offset + size, 0].astype(np.int64)
        return pc.if_else(pc.is_valid(array), pa.array(lengths), 0) if size else pa.array(lengths)
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    if binary or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.binary_length(array)
    if pa.types.is_fixed_size_binary(kind):
        return pa.array(np.full(size, kind.byte_width, dtype=np.int64))
    return None


def plain(value: Any) -> Any:
    """A value as JSON has it: dates in ISO form, bytes as the text that they are, else as bytes
    that are none; no NaN."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return bytes_text(value)
    if isinstance(value, datetime.date | datetime.datetime | datetime.time):
        return value.isoformat()
    return str(value)


def data_files(root: Path, names: list[str]) -> list[str]:
    """The names without what is not data: a dataset folder's state, a corpus's rejects.

    Where a folder has a state, only the files that it lists are its data.
    """
    folders = {str(Path(name).parent) for name in names if Path(name).name in _BESIDE}
    listed: dict[str, set[str]] = {}
    corpora = set()
    for folder in folders:
        if (root / folder / "manifest.json").is_file() and (root / folder / "data").is_dir():
            corpora.add(folder)
        elif (root / folder / "state.json").is_file():
            listed[folder] = _listed(root / folder / "state.json")
    return [name for name in names if _is_data(name, root, listed, corpora)]


def _is_data(name: str, root: Path, listed: dict[str, set[str]], corpora: set[str]) -> bool:
    path = Path(name)
    folder = str(path.parent)
    if folder in listed:
        return path.name in listed[folder]
    if path.name == "dataset_dict.json":
        return not any((root / folder).glob("*/state.json"))
    if any(str(Path(corpus) / "rejects") == folder for corpus in corpora):
        return False
    return not (folder in corpora and path.name == "manifest.json")


def _listed(state: Path) -> set[str]:
    """The data files that a dataset's state names; everything when it is no such state."""
    try:
        values = json.loads(state.read_text(encoding="utf-8"))
        files = {str(entry["filename"]) for entry in values["_data_files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {path.name for path in state.parent.iterdir()}
    if values.get("_indices_files"):
        raise UsageError(
            f"{state.parent}: the dataset is a selection by indices; save it again after "
            "flatten_indices()"
        )
    return files
