"""`seedbed explain`: one record's life, from the source bytes to the tokens."""

from __future__ import annotations

import argparse
from pathlib import Path

ABOUT = "tell one record's life, from the source bytes to the tokens"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    about = "a record's id, its place as a corpus has it, or a line of a file"
    parser.add_argument("what", metavar="ID|PLACE|FILE:LINE", help=about)
    parser.add_argument("--run", type=Path, help="the run's folder; default: the newest in runs/")


def act(given: argparse.Namespace) -> int:
    """Print the life."""
    from pipeline.views.explain import explain, newest_run

    print(explain(given.what, given.run or newest_run(Path("runs"))))
    return 0
