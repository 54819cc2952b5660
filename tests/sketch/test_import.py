"""`seedbed import`: configurations of axolotl, LLaMA-Factory and TRL become right recipes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.recipe.checked import read_recipe
from stages.errors import UsageError
from stages.sketch.imported import imported
from tests.pipeline.world import prose, seedbed

AXOLOTL = """
base_model: smollm2
adapter: qlora
load_in_4bit: true
datasets:
  - path: data/alpaca.jsonl
    type: alpaca
  - path: data/own.jsonl
    ds_type: json
    type:
      field_instruction: ask
      field_input: about
      field_output: say
  - path: tatsu-lab/alpaca
    type: alpaca
val_set_size: 0.1
sequence_len: 1024
sample_packing: true
micro_batch_size: 2
gradient_accumulation_steps: 4
num_epochs: 3
learning_rate: 2e-4
lr_scheduler: cosine
optimizer: adamw_bnb_8bit
lora_r: 32
lora_alpha: 16
lora_dropout: 0.05
lora_target_linear: true
gradient_checkpointing: true
train_on_inputs: false
warmup_steps: 10
bf16: auto
seed: 7
liger_plugin: true
output_dir: ./out
"""
LLAMA_FACTORY = """
model_name_or_path: smollm2
stage: sft
finetuning_type: lora
lora_target: all
dataset: mine,talks
template: llama3
cutoff_len: 512
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
val_size: 0.1
bf16: true
"""
INFO = {
    "mine": {"file_name": "own.jsonl", "columns": {"prompt": "ask", "query": "about",
                                                   "response": "say"}},
    "talks": {"file_name": "talks.json", "formatting": "sharegpt",
              "columns": {"messages": "conversations"}},
}  # fmt: skip
TRL = """
model_name_or_path: smollm2
dataset_name: data/alpaca.jsonl
use_peft: true
lora_r: 8
learning_rate: 1e-4
max_length: 256
packing: true
gradient_checkpointing: false
eval_strategy: steps
lr_scheduler_type: cosine_with_restarts
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    rows = [{"instruction": prose(n), "input": "", "output": prose(n + 50)} for n in range(20)]
    own = [{"ask": prose(n), "about": prose(n + 90), "say": prose(n + 95)} for n in range(5)]
    talks = [{"conversations": [_said("human", n), _said("gpt", n + 10)]} for n in range(6)]
    _lines(data / "alpaca.jsonl", rows)
    _lines(data / "own.jsonl", own)
    (data / "talks.json").write_text(json.dumps(talks))
    (data / "dataset_info.json").write_text(json.dumps(INFO))
    return tmp_path


def _said(who: str, number: int) -> dict[str, str]:
    return {"from": who, "value": prose(number)}


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _recipe(folder: Path, text: str) -> tuple[Any, dict[str, Any], str]:
    """The recipe, the parameters of its steps, its text."""
    (folder / "config.yml").write_text(text)
    written, _ = imported(folder / "config.yml", folder / "recipe.yaml")
    (folder / "recipe.yaml").write_text(written)
    recipe = read_recipe(folder / "recipe.yaml")
    return recipe, {step.stage.name: step.stage for step in recipe.steps}, written


@pytest.mark.extras
def test_axolotl(folder: Path) -> None:
    recipe, steps, text = _recipe(folder, AXOLOTL)
    assert [len(list(one.stage(one.path, []))) for one in recipe.sources] == [20, 5]
    train = steps["train"]
    assert (train.method, train.bits, train.rank, train.alpha, train.dropout) == (
        "qlora", 4, 32, 16, 0.05)  # fmt: skip
    assert (train.per_device_batch, train.accumulation, train.epochs) == (2, 4, 3)
    assert (train.lr, train.schedule, train.optimizer) == (2e-4, "cosine", "adamw_8bit")
    assert (train.targets, train.checkpoint_layers, train.warmup_steps) == (("all-linear",), 1, 10)
    assert (train.precision, train.seed, steps["split"].val) == ("auto", 7, 0.1)
    assert steps["tokenize"].max_length == 1024 and not steps["tokenize"].train_on_source
    assert "? not taken: liger_plugin: yes" in text
    _, steps, _ = _recipe(folder, AXOLOTL.replace("warmup_steps: 10\n", ""))
    assert (steps["train"].warmup, steps["train"].warmup_steps) == (0.03, None)
    assert "tatsu-lab/alpaca" in text and "# - jsonl:" in text and "hf download" in text


@pytest.mark.extras
def test_llama_factory(folder: Path) -> None:
    recipe, steps, text = _recipe(folder, LLAMA_FACTORY)
    assert [len(list(one.stage(one.path, []))) for one in recipe.sources] == [5, 6]
    first = next(iter(recipe.sources[0].stage(recipe.sources[0].path, [])))
    assert first["prompt"] == f"{prose(0)}\n\n{prose(90)}"
    train = steps["train"]
    assert (train.method, train.rank, train.alpha) == ("lora", 8, 16), "its defaults"
    assert (train.per_device_batch, train.accumulation, train.epochs) == (1, 8, 3)
    assert (train.lr, train.schedule, train.warmup) == (1e-4, "cosine", 0.1)
    assert (train.precision, train.targets) == ("bf16", ("all-linear",))
    assert steps["tokenize"].max_length == 512
    assert "? not taken: template: llama3" in text


@pytest.mark.extras
def test_trl(folder: Path) -> None:
    recipe, steps, text = _recipe(folder, TRL)
    assert [len(list(one.stage(one.path, []))) for one in recipe.sources] == [20]
    train = steps["train"]
    assert (train.method, train.rank, train.alpha, train.lr) == ("lora", 8, 32, 1e-4)
    assert (train.epochs, train.per_device_batch, train.schedule) == (3, 8, "linear")
    assert (
        "not taken: lr_scheduler_type: cosine_with_restarts (schedule must be one of"
        in " ".join(text.replace("#", "").split())
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "cannot be read"),
        ("- a\n- b", "is no configuration"),
        ("a: 1", "neither a configuration of axolotl"),
        ("base_model: x\ndatasets: []", "it names no data set"),
        ("base_model: x\ndatasets: [{path: no/where}]", "none of its data sets is here"),
        (
            "dataset: nine\nstage: sft\nfinetuning_type: lora",
            "has no data set 'nine'; did",
        ),
        ("dataset: a\nstage: sft\ndataset_dir: none", "dataset_info.json, which says what a is"),
    ],
)
def test_what_is_wrong_is_one_sentence(folder: Path, text: str, words: str) -> None:
    (folder / "config.yml").write_text(text)
    with pytest.raises(UsageError, match=re.escape(words)):
        imported(folder / "config.yml", folder / "recipe.yaml")


@pytest.mark.extras
def test_the_command_says_which_data_are_not_here(folder: Path) -> None:
    (folder / "config.yml").write_text(AXOLOTL)
    told = seedbed("import", "config.yml", cwd=folder).stdout
    assert "  not here: tatsu-lab/alpaca: a comment in recipe.yaml says how" in told


def test_the_command_overwrites_nothing(folder: Path) -> None:
    (folder / "trl.yaml").write_text(TRL)
    told = seedbed("import", "trl.yaml", cwd=folder).stdout
    assert "a configuration of TRL: 1 data sets, lora" in told
    before = (folder / "recipe.yaml").read_text()
    done = seedbed("import", "trl.yaml", cwd=folder, code=2)
    assert "is there already" in done.stderr and (folder / "recipe.yaml").read_text() == before
