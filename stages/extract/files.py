"""Which files a source reads: patterns, roots, and bundles of small files cut by content.

Only regular files are read. The listing opens nothing, follows no link out of the root, and
returns what it leaves out: pipes, sockets, devices, links that lead away, folders it cannot list.
"""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from glob import escape
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from stages.base import Part
from stages.errors import UsageError

# A bundle ends after a file whose hashed name hits one in this many, so that one file more or
# less moves no border but its own bundle's.
BUNDLE_FILES = 64
_ENDINGS = 6  # that a sentence names
_LEFT = 1000  # of what is left out, in one part
_ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz")  # not named among what a folder lacks
_WILD = ("*", "?", "[")
REASONS = {
    "unreadable": "the file cannot be opened or read, or is no regular file",
    "link": "a link that leads out of the source's folder, or to a folder: it is not followed",
}
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class Left(NamedTuple):
    """What a listing leaves out: name below the root, reason, evidence."""

    name: str
    reason: str
    evidence: dict[str, Any]


class Found(NamedTuple):
    """What a path names: the absolute root, sorted relative paths, and what is left out."""

    root: Path
    names: list[str]
    left: list[Left]


def root_of(path: str) -> tuple[Path, str | None]:
    """(root, pattern below it) of a path: the root is the longest path without a wildcard.

    A single file's root is its folder and the pattern its escaped name; a folder has none.
    """
    if not any(mark in path for mark in _WILD) or os.path.lexists(path):
        target = Path(path)
        if target.is_dir():
            return target, None
        return target.parent, escape(target.name)
    parts = Path(path).parts
    first = next(n for n, part in enumerate(parts) if any(mark in part for mark in _WILD))
    return Path(*parts[:first]), str(Path(*parts[first:]))


def find(path: str, suffixes: tuple[str, ...]) -> Found:
    """The regular files that a path names, with forward slashes in their names.

    A folder gives all its files with one of the suffixes, below any depth; a pattern gives what
    it matches (`**` any depth). Hidden files and folders are left out unless named. The path
    itself may be a link. UsageError when nothing is there.
    """
    root, pattern = root_of(path)
    named = os.path.lexists(path)
    if pattern is not None and named:
        _check_named(path)
        return Found(root.resolve(), [Path(path).name], [])
    listing = _Listing(root.resolve())
    if pattern is None:
        listing.folder(suffixes)
        plain = [end for end in suffixes if end.count(".") == 1 and end not in _ARCHIVES]
        wanted = f"files ending in {' '.join(plain)} (plain, compressed or in archives)"
    else:
        listing.matching("", Path(pattern).parts)
        wanted = "files matching it"
    names, left = sorted(listing.names), [listing.left[name] for name in sorted(listing.left)]
    if not names and not left:
        exists = root.exists() and (pattern is None or any(mark in path for mark in _WILD))
        raise UsageError(f"{path}: there are no {wanted}" if exists else f"{path}: not found")
    return Found(listing.root, names, left)


def unread(path: str, suffixes: tuple[str, ...], shown: str) -> str | None:
    """A sentence on the files of a folder that no suffix names, by their endings; None where there
    are none, or where a pattern says which are read. shown: what the path is called."""
    root, pattern = root_of(path)
    if pattern is not None or not suffixes:
        return None
    listing = _Listing(root.resolve())
    listing.folder(("",))
    others = [name for name in listing.names if not name.lower().endswith(suffixes)]
    endings = Counter(map(_ending, sorted(others))).most_common()
    if not endings:
        return None
    told = ", ".join(f"{number:,} {ending}" for ending, number in endings[:_ENDINGS])
    more = len(endings) - _ENDINGS
    told += f" and {more:,} more endings" if more > 0 else ""
    first = next((one for one, _ in endings if one.startswith(".")), "")
    files = "1 file is" if len(others) == 1 else f"{len(others):,} files are"
    pattern = f"{shown.rstrip('/')}/**/*{first}*"
    return f"{files} not read by the ending of the name ({told}); {pattern!r} reads such"


def _ending(name: str) -> str:
    """The ending of a file's name; of a saved address without what is asked of it."""
    return Path(name.partition("?")[0]).suffix.lower() or "without an ending"


def _check_named(path: str) -> None:
    """UsageError for a single path that is no regular file."""
    whole = os.path.abspath(path)
    if whole == "/dev/stdin" or whole.startswith(("/dev/fd/", "/proc/self/fd/")):
        raise UsageError(f"{path}: a stream can be read only once; save it to a file and name that")
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    if kind != stat.S_IFREG:
        told = _KINDS.get(kind, "no regular file")
        raise UsageError(f"{path} is {told}, which can't be read twice; save it to a file first")


class _Listing:
    """Walks a folder without following links out of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names: set[str] = set()
        self.left: dict[str, Left] = {}
        self._inside = str(root).rstrip("/") + "/"

    def folder(self, suffixes: tuple[str, ...]) -> None:
        """All files with one of the suffixes, without hidden ones."""
        for name, entry in self._below(""):
            if entry.name.lower().endswith(suffixes) or _leads_to_folder(entry):
                self._take(name, entry)

    def matching(self, below: str, segments: Sequence[str]) -> None:
        """The files that match a pattern, as `glob` has it, without hidden ones."""
        first, rest = segments[0], segments[1:]
        if first == "**":
            folders = [below]
            for name, entry in self._below(below, folders):
                if not rest or _leads_to_folder(entry):
                    self._take(name, entry)
            for folder in folders if rest else ():
                self.matching(folder, rest)
            return
        for name, entry in self._entries(below):
            hidden = entry.name.startswith(".") and not first.startswith(".")
            if hidden or not fnmatch.fnmatchcase(entry.name, first):
                continue
            if not entry.is_dir(follow_symlinks=False):
                if not rest or _leads_to_folder(entry):
                    self._take(name, entry)
            elif rest:
                self.matching(name, rest)

    def _below(
        self, below: str, seen: list[str] | None = None
    ) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """What is no folder at any depth, without what is hidden; `seen` gets the folders."""
        folders = [below]
        while folders:
            for name, entry in self._entries(folders.pop()):
                if entry.name.startswith("."):
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    yield name, entry
                    continue
                folders.append(name)
                if seen is not None:
                    seen.append(name)

    def _entries(self, below: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        try:
            with os.scandir(self.root / below) as found:
                entries = list(found)
        except OSError as error:
            if below or error.errno not in (errno.ENOENT, errno.ENOTDIR):
                self._leave(below or ".", "unreadable", error=error.strerror)
            return
        for entry in entries:
            yield (f"{below}/{entry.name}" if below else entry.name), entry

    def _take(self, name: str, entry: os.DirEntry[str]) -> None:
        if entry.is_file(follow_symlinks=False):
            self.names.add(name)
        elif entry.is_symlink():
            self._link(name)
        else:
            self._special(name, self.root / name)

    def _link(self, name: str) -> None:
        path = self.root / name
        try:
            shown = os.readlink(path)
            target = os.path.realpath(path, strict=True)
            if os.path.isdir(target):
                told = "it leads to a folder" if self._holds(target) else "it leads away"
                self._leave(name, "link", target=shown, error=told)
            elif not self._holds(target):
                self._leave(name, "link", target=shown, error="it leads away")
            else:
                self._special(name, Path(target))
        except OSError as error:
            self._leave(name, "unreadable", error=error.strerror)

    def _holds(self, target: str) -> bool:
        return target.startswith(self._inside) or target == str(self.root)

    def _special(self, name: str, path: Path) -> None:
        """A file that may be no regular one."""
        try:
            kind = stat.S_IFMT(os.stat(path).st_mode)
        except OSError as error:
            self._leave(name, "unreadable", error=error.strerror)
            return
        if kind == stat.S_IFREG:
            self.names.add(name)
        else:
            self._leave(name, "unreadable", error=_KINDS.get(kind, "no regular file"))

    def _leave(self, name: str, reason: str, **evidence: Any) -> None:
        self.left[name] = Left(name, reason, evidence)


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False


def opened(path: Path) -> BinaryIO:
    """A regular file, open to be read; OSError for anything else, which is never waited for."""

    def open_(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    file = open(path, "rb", opener=open_)  # noqa: SIM115 - the caller closes it
    kind = stat.S_IFMT(os.fstat(file.fileno()).st_mode)
    if kind == stat.S_IFREG:
        return file
    file.close()
    raise OSError(errno.EINVAL, _KINDS.get(kind, "not a regular file"))


def left_out(root: Path, left: Sequence[Left]) -> list[Part]:
    """Parts without files, whose items are the faults of what a listing left out."""
    return [
        Part(str(root), detail={"left": [list(one) for one in left[at : at + _LEFT]]})
        for at in range(0, len(left), _LEFT)
    ]


def size_of(path: Path) -> int:
    """Bytes of a file; 0 for one that has vanished, which is a fault when it is to be read."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def bundles(root: Path, names: Iterable[str], size: int) -> list[Part]:
    """Parts of several small files each, cut by the hash of names and at `size` bytes."""
    parts: list[Part] = []
    bundle: list[str] = []
    held = 0
    for name in names:
        bytes_ = size_of(root / name)
        if bundle and held + bytes_ > size:
            parts.append(Part(str(root), tuple(bundle)))
            bundle, held = [], 0
        bundle.append(name)
        held += bytes_
        digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=4).digest()
        if int.from_bytes(digest, "big") % BUNDLE_FILES == 0:
            parts.append(Part(str(root), tuple(bundle)))
            bundle, held = [], 0
    if bundle:
        parts.append(Part(str(root), tuple(bundle)))
    return parts
