"""The store: whole entries or none, whoever races, whatever is damaged."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.engine.store import Store
from pipeline.trouble import is_full
from stages import disk

KEY = "ab" + "0" * 62


def _put(store: Store, text: str = "hello", key: str = KEY) -> dict[str, object]:
    def write(folder: Path) -> dict[str, object]:
        (folder / "sub").mkdir()
        (folder / "data").write_text(text)
        (folder / "sub/more").write_text("more")
        return {"rows": 3}

    return store.put(key, write, "data").manifest


def test_an_entry_is_read_back_and_read_only(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get(KEY) is None
    manifest = _put(store)
    entry = store.get(KEY)
    assert entry is not None and entry.manifest == manifest
    assert manifest["rows"] == 3 and manifest["files"] == {"data": 5, "sub/more": 4}
    assert entry.sha256 == entry.manifest["hashes"]["data"]
    assert (entry.path / "data").stat().st_mode & 0o222 == 0
    assert list(store.all()) == [KEY] and store.size() > 9
    assert not list((tmp_path / "tmp").iterdir())


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def write(folder: Path) -> dict[str, object]:
        (folder / "data").write_text("half")
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="middle"):
        store.put(KEY, write)
    assert store.get(KEY) is None and not list((tmp_path / "tmp").iterdir())


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def _edit(path: Path) -> None:
    path.write_bytes(b"J" + path.read_bytes()[1:])


def _later(path: Path) -> None:
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 5_000_000_000))


@pytest.mark.parametrize("name", ["data", "sub/more", "manifest.json"])
@pytest.mark.parametrize("damage", [_cut, _edit, _later, Path.unlink])
def test_a_damaged_entry_does_not_count_and_is_replaced(
    tmp_path: Path, name: str, damage: object
) -> None:
    store = Store(tmp_path)
    before = _put(store)
    path = store.path(KEY) / name
    path.chmod(0o644)
    assert callable(damage)
    damage(path)
    if damage is _later:
        assert store.get(KEY) is not None  # only its time changed: the content decides
        return
    if damage is _edit:
        _later(path)  # a machine's clock may be coarser than two writes in a row
    assert store.get(KEY) is None
    _put(store)
    entry = store.get(KEY)
    assert entry is not None and entry.manifest == before
    assert not list((tmp_path / "tmp").iterdir())


def test_a_manifest_with_another_count_does_not_count(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.path(KEY) / "manifest.json"
    manifest = _put(store)
    path.chmod(0o644)
    path.write_text(json.dumps({**manifest, "rows": 4}))
    assert store.get(KEY) is None
    path.write_text(json.dumps(["not", "a", "manifest"]))
    assert store.get(KEY) is None


def test_a_file_that_lost_its_end_in_a_crash_does_not_count(tmp_path: Path) -> None:
    """Its time is that of before: the end never reached the disk."""
    store = Store(tmp_path)
    before = _put(store)
    path = store.path(KEY) / "data"
    times = path.stat()
    path.chmod(0o644)
    _cut(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert store.get(KEY) is None
    assert _put(store) == before


@pytest.mark.parametrize("at_once", [True, False])
def test_all_of_an_entry_is_flushed_before_it_has_its_name(
    at_once: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, or where the system has no call for that file by file."""
    store = Store(tmp_path)
    (store.objects / KEY[:2]).mkdir()
    done: list[tuple[str, str]] = []
    flush, rename = os.fsync, Path.rename

    def flushed(descriptor: int) -> None:
        done.append(("flushed", os.readlink(f"/proc/self/fd/{descriptor}")))
        flush(descriptor)

    def all_flushed(folder: Path) -> bool:
        names = [*folder.rglob("*"), folder] if at_once else []
        done.extend(("flushed", str(path)) for path in names)
        return at_once

    def renamed(self: Path, target: Path) -> Path:
        done.append(("renamed", str(self)))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(disk, "_flush_file_system", all_flushed)
    monkeypatch.setattr(Path, "rename", renamed)
    _put(store)
    (at,) = [number for number, (what, _) in enumerate(done) if what == "renamed"]
    temporary = done[at][1]
    names = ["data", "sub/more", "manifest.json", "sub", ""]
    assert sorted(done[:at]) == sorted(("flushed", str(Path(temporary) / name)) for name in names)
    assert done[at + 1 :] == [("flushed", str(store.objects / KEY[:2]))], "then the name"


@pytest.mark.parametrize(
    ("kind", "release", "number"),
    [
        (0xEF53, "5.4.0-generic", 0),  # which tells of no write that failed
        (0x65735546, "6.1.0", 0),  # FUSE
        (0xEF53, "6.1.0", errno.ENOSYS),
        (0xEF53, "6.1.0", errno.EPERM),  # a sandbox
    ],
)
def test_where_all_cannot_be_flushed_at_once_each_file_is(
    kind: int, release: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class System:
        def fstatfs(self, descriptor: int, about: Any) -> int:
            about[0] = kind
            return 0

        def syncfs(self, descriptor: int) -> int:
            ctypes.set_errno(number)
            return -1 if number else 0

    flushed: list[str] = []
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "data").write_text("a")
    monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: System())
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(release=release))
    monkeypatch.setattr(disk, "flush", lambda path: flushed.append(path.name))
    disk.flush_below(tmp_path)
    assert flushed == ["sub", "data", tmp_path.name]


def test_a_write_that_failed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class System:
        def fstatfs(self, descriptor: int, about: Any) -> int:
            about[0] = 0xEF53
            return 0

        def syncfs(self, descriptor: int) -> int:
            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: System())
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(release="6.1.0"))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        disk.flush_below(tmp_path)


def test_writers_of_one_key_all_succeed_and_one_entry_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    barrier = threading.Barrier(8)
    results: list[object] = []

    def writer() -> None:
        barrier.wait()
        results.append(_put(store)["hashes"])

    threads = [threading.Thread(target=writer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 and all(one == results[0] for one in results)
    assert list(store.all()) == [KEY] and not list((tmp_path / "tmp").iterdir())


def test_only_one_at_a_time_has_the_work_folder(tmp_path: Path) -> None:
    store = Store(tmp_path)
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        waiting.set()
        with store.work(KEY) as folder:
            order.append((folder / "checkpoint").read_text())

    with store.work(KEY) as folder:
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        thread.join(0.2)
        assert not order, "the second waits"
        (folder / "checkpoint").write_text("of the first")
    thread.join(5)
    assert order == ["of the first"]
    store.finish(KEY)
    assert not list((tmp_path / "work").iterdir())


def test_sweep_removes_what_dead_processes_left(tmp_path: Path) -> None:
    store = Store(tmp_path)
    host = os.uname().nodename
    dead = 2**22 - 3
    for name in (
        f".tmp-key-{host}-{dead}-aa11",
        f".tmp-key-{host}-{os.getpid()}-bb22",
        ".tmp-key-elsewhere-1-cc33",
        ".gone-key-dd44",
    ):
        (tmp_path / "tmp" / name).mkdir(parents=True)
    assert store.sweep() == 0, "all are younger than an hour"
    assert store.sweep(0.0) == 2
    left = {path.name.split("-")[2] for path in (tmp_path / "tmp").iterdir()}
    assert left == {host.split("-")[0], "elsewhere"}


def test_which_errors_say_that_the_disk_is_full() -> None:
    import errno

    assert is_full(OSError(errno.ENOSPC, "")) and is_full(OSError(errno.EDQUOT, ""))
    assert not is_full(OSError(errno.EACCES, ""))


def test_unfinished_work_is_found_by_an_owner_of_any_name(tmp_path: Path) -> None:
    store, owner = Store(tmp_path / "s"), os.fsdecode(b"/runs/\xff 01-train")
    with store.work("k", owner) as folder:
        assert store.unfinished(owner) == {"k": folder}
        assert store.unfinished("another") == {}
