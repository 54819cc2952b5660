"""A merged model is the base with its adapter, to the last digits, whatever the adapter's form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages import Merge
from stages.errors import UsageError
from stages.train import bases, gguf_file, trained
from stages.train.weights import fingerprint, tensors_of
from tests.train.talking import adapter_beside, talking_model

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")

IDS = [[5, 260, 41, 7, 300, 12, 19, 33, 2, 90]]


def logits(model: Any) -> Any:
    with torch.no_grad():
        return model(input_ids=torch.tensor(IDS), use_cache=False).logits[0]


def of_base_and_adapter(base: Path, adapter: Path) -> Any:
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    trained._widen(plain, adapter)
    return logits(peft.PeftModel.from_pretrained(plain, adapter).eval())


def of_folder(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return logits(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval())


FORMS: dict[str, dict[str, Any]] = {
    "lora": {},
    "rslora": {"use_rslora": True},
    "dora": {"use_dora": True},
    "pissa": {"init_lora_weights": "pissa"},
    "bias": {"bias": "lora_only"},
    "head saved whole": {"modules_to_save": ["lm_head"]},
    "norms saved whole": {"modules_to_save": ["input_layernorm"]},
    "embeddings and head": {"target_modules": ["embed_tokens", "lm_head", "q_proj"]},
    "head alone": {"target_modules": ["lm_head", "q_proj"]},
    "embeddings alone": {"target_modules": ["embed_tokens", "q_proj"]},
    "token rows": {"trainable_token_indices": {"embed_tokens": [260, 300]}},
    "ranks of their own": {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"q_proj": 32}},
    "one layer": {"layers_to_transform": [1]},
}


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("form", FORMS)
def test_logits_are_those_of_base_and_adapter(form: str, tied: bool, tmp_path: Path) -> None:
    change = {"attention_bias": True, "mlp_bias": True} if form == "bias" else {}
    base = talking_model(tmp_path / "base", tie_word_embeddings=tied, **change)
    adapter = adapter_beside(base, tmp_path / "adapter", **FORMS[form])
    wanted = of_base_and_adapter(base, adapter)
    assert float((wanted - of_folder(base)).abs().max()) > 0.05
    summary = Merge()(adapter, out=tmp_path / "out")
    found = of_folder(tmp_path / "out")
    assert float((wanted - found).abs().max()) < 1e-5 * float(wanted.abs().max())
    assert summary["largest_difference"] <= 1e-5 and summary["base_is_the_trained_one"]


def test_new_rows_of_the_embeddings_come_along(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    base = talking_model(tmp_path / "base")
    save = {"modules_to_save": ["embed_tokens", "lm_head"]}
    adapter = adapter_beside(base, tmp_path / "adapter", **save)
    state = load_file(adapter / "adapter_model.safetensors")
    for name in [name for name in state if state[name].shape[0] == 304]:
        state[name] = torch.cat([state[name], torch.randn(3, 32) * 0.2])
    save_file(state, adapter / "adapter_model.safetensors", {"format": "pt"})
    wanted = of_base_and_adapter(base, adapter)
    Merge()(adapter, out=tmp_path / "out")
    found = of_folder(tmp_path / "out")
    assert found.shape[-1] == 307
    assert float((wanted - found).abs().max()) < 1e-5 * float(wanted.abs().max())


def test_a_scale_that_is_wrong_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = adapter_beside(talking_model(tmp_path / "base"), tmp_path / "adapter")
    plain = peft.tuners.lora.layer.Linear.get_delta_weight
    monkeypatch.setattr(
        peft.tuners.lora.layer.Linear, "get_delta_weight", lambda *given: 1.01 * plain(*given)
    )
    with pytest.raises(UsageError, match="answer otherwise than base and adapter"):
        Merge()(adapter, out=tmp_path / "out")


def test_the_number_format_is_the_bases_or_the_one_asked_for(tmp_path: Path) -> None:
    base = talking_model(tmp_path / "base", dtype="bfloat16")
    adapter = adapter_beside(base, tmp_path / "adapter")
    for dtype, kind in (("base", "BF16"), ("fp32", "F32"), ("fp16", "F16")):
        out = tmp_path / f"as-{dtype}"
        Merge(dtype=dtype)(adapter, out=out)  # type: ignore[arg-type]
        assert {tensor.kind for tensor in tensors_of(out).values()} == {kind}
        said = json.loads((out / "config.json").read_text())["dtype"]
        assert said == {"BF16": "bfloat16", "F32": "float32", "F16": "float16"}[kind]


def test_a_large_model_is_cut_into_files(tmp_path: Path) -> None:
    base = talking_model(tmp_path / "base", hidden_size=256, intermediate_size=1024)
    adapter = adapter_beside(base, tmp_path / "adapter")
    Merge(shard=2)(adapter, out=tmp_path / "out")
    files = sorted((tmp_path / "out").glob("*.safetensors"))
    assert len(files) > 3 and (tmp_path / "out" / "model.safetensors.index.json").is_file()
    assert all(file.stat().st_size < 2_100_000 for file in files)
    assert float((of_base_and_adapter(base, adapter) - of_folder(tmp_path / "out")).abs().max()) < (
        1e-4
    )


def test_another_base_of_the_same_shape_is_said(tmp_path: Path) -> None:
    adapter = adapter_beside(talking_model(tmp_path / "base"), tmp_path / "adapter")
    other = talking_model(tmp_path / "other", seed=9)
    assert fingerprint(other) != fingerprint(tmp_path / "base")
    summary = Merge(model=str(other))(adapter, out=tmp_path / "out")
    assert not summary["base_is_the_trained_one"]
    assert "not those beside which" in (tmp_path / "out" / "README.md").read_text()
    from stages.train.merge_panels import warnings

    assert "name that one with model" in warnings(tmp_path / "out")[0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda at: (at / "adapter_config.json").write_text("{"), "cannot be used"),
        (lambda at: (at / "adapter_model.safetensors").unlink(), "no adapter_model.safetensors"),
        (lambda at: (at / "adapter_model.safetensors").write_bytes(b"no"), "cannot be used"),
        (lambda at: (at / "base.json").write_text("[]"), "cannot be used"),
        (lambda at: _set(at, peft_type="NO_SUCH"), "does not fit the model"),
        (lambda at: _set(at, target_modules=["no_such_layer"]), "does not fit the model"),
        (lambda at: (at / "adapter_config.json").unlink(), "holds no adapter"),
    ],
)
def test_a_damaged_adapter_is_one_sentence(make: Any, words: str, tmp_path: Path) -> None:
    adapter = adapter_beside(talking_model(tmp_path / "base"), tmp_path / "adapter")
    make(adapter)
    with pytest.raises(UsageError, match=words) as caught:
        Merge()(adapter, out=tmp_path / "out")
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()


def _set(folder: Path, **values: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_base_that_is_not_here_is_asked_for(tmp_path: Path) -> None:
    base = talking_model(tmp_path / "base")
    adapter = adapter_beside(base, tmp_path / "deep" / "in" / "it")
    with pytest.raises(
        UsageError, match=r"is the folder 'base' of the machine that trained it.*--model"
    ):
        Merge()(adapter, out=tmp_path / "out")
    Merge(model=str(base))(adapter, out=tmp_path / "out")
    talking_model(tmp_path / "deep" / "base", seed=3)  # of that name, and another
    with pytest.raises(UsageError, match="none here with its weights"):
        bases.find(adapter, None)


def test_an_adapter_of_another_shape_is_refused(tmp_path: Path) -> None:
    adapter = adapter_beside(talking_model(tmp_path / "base"), tmp_path / "adapter")
    other = talking_model(tmp_path / "other", hidden_size=64)
    with pytest.raises(UsageError, match="name the model that it was trained on"):
        Merge(model=str(other))(adapter, out=tmp_path / "out")


def test_a_whole_model_has_nothing_to_merge(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a whole model already"):
        Merge()(talking_model(tmp_path / "base"), out=tmp_path / "out")


# --- GGUF ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("tied", [False, True])
def test_a_gguf_file_answers_as_the_folder_does(dtype: Any, tied: bool, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    base = talking_model(tmp_path / "base", tie_word_embeddings=tied)
    adapter = adapter_beside(base, tmp_path / "adapter")
    summary = Merge(gguf=True, dtype=dtype)(adapter, out=tmp_path / "out")
    assert summary["gguf_tensors"] == len(tensors_of(tmp_path / "out"))
    read = AutoModelForCausalLM.from_pretrained(
        tmp_path / "out", gguf_file="model.gguf", dtype=torch.float32
    )
    assert float((logits(read.eval()) - of_folder(tmp_path / "out")).abs().max()) < 1e-5


def test_the_embedded_model_comes_back_from_its_gguf_file(tmp_path: Path) -> None:
    """The converter that reads the embedded file reads ours: same tensors, same tokenizer."""
    from stages.tokens.convert import write_tokenizer, write_weights

    talking = talking_model(tmp_path / "base", dtype="bfloat16")
    gguf_file.write(talking, tmp_path / "model.gguf")
    again = tmp_path / "again"
    again.mkdir()
    write_weights(tmp_path / "model.gguf", again)
    write_tokenizer(tmp_path / "model.gguf", again)
    ours, theirs = tensors_of(talking), tensors_of(again)
    assert list(ours) == list(theirs)
    for name, tensor in ours.items():
        assert gguf_file._stored(tensor).tobytes() == gguf_file._stored(theirs[name]).tobytes()
    before, after = (json.loads((f / "tokenizer.json").read_text()) for f in (talking, again))
    assert before["model"]["merges"] == after["model"]["merges"]
    assert before["pre_tokenizer"] == after["pre_tokenizer"]
    special = [[one["content"] for one in f["added_tokens"]] for f in (before, after)]
    assert special[0] == special[1] and len(special[0]) == 4
    template = (again / "chat_template.jinja").read_text()
    assert template == (talking / "chat_template.jinja").read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "gpt2"}, "it is a gpt2 model"),
        ({"rope_parameters": {"rope_type": "llama3"}}, "positions are scaled"),
        ({"attention_bias": True}, "has attention_bias"),
        ({"hidden_act": "gelu"}, "activation is gelu"),
    ],
)
def test_what_a_gguf_file_cannot_hold_exactly_is_refused_before_the_work(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    base = talking_model(tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(UsageError, match=words):
        gguf_file.check(base)


def test_a_tokenizer_without_a_name_in_gguf_is_refused(tmp_path: Path) -> None:
    base = talking_model(tmp_path / "base")
    path = base / "tokenizer.json"
    layout = json.loads(path.read_text())
    layout["pre_tokenizer"]["pretokenizers"][0]["individual_digits"] = False
    path.write_text(json.dumps(layout))
    with pytest.raises(UsageError, match="in a way that GGUF has no name for"):
        gguf_file.check(base)


def test_a_gguf_file_that_differs_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.errors import StageFailed

    base = talking_model(tmp_path / "base")
    plain, calls = gguf_file._pairs, []

    def once(data: Any, heads: int) -> Any:
        calls.append(heads)
        return data if len(calls) == 1 else plain(data, heads)

    monkeypatch.setattr(gguf_file, "_pairs", once)
    with pytest.raises(StageFailed, match=r"k_proj\.weight does not come back"):
        gguf_file.write(base, tmp_path / "model.gguf")


def test_a_header_of_a_tensor_outside_its_file_is_refused(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    (tmp_path / "m.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"1234")
    with pytest.raises(UsageError, match="lies outside of the file"):
        tensors_of(tmp_path)


def test_loading_gives_the_trained_model(tmp_path: Path) -> None:
    base = talking_model(tmp_path / "base")
    adapter = adapter_beside(base, tmp_path / "adapter")
    model = trained.load(adapter, bases.find(adapter, None), "fp32", "cpu")
    assert torch.equal(logits(model), of_base_and_adapter(base, adapter))
    assert torch.equal(logits(trained.load(base, None, "fp32", "cpu")), of_folder(base))
