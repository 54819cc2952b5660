"""What training writes can be used at once: the card's own example runs as it stands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stages import Merge
from stages.tokens.model import EMBEDDED
from stages.train import bases, model_card
from stages.train.handover import write_tokenizer
from tests.cases.train import tiny, tiny_corpus, train
from tests.train.talking import adapter_beside, recipe_of, talking_model

pytest.importorskip("torch")
pytest.importorskip("peft")


def trained(folder: Path, chat: bool, **parameters: Any) -> Path:
    """A folder `adapter` beside its base, trained on a corpus that was rendered with a template, or
    without one."""
    base = talking_model(folder / "home" / "base")
    said = {"model": str(base)} if chat else {"model": str(base), "chat": "plain"}
    source = tiny_corpus(folder / "tokens", steps=[{"stage": "tokenize", "parameters": said}])
    out = train(tiny(folder, model=str(base), epochs=1, **parameters), source, folder / "run")
    return out.rename(folder / "adapter")


def run_example(card: Path, cwd: Path, more: str = "") -> str:
    """What the card's Python prints, run in `cwd` without a hub."""
    code = re.search(r"```python\n(.*?)```", card.read_text(), re.DOTALL)
    assert code, card.read_text()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code[1] + more], cwd=cwd, env=environment,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


PIPELINE = """
from transformers import pipeline

ask = pipeline("text-generation", model={folder!r}, device="cpu")
print("pipeline:", len(ask("When?", max_new_tokens=3, do_sample=False)[0]["generated_text"]) > 5)
"""


@pytest.mark.parametrize("chat", [True, False], ids=["chat", "plain"])
def test_the_cards_example_runs_beside_a_folder_of_the_bases_name(
    chat: bool, tmp_path: Path
) -> None:
    out = trained(tmp_path, chat)
    shutil.copytree(tmp_path / "home" / "base", tmp_path / "base")
    told = run_example(out / "README.md", tmp_path, PIPELINE.format(folder="adapter"))
    assert told.endswith("pipeline: True\n")
    card = (out / "README.md").read_text()
    assert "which no hub knows: give its path as `base`" in card
    assert (out / "chat_template.jinja").is_file() == chat == ("apply_chat_template" in card)
    assert (
        json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] == "base"
    )


def test_a_whole_model_carries_its_tokenizer(tmp_path: Path) -> None:
    out = trained(tmp_path, True, method="full")
    told = run_example(out / "README.md", tmp_path, PIPELINE.format(folder="adapter"))
    assert told.endswith("pipeline: True\n")


def test_a_merged_model_needs_no_base(tmp_path: Path) -> None:
    out = trained(tmp_path, True)
    Merge(model=str(tmp_path / "home" / "base"))(out, out=tmp_path / "model")
    told = run_example(tmp_path / "model" / "README.md", tmp_path, PIPELINE.format(folder="model"))
    assert told.endswith("pipeline: True\n")
    card = (tmp_path / "model" / "README.md").read_text()
    assert "| counting | CC0-1.0 |" in card and "base_model_relation: merge" in card


def test_the_tokenizer_of_the_adapter_is_the_bases(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    out = trained(tmp_path, True)
    text = "When are the beans sown?<|end|> 12"
    ours = AutoTokenizer.from_pretrained(out)
    theirs = AutoTokenizer.from_pretrained(tmp_path / "home" / "base")
    assert ours(text)["input_ids"] == theirs(text)["input_ids"]
    assert ours.eos_token == theirs.eos_token == "<|end|>"


def test_new_tokens_of_the_training_are_not_overwritten(tmp_path: Path) -> None:
    base = talking_model(tmp_path / "base")
    out = tmp_path / "out"
    out.mkdir()
    (out / "tokenizer.json").write_text("{}")
    config = {"auto_map": {"AutoTokenizer": "evil.T"}, "chat_template": "x", "eos_token": "<|end|>"}
    (base / "tokenizer_config.json").write_text(json.dumps(config))
    write_tokenizer(base, out, None)
    assert (out / "tokenizer.json").read_text() == "{}"
    assert not (out / "chat_template.jinja").exists()
    assert json.loads((out / "tokenizer_config.json").read_text()) == {
        "eos_token": "<|end|>", "tokenizer_class": "PreTrainedTokenizerFast",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "public", "revision", "local"),
    [
        (EMBEDDED, "HuggingFaceTB/SmolLM2-135M-Instruct", None, False),
        ("Qwen/Qwen2.5-0.5B", "Qwen/Qwen2.5-0.5B", None, False),
        ("Qwen/Qwen2.5-0.5B@060db64", "Qwen/Qwen2.5-0.5B", "060db64", False),
    ],
)
def test_the_base_is_named_as_a_hub_knows_it(
    model: str, public: str, revision: str | None, local: bool
) -> None:
    name = bases.name_of(model)
    assert name == bases.Name(model, public, revision, local)
    code = model_card.example(name, whole=False, chat=True)
    assert f'base = "{public}"\n' in code
    assert (f'from_pretrained(base, revision="{revision}")' in code) == (revision is not None)
    compile(code, "card", "exec")


def test_a_base_in_a_folder_has_the_folders_name_and_no_path(tmp_path: Path) -> None:
    (tmp_path / "my model").mkdir()
    name = bases.name_of(str(tmp_path / "my model"))
    assert name == bases.Name("my model", "my model", None, True)


def test_the_card_of_the_embedded_model_tells_its_origin() -> None:
    summary = dict.fromkeys(
        ["val_loss_first", "val_loss_last", "records_train", "records_val", "epochs", "steps",
         "trained_tokens", "trainable_parameters", "device", "precision"], 1,
    )  # fmt: skip
    card = model_card.text({**summary, "method": "lora"}, {}, [], bases.name_of(EMBEDDED), True)
    assert "4-bit (Q4_1), dequantized" in card and "licence: Apache-2.0" in card
    assert card.startswith('---\nbase_model: "HuggingFaceTB/SmolLM2-135M-Instruct"\n')


def test_a_folder_is_called_by_its_last_part(tmp_path: Path, monkeypatch: Any) -> None:
    base = talking_model(tmp_path / "deep" / "base")
    monkeypatch.chdir(base)
    for said in (str(base), ".", "../base", "../../deep/base/"):
        assert bases.name_of(said) == bases.Name("base", "base", None, True)


def test_a_run_of_a_recipe_finds_the_base_again(tmp_path: Path) -> None:
    base = talking_model(tmp_path / "models" / "base")
    run = tmp_path / "runs" / "mine"
    (run / "adapter").mkdir(parents=True)
    (run / "adapter" / "adapter_config.json").write_text("{}")
    bases.write(str(base), base, run / "adapter")
    account = {"recipe": str(tmp_path / "r.yaml"), "steps": [{"parameters": {"model": str(base)}}]}
    (run / "run.json").write_text(json.dumps(account))
    adapter = bases.adapter_in(run)
    assert adapter == run / "adapter" and bases.find(adapter, None).folder == base
    account["steps"] = [{"parameters": {"model": "models/base"}}]
    (run / "run.json").write_text(json.dumps(account))
    assert bases.find(adapter, None).same


def test_a_recipe_trains_merges_and_is_asked_by_the_name_of_its_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline import cli

    model = talking_model(tmp_path / "models" / "base")
    recipe_of(tmp_path, model, 20, "batch: 8, epochs: 1, rank: 2", "  - merge\n")
    monkeypatch.chdir(tmp_path)
    assert cli.command(["run", "t.yaml"]) == 0
    told = capsys.readouterr().out
    assert " parameters in fp32; logits of base and adapter to " in told
    assert (tmp_path / "runs/t/model/model.safetensors").is_file()
    (tmp_path / "q.csv").write_text("Deep?,1 cm,2 cm,A\n")
    words = ["evaluate", "runs/t", "--device", "cpu", "--choices", "q.csv", "--limit", "2"]
    assert cli.command(words) == 0  # the base is found by the recipe's account
    told = capsys.readouterr().out
    assert "validation, 2 records" in told and "q.csv, 1 question by letter" in told


def test_what_lies_beside_the_weights_of_the_embedded_model(tmp_path: Path) -> None:
    from stages.train.handover import complete

    out = adapter_beside(talking_model(tmp_path / "base"), tmp_path / "out")
    summary = dict.fromkeys(
        ["val_loss_first", "val_loss_last", "records_train", "records_val", "epochs", "steps",
         "trained_tokens", "trainable_parameters", "device", "precision"], 1,
    )  # fmt: skip
    complete(
        out, model=EMBEDDED, folder=tmp_path / "base", template="{{ messages }}",
        summary={**summary, "method": "lora"}, parameters={}, sources=[],
    )  # fmt: skip
    assert bases.EMBEDDED_HUB in (out / "README.md").read_text()
    assert json.loads((out / "base.json").read_text())["model"] == EMBEDDED
    assert (out / "tokenizer.json").is_file()
