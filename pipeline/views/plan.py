"""`seedbed plan`: what a checked recipe would do, in words, without doing it."""

from __future__ import annotations

from typing import Any

from pipeline import terminal
from pipeline.recipe.checked import Recipe, Step
from stages import check
from stages.base import Source


def show_plan(recipe: Recipe) -> str:
    """The plan as lines of text: sources with their parts, steps with changed parameters."""
    lines = [f"{recipe.name}: seed {recipe.seed}, {recipe.workers} workers"]
    for source in recipe.sources:
        stage = source.stage
        assert isinstance(stage, Source)
        parts = stage.parts(source.path, recipe.part_bytes)
        files = sum(len(part.files) for part in parts)
        licence = source.license or "no licence given"
        lines.append(
            f"  {source.name:<12} {_shown(source)} from {source.masked()[0]}: "
            f"{files:,} files in {len(parts):,} parts, {licence}"
        )
        lines += [f"    {'':<12} note: {note}" for note in stage.notes()]
        lines += [f"    {'':<12} then {_shown(step)}" for step in source.steps]
    for count, step in enumerate(recipe.steps, 1):
        lines.append(f"  {count:>2}. {_shown(step)}: {check.summary(type(step.stage))}")
        lines += [f"      note: {note}" for note in step.stage.notes()]
    return terminal.lines(lines)


def _shown(step: Step) -> str:
    stage = step.stage
    changed: dict[str, Any] = {
        name: value
        for name, value in check.as_json(stage).items()
        if value != _default(check.parameters(type(stage))[name][1].default)
    }
    told = ", ".join(f"{name}: {value}" for name, value in changed.items())
    return stage.name + (f" ({told})" if told else "")


def _default(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
