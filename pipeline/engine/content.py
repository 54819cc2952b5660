"""What was hashed is what is read: input files and pieces, checked before their content flows on.

A key is made of the hash that the driver took; a worker reads later. So a job brings the size,
times and inode that a file had when it was hashed, and the worker compares before it reads and
before it commits. A piece is hashed again when a worker first reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages import user_code
from stages.base import Part, Stage
from stages.corpus import sha256_and_stamp, sha256_of
from stages.disk import write_whole
from stages.errors import Changed, StageFailed
from stages.registry import modules_of
from stages.stamps import Stamp, stamp_of

# Two changes of a file within this many nanoseconds may leave the same times.
_RECENT = 2_000_000_000


class Damaged(StageFailed):
    """A file of a piece is not what was written."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not what was written there: it is damaged, or was edited")
        self.path = path


class Hashed(NamedTuple):
    """A file, or a range of it, as it was when it was hashed. recent: it had just been changed,
    so its times could stay the same through a later change. beside: it need not be there, and an
    empty one is as none."""

    path: str
    start: int
    stop: int | None
    stamp: Stamp | None
    sha256: str
    recent: bool = False
    beside: bool = False

    @property
    def stamp_now(self) -> Stamp | None:
        """What the file is known by now."""
        stamp = stamp_of(self.path)
        return None if self.beside and stamp is not None and not stamp[0] else stamp


def unchanged(files: Iterable[Hashed], read: bool) -> None:
    """Changed for a file that is not what it was when it was hashed. read: whether its content
    has been read since, so that times alone do not answer for it."""
    for file in files:
        now = file.stamp_now
        if not _alike(now, file.stamp):
            raise _changed(file.path)
        if now is not None and (now != file.stamp or (read and file.recent)):
            try:
                found = sha256_of(Path(file.path), file.start, file.stop)
            except OSError:
                found = ""
            if found != file.sha256:
                raise _changed(file.path)


def _alike(one: Stamp | None, other: Stamp | None) -> bool:
    """Whether two stamps differ in no more than the time of change. That moves for a new link or
    new rights too, and SQLite as root moves it by reading a log: then the content decides."""
    if one is None or other is None:
        return one is other
    return [*one[:2], one[3]] == [*other[:2], other[3]]


def _changed(path: object) -> Changed:
    return Changed(f"{path} changed while it was read")


def stage_files(stage: Stage) -> list[Path]:
    """The files beside code and input that what a stage makes depends on: models, and the user's
    modules with all that they import."""
    modules = [path for name in modules_of(stage) for path in user_code.files(name)]
    return [*stage.resources(), *modules]


def stage_unchanged(stage: Stage, files: Sequence[Hashed]) -> None:
    """Changed when one of a stage's files is another by now, has come or has gone."""
    unchanged(files, read=True)
    there = {file.path for file in files} ^ {str(path) for path in stage_files(stage)}
    if there:
        raise _changed(min(there))


@contextlib.contextmanager
def explained(look: Callable[[], None]) -> Iterator[None]:
    """What goes wrong while files change says nothing of them. look: raises Changed if they did,
    and is asked when the work ends with an error."""
    try:
        yield
    except Changed:
        raise
    except Exception:
        look()
        raise


_verified: dict[tuple[str, str], Stamp | None] = {}  # (path, sha-256) → what it was known by then


def verified(path: Path, sha256: str) -> Path:
    """The path of a piece's file, once its content has been compared with its hash. Damaged for
    other content, and for a file that is gone."""
    name, stamp = (str(path), sha256), stamp_of(path)
    if stamp is None:
        raise Damaged(path)
    if _verified.get(name) != stamp:
        try:
            found = sha256_of(path)
        except OSError:
            raise Damaged(path) from None
        if found != sha256:
            raise Damaged(path)
        _verified[name] = stamp
    return path


class FileHashes:
    """SHA-256 of input files, remembered by path, size, times and inode.

    A file changed within two seconds of being hashed is hashed again next time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamps: dict[str, Stamp | None] = {}
        self._ranges: dict[tuple[object, ...], str | None] = {}
        self._recent: dict[str, list[Any]] = {}  # ranges that were hashed soon after a change
        self._new: dict[str, list[Any]] = {}
        self._known: dict[str, list[Any]] = {}
        try:
            known = json.loads(path.read_bytes()) if path.is_file() else None
        except (OSError, ValueError, RecursionError):
            return
        if isinstance(known, dict):
            self._known = {name: row for name, row in known.items() if _is_row(row)}

    def of(self, path: Path, start: int = 0, stop: int | None = None) -> str:
        """The hash of a file's content, or of a range of it."""
        return self.hashed(path, start, stop).sha256

    def hashed(self, path: Path, start: int = 0, stop: int | None = None) -> Hashed:
        """The file as it is now. Changed when it changes while it is hashed, or is another than
        when it was first asked for in this attempt at a run: all its steps see one state of it.
        OSError when it cannot be read."""
        file = self._hashed(path, start, stop)
        stamp = self._stamps.setdefault(file.path, file.stamp)
        sha256 = self._ranges.setdefault(file[:3], None if stamp != file.stamp else file.sha256)
        if not _alike(stamp, file.stamp) or sha256 != file.sha256:
            raise _changed(path)
        return file

    def begin_anew(self) -> None:
        """Another attempt at the run: files may be others than before."""
        self._stamps.clear()
        self._ranges.clear()
        self._recent.clear()

    def _hashed(self, path: Path, start: int, stop: int | None) -> Hashed:
        regular, stamp = stat.S_ISREG(os.stat(path).st_mode), stamp_of(path)
        if not regular:
            return Hashed(str(path), start, stop, stamp, "no regular file")
        if stamp is None:
            raise _changed(path)
        if (row := self._row(path, start, stop, stamp)) is not None:
            recent = _name(path, start, stop) in self._recent
            return Hashed(str(path), start, stop, stamp, str(row[4]), recent)
        digest, read = sha256_and_stamp(path, start, stop)
        if read != stamp or stamp_of(path) != stamp:
            raise _changed(path)
        recent = _is_recent(stamp)
        if not recent:
            self._new[_name(path, start, stop)] = [*stamp, digest]
        return Hashed(str(path), start, stop, stamp, digest, recent)

    def _row(self, path: Path, start: int, stop: int | None, stamp: Stamp) -> list[Any] | None:
        """What is remembered of a file or a range."""
        name = _name(path, start, stop)
        for table in (self._recent, self._new, self._known):
            if table.get(name, [])[:4] == stamp:
                if table is self._known:
                    self._new[name] = table[name]
                return table[name]
        return None

    def learn(
        self, path: Path, start: int, stop: int, stamp: Stamp, sha256: str, lines: int
    ) -> None:
        """A worker's look at a range: its hash, and how many line ends are in it."""
        table = self._recent if _is_recent(stamp) else self._new
        table[_name(path, start, stop)] = [*stamp, sha256, lines]

    def lines_in(self, path: Path, start: int, stop: int) -> int | None:
        """How many line ends are in a range, where `learn` was told; else None."""
        stamp = stamp_of(path)
        row = None if stamp is None else self._row(path, start, stop, stamp)
        return None if row is None or len(row) < 6 else int(row[5])

    def save(self) -> None:
        """Keep what was used in this run."""
        if self._new == self._known:
            return
        write_whole(self._path, json.dumps(self._new))


def _name(path: Path, start: int, stop: int | None) -> str:
    return f"{path}\0{start}\0{stop}"


def _is_recent(stamp: Stamp) -> bool:
    return max(stamp[1], stamp[2]) >= time.time_ns() - _RECENT


def _is_row(row: object) -> bool:
    """Whether it is a stamp, a hash and, of a range, its line ends."""
    if not isinstance(row, list) or len(row) not in (5, 6):
        return False
    return isinstance(row[4], str) and all(isinstance(number, int) for number in row[5:])


def files_of(part: Part, hashes: FileHashes) -> list[Hashed]:
    """The files of a part as they are now. Changed for one that was cut into ranges before it
    changed, and for one that has vanished."""
    files = []
    for name, path in part.paths():
        try:
            file = hashes.hashed(path, part.start, part.stop)
        except OSError as error:
            if not os.path.lexists(path):
                raise Changed(f"{path} vanished while it was read") from None
            said = f"unreadable: {error.errno}"
            file = Hashed(str(path), part.start, part.stop, stamp_of(path), said)
        if name in part.stamps and list(part.stamps[name]) != file.stamp:
            raise _changed(path)
        files.append(file)
    for name in part.beside:
        files.append(_beside(Path(part.root) / name, hashes))
    return files


def _beside(path: Path, hashes: FileHashes) -> Hashed:
    """A file that need not be there, as it is now."""
    none = Hashed(str(path), 0, None, None, "", beside=True)
    if none.stamp_now is None:
        return none
    try:
        return hashes.hashed(path)._replace(beside=True)
    except OSError:
        raise _changed(path) from None


def part_identity(part: Part, files: Sequence[Hashed]) -> list[Any]:
    """What identifies a part: names and contents, never where the root is."""
    names = [*part.files, *part.beside]
    named = [[name, file.sha256] for name, file in zip(names, files, strict=True) if file.sha256]
    return [named, part.start, part.stop, dict(part.detail), part.fingerprint]
