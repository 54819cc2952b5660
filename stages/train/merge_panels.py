"""A merged model, shown: its size, its number format, and how far it was seen to be the adapter."""

from __future__ import annotations

from pathlib import Path

from stages.kinds import Tile, summary_of
from stages.words import number


def lines(folder: Path) -> list[str]:
    """What was made."""
    summary = summary_of(folder)
    return [
        f"model      {number(summary['parameters'])} parameters in {summary['dtype']}; logits of "
        f"base and adapter to {summary['largest_difference']:.0e}"
    ]


def warnings(folder: Path) -> list[str]:
    """A base that is not the one of the training."""
    if summary_of(folder)["base_is_the_trained_one"]:
        return []
    return [
        "the weights of the base model are not those beside which the adapter was trained: name "
        "that one with model, or look at the answers"
    ]


def tiles(folder: Path) -> list[Tile]:
    """The size of the model."""
    summary = summary_of(folder)
    return [Tile("merged", number(summary["parameters"]), f"parameters in {summary['dtype']}")]
