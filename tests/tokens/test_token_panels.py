"""What is told of a corpus of tokens is what its columns hold."""

from __future__ import annotations

from pathlib import Path

from stages.tokens import panels
from tests.cases.train import tiny_corpus


def test_tokens_and_those_in_the_loss_are_counted(tmp_path: Path) -> None:
    folder = tiny_corpus(tmp_path / "c")
    lengths = [6 + (number * 5) % 17 for number in range(30)]
    total, trained = sum(lengths), sum(length - 3 for length in lengths)
    assert (total, trained) == (417, 327)
    assert panels.lines(folder) == ["tokens     417 in 30 records; 327 (78 %) enter the loss"]
    assert panels.amounts(folder) == [("tokens", 417), ("tokens in the loss", 327)]
    (tile,) = panels.tiles(folder)
    assert (tile.value, tile.about) == ("417", "in the kept records; 78 % enter the loss")
    (panel,) = panels.panels(folder)
    assert f"longest {max(lengths)} tokens" in panel.body
