"""A stop at any point of a training changes no bit of what it gives in the end."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stages.errors import Preempted
from stages.train import checkpoint, training
from stages.train.copies import Copies
from tests.cases.train import contents, tiny, tiny_corpus, train

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
pytestmark = pytest.mark.extras


def stopped_at(monkeypatch: pytest.MonkeyPatch, name: str, call: int) -> None:
    """SIGTERM within the given call of a function that `training` uses."""
    plain, calls = getattr(training, name), [0]

    def watched(*given: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] == call:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(*given, **more)

    monkeypatch.setattr(training, name, watched)


STOPS = {
    "before a step of epoch 1": ("step", 2),
    "in the first micro-step": ("row_of", 4),
    "in a later micro-step": ("row_of", 5),
    "in epoch 2": ("step", 6),
    "in the base losses": ("evaluate", 1),
    "in the first evaluation": ("evaluate", 2),
    "in an evaluation in the middle": ("evaluate", 4),
    "in the last evaluation": ("evaluate", 6),
    "in the probe beside an evaluation": ("of_targets", 4),
    "in the probe alone": ("of_targets", 3),
}


@pytest.mark.parametrize("optimizer", ["adamw_torch", "paged_adamw_32bit"])
@pytest.mark.parametrize("where", STOPS)
def test_stopped_anywhere_it_goes_on_with_the_same_bits(
    where: str, optimizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if optimizer != "adamw_torch":
        pytest.importorskip("bitsandbytes")
        if where not in ("in epoch 2", "in a later micro-step"):
            pytest.skip("one optimizer is enough there")
    source = tiny_corpus(tmp_path / "c")
    stage = tiny(tmp_path, save_every=1000, optimizer=optimizer)
    whole = contents(train(stage, source, tmp_path / "whole"))
    with monkeypatch.context() as patch:
        stopped_at(patch, *STOPS[where])
        with pytest.raises(Preempted, match="the same command goes on"):
            train(stage, source, tmp_path / "stopped")
    assert contents(train(stage, source, tmp_path / "stopped")) == whole


@pytest.mark.parametrize("call", [1, 2, 3])
def test_killed_in_a_save(call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, stage = tiny_corpus(tmp_path / "c"), tiny(tmp_path)
    whole = contents(train(stage, source, tmp_path / "whole"))
    plain, calls = checkpoint.write_json, [0]

    def dies(*given: Any) -> None:
        calls[0] += 1
        if calls[0] == call:
            raise KeyboardInterrupt
        plain(*given)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_json", dies)
        with pytest.raises(KeyboardInterrupt):
            train(stage, source, tmp_path / "killed")
    assert contents(train(stage, source, tmp_path / "killed")) == whole


def test_two_processes_stop_together_and_go_on(tmp_path: Path) -> None:
    source, stage = tiny_corpus(tmp_path / "c"), tiny(tmp_path, processes=2, save_every=1000)
    whole = contents(train(stage, source, tmp_path / "whole"))

    def ask(done: int, total: int) -> None:
        if done == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Preempted, match="after step 3 of 8"):
        train(stage, source, tmp_path / "stopped", ask)
    shutil.copytree(tmp_path / "stopped", tmp_path / "alone")
    seen: list[int] = []
    again = train(stage, source, tmp_path / "stopped", lambda now, total: seen.append(now))
    assert seen == [3, 4, 5, 6, 7, 8] and contents(again) == whole

    # And one process goes on from the checkpoint of two.
    one = replace(stage, processes=1)
    out = train(one, source, tmp_path / "alone", lambda now, total: seen.append(now))
    assert seen[6:] == [3, 4, 5, 6, 7, 8]
    lines = [map(json.loads, text.decode().splitlines()) for text in (
        contents(out)["curve.jsonl"], whole["curve.jsonl"])]  # fmt: skip
    losses = [[line["loss"] for line in one] for one in lines]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_clock_asks_for_checkpoints(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    saved: list[int] = []

    def look(done: int, total: int) -> None:
        saved.append(len([*(tmp_path / "work").glob("checkpoint-*")]))

    train(tiny(tmp_path, save_every=1000, save_minutes=0.0, validate=False), source, tmp_path, look)
    assert saved == [0, 0, 1, 2, 2, 2, 2, 2, 2]
    (tmp_path / "rarely").mkdir()
    rarely = tiny(tmp_path, save_every=1000, save_minutes=60.0, validate=False)
    train(rarely, source, tmp_path / "rarely")
    assert not [*(tmp_path / "rarely/work").glob("checkpoint-*")]


def test_the_best_validation_stays_beside_the_last_two(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c", train=6, val=6)
    stage = tiny(tmp_path, epochs=40, lr=0.05, dropout=0.0, eval_every=4, save_every=3)
    train(stage, source, tmp_path)
    positions = sorted(int(p.name[-8:]) for p in (tmp_path / "work").glob("checkpoint-*"))
    assert len(positions) == 3
    best = checkpoint.latest(tmp_path / "work")
    assert best is not None and 2 * best[0]["best"][0] + 1 == positions[0]


# --- copies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["folder", "address"])
def test_another_machine_goes_on_from_the_copies(tmp_path: Path, form: str) -> None:
    source = tiny_corpus(tmp_path / "c")
    place = tmp_path / "copies of mine"
    address = str(place) if form == "folder" else f"file://{place}"
    stage = tiny(tmp_path, copy_to=address)
    whole = contents(train(tiny(tmp_path), source, tmp_path / "whole"))

    def ask(done: int, total: int) -> None:
        if done == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Preempted):
        train(stage, source, tmp_path / "first", ask)
    (run,) = place.iterdir()
    assert len([*run.iterdir()]) == 2
    seen: list[int] = []
    again = train(stage, source, tmp_path / "second", lambda now, total: seen.append(now))
    found = contents(again)
    assert seen[0] == 5
    different = {name for name, data in found.items() if whole[name] != data}
    assert different <= {"README.md"}, "only the settings differ"


def test_a_copy_without_its_hashes_is_none(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    stage = tiny(tmp_path, copy_to=str(tmp_path / "copies"))
    train(stage, source, tmp_path / "first")
    (run,) = (tmp_path / "copies").iterdir()
    older, newest = sorted(run.iterdir())
    (newest / checkpoint.HASHES).unlink()
    with Copies(stage.copy_to, run.name) as copies:
        (tmp_path / "work").mkdir()
        copies.fetch(tmp_path / "work")
    assert [p.name for p in (tmp_path / "work").glob("*checkpoint*")] == [older.name]


def test_a_place_that_cannot_be_written_ends_no_training(tmp_path: Path, capfd: Any) -> None:
    source = tiny_corpus(tmp_path / "c")
    (tmp_path / "file").write_text("no folder")
    stage = tiny(tmp_path, copy_to=str(tmp_path / "file"), epochs=1)
    assert (train(stage, source, tmp_path) / "adapter_model.safetensors").is_file()
    assert "was not copied" in capfd.readouterr().err


def test_an_address_of_no_known_kind_is_a_mistake(tmp_path: Path) -> None:
    from stages.errors import UsageError

    stage = tiny(tmp_path, copy_to="nowhere://bucket/x")
    with pytest.raises(UsageError, match=r"train\.copy_to nowhere://bucket/x"):
        train(stage, tiny_corpus(tmp_path / "c"), tmp_path)
