"""`seedbed unbundle FILE -o FOLDER --run`: a bundle unpacked, compared, and its step done.

The same command again goes on where a kill or a signal has ended it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

ABOUT = "unpack a bundle, compare every file with its hash, and run its step"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("bundle", type=Path, help="the file that `seedbed bundle` made")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the folder to unpack into")
    parser.add_argument(
        "--run", action="store_true", help="then run the step; its result lies in the folder"
    )


def act(given: argparse.Namespace) -> int:
    """Unpack, and run when asked to."""
    from pipeline.engine.run import run_stage
    from pipeline.engine.unbundle import unpack
    from pipeline.views.summary import tell_stage
    from stages import check
    from stages.call import PART_BYTES
    from stages.errors import UsageError
    from stages.words import number

    found = unpack(given.bundle, given.out)
    stage, out = found.stage, found.folder / found.stage.kind.folder
    if not given.run:
        files = sum(path.is_file() for path in found.folder.rglob("*"))
        print(f"{given.out}: {stage.name}, {number(files)} files, each as it was packed")
        return 0
    if wrong := check.contradictions_of(stage):
        raise UsageError(*(f"{given.bundle}: {text}" for text in wrong))
    report = run_stage(stage, found.input, out, 1, PART_BYTES)
    tell_stage(stage, report, out)
    return 0
