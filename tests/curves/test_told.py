"""Findings in the terminal and as JSON: what was read, what was found, what helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli import command
from stages.curves.findings import findings
from stages.curves.picture import tone
from stages.curves.read import read_log
from stages.curves.told import as_json, read
from tests.cases.diagnose import curve, own_lines, trainer_state, write_lines

Captured = pytest.CaptureFixture[str]


def overfit_log(folder: Path) -> Path:
    """A run of another trainer that should have stopped at step 50 of 120, and saved every 40."""
    val = [2.0, 1.7, 1.55, 1.5, 1.4, 1.45, 1.56, 1.68, 1.8, 1.93, 2.05, 2.2]
    rows: list[dict[str, object]] = [
        {**line, "step": line["step"]} for line in own_lines(curve(), 40, {}) if line["step"]
    ]
    rows = [{key: row[key] for key in ("step", "epoch", "loss")} for row in rows]
    rows += [{"step": 10 * n, "eval_loss": value} for n, value in enumerate(val, start=1)]
    for saved in (40, 80, 120):
        trainer_state(folder / f"checkpoint-{saved}" / "trainer_state.json", rows)
    return folder


def test_the_terminal_gets_findings_with_remedy_and_checkpoint(
    tmp_path: Path, capsys: Captured
) -> None:
    run = overfit_log(tmp_path / "run")
    assert command(["curves", str(run), "-o", str(tmp_path / "page.html")]) == 0
    out = capsys.readouterr().out
    assert "read       120 lines of training, 12 evaluations, up to step 120" in out
    (line,) = [line for line in out.splitlines() if "overfit:" in line]
    assert "after step 50" in line and "Stop" in line
    assert "nearest saved checkpoint is that of step 40" in line


def test_json_is_all_that_a_program_gets(tmp_path: Path, capsys: Captured) -> None:
    run = overfit_log(tmp_path / "run")
    assert command(["curves", str(run), "--json", "-"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found == as_json(read_log(run), findings(read_log(run)))
    (overfit,) = [one for one in found["findings"] if one["kind"] == "overfit"]
    assert (overfit["step"], overfit["x"], overfit["checkpoint"]) == (50, "step", 40)
    assert len(found["train"]) == 120 and found["val"][4] == [50.0, 1.4]
    assert found["checkpoints"] == [40, 80, 120]


def test_a_file_of_the_user_is_not_replaced_by_findings(tmp_path: Path, capsys: Captured) -> None:
    run, mine = overfit_log(tmp_path / "run"), tmp_path / "mine.json"
    words = ["curves", str(run), "-o", str(tmp_path / "p.html"), "--json", str(mine)]
    mine.write_text("{}")
    assert command(words) == 2 and mine.read_text() == "{}"
    assert "file of yours" in capsys.readouterr().err
    mine.unlink()
    assert command(words) == 0 and command(words) == 0
    assert json.loads(mine.read_text())[0]["title"] == "trainer_state.json"


def test_a_good_word_is_not_red(tmp_path: Path) -> None:
    lines = own_lines(curve(), 40, {0: 2.0, 20: 1.9, 40: 1.8, 60: 1.7, 80: 1.6, 100: 1.5})
    path = write_lines(tmp_path / "curve.jsonl", lines)
    tones = {one["kind"]: tone(one) for one in findings(read_log(path))}
    assert tones == {"train_on": "open"}
    settled = {0: 2.0, 20: 1.6, 40: 1.52, 60: 1.5, 80: 1.49, 100: 1.49, 120: 1.49}
    path = write_lines(tmp_path / "curve.jsonl", own_lines(curve(), 40, settled))
    assert {one["kind"]: tone(one) for one in findings(read_log(path))} == {"well_fit": "good"}


def test_what_was_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    assert read(read_log(tmp_path / "a.csv")) == "no losses"
    (tmp_path / "a.csv").write_text("epoch,loss,val_loss\n1,2,2\n2,1.9,2\n3,1.8,2\n")
    assert read(read_log(tmp_path / "a.csv")) == "3 lines of training, 3 evaluations, up to epoch 3"
