"""`seedbed run-part PARTS [N …]`: what a task of a job array does."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from stages.errors import UsageError

ABOUT = "work on parts of a run with --executor array: what a task of a job array calls"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("parts", type=Path, help="the file of parts that the run names: {parts}")
    about = (
        "numbers of parts, from 0; default: this task's share, by SLURM_ARRAY_TASK_ID and "
        "SLURM_ARRAY_TASK_COUNT"
    )
    parser.add_argument("numbers", type=int, nargs="*", metavar="N", help=about)


def act(given: argparse.Namespace) -> int:
    """Work on them; what each became is told to the run."""
    from pipeline.executors.array import work_on

    count = work_on(given.parts, given.numbers or None, _share() if not given.numbers else (0, 1))
    print(f"{count} parts")
    return 0


def _share() -> tuple[int, int]:
    """(this task's number from 0, tasks) as Slurm says them."""
    names = ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT")
    try:
        own, first, count = (int(os.environ[name]) for name in names)
    except (KeyError, ValueError):
        raise UsageError(
            f"name the numbers of parts, or call it in a job array, which sets {', '.join(names)}"
        ) from None
    return own - first, count
