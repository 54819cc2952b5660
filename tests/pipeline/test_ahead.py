"""`seedbed plan` says what the store holds: what it calls ready a run does not compute, and the
rest it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.engine.ahead import Ahead, ahead
from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from pipeline.views.plan import show_plan
from tests.pipeline import world

STEPS = "[normalize, quality, {dedup: {threshold: 0.8}}, split, export]"


def made(folder: Path, steps: str = STEPS) -> Path:
    return world.recipe(folder, "html: {path: in, name: pages}", steps, workers=1)


def looked(recipe: Path) -> list[Ahead]:
    return ahead(read_recipe(recipe), 1)


def is_right(recipe: Path) -> list[bool]:
    """Whether what is said to be ready is what the next run does not compute; what was said."""
    said = [one.ready for one in looked(recipe)]
    before = world.snapshot(recipe.parent / ".seedbed")
    assert [one.ready for one in looked(recipe)] == said
    assert world.snapshot(recipe.parent / ".seedbed") == before  # a look makes nothing
    reports = run_recipe(read_recipe(recipe)).reports
    computed = [bool(report.computed) for report in reports]
    behind = said.index(False) if False in said else len(said)
    assert not any(computed[:behind]) and not any(said[behind:])
    assert behind == len(said) or computed[behind]
    return said


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    world.pages(tmp_path / "in", range(40))
    return made(tmp_path)


def test_what_is_ready_is_not_computed(recipe: Path) -> None:
    assert is_right(recipe) == [False] * 6  # no store yet
    assert is_right(recipe) == [True] * 6
    made(recipe.parent, STEPS.replace("0.8", "0.9"))
    assert is_right(recipe) == [True, True, True, False, False, False]
    made(recipe.parent, STEPS.replace("export", "{export: {format: messages}}"))
    assert is_right(recipe)[:3] == [True, True, True]


def test_one_more_file_costs_its_own_piece(recipe: Path) -> None:
    run_recipe(read_recipe(recipe))
    world.pages(recipe.parent / "in", [99])
    first = looked(recipe)[0]
    assert first.held is not None and first.pieces is not None
    assert first.held == first.pieces - 1 or first.pieces == 1
    is_right(recipe)


def test_plan_tells_it_with_the_time_of_the_last_run(recipe: Path) -> None:
    assert "nothing of it is in the store; `seedbed run --sample 200`" in show_plan(
        read_recipe(recipe)
    )
    run_recipe(read_recipe(recipe))
    assert "all of it is in the store: a run computes nothing" in show_plan(read_recipe(recipe))
    made(recipe.parent, STEPS.replace("quality", "{quality: {min_words: 2}}"))
    told = show_plan(read_recipe(recipe))
    assert "to compute: 5 of 6 steps, about" in told
    assert "html pages               in the store" in told and " s by the last run" in told
