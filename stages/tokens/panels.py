"""A corpus of tokens, shown: how many there are, how many are trained on, how long records are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from stages.charts.histogram import drawn, histogram
from stages.corpus import Corpus
from stages.kinds import Marked, Panel, Tile
from stages.pages import rendered
from stages.tokens import kept, shown
from stages.words import number, percent


def lines(folder: Path) -> list[str]:
    """Tokens, and the share of them that enters the loss."""
    lengths, trained = _counted(folder)
    total = sum(lengths)
    return [
        f"tokens     {number(total)} in {number(len(lengths))} records; {number(trained)} "
        f"({percent(trained, total)}) enter the loss"
    ]


def tiles(folder: Path) -> list[Tile]:
    """The number of tokens."""
    lengths, trained = _counted(folder)
    about = f"in the kept records; {percent(trained, sum(lengths))} enter the loss"
    return [Tile("tokens", number(sum(lengths)), about)]


def amounts(folder: Path) -> list[tuple[str, int]]:
    """All tokens, and those in the loss."""
    lengths, trained = _counted(folder)
    return [("tokens", sum(lengths)), ("tokens in the loss", trained)]


def panels(folder: Path) -> list[Panel]:
    """How long the records are, and some of them with their masks."""
    lengths, _ = _counted(folder)
    data = histogram("tokens of a record", "tokens", lengths)
    body = rendered("stages.charts:drawing.html", note=data.note, drawing=drawn(data))
    return [Panel("Tokens of a record", body), *kept.panels(folder)]


def record(folder: Path, what: str) -> list[str]:
    """The tokens of one record."""
    return shown.record(folder, what)


def life(folder: Path, what: str) -> list[str]:
    """Which rows of training a record is packed into."""
    return shown.life(folder, what)


def marked(folder: Path, what: str) -> list[Marked]:
    """The rows that a record became, with their masks."""
    return kept.marked(folder, what)


def _counted(folder: Path) -> tuple[list[int], int]:
    """(length of each record, tokens that are trained on)."""
    lengths: list[int] = []
    trained = 0
    for table in Corpus(folder).batches():
        lengths += np.asarray(table.column("length")).tolist()
        masks = pc.list_flatten(table.column("loss_mask"))
        trained += pc.sum(masks).as_py() or 0
    return lengths, trained
