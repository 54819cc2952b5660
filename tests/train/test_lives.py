"""What is told of records after a training: losses by visit and by source, from `recorded/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stages import json_lines
from stages.train import lives, losses

NAMES = ["id", "split", "source", "length", "targets", "base", "last"]
ROWS: list[tuple[Any, ...]] = [
    ("a" * 32, "train", "faq", 20, 9, 2.5, 1.25),
    ("b" * 32, "val", "<b>site", 30, 30, None, 2.0),
    ("c" * 32, "train", "faq", 40, 40, None, None),
]


def written(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def losses_of(rows: list[tuple[int, int, float]]) -> pa.Table:
    steps, records, values = (list(column) for column in zip(*rows, strict=True))
    kinds = [pa.array(steps, pa.int32()), pa.array(records, pa.int32())]
    return pa.table([*kinds, pa.array(values, pa.float32())], names=["step", "record", "loss"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A training of two epochs of five steps."""
    place = tmp_path / "recorded"
    place.mkdir()
    summary = {"summary": {"steps": 10, "epochs": 2}}
    (tmp_path / "manifest.json").write_text(json.dumps(summary))
    columns = {name: [row[at] for row in ROWS] for at, name in enumerate(NAMES)}
    written(place / "records.arrow", pa.table(columns))
    written(place / "visits.arrow", losses_of([(2, 0, 2.25), (7, 0, 1.25)]))
    written(place / "evaluations.arrow", losses_of([(0, 1, 3.0), (5, 1, 2.5), (10, 1, 2.0)]))
    groups = [
        {"by": by, "name": "faq", "split": "train", "step": step, "records": 2, "targets": 49,
         "loss": loss, "base": None}
        for by, step, loss in [("source", 5, 2.5), ("cluster", 5, 9.0), ("source", 10, 1.5)]
    ]  # fmt: skip
    written(place / "groups.arrow", pa.Table.from_pylist(groups))
    worst = {"id": "b" * 32, "split": "val", "source": "<b>site", "last": 2.0, "text": "<i>hard"}
    json_lines.write(place / "worst.jsonl", [worst])
    return tmp_path


def test_a_record_is_told_with_its_losses_by_epoch(folder: Path) -> None:
    (train,) = lives.life(folder, "a" * 32)
    assert train == (
        "trained: 9 of its 20 tokens enter the loss; nats a token: 2.250 at step 2 (epoch 1), "
        "1.250 at step 7 (epoch 2); 2.500 before training"
    )
    (val,) = lives.life(folder, "b" * 32)
    assert "3.000 at step 0 (epoch 0.0), 2.500 at step 5 (epoch 1.0)" in val
    assert "no step had it" in lives.life(folder, "c" * 32)[0]
    assert lives.life(folder, "d" * 32) == []
    assert lives.life(folder / "recorded", "a" * 32) == []


def test_the_panel_has_losses_by_source_and_the_hardest_records(folder: Path) -> None:
    (panel,) = losses.panels(folder)
    assert '<td class="n" data-word="first loss">2.500</td>' in panel.body
    assert '<td class="n" data-word="last">1.500</td>' in panel.body and "9.000" not in panel.body
    assert "Of 2 records that were measured half have a last loss under 1.62" in panel.body
    assert "&lt;b&gt;site" in panel.body and "&lt;i&gt;hard" in panel.body
    assert losses.panels(folder / "recorded") == []
