"""`seedbed bundle RECIPE -o FILE`: one step of a recipe for another machine, with all it needs."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.recipe.opened import opened, shield
from stages.errors import UsageError

if TYPE_CHECKING:
    from pipeline.recipe.recipe import Recipe

ABOUT = "pack one step of a recipe, with its input and models, for another machine"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("recipe", type=Path, help="the recipe, or the folder of its run")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, help="the file to make: .tar.gz or .tar.zst"
    )
    parser.add_argument(
        "--step",
        help="the step that is to run elsewhere; default: the first end stage that needs files "
        "beside its input, as a model",
    )
    parser.add_argument("--workers", type=int, help="processes for the steps before it")


def act(given: argparse.Namespace) -> int:
    """Run the steps before it, from the store where they are made, and pack."""
    from pipeline.engine import bundle
    from pipeline.engine.places import check_file, check_recipe
    from pipeline.engine.run import run_recipe
    from stages.base import End
    from stages.words import number, size

    file = _recipe_file(given.recipe)
    shield(file.resolve().parent)
    bundle.packing_of(given.out)
    if given.out.exists():
        raise UsageError(f"{given.out} is there already; name another file, or remove it")
    with opened(file, workers=given.workers) as recipe:
        check_recipe(recipe)
        check_file(given.out, recipe)
        at = _chosen(recipe, given.step)
        stage = recipe.steps[at].stage
        assert isinstance(stage, End)
        # A run of its own: what the recipe's own run shows stays as it is.
        before = replace(recipe, name=f"{recipe.name}-bundle", steps=recipe.steps[:at])
        shown = run_recipe(before).shown
        source = shown.get(stage.consumes.name)
        if source is None:
            raise UsageError(f"no step before {stage.name} makes {stage.consumes}")
        index = bundle.pack(stage, source, given.out)
    files = index["files"]
    whole, packed = sum(entry[0] for entry in files.values()), given.out.stat().st_size
    print(
        f"{given.out}: {stage.name} with {number(len(files))} files, {size(whole)}, packed "
        f"{size(packed)}"
    )
    print(f"there: seedbed unbundle {given.out.name} -o {stage.name} --run")
    return 0


def _recipe_file(path: Path) -> Path:
    """The recipe, or that of the run whose folder is named."""
    if not path.is_dir():
        return path
    from pipeline.engine.account import load_run

    file = Path(load_run(path)["recipe"])
    if not file.is_file():
        raise UsageError(f"{path} was made by the recipe {file}, which is gone: name the recipe")
    return file


def _chosen(recipe: Recipe, said: str | None) -> int:
    """The number of the step that is packed."""
    from stages import check
    from stages.base import End

    ends = [at for at, step in enumerate(recipe.steps) if isinstance(step.stage, End)]
    if said is None:
        ends = [at for at in ends if recipe.steps[at].stage.resources()]
        if not ends:
            raise UsageError(
                f"{recipe.file} has no end stage that needs files beside its input: name the step "
                "with --step"
            )
        return ends[0]
    for at in ends:
        if recipe.steps[at].stage.name == said:
            return at
    names = [recipe.steps[at].stage.name for at in ends]
    raise UsageError(f"{recipe.file} has no end stage {said!r}{check.nearest(said, names)}")
