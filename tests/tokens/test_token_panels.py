"""What is told of a corpus of tokens is what its columns hold."""

from __future__ import annotations

from pathlib import Path

from stages import records
from stages.corpus import write_corpus
from stages.tokens import panels
from stages.tokens.kind import TOKENS
from stages.tokens.tokenize import Tokenize
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


def test_a_record_is_shown_token_by_token_with_what_is_packed_with_it(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "source": "s", "place": "f@0+9:1", "prompt": "When?", "completion": "At é."},
        {"id": "b", "source": "s", "place": "f@9+9:2", "text": "Peas. " * 20},
        {"id": "c", "source": "s", "place": "f@18+9:3", "text": "Short."},
    ]
    stage = Tokenize(max_length=32)
    made = stage.split(records.to_table(rows)).kept
    parameters = {"model": "smollm2", "max_length": 32}
    steps = {"steps": [{"stage": "tokenize", "parameters": parameters}]}
    write_corpus(tmp_path / "c", "tokens", [(made, records.REJECTS.empty_table())], steps)  # type: ignore[arg-type]
    told = TOKENS.record(tmp_path / "c", "a")
    ids = made.column("input_ids").to_pylist()[0]
    lines = [line.split(maxsplit=2) for line in told if line.strip()[:1].isdigit()]
    assert [int(line[1]) for line in lines] == ids and [int(line[0]) for line in lines][-1] > 9
    trained = [line[2].removeprefix("+ ") for line in lines if line[2].startswith("+ ")]
    assert trained == ['"At"', '" é"', '"."', '"<|im_end|>"']
    assert told[0] == "record     a" and told[1] == "place      f@0+9:1"
    assert "4 (" in told[2] and "enter the loss" in told[2]
    mates = [line.strip() for line in told if line.startswith("           ")]
    packed = next(line for line in told if line.startswith("packed"))
    assert mates == ["c"] and f"filled with {len(ids) + 3}" in packed
    # All parts of a record, by its id, its place, and by those of a part.
    whole = TOKENS.record(tmp_path / "c", "f@9+9:2![part=1]")
    assert whole == TOKENS.record(tmp_path / "c", "b")
    assert [line for line in whole if line.startswith("place")] == [
        f"place      f@9+9:2![part={part}]" for part in range(1, len(made) - 1)
    ]
    assert TOKENS.record(tmp_path / "c", "nothing") == []
