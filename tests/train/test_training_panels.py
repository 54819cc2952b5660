"""What is told of a training has the numbers of its summary, with their signs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages.corpus import MANIFEST
from stages.train import panels

SUMMARY: dict[str, Any] = {
    "base": "tiny", "method": "lora", "steps": 40, "epochs": 2, "epoch_borders": [20],
    "trained_tokens": 12_345, "records_train": 800, "records_unused": 200, "records_val": 50,
    "records_cut": 7, "records_without_targets": 3, "val_loss_first": 2.5, "val_loss_last": 1.25,
    "train_loss_first": 2.25, "train_loss_last": 1.75, "without_adapter": [],
    "retention_loss_first": None, "retention_loss_last": None,
}  # fmt: skip
CURVE = [
    {"step": 0, "split": "val", "loss": 2.5},
    {"step": 20, "split": "train", "loss": 2.25},
    {"step": 20, "split": "val", "loss": None},
    {"step": 40, "split": "train", "loss": 1.75},
    {"step": 40, "split": "val", "loss": 1.25},
]


def _folder(path: Path, **changed: Any) -> Path:
    (path / MANIFEST).write_text(json.dumps({"summary": {**SUMMARY, **changed}}))
    (path / "curve.jsonl").write_text("".join(json.dumps(line) + "\n" for line in CURVE))
    samples = [{"prompt": "Ask", "reference": "told", "before": "odd", "after": "even"}]
    (path / "samples.json").write_text(json.dumps(samples))
    return path


def test_the_ending_tells_tokens_and_losses_with_their_sign(tmp_path: Path) -> None:
    told = panels.lines(_folder(tmp_path))
    assert told == [
        "training   12,345 trained tokens, 40 steps, 2 epochs of 800 of 1,000 records",
        "losses     validation 2.500 → 1.250 nats a token (-1.250)",
        "",
        "prompt     Ask",
        "before     odd",
        "after      even",
    ]
    more = {
        "retention_loss_first": 3.0, "retention_loss_last": 3.125, "result_step": 1200,
        "stopped": {"kind": "overfit", "step": 1400, "words": "W."},
    }  # fmt: skip
    assert panels.lines(_folder(tmp_path, **more))[2:4] == [
        "elsewhere  3.000 → 3.125 nats a token (+0.125) on text that has nothing to do with the "
        "data",
        "stopped    after step 1,400 (overfit); the weights are those of step 1,200",
    ]
    rising = panels.lines(_folder(tmp_path, val_loss_last=2.75))[1]
    assert rising.endswith("2.500 → 2.750 nats a token (+0.250)")


def test_tiles_and_amounts_are_those_of_the_summary(tmp_path: Path) -> None:
    trained, validation = panels.tiles(_folder(tmp_path))
    assert (trained.value, trained.about) == ("800", "of 1,000 records for it")
    assert validation.value == "2.50 → 1.25"
    assert panels.amounts(tmp_path) == [("tokens trained on in 2 epochs", 12_345)]


def test_the_curve_has_each_side_by_itself(tmp_path: Path) -> None:
    curve = panels.curve_of(_folder(tmp_path))
    assert curve.train == [(20.0, 2.25), (40.0, 1.75)]
    assert curve.val == [(0.0, 2.5), (40.0, 1.25)]
    assert curve.epochs == [(20.0, "epoch 2")] and curve.title == "lora on tiny"
    shown = panels.panels(tmp_path)
    assert [panel.title for panel in shown] == ["Learning curves", "Training"]
    assert "step 40: 1.250" in shown[0].body and "<td>12345</td>" in shown[1].body


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, []),
        (
            {"records_train": 40, "records_unused": 960},
            ["training used 40 of 1,000 records (4.0 %): epoch_tokens is small for this corpus"],
        ),
        ({"records_train": 50, "records_unused": 950}, []),
        (
            {"records_cut": 110},
            ["110 of 1,053 records that came to training were cut at max_length"],
        ),
        ({"records_cut": 105}, []),
        (
            {"records_without_targets": 150},
            ["150 of 1,200 records that came to training have no token to train on within "
             "max_length"],
        ),
    ],
)  # fmt: skip
def test_what_is_odd_is_warned_of(
    tmp_path: Path, changed: dict[str, Any], words: list[str]
) -> None:
    assert panels.warnings(_folder(tmp_path, **changed)) == words
