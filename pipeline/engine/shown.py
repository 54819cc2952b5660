"""Folders that people see: hard links into the store, put in the place of the last ones whole."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.engine.store import Entry, EntryManifest, lives
from stages import owned
from stages.corpus import sha256_of, write_json
from stages.disk import flush
from stages.errors import StageFailed, UsageError
from stages.manifest import MADE_BY, MANIFEST, Manifest, Mark

_SWAPS = 20  # attempts at putting a folder in the place of another, when runs compete


class Shown(EntryManifest, Mark):
    """The manifest of an entry that people see."""


def show_entry(entry: Entry, folder: Path) -> None:
    """Make `folder` show an entry of the store as it is."""
    links = {name: entry.path / name for name in entry.manifest["files"]}
    manifest: Shown = {**entry.manifest, **MADE_BY}
    show(folder, manifest, links)


def show(
    folder: Path,
    manifest: Manifest | Shown,
    links: Mapping[str, Path],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Make `folder` hold exactly these files and this manifest; what is right already stays.

    check: looks at the content of the files before anybody is shown it; raises Damaged.

    What is in its place is replaced when it is seedbed's; else `Foreign`, and it stays. A link
    stays a link: the folder that it leads to is made.
    """
    folder = owned.resolved(folder)
    if _is_shown(folder, manifest, links):
        return
    check()
    owned.check_replaceable(folder)
    owned.make(folder.parent)
    new = folder.parent / f".new-{os.getpid()}-{secrets.token_hex(4)}"
    new.mkdir()
    try:
        write_json(new / MANIFEST, manifest)  # first: what a kill leaves is known for ours
        for name, source in links.items():
            target = new / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(source, target)
        for made in {new, *((new / name).parent for name in links)}:
            flush(made)
        for _ in range(_SWAPS):
            if _takes_place(new, folder):
                flush(folder.parent)
                return
            if _is_shown(folder, manifest, links):
                return  # another run was faster
            _clear(folder)
        raise StageFailed(f"{folder} is being made by several runs at once; run again")
    finally:
        owned.remove(new, {*links, MANIFEST})


def _takes_place(new: Path, folder: Path) -> bool:
    """Whether the new folder could take the name of a missing or empty one."""
    try:
        new.rename(folder)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            return False
        if error.errno == errno.EBUSY:
            raise UsageError(
                f"{folder} cannot be replaced, something is mounted there; name a folder in it"
            ) from None
        raise
    return True


def _clear(folder: Path) -> None:
    """Take a folder of ours away. It is put aside before it is looked through, so that what is
    found is what is removed; with anything of others in it, it is put back."""
    owned.check_replaceable(folder)
    aside = folder.parent / f".old-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return
    try:
        names = owned.names_in(aside)
    except owned.Foreign as problem:
        try:
            aside.rename(folder)
        except OSError:
            raise owned.Foreign(f"{problem} (what was in {folder} is now {aside})") from None
        raise owned.Foreign(str(problem).replace(str(aside), str(folder))) from None
    owned.remove(aside, names)


_HALF_SHOWN = re.compile(r"\.(new|old)-([0-9]+)-[0-9a-f]{8}")


def sweep(folder: Path) -> None:
    """Remove what killed processes of this machine left half shown in a run's folder."""
    for path in [*folder.glob(".*-*-*"), *folder.glob("steps/.*-*-*")]:
        name = _HALF_SHOWN.fullmatch(path.name)
        if name is None or lives(int(name[2])) or path.is_symlink() or not path.is_dir():
            continue
        try:
            owned.remove(path, owned.names_in(path))
        except owned.Foreign:
            if name[1] == "new" and [one.name for one in path.iterdir()] == [MANIFEST]:
                owned.remove(path, {MANIFEST})  # killed while it was being written


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o444)
        flush(target)


def _is_shown(folder: Path, manifest: Manifest | Shown, links: Mapping[str, Path]) -> bool:
    try:
        if owned.manifest_of(folder) != json.loads(json.dumps(manifest)):
            return False
        for name, source in links.items():
            shown, kept = (folder / name).stat(), source.stat()
            same = (shown.st_dev, shown.st_ino) == (kept.st_dev, kept.st_ino)
            if not same and (
                shown.st_size != kept.st_size or sha256_of(folder / name) != sha256_of(source)
            ):
                return False
    except (OSError, ValueError):
        return False
    return True
