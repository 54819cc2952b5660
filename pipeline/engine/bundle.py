"""A bundle: one step of a recipe with all that it needs, as one file for another machine.

A tar archive, `.tar.gz` or `.tar.zst`, whose first member `bundle.json` names the stage, its
parameters, and every other file with size and SHA-256: the folder that the step works on
(`input/`) and what its parameters name on this machine (`files/N/`). Its bytes depend on the
content alone. Unpacked, every file is compared, and nothing is written that is not listed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from pipeline.engine.keys import carried
from stages import check, registry
from stages.base import End
from stages.corpus import flush, sha256_of, write_json
from stages.errors import StageFailed, UsageError
from stages.manifest import MADE_BY

FORMAT = 1
INDEX = "bundle.json"
INPUT = "input"
PACKED = {".tar.gz": "gzip", ".tgz": "gzip", ".tar.zst": "zstd"}
LARGEST_INDEX = 16 << 20
CHUNK = 1 << 20
_NAME = re.compile(r"(?:input|files/\d{1,3})(?:/[^/\0]+)*")


@dataclass(frozen=True)
class Bundle:
    """An unpacked bundle. stage: with parameters that name the files here."""

    folder: Path
    stage: End

    @property
    def input(self) -> Path:
        """What the stage works on."""
        return self.folder / INPUT


def packing_of(path: Path) -> str:
    """How a file of this name is packed; UsageError for another name."""
    for end, codec in PACKED.items():
        if path.name.endswith(end):
            return codec
    raise UsageError(f"{path}: a bundle is called {' or '.join(PACKED)}")


# --- packing ------------------------------------------------------------------------------------


def pack(stage: End, source: Path, out: Path) -> dict[str, Any]:
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
    index = {
        **MADE_BY,
        "format": FORMAT,
        "stage": word,
        "parameters": parameters,
        "files": {
            name: [path.stat().st_size, sha256_of(path)] for name, path in sorted(found.items())
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
    places = carried(stage)
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


# --- unpacking ----------------------------------------------------------------------------------


def unpack(path: Path, folder: Path) -> Bundle:
    """Unpack a bundle into a folder, and compare every file with its hash; what an earlier call
    unpacked of the same bundle is used as it is. UsageError for what is no bundle, StageFailed for
    a damaged one."""
    if not path.is_file():
        raise UsageError(f"{path}: not found")
    codec = packing_of(path)
    try:
        with (
            pa.CompressedInputStream(pa.OSFile(str(path), "rb"), codec) as raw,
            tarfile.open(fileobj=raw, mode="r|") as archive,
        ):
            members = iter(archive)
            index = _index(archive, next(members, None), path)
            if not _is_there(folder, index):
                _unpack(archive, members, index, folder, path)
    except (tarfile.TarError, EOFError, ValueError, pa.ArrowException) as error:
        raise StageFailed(f"{path} is damaged ({_first(error)}): copy it here again") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise StageFailed(f"{path} is damaged ({_first(error)}): copy it here again") from None
    return Bundle(folder, _stage(index, folder, path))


def _first(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _index(
    archive: tarfile.TarFile, member: tarfile.TarInfo | None, path: Path
) -> Mapping[str, Any]:
    """What the first member says, checked; UsageError for a file that is no bundle."""
    wrong = UsageError(f"{path} is no bundle of seedbed's: make one with `seedbed bundle`")
    if member is None or member.name != INDEX or member.size > LARGEST_INDEX:
        raise wrong
    file = archive.extractfile(member)
    try:
        index = json.loads(file.read() if file else b"")
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(index, dict) or index.get("made_by") != MADE_BY["made_by"]:
        raise wrong
    if index.get("format") != FORMAT:
        raise UsageError(f"{path}: bundle format {index.get('format')} is not {FORMAT}")
    files, parameters = index.get("files"), index.get("parameters")
    if not isinstance(files, dict) or not isinstance(parameters, dict):
        raise wrong
    for name, entry in files.items():
        inside = _NAME.fullmatch(name) and ".." not in name.split("/")
        if not inside or not _is_entry(entry):
            raise wrong
    return index


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 2
        and isinstance(entry[0], int)
        and not isinstance(entry[0], bool)
        and isinstance(entry[1], str)
    )


def _is_there(folder: Path, index: Mapping[str, Any]) -> bool:
    """Whether the folder holds this bundle, whole. UsageError for a folder with something else."""
    if not folder.exists():
        return False
    try:
        known = json.loads((folder / INDEX).read_bytes())
    except (OSError, ValueError, RecursionError):
        known = None
    if known is None and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty and holds no bundle: name another folder")
    if known is not None and known != index:
        raise UsageError(f"{folder} holds another bundle: name another folder, or remove it")
    return known is not None and all(
        _size_of(folder / name) == size for name, (size, _) in index["files"].items()
    )


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _unpack(
    archive: tarfile.TarFile,
    members: Iterator[tarfile.TarInfo],
    index: Mapping[str, Any],
    folder: Path,
    path: Path,
) -> None:
    """Write all files beside their last place, then move them there, `bundle.json` last."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder))
    wanted = dict(index["files"])
    try:
        for member in members:
            entry = wanted.pop(member.name, None)
            file = archive.extractfile(member) if member.isreg() and entry else None
            if entry is None or file is None or member.size != entry[0]:
                raise StageFailed(f"{path} holds {member.name[:80]!r}, which it does not list so")
            _write(file, aside / member.name, entry[1], path)
        if wanted:
            raise StageFailed(f"{path} ends before {min(wanted)}: copy it here again")
        for name in (INPUT, "files"):
            if (aside / name).is_dir():
                shutil.rmtree(folder / name, ignore_errors=True)
                (aside / name).rename(folder / name)
        write_json(folder / INDEX, index)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(file: IO[bytes], target: Path, digest: str, path: Path) -> None:
    """Write a member, and compare it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    found = hashlib.sha256()
    with open(target, "xb") as written:
        while part := file.read(CHUNK):
            found.update(part)
            written.write(part)
    if found.hexdigest() != digest:
        name = "/".join(target.parts[-2:])
        raise StageFailed(f"{path} is damaged: {name} is not what was packed; copy it here again")
    flush(target)


def _stage(index: Mapping[str, Any], folder: Path, path: Path) -> End:
    """The stage that a bundle names; UsageError for one that is not here, or not made so."""
    word = index.get("stage")
    if not isinstance(word, str) or ":" in word:
        raise UsageError(f"{path} names no stage that can be run")
    cls = registry.find(word)
    if not issubclass(cls, End):
        raise UsageError(f"{path}: {word} is no stage that ends a recipe")
    values: dict[str, object] = {}
    for name, value in index["parameters"].items():
        place = value.get("files") if isinstance(value, dict) else None
        values[name] = value if place is None else _place(folder, place, path)
    if wrong := check.problems_of(cls, values):
        raise UsageError(
            *(f"{path}: {word}.{name}: {text}" for name, text in wrong.items()),
            "it was packed by another version of seedbed: install the same one here",
        )
    stage: End = check.build(cls, values)
    return stage


def _place(folder: Path, place: object, path: Path) -> str:
    """Where the file or folder of a parameter lies."""
    if isinstance(place, str) and _NAME.fullmatch(f"files/{place}") and ".." not in place:
        return str((folder / "files" / place).resolve())
    raise UsageError(f"{path} is no bundle of seedbed's: make one with `seedbed bundle`")
