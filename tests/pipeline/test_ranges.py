"""A large file is cut into ranges: the corpus is that of one reader, and a range is kept as long
as nothing in it changes."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine import alike
from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from stages.base import Source
from stages.corpus import Corpus
from stages.errors import StageFailed
from tests.extract.test_ranges_of_tables import generated
from tests.pipeline import world

_SPLITS = Source.splits


class Here:
    """Does the jobs in this process; `done` has what they were."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def map(
        self, function: str, jobs: Sequence[dict[str, Any]], *_: Any
    ) -> Iterator[dict[str, Any]]:
        for job in jobs:
            self.done.append(job.get("do", "look"))
            yield world.done_here(function, job)

    def close(self) -> None:
        """Nothing was started."""


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def splits(self: Any, part: Any, name: str, isolate: bool = False) -> Any:
        return _SPLITS(self, part, name, False)

    monkeypatch.setattr("stages.base.RowSource.splits", splits)


def write(folder: Path, name: str, raw: bytes) -> None:
    """A file, old enough to be remembered, and a recipe that reads it."""
    (folder / "in").mkdir(parents=True, exist_ok=True)
    (folder / "in" / name).write_bytes(raw)
    os.utime(folder / "in" / name, (1_700_000_000, 1_700_000_000))
    world.recipe(folder, f"{name.partition('.')[2]}: {{path: in/{name}, name: s}}", "[]")


def run(folder: Path, size: int, out: str = "runs") -> tuple[Corpus, list[str]]:
    """The corpus of a run, and what was done for it."""
    executor = Here()
    run_recipe(replace(read_recipe(folder / "t.yaml"), part_bytes=size, out=out), executor)
    (corpus,) = (folder / out).glob("t/corpus")
    return Corpus(corpus), executor.done


def all_of(corpus: Corpus) -> dict[str, Any]:
    """What may not depend on the cuts."""
    return {
        "digest": corpus.manifest["digest"],
        "counts": corpus.manifest["counts"],
        "records": corpus.table().to_pylist(),
        "rejects": corpus.rejects().to_pylist(),
    }


def lines(draw: random.Random) -> bytes:
    """JSONL in which some lines come again, some are none, and one row makes several records."""
    rows = [json.dumps({"text": f"line {draw.randint(0, 20)} é"}) for _ in range(60)]
    rows += ["", "{oops", '{"text":"' + "x" * 300 + '"}', '{"text": ""}'] * 2
    talk = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}
    rows += [json.dumps({"messages": talk})] * 3
    draw.shuffle(rows)
    return ('{"text":"a"}\n' + "\n".join(rows) + draw.choice(("", "\n"))).encode()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from(["a.csv", "a.jsonl"]), st.floats(0.02, 0.6))
def test_no_part_size_changes_a_corpus(
    tmp_path_factory: pytest.TempPathFactory, seed: int, name: str, share: float
) -> None:
    draw = random.Random(seed)
    raw = generated(draw) if name == "a.csv" else lines(draw)
    folder = tmp_path_factory.mktemp("ranges")
    write(folder, name, raw)
    whole = outcome(folder, 1 << 30, "whole")
    assert outcome(folder, 20 + int(share * len(raw)), "cut") == whole


def outcome(folder: Path, size: int, out: str) -> dict[str, Any] | str:
    try:
        return all_of(run(folder, size, out)[0])
    except StageFailed:
        return "nothing is kept"


def rows(number: int) -> list[str]:
    return [f'{n:04},"row {n:04}, {world.WORDS[n]}"' for n in range(number)]


def table(body: Sequence[str]) -> bytes:
    return ("id,text\n" + "\n".join(body) + "\n").encode()


def test_what_is_appended_costs_the_last_range(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", table(rows(1000)))
    corpus, done = run(tmp_path, 3000)
    pieces = len(corpus.pieces)
    assert pieces > 6 and done.count("read") == done.count("look") == pieces
    assert set(run(tmp_path, 3000)[1]) <= {"look"}
    write(tmp_path, "a.csv", table(rows(1001)))
    corpus, done = run(tmp_path, 3000)
    assert done.count("read") == 1 and len(corpus.table()) == 1001
    write(tmp_path, "b.csv", table(rows(1001)))
    whole, _ = run(tmp_path, 1 << 30, "whole")
    assert [row["text"] for row in whole.table().to_pylist()] == [
        row["text"] for row in corpus.table().to_pylist()
    ]


def test_a_line_end_more_moves_the_lines_of_later_ranges(tmp_path: Path) -> None:
    """Their bytes and offsets stay."""
    body = rows(300)
    write(tmp_path, "a.csv", table(body))
    before = all_of(run(tmp_path, 2000)[0])["records"]
    body[3] = body[3].replace(" ", "\n", 1)
    write(tmp_path, "a.csv", table(body))
    after = all_of(run(tmp_path, 2000)[0])["records"]
    assert before[-1]["place"].endswith(":301") and after[-1]["place"].endswith(":302")
    assert before[-1]["id"] == after[-1]["id"]


def test_a_row_that_comes_to_stand_earlier_changes_the_id_of_its_equal(tmp_path: Path) -> None:
    body = rows(300)
    write(tmp_path, "a.csv", table(body))
    before = all_of(run(tmp_path, 2000)[0])["records"]
    body[3] = body[290]
    write(tmp_path, "a.csv", table(body))
    corpus, done = run(tmp_path, 2000)
    after = all_of(corpus)["records"]
    assert after[3]["id"] == before[290]["id"] != after[290]["id"]
    assert done.count("read") == done.count("renamed") == 1
    assert len({row["id"] for row in after}) == 300
    body[4] = body[290]
    write(tmp_path, "a.csv", table(body))
    once_more = all_of(run(tmp_path, 2000)[0])["records"]
    assert after[290]["id"] == once_more[4]["id"] != once_more[290]["id"]
    assert len({row["id"] for row in once_more}) == 300


def test_ids_are_compared_by_and_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "_AT_ONCE", 50)
    draw = random.Random(5)
    write(tmp_path, "a.csv", table([f"{draw.randint(0, 30)},words" for _ in range(700)]))
    whole = all_of(run(tmp_path, 1 << 30, "whole")[0])
    assert all_of(run(tmp_path, 1000, "cut")[0]) == whole


def test_a_range_that_was_over_its_end_is_not_read_twice(tmp_path: Path) -> None:
    body = rows(900)
    body[200] = '0200,"open'
    write(tmp_path, "a.csv", table(body))
    corpus, done = run(tmp_path, 3000)
    assert done.count("read") > len(corpus.pieces) > 1
    assert set(run(tmp_path, 3000)[1]) <= {"look"}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_workers_change_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    body = rows(3000)
    body[2000:2100] = body[:100]
    raw = table(body)
    if name == "a.jsonl":
        raw = "".join(json.dumps({"text": one}) + "\n" for one in body).encode()
    write(tmp_path, name, raw)
    found = []
    for workers, size in ((1, 1 << 30), (1, 20_000), (2, 20_000), (2, 7000)):
        out, store = f"runs{len(found)}", f".store{len(found)}"
        recipe = read_recipe(tmp_path / "t.yaml")
        run_recipe(replace(recipe, workers=workers, part_bytes=size, out=out, store=store))
        found.append(all_of(Corpus(tmp_path / out / "t/corpus")))
    assert found[0] == found[1] == found[2] == found[3]
    assert len(found[0]["records"]) == 3000


def test_a_file_that_changes_while_it_is_looked_at_is_read_anew(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", table(rows(300)))

    class Late(Here):
        def map(
            self, function: str, jobs: Sequence[dict[str, Any]], *_: Any
        ) -> Iterator[dict[str, Any]]:
            if not self.done:
                self.done.append("changed")
                write(tmp_path, "a.csv", table(["x,y", *rows(300)]))
            return super().map(function, jobs)

    executor = Late()
    run_recipe(replace(read_recipe(tmp_path / "t.yaml"), part_bytes=2000), executor)
    assert len(Corpus(tmp_path / "runs/t/corpus").table()) == 301
