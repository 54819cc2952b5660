"""New tokens: ids behind the vocabulary, rows that are trained, and all of it saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages import check, records
from stages.corpus import write_corpus
from stages.tokens import model as models
from stages.tokens.tokenize import Tokenize
from stages.train.data import read_documents
from tests.cases.train import tiny, train
from tests.tokens import families

pytestmark = pytest.mark.extras
NEW = ("<|scene|>", "<|mood|>")


def _model(folder: Path, tied: bool) -> Path:
    """A Llama of two layers with the tokenizer of a family."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    path = families.folder(folder, "chatml")
    tokenizer = AutoTokenizer.from_pretrained(path)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
    )
    LlamaForCausalLM(config).save_pretrained(path)
    return path


def _corpus(folder: Path, stage: Tokenize) -> Path:
    import pyarrow as pa

    rows = [
        {
            "id": f"{n:032x}",
            "split": "val" if n % 6 == 5 else "train",
            "prompt": f"<|scene|>A garden. When, {n}?",
            "completion": f"<|mood|>At {n}.",
        }
        for n in range(24)
    ]
    table = records.to_table(rows, records.schema_with({"split": pa.string()}))
    kept = stage.split(table).kept
    step: Any = {"stage": "tokenize", "parameters": check.as_json(stage), "facts": stage.facts()}
    write_corpus(folder, "tokens", [(kept, records.REJECTS.empty_table())], {"steps": [step]})
    return folder


def test_new_tokens_are_one_token_each_wherever_they_stand(tmp_path: Path) -> None:
    stage = Tokenize(add_tokens=NEW)
    rows = [{"text": "<|scene|>a <|mood|>"}, {"prompt": "<|mood|> x", "completion": "y"}]
    text, pair = stage(rows, [])
    assert text["input_ids"][0] == 49_152 and text["input_ids"][-2:] == [49_153, 2]
    assert pair["input_ids"].count(49_153) == 1
    assert stage.facts()["added_tokens"] == list(NEW)
    assert stage.facts()["tokenizer"] == Tokenize().facts()["tokenizer"]
    assert len(Tokenize()([rows[0]], [])[0]["input_ids"]) > 5
    found = Tokenize(add_tokens=("<|a|>", "<|a|>", " b")).contradictions()
    assert any("twice" in one for one in found) and any("blanks" in one for one in found)
    # What the vocabulary has already stays what it is.
    (known,) = Tokenize(add_tokens=("hello", "<|im_end|>"))([{"text": "hello"}], [])
    (before,) = Tokenize()([{"text": "hello"}], [])
    assert known["input_ids"] == before["input_ids"]


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "own head"])
def test_their_rows_are_trained_and_saved_with_the_adapter(tied: bool, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = _model(tmp_path, tied)
    source = _corpus(tmp_path / "c", Tokenize(model=str(path), add_tokens=NEW))
    stage = tiny(tmp_path, model=str(path), epochs=2, lr=0.05, targets=("q_proj",))
    out = train(stage, source, tmp_path / "run")
    curve = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    last = [line["loss"] for line in curve if line["split"] == "val"][-1]

    base = AutoModelForCausalLM.from_pretrained(path)
    size = base.get_input_embeddings().weight.shape[0]
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer.convert_tokens_to_ids(list(NEW)) == [size, size + 1]
    assert "base.resize_token_embeddings(len(tokenizer))" in (out / "README.md").read_text()
    saved = (out / "adapter_model.safetensors").stat().st_size
    assert saved < 40_000, "whole embeddings are saved"
    base.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    begun = base.get_input_embeddings().weight.detach()[size:].clone()
    model = PeftModel.from_pretrained(base, out).merge_and_unload()
    rows = model.get_input_embeddings().weight.detach()[size:]
    assert (rows - begun).abs().sum() > 0.1
    documents = read_documents(source, "val")
    total = 0.0
    for number in range(len(documents)):
        ids, wanted = documents.tokens(number)
        ids = torch.from_numpy(ids.astype("int64"))
        with torch.no_grad():
            logits = model(input_ids=ids[None], use_cache=False).logits[0, :-1].float()
        losses = torch.nn.functional.cross_entropy(logits, ids[1:], reduction="none")
        total += float(losses[torch.from_numpy(wanted[1:])].sum())
    assert total / int(documents.targets.sum()) == pytest.approx(last, rel=1e-3)


def test_a_whole_model_gets_rows_for_them(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = _model(tmp_path, True)
    source = _corpus(tmp_path / "c", Tokenize(model=str(path), add_tokens=NEW))
    out = train(tiny(tmp_path, model=str(path), method="full", epochs=1), source, tmp_path / "run")
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(out),
        AutoTokenizer.from_pretrained(out),
    )
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer)
    assert models.load_tokenizer(str(out)).token_to_id(NEW[1]) == len(tokenizer) - 1
