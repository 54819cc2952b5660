"""Rows that wait for others of their file: they lie on the disk, in memory 8 bytes each."""

from __future__ import annotations

import json
import struct
import tempfile
from array import array
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from stages import watch
from stages.extract.jsontext import json_values
from stages.place import Place

_SPOOLED = 1 << 20  # bytes of rows that stay in memory
_HEAD = struct.Struct("<2I")


class Waiting:
    """Rows with their places, numbered as they come, until it is closed.

    sample: bytes of rows that are wanted; after twice as many `full` says that there are more."""

    def __init__(self, sample: int | None = None) -> None:
        self._sample, self._held = sample, 0
        self._spool = tempfile.SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 - as long as this
        self._at = array("Q")

    def __len__(self) -> int:
        return len(self._at)

    def close(self) -> None:
        self._spool.close()

    @property
    def full(self) -> bool:
        """Whether a sample has all that it asked for."""
        return self._sample is not None and self._held > 2 * self._sample

    def add(self, place: Place, row: Mapping[str, Any], raw: bytes | None = None) -> None:
        """Keep a row. raw: its JSON text in UTF-8."""
        raw = json.dumps(row).encode() if raw is None else raw
        told = str(place).encode()
        self._at.append(self._held)
        self._spool.write(_HEAD.pack(len(told), len(raw)) + told + raw)
        self._held += _HEAD.size + len(told) + len(raw)

    def read(self, number: int) -> tuple[Place, bytes, dict[str, Any]]:
        """The place, the JSON text and the values of a row."""
        watch.tick()
        self._spool.seek(self._at[number])
        told, size = _HEAD.unpack(self._spool.read(_HEAD.size))
        place = Place.parse(self._spool.read(told).decode())
        raw = self._spool.read(size)
        row: dict[str, Any] = json_values.parse(raw.decode())
        return place, raw, row


def digest(identity: object) -> int:
    """64 bits of what a row is known by, none of them 0."""
    found = blake2b(str(identity).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(found, "little") or 1
