"""`seedbed explain`: one record's life, from the source bytes to the tokens."""

from __future__ import annotations

import argparse
from pathlib import Path

ABOUT = "tell one record's life, from the source bytes to the tokens"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    about = (
        "a record's id, its place as a corpus has it, a line of a file (all records of it), its "
        "address, TABLE[COLUMN=VALUE], or a piece of its text"
    )
    parser.add_argument("what", metavar="WHAT", help=about)
    parser.add_argument("--run", type=Path, help="the run's folder; default: the newest in runs/")


def act(given: argparse.Namespace) -> int:
    """Print the life."""
    from pipeline import terminal
    from pipeline.views.explain import lines, newest_run

    terminal.put(lines(given.what, given.run or newest_run(Path("runs"))))
    return 0
