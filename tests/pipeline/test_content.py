"""The store never holds wrong content under a right key, and nothing damaged flows on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine import content
from pipeline.engine.content import FileHashes, Hashed, unchanged, verified
from pipeline.engine.run import run_recipe
from pipeline.engine.store import Store
from pipeline.recipe.checked import read_recipe
from stages.base import Source
from stages.corpus import Corpus, read_arrow
from stages.errors import Changed, StageFailed
from tests.pipeline import world
from tests.pipeline.world import account, seedbed


class Meddling:
    """Does the jobs in this process; something happens to the input before one of them."""

    def __init__(self, meddle: Callable[[], None], times: int = 1, do: str = "read") -> None:
        self.meddle, self.times, self.do = meddle, times, do

    def map(
        self, function: str, jobs: Sequence[dict[str, Any]], *_: Any
    ) -> Iterator[dict[str, Any]]:
        for job in jobs:
            if self.times and job.get("do") == self.do:
                self.times -= 1
                self.meddle()
            yield world.done_here(function, job)

    def close(self) -> None:
        pass


def _texts(folder: Path) -> list[str]:
    return Corpus(folder / "runs/t/corpus").table().column("text").to_pylist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files of one record, and their recipe."""
    for name in "abc":
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / f"in/{name}.jsonl").write_text(f'{{"text": "first words of {name}"}}\n')
        os.utime(tmp_path / f"in/{name}.jsonl", (1_700_000_000, 1_700_000_000))
    world.recipe(tmp_path, "jsonl: {path: in}")
    return tmp_path


def _run(folder: Path, meddle: Callable[[], None] = lambda: None, **how: Any) -> list[str]:
    run_recipe(read_recipe(folder / "t.yaml"), Meddling(meddle, **how))
    return _texts(folder)


FIRST = [f"first words of {name}" for name in "abc"]


def _edited(path: Path) -> None:
    """Other words of the same length, in place, with the time of before."""
    before = path.stat()
    path.write_text(path.read_text().replace("first", "other"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replaced(path: Path) -> None:
    new = path.with_suffix(".new")
    shutil.copy2(path, new)
    new.write_text(path.read_text().replace("first", "other"))
    os.utime(new, (1_700_000_000, 1_700_000_000))
    new.replace(path)


def _grown(path: Path) -> None:
    path.write_text(path.read_text() + '{"text": "more words at the end"}\n')


@pytest.mark.parametrize(
    ("meddle", "then"),
    [
        (_edited, [FIRST[0], FIRST[1], "other words of c"]),
        (_replaced, [FIRST[0], FIRST[1], "other words of c"]),
        (_grown, [*FIRST, "more words at the end"]),
        (Path.unlink, FIRST[:2]),
    ],
)
def test_a_file_that_changes_between_hash_and_reading_is_read_again(
    folder: Path, meddle: Callable[[Path], None], then: list[str]
) -> None:
    path = folder / "in/c.jsonl"
    keep = path.with_suffix(".keep")
    shutil.copy2(path, keep)
    assert _run(folder, lambda: meddle(path)) == then
    assert account(folder)["steps"][0]["counts"]["failed"] == 0
    # As it was before, it is read as it was before: nothing else was stored under its name.
    shutil.copy2(keep, path)
    assert _run(folder) == FIRST
    assert _run(folder, times=0) == FIRST


def test_a_file_that_changes_while_it_is_read_is_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change comes after the first look of the worker, within its work."""
    from stages.extract.jsonl import JsonlExtract

    read, path, once = JsonlExtract.read, folder / "in/b.jsonl", [1]

    def slow(self: JsonlExtract, part: Any) -> Any:
        for item in read(self, part):
            if once and item.place.path == "a.jsonl":
                once.clear()
                _edited(path)
            yield item

    monkeypatch.setattr(JsonlExtract, "read", slow)
    monkeypatch.setattr("stages.base.RowSource.splits", _in_process)
    assert _run(folder) == [FIRST[0], "other words of b", FIRST[2]]
    path.write_text('{"text": "first words of b"}\n')
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert _run(folder, times=0) == FIRST, "nothing else was stored under its name"


def _in_process(self: Any, part: Any, name: str, isolate: bool = False) -> Any:
    return _SPLITS(self, part, name, False)


_SPLITS = Source.splits


def test_a_file_that_never_rests_ends_the_run_with_a_clear_sentence(folder: Path) -> None:
    path = folder / "in/c.jsonl"
    with pytest.raises(StageFailed, match=r"in/c\.jsonl changed while it was read; this was try 3"):
        _run(folder, lambda: _grown(path), times=99)
    assert not stored_texts(folder) & {"more words at the end"}


def stored_texts(folder: Path) -> set[str]:
    """What the pieces of a store say."""

    paths = (folder / ".seedbed/objects").glob("*/*/data.arrow")
    return {text for path in paths for text in read_arrow(path).column("text").to_pylist()}


def test_a_large_file_cut_into_ranges_is_watched_from_the_cut_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "in/b.jsonl"
    world.lines(path, range(300))
    recipe = read_recipe(folder / "t.yaml")
    from dataclasses import replace

    small = replace(recipe, part_bytes=4000)
    hashed, once = FileHashes.hashed, [1]

    def late(self: FileHashes, one: Path, *rest: Any) -> Hashed:
        if once and one == path:
            once.clear()
            path.write_text("\n" + path.read_text())
        return hashed(self, one, *rest)

    monkeypatch.setattr(FileHashes, "hashed", late)
    run_recipe(small, Meddling(lambda: None))
    places = Corpus(folder / "runs/t/corpus").table().column("place").to_pylist()
    assert not once and len(places) == 302
    assert next(place for place in places if place.startswith("b")).endswith(":2")


def test_what_the_system_did_not_give_is_asked_for_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be read is booked, and the next run looks at it anew."""
    from stages.extract.jsonl import JsonlExtract
    from stages.gather import Fault
    from stages.place import Place

    read = JsonlExtract.read

    def failing(self: JsonlExtract, part: Any) -> Any:
        for item in read(self, part):
            if item.place.path == "b.jsonl":
                yield Fault(Place("b.jsonl"), "unreadable", {"error": "I/O error", "errno": 5})
            else:
                yield item

    with monkeypatch.context() as patch:
        patch.setattr(JsonlExtract, "read", failing)
        patch.setattr("stages.base.RowSource.splits", _in_process)
        assert _run(folder) == [FIRST[0], FIRST[2]]
        assert account(folder)["steps"][0]["counts"]["reasons"] == {"unreadable": 1}
        assert _run(folder) == [FIRST[0], FIRST[2]]
    assert _run(folder) == FIRST


# --- the store ----------------------------------------------------------------------------------


def _flip(path: Path) -> None:
    """One bit of one byte, behind the back of every time."""
    before = path.stat()
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    path.chmod(0o444)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _piece(folder: Path, text: str) -> Path:
    """The piece of a source, before any other step, that holds a text."""
    (found,) = [
        path
        for path in (folder / ".seedbed/objects").glob("*/*/data.arrow")
        if "quality" not in (table := read_arrow(path)).column_names
        and text in table.column("text").to_pylist()
    ]
    return found


def test_a_flipped_bit_does_not_flow_into_another_piece(folder: Path) -> None:
    seedbed("run", "t.yaml", cwd=folder)
    _flip(_piece(folder, "first words of c"))
    world.recipe(folder, "jsonl: {path: in}", "[normalize]")
    done = seedbed("run", "t.yaml", cwd=folder)
    assert "it is damaged" in done.stderr and "once more" in done.stderr
    assert _texts(folder) == FIRST


def test_a_flipped_bit_in_the_state_of_a_fit_does_not_flow_on(folder: Path) -> None:
    world.recipe(folder, "jsonl: {path: in}", "[dedup]")
    seedbed("run", "t.yaml", cwd=folder)
    states = list((folder / ".seedbed/objects").glob("*/*/state.json"))
    observed = list((folder / ".seedbed/objects").glob("*/*/observed.arrow"))
    assert states and observed
    for path in (*states, *observed):
        _flip(path)
    judged = [p.parent for p in (folder / ".seedbed/objects").glob("*/*/data.arrow")]
    for entry in judged:  # so that verdicts and merges have to be made again
        if "dedup" in str(json.loads((entry / "manifest.json").read_text()).get("counts")):
            shutil.rmtree(entry)
    with (folder / "in/d.jsonl").open("w") as file:
        file.write('{"text": "first words of d"}\n')
    seedbed("run", "t.yaml", cwd=folder)
    assert _texts(folder) == [*FIRST, "first words of d"]


def test_a_flipped_bit_in_a_users_corpus_is_told(folder: Path) -> None:
    seedbed("jsonl", "in", "-o", "c", cwd=folder)
    path = next((folder / "c/data").iterdir())
    shutil.rmtree(folder / ".seedbed")
    _flip(path)
    done = seedbed("normalize", "c", "-o", "n", cwd=folder, code=2)
    assert str(path) in done.stderr and "damaged" in done.stderr and "again" in done.stderr
    assert not (folder / "n").exists()


@pytest.mark.parametrize("how", ["copytree", "cp -r", "times"])
def test_a_copied_store_is_used_after_a_look_at_its_contents(folder: Path, how: str) -> None:
    world.recipe(folder, "jsonl: {path: in}", "[normalize]")
    seedbed("run", "t.yaml", cwd=folder)
    if how == "copytree":
        shutil.copytree(folder / ".seedbed", folder / "copy", copy_function=shutil.copyfile)
    elif how == "cp -r":
        subprocess.run(["cp", "-r", ".seedbed", "copy"], cwd=folder, check=True)
    else:
        (folder / ".seedbed").rename(folder / "copy")
        for path in (folder / "copy/objects").rglob("*"):
            later = time.time() + (86400 if path.suffix == ".arrow" else -86400)
            os.utime(path, (later, later))
    seedbed("run", "t.yaml", "--store", "copy", cwd=folder)
    assert all(computed == 0 for computed, _ in world.work(folder).values())
    damaged = next((folder / "copy/objects").glob("*/*/data.arrow"))
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    damaged.chmod(0o444)
    seedbed("run", "t.yaml", "--store", "copy", cwd=folder)
    assert sum(computed for computed, _ in world.work(folder).values()) == 1
    assert _texts(folder) == FIRST


def test_a_clock_that_was_set_back_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data files of tomorrow under a manifest of today."""
    store = Store(tmp_path / "store")

    def write(folder: Path) -> dict[str, Any]:
        (folder / "data").write_text("text")
        os.utime(folder / "data", (time.time() + 86400,) * 2)
        return {}

    entry = store.put("ab" * 32, write)
    assert store.get("ab" * 32) == entry


def test_damaged_entries_are_listed_with_their_files(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for key in ("ab" * 32, "cd" * 32, "ef" * 32):
        store.put(key, lambda folder: {"rows": (folder / "data").write_text("some text")})
    _flip(store.path("ab" * 32) / "data")
    _flip(store.path("cd" * 32) / "manifest.json")
    assert dict(store.damaged()) == {"ab" * 32: ["data"], "cd" * 32: ["manifest.json"]}


# --- looks --------------------------------------------------------------------------------------


def test_times_do_not_answer_for_a_file_that_had_just_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    file = FileHashes(tmp_path / "h.json").hashed(path)
    assert file.recent
    unchanged([file], read=True)
    with pytest.raises(Changed, match="changed while it was read"):
        unchanged([file._replace(sha256="0" * 64)], read=True)
    unchanged([file._replace(sha256="0" * 64, recent=False)], read=True)


def test_a_verified_file_is_read_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    sha256, calls = content.sha256_of(path), []

    def counted(path: Path, *rest: Any) -> str:
        calls.append(path)
        return sha256

    monkeypatch.setattr(content, "sha256_of", counted)
    assert verified(path, sha256) == verified(path, sha256) == path and len(calls) == 1
    os.utime(path, (1, 1))
    verified(path, sha256)
    assert len(calls) == 2
    with pytest.raises(content.Damaged, match="is damaged"):
        verified(path, "0" * 64)
    with pytest.raises(content.Damaged):
        verified(tmp_path / "gone", sha256)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"a": 1}', '{"a": [1, 2, 3, 4]}', "\x00", "[" * 100_000]
)
def test_remembered_hashes_that_are_damaged_are_forgotten(tmp_path: Path, text: str) -> None:
    (tmp_path / "h.json").write_text(text)
    (tmp_path / "file").write_text("one")
    assert FileHashes(tmp_path / "h.json").of(tmp_path / "file") == content.sha256_of(
        tmp_path / "file"
    )


def test_a_file_of_mine_in_the_place_of_a_piece_is_kept(folder: Path) -> None:
    """An edit saved under the name of a piece is somebody's work; a damaged piece is not."""
    seedbed("run", "t.yaml", cwd=folder)
    path = folder / "runs/t/corpus/data/00000.arrow"
    path.unlink()
    path.write_bytes(b"rows that I have chosen by hand")
    (folder / "in/d.jsonl").write_text('{"text": "first words of d"}\n')
    done = seedbed("run", "t.yaml", cwd=folder, code=2)
    assert "data/00000.arrow (changed since)" in done.stderr
    assert path.read_bytes() == b"rows that I have chosen by hand"
    shutil.rmtree(path.parent.parent)
    seedbed("run", "t.yaml", cwd=folder)
    assert _texts(folder) == [*FIRST, "first words of d"]
