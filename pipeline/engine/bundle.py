"""A bundle: one step of a recipe with all that it needs, as one file for another machine.

A tar archive, `.tar.gz` or `.tar.zst`, whose first member `bundle.json` names the stage, its
parameters, and every other file with size and SHA-256: the folder that the step works on
(`input/`) and what its parameters name on this machine (`files/N/`). Its bytes depend on the
content alone. `unbundle` unpacks it.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages import check, registry
from stages.base import End
from stages.corpus import sha256_of
from stages.disk import flush
from stages.errors import UsageError
from stages.manifest import MADE_BY, Mark

FORMAT = 1
INDEX = "bundle.json"
INPUT = "input"
PACKED = {".tar.gz": "gzip", ".tgz": "gzip", ".tar.zst": "zstd"}


def packing_of(path: Path) -> str:
    """How a file of this name is packed; UsageError for another name."""
    for end, codec in PACKED.items():
        if path.name.endswith(end):
            return codec
    raise UsageError(f"{path}: a bundle is called {' or '.join(PACKED)}")


class Index(Mark):
    """What `bundle.json` says. parameters: a path is `{"files": its place}`; files: name → size and
    hash."""

    format: int
    stage: str
    parameters: dict[str, Any]
    files: dict[str, tuple[int, str]]


def pack(stage: End, source: Path, out: Path) -> Index:
    """Write the bundle of a stage and the folder that it works on; returns what `bundle.json` says.

    UsageError for a stage whose code is the user's own, and for a file that is there already.
    """
    codec = packing_of(out)
    word = registry.word_of(type(stage))
    if ":" in word:
        raise UsageError(
            f"{word} is a class of your own, whose code a bundle does not hold: put it into a "
            "package that is installed on both machines"
        )
    parameters, places = _carried(stage)
    found = dict(_below(source, INPUT))
    for number, place in enumerate(places):
        found |= dict(_below(place, f"files/{number}/{place.name}"))
    index: Index = {
        **MADE_BY,
        "format": FORMAT,
        "stage": word,
        "parameters": parameters,
        "files": {
            name: (path.stat().st_size, sha256_of(path)) for name, path in sorted(found.items())
        },
    }
    if out.exists():
        raise UsageError(f"{out} is there already; name another file, or remove it")
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with (
            pa.CompressedOutputStream(str(aside), codec) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
        ):
            text = json.dumps(index, indent=1, sort_keys=True, ensure_ascii=True).encode()
            _add(archive, INDEX, len(text), _Bytes(text))
            for name, path in sorted(found.items()):
                with open(path, "rb") as file:
                    _add(archive, name, path.stat().st_size, file)
        flush(aside)
        aside.rename(out)
    finally:
        aside.unlink(missing_ok=True)
    return index


def _carried(stage: End) -> tuple[dict[str, Any], list[Path]]:
    """(parameters as they are to be there, paths that go along): a parameter that names the folder
    or file of a resource says its place in the bundle instead, as `{"files": "0/its-name"}`."""
    parameters = check.as_json(stage)
    places = check.places_of(stage)
    for number, (name, path) in enumerate(places.items()):
        parameters[name] = {"files": f"{number}/{path.name}"}
    return parameters, [*places.values()]


def _below(path: Path, name: str) -> Iterator[tuple[str, Path]]:
    """(name in the bundle, file) of a file, or of all files of a folder."""
    if path.is_file():
        yield name, path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield f"{name}/{file.relative_to(path).as_posix()}", file


def _add(archive: tarfile.TarFile, name: str, size: int, file: Any) -> None:
    """Add a member without time, owner and rights of its own."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    archive.addfile(member, file)


class _Bytes:
    """Bytes to be read like a file."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        end = len(self._data) if size < 0 else self._at + size
        part, self._at = self._data[self._at : end], min(end, len(self._data))
        return part
