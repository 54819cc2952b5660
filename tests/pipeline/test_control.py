"""`seedbed run --control`: beside a run with a selection, one in which chance chose as many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import seedbed
from pipeline.cli import command
from stages.corpus import Corpus
from stages.errors import UsageError
from tests.pipeline import world


def recipe(folder: Path, steps: str) -> Path:
    world.lines(folder / "big.jsonl", range(150))
    path = folder / "r.yaml"
    source = "sources: [{jsonl: {path: big.jsonl}}]\n"
    path.write_text(f"version: 1\nname: r\n{source}steps: {steps}\nrun: {{workers: 1}}\n")
    return path


@pytest.mark.extras
def test_a_control_stands_beside_the_run_with_as_many_records(tmp_path: Path, capsys: Any) -> None:
    path = recipe(tmp_path, "[embed, {select: {keep: 40}}, {split: {val: 4}}]")
    ours = seedbed.run(path)
    out = str(tmp_path / "runs")
    assert command(["run", str(path), "--control", "--out", out]) == 0
    assert "control" in capsys.readouterr().out
    theirs = tmp_path / "runs" / "r-control"
    assert ours.folder.parent == theirs.parent
    tables = [Corpus(folder / "corpus").table() for folder in (ours.folder, theirs)]
    ids = [set(table["id"].to_pylist()) for table in tables]
    assert len(ids[0]) == len(ids[1]) == 40 and ids[0] != ids[1]
    assert tables[0].schema == tables[1].schema
    # What stands before the selection is not computed again.
    again = seedbed.run(path, control=True)
    assert not any(report.computed for report in again.reports)


def test_a_recipe_that_chooses_nothing_has_no_control(tmp_path: Path) -> None:
    path = recipe(tmp_path, "[normalize]")
    with pytest.raises(UsageError, match="control: no step of the recipe chooses"):
        seedbed.run(path, control=True)
