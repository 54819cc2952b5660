"""What an unfinished training goes on as, and what is refused as another one, with what differs."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.run import run_stage
from stages import Train
from stages.errors import Preempted, UsageError
from stages.train import training
from tests.cases.train import contents, tiny, tiny_corpus, tiny_model, train

torch = pytest.importorskip("torch")
pytest.importorskip("peft")


def stopped(stage: Train, source: Path, folder: Path, after: int = 3) -> None:
    """A training that is stopped after a step."""

    def ask(done: int, total: int) -> None:
        if done == after:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Preempted):
        train(stage, source, folder, ask)


def goes_on(stage: Train, source: Path, folder: Path) -> tuple[list[int], Path]:
    """The steps that a rerun tells of, and what it makes."""
    seen: list[int] = []
    out = train(stage, source, folder, lambda now, total: seen.append(now))
    return seen, out


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "rate": ({"lr": 0.02}, r"train\.lr 0\.01 → 0\.02"),
    "two": ({"seed": 1, "targets": ("q_proj",)}, r"train\.targets .* → q_proj; train\.seed 0 → 1"),
    "none before": ({"max_steps": 7}, r"train\.max_steps none → 7"),
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`c`: tokens. `work`: a training of them that was stopped after step 3."""
    folder = tmp_path_factory.mktemp("begun")
    source = tiny_corpus(folder / "c", counts={"kept": 30}, steps=[_made(512)])
    stopped(tiny(folder), source, folder)
    return folder


def _made(longest: int) -> dict[str, Any]:
    return {"stage": "tokenize", "parameters": {"model": "some", "max_length": longest}}


def copied(begun: Path, to: Path) -> Path:
    shutil.copytree(begun / "work", to / "work")
    return to


@pytest.mark.parametrize("name", OTHERS)
def test_other_settings_are_refused_with_what_differs(
    name: str, begun: Path, tmp_path: Path
) -> None:
    changed, words = OTHERS[name]
    at = copied(begun, tmp_path)
    before = sorted(path.name for path in (at / "work").iterdir())
    with pytest.raises(UsageError, match=f"after step 3.*: {words}. To go on") as refused:
        train(replace(tiny(begun), **changed), begun / "c", at)
    assert f"to begin anew, remove {at / 'work'}" in str(refused.value)
    assert sorted(path.name for path in (at / "work").iterdir()) == before


def test_what_is_named_for_removal_is_all_that_stands_in_the_way(
    begun: Path, tmp_path: Path
) -> None:
    at = copied(begun, tmp_path)
    shutil.rmtree(at / "work")
    seen, _ = goes_on(replace(tiny(begun), lr=0.02), begun / "c", at)
    assert seen == list(range(9))


def test_other_tokens_are_refused_with_what_made_them_so(begun: Path, tmp_path: Path) -> None:
    fewer = tiny_corpus(tmp_path / "d", train=20, counts={"kept": 26}, steps=[_made(256)])
    at = copied(begun, tmp_path)
    with pytest.raises(UsageError) as refused:
        train(tiny(begun), fewer, at)
    assert "the tokens (records 30 → 26, tokenize.max_length 512 → 256)" in str(refused.value)


def test_other_weights_of_the_base_are_refused(begun: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    model = shutil.copytree(tiny_model(begun), tmp_path / "tiny-llama")
    weights = load_file(model / "model.safetensors")
    weights["model.norm.weight"][0] += 1
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    at = copied(begun, tmp_path)
    with pytest.raises(UsageError, match=r"asked for: the weights of the base model\. To go on"):
        train(replace(tiny(begun), model=str(model)), begun / "c", at)


def test_a_moved_base_goes_on_with_the_same_bits(begun: Path, tmp_path: Path) -> None:
    whole = train(tiny(begun), begun / "c", tmp_path / "whole")
    moved = shutil.copytree(tiny_model(begun), tmp_path / "elsewhere" / "tiny-llama")
    at = copied(begun, tmp_path)
    seen, out = goes_on(replace(tiny(begun), model=str(moved)), begun / "c", at)
    assert seen[0] == 3 and contents(out) == contents(whole)


def test_another_way_to_compute_goes_on_and_is_told(
    begun: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    at = copied(begun, tmp_path)
    changed = replace(
        tiny(begun), threads=2, micro_tokens=64, checkpoint_layers=1, save_every=5, dropout=0.1
    )
    seen, _ = goes_on(changed, begun / "c", at)
    assert seen == [3, 4, 5, 6, 7, 8]
    assert "goes on after step 3 in another way (threads 1 → 2)" in capfd.readouterr().err


def test_a_drawn_seed_goes_along_with_the_copies(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    stage = tiny(tmp_path, seed=-1, copy_to=str(tmp_path / "copies"))
    stopped(stage, source, tmp_path / "first")
    seen, out = goes_on(stage, source, tmp_path / "second")
    (seed,) = {state["seed"] for state in training.checkpoint.states(tmp_path / "first/work")}
    assert seen[0] == 3 and f'"seed": {seed}' in (out / "summary.json").read_text()


# --- in the engine ------------------------------------------------------------------------------


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each step that is taken; the third in all is stopped by a signal."""
    taken: list[int] = []
    plain = training.step

    def watched(*given: Any, **more: Any) -> Any:
        taken.append(len(taken) + 1)
        if len(taken) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(*given, **more)

    monkeypatch.setattr(training, "step", watched)
    return taken


def test_a_run_goes_on_or_is_refused_by_its_place(tmp_path: Path, steps: list[int]) -> None:
    source, stage, out = tiny_corpus(tmp_path / "c"), tiny(tmp_path), tmp_path / "out"
    with pytest.raises(Preempted):
        run_stage(stage, source, out, 1, 1 << 20)
    (work,) = (tmp_path / ".seedbed/work").glob("*/")
    with pytest.raises(UsageError) as refused:
        run_stage(replace(stage, lr=0.02), source, out, 1, 1 << 20)
    assert "train: an unfinished training stands here" in str(refused.value)
    assert "train.lr 0.01 → 0.02" in str(refused.value) and f"remove {work}" in str(refused.value)
    assert len(steps) == 3

    run_stage(replace(stage, lr=0.02, max_steps=1), source, tmp_path / "other", 1, 1 << 20)
    assert len(steps) == 4, "another place is another run"
    moved = shutil.copytree(tiny_model(tmp_path), tmp_path / "elsewhere" / "tiny-llama")
    run_stage(replace(stage, model=str(moved), save_every=7), source, out, 1, 1 << 20)
    assert len(steps) == 4 + 6, "two of eight were done"
    assert not [*(tmp_path / ".seedbed/work").iterdir()]


def test_other_libraries_are_told_in_place_of_a_new_begin(
    tmp_path: Path, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, stage, out = tiny_corpus(tmp_path / "c"), tiny(tmp_path), tmp_path / "out"
    with pytest.raises(Preempted):
        run_stage(stage, source, out, 1, 1 << 20)
    base_key = "pipeline.engine.{}.base_key"
    for name in ("ends", "runner"):
        monkeypatch.setattr(base_key.format(name), lambda *given: "another version's")
    with pytest.raises(UsageError, match=r"the version of seedbed, of Python or of a file\. To go"):
        run_stage(stage, source, out, 1, 1 << 20)
    monkeypatch.setattr(torch, "__version__", "1.0")
    with pytest.raises(UsageError, match=r"asked for: torch .* → 1\.0\. To go on with it"):
        run_stage(stage, source, out, 1, 1 << 20)
