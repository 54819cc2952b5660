"""A recipe as somebody asks for it: its file read and checked, what the call changes put in, and
the user's modules found beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import seedbed
from pipeline.recipe.recipe import SAMPLE
from stages import user_code
from stages.errors import UsageError

if TYPE_CHECKING:
    from pipeline.recipe.recipe import Recipe


def shield(folder: Path) -> None:
    """For a process of ours: find the user's modules in a folder, and import nothing else there."""
    seedbed._keep_off_path(str(folder))
    user_code.look_in(folder)


@contextmanager
def opened(path: str | os.PathLike[str], **changes: Any) -> Iterator[Recipe]:
    """A checked recipe, while modules of the user's are those beside it. changes: values for the
    fields of a Recipe; folders are relative to the working folder, None changes nothing."""
    from pipeline.recipe.checked import read_recipe

    file = Path(path)
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
        recipe = read_recipe(file, given)
        yield replace(recipe, name=f"{recipe.name}{SAMPLE}") if recipe.sample else recipe
    finally:
        if before != [folder]:
            user_code.look_in(*before)
