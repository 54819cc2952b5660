"""A recipe as somebody asks for it: its file read and checked, what the call changes put in, and
the user's modules found beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import seedbed
from pipeline.recipe.recipe import CONTROL, SAMPLE
from stages import user_code
from stages.errors import UsageError

if TYPE_CHECKING:
    from pipeline.recipe.recipe import Recipe

Given = str | os.PathLike[str] | Mapping[str, Any]


def shield(folder: Path) -> None:
    """For a process of ours: find the user's modules in a folder, and import nothing else there."""
    seedbed._keep_off_path(str(folder))
    user_code.look_in(folder)


@contextmanager
def opened(recipe: Given, control: bool = False, **changes: Any) -> Iterator[Recipe]:
    """A checked recipe, of a file or a dict, while modules of the user's are those beside it.
    changes: values for the fields of a Recipe; folders are relative to the working folder, None
    changes nothing. control: the recipe's control, in which chance chooses as many records."""
    from pipeline.recipe.checked import read_recipe, recipe_of

    file = Path.cwd() / "recipe" if isinstance(recipe, Mapping) else Path(recipe)
    given = {
        name: os.path.abspath(value) if name in ("store", "out") else value
        for name, value in changes.items()
        if value is not None
    }
    for name in ("workers", "part_bytes", "sample"):
        if given.get(name, 1) < 1:
            raise UsageError(f"{name.replace('_', '-')} must be at least 1, not {given[name]}")
    before, folder = user_code.folders(), str(file.resolve().parent)
    if before != [folder]:
        user_code.look_in(folder)
    try:
        if isinstance(recipe, Mapping):
            checked = recipe_of(recipe, given)
        else:
            checked = read_recipe(file, given)
        checked = _by_chance(checked) if control else checked
        yield replace(checked, name=f"{checked.name}{SAMPLE}") if checked.sample else checked
    finally:
        if before != [folder]:
            user_code.look_in(*before)


def _by_chance(recipe: Recipe) -> Recipe:
    """The recipe as NAME-control, each step that chooses records in the form that does so by
    chance."""
    controls = [step.stage.control() for step in recipe.steps]
    if not any(controls):
        raise UsageError(
            "control: no step of the recipe chooses a number of records, which chance could do"
        )
    steps = [
        replace(step, stage=control) if control else step
        for step, control in zip(recipe.steps, controls, strict=True)
    ]
    return replace(recipe, name=f"{recipe.name}{CONTROL}", steps=tuple(steps))
