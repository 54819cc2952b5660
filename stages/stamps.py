"""What a file is known by from outside. As long as that stays, so does the content, but for two
changes within one tick of the file system's clock."""

from __future__ import annotations

import os
from collections.abc import Iterable

Stamp = list[int]  # size, time of modification, time of change, inode


def stamp_of(file: str | os.PathLike[str] | int) -> Stamp | None:
    """The stamp of a path, or of an open file by its descriptor; None for one that cannot be
    looked at."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def stamps_of(files: Iterable[os.PathLike[str]]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Paths and stamps of files, to remember what was made of them by."""
    return tuple((os.fspath(file), tuple(stamp_of(file) or ())) for file in files)
