"""`seedbed run RECIPE`, and `seedbed.run(recipe)`: from raw files to what its last step makes."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.executors import NAMES
from pipeline.recipe.opened import Given, opened, shield
from stages.errors import UsageError

if TYPE_CHECKING:
    from pipeline.engine.run import Result

ABOUT = "run a recipe: from raw files to whatever its last step makes"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("recipe", type=Path, help="the recipe, a YAML file")
    parser.add_argument("--workers", type=int, help="processes; default: what the recipe says")
    parser.add_argument("--store", type=Path, help="the store's folder; default: the recipe's")
    parser.add_argument("--out", type=Path, help="the folder of runs; default: the recipe's")
    about = (
        "where the work is done: local (processes of this machine), ray (the cluster of "
        "RAY_ADDRESS, or of this machine), array (job arrays of a queue)"
    )
    parser.add_argument("--executor", choices=NAMES, default="local", help=about)
    about = (
        "the command that submits an array and waits for its end, with {parts}, the file for "
        "`seedbed run-part`, and {last}, the last task; default: Slurm's"
    )
    parser.add_argument("--submit", metavar="COMMAND", help=about)
    about = (
        "read only about so many items: a share of each source, through the whole recipe, as the "
        "run NAME-sample, which says what the full run would cost"
    )
    parser.add_argument("--sample", type=int, metavar="ITEMS", help=about)
    about = (
        "as the run NAME-control, with as many records chosen by chance in place of each selection"
    )
    parser.add_argument("--control", action="store_true", help=about)
    parser.add_argument("--part-bytes", type=int, help="bytes of raw input in one piece, about")
    about = (
        "begin the run again when it has finished nothing for so many minutes, or was killed; "
        "more than the longest piece takes"
    )
    parser.add_argument("--watchdog", type=float, metavar="MINUTES", help=about)


def act(given: argparse.Namespace) -> int:
    """Run, then tell what came of it."""
    from pipeline.views.summary import tell

    shield(given.recipe.resolve().parent)
    if given.watchdog is not None:
        return _watched(given)
    result = run(
        given.recipe,
        workers=given.workers,
        store=given.store,
        out=given.out,
        part_bytes=given.part_bytes,
        sample=given.sample,
        control=given.control,
        executor=given.executor,
        submit=given.submit,
    )
    tell(result.folder)
    return 0


def _watched(given: argparse.Namespace) -> int:
    from pipeline.engine.places import folder_of
    from pipeline.watchdog import watched

    if not given.watchdog > 0:
        raise UsageError(f"--watchdog must be more than 0 minutes, not {given.watchdog:g}")
    with opened(given.recipe, given.control, out=given.out, sample=given.sample) as checked:
        folder = folder_of(checked)
    words = ["run", str(given.recipe)]
    for name in ("workers", "store", "out", "sample", "part_bytes", "executor", "submit"):
        value = getattr(given, name)
        words += [] if value is None else [f"--{name.replace('_', '-')}={value}"]
    words += ["--control"] if given.control else []
    return watched(words, folder, given.watchdog * 60)


def run(
    recipe: Given,
    *,
    workers: int | None = None,
    store: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    part_bytes: int | None = None,
    sample: int | None = None,
    control: bool = False,
    executor: Literal["local", "ray", "array"] = "local",
    submit: str | None = None,
) -> Result:
    """Run a recipe, a YAML file or a dict of the same keys whose paths are relative to the working
    folder; what is in its store is not made again.

    workers: processes. store, out: folders of the store and of runs. part_bytes: bytes of raw input
    in one piece, about. None: what the recipe says. sample: read about so many items alone, a
    share of each source, as a run called NAME-sample; None: all. control: as a run called
    NAME-control, with as many records chosen by chance in place of each selection. executor:
    processes of this machine, a Ray cluster, or job arrays that the command `submit` submits; the
    bytes are the same.
    The result has `folder`, the run's folder, `shown`, the folder of each kind that was made,
    `corpora`, those that are corpora, by kind (`result.corpora["records"].table()`), and `counts`,
    by step, what came in, was kept, dropped and failed. UsageError for a mistake in recipe or
    call, before anything runs; StageFailed when a stage cannot finish or keeps nothing. Progress
    is told on stderr.
    """
    from pipeline.engine.run import run_recipe

    changes = {"workers": workers, "store": store, "out": out, "part_bytes": part_bytes}
    if submit is not None and executor != "array":
        raise UsageError("--submit goes with --executor array alone")
    where = {"executor": executor, "submit": submit}
    with opened(recipe, control, **changes, sample=sample, **where) as checked:
        return run_recipe(checked)
