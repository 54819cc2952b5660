"""Which files a source reads: patterns, roots, and bundles of small files cut by content."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from stages.base import Part
from stages.errors import UsageError

# A bundle ends after a file whose hashed name hits one in this many, so that one file more or
# less moves no border but its own bundle's.
BUNDLE_FILES = 64
_ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz")  # not named among what a folder lacks
_WILD = ("*", "?", "[")


def root_of(path: str) -> tuple[Path, str | None]:
    """(root, pattern below it) of a path: the root is the longest path without a wildcard.

    A single file's root is its folder and the pattern its escaped name; a folder has none.
    """
    if not any(mark in path for mark in _WILD) or os.path.exists(path):
        target = Path(path)
        if target.is_dir():
            return target, None
        return target.parent, glob.escape(target.name)
    parts = Path(path).parts
    first = next(n for n, part in enumerate(parts) if any(mark in part for mark in _WILD))
    return Path(*parts[:first]), str(Path(*parts[first:]))


def find(path: str, suffixes: tuple[str, ...]) -> tuple[Path, list[str]]:
    """(absolute root, sorted relative paths with forward slashes) of what a path names.

    A folder gives all its files with one of the suffixes, below any depth; a pattern gives what
    it matches (`**` any depth). Hidden files and folders are left out unless named.
    UsageError when nothing is there.
    """
    root, pattern = root_of(path)
    if pattern is None:
        names = [name for name in _walk(root) if name.lower().endswith(suffixes)]
        plain = [end for end in suffixes if end.count(".") == 1 and end not in _ARCHIVES]
        wanted = f"files ending in {' '.join(plain)} (plain, compressed or in archives)"
    else:
        names = [
            Path(name).as_posix()
            for name in glob.glob(pattern, root_dir=root, recursive=True)
            if (root / name).is_file()
        ]
        wanted = "files matching it"
    if not names:
        exists = root.exists() and (pattern is None or any(mark in path for mark in _WILD))
        raise UsageError(f"{path}: there are no {wanted}" if exists else f"{path}: not found")
    return root.resolve(), sorted(set(names))


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if not name.startswith("."):
                yield Path(folder, name).relative_to(root).as_posix()


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
