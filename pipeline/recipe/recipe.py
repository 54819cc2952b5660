"""A recipe that was read: its sources and steps, each with its place in the file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.recipe.yaml import Problem
from stages.base import Stage
from stages.errors import UsageError
from stages.secrets import masked

RESERVED = ("steps", "earlier", "run.json", "events.jsonl", "report.html")  # in a run's folder
SAMPLE = "-sample"  # ends the name of a run on a sample
CONTROL = "-control"  # ends the name of a run in which chance chooses
_TOLD = 100  # mistakes; a recipe of 1 MB has room for 50,000, which nobody reads


class RecipeError(UsageError):
    """All the mistakes of a recipe, one a line; of very many the first."""

    def __init__(self, problems: list[Problem]) -> None:
        more = len(problems) - _TOLD
        rest = [f"and {more:,} more like these"] if more > 0 else []
        super().__init__(*problems[:_TOLD], *rest)
        self.problems = problems


@dataclass(frozen=True)
class Step:
    """A stage and where it stands in the recipe."""

    stage: Stage
    line: int = 0
    column: int = 0


@dataclass(frozen=True)
class SourceStep(Step):
    """A source stage with what the recipe says of it. path: as given, made absolute."""

    path: str = ""
    name: str = ""
    license: str | None = None
    shown: str = ""
    steps: tuple[Step, ...] = ()

    def masked(self) -> tuple[str, str]:
        """(path as written, path made absolute) for accounts and people: without a password."""
        if os.path.exists(self.path) and self.path.endswith(os.path.basename(self.shown)):
            return self.shown, self.path  # a file may be called anything
        return masked(self.shown), masked(self.path)


@dataclass(frozen=True)
class Recipe:
    """What to run. `folder` is where relative paths begin and the user's modules lie."""

    name: str
    folder: Path
    sources: tuple[SourceStep, ...]
    steps: tuple[Step, ...]
    seed: int = 0
    workers: int = field(default_factory=lambda: min(os.cpu_count() or 1, 8))
    out: str = "runs"
    store: str = ".seedbed"
    part_bytes: int = 16 << 20
    keep: str = "last"
    sample: int = 0  # items that are read of all sources together, about; 0: all
    executor: str = "local"
    submit: str = ""  # the command that submits an array
    file: str = ""
    place: tuple[int, int] = (0, 0)  # line and column of `run:`
