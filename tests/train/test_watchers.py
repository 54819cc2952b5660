"""What watches a training is told of each step, and changes nothing of what is written."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from stages.errors import SeedbedError
from tests.cases.train import contents, tiny, tiny_corpus, train

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
pytestmark = pytest.mark.extras


class Run:
    """What `wandb.init` and `trackio.init` return."""

    def __init__(self) -> None:
        self.lines: list[dict[str, float]] = []
        self.finished = False

    def log(self, figures: dict[str, float]) -> None:
        self.lines.append(figures)

    def finish(self) -> None:
        self.finished = True


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_a_tracker_hears_of_every_step(
    name: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, asked = Run(), {}

    def init(**given: Any) -> Run:
        asked.update(given)
        return run

    monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(init=init))
    source = tiny_corpus(tmp_path / "c")
    plain = contents(train(tiny(tmp_path, epochs=1), source, tmp_path / "plain"))
    seen = contents(train(tiny(tmp_path, epochs=1, report_to=(name,)), source, tmp_path / "seen"))
    assert {n for n in plain if plain[n] != seen[n]} == {"README.md"}  # the settings
    steps = [line for line in run.lines if "train/loss" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4] and run.finished
    assert asked["config"]["report_to"] == [name]
    for key in ("train/loss", "train/lr", "train/grad_norm", "train/seconds", "train/tokens"):
        assert all(line[key] > 0 for line in steps), key
    assert [line["step"] for line in run.lines if "val/loss" in line] == [0, 1, 2, 3, 4]


def test_tensorboard_gets_files_that_its_reader_reads(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from stages.curves.read import read_log

    source = tiny_corpus(tmp_path / "c")
    out = train(tiny(tmp_path, epochs=1, report_to=("tensorboard",)), source, tmp_path)
    log, own = read_log(tmp_path / "work" / "report"), read_log(out)
    assert list(log.train.steps) == [1, 2, 3, 4]
    for seen, wanted in ((log.train, own.train), (log.val, own.val)):
        assert list(seen.steps) == list(wanted.steps)
        assert list(seen.values) == pytest.approx(list(wanted.values), rel=1e-6)


def test_a_tracker_that_is_not_installed_is_a_mistake(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    with pytest.raises(SeedbedError, match="trackio"):
        train(tiny(tmp_path, report_to=("trackio",)), source, tmp_path)
