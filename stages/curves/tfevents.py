"""Scalars of TensorBoard event files, read without TensorBoard or protobuf.

The file is records of length, checksum, bytes, checksum; a record is an `Event` message. Only the
fields that scalars need are read; checksums are not verified, a cut last record ends the reading.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stages.curves.columns import Row, role

# Numbers of fields in event.proto, summary.proto and tensor.proto.
EVENT_TIME, EVENT_STEP, EVENT_SUMMARY = 1, 2, 5
SUMMARY_VALUE = 1
VALUE_TAG, VALUE_SIMPLE, VALUE_TENSOR = 1, 2, 8
TENSOR_CONTENT, TENSOR_FLOATS = 4, 5


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        if shift > 63:
            raise IndexError("a number of more than ten bytes")
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field of a message; ends at what is no field."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            return
        yield key >> 3, data[at : at + size]
        at += size


def _float(value: int | bytes) -> float | None:
    if isinstance(value, bytes) and len(value) == 4:
        return float(struct.unpack("<f", value)[0])
    return None


def _scalar(message: bytes) -> tuple[str | None, float | None]:
    tag, number = None, None
    for field, value in _fields(message):
        if field == VALUE_TAG and isinstance(value, bytes):
            tag = value.decode("utf-8", "replace")
        elif field == VALUE_SIMPLE:
            number = _float(value)
        elif field == VALUE_TENSOR and isinstance(value, bytes):
            for part, content in _fields(value):
                if part in (TENSOR_CONTENT, TENSOR_FLOATS):
                    number = _float(content)
    return tag, number


def scalars(data: bytes) -> Iterator[tuple[float, int, str, float]]:
    """(wall time, step, tag, value) of each scalar of a file's bytes, in their order."""
    at = 0
    while at + 12 <= len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        event = data[at + 12 : at + 12 + size]
        at += 16 + size
        if len(event) < size:
            return
        time, step, values = 0.0, 0, []
        try:
            for field, value in _fields(event):
                if field == EVENT_STEP and isinstance(value, int):
                    step = value
                elif field == EVENT_TIME and isinstance(value, bytes) and len(value) == 8:
                    (time,) = struct.unpack("<d", value)
                elif field == EVENT_SUMMARY and isinstance(value, bytes):
                    values += [v for f, v in _fields(value) if f == SUMMARY_VALUE]
            found = [_scalar(value) for value in values if isinstance(value, bytes)]
        except IndexError:  # a broken message: the rest of the file may still be read
            continue
        for tag, number in found:
            if tag is not None and number is not None:
                yield time, step, tag, number


def event_rows(files: Sequence[tuple[Path, bytes]]) -> list[Row]:
    """The scalars of all event files of a run as rows of one step each, by their wall time.

    A run that was resumed writes a file more, evaluations may have their own, and Keras and
    `add_scalars` write into folders for training and validation: their name goes before the tag.
    """
    found = []
    for path, data in files:
        side = "val/" if len(files) > 1 and _is_validation(path.parent.name) else ""
        for time, step, tag, value in scalars(data):
            if side and role(tag) == "loss" and role(side + tag) == "val":
                tag = side + tag
            found.append((time if math.isfinite(time) else 0.0, step, tag, value))
    found.sort(key=lambda one: one[0])  # stable: events of one time stay in their order
    rows: list[dict[str, Any]] = []
    for _, step, tag, value in found:
        if not rows or rows[-1]["step"] != step or tag in rows[-1]:
            rows.append({"step": step})
        rows[-1][tag] = value
    return list(rows)


def _is_validation(folder: str) -> bool:
    words = set(re.split(r"[^a-z]+", folder.lower()))
    return bool(words & {"val", "valid", "validation", "eval", "dev", "test"})
