"""The three launch scripts of the guide, as recipes: their values, and one step of each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.recipe.checked import read_recipe
from stages import Train
from tests.cases.train import tiny_corpus, tiny_model, train

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
pytestmark = pytest.mark.extras

RECIPES = Path(__file__).parents[2] / "recipes"

# What the scripts say, in the names that they use; ours beside them.
GUIDE: dict[str, dict[str, Any]] = {
    "full": {
        "method": "full", "optimizer": "adamw_torch_fused", "lr": 1e-5, "schedule": "cosine",
        "warmup_steps": 64, "epochs": 1, "accumulation": 8, "precision": "fp16",
        "eval_every": 128, "save_every": 128, "seed": 42,
    },
    "lora": {
        "method": "lora", "optimizer": "adamw_torch_fused", "lr": 5e-5, "schedule": "constant",
        "warmup_steps": 8, "epochs": 1, "accumulation": 64, "precision": "bf16",
        "eval_every": 80, "save_every": 80, "seed": 42, "rank": 128, "alpha": 256.0,
        "checkpoint_layers": 1,
        "targets": (
            "up_proj", "down_proj", "q_proj", "v_proj", "k_proj", "o_proj", "embed_tokens",
            "lm_head",
        ),
    },
    "qlora": {
        "method": "qlora", "optimizer": "paged_adamw_32bit", "lr": 7.5e-5, "warmup_steps": 0,
        "epochs": 1, "accumulation": 1, "per_device_batch": 1, "precision": "bf16", "bits": 16,
        "eval_every": 10, "seed": 41, "max_memory": 45, "max_length": 5000,
    },
}  # fmt: skip


def stage_of(name: str) -> Train:
    recipe = read_recipe(RECIPES / f"guide-{name}.yaml")
    (stage,) = (step.stage for step in recipe.steps if isinstance(step.stage, Train))
    return stage


@pytest.mark.parametrize("name", GUIDE)
def test_a_script_has_the_values_of_the_guide(name: str) -> None:
    if name == "qlora":
        pytest.importorskip("bitsandbytes")
    stage = stage_of(name)
    assert {key: getattr(stage, key) for key in GUIDE[name]} == GUIDE[name]
    assert stage.optimization().betas == (0.9, 0.999)
    if name == "qlora":
        text = (RECIPES / "guide-qlora.yaml").read_text()
        assert "train_on_source: yes" in text


@pytest.mark.parametrize("name", GUIDE)
def test_a_script_takes_its_first_step(name: str, tmp_path: Path) -> None:
    if name == "qlora":
        pytest.importorskip("bitsandbytes")
    stage = stage_of(name)
    rank = min(stage.rank, 32)
    dry = replace(
        stage, model=str(tiny_model(tmp_path)), rank=rank, max_steps=1, device="cpu", threads=1
    )
    out = train(dry, tiny_corpus(tmp_path / "c", train=64), tmp_path)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["steps"] == 1 and summary["val_loss_last"] > 0
    written = {path.name for path in out.iterdir()}
    assert ("adapter_model.safetensors" in written) == (name != "full")
    if name == "lora":
        from safetensors import safe_open

        with safe_open(out / "adapter_model.safetensors", "pt") as tensors:
            names = " ".join(tensors.keys())
        assert all(target in names for target in stage.targets) and "gate_proj" not in names


def test_the_names_of_other_trainers_are_told_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline import cli
    from stages import check

    known = check.parameters(Train)
    assert len(Train.other_names) > 40
    assert set(Train.other_names.values()) <= set(known) and not {*Train.other_names} & set(known)
    (tmp_path / "a.jsonl").write_text('{"text": "When the soil is warm."}\n')
    (tmp_path / "t.yaml").write_text(
        "version: 1\nname: t\nsources: [{jsonl: {path: a.jsonl}}]\nsteps:\n  - tokenize\n"
        "  - train: {learning_rate: 1e-4, gradient_accumulation_steps: 4, rnk: 3}\n"
    )
    assert cli.command(["plan", str(tmp_path / "t.yaml")]) == 2
    told = capsys.readouterr().err
    assert "has no parameter 'learning_rate'; it is called 'lr' here" in told
    assert "'gradient_accumulation_steps'; it is called 'accumulation' here" in told
    assert "'rnk'; did you mean 'rank'?" in told
    words = ["train", "tokens", "-o", str(tmp_path / "o"), "--per-device-train-batch-size", "2"]
    assert cli.command(words) == 2
    told = capsys.readouterr().err
    assert "no argument '--per-device-train-batch-size'; it is called '--per-device-batch'" in told
