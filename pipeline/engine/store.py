"""The store: folders under their keys, written once, never changed.

A commit writes into a temporary folder, the manifest last, flushes all of it, and renames. There
are no locks: the rename decides, and the loser throws its own away. A kill at any moment leaves
whole pieces and temporary folders, which a later run sweeps.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from pipeline.engine.content import Damaged, verified
from pipeline.engine.lock import hold
from stages.corpus import sha256_of, write_json
from stages.disk import flush, flush_below
from stages.manifest import MANIFEST, CountsEntry, SourceEntry
from stages.owned import STORE, claim, make

_TEMPORARY = re.compile(
    r"\.tmp-[^-]+-.+-[0-9]+-[0-9a-f]+(-damaged)?|\.gone-[^-]+-[0-9a-f]+", re.DOTALL
)
_SWEEP_AGE = 3600.0  # seconds before the temporary folder of a dead process is swept


class Values(TypedDict, total=False):
    """What those who make an entry say of it. rows, counts (of each step), passing, over (`Border`
    in `stages.gather`): of a piece;
    round, done, locals (hashes), local_rows, shared (hash): of a fit's state; format to summary: of
    an end stage's files; value: what was found across pieces; computed_on: the kind of CPU, where
    the bytes depend on it."""

    rows: int
    counts: list[CountsEntry]
    passing: bool
    over: bool
    round: int
    done: bool
    locals: list[str]
    local_rows: list[int]
    shared: str
    format: int
    kind: str
    label: str
    stage: str
    parameters: dict[str, Any]
    exact: bool
    sources: list[SourceEntry]
    summary: dict[str, Any]
    value: str
    computed_on: str


class Unsigned(Values):
    """With the sizes and hashes of its files; sha256: of the main one, or of all."""

    files: dict[str, int]
    hashes: dict[str, str]
    sha256: str


class EntryManifest(Unsigned):
    """The manifest of an entry. check: the hash of all the rest."""

    check: str


@dataclass(frozen=True)
class Entry:
    """A committed folder: its key, where it lies, and its manifest."""

    key: str
    path: Path
    manifest: EntryManifest

    @property
    def sha256(self) -> str:
        """The hash of the entry's main file."""
        return str(self.manifest["sha256"])

    def wrong(self) -> list[str]:
        """The files whose content is not what was written; all of it is read."""
        return [
            name
            for name, sha256 in self.manifest["hashes"].items()
            if _content(self.path / name) != sha256
        ]

    @property
    def intact(self) -> bool:
        """Whether every file has the content that was written."""
        return not self.wrong()

    def file(self, name: str) -> Path:
        """One of its files, checked before its content is used; raises Damaged."""
        return verified(self.path / name, self.manifest["hashes"][name])


class Store:
    """A folder of entries; see the module's text."""

    def __init__(self, root: Path) -> None:
        """Open a store, or make one of a missing or empty folder; `Foreign` for any other."""
        claim(root, STORE)
        self.root = root
        self.objects = root / "objects"
        make(self.objects)

    def path(self, key: str) -> Path:
        """Where the entry of a key lies, or would."""
        return self.objects / key[:2] / key

    @staticmethod
    def is_key(name: str) -> bool:
        """Whether a name is that of an entry; what else lies in a store is left there."""
        return len(name) == 64 and {*name} <= {*"0123456789abcdef"}

    @contextlib.contextmanager
    def work(self, key: str, owner: str = "") -> Iterator[Path]:
        """A folder for the unfinished work of a key; it outlives a kill. A second run that wants
        it waits until the first is done or dead. owner: which step of which run works there."""
        folder = self.root / "work" / key
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder.with_name(f"{key}.lock"), "ab") as lock:
            hold(lock, exclusive=True)
            lock.truncate(0)
            lock.write(os.fsencode(owner))
            lock.flush()
            folder.mkdir(exist_ok=True)
            yield folder

    def unfinished(self, owner: str) -> dict[str, Path]:
        """key → folder of the unfinished work of an owner."""
        found = {}
        for lock in sorted((self.root / "work").glob("*.lock")):
            with contextlib.suppress(FileNotFoundError):  # another run may finish its own now
                if lock.with_suffix("").is_dir() and lock.read_bytes() == os.fsencode(owner):
                    found[lock.stem] = lock.with_suffix("")
        return found

    def finish(self, key: str) -> None:
        """Remove the work folder of a key whose entry is committed."""
        shutil.rmtree(self.root / "work" / key, ignore_errors=True)
        (self.root / "work" / f"{key}.lock").unlink(missing_ok=True)

    def get(self, key: str) -> Entry | None:
        """The entry of a key, if it is whole: the manifest holds a hash of itself, every file has
        its size and is older than the manifest. Where times say otherwise (an edit, a copied
        store, a clock that was set) the content decides."""
        entry = self._read(key)
        if entry is None:
            return None
        manifest = entry.path / MANIFEST
        try:
            written, newest = manifest.stat().st_mtime_ns, 0
            for name, size in entry.manifest["files"].items():
                stat = (entry.path / name).stat()
                if stat.st_size != size:
                    return None
                newest = max(newest, stat.st_mtime_ns)
        except OSError:
            return None
        now = time.time_ns()
        if newest > written or written > now:
            if not entry.intact:
                return None
            if newest <= now:  # else an edit of today would look older than the manifest
                with contextlib.suppress(OSError):  # a store that is only read is asked again
                    os.utime(manifest, ns=(now, now))
        return entry

    def needed(self, key: str) -> Entry:
        """The entry of a key that was made before; Damaged where it is not whole."""
        entry = self.get(key)
        if entry is None:
            raise Damaged(self.path(key) / MANIFEST)
        return entry

    def _read(self, key: str) -> Entry | None:
        path = self.path(key)
        try:
            if not (path / MANIFEST).is_file():  # a pipe would be waited for
                return None
            manifest = json.loads((path / MANIFEST).read_bytes())
            if manifest["check"] != _check_of(manifest):
                return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return Entry(key, path, manifest)

    def damaged(self) -> Iterator[tuple[str, list[str]]]:
        """(key, files that are not what was written) of each entry whose content is wrong."""
        for key in self.all():
            entry = self._read(key)
            wrong = [MANIFEST] if entry is None else entry.wrong()
            if wrong:
                yield key, wrong

    def set_aside(self, path: Path) -> bool:
        """Remove the damaged entry that a file lies in, so that it is made anew; False for a file
        that is not of this store."""
        try:
            key = path.relative_to(self.objects).parts[1]
        except (ValueError, IndexError):
            return False
        with contextlib.suppress(FileNotFoundError):
            self.remove([key])
        return True

    def put(self, key: str, write: Callable[[Path], Values], main: str | None = None) -> Entry:
        """Commit what `write(folder)` writes; it returns the manifest's other values.

        main: the file whose hash is the entry's `sha256`; None: a hash over all files. Values
        that say `passing` are of the moment: the entry gets a key that nobody asks for again.
        """
        folder = self._temporary(key)
        try:
            values = write(folder)
            if values.get("passing"):
                key = hashlib.sha256(f"{key} {secrets.token_hex(16)}".encode()).hexdigest()
            names = sorted(
                path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
            )
            hashes = {name: sha256_of(folder / name) for name in names}
            manifest: Unsigned = {
                **values,
                "files": {name: (folder / name).stat().st_size for name in names},
                "hashes": hashes,
                "sha256": hashes[main] if main else _hash_of_hashes(hashes),
            }
            signed: EntryManifest = {**manifest, "check": _check_of(manifest)}
            write_json(folder / MANIFEST, signed, flushed=False)
            for name in (*names, MANIFEST):
                (folder / name).chmod(0o444)
            flush_below(folder)
            return self._publish(key, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _temporary(self, key: str) -> Path:
        name = f".tmp-{key[:16]}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        folder = self.root / "tmp" / name
        folder.mkdir(parents=True)
        return folder

    def _publish(self, key: str, folder: Path) -> Entry:
        target = self.path(key)
        make(target.parent)
        for _ in range(3):
            try:
                folder.rename(target)
                flush(target.parent)
                break
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
            if self.get(key) is not None:
                break
            # What lies there is damaged: put it aside, and try again.
            aside = self.root / "tmp" / f"{folder.name}-damaged"
            try:
                target.rename(aside)
            except FileNotFoundError:
                continue
            shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        entry = self.get(key)
        if entry is None:
            raise OSError(errno.EIO, f"{target} was damaged while it was being written")
        return entry

    def all(self) -> Iterator[str]:
        """The keys of all entries; a file or a link that is called like one is somebody's."""
        for path in sorted(self.objects.glob("??/*")):
            named = self.is_key(path.name) and path.parent.name == path.name[:2]
            if named and path.is_dir() and not path.is_symlink():
                yield path.name

    def size(self) -> int:
        """Bytes of all entries."""
        return _size_below(self.objects)

    def remove(self, keys: Iterable[str]) -> tuple[int, int]:
        """Remove entries; returns (entries, bytes)."""
        entries = freed = 0
        for key in keys:
            path = self.path(key)
            freed += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            aside = self.root / "tmp" / f".gone-{key[:16]}-{secrets.token_hex(4)}"
            aside.parent.mkdir(exist_ok=True)
            path.rename(aside)
            if aside.is_symlink():
                aside.unlink()
            else:
                shutil.rmtree(aside)
            entries += 1
        return entries, freed

    def sweep(self, age: float = _SWEEP_AGE) -> int:
        """Remove temporary folders, older than `age` seconds, of dead processes of this host."""
        swept = 0
        temporary = self.root / "tmp"
        for path in temporary.glob(".*-*"):
            if not _TEMPORARY.fullmatch(path.name):
                continue
            try:
                old = time.time() - path.stat().st_mtime >= age
            except FileNotFoundError:
                continue
            if old and not _may_live(path.name):
                shutil.rmtree(path, ignore_errors=True)
                swept += 1
        return swept


def _may_live(name: str) -> bool:
    """Whether the process that a temporary folder is named after may still be at work."""
    parts = name.rsplit("-", 2)
    if not name.startswith(".tmp-") or len(parts) < 3 or not parts[1].isdigit():
        return False
    if f"-{socket.gethostname()}-" not in name:
        return True
    return lives(int(parts[1]))


def lives(process: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _size_below(folder: str | os.PathLike[str]) -> int:
    total = 0
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:  # another run may replace a damaged one meanwhile
            with contextlib.suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    total += _size_below(entry)
                elif entry.is_file():
                    total += entry.stat().st_size
    return total


def _content(path: Path) -> str | None:
    try:
        return sha256_of(path)
    except OSError:
        return None


def _hash_of_hashes(hashes: dict[str, str]) -> str:
    from pipeline.engine.keys import hash_of

    return hash_of(hashes)


def _check_of(manifest: Unsigned) -> str:
    from pipeline.engine.keys import hash_of

    return hash_of({name: value for name, value in manifest.items() if name != "check"})
