"""Runs do nothing twice: 2,000 pages, then one more file, one other parameter, one lost piece."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from stages.corpus import Corpus
from stages.errors import StageFailed, UsageError
from tests.pipeline import world
from tests.pipeline.world import account, corpora, seedbed, work

PAGES, COPIES, SHORT = 1900, 80, 20
STEPS = "[normalize, dedup, split]"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 pages and one finished run over them."""
    folder = tmp_path_factory.mktemp("first")
    world.pages(folder / "in", range(PAGES), words=24)
    for n in range(COPIES):
        text = world.page(world.prose(n * 7, 24), "A copy")
        (folder / "in" / f"page-{PAGES + n:05d}.html").write_text(text)
    for n in range(SHORT):
        path = folder / "in" / f"page-{PAGES + COPIES + n:05d}.html"
        path.write_text(world.page("A page of six words only.", "Short"))
    # Times that lie back let the run remember the hashes of its input.
    for path in (folder / "in").iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    world.recipe(folder, "html: {path: in}", STEPS)
    seedbed("run", "t.yaml", cwd=folder)
    return folder


@pytest.fixture
def folder(first: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the finished run, free to be changed."""
    yield world.clone(first, tmp_path / "copy")


def test_counts_of_2000_pages_are_exact(first: Path) -> None:
    steps = {step["stage"]: step["counts"] for step in account(first)["steps"]}
    assert steps["html"]["seen"] == PAGES + COPIES + SHORT
    assert sum(steps["html"]["reasons"].values()) == SHORT
    assert (steps["html"]["dropped"], steps["html"]["failed"]) == (SHORT, 0)
    assert steps["html"]["made"] == steps["normalize"]["seen"] == PAGES + COPIES
    assert steps["dedup"]["dropped"] == COPIES
    assert steps["split"]["seen"] == steps["split"]["kept"] == PAGES
    for counts in steps.values():
        assert counts["seen"] == counts["kept"] + counts["dropped"] + counts["failed"]
    corpus = Corpus(first / "runs/t/corpus")
    assert len(corpus) == PAGES
    assert 15 < len(corpus.pieces) < 60, "bundles of about 64 files"


def test_the_same_again_computes_nothing(folder: Path) -> None:
    before = corpora(folder)
    seedbed("run", "t.yaml", cwd=folder)
    assert all(computed == 0 and reused for computed, reused in work(folder).values())
    assert corpora(folder) == before


def test_one_more_file_recomputes_what_it_touches(folder: Path) -> None:
    """A page of new text: its own bundle at the source, and that bundle's pieces after it."""
    name = "page-00500-more.html"
    (folder / "in" / name).write_text(world.page(world.prose("new", 24), "New"))
    seedbed("run", "t.yaml", cwd=folder)
    did = work(folder)
    assert did["html"][0] == 1 and did["html"][1] > 15
    assert did["normalize"][0] == 1
    # A fit stage: an observation of the new piece and a merge each round, and one piece judged.
    for stage in ("dedup", "split"):
        assert did[stage][0] <= 2 * _merges(folder, stage) + 1, stage
        assert did[stage][1] > 30, stage
    assert account(folder)["steps"][-1]["counts"]["kept"] == PAGES + 1


def _merges(folder: Path, stage: str) -> int:
    """Rounds of a fit stage: its keys that are no piece's and no observation's."""
    keys = next(s for s in account(folder)["steps"] if s["stage"] == stage)["keys"]
    files = [
        {path.name for path in (folder / ".seedbed/objects" / key[:2] / key).iterdir()}
        for key in keys
    ]
    return sum("state.json" in names for names in files)


def test_one_more_copy_changes_the_verdicts_concerned_only(folder: Path) -> None:
    """A copy of a page that another bundle holds: verdicts of at most the two bundles."""
    before = Corpus(folder / "runs/t/corpus").manifest["pieces"]
    text = world.page(world.prose(1203, 24), "One copy more")
    (folder / "in" / "page-01900-copy.html").write_text(text)
    seedbed("run", "t.yaml", cwd=folder)
    did = work(folder)
    assert did["html"][0] == 1 and did["normalize"][0] == 1
    after = Corpus(folder / "runs/t/corpus").manifest["pieces"]
    changed = {p["sha256"] for p in after} - {p["sha256"] for p in before}
    assert did["split"][0] <= 2 * (_merges(folder, "split") + 1) and len(changed) <= 2
    counts = next(s["counts"] for s in account(folder)["steps"] if s["stage"] == "dedup")
    assert counts["dropped"] == COPIES + 1


def test_a_changed_parameter_recomputes_its_stage_and_no_more(folder: Path) -> None:
    """Early cutoff: what a stage makes anew with the same bytes is not worked on again."""
    before = Corpus(folder / "runs/t/corpus").digest
    world.recipe(folder, "html: {path: in}", "[normalize, dedup: {threshold: 0.75}, split]")
    seedbed("run", "t.yaml", cwd=folder)
    did = work(folder)
    assert did["html"][0] == did["normalize"][0] == 0
    assert did["dedup"][0] > 30
    assert did["split"][0] == 0, "the bytes after dedup did not change"
    assert Corpus(folder / "runs/t/corpus").digest == before
    world.recipe(folder, "html: {path: in}", "[normalize, dedup, split: {val: 0.25}]")
    seedbed("run", "t.yaml", cwd=folder)
    did = work(folder)
    assert did["dedup"][0] == 0 and did["split"][0] > did["html"][1]


def test_deleted_output_is_shown_again(folder: Path) -> None:
    before = corpora(folder)
    shutil.rmtree(folder / "runs")
    seedbed("run", "t.yaml", cwd=folder)
    assert all(computed == 0 for computed, _ in work(folder).values())
    assert corpora(folder) == before


def test_lost_and_damaged_pieces_are_made_again(folder: Path) -> None:
    before = corpora(folder)
    steps = {step["stage"]: step["keys"] for step in account(folder)["steps"]}
    objects = folder / ".seedbed/objects"
    lost, cut, edited, torn = (
        objects / key[:2] / key for key in (*steps["html"][:2], *steps["split"][-2:])
    )
    shutil.rmtree(lost)
    _replace(cut / "data.arrow", (cut / "data.arrow").read_bytes()[:-10])
    data = bytearray((edited / "data.arrow").read_bytes())
    data[len(data) // 2] ^= 1
    _replace(edited / "data.arrow", bytes(data))
    manifest = torn / "manifest.json"
    _replace(manifest, manifest.read_bytes()[:-20])
    seedbed("run", "t.yaml", cwd=folder)
    did = work(folder)
    assert did["html"][0] == 2 and did["split"][0] == 2
    assert did["normalize"][0] == did["dedup"][0] == 0, "what was remade has the same bytes"
    assert corpora(folder) == before


def test_an_edited_count_is_not_believed(folder: Path) -> None:
    before = corpora(folder)
    key = next(s["keys"][0] for s in account(folder)["steps"] if s["stage"] == "html")
    path = folder / ".seedbed/objects" / key[:2] / key / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["rows"] += 1
    _replace(path, json.dumps(manifest).encode())
    seedbed("run", "t.yaml", cwd=folder)
    assert work(folder)["html"][0] == 1
    assert corpora(folder) == before


def test_an_edited_corpus_is_put_right(folder: Path) -> None:
    before = corpora(folder)
    shown = folder / "runs/t/corpus/data/00000.arrow"
    _replace(shown, b"something else")
    (folder / "runs/t/corpus/manifest.json").unlink()
    seedbed("run", "t.yaml", cwd=folder)
    assert corpora(folder) == before


def _replace(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


# --- the identity, asserted while it runs -------------------------------------------------------


class Lying:
    """An executor that works in this process and tells one stage's counts wrongly."""

    def __init__(self, stage: str, **lies: int) -> None:
        self.stage, self.lies = stage, lies

    def map(
        self, function: str, jobs: Sequence[dict[str, Any]], *_: Any
    ) -> Iterator[dict[str, Any]]:
        for job in jobs:
            summary = world.done_here(function, job)
            for step, counts in zip(job["steps"], summary["counts"], strict=False):
                if step["stage"] == self.stage:
                    for name, more in self.lies.items():
                        counts[name] += more
            yield summary

    def close(self) -> None:
        """Nothing was started."""


@pytest.mark.parametrize(
    ("stage", "lies", "words"),
    [
        ("jsonl", {"kept": -1}, "jsonl: in = kept .* does not hold"),
        ("normalize", {"dropped": 1}, "normalize: in = kept .* does not hold"),
        ("normalize", {"seen": 1, "kept": 1}, "normalize saw 31 records of 30"),
        ("normalize", {"seen": -1, "kept": -1}, "normalize saw 29 records of 30"),
        ("dedup", {"failed": 1, "kept": -1}, "reasons do not add up"),
    ],
)
def test_counts_that_do_not_add_up_stop_a_run(
    stage: str, lies: dict[str, int], words: str, tmp_path: Path
) -> None:
    world.lines(tmp_path / "in.jsonl", range(30))
    recipe = read_recipe(world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[normalize, dedup]"))
    with pytest.raises(AssertionError, match=words):
        run_recipe(recipe, Lying(stage, **lies))
    assert account(tmp_path)["status"] == "failed"
    result = run_recipe(recipe, Lying("none"))
    assert len(Corpus(result.shown["records"])) == 30


def test_an_id_that_two_records_have_is_reported_with_both_places(tmp_path: Path) -> None:
    for name in ("one", "two"):
        world.lines(tmp_path / name / "in.jsonl", range(3))
    text = (
        "version: 1\nname: t\nsources:\n  - jsonl: {path: one, name: a}\n"
        "  - jsonl: {path: two, name: b}\n"
    )
    (tmp_path / "t.yaml").write_text(text)
    seedbed("run", "t.yaml", cwd=tmp_path)
    assert len(Corpus(tmp_path / "runs/t/corpus")) == 6, "the source's name is part of the id"
    recipe = read_recipe(tmp_path / "t.yaml")
    twice = replace(recipe, sources=tuple(replace(s, name="a") for s in recipe.sources))
    with pytest.raises(StageFailed, match=r"two records have the id \w{32}: a:in.* and a:in"):
        run_recipe(twice, Lying("none"))


def test_from_a_workers_main_to_a_judgement_are_seven_frames(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(3))
    (tmp_path / "mine.py").write_text(
        "import traceback\n\ndef f(record):\n"
        "    names = [frame.name for frame in traceback.extract_stack()]\n"
        "    open('stack', 'w').write(' '.join(names[:names.index('judge') + 1]))\n"
        "    return record\n"
    )
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[normalize, apply: {function: 'mine:f'}]")
    seedbed("run", "t.yaml", cwd=tmp_path)
    names = (tmp_path / "stack").read_text().split()
    assert names[names.index("main") :] == [
        "main",
        "answer_to",
        "execute",
        "put",
        "write",
        "split",
        "judge",
    ]


# --- chains -------------------------------------------------------------------------------------


def made(folder: Path) -> dict[str, int]:
    """How many jobs each step needed."""
    return {step["stage"]: step["computed"] for step in account(folder)["steps"]}


def test_what_a_changed_or_a_further_step_costs(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(30))

    def run(steps: str) -> dict[str, int]:
        world.recipe(tmp_path, "jsonl: {path: in.jsonl}", steps)
        seedbed("run", "t.yaml", cwd=tmp_path)
        return made(tmp_path)

    assert run("[normalize, quality]") == {"jsonl": 1, "normalize": 1, "quality": 1}
    done = {"jsonl": 0, "normalize": 0, "quality": 0}
    assert run("[normalize, quality]") == done
    # one step more is one step more
    assert run("[normalize, quality, pii]") == {**done, "pii": 1}
    # the chain of a changed step is done again; what stands before it is a chain of its own
    changed = run("[normalize, quality: {min_words: 2}, pii]")
    assert changed == {"jsonl": 0, "normalize": 1, "quality": 1, "pii": 1}
    # a fit begins a chain, so what is changed behind it leaves what is before it
    first = run("[normalize, quality, dedup, refusals]")
    assert first["normalize"] == first["quality"] == 0 and first["dedup"] >= 3  # and its rounds
    again = run("[normalize, quality, dedup, refusals: {action: tag}]")
    assert again == {**done, "dedup": 1, "refusals": 1}


def test_chains_and_single_steps_make_the_same_records(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(60))
    digests, rejects = set(), set()
    for keep in ("last", "all"):
        folder = tmp_path / keep
        folder.mkdir()
        shutil.copy(tmp_path / "in.jsonl", folder)
        path = world.recipe(
            folder,
            "jsonl: {path: in.jsonl}",
            "[normalize, quality: {min_words: 3}, dedup, refusals]",
        )
        path.write_text(path.read_text().replace("run: {", f"run: {{keep: {keep}, "))
        seedbed("run", "t.yaml", cwd=folder)
        digests.add(Corpus(folder / "runs/t/corpus").digest)
        steps = [Corpus(folder / "runs/t" / step["folder"]) for step in account(folder)["steps"]]
        rejects.add(str([step.rejects().to_pylist() for step in steps]))
        kept = [step.has_records for step in steps]
        assert kept == ([True] * 5 if keep == "all" else [True, False, True, False, True])
    assert len(digests) == len(rejects) == 1
    with pytest.raises(UsageError, match="keep: all"):
        Corpus(tmp_path / "last/runs/t/steps/02-normalize").table()
