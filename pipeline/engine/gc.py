"""`seedbed gc`: remove from the store what the last runs do not name; and how runs name it.

A run writes the keys that it uses into a file of its own under `runs/` and holds a shared lock
on the store, which the kernel takes back when the run dies. gc holds the lock alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.engine.lock import hold
from pipeline.engine.store import Store, lives
from stages import owned
from stages.errors import UsageError

_LOCK = "lock"


class RunRecord:
    """The file of one run: a header, a line for each key, and at the end whether it finished."""

    def __init__(self, store: Store, name: str) -> None:
        folder = store.root / "runs"
        folder.mkdir(exist_ok=True)
        self._lock = open(store.root / _LOCK, "a")  # noqa: SIM115 - held until `close`
        hold(self._lock, exclusive=False)  # waits for a gc that is at work
        self.path = folder / f"{time.time_ns():020d}-{secrets.token_hex(3)}.jsonl"
        self._file = open(self.path, "w", encoding="utf-8")  # noqa: SIM115
        self._write({"name": name, "process": os.getpid()})

    def _write(self, row: object) -> None:
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def add(self, keys: Iterable[str]) -> None:
        """The run uses these entries, whether they are there already or not."""
        self._write(list(keys))

    def close(self, done: bool) -> None:
        """The run is over."""
        with contextlib.suppress(OSError):  # on a full disk an unfinished mark does as well
            self._write({"done": done})
        with contextlib.suppress(OSError):
            self._file.close()
        self._lock.close()

    def forget(self) -> None:
        """The run is over, and what it made need not be kept."""
        self.close(False)
        self.path.unlink(missing_ok=True)


def collect(root: Path, keep_runs: int = 3) -> tuple[int, int]:
    """Remove entries that the last `keep_runs` finished runs of a store do not name.

    What an unfinished run after them made is kept too, so that it can go on. Returns (entries,
    bytes) removed. UsageError while a run is under way.
    """
    if keep_runs < 0:
        raise UsageError(f"the number of runs to keep must be at least 0, not {keep_runs}")
    with _alone(root) as store:
        root = store.root
        store.sweep(0.0)
        kept, gone = _divided(sorted((root / "runs").glob("*.jsonl")), keep_runs)
        named = {
            key
            for path in kept
            for row in _rows(path)
            if isinstance(row, list)
            for key in row
            if isinstance(key, str)
        }
        removed = store.remove([key for key in store.all() if key not in named])
        for path in (root / "work").glob("*"):
            if store.is_key(key := path.name.removesuffix(".lock")) and key not in named:
                real = path.is_dir() and not path.is_symlink()
                shutil.rmtree(path) if real else path.unlink()
        for path in gone:
            path.unlink()
    return removed


class Verified(NamedTuple):
    """What was compared, and the files that were not what was written there. edited: how many of
    them stand in a run's folder too and can be written to, which that folder takes for an edit."""

    entries: int
    bytes: int
    damaged: list[Path]
    edited: int


def verify(root: Path) -> Verified:
    """Compare all content of a store with its hashes, and remove the entries that are damaged."""
    with _alone(root) as store:
        entries, size = sum(1 for _ in store.all()), store.size()
        damaged = list(store.damaged())
        files = [store.path(key) / name for key, names in damaged for name in names]
        edited = sum(map(_is_edited, files))
        store.remove([key for key, _ in damaged])
        return Verified(entries, size, files, edited)


def _is_edited(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return status.st_nlink > 1 and bool(status.st_mode & 0o222)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[Store]:
    """A store that nobody else works on meanwhile; UsageError for another folder, or a run."""
    given, root = root, owned.resolved(root)
    if not owned.is_marked(root, owned.STORE):
        mark = owned.mark_of(owned.STORE)
        raise UsageError(f"{given} is not a store of seedbed's: it has no {mark}; name it: --store")
    store = Store(root)
    with open(root / _LOCK, "a") as lock:
        try:
            if not hold(lock, exclusive=True, wait=False) and _who(root):
                raise BlockingIOError
        except BlockingIOError:
            raise UsageError(
                f"a run is under way in {root}{_who(root)}; wait for its end"
            ) from None
        yield store


def _divided(marks: list[Path], keep_runs: int) -> tuple[list[Path], list[Path]]:
    """(marks to keep, marks to remove): the last finished ones and what is newer stay."""
    marks = [path for path in marks if _is_mark(path)]
    finished = [path for path in marks if {"done": True} in _rows(path)]
    if not keep_runs:
        return [], marks
    first = finished[-keep_runs] if len(finished) >= keep_runs else None
    kept = [path for path in marks if first is None or path >= first]
    return kept, [path for path in marks if path not in kept]


def _is_mark(path: Path) -> bool:
    """Whether a file begins as a mark does; another stays where it is."""
    head = next(iter(_rows(path)), None)
    return isinstance(head, dict) and "process" in head


def _rows(path: Path) -> list[object]:
    """The rows of a mark; the last line of a killed run may be cut."""
    rows: list[object] = []
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            rows.append(json.loads(line))
    return rows


def _who(root: Path) -> str:
    """The process of a run that is under way, as far as the marks tell."""
    for path in sorted((root / "runs").glob("*.jsonl"), reverse=True):
        head, *rest = _rows(path) or [None]
        if not isinstance(head, dict) or any(isinstance(row, dict) for row in rest):
            continue
        process = head.get("process")
        if isinstance(process, int) and lives(process):
            return f" (process {process})"
    return ""
