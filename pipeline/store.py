"""The store: folders under their keys, written once, never changed.

A commit writes into a temporary folder, flushes every file, writes the manifest last, and
renames. There are no locks: the rename decides, and the loser throws its own away. A kill at any
moment leaves whole pieces and temporary folders, which a later run sweeps.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.lock import hold
from stages.corpus import MANIFEST, sha256_of, write_json

_SWEEP_AGE = 3600.0  # seconds before the temporary folder of a dead process is swept


@dataclass(frozen=True)
class Entry:
    """A committed folder: its key, where it lies, and its manifest."""

    key: str
    path: Path
    manifest: dict[str, Any]

    @property
    def sha256(self) -> str:
        """The hash of the entry's main file."""
        return str(self.manifest["sha256"])


class Store:
    """A folder of entries; see the module's text."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = root / "objects"
        self.objects.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Where the entry of a key lies, or would."""
        return self.objects / key[:2] / key

    @contextlib.contextmanager
    def work(self, key: str) -> Iterator[Path]:
        """A folder for the unfinished work of a key; it outlives a kill. A second run that wants
        it waits until the first is done or dead."""
        folder = self.root / "work" / key
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder.with_name(f"{key}.lock"), "a") as lock:
            hold(lock, exclusive=True)
            folder.mkdir(exist_ok=True)
            yield folder

    def finish(self, key: str) -> None:
        """Remove the work folder of a key whose entry is committed."""
        shutil.rmtree(self.root / "work" / key, ignore_errors=True)
        (self.root / "work" / f"{key}.lock").unlink(missing_ok=True)

    def get(self, key: str) -> Entry | None:
        """The entry of a key, if it is whole: every file has its size and is older than the
        manifest, which holds a hash of itself; so what was cut or edited since does not count."""
        path = self.path(key)
        try:
            written = (path / MANIFEST).stat().st_mtime_ns
            manifest = json.loads((path / MANIFEST).read_bytes())
            if manifest["check"] != _check_of(manifest):
                return None
            for name, size in manifest["files"].items():
                stat = (path / name).stat()
                if stat.st_size != size or stat.st_mtime_ns > written:
                    return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Entry(key, path, manifest)

    def put(
        self, key: str, write: Callable[[Path], dict[str, Any]], main: str | None = None
    ) -> Entry:
        """Commit what `write(folder)` writes; it returns the manifest's other values.

        main: the file whose hash is the entry's `sha256`; None: a hash over all files.
        """
        folder = self._temporary(key)
        try:
            values = write(folder)
            names = sorted(
                path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
            )
            hashes = {name: sha256_of(folder / name) for name in names}
            for name in names:
                _flush(folder / name)
            manifest = {
                **values,
                "files": {name: (folder / name).stat().st_size for name in names},
                "hashes": hashes,
                "sha256": hashes[main] if main else _hash_of_hashes(hashes),
            }
            write_json(folder / MANIFEST, {**manifest, "check": _check_of(manifest)})
            for path in folder.rglob("*"):
                if path.is_file():
                    path.chmod(0o444)
            for sub in [folder, *(p for p in folder.rglob("*") if p.is_dir())]:
                _flush(sub)
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
        target.parent.mkdir(exist_ok=True)
        for _ in range(3):
            try:
                folder.rename(target)
                _flush(target.parent)
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
        """The keys of all entries."""
        for folder in sorted(self.objects.iterdir()):
            yield from sorted(os.listdir(folder))

    def size(self) -> int:
        """Bytes of all entries."""
        total = 0
        for path in self.objects.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # another run may replace a damaged entry
                total += path.stat().st_size if path.is_file() else 0
        return total

    def remove(self, keys: Iterable[str]) -> tuple[int, int]:
        """Remove entries; returns (entries, bytes)."""
        entries = freed = 0
        for key in keys:
            path = self.path(key)
            freed += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            aside = self.root / "tmp" / f".gone-{key[:16]}-{secrets.token_hex(4)}"
            aside.parent.mkdir(exist_ok=True)
            path.rename(aside)
            shutil.rmtree(aside)
            entries += 1
        return entries, freed

    def sweep(self, age: float = _SWEEP_AGE) -> int:
        """Remove temporary folders, older than `age` seconds, of dead processes of this host."""
        swept = 0
        for path in (self.root / "tmp").glob(".*"):
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


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hash_of_hashes(hashes: dict[str, str]) -> str:
    from pipeline.keys import hash_of

    return hash_of(hashes)


def _check_of(manifest: dict[str, Any]) -> str:
    from pipeline.keys import hash_of

    return hash_of({name: value for name, value in manifest.items() if name != "check"})
