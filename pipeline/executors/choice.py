"""Which executor a run gets."""

from __future__ import annotations

from pathlib import Path

from pipeline.executors.tasks import Executor
from pipeline.recipe.recipe import Recipe


def executor_of(recipe: Recipe, store: Path) -> Executor:
    """The executor that the call named."""
    paths = [recipe.folder]
    if recipe.executor == "ray":
        from pipeline.executors.ray import RayExecutor

        return RayExecutor(paths)
    if recipe.executor == "array":
        from pipeline.executors.array import SLURM, ArrayExecutor

        return ArrayExecutor(recipe.submit or SLURM, store, paths)
    from pipeline.executors.local import LocalExecutor

    return LocalExecutor(recipe.workers, paths)
