"""gc keeps what the last three runs name, and never works beside a run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pipeline.engine.gc import RunRecord, collect
from pipeline.engine.store import Store
from stages.errors import UsageError
from tests.pipeline import world
from tests.pipeline.world import end, named, seedbed, start, stored


def _entry(store: Store, number: int) -> str:
    key = f"{number:064x}"

    def write(folder: Path) -> dict[str, object]:
        (folder / "data").write_text(str(number))
        return {}

    store.put(key, write)
    return key


def _run(store: Store, *keys: str, done: bool = True) -> None:
    mark = RunRecord(store, "t")
    mark.add(keys)
    mark.close(done)


def test_the_last_three_finished_runs_stay(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keys = [_entry(store, number) for number in range(6)]
    for key in keys[:5]:
        _run(store, key, keys[0])
    assert collect(tmp_path) == (2, _size(store, 2) // 2 * 2)
    assert set(store.all()) == {keys[0], *keys[2:5]}
    assert collect(tmp_path) == (0, 0)
    assert collect(tmp_path, 1)[0] == 2 and set(store.all()) == {keys[0], keys[4]}
    assert collect(tmp_path, 0)[0] == 2 and not list(store.all())


def _size(store: Store, entries: int) -> int:
    """Bytes of that many of the equal entries that are there."""
    return store.size() // len(list(store.all())) * entries


def test_what_an_unfinished_run_made_stays_so_that_it_can_go_on(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keys = [_entry(store, number) for number in range(6)]
    _run(store, keys[0], done=False)
    for key in keys[1:4]:
        _run(store, key)
    _run(store, keys[4], done=False)
    RunRecord(store, "killed")._lock.close()
    (store.root / "runs" / "0001-cut.jsonl").write_text('{"name": "t", "process": 1}\n["abc')
    with store.work(keys[4]) as folder:
        (folder / "checkpoint").touch()
    with store.work("f" * 64) as folder:
        (folder / "checkpoint").touch()
    assert collect(tmp_path)[0] == 2, "keys[0] is older than the last three, keys[5] unnamed"
    assert set(store.all()) == set(keys[1:5])
    assert {path.name for path in (tmp_path / "work").iterdir()} == {keys[4], f"{keys[4]}.lock"}


def test_gc_waits_for_no_run_and_refuses(tmp_path: Path) -> None:
    store = Store(tmp_path)
    mark = RunRecord(store, "t")
    with pytest.raises(UsageError, match=r"a run is under way.*\(process \d+\)"):
        collect(tmp_path)
    mark.close(True)
    collect(tmp_path)
    with pytest.raises(UsageError, match="is not a store"):
        collect(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="at least 0"):
        collect(tmp_path, -1)


def test_gc_beside_a_run_is_refused_and_after_its_kill_it_works(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(30))
    (tmp_path / "mine.py").write_text(
        "import os, time\n\ndef f(record):\n"
        "    time.sleep(0 if os.path.exists('go') else 30)\n    return record\n"
    )
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[normalize, apply: {function: 'mine:f'}]")
    process = start("run", "t.yaml", cwd=tmp_path)
    try:
        world.begins(tmp_path, "03-apply")
        done = seedbed("gc", cwd=tmp_path, code=2)
        assert "a run is under way" in done.stderr and str(process.pid) in done.stderr
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    finally:
        end(process)
    finished = stored(tmp_path)
    assert len(finished) >= 2
    done = seedbed("gc", cwd=tmp_path)
    assert done.stdout.startswith("removed")
    (tmp_path / "go").touch()
    seedbed("run", "t.yaml", cwd=tmp_path)
    steps = {s["stage"]: s["computed"] for s in world.account(tmp_path)["steps"]}
    assert steps == {"jsonl": 0, "normalize": 1, "apply": 1}, "the two are one chain"
    assert named(tmp_path) <= stored(tmp_path)
    (tmp_path / "in.jsonl").write_text('{"prompt": "a?", "completion": "another thing"}\n')
    for _ in range(4):
        seedbed("run", "t.yaml", cwd=tmp_path)
    seedbed("gc", cwd=tmp_path)
    assert not finished & stored(tmp_path), "three runs since then name none of it"
    seedbed("run", "t.yaml", cwd=tmp_path)
    assert all(s["computed"] == 0 for s in world.account(tmp_path)["steps"])


def test_verify_finds_flipped_bits_and_removes_only_those_entries(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(50))
    world.recipe(tmp_path, "jsonl: in.jsonl", "[normalize, dedup]")
    seedbed("run", "t.yaml", cwd=tmp_path)
    before, whole = world.corpora(tmp_path), stored(tmp_path)
    done = seedbed("gc", "--verify", cwd=tmp_path)
    assert f"compared {len(whole)} entries" in done.stdout and stored(tmp_path) == whole
    path = next((tmp_path / ".seedbed/objects").glob("*/*/rejects-0.arrow"))
    times = path.stat()
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[-20] ^= 4
    path.write_bytes(data)
    path.chmod(0o444)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    done = seedbed("gc", "--verify", cwd=tmp_path, code=3)
    assert f"{path}: not what was written" in done.stdout and "1 files were damaged" in done.stderr
    assert stored(tmp_path) == whole - {path.parent.name}
    seedbed("run", "t.yaml", cwd=tmp_path)
    assert stored(tmp_path) == whole and world.corpora(tmp_path) == before
    (tmp_path / "mine").mkdir()
    seedbed("gc", "--verify", "--store", "mine", cwd=tmp_path, code=2)


def test_gc_leaves_links_and_files_that_are_called_like_entries(tmp_path: Path) -> None:
    seedbed_store = Store(tmp_path / "store")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note").write_text("mine")
    folder = seedbed_store.objects / "aa"
    folder.mkdir()
    (folder / ("a" * 64)).symlink_to(tmp_path / "mine")
    (folder / ("aa" + "b" * 62)).write_text("mine")
    kept = tmp_path / "store" / "tmp" / ".tmp-notes"
    kept.mkdir(parents=True)
    (kept / "note").write_text("mine")
    assert collect(tmp_path / "store", 0) == (0, 0)
    assert (folder / ("a" * 64) / "note").read_text() == "mine"
    assert (folder / ("aa" + "b" * 62)).read_text() == "mine"
    assert (kept / "note").read_text() == "mine"


def test_gc_leaves_what_it_did_not_put_into_a_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    key = "ab" + "0" * 62
    store.put(key, lambda folder: {})
    notes = ["note", "objects/note", "objects/ab/note", "objects/ab/0/note", "work/note/note"]
    notes += ["tmp/.mine/note", "runs/mine.jsonl", f"objects/cd/{key}/note"]
    for name in notes:
        (store.root / name).parent.mkdir(parents=True, exist_ok=True)
        (store.root / name).write_text("mine")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/note").write_text("mine")
    (store.root / "work" / ("c" * 64)).symlink_to(tmp_path / "precious")
    assert collect(tmp_path / "link", 0)[0] == 1
    assert set(world.snapshot(store.root)) == {".seedbed-store", "lock", *notes}
    assert (tmp_path / "precious/note").read_text() == "mine"
