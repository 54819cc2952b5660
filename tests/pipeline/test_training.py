"""Training through the engine: killed after a checkpoint it ends with the same bits; twice at once
it is done once."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.pipeline import world
from tests.pipeline.world import end, snapshot, start
from tests.train.talking import called

pytest.importorskip("torch")
pytest.importorskip("peft")

OPTIONS = [
    "--rank=4",
    "--dropout=0.1",
    "--batch=2",
    "--micro-tokens=40",
    "--lr=0.01",
    "--save-every=2",
    "--threads=1",
    "--device=cpu",
    "--precision=fp32",
    "--samples=0",
    "--epochs=12",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A token corpus and a model of a few thousand weights."""
    from tests.cases.train import tiny_corpus, tiny_model

    tiny_corpus(tmp_path / "tokens")
    model = Path(tiny_model(tmp_path))
    (tmp_path / "model").symlink_to(model)
    return tmp_path


def _arguments(out: str) -> list[str]:
    return ["train", "tokens", "-o", out, "--model=model", *OPTIONS]


def _made(folder: Path, out: str) -> dict[str, str]:
    """What training makes in this process, which has torch already; `model` is a link."""
    called(*_arguments(out), cwd=folder)
    return snapshot(folder / out)


def test_a_kill_in_training_ends_with_the_same_bits(folder: Path) -> None:
    wanted = _made(folder, "whole")
    assert {"adapter_model.safetensors", "curve.jsonl"} <= set(wanted)
    shutil.rmtree(folder / ".seedbed")
    process = start(*_arguments("killed"), cwd=folder)
    checkpoints = folder / ".seedbed/work"
    try:
        found = world.wait_until(
            lambda: process.poll() is not None or list(checkpoints.glob("*/checkpoint-*")), 60
        )
        assert found and process.poll() is None, "killed before its end"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    finally:
        end(process)
    assert not (folder / "killed").exists()
    (curve,) = checkpoints.glob("*/curve.jsonl")
    with curve.open("a") as lines:  # what is behind the last checkpoint is done again
        lines.write("the line of a step that no checkpoint has")
    assert _made(folder, "killed") == wanted
    assert not list(checkpoints.iterdir()), "checkpoints are removed after the end"


def test_two_trainings_of_one_adapter_are_one(folder: Path) -> None:
    both = [start(*_arguments(name), cwd=folder) for name in ("one", "two")]
    try:
        told = [process.communicate(timeout=120)[1] for process in both]
    finally:
        for process in both:
            end(process)
    assert [process.returncode for process in both] == [0, 0], told
    assert sum("(from the store)" in text for text in told) == 1
    assert snapshot(folder / "one") == snapshot(folder / "two")
