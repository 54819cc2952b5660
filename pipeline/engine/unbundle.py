"""A bundle unpacked: what a stranger may have packed, or a copy may have damaged.

The archive is read by the reader of hostile archives, in bounded memory. Every file is compared
with its hash, nothing is written that the index does not list, and what lies in the folder already
is never replaced or removed: a file that is there and differs is told. The index is the first that
gets its name, so that a call after a kill knows the folder and goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from pipeline.engine.bundle import FORMAT, INDEX, INPUT, Index
from pipeline.engine.lock import hold
from stages import check, owned, registry
from stages.base import End
from stages.corpus import sha256_of, write_json
from stages.disk import flush
from stages.errors import StageFailed, Unreadable, UsageError
from stages.extract.packed import tars
from stages.extract.packed.compressed import compression, decompressed
from stages.extract.packed.streams import Limits, Member
from stages.manifest import MADE_BY
from stages.place import Place
from stages.words import size as in_words

LARGEST_INDEX = 16 << 20
CHUNK = 1 << 20
_ASIDE = ".unpacking-"
# What may come out is bounded by the sizes that the index lists, and by the room on the disk.
_LIMITS = Limits(ratio=1 << 40)
_NAME = re.compile(r"(?:input|files/\d{1,3})(?:/[^/\0]+)+")

_Entries = Iterator[tuple[str, int, Callable[[int], bytes]]]


@dataclass(frozen=True)
class Bundle:
    """An unpacked bundle. stage: with parameters that name the files here."""

    folder: Path
    stage: End

    @property
    def input(self) -> Path:
        """What the stage works on."""
        return self.folder / INPUT


def unpack(path: Path, folder: Path) -> Bundle:
    """Unpack a bundle into a folder, and compare every file with its hash; what an earlier call
    unpacked of the same bundle is compared and stays. UsageError for what is no bundle and for a
    folder that holds something else, StageFailed for a damaged bundle and a disk without room."""
    if not path.is_file():
        wrong = "no ordinary file; name the one that `seedbed bundle` made"
        raise UsageError(f"{path}: {wrong if path.exists() else 'not found'}")
    with open(path, "rb") as file:
        try:
            entries = tars.plain(_stream(file, path))
            index = _index(entries, path)
            stage = _stage(index, folder, path)
            if missing := _missing(folder, index):
                _unpack(entries, missing, index, folder, path)
        except (Unreadable, EOFError) as error:
            raise _damaged(path, error) from None
    return Bundle(folder, stage)


def _no_bundle(path: Path) -> UsageError:
    return UsageError(f"{path} is no bundle of seedbed's: make one with `seedbed bundle`")


def _damaged(path: Path, error: Unreadable | EOFError) -> StageFailed:
    why = error.evidence.get("error", error.reason) if isinstance(error, Unreadable) else error
    return StageFailed(f"{path} is damaged ({why}): copy it here again")


def _stream(file: BinaryIO, path: Path) -> Member:
    """The archive in the file; how it is packed says its content, not its name."""
    kind = compression(file.read(512))
    if kind not in ("gzip", "zstd"):
        raise _no_bundle(path)
    return decompressed(kind, file, Place(path.name), _LIMITS)


# --- the index ----------------------------------------------------------------------------------


def _index(entries: _Entries, path: Path) -> Index:
    """What the first member says, checked; UsageError for a file that is no bundle."""
    name, size, read = next(entries, ("", 0, lambda _: b""))
    if name != INDEX or size > LARGEST_INDEX:
        raise _no_bundle(path)
    text = b"".join(iter(lambda: read(CHUNK), b""))
    try:
        index = json.loads(text)
    except (ValueError, RecursionError):
        raise _no_bundle(path) from None
    if not isinstance(index, dict) or index.get("made_by") != MADE_BY["made_by"]:
        raise _no_bundle(path)
    if index.get("format") != FORMAT:
        told = str(index.get("format"))[:20]
        raise UsageError(f"{path}: bundle format {told} is not {FORMAT}")
    files, parameters = index.get("files"), index.get("parameters")
    if not isinstance(files, dict) or not isinstance(parameters, dict):
        raise _no_bundle(path)
    if not all(_is_name(name) and _is_entry(entry) for name, entry in files.items()):
        raise _no_bundle(path)
    return cast(Index, index)


def _is_name(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # half a character
        return False
    return bool(_NAME.fullmatch(name)) and not {".", ".."} & {*name.split("/")}


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 2
        and type(entry[0]) is int
        and 0 <= entry[0] < 1 << 63
        and isinstance(entry[1], str)
    )


def _stage(index: Index, folder: Path, path: Path) -> End:
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
    if isinstance(place, str) and _is_name(f"files/{place}"):
        return str(owned.resolved(folder / "files" / place))
    raise _no_bundle(path)


# --- the files ----------------------------------------------------------------------------------


def _missing(folder: Path, index: Index) -> list[str]:
    """The listed files that are not in the folder; UsageError for a folder with something else."""
    files: Mapping[str, tuple[int, str]] = index["files"]
    if not os.path.lexists(folder):
        return [*files, INDEX]
    there = sorted(os.listdir(folder))
    if INDEX not in there:
        if not all(_is_aside(folder / name) for name in there):
            raise UsageError(f"{folder} is not empty and holds no bundle: name another folder")
        return [*files, INDEX]
    try:
        known = json.loads((folder / INDEX).read_bytes())
    except (OSError, ValueError, RecursionError):
        known = None
    if known != index:
        raise UsageError(f"{folder} holds another bundle: name another folder, or remove it")
    missing = [name for name in files if not os.path.lexists(folder / name)]
    for name in {*files} - {*missing}:
        if not _is_file(folder / name, *files[name]):
            raise UsageError(
                f"{folder / name} is not what was packed, and is left as it is: move it away, and "
                "the same call unpacks it"
            )
    return missing


def _is_file(path: Path, size: int, digest: str) -> bool:
    status = path.lstat()
    return os.path.isfile(path) and status.st_size == size and sha256_of(path) == digest


def _unpack(
    entries: _Entries,
    missing: Collection[str],
    index: Index,
    folder: Path,
    path: Path,
) -> None:
    """Write all files beside their last place and compare them, then move what is missing there,
    the index first."""
    files: dict[str, tuple[int, str]] = dict(index["files"])
    owned.make(folder)
    with _aside(folder) as aside:
        whole, room = sum(size for size, _ in files.values()), shutil.disk_usage(folder).free
        if whole > room:
            raise StageFailed(
                f"{path} holds {in_words(whole)}, and the disk of {folder} has room for "
                f"{in_words(room)}: name a folder on another disk"
            )
        for name, size, read in entries:
            expected = files.pop(name, None)
            if expected is None or size != expected[0]:
                raise StageFailed(f"{path} holds {name[:80]!r}, which it does not list so")
            _write(read, aside / name, expected[1], path)
        if files:
            raise StageFailed(f"{path} ends before {min(files)}: copy it here again")
        write_json(aside / INDEX, index)
        for name in sorted(missing, key=lambda name: name != INDEX):
            owned.make((folder / name).parent)
            if not os.path.lexists(folder / name):
                (aside / name).rename(folder / name)
            flush((folder / name).parent)


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A folder for what is not whole yet; what killed calls left goes, what others use stays."""
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=folder))
    with _held(aside):
        for left in folder.glob(f"{_ASIDE}*"):
            if left != aside and _is_aside(left):
                with suppress(OSError), _held(left):
                    shutil.rmtree(left)
        try:
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _is_aside(path: Path) -> bool:
    """Whether it is a folder of ours with what a call had not finished."""
    return path.name.startswith(_ASIDE) and owned.refusal(path, owned.WORK) is None


@contextmanager
def _held(aside: Path) -> Iterator[None]:
    """Mark a folder as one of unfinished work; BlockingIOError when another call works in it."""
    owned.claim(aside, owned.WORK)
    with open(aside / owned.mark_of(owned.WORK), "rb") as file:
        hold(file, exclusive=True, wait=False)
        yield


def _write(read: Callable[[int], bytes], target: Path, digest: str, path: Path) -> None:
    """Write a member, and compare it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    found = hashlib.sha256()
    with open(target, "xb") as written:
        while part := read(CHUNK):
            found.update(part)
            written.write(part)
    if found.hexdigest() != digest:
        name = "/".join(target.parts[-2:])
        raise StageFailed(f"{path} is damaged: {name} is not what was packed; copy it here again")
    flush(target)
