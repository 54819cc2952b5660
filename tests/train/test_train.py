"""Training is exact: rows and accumulation change no bit that they should not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages import Train
from stages.corpus import Corpus, write_corpus
from stages.errors import StageFailed, UsageError
from stages.records import REJECTS
from stages.tokens.packing import pack
from stages.train import bases, model_card, training
from stages.train import model as models
from stages.train.data import read_documents
from stages.train.plan import order
from stages.train.setup import read_sides
from tests.cases.train import contents, counting, recorded, tiny, tiny_corpus, tiny_model, train

torch = pytest.importorskip("torch")
pytest.importorskip("peft")


def curve(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]


# --- the loss -----------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path: Path) -> tuple[Any, list[tuple[Any, Any]]]:
    """A model and documents of 7, 13 and 5 tokens."""
    model = models.load_base(tiny_model(tmp_path), "lora", "fp32", "cpu")
    documents = []
    for number, length in enumerate((7, 13, 5)):
        wanted = np.arange(length) > 1
        ids = np.array(counting(number, length)["input_ids"])
        documents.append((ids, wanted))
    return model, documents


def test_a_packed_row_has_the_losses_of_separate_documents(three: Any) -> None:
    model, documents = three
    packed = models.row_losses(model, models.row_of(documents, "cpu"), "fp32")
    alone = [models.row_losses(model, models.row_of([one], "cpu"), "fp32") for one in documents]
    assert len(packed) == (7 - 2) + (13 - 2) + (5 - 2)
    assert float((packed - torch.cat(alone)).detach().abs().max()) < 1e-6


def test_losses_are_those_of_transformers(three: Any) -> None:
    model, documents = three
    ids, wanted = documents[1]
    labels = torch.tensor(np.where(wanted, ids, -100))[None]
    theirs = model(input_ids=torch.tensor(ids)[None], labels=labels).loss
    ours = models.row_losses(model, models.row_of([(ids, wanted)], "cpu"), "fp32").mean()
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)


def test_a_model_that_mixes_documents_is_noticed(
    three: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _ = three
    assert models.isolates(model, "fp32", "cpu")
    plain = model.forward

    def without_positions(position_ids: Any = None, **given: Any) -> Any:
        return plain(**given)

    monkeypatch.setattr(model, "forward", without_positions)
    assert not models.isolates(model, "fp32", "cpu")


# --- documents ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train_rows", "val_rows", "error", "words"),
    [(0, 3, StageFailed, "split train"), (3, 0, UsageError, "larger share for val")],
)
def test_a_missing_split_is_said(
    tmp_path: Path, train_rows: int, val_rows: int, error: type[Exception], words: str
) -> None:
    source = tiny_corpus(tmp_path / "c", train_rows, val_rows)
    with pytest.raises(error, match=words):
        train(tiny(tmp_path), source, tmp_path)


def test_a_corpus_without_split_names_the_stage_that_is_missing(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([{"id": "a", **counting(0, 5)}]).drop_columns(["length"])
    write_corpus(tmp_path / "c", "tokens", [(table, REJECTS.empty_table())], {})
    with pytest.raises(UsageError, match="no column split: run split before train"):
        train(tiny(tmp_path), tmp_path / "c", tmp_path)


def test_tokens_of_another_model_are_refused(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    stage = replace(tiny(tmp_path), model=str(tiny_model(tmp_path / "small", vocabulary=50)))
    with pytest.raises(UsageError, match="tokenized for another model"):
        train(stage, source, tmp_path)


def test_records_longer_than_the_model_reads_are_refused(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    model = tiny_model(tmp_path)
    config = json.loads((model / "config.json").read_text())
    for places, most in ((20, None), (20, 20), (30, None)):
        (model / "config.json").write_text(
            json.dumps({**config, "max_position_embeddings": places})
        )
        stage = tiny(tmp_path, max_length=most, epochs=1)
        if places == 20 and most is None:
            with pytest.raises(UsageError, match="the model reads 20 at most: tokenize with"):
                train(stage, source, tmp_path / f"{places}-{most}")
        else:
            train(stage, source, tmp_path / f"{places}-{most}")


def test_an_unknown_target_gets_the_nearest_name(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    with pytest.raises(UsageError, match=r"no layer 'q_prj' .*; did you mean 'q_proj'"):
        train(tiny(tmp_path, targets=("q_prj",)), source, tmp_path)


def test_divergence_ends_the_run_with_the_remedy(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    stage = tiny(tmp_path, method="full", lr=10.0, clip=0.0, epochs=50, weight_decay=10.0)
    stage = replace(stage, warmup=0.0, batch=24)
    broken = models.load_base(tiny_model(tmp_path), "full", "fp32", "cpu")
    with torch.no_grad():
        broken.model.norm.weight.fill_(float("inf"))
    broken.save_pretrained(tmp_path / "broken")
    with pytest.raises(StageFailed, match="lower lr"):
        train(replace(stage, model=str(tmp_path / "broken")), source, tmp_path)


# --- a whole run --------------------------------------------------------------------------------


def test_a_run_learns_and_says_what_it_did(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    told: list[tuple[int, int]] = []
    stage = tiny(tmp_path, epochs=3, method="full", lr=0.01, eval_every=5)
    out = train(stage, source, tmp_path, lambda *now: told.append(now))
    summary = json.loads((out / "summary.json").read_text())
    lines = curve(out)
    trained = [line for line in lines if line["split"] == "train"]
    val = [line for line in lines if line["split"] == "val"]
    assert told == [(step, 12) for step in range(13)]
    assert [line["step"] for line in trained] == list(range(1, 13))
    assert [line["step"] for line in val] == [0, 4, 5, 8, 10, 12]  # each epoch's end among them
    assert [line["lr"] for line in trained] == pytest.approx([0.005] + [0.01] * 11)
    assert val[-1]["loss"] < val[0]["loss"] - 0.1
    assert summary["val_loss_first"] == val[0]["loss"] > summary["val_loss_last"]
    assert summary["epoch_borders"] == [4, 8] and trained[3]["epoch"] == 1.0
    documents = read_documents(source, "train", 2048)
    assert summary["trained_tokens"] == 3 * int(documents.targets.sum())
    assert sum(line["tokens"] for line in trained[:4]) == int(documents.targets.sum())
    assert sum(line["records"] for line in trained[:4]) == 24 == summary["records_train"]
    for epoch in range(3):
        chosen = documents.targets[order(documents.ids, 0, epoch)].reshape(4, 6)
        tokens = [line["tokens"] for line in trained[4 * epoch : 4 * epoch + 4]]
        assert tokens == chosen.sum(axis=1).tolist()
    records = [one for one in recorded(out, "records.arrow") if one["split"] == "val"]
    weighted = sum(r["last"] * r["targets"] for r in records) / sum(r["targets"] for r in records)
    assert weighted == pytest.approx(val[-1]["loss"], abs=1e-6) and len(records) == 6


def test_validation_losses_are_those_of_each_record_alone(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    out = train(tiny(tmp_path, epochs=1), source, tmp_path)
    records = [one for one in recorded(out, "records.arrow") if one["split"] == "val"]
    assert [record["id"] for record in records] == [f"{number:032x}" for number in range(24, 30)]
    base = models.load_base(tiny_model(tmp_path), "lora", "fp32", "cpu")
    for number, record in enumerate(records, 24):
        ids = counting(number, 6 + (number * 5) % 17)["input_ids"]
        row = models.row_of([(np.array(ids), np.arange(len(ids)) >= 3)], "cpu")
        alone = models.row_losses(base, row, "fp32").detach()
        assert record["targets"] == len(alone) == len(ids) - 3
        assert record["first"] == pytest.approx(float(alone.mean()), abs=1e-5)


def test_every_row_of_every_step_has_a_seed_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tiny_corpus(tmp_path / "c")
    drawn: list[float] = []
    plain = training.row_of

    def watched(*given: Any, **more: Any) -> Any:
        drawn.append(float(torch.rand(1)))
        return plain(*given, **more)

    monkeypatch.setattr(training, "row_of", watched)
    train(tiny(tmp_path, epochs=1), source, tmp_path / "one")
    rows = len(drawn)
    train(tiny(tmp_path, epochs=1), source, tmp_path / "again")
    assert rows > 8 and drawn[1:rows] == drawn[rows + 1 :]  # the first is the rehearsal
    assert len(set(drawn[1:rows])) == rows - 1


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "lr": ({}, {"lr": 0.02}),
    "alpha": ({}, {"alpha": 64.0}),
    "dropout": ({}, {"dropout": 0.5}),
    "clip": ({}, {"clip": 0.01}),
    "weight_decay": ({}, {"weight_decay": 5.0}),
    "warmup": ({}, {"warmup": 0.9}),
    "schedule": ({}, {"schedule": "linear"}),
    "batch_tokens": ({}, {"batch_tokens": 90}),
    "seed": ({"lr": 0.0}, {"seed": 1}),  # without a rate: where the adapter starts
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_setting_reaches_the_weights(tmp_path: Path, name: str) -> None:
    from safetensors.torch import load_file

    common, change = CHANGES[name]
    source = tiny_corpus(tmp_path / "c")
    stage = tiny(tmp_path, **{"dropout": 0.0, "clip": 0.0, "epochs": 1, **common})
    one, other = (
        load_file(train(setting, source, tmp_path / side) / "adapter_model.safetensors")
        for side, setting in (("as it is", stage), ("changed", replace(stage, **change)))
    )
    down = [key for key in one if "lora_A" in key]
    assert max(float((one[key] - other[key]).abs().max()) for key in down) > 1e-4
    if name == "weight_decay":  # four steps of 0.01 (one of them half) shrink by 5 times that
        for key in down:
            assert float(other[key].norm()) < 0.95 * float(one[key].norm())


def test_the_adapter_loads_in_peft_and_has_the_last_loss(tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    source = tiny_corpus(tmp_path / "c")
    out = train(tiny(tmp_path), source, tmp_path)
    base = AutoModelForCausalLM.from_pretrained(tiny_model(tmp_path))
    model = PeftModel.from_pretrained(base, str(out)).eval()
    val = read_documents(source, "val", 2048)
    rows = pack(val.lengths.tolist(), 40)
    total = 0.0
    for row in rows:
        batch = models.row_of([val.tokens(at) for at in row], "cpu")
        total += float(models.row_losses(model, batch, "fp32").sum())
    assert total / int(val.targets.sum()) == pytest.approx(curve(out)[-1]["loss"], abs=1e-5)


def test_no_file_holds_a_path_of_this_machine(tmp_path: Path) -> None:
    out = train(tiny(tmp_path), tiny_corpus(tmp_path / "c"), tmp_path)
    for name, data in contents(out).items():
        assert str(tmp_path).encode() not in data, name
    assert (
        json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"]
        == "tiny-llama"
    )


def test_full_training_writes_a_model(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    out = train(tiny(tmp_path, method="full", lr=0.001), tiny_corpus(tmp_path / "c"), tmp_path)
    model = AutoModelForCausalLM.from_pretrained(out)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["trainable_parameters"] == sum(p.numel() for p in model.parameters())
    assert not (out / "adapter_config.json").exists()


def test_random_state_of_the_caller_is_left_alone(tmp_path: Path) -> None:
    source, stage = tiny_corpus(tmp_path / "c"), tiny(tmp_path)
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    train(stage, source, tmp_path)
    assert torch.equal(torch.rand(3), wanted)


def test_bf16_trains_frozen_weights_in_bf16_and_the_adapter_in_fp32(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    source = tiny_corpus(tmp_path / "c")
    exact = curve(train(tiny(tmp_path), source, tmp_path / "fp32"))
    out = train(tiny(tmp_path, precision="bf16"), source, tmp_path / "bf16")
    rounded = curve(out)
    assert [line["step"] for line in rounded] == [line["step"] for line in exact]
    first, second = exact[0]["loss"], rounded[0]["loss"]
    assert second == pytest.approx(first, abs=0.02) and second != first
    tensors = load_file(out / "adapter_model.safetensors")
    assert {str(tensor.dtype) for tensor in tensors.values()} == {"torch.float32"}
    assert json.loads((out / "summary.json").read_text())["precision"] == "bf16"


def test_bf16_keeps_weights_that_are_trained_in_fp32(tmp_path: Path) -> None:
    for method, kind in (("full", torch.float32), ("lora", torch.bfloat16)):
        model = models.load_base(tiny_model(tmp_path), method, "bf16", "cpu")  # type: ignore[arg-type]
        assert {value.dtype for value in model.parameters()} == {kind}


# --- parameters and card ------------------------------------------------------------------------


def test_contradictions_are_said_before_anything_runs(tmp_path: Path) -> None:
    assert Train(model=str(tiny_model(tmp_path))).contradictions() == ()
    given: dict[str, Any] = {"model": str(tiny_model(tmp_path))}
    for wrong, said in (
        ({"batch": 4, "batch_tokens": 50}, "batch and batch_tokens say the same thing"),
        ({"method": "full", "dora": True}, "dora is for an adapter"),
        ({"dora": True, "init": "pissa"}, "dora does not go with init pissa"),
        ({"validate": False, "result": "best"}, "result best needs validation"),
        ({"rank": 33}, "rank 33 is above the model's hidden size of 32"),
        ({"bits": 5}, "bits is 5"),
        ({"report_to": ("wandb",)}, "report_to wandb needs wandb"),
        ({"targets": ()}, "targets is empty"),
    ):
        (found,) = Train(**given, **wrong).contradictions()
        assert said in found
    assert "nowhere" in Train(model="nowhere").contradictions()[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"batch": 25}, r"a step is to have 25 records \(batch\), and training has 24"),
        (
            {"batch": None, "per_device_batch": 5, "accumulation": 3, "processes": 2},
            r"have 30 records \(per_device_batch × accumulation × 2 processes\)",
        ),
        ({"batch": None, "batch_tokens": 5000}, r"batch_tokens is 5,000, and training has \d+ tok"),
    ],
)
def test_a_step_of_more_than_there_is_is_refused_before_the_model_is_loaded(
    given: dict[str, Any], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tiny_corpus(tmp_path / "c")
    monkeypatch.setattr(models, "load_base", None)
    with pytest.raises(UsageError, match=words):
        read_sides(tiny(tmp_path, **given), source)
    read_sides(tiny(tmp_path, batch=24), source)  # one step of all is what somebody may want


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("config.json", b""),
        ("config.json", b"\x00\xff\xfe"),
        ("config.json", b'{"model_type": "lla'),
        ("config.json", b"[1]"),
        ("config.json", b"[" * 100_000),
        ("config.json", {"num_hidden_layers": 10**9}),
        ("config.json", {"hidden_size": 10**12}),
        ("config.json", {"attn_implementation": "somebody/kernels"}),
        ("model.safetensors", b"\xff" * 8),
        ("model.safetensors", b""),
        ("model.safetensors", b"\x05\0\0\0\0\0\0\0[1, 2"),
        ("tokenizer_config.json", b"[1]"),
        ("tokenizer.json", b"{}"),
        ("chat_template.jinja", b"{% for"),
        ("adapter_config.json", b"{"),
    ],
)
def test_a_garbled_file_of_the_model_is_one_sentence_at_plan(
    tmp_path: Path, name: str, data: Any
) -> None:
    folder = tiny_model(tmp_path)
    if isinstance(data, dict):
        data = json.dumps({**json.loads((folder / name).read_text()), **data}).encode()
    (folder / name).write_bytes(data)
    (said,) = Train(model=str(folder)).contradictions()
    assert str(folder) in said and "\n" not in said
    assert name in said or "is an adapter" in said


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": 5},
        {"model_type": "no such model"},
        {"hidden_size": "wide"},
        {"num_attention_heads": 0},
        {"num_attention_heads": -3},
        {"hidden_act": [1]},
        {"rope_parameters": "x"},
        {"auto_map": {"AutoModelForCausalLM": "evil.Model"}, "model_type": "evil"},
        {"vocab_size": 5},
        {"dtype": "no such type"},
    ],
)
def test_a_configuration_that_fits_no_model_is_one_sentence(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    folder = tiny_model(tmp_path)
    config = {**json.loads((folder / "config.json").read_text()), **change}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('run')\n")
    try:
        models.load_base(folder, "lora", "fp32", "cpu")
    except UsageError as error:
        assert str(folder) in str(error) and "\n" not in str(error)
    else:
        assert list(change) == ["dtype"]  # ours is used


def test_the_model_is_a_resource_by_content(tmp_path: Path) -> None:
    names = {path.name for path in Train(model=str(tiny_model(tmp_path))).resources()}
    assert {"config.json", "model.safetensors"} <= names


def test_the_card_names_sources_and_licences(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    out = train(tiny(tmp_path), source, tmp_path)
    card = (out / "README.md").read_text()
    assert "| counting | CC0-1.0 |" in card and 'base_model: "tiny-llama"' in card
    summary = json.loads((out / "summary.json").read_text())
    sources = [{"name": "a|b\nc", "license": None}]
    assert "| a\\|b c | not stated |" in model_card.text(
        summary, {}, sources, bases.name_of("o/m"), True
    )
    assert Corpus(source).sources == [{"name": "counting", "license": "CC0-1.0"}]


@pytest.mark.parametrize("chat", ["template", "plain"])
def test_the_template_of_the_adapter_is_the_one_that_tokens_were_rendered_with(
    chat: str, tmp_path: Path
) -> None:
    from stages.tokens.model import model_folder
    from stages.train.samples import chat_template
    from tests.train.talking import called

    (tmp_path / "a.jsonl").write_text('{"prompt": "How high?", "completion": "Two metres."}\n')
    called("tokenize", "a.jsonl", "-o", "tokens", "--chat", chat, cwd=tmp_path)
    found = chat_template("smollm2", model_folder("smollm2"), tmp_path / "tokens")
    assert (found is None) == (chat == "plain")
    assert found is None or "im_start" in found
