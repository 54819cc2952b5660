"""`seedbed diff RUN1 RUN2`: which records a change brought in or threw out, and why."""

from __future__ import annotations

import argparse
from pathlib import Path

ABOUT = "compare two runs: which records came in, left or changed, by reason, with examples"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("first", metavar="RUN1", type=Path, help="the folder of a run")
    about = "that of another, as of a recipe with another `name:` and a changed parameter"
    parser.add_argument("second", metavar="RUN2", type=Path, help=about)


def act(given: argparse.Namespace) -> int:
    """Print the difference."""
    from pipeline import terminal
    from pipeline.views import diff

    found = diff.diff(given.first, given.second)
    terminal.put(diff.lines(given.first, given.second, found))
    return 0
