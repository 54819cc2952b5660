"""`seedbed plan RECIPE`, and `seedbed.plan(recipe)`: a recipe checked, and what it would do."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.recipe.opened import Given, opened, shield
from pipeline.recipe.yaml import Problem
from stages.errors import SeedbedError

if TYPE_CHECKING:
    from pipeline.recipe.recipe import Recipe

ABOUT = "check a recipe and show what it would do, without doing it"


@dataclass(frozen=True)
class Plan:
    """A checked recipe and what it would do. text: as `seedbed plan` prints it, and as `str`."""

    recipe: Recipe = field(repr=False)
    text: str

    def __str__(self) -> str:
        return self.text


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("recipe", type=Path, help="the recipe, a YAML file")


def act(given: argparse.Namespace) -> int:
    """Print the plan."""
    shield(given.recipe.resolve().parent)
    print(plan(given.recipe))
    return 0


def plan(recipe: Given) -> Plan:
    """Check a recipe, a file or a dict, and say what it would do; nothing is made. UsageError with
    all that is wrong with it."""
    from pipeline.engine.places import check_recipe
    from pipeline.recipe.recipe import RecipeError
    from pipeline.views.plan import show_plan

    with opened(recipe) as checked:
        check_recipe(checked)
        if lacking := list(_lacking(checked)):
            raise RecipeError(lacking)
        return Plan(checked, show_plan(checked))


def _lacking(recipe: Recipe) -> Iterator[Problem]:
    """The steps whose models cannot be had, as from a hub that is not reached."""
    steps = [*(step for source in recipe.sources for step in source.steps), *recipe.steps]
    for step in (*recipe.sources, *steps):
        try:
            step.stage.resources()
        except SeedbedError as error:
            yield Problem(f"{step.stage.name}: {error}", step.line, step.column, recipe.file)
