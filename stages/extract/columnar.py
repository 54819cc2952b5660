"""Rows of Parquet and Arrow files as dicts, in order, a batch at a time."""

from __future__ import annotations

import base64
import datetime
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from stages.errors import UsageError

SUFFIXES = (".parquet", ".arrow", ".feather")
# What `datasets.save_to_disk` and our own corpora keep beside their data.
_BESIDE = ("state.json", "dataset_info.json", "dataset_dict.json", "manifest.json")
_ROWS = 1024
_CONTINUATION = b"\xff\xff\xff\xff"


def kind(head: bytes) -> str | None:
    """parquet, arrow (a file), arrow-stream, or None, from the first bytes."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "arrow"
    return "arrow-stream" if head.startswith(_CONTINUATION) else None


def rows(stream: BinaryIO, form: str) -> Iterator[dict[str, Any]]:
    """The rows of a seekable stream as JSON values; OSError or ValueError for damaged data."""
    import pyarrow as pa

    for batch in _batches(stream, form):
        for begin in range(0, batch.num_rows, _ROWS):
            try:
                part = batch.slice(begin, _ROWS).to_pylist()
            except (pa.ArrowException, UnicodeDecodeError) as error:
                raise ValueError(str(error)) from None
            yield from ({name: plain(value) for name, value in row.items()} for row in part)


def _batches(stream: BinaryIO, form: str) -> Iterator[Any]:
    import pyarrow as pa

    try:
        if form == "parquet":
            import pyarrow.parquet as pq

            yield from pq.ParquetFile(stream).iter_batches(batch_size=_ROWS, use_threads=False)
        elif form == "arrow":
            reader = pa.ipc.open_file(stream)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)
        else:
            yield from pa.ipc.open_stream(stream)
    except pa.ArrowException as error:
        raise ValueError(str(error)) from None


def plain(value: Any) -> Any:
    """A value as JSON has it: dates in ISO form, bytes as base64, no NaN."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
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
