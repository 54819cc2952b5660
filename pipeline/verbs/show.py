"""`seedbed show`: records, rejects, a schema, one record, or what a source begins with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.views.rows import Wanted

ABOUT = "show records and what left: the first, a sample, what a condition picks, or one record"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    about = (
        "what to look into: the folder of a run or corpus, or a recipe (the first items of its "
        "sources, before a run); or a record's id or place, which is shown token by token where it "
        "is tokens. Default: the newest run in runs/"
    )
    parser.add_argument("what", metavar="FOLDER|RECIPE|ID|PLACE", nargs="?", help=about)
    about = "the folder of a run, or of what one stage made; default: the newest in runs/"
    parser.add_argument("--run", type=Path, help=about)
    parser.add_argument("-n", "--number", type=int, default=5, help="how many; default 5")
    about = "what left, in place of the records"
    parser.add_argument("--rejects", action="store_true", help=about)
    about = "a step of the run, by label, number or stage; default: the last for records, else all"
    parser.add_argument("--step", help=about)
    parser.add_argument("--source", metavar="NAME", help="of this source alone")
    parser.add_argument("--reason", metavar="NAME", help="rejects with this reason alone")
    about = (
        'a condition over the columns, in SQL: "length(completion) < 20"; of rejects: "reason = '
        "'empty'\", \"evidence->>'rule' = 'wont'\""
    )
    parser.add_argument("--where", metavar="SQL", help=about)
    about = "a random sample in place of the first ones; the same each time"
    parser.add_argument("--random", action="store_true", help=about)
    parser.add_argument("--seed", type=int, default=0, help="another sample; default 0")
    parser.add_argument("--schema", action="store_true", help="the columns of the records")
    parser.add_argument("--jsonl", action="store_true", help="rows as JSON, a line each, whole")


def act(given: argparse.Namespace) -> int:
    """Print what was asked for."""
    from pipeline import terminal
    from pipeline.views import show
    from pipeline.views.explain import newest_run
    from stages.errors import UsageError

    if given.number < 1:
        raise UsageError(f"--number must be at least 1, not {given.number}")
    what = Path(given.what) if given.what else None
    if what is not None and what.suffix.lower() in (".yaml", ".yml") and what.is_file():
        return _before_a_run(what, given)
    if what is not None and (what.is_file() or what.suffix.lower() in (".yaml", ".yml")):
        missing = "" if what.is_file() else "is not there; "
        raise UsageError(
            f"{what}: {missing}name a recipe (a .yaml file), the folder of a run or corpus, or the "
            "id or place of a record"
        )
    one = None
    folder = given.run
    if what is not None and what.is_dir() and folder is None:
        folder = what
    elif what is not None:
        one = given.what
    folder = folder or newest_run(Path("runs"))
    if one is not None:
        print(terminal.lines(show.one(folder, one)))
        return 0
    if given.schema:
        terminal.put(show.schema(folder, given.step))
        return 0
    found, rejects = show.rows(folder, _wanted(given), given.rejects, given.step)
    if given.jsonl:
        for line in show.json_lines(found):
            print(line)
    else:
        terminal.put(show.lines(folder, found, rejects))
    return 0


def _wanted(given: argparse.Namespace) -> Wanted:
    from pipeline.views.rows import Wanted

    return Wanted(given.number, given.source, given.reason, given.where, given.random, given.seed)


def _before_a_run(recipe: Path, given: argparse.Namespace) -> int:
    from pipeline import terminal
    from pipeline.recipe.opened import opened, shield
    from pipeline.views import show
    from stages.errors import UsageError

    for name in ("run", "step", "where", "random", "reason", "schema"):
        if getattr(given, name):
            raise UsageError(f"--{name} asks for what a run made, and {recipe} is a recipe")
    shield(recipe.resolve().parent)
    with opened(recipe) as checked:
        found = show.first_items(checked, given.source, given.number)
        if not given.jsonl:
            terminal.put(show.items_told(found))
            return 0
        for _, records, rejects in found:
            for line in show.json_lines(rejects if given.rejects else records):
                print(line)
    return 0
