"""`seedbed plan RECIPE`, and `seedbed.plan(recipe)`: a recipe checked, and what it would do."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.recipe.opened import opened, shield

if TYPE_CHECKING:
    from pipeline.recipe.checked import Recipe

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


def plan(recipe: str | os.PathLike[str]) -> Plan:
    """Check a recipe file and say what it would do; nothing is made. UsageError with all that is
    wrong with it."""
    from pipeline.engine.places import check_recipe
    from pipeline.views.plan import show_plan

    with opened(recipe) as checked:
        check_recipe(checked)
        return Plan(checked, show_plan(checked))
