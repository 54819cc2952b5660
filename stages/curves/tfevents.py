"""Scalars of a TensorBoard event file, read without TensorBoard or protobuf.

The file is records of length, checksum, bytes, checksum; a record is an `Event` message. Only the
fields that scalars need are read; checksums are not verified, a cut last record ends the reading.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

# Numbers of fields in event.proto, summary.proto and tensor.proto.
EVENT_STEP, EVENT_SUMMARY = 2, 5
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


def scalars(path: Path) -> Iterator[tuple[int, str, float]]:
    """(step, tag, value) of each scalar, in the file's order."""
    data = path.read_bytes()
    at = 0
    while at + 12 <= len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        event = data[at + 12 : at + 12 + size]
        at += 16 + size
        if len(event) < size:
            return
        step, values = 0, []
        try:
            for field, value in _fields(event):
                if field == EVENT_STEP and isinstance(value, int):
                    step = value
                elif field == EVENT_SUMMARY and isinstance(value, bytes):
                    values += [v for f, v in _fields(value) if f == SUMMARY_VALUE]
            found = [_scalar(value) for value in values if isinstance(value, bytes)]
        except IndexError:  # a broken message: the rest of the file may still be read
            continue
        for tag, number in found:
            if tag is not None and number is not None:
                yield step, tag, number
