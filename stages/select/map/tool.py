"""`seedbed map RUN`: every record of a run as a point, on one offline page."""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.errors import UsageError

ABOUT = "the records of a run as a map: clusters, what left and why, search, on one offline page"
PAGE = "map.html"


def options(parser: argparse.ArgumentParser) -> None:
    """What the tool takes."""
    parser.add_argument(
        "what", type=Path,
        help="a run's folder, whose recipe has the step embed, or a corpus with vectors",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--out", type=Path, help=f"the page; default: {PAGE} in the run's folder, or here"
    )
    parser.add_argument(
        "--projection", default="auto", choices=["auto", "umap", "pca"],
        help="how records become points; default: UMAP where it is installed, of at most 20,000",
    )  # fmt: skip


def act(given: argparse.Namespace) -> int:
    """Read the run and write the page."""
    from stages.charts.live.page import check_ours
    from stages.disk import write_whole
    from stages.select.map.read import read
    from stages.select.map.write import MARK, written

    if not given.what.exists():
        raise UsageError(f"{given.what} does not exist: name a run's folder or a corpus")
    out = given.out or (given.what if (given.what / "run.json").is_file() else Path()) / PAGE
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent} is no folder to write {out.name} to")
    check_ours(out, MARK)
    write_whole(out, written(read(given.what), given.projection))
    print(f"page       {out}")
    return 0
