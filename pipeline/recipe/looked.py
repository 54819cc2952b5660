"""A recipe's sources looked at before anything runs: how they are understood, and whether the
columns that the recipe names are there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.recipe.recipe import Recipe, RecipeError, SourceStep
from pipeline.recipe.yaml import Problem
from stages.base import Part, Source
from stages.check import nearest
from stages.errors import StageFailed, UsageError
from stages.sample import Sample, look, parts_of

_COLUMNS = 50  # in a message


def look_at(source: SourceStep, parts: Sequence[Part]) -> Sample:
    """What a look at a source finds. UsageError for a mistake in its parameters."""
    stage = source.stage
    assert isinstance(stage, Source)
    sample = look(stage, list(parts))
    if wrong := _missing(stage, sample):
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


def _missing(stage: Source, sample: Sample) -> str | None:
    """The sentence on a column, a sheet or a speaker that is named and that nothing seen has."""
    named = stage.named()
    if sample.forms or not named:
        return None
    for place, _, evidence in sample.faults:
        name = _first(evidence.get("missing"))
        if name not in named:
            continue
        kind = next((one for one in ("sheet", "speaker") if f"{one}s" in evidence), "column")
        found = (evidence.get(key) for key in ("columns", "keys", "sheets", "speakers"))
        there = [str(one) for one in next(filter(None, found), ())]
        near = nearest(name, there)
        if not near and not sample.whole:
            continue  # it may stand further behind
        listed = ", ".join(there[:_COLUMNS]) or "none"
        return f"{named[name]}: there is no {kind} {name!r} in {place}{near}; it has {listed}"
    return None


def _first(missing: Any) -> str:
    return str(missing[0]) if isinstance(missing, list) and missing else str(missing)
