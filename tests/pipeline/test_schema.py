"""`seedbed schema`: it takes every recipe that runs, and refuses what the check refuses."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stages
from pipeline.recipe.schema import schema
from pipeline.recipe.yaml import load
from stages import check
from tests.pipeline.world import HOME, seedbed

jsonschema = pytest.importorskip("jsonschema")
RECIPES = [*sorted((HOME / "recipes").glob("*.yaml")), HOME / "sample_data/recipe.yaml"]


def _plain(path: Path) -> Any:
    root, problems = load(path.read_text(encoding="utf-8"), str(path))
    assert root is not None and not problems
    return root.plain()


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


def test_the_shipped_recipes_are_valid(validator: Any) -> None:
    assert len(RECIPES) == 12
    for path in RECIPES:
        assert not list(validator.iter_errors(_plain(path))), path


def _misspelt(value: Any, visit: Any) -> Iterator[None]:
    """Each key of a recipe misspelt in turn, which `visit` is called for."""
    if isinstance(value, dict):
        for key in [*value]:
            yield from _misspelt(value[key], visit)
            value[key + "x"] = value.pop(key)
            visit()
            value[key] = value.pop(key + "x")
            yield
    elif isinstance(value, list):
        for item in value:
            yield from _misspelt(item, visit)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_no_key_may_be_misspelt(path: Path, validator: Any) -> None:
    recipe = _plain(path)
    before = copy.deepcopy(recipe)

    def refused() -> None:
        assert not validator.is_valid(recipe), recipe

    assert len(list(_misspelt(recipe, refused))) >= 8
    assert recipe == before


@pytest.mark.parametrize(
    "step",
    [
        "normalise", {"dedup": {"threshold": 7}}, {"dedup": {"threshold": "high"}},
        {"split": {"by": 3}}, {"tokenize": {"long": "cut"}}, {"normalize": {}, "dedup": {}},
        {"html": {"path": "x"}}, {"export": {"format": "csv"}}, 7,
    ],
    ids=str,
)  # fmt: skip
def test_wrong_steps_are_refused(step: Any, validator: Any) -> None:
    recipe = {"version": 1, "sources": [{"html": "x"}], "steps": [step]}
    assert not validator.is_valid(recipe)


@pytest.mark.parametrize(
    "step",
    [
        "dedup", {"dedup": None}, {"dedup": {"threshold": 0.7}}, {"tokenize": {"strict": "yes"}},
        {"tokenize": {"max_length": "none"}}, {"split": {"by": "a, b"}}, {"split": {"by": ["a"]}},
        "mine:Stage", {"mine:Stage": {"any": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_right_steps_are_taken(step: Any, validator: Any) -> None:
    recipe = {"version": 1, "sources": [{"html": "x"}], "steps": [step]}
    assert validator.is_valid(recipe)


def test_every_parameter_is_there_with_its_help(tmp_path: Path) -> None:
    made = json.loads(seedbed("schema", cwd=tmp_path).stdout)
    assert made == json.loads(json.dumps(schema()))
    steps = made["$defs"]["step"]["anyOf"][2]["properties"]
    sources = made["$defs"]["source"]["properties"]
    assert steps.keys() | sources.keys() == stages.TABLE.keys()
    for name in stages.TABLE:
        cls = stages.stage(name)
        entry = steps[name]["anyOf"][0] if name in steps else sources[name]["anyOf"][1]
        told = {key: one.get("description") for key, one in entry["properties"].items()}
        assert all(told[key] == text for key, text in check.help_lines(cls).items())
        assert check.parameters(cls).keys() <= told.keys()
