"""Which files a folder has, for a first look: nothing is opened, and the look has an end."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from stages import owned
from stages.check import problem_with_text

RUN, STORE = owned.RUN, owned.STORE
FILES = 250_000  # of all folders together
SECONDS = 4.0
_TOLD = 5  # names in a sentence


class File(NamedTuple):
    """A regular file: the folder that was given, its name below it, bytes."""

    root: Path
    name: str
    size: int

    @property
    def path(self) -> Path:
        return self.root / self.name


@dataclass
class Folder:
    """What was found. left: why → how many files are left out, and names of the first.
    more: whether the look ended before the end of the folder."""

    files: list[File] = field(default_factory=list)
    left: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    more: bool = False

    def leave(self, why: str, name: str) -> None:
        """Note a file that is left out."""
        number, names = self.left.get(why, (0, []))
        self.left[why] = (number + 1, names if number >= _TOLD else [*names, name])


def listed(paths: list[Path]) -> Folder:
    """The regular files of folders, and files that are named themselves; hidden ones are left out,
    as sources leave them out."""
    found = Folder()
    end = time.monotonic() + SECONDS
    for path in paths:
        if path.is_dir():
            _walk(path, found, end)
        else:
            _take(found, path.parent, path.name, os.stat(path))
    found.files.sort(key=lambda file: (str(file.root), file.name))
    return found


def _walk(root: Path, found: Folder, end: float) -> None:
    folders = [""]
    while folders:
        below = folders.pop()
        for entry in _entries(root, below, found):
            if len(found.files) >= FILES or time.monotonic() > end:
                found.more = True
                return
            name = f"{below}/{entry.name}" if below else entry.name
            if entry.name.startswith("."):
                found.leave("hidden files and folders", name)
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if any(owned.is_marked(root / name, kind) for kind in (RUN, STORE)):
                        found.leave("folders that seedbed made", name)
                    else:
                        folders.append(name)
                elif entry.is_symlink():
                    found.leave("links, which a folder's source does not follow out of it", name)
                else:
                    _take(found, root, name, entry.stat(follow_symlinks=False))
            except OSError as error:
                found.leave(f"cannot be looked at ({error.strerror})", name)


def _entries(root: Path, below: str, found: Folder) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(root / below) as entries:
            yield from entries
    except OSError as error:
        found.leave(f"folders that cannot be listed ({error.strerror})", below or str(root))


def _take(found: Folder, root: Path, name: str, about: os.stat_result) -> None:
    if not stat.S_ISREG(about.st_mode):
        found.leave("pipes, sockets and devices", name)
    elif problem_with_text(name) is not None:
        found.leave("names that are no UTF-8 text: rename them", ascii(name))
    elif not about.st_size:
        found.leave("empty files", name)
    else:
        found.files.append(File(root, name, about.st_size))
