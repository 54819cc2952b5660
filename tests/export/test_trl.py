"""The real TRL on an export: one step has our loss, on records and on tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages import Export, Split, Tokenize
from stages.call import as_table
from stages.corpus import write_corpus
from stages.records import REJECTS
from stages.train.data import read_documents
from tests.cases.train import tiny, tiny_model, train

pytest.importorskip("trl")
pytestmark = pytest.mark.extras

# Turns end with the token that ends a text and nothing behind it, which TRL would train on too.
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{% if m.role == 'assistant' %}{% generation %}"
    "{{ m.content }}<|end|>{% endgeneration %}{% else %}{{ m.content }}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
WORDS = ["the", "early", "peas", "of", "bed", "stand", "far", "too", "close", "and", "late"] * 2


def model_folder(folder: Path) -> Path:
    """A tiny model with a tokenizer of single bytes and the template."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ("<|end|>", "<|user|>", "<|assistant|>", "<|system|>")
    made.add_special_tokens([AddedToken(one, special=True, normalized=False) for one in special])
    path = tiny_model(folder, made.get_vocab_size())
    made.save(str(path / "tokenizer.json"))
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE,
        "eos_token": "<|end|>",
        "pad_token": "<|end|>",
    }
    (path / "tokenizer_config.json").write_text(json.dumps(told))
    return path


def records() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number in range(8):
        asked = " ".join(WORDS[number : number + 3]) + "?"
        told = " ".join(WORDS[number + 3 : number + 6 + number % 3]) + "."
        rows.append({"prompt": asked, "completion": told})
        rows.append(
            {
                "messages": [
                    {"role": "user", "content": asked.upper()},
                    {"role": "assistant", "content": told},
                    {"role": "user", "content": "And then?"},
                    {"role": "assistant", "content": f"Bed {number}."},
                ]
            }
        )
    return rows


def corpus_of(folder: Path, rows: Any, kind: str) -> Path:
    table = as_table(rows)[0]
    write_corpus(folder, kind, [(table, REJECTS.empty_table())], {"sources": []})
    return folder


def our_loss(folder: Path, model: Path, tokens: Path) -> float:
    """The loss of the first step over all records, at which the adapter changes nothing."""
    many = len(read_documents(tokens, "train"))
    stage = tiny(
        folder, model=str(model), batch=many, epochs=1, dropout=0.0, samples=0, micro_tokens=4096
    )
    out = train(stage, tokens, folder / "ours")
    lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    return float(next(line["loss"] for line in lines if line["split"] == "train"))


def their_loss(folder: Path, model: Path, data: Path, **settings: Any) -> float:
    """The loss of the first step of TRL's trainer over all rows of an export."""
    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset(
        data.suffix.lstrip(".").replace("jsonl", "json"),
        data_files=str(data),
        cache_dir=str(folder / "cache"),
    )["train"]
    config = SFTConfig(
        output_dir=str(folder / "trl"),
        per_device_train_batch_size=len(rows),
        max_steps=1,
        learning_rate=0.0,
        logging_steps=1,
        use_cpu=True,
        bf16=False,
        report_to="none",
        save_strategy="no",
        max_length=None,
        **settings,
    )
    trainer = SFTTrainer(model=str(model), args=config, train_dataset=rows)
    trainer.train()
    return float(next(line["loss"] for line in trainer.state.log_history if "loss" in line))


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("format", ["messages", "pretokenized"])
def test_one_step_of_trl_has_our_loss(
    format: Any, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = model_folder(tmp_path)
    rows = Split(val=4)(records())
    tokens = corpus_of(tmp_path / "tokens", Tokenize(model=str(model))(as_table(rows)[0]), "tokens")
    if format == "pretokenized":
        source, settings = tokens, {"dataset_kwargs": {"skip_prepare_dataset": True}}
    else:
        source = corpus_of(tmp_path / "records", rows, "records")
        settings = {"assistant_only_loss": True}
    Export(format=format, columns=())(source, tmp_path / "out")
    theirs = their_loss(tmp_path, model, tmp_path / "out" / f"train.{suffix}", **settings)
    assert theirs == pytest.approx(our_loss(tmp_path, model, tokens), abs=1e-4)


def test_the_last_answers_alone_have_our_loss_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = model_folder(tmp_path)
    rows = [row for row in records() if "prompt" in row]
    rows = Split(val=2)([*rows, {"messages": records()[1]["messages"][:2]}])
    tokens = corpus_of(tmp_path / "tokens", Tokenize(model=str(model))(as_table(rows)[0]), "tokens")
    source = corpus_of(tmp_path / "records", rows, "records")
    Export(format="prompt_completion", columns=())(source, tmp_path / "out")
    theirs = their_loss(tmp_path, model, tmp_path / "out" / "train.jsonl")
    assert theirs == pytest.approx(our_loss(tmp_path, model, tokens), abs=1e-4)


def test_the_lines_of_the_card_are_python_that_trl_knows(tmp_path: Path) -> None:
    import trl

    source = corpus_of(tmp_path / "in", Split(val=4)(records()), "records")
    for format, config in (("messages", trl.SFTConfig), ("prompt_completion", trl.SFTConfig)):
        Export(format=format)(source, tmp_path / format)
        card = (tmp_path / format / "README.md").read_text(encoding="utf-8")
        code = card.partition("```python\n")[2].partition("```")[0]
        compile(code, "card", "exec")
        line = next(line for line in code.splitlines() if "Config(" in line)
        options = line.partition('output_dir="out"')[2].rstrip(")").lstrip(", ")
        assert eval(f"dict({options})").keys() <= config.__dataclass_fields__.keys()


@pytest.mark.parametrize("talks", [False, True])
def test_trl_learns_from_pairs(
    talks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets import load_dataset
    from trl import DPOConfig, DPOTrainer

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = model_folder(tmp_path)
    rows = [{**row, "meta": {"rejected": "No."}} for row in records() if talks or "prompt" in row]
    Export(format="dpo", columns=())(corpus_of(tmp_path / "in", rows, "records"), tmp_path / "out")
    path = str(tmp_path / "out/train.jsonl")
    data = load_dataset("json", data_files=path, cache_dir=str(tmp_path / "cache"))["train"]
    config = DPOConfig(
        output_dir=str(tmp_path / "trl"),
        per_device_train_batch_size=4,
        max_steps=1,
        logging_steps=1,
        use_cpu=True,
        bf16=False,
        report_to="none",
        save_strategy="no",
    )
    trainer = DPOTrainer(model=str(model), args=config, train_dataset=data)
    trainer.train()
    # Model and reference are one model yet: no answer is preferred.
    loss = next(line["loss"] for line in trainer.state.log_history if "loss" in line)
    assert loss == pytest.approx(0.6931, abs=1e-3)
