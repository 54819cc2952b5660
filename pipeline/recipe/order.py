"""Whether the stages of a recipe can stand in their order: names, columns, kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.recipe.recipe import RESERVED, Recipe, SourceStep, Step
from pipeline.recipe.yaml import Problem
from stages import registry
from stages.base import Source, Stage
from stages.errors import SeedbedError
from stages.kinds import Kind
from stages.records import CORE, FORMS


def problems_of_order(recipe: Recipe) -> list[Problem]:
    """What is wrong with the order of stages: names, columns and kinds that nothing makes."""
    problems: list[Problem] = []
    names: dict[str, SourceStep] = {}
    for source in recipe.sources:
        if source.name in names:
            problems.append(
                Problem(
                    f"two sources are called {source.name!r}; give one another name:",
                    source.line,
                    source.column,
                )
            )
        names[source.name] = source
    if not recipe.sources:
        problems.append(Problem("sources: is empty"))
    columns: set[str] = set()
    for source in recipe.sources:
        assert isinstance(source.stage, Source)
        own = columns_after(source.stage, {*CORE} - {*FORMS} | {*source.stage.forms()})
        for step in source.steps:
            problems += problems_of_step(step, own, {source.stage.kind.name: own})
            own = columns_after(step.stage, own)
        columns |= own
    kinds: dict[str, set[str]] = {source.stage.kind.name: columns for source in recipe.sources}
    for number, step in enumerate(recipe.steps):
        before = kinds.get(step.stage.consumes.name, set())
        problems += problems_of_step(step, before, kinds)
        for text in step.stage.conflicts([one.stage for one in recipe.steps[:number]]):
            problems.append(Problem(f"{step.stage.name}: {text}", step.line, step.column))
        kinds[step.stage.kind.name] = columns_after(step.stage, before)
    return problems + problems_of_kinds([*recipe.sources, *recipe.steps])


def problems_of_kinds(steps: Sequence[Step]) -> list[Problem]:
    """Kinds of stages from several packages that are in each other's way in a run's folder."""
    problems: list[Problem] = []
    known: dict[str, Kind] = {}
    for step in steps:
        kind = step.stage.kind
        other = next((one for one in known.values() if one.folder == kind.folder), kind)
        other = known.setdefault(kind.name, other)
        folder = kind.folder
        if kind != other:
            text = (
                f"what {step.stage.name} makes ({kind}, shown in {folder}/) is in the way of "
                f"{other}, shown in {other.folder}/: its package must name it otherwise"
            )
        elif not folder or folder in RESERVED or folder[0] == "." or Path(folder).name != folder:
            text = f"{step.stage.name} shows {kind} in {folder!r}, which a run cannot have"
        else:
            continue
        problems.append(Problem(text, step.line, step.column))
    return problems


def columns_after(stage: Stage, before: set[str]) -> set[str]:
    """The columns that are there after a stage."""
    return before - set(stage.drops()) | set(stage.makes())


def problems_of_step(step: Step, before: set[str], kinds: Mapping[str, set[str]]) -> list[Problem]:
    """Why a step cannot stand where it stands."""
    stage = step.stage
    if stage.consumes.name not in kinds:
        makers = sorted(
            name
            for name, cls in registry.every()
            if cls.kind == stage.consumes and cls.name != stage.name
        )
        text = f"{stage.name} works on {stage.consumes}, and no earlier step makes them" + (
            f"; put {' or '.join(makers)} before it" if makers else ""
        )
        return [Problem(text, step.line, step.column)]
    problems = []
    for group in stage.needs():
        if not before & set(group):
            wanted = " or ".join(repr(name) for name in group)
            makers = sorted(n for n, cls in registry.every() if set(group) & set(_makes(cls)))
            text = f"{stage.name} needs a column {wanted}, and nothing before it makes one"
            text += f"; put {' or '.join(makers)} before it" if makers else ""
            problems.append(Problem(text, step.line, step.column))
    return problems


def _makes(cls: type[Stage]) -> tuple[str, ...]:
    """The columns that a stage makes when it is told nothing."""
    try:
        return tuple(cls().makes())
    except SeedbedError:  # a stage whose extra is not installed makes nothing here
        return ()
