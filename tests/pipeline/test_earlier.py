"""What an earlier run left never looks like the last run's, and nothing of anybody is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.engine import run as engine
from pipeline.engine.account import load_run
from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from stages.errors import StageFailed


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": w}) + "\n" for w in "abc"))
    return tmp_path


def _run(world: Path, steps: str) -> Path:
    (world / "recipe.yaml").write_text(
        f"version: 1\nname: mine\nsources:\n  - jsonl: {{path: in.jsonl}}\nsteps: [{steps}]\n"
    )
    return run_recipe(read_recipe(world / "recipe.yaml")).folder


def _below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("manifest.json")}


def test_a_failed_run_has_a_report_and_none_of_the_earlier_folders(world: Path) -> None:
    folder = _run(world, "normalize, export")
    before = (folder / "files/train.jsonl").read_text()
    assert {"corpus/manifest.json", "files/manifest.json"} <= _below(folder)
    (folder / "mine.txt").write_text("my own")
    with pytest.raises(StageFailed, match="nothing was kept"):
        _run(world, "quality: {min_words: 50}, export")
    account = load_run(folder)
    assert account["status"] == "failed" and "nothing was kept" in account["reason"]
    page = (folder / "report.html").read_text()
    assert "nothing was kept of 3" in page and 'data-reason="02-quality/' in page
    assert not (folder / "corpus").exists() and not (folder / "files").exists()
    assert (folder / "earlier/files/train.jsonl").read_text() == before
    assert (folder / "earlier/corpus/manifest.json").is_file()
    assert (folder / "mine.txt").read_text() == "my own"
    assert (folder / "steps/01-jsonl/manifest.json").is_file()
    assert (folder / "earlier/steps/02-normalize/manifest.json").is_file()


def test_a_folder_with_a_file_of_the_users_stays(world: Path) -> None:
    folder = _run(world, "normalize, export")
    (folder / "files/notes.txt").write_text("my own")
    _run(world, "normalize")
    assert (folder / "files/notes.txt").read_text() == "my own"
    assert (folder / "files/train.jsonl").is_file() and (folder / "corpus").is_dir()


def test_a_folder_of_the_users_beside_them_stays(world: Path) -> None:
    folder = _run(world, "normalize")
    from stages import Normalize, corpus

    table = Normalize()(folder / "corpus")
    corpus.write_corpus(
        folder / "own", "records", [(table, corpus.Corpus(folder / "corpus").rejects())], {}
    )
    _run(world, "quality: {min_words: 1}")
    assert (folder / "own/manifest.json").is_file()


def test_what_is_the_same_is_set_aside_once(world: Path) -> None:
    for _ in range(3):
        folder = _run(world, "normalize, export")
        _run(world, "normalize")
    assert sorted(path.name for path in (folder / "earlier").iterdir()) == ["files", "steps"]
    _run(world, "normalize, export: {columns: []}")
    _run(world, "normalize")
    assert {path.name for path in (folder / "earlier").iterdir()} == {"files", "files-2", "steps"}
    assert not (folder / "files").exists()


def test_a_rerun_tells_when_and_how_long_each_step_once_took(world: Path) -> None:
    folder = _run(world, "normalize, dedup, export")
    first = load_run(folder)["steps"]
    assert all(step["computed"] and step["once"] is None for step in first)
    for _ in range(2):  # the second rerun knows it from the first
        _run(world, "normalize, dedup, export")
        again = load_run(folder)["steps"]
        assert [step["computed"] for step in again] == [0, 0, 0, 0]
        for one, other in zip(first, again, strict=True):
            assert other["once"] == {name: one[name] for name in ("ended", "seconds", "cpu")}
    assert (folder / "report.html").read_text().count("from the store; computed 20") == 4


def test_a_report_that_cannot_be_written_hides_no_failure(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path) -> Path:
        raise ValueError("no page")

    monkeypatch.setattr(engine, "write_report", broken)
    with pytest.raises(StageFailed, match="nothing was kept"):
        _run(world, "quality: {min_words: 50}")
