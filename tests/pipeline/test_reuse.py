"""What is taken from the store and what is not: small runs, their jobs done in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.gc import collect
from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from stages.base import Source
from stages.corpus import Corpus
from stages.errors import StageFailed
from tests.pipeline import world

_SPLITS = Source.splits


class Here:
    """Does the jobs in this process; `after` is called with the number of those that are done."""

    def __init__(self, after: Callable[[int], None] = lambda _: None) -> None:
        self.after, self.done = after, 0

    def map(
        self, function: str, jobs: Sequence[dict[str, Any]], *_: Any
    ) -> Iterator[dict[str, Any]]:
        for job in jobs:
            summary = world.done_here(function, job)
            self.done += 1
            self.after(self.done)
            yield summary

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def splits(self: Any, part: Any, name: str, isolate: bool = False) -> Any:
        return _SPLITS(self, part, name, False)

    monkeypatch.setattr("stages.base.RowSource.splits", splits)


def _write(folder: Path, files: dict[str, list[str]], steps: str) -> None:
    (folder / "in").mkdir(parents=True, exist_ok=True)
    for name, texts in files.items():
        path = folder / "in" / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        os.utime(path, (1_700_000_000, 1_700_000_000))
    world.recipe(folder, "jsonl: {path: in}", steps)


def _run(folder: Path, part_bytes: int = 1, executor: Here | None = None) -> list[dict[str, Any]]:
    """The records of a run in which each file, or range of it, is a piece."""
    recipe = replace(read_recipe(folder / "t.yaml"), part_bytes=part_bytes)
    run_recipe(recipe, executor or Here())
    return Corpus(folder / "runs/t/corpus").table().to_pylist()


def _texts(rows: list[dict[str, Any]]) -> list[str]:
    return [row["text"] for row in rows]


def test_a_parameter_of_a_later_step_reaches_the_records(tmp_path: Path) -> None:
    files = {"a": ["one two three", "one"]}
    _write(tmp_path, files, "[normalize, quality: {min_words: 1}]")
    assert len(_run(tmp_path)) == 2
    _write(tmp_path, files, "[normalize, quality: {min_words: 2}]")
    assert _texts(_run(tmp_path)) == ["one two three"]


def test_one_more_copy_changes_the_verdict_on_an_untouched_piece(tmp_path: Path) -> None:
    own = [world.prose(number) for number in range(4)]
    _write(tmp_path, {"b": [own[0], own[1]], "c": [own[2]]}, "[dedup]")
    assert _texts(_run(tmp_path)) == own[:3]
    _write(tmp_path, {"a": [own[2], own[3]]}, "[dedup]")
    rows = _run(tmp_path)
    assert [(row["place"].partition("@")[0], row["text"]) for row in rows] == [
        ("a.jsonl", own[2]),
        ("a.jsonl", own[3]),
        ("b.jsonl", own[0]),
        ("b.jsonl", own[1]),
    ]
    before = {path.name for path in (tmp_path / ".seedbed/objects").glob("*/*")}
    assert _run(tmp_path) == rows
    assert before == {path.name for path in (tmp_path / ".seedbed/objects").glob("*/*")}


def test_a_changed_text_changes_the_state_of_a_fit(tmp_path: Path) -> None:
    own = [world.prose(number) for number in range(2)]
    _write(tmp_path, {"a": [own[0]], "b": [own[1]]}, "[dedup]")
    assert _texts(_run(tmp_path)) == own[:2]
    _write(tmp_path, {"b": [own[0]]}, "[dedup]")
    assert _texts(_run(tmp_path)) == own[:1]


def test_an_end_is_made_anew_of_other_records(tmp_path: Path) -> None:
    for text in ("first words", "other words"):
        _write(tmp_path, {"a": [text]}, "[export]")
        _run(tmp_path)
        (line,) = (tmp_path / "runs/t").glob("*/train.jsonl")
        assert text in line.read_text()


def test_a_line_that_comes_to_stand_before_a_range_changes_its_ids(tmp_path: Path) -> None:
    """Its bytes are those of before; what its equal lines are called is another."""
    texts = [f"line {number:04}" for number in range(40)]
    _write(tmp_path, {"a": texts}, "[]")
    before = _run(tmp_path, 300)
    assert len(Corpus(tmp_path / "runs/t/corpus").pieces) > 2
    texts[0] = texts[-1]
    _write(tmp_path, {"a": texts}, "[]")
    after = _run(tmp_path, 300)
    assert _texts(after) == texts and len({row["id"] for row in after}) == len(texts)
    assert after[0]["id"] == before[-1]["id"] != after[-1]["id"]


# --- what gc may take ---------------------------------------------------------------------------


def _stored(folder: Path) -> set[str]:
    return {path.name for path in (folder / ".seedbed/objects").glob("*/*")}


def test_what_was_committed_a_moment_before_a_kill_is_no_garbage(tmp_path: Path) -> None:
    """The driver had not heard of it yet."""

    def kill(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    _write(tmp_path, {"a": ["one"], "b": ["two"], "c": ["three"]}, "[]")
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path, executor=Here(kill))
    made = _stored(tmp_path)
    assert len(made) == 2
    collect(tmp_path / ".seedbed")
    assert _stored(tmp_path) == made


def test_failed_runs_push_no_finished_one_out_of_the_store(tmp_path: Path) -> None:
    def fail(done: int) -> None:
        raise StageFailed("the machine is tired")

    _write(tmp_path, {"a": ["one"]}, "[]")
    _run(tmp_path)
    made = _stored(tmp_path)
    for number in range(4):
        _write(tmp_path, {"a": [f"other {number}"]}, "[]")
        with pytest.raises(StageFailed, match="tired"):
            _run(tmp_path, executor=Here(fail))
    collect(tmp_path / ".seedbed")
    assert made <= _stored(tmp_path)
