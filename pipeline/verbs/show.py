"""`seedbed show`: what one record has become, piece by piece."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stages.kinds import Kind

ABOUT = "show what one record has become, token by token where it is tokens"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("what", metavar="ID|PLACE", help="a record's id, or its place")
    about = "the folder of a run, or of what one stage made; default: the newest in runs/"
    parser.add_argument("--run", type=Path, help=about)


def _of(kind: Kind, what: str, folder: Path) -> list[str]:
    return kind.record(folder, what)


def act(given: argparse.Namespace) -> int:
    """Print what each kind has of the record."""
    from pipeline import terminal
    from pipeline.engine.account import folders_of
    from pipeline.views.explain import newest_run
    from pipeline.views.kinds import shown
    from stages.errors import UsageError

    folder = given.run or newest_run(Path("runs"))
    told: list[str] = []
    for kind, path in folders_of(folder).items():
        lines = shown(kind, partial(_of, kind, given.what), path, str)
        told += ["", str(kind), *lines] if lines else []
    if not told:
        raise UsageError(
            f"nothing in {folder} shows a record {given.what!r}; `seedbed explain` tells what "
            "became of it"
        )
    print(terminal.lines(told[1:]))
    return 0
