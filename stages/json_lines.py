"""The small files of JSON objects, one a line, that the project writes for others and reads back.

Not for data of users: their lines may be broken, and `jsonl` says where.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from stages.records import escaped, to_json

# They end a line for some readers (JavaScript, str.splitlines).
_SEPARATORS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}


def for_programs(value: Any, indent: int | None = None) -> str:
    """JSON for standard output, of which a terminal need not escape anything: in ASCII, and DEL
    escaped too."""
    return json.dumps(value, indent=indent).replace("\x7f", "\\u007f")


def readable(value: object) -> str:
    """JSON with the letters as they are and keys in their order, for every reader on one line;
    half a character as its escape."""
    return escaped(json.dumps(value, ensure_ascii=False)).translate(_SEPARATORS)


class Lines:
    """A file that takes objects one by one; on the disk when it is left."""

    def __init__(self, path: Path, dumps: Callable[[object], str] = readable) -> None:
        import jsonlines

        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._writer = jsonlines.Writer(self._file, dumps=dumps)

    def write(self, value: Mapping[str, Any]) -> None:
        """Append a line."""
        self._writer.write(value)

    @property
    def size(self) -> int:
        """Bytes so far, about: what is not yet with the system does not count."""
        return os.fstat(self._file.fileno()).st_size

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def write(path: Path, values: Iterable[Mapping[str, Any]]) -> None:
    """Write a whole file of compact lines with sorted keys."""
    with Lines(path, to_json) as lines:
        for value in values:
            lines.write(value)


def read(path: Path) -> list[dict[str, Any]]:
    """All objects of a file; jsonlines.InvalidLineError for one that this project did not write."""
    import jsonlines

    with jsonlines.open(path) as reader:
        return list(reader.iter(type=dict, skip_empty=True))
