"""What is seedbed's own, so that nothing else is ever replaced or removed.

A folder that seedbed shows holds a manifest with its mark and no file that the manifest does not
list. Folders of runs, stores and unfinished work hold a file of fixed content. What looks
otherwise belongs to somebody: it is left as it is and named. No link is followed on the way.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeGuard

from stages.corpus import sha256_of
from stages.disk import flush
from stages.errors import UsageError
from stages.manifest import MADE_BY, MANIFEST, Unchecked
from stages.records import FORMAT

RUN, STORE, WORK = "run", "store", "work"
_REMEDIES = {
    RUN: "name another `out` or `name`",
    STORE: "name another with --store or `store:`, or another place for the output",
    WORK: "move it away",
}
_LONGEST = 256 << 20  # bytes of a manifest; one of a million pieces has about 200 MB
_PIECE = re.compile(r"(data|rejects)/[0-9]{5,}\.arrow")
_TOLD = 3
_LOOKS = 5  # at a folder that others change meanwhile


class Foreign(UsageError):
    """What is in the way is not seedbed's."""


# --- marks --------------------------------------------------------------------------------------


def mark_of(kind: str) -> str:
    """The name of the file that marks a folder as a run's, a store, or one of unfinished work."""
    return f".seedbed-{kind}"


def is_marked(folder: Path, kind: str) -> bool:
    """Whether a folder holds the mark."""
    path = folder / mark_of(kind)
    try:
        return stat.S_ISREG(path.lstat().st_mode) and path.read_bytes() == _content(kind)
    except (OSError, ValueError):
        return False


def _content(kind: str) -> bytes:
    return f"seedbed {kind}\n".encode()


def refusal(folder: Path, kind: str) -> str | None:
    """Why a folder cannot become or go on as a run's, a store, ...; None: it can."""
    if blocker := obstacle(folder):
        return f"{_shown(str(blocker))} is no folder; {_REMEDIES[kind]}"
    if is_marked(folder, kind):
        return None
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return None
    if _unwritten(folder, names, kind) or is_marked(folder, kind):
        return None
    return (
        f"{_shown(str(folder))} is no {kind} of seedbed's (it has no {mark_of(kind)}) and holds "
        f"{told(names)}: it is left as it is; {_REMEDIES[kind]}"
    )


def _unwritten(folder: Path, names: list[str], kind: str) -> bool:
    """Whether a folder is empty but for a mark that is just being written, or was cut."""
    if names != [mark_of(kind)]:
        return not names
    path = folder / names[0]
    try:
        return stat.S_ISREG(path.lstat().st_mode) and _content(kind).startswith(path.read_bytes())
    except OSError:
        return False


def claim(folder: Path, kind: str) -> None:
    """Mark a missing or empty folder; one that is marked stays. `Foreign` for any other."""
    if is_marked(folder, kind):
        return
    if problem := refusal(folder, kind):
        raise Foreign(problem)
    make(folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
    with open(os.open(folder / mark_of(kind), flags, 0o644), "wb") as file:
        file.write(_content(kind))
        file.flush()
        os.fsync(file.fileno())
    flush(folder)


def make(folder: Path) -> None:
    """Make a folder and those that are missing above it; their names reach the disk."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in reversed(missing):
        flush(path.parent)


# --- folders with a manifest --------------------------------------------------------------------


def manifest_of(folder: Path) -> Unchecked | None:
    """The manifest of a folder if it is seedbed's; None for any other, whatever it is."""
    path = folder / MANIFEST
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST:
            return None
        text = path.read_bytes()
        found = json.loads(text) if b'"made_by"' in text else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if _is_ours(found) else None


def _is_ours(found: object) -> TypeGuard[Unchecked]:
    if not isinstance(found, dict) or found.get("made_by") != MADE_BY["made_by"]:
        return False
    return bool(found.get("format") == FORMAT)


def names_in(folder: Path) -> set[str]:
    """The files of a folder that may be replaced: what its manifest lists, and the manifest.

    Empty for a missing or empty folder. In the folder of a run the pieces of a corpus that lost
    its manifest will do. `Foreign` when anything else is there.
    """
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise Foreign(f"{_shown(str(folder))} is no folder; {_ELSEWHERE}")
        if os.path.ismount(folder):
            raise Foreign(f"{_shown(str(folder))} is a mounted disk; name a folder in it")
        if not os.listdir(folder):
            return set()
    except FileNotFoundError:
        return set()
    manifest = manifest_of(folder)
    if manifest is not None:
        listed = _listed(manifest)
    elif not os.path.lexists(folder / MANIFEST) and _in_run(folder):
        listed = {name for name, _ in _below(folder) if _PIECE.fullmatch(name)}
    else:
        raise Foreign(
            f"{_shown(str(folder))} holds {told(_some(folder))} and no manifest of seedbed's: it "
            f"is left as it is; {_ELSEWHERE}"
        )
    parents, (sizes, hashes, shown) = _parents(listed), _written(folder, manifest or {})
    foreign = []
    for name, is_folder in _below(folder):
        if name not in (parents if is_folder else listed):
            foreign.append(name)
        elif name in hashes and _changed(folder / name, sizes.get(name), hashes[name], shown):
            foreign.append(f"{name} (changed since)")
        if len(foreign) > _TOLD:
            break
    if foreign:
        raise Foreign(
            f"{_shown(str(folder))} holds what seedbed did not put there: {told(foreign)}; it is "
            f"left as it is; {_ELSEWHERE}"
        )
    return listed


_Values = dict[str, object]
_ELSEWHERE = "move that away or name another folder"


def _some(folder: Path) -> list[str]:
    """A few of the files below a folder; of its folders, when a short look finds no file."""
    below = list(itertools.islice(_below(folder), 500))
    return [name for name, is_folder in below if not is_folder] or [name for name, _ in below]


def _written(folder: Path, manifest: Unchecked) -> tuple[_Values, _Values, int]:
    """(sizes, hashes, time of the manifest) of an end stage's files and of a corpus's data, as they
    were shown."""
    sizes, hashes = manifest.get("files"), manifest.get("hashes")
    if not isinstance(sizes, dict) or not isinstance(hashes, dict):
        pieces = manifest.get("pieces")
        known = [one for one in pieces if isinstance(one, dict)] if isinstance(pieces, list) else []
        sizes = {str(one.get("data")): one.get("bytes") for one in known}
        hashes = {str(one.get("data")): one.get("sha256") for one in known}
    try:
        return sizes, hashes, (folder / MANIFEST).lstat().st_mtime_ns
    except OSError:
        return sizes, hashes, 0


def _changed(path: Path, size: object, digest: object, shown: int) -> bool:
    """Whether somebody has worked on a file since it was shown, or put one of his in its place. If
    it cannot be written, as it was shown, a change is damage, and is put right."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o222:
            return False
        as_shown = status.st_size == size and status.st_mtime_ns <= shown
        return not as_shown and sha256_of(path) != digest
    except OSError:
        return False


def check_file(path: Path) -> None:
    """`Foreign` when a JSON file that is to be made may not stand there: what stands there is
    replaced when it has the mark of a manifest, and nothing else is."""
    place = resolved(path)
    if not place.parent.is_dir():
        raise Foreign(f"{_shown(str(path))}: there is no folder {_shown(str(place.parent))}")
    if not os.path.lexists(place):
        return
    try:
        whole = place.read_bytes() if stat.S_ISREG(place.lstat().st_mode) else b""
        found = json.loads(whole) if len(whole) < _LONGEST else None
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("made_by") != MADE_BY["made_by"]:
        raise Foreign(f"{_shown(str(path))} is no file of seedbed's; name another -o")


def check_replaceable(folder: Path) -> None:
    """`Foreign` when a folder may not be replaced; it may be changed by other runs meanwhile."""
    for _ in range(_LOOKS):
        before = _stamp(folder)
        try:
            names_in(folder)
            return
        except Foreign:
            if _stamp(folder) == before:
                raise
    names_in(folder)


def _stamp(folder: Path) -> tuple[int, int, int] | None:
    try:
        status = folder.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_ctime_ns


def _listed(manifest: Unchecked) -> set[str]:
    names = {MANIFEST}
    pieces, files = manifest.get("pieces"), manifest.get("files")
    for piece in pieces if isinstance(pieces, list) else ():
        if isinstance(piece, dict):
            names |= {n for role in ("data", "rejects") if isinstance(n := piece.get(role), str)}
    hashes = manifest.get("hashes")
    if isinstance(files, dict) and isinstance(hashes, dict):
        names |= set(files) & set(hashes)
    return names


def _parents(names: Collection[str]) -> set[str]:
    found = set()
    for name in names:
        while (name := name.rpartition("/")[0]) and name not in found:
            found.add(name)
    return found


def _in_run(folder: Path) -> bool:
    return is_marked(folder.parent, RUN) or is_marked(folder.parent.parent, RUN)


def _below(folder: Path) -> Iterator[tuple[str, bool]]:
    """(relative path, whether it is a folder) of everything below; a link is no folder."""
    waiting = [""]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(folder / here) as there:
                found = sorted((one.name, one.is_dir(follow_symlinks=False)) for one in there)
        except FileNotFoundError:
            continue
        except OSError:  # what cannot be looked into may be anybody's
            yield f"{here}/...", False
            continue
        paths = [(f"{here}/{name}" if here else name, is_folder) for name, is_folder in found]
        yield from paths
        waiting.extend(path for path, is_folder in reversed(paths) if is_folder)


def remove(folder: Path, names: Collection[str]) -> None:
    """Remove the files of these names below a folder and what folders are empty then.

    The manifest goes last: after a kill the rest is still known for ours.
    """
    parents = _parents(names)
    below = list(_below(folder))
    folders = [folder, *(folder / name for name, is_folder in below if name in parents)]
    files = [name for name, is_folder in below if not is_folder and name in names]
    for name in sorted(files, key=lambda name: name == MANIFEST):
        with contextlib.suppress(OSError):
            (folder / name).unlink()
    for one in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        with contextlib.suppress(OSError):
            one.rmdir()


# --- paths --------------------------------------------------------------------------------------


def resolved(path: str | os.PathLike[str]) -> Path:
    """What a path leads to, through links, there or not; UsageError for what can be no path."""
    shown = _shown(os.fspath(path))
    try:
        found = os.path.realpath(os.path.join(os.getcwd(), path))
    except FileNotFoundError:
        raise UsageError("the working folder is gone: run again from one that is there") from None
    except ValueError:  # a zero byte, half a character
        raise UsageError(f"{shown} can be no name of a file or folder; name another") from None
    try:
        circle = stat.S_ISLNK(os.lstat(found).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return Path(found)
    except OSError as error:
        raise UsageError(f"{shown}: {error.strerror}; name another") from None
    except ValueError:  # a zero byte, half a character
        raise UsageError(f"{shown} can be no name of a file or folder; name another") from None
    if circle:
        raise UsageError(f"{shown} is a link that leads in a circle")
    return Path(found)


def obstacle(folder: Path) -> Path | None:
    """What is in the way of making a folder: itself or one above it that is there and no folder."""
    for path in (folder, *folder.parents):
        if os.path.lexists(path):
            return None if path.is_dir() else path
    return None


def relation(path: Path, other: Path) -> str | None:
    """How a resolved path lies to another: it `is` it, lies `in` it, `above` it; None: apart.

    Names are compared and, of what is there, the files themselves: spelling may differ.
    """
    if same(path, other):
        return "is"
    if any(same(parent, other) for parent in path.parents):
        return "lies in"
    if any(same(path, parent) for parent in other.parents):
        return "lies above"
    return None


def same(one: Path, other: Path) -> bool:
    """Whether two paths are one file or folder."""
    if one == other:
        return True
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def told(names: Collection[str]) -> str:
    """A few names for people."""
    some = [_shown(name) for name in names][: _TOLD + 1]
    return ", ".join(some[:_TOLD]) + (" and more" if len(some) > _TOLD else "")


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)
