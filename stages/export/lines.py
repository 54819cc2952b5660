"""Files of JSON lines that readers understand who take all types from the first megabytes.

`datasets` takes the types of all columns from the first 10 MB of the first file, others from fewer
lines: a key that is empty there, and a nested key that is not there, cannot be read later. So lines
that bring a key or a type that none before them had come first, when they stand further behind.

Of several files `datasets` takes the types from the first. So the first line of train holds what
only val has (`open_to`), as a value that says nothing: an empty text, an empty object (`datasets`
then knows that anything may come), a weight of 1, which is every answer's. A column of numbers that
has none in train is not helped: there is no number that says nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from stages.export.formats import BESIDE
from stages.json_lines import Lines, readable

EARLY = 4 << 20  # bytes that every reader sees before it decides
SHAPES = 2000  # nested keys that are told apart; beyond them data are of any shape


class TypedLines:
    """A file that takes objects one by one; its first lines have all keys and types."""

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self.shapes: set[str] = set()  # what the lines have
        self._path = path
        self._lines = Lines(path)
        self._first: Lines | None = None  # lines that come first though they came late

    def write(self, line: Mapping[str, Any]) -> None:
        """Append a line, or put it first where it is the first of its shape."""
        self.rows += 1
        new = False
        if len(self.shapes) < SHAPES:
            shape = set(shapes(line))
            new = not shape <= self.shapes
            self.shapes |= shape
        if new and self._lines.size > EARLY:
            self._first = self._first or Lines(self._new)
            self._first.write(line)
        else:
            self._lines.write(line)

    @property
    def _new(self) -> Path:
        return self._path.with_suffix(".new")

    def __enter__(self) -> TypedLines:
        self._lines.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.__exit__(*error)
        if self._first is None:
            return
        self._first.__exit__(*error)
        if error[0] is None:
            with open(self._path, "rb") as rest, open(self._new, "ab") as file:
                shutil.copyfileobj(rest, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
            self._new.replace(self._path)


def open_to(path: Path, own: Set[str], others: Set[str]) -> None:
    """Change the first line of a file so that readers who take types from this file alone read
    those of another too. own, others: what the lines of each have."""
    with open(path, encoding="utf-8", newline="\n") as file:
        first = file.readline()
        if not first:
            return
        line = json.loads(first)
        new = {key: _open(value, f".{key}", own, others) for key, value in line.items()}
        if new == line:
            return
        changed = path.with_suffix(".new")
        with open(changed, "w", encoding="utf-8", newline="\n") as out:
            out.write(readable(new) + "\n")
            shutil.copyfileobj(file, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
    changed.replace(path)


def _open(value: Any, key: str, own: Set[str], others: Set[str]) -> Any:
    """The value of a key in the first line. It stays where the file has all that others have, or
    objects of different keys, which `datasets` reads as JSON of any shape."""
    mine, theirs = _of(key, own), _of(key, others)
    if theirs <= mine:
        return value
    if not mine:
        if theirs == {f"{key}:str"}:
            return ""
        return {} if any("{" in shape or "[" in shape for shape in theirs) else value
    if sum(shape.startswith((f"{key}[]{{", f"{key}{{")) for shape in mine) > 1:
        return value
    if not value:
        return {}
    if key[1:] in BESIDE:
        return readable(value) if isinstance(value, list) else value
    if isinstance(value, list) and all(isinstance(one, Mapping) and "role" in one for one in value):
        answer = next((at for at, one in enumerate(value) if one["role"] == "assistant"), 0)
        return [*value[:answer], {**value[answer], "weight": 1}, *value[answer + 1 :]]
    return value


def _of(key: str, shapes: Set[str]) -> set[str]:
    return {shape for shape in shapes if shape.startswith((f"{key}[", f"{key}{{", f"{key}:"))}


def shapes(value: Any, path: str = "") -> Iterator[str]:
    """The keys of a JSON value with their types, at any depth; what is empty has none."""
    stack = [(path, value)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, Mapping):
            yield f"{path}{{{','.join(sorted(map(str, value)))}}}"
            stack += [(f"{path}.{key}", one) for key, one in value.items()]
        elif isinstance(value, list):
            stack += [(f"{path}[]", one) for one in value]
        elif value is not None:
            yield f"{path}:{type(value).__name__}"
