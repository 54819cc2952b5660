"""The embedded model: its tokenizer is the one it was trained with, and converting is safe."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from stages import records
from stages.cached import cache_folder
from stages.corpus import write_corpus
from stages.errors import UsageError
from stages.tokens import model as models
from stages.tokens.tokenize import Tokenize


def _build(cache: str) -> list[int]:
    os.environ["SEEDBED_CACHE"] = cache
    return list(models.load_tokenizer().encode("\n\n1. a").ids)


def test_digits_are_cut_off_before_white_space_is_counted() -> None:
    tokenizer = models.load_tokenizer()
    assert tokenizer.encode("\n\n1. a").ids == [1116, 33, 30, 253]
    assert tokenizer.encode("\n\n1. a").tokens == ["ĊĊ", "1", ".", "Ġa"]
    assert tokenizer.encode("a   1").tokens == ["a", "ĠĠĠ", "1"]
    assert tokenizer.encode("[\n    1,\n    22").tokens == (
        ["[", "ĊĠĠĠĠ", "1", ",", "ĊĠĠĠĠ", "2", "2"]
    )


def test_the_vocabulary_and_its_control_tokens() -> None:
    tokenizer = models.load_tokenizer()
    assert tokenizer.get_vocab_size() == 49_152
    special = tokenizer.get_added_tokens_decoder()
    assert sorted(special) == list(range(17))
    assert tokenizer.token_to_id("<|im_end|>") == 2
    assert tokenizer.encode("<|im_start|>user").ids[0] == 1


def test_two_processes_can_build_the_same_cache_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        found = pool.map(_build, [str(tmp_path), str(tmp_path)], chunksize=1)
    assert found == [[1116, 33, 30, 253]] * 2
    folders = list((tmp_path / "tokenizers").iterdir())
    assert len(folders) == 1, "temporary folders are left behind"
    assert {file.name for file in folders[0].iterdir()} == {
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    }


def test_a_build_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path))

    def broken(source: Path, out: Path) -> None:
        (out / "tokenizer.json").write_text("half")
        raise OSError("no space left on device")

    monkeypatch.setattr("stages.tokens.convert.write_tokenizer", broken)
    with pytest.raises(OSError, match="no space"):
        models.tokenizer_folder()
    assert list((tmp_path / "tokenizers").iterdir()) == []


def test_one_setting_places_every_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEEDBED_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "seedbed"
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "else"))
    assert cache_folder() == tmp_path / "else"


def test_the_weights_are_plain_safetensors_and_the_model_speaks() -> None:
    import torch
    from safetensors import safe_open
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = models.model_folder()
    config = json.loads((folder / "config.json").read_text())
    assert "quantization_config" not in config
    assert config["rope_parameters"]["rope_theta"] == 100_000
    with safe_open(folder / "model.safetensors", "np") as file:
        assert len(list(file.keys())) == 272
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    question = [{"role": "user", "content": "What is the capital of France?"}]
    text = tokenizer.apply_chat_template(question, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
    answer = model.generate(ids, max_new_tokens=8, do_sample=False)[0][ids.shape[1] :]
    assert tokenizer.decode(answer) == "The capital of France is Paris.<|im_end|>"


def test_query_rows_are_put_from_pairs_into_halves() -> None:
    import numpy as np

    from stages.tokens.convert import _bfloat16, _rotary_order

    rows = np.arange(8, dtype=np.float32).reshape(8, 1)
    assert _rotary_order(rows, 2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    exact = np.array([1.0, -2.5, 0.0, 3.140625], dtype=np.float32)
    back = (_bfloat16(exact).astype(np.uint32) << 16).view(np.float32)
    assert back.tolist() == exact.tolist()
    halfway = np.array([1.00390625, 1.01171875], dtype=np.float32)  # ties: to even
    back = (_bfloat16(halfway).astype(np.uint32) << 16).view(np.float32)
    assert back.tolist() == [1.0, 1.015625]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("smollm3", "neither 'smollm2' (embedded), nor a folder, nor a Hugging Face id"),
        ("./nowhere", "neither"),
    ],
)
def test_a_model_that_is_not_there_is_one_sentence(model: str, said: str) -> None:
    assert said in (models.problem_with(model) or "")
    with pytest.raises(UsageError, match="neither"):
        models.tokenizer_folder(model)


def test_a_hub_id_is_not_asked_for_when_only_checked() -> None:
    assert models.problem_with("someone/a-model-that-nobody-made") is None
    assert models.problem_with("smollm2") is None


def test_a_local_folder_is_used_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    assert "has no tokenizer.json" in (models.problem_with(str(folder)) or "")
    original = models.tokenizer_folder() / "tokenizer.json"
    (folder / "tokenizer.json").write_bytes(original.read_bytes())
    assert models.tokenizer_folder(str(folder)) == folder
    assert models.resources(str(folder)) == (folder / "tokenizer.json",)
    assert models.load_tokenizer(str(folder)).encode("a").ids == [81]
    with pytest.raises(UsageError, match=r"no \.safetensors file"):
        models.model_folder(str(folder))
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(UsageError, match="cannot be used"):
        models.load_tokenizer(str(folder))


def test_the_embedded_file_is_what_enters_the_key() -> None:
    (file,) = models.resources("smollm2")
    assert file.suffix == ".gguf"
    assert models.resources("smollm2", weights=True) == (file,)


@pytest.mark.parametrize(
    ("tokens", "kind"), [(256, "uint8"), (257, "uint16"), (65_536, "uint16"), (65_537, "uint32")]
)
def test_ids_have_the_smallest_type_that_holds_the_vocabulary(
    tmp_path: Path, tokens: int, kind: str
) -> None:
    vocabulary = {f"<{number}>": number for number in range(tokens)}
    Tokenizer(WordLevel(vocabulary, unk_token="<0>")).save(str(tmp_path / "tokenizer.json"))
    stage = Tokenize(model=str(tmp_path), chat="plain", strict=False)
    made = stage.split(records.to_table([{"id": "a", "text": f"<{tokens - 1}>"}])).kept
    assert str(made.schema.field("input_ids").type.value_type) == kind
    assert made.column("input_ids").to_pylist() == [[tokens - 1]]
    assert str(Tokenize(model=str(tmp_path / "none")).makes()["input_ids"].value_type) == "uint32"


def test_a_token_takes_two_bytes_and_a_bit(tmp_path: Path) -> None:
    text = "In rows, three centimetres deep, a hand apart, as soon as the soil is warm. " * 40
    rows = [{"id": f"{number}", "text": f"{number}. {text}"} for number in range(50)]
    made = Tokenize().split(records.to_table(rows)).kept
    write_corpus(tmp_path / "c", "tokens", [(made, records.REJECTS.empty_table())], {})
    (data,) = (tmp_path / "c/data").iterdir()
    assert data.stat().st_size / sum(made.column("length").to_pylist()) < 2.3
