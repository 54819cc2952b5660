"""`seedbed plan`: what a checked recipe would do, in words, without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline import terminal
from pipeline.engine.ahead import Ahead, ahead
from pipeline.engine.places import folder_of
from pipeline.recipe.looked import at_source, look_at
from pipeline.recipe.recipe import Recipe, RecipeError, Step
from pipeline.recipe.yaml import Problem
from stages import check
from stages.base import End, Part, Source, Stage
from stages.corpus import Corpus
from stages.counts import form_lines
from stages.errors import SeedbedError, UsageError
from stages.extract.files import size_of, unread
from stages.extract.packed.labels import packed
from stages.sample import Sample, parts_of
from stages.sql_text import laid_out
from stages.words import duration, size


def show_plan(recipe: Recipe) -> str:
    """The plan as lines of text: sources with their parts, steps with changed parameters."""
    problems: list[Problem] = []
    lines = [f"{recipe.name}: seed {recipe.seed}, {recipe.workers} workers"]
    raw = 0
    for source in recipe.sources:
        stage = source.stage
        assert isinstance(stage, Source)
        parts = parts_of(stage, source.path)
        raw += sum(size_of(path) for part in parts for _, path in part.paths())
        licence = source.license or "no licence given"
        lines.append(
            f"  {source.name:<12} {_shown(source)} from {source.masked()[0]}: "
            f"{_counted(parts)}, {licence}"
        )
        lines += _long(source, f"    {'':<12} ")
        notes = (*stage.notes(), unread(source.path, packed(stage.suffixes), source.masked()[0]))
        lines += [f"    {'':<12} note: {note}" for note in notes if note]
        try:
            lines += [f"    {'':<12} {line}" for line in _understood(look_at(source, parts))]
        except UsageError as error:
            problems += at_source(recipe, source, error.messages)
        lines += [f"    {'':<12} then {_shown(step)}" for step in source.steps]
    for count, step in enumerate(recipe.steps, 1):
        lines.append(f"  {count:>2}. {_shown(step)}: {check.summary(type(step.stage))}")
        lines += [f"      note: {note}" for note in step.stage.notes()]
        lines += [f"      {line}" for line in _forecast(step.stage, recipe, raw)]
    if problems:
        raise RecipeError(problems)
    lines += _to_do(ahead(recipe, raw))
    return terminal.lines(lines)


def _to_do(steps: Sequence[Ahead]) -> list[str]:
    """What the store holds already and what a run would compute, with the time of the last run."""
    lines, whole, unknown = [], 0.0, 0
    for step in steps:
        name = step.stage + (f" {step.source}" if step.source else "")
        if step.ready:
            lines.append(f"    {name:<24} in the store")
            continue
        parts = f"{step.held:,} of {step.pieces:,} pieces in the store, " if step.held else ""
        share = 1 - (step.held or 0) / step.pieces if step.pieces else 1.0
        time = "" if step.seconds is None else f", {duration(share * step.seconds)} by the last run"
        lines.append(f"    {name:<24} {parts}to compute{time}")
        whole += share * (step.seconds or 0.0)
        unknown += step.seconds is None
    todo = sum(not step.ready for step in steps)
    if not todo:
        return ["  all of it is in the store: a run computes nothing"]
    if todo == len(steps) == unknown and not any(step.held for step in steps):
        return [
            "  nothing of it is in the store; `seedbed run --sample 200` tells what it will take"
        ]
    more = f", and {unknown} steps of unknown time" if unknown else ""
    return [f"  to compute: {todo} of {len(steps)} steps, about {duration(whole)}{more}", *lines]


def _forecast(stage: Stage, recipe: Recipe, raw: int) -> list[str]:
    """What an end stage says that it would take, by what the last run of the recipe shows."""
    if not isinstance(stage, End):
        return []
    made = folder_of(recipe) / stage.consumes.folder
    try:
        return stage.forecast(made if Corpus.at(made) else None, raw)
    except SeedbedError as error:  # what is there is damaged, or of an earlier recipe
        return [f"what it takes is not known: {error}"]


def _counted(parts: Sequence[Part]) -> str:
    """How many files there are and how large they are."""
    paths = [path for part in parts for _, path in part.paths()]
    if not paths:
        return "no files"
    number = "1 file" if len(paths) == 1 else f"{len(paths):,} files"
    return f"{number}, {size(sum(map(size_of, paths)))}"


def _understood(sample: Sample) -> list[str]:
    """What a look at a source found, as lines."""
    lines = form_lines(sample.forms)
    if sample.refused:
        reasons = ", ".join(dict.fromkeys(reason for _, reason, _ in sample.faults))
        lines.append(f"refused: {sample.refused:,} of {sample.items:,} items ({reasons})")
    lines += [f"not read to the end: {text}" for text in sample.stopped]
    if not sample.whole and sample.items:
        first = "the first " if sample.files == 1 else ""
        of = f" of {sample.of:,}" if sample.files < sample.of else ""
        files = "1 file" if sample.files == 1 else f"{sample.files:,} files"
        lines.append(f"seen in {first}{sample.items:,} items of {files}{of}")
    return lines


def _shown(step: Step) -> str:
    stage = step.stage
    changed: dict[str, Any] = {
        name: value
        for name, value in laid_out(type(stage), check.as_json(stage)).items()
        if value != _default(check.parameters(type(stage))[name][1].default)
    }
    told = ", ".join(f"{name}: {_short(value)}" for name, value in changed.items())
    return stage.name + (f" ({told})" if told else "")


def _short(value: Any) -> str:
    """A value on one line; one of several lines follows whole, see `_long`."""
    return "…" if _has_lines(value) else check.shown(value)


def _has_lines(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value.strip()


def _long(step: Step, indent: str) -> list[str]:
    """The parameters of several lines: a query, laid out."""
    values = laid_out(type(step.stage), check.as_json(step.stage))
    lines = []
    for name, value in values.items():
        if _has_lines(value):
            lines += [f"{indent}{name}:", *(f"{indent}  {line}" for line in value.split("\n"))]
    return lines


def _default(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
