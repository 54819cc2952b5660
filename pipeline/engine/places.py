"""Where a run writes, held against what it reads: said before anything runs or any folder is made.

A run's folder (or a stage's output) and the store may not be, hold or lie in a source, the recipe
or each other; what is in their place must be seedbed's (`stages.owned`). Links are followed first.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pipeline.engine.account import ACCOUNTS, StepReport
from pipeline.recipe.recipe import Recipe, SourceStep
from pipeline.recipe.yaml import Problem
from stages import owned
from stages.base import Stage
from stages.errors import SeedbedError, UsageError
from stages.extract.files import root_of

STORE = ".seedbed"  # beside what a single stage makes


def store_of(recipe: Recipe) -> Path:
    """The folder of a recipe's store, links followed."""
    return owned.resolved(recipe.folder / os.path.expanduser(recipe.store))


def folder_of(recipe: Recipe) -> Path:
    """The folder of a recipe's run, links followed."""
    return owned.resolved(recipe.folder / os.path.expanduser(recipe.out) / recipe.name)


def store_beside(out: Path) -> Path:
    """The store of a single stage's output."""
    return owned.resolved(out.parent / STORE)


# --- a recipe -----------------------------------------------------------------------------------


def problems_of_places(recipe: Recipe) -> list[Problem]:
    """Which of run folder, store, sources and recipe are in each other's way, and which of them
    are in the way of folders that the run shows through links."""
    try:
        store, folder = store_of(recipe), folder_of(recipe)
        shown = {owned.resolved(path): path for path in _shown(recipe, folder)}
    except UsageError as error:
        return [Problem(str(error), *recipe.place)]
    file = owned.resolved(recipe.file) if recipe.file else None
    problems: list[Problem] = []

    def say(text: str, place: tuple[int, int] = recipe.place) -> None:
        problems.append(Problem(text, *place))

    # Where links lead is another place; the rest lies in the run's folder.
    outside = [path for path in shown if owned.relation(path, folder) != "lies in"]
    for out in (folder, *outside):
        remedy = "name another out or name" if out == folder else f"{shown[out]} leads there"
        for source in recipe.sources:
            if how := relation_to(out, source.path):
                place = (source.line, source.column)
                say(f"the run's folder {out} {how} the source {source.shown}; {remedy}", place)
        if file and (how := owned.relation(out, file)):
            say(f"the run's folder {out} {how} the recipe; {remedy}")
        if how := owned.relation(out, store):
            say(f"the run's folder {out} {how} the store {store}; {remedy}, or another store")
    if len(shown) < len(_shown(recipe, folder)) or _nested(list(shown)):
        say(f"links in {folder} lead folders of the run into one another; remove them")
    for source in recipe.sources:
        if how := relation_to(store, source.path):
            place = (source.line, source.column)
            say(f"the store {store} {how} the source {source.shown}; name another store", place)
    if file and (how := owned.relation(store, file)):
        say(f"the store {store} {how} the recipe; name another store")
    return problems


def check_recipe(recipe: Recipe) -> None:
    """UsageError with every reason why a run may not write where the recipe says."""
    problems = [str(problem) for problem in problems_of_places(recipe)]
    if problems:
        raise UsageError(*problems)
    store, folder = store_of(recipe), folder_of(recipe)
    problems += [
        why
        for path, kind in ((store, owned.STORE), (folder, owned.RUN))
        if (why := owned.refusal(path, kind))
    ]
    problems += [
        f"{path} lies in {above}, a {kind} of seedbed's; name another"
        for path in (folder, store)
        for above, kind in _ours_above(path)
    ]
    if not problems and folder.is_dir():
        shown = _shown(recipe, folder)
        problems = [*_read_and_shown(recipe, shown), *_foreign(shown), *_no_files(folder)]
    if problems:
        raise UsageError(*problems)


def _ours_above(path: Path) -> Iterator[tuple[Path, str]]:
    """The stores, runs and corpora that a path lies in."""
    for above in path.parents:
        for kind in (owned.STORE, owned.RUN):
            if owned.is_marked(above, kind):
                yield above, kind
        if owned.manifest_of(above):
            yield above, "corpus"


def _shown(recipe: Recipe, folder: Path) -> list[Path]:
    """The folders that a run of the recipe shows."""
    labels: list[str] = []
    for source in recipe.sources:
        for step in (source, *source.steps):
            labels.append(StepReport.label_of(len(labels) + 1, step.stage.name, source.name))
    for step in recipe.steps:
        labels.append(StepReport.label_of(len(labels) + 1, step.stage.name, None))
    names = dict.fromkeys(step.stage.kind.folder for step in [*recipe.sources, *recipe.steps])
    return [*(folder / name for name in names), *(folder / "steps" / label for label in labels)]


def _nested(paths: list[Path]) -> bool:
    known = set(paths)
    return any(parent in known for path in paths for parent in path.parents)


def _read_and_shown(recipe: Recipe, shown: list[Path]) -> Iterator[str]:
    """Models and the like that a step reads in a folder that the run makes anew."""
    folders = [owned.resolved(path) for path in shown]
    steps = [*(step for source in recipe.sources for step in source.steps), *recipe.steps]
    for step in steps:
        for path in _read_by(step.stage):
            if any(owned.relation(folder, path) for folder in folders):
                yield f"{step.stage.name} reads {path}, where the run writes; name another"


def _read_by(stage: Stage) -> list[Path]:
    with contextlib.suppress(SeedbedError):  # what is missing is said elsewhere
        return [owned.resolved(path) for path in stage.resources()]
    return []


def _foreign(folders: list[Path]) -> Iterator[str]:
    for path in folders:
        path = owned.resolved(path)
        if blocker := owned.obstacle(path):
            yield f"{blocker} is no folder, and the run makes one there; move it away"
            continue
        try:
            owned.check_replaceable(path)
        except owned.Foreign as problem:
            yield str(problem)


def _no_files(folder: Path) -> Iterator[str]:
    """What stands where a run writes its own files and is a folder, a link or the like."""
    for name in ACCOUNTS:
        try:
            mode = (folder / name).lstat().st_mode
        except OSError:
            continue
        if not stat.S_ISREG(mode):
            yield f"{folder / name} is no plain file, and the run writes one there; move it away"


# --- a single stage -----------------------------------------------------------------------------


def check_out(out: Path, stage: Stage, source: SourceStep | Path) -> Path:
    """The folder to make, links followed; UsageError when it may not be made there."""
    given, out = out, owned.resolved(out)
    if blocker := owned.obstacle(out):
        what = f"{given} is a file" if blocker == out else f"{blocker} is no folder"
        raise UsageError(f"{what}; name a folder to make")
    if isinstance(source, Path):
        how, shown = owned.relation(out, owned.resolved(source)), str(source)
    else:
        how, shown = relation_to(out, source.path), source.shown
    if how:
        raise UsageError(f"{given} {how} the input {shown}, which stays as it is; name another -o")
    for path in _read_by(stage) if out.is_dir() else ():
        if how := owned.relation(out, path):
            raise UsageError(f"{given} {how} {path}, which {stage.name} reads; name another -o")
    if owned.is_marked(out, owned.STORE):
        raise UsageError(f"{given} is a store; name another -o")
    for above, kind in _ours_above(out):
        if kind != owned.RUN:  # the corpora of a run may be replaced by hand
            raise UsageError(f"{given} lies in {above}, a {kind} of seedbed's; name another -o")
    if any(above.name == STORE for above in out.parents):
        raise UsageError(f"{given} lies in {STORE}, the place of a store; name another -o")
    store = store_beside(out)
    if how := owned.relation(out, store):
        raise UsageError(f"{given} {how} the place of the store, {store}; name another -o")
    owned.check_replaceable(out)
    if why := owned.refusal(store, owned.STORE):
        raise UsageError(why)
    return out


def check_file(file: Path, recipe: Recipe) -> None:
    """UsageError when a file to be made lies in what the recipe reads, or where it writes."""
    path = owned.resolved(file)
    for source in recipe.sources:
        if how := relation_to(path, source.path):
            raise UsageError(f"{file} {how} the source {source.shown}; name another -o")
    steps = [*(step for source in recipe.sources for step in source.steps), *recipe.steps]
    read = [
        (one, f"{one}, which {step.stage.name} reads")
        for step in steps
        for one in _read_by(step.stage)
    ]
    for other, told in (
        *read,
        (store_of(recipe), "the store"),
        (folder_of(recipe), "the run's folder"),
    ):
        if how := owned.relation(path, other):
            raise UsageError(f"{file} {how} {told}; name another -o")


# --- sources ------------------------------------------------------------------------------------


def relation_to(path: Path, source: str) -> str | None:
    """How a resolved path lies to what a source reads; None: apart.

    Hidden folders of a source are not read, so they may be used. A pattern reads below its root
    where its parts match.
    """
    if "://" in source:
        return None
    root, pattern = root_of(source)
    if pattern is None or os.path.exists(source):
        target = owned.resolved(source)
        how = owned.relation(path, target)
        return None if how == "lies in" and _hidden(_names_below(path, target)) else how
    base = owned.resolved(root)
    how = owned.relation(path, base)
    if how is None:
        return None
    if how == "lies in":
        names = _names_below(path, base)
        return "lies in" if _reaches(Path(pattern).parts, names) else None
    return "lies above"


def _names_below(path: Path, base: Path) -> list[str]:
    names: list[str] = []
    while not owned.same(path, base):
        names.insert(0, path.name)
        path = path.parent
    return names


def _hidden(names: list[str]) -> bool:
    return any(name.startswith(".") for name in names)


def _reaches(pattern: tuple[str, ...], names: list[str]) -> bool:
    """Whether a pattern may match something below a folder of these names under its root."""
    if ".." in pattern:
        return True
    for part, name in zip(pattern, names, strict=False):
        if part == "**":
            return not _hidden(names)
        if not fnmatch.fnmatchcase(name, part) or (name[0] == "." and part[0] != "."):
            return False
    return len(names) < len(pattern)
