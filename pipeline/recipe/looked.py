"""A recipe's sources looked at before anything runs: how they are understood, and whether the
columns that the recipe names are there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

from pipeline.recipe.recipe import Recipe, RecipeError, SourceStep
from pipeline.recipe.yaml import Problem
from stages.base import Part, Source
from stages.errors import StageFailed, UsageError
from stages.sample import Sample, look, missing, parts_of


def look_at(source: SourceStep, parts: Sequence[Part]) -> Sample:
    """What a look at a source finds. UsageError for a mistake in its parameters."""
    stage = source.stage
    assert isinstance(stage, Source)
    sample = look(stage, list(parts))
    if not sample.forms and (wrong := missing(stage, sample.faults, sample.whole)):
        raise UsageError(wrong)
    return sample


def check_columns(recipe: Recipe) -> None:
    """RecipeError with the columns that sources name and that are not there."""
    problems = []
    for source in recipe.sources:
        try:
            check_columns_of(source)
        except UsageError as error:
            problems += at_source(recipe, source, error.messages)
    if problems:
        raise RecipeError(problems)


def check_columns_of(source: SourceStep) -> None:
    """Look at the files of a source whose parameters name columns; UsageError with what is not
    there. A server is asked nothing: it is read when the source is."""
    stage = source.stage
    assert isinstance(stage, Source)
    if stage.named():
        parts = [part for part in parts_of(stage, source.path) if part.files]
        with contextlib.suppress(StageFailed):  # the reader does not start; the run will say so
            look_at(source, parts)


def at_source(recipe: Recipe, source: SourceStep, messages: Iterable[str]) -> list[Problem]:
    """Mistakes of a source with its place in the recipe."""
    text = f"{source.stage.name}: " if not recipe.file else f"{source.name}: "
    return [Problem(text + one, source.line, source.column, recipe.file) for one in messages]
