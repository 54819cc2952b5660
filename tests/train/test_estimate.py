"""Estimates: counts of real models, what autograd really keeps, the known rules, what fits."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from stages import Train
from stages.errors import UsageError
from stages.train import estimate, forecast, gpus, rules
from stages.train.course import Course
from stages.train.data import read_documents
from stages.train.estimate import Lengths, Setup
from stages.train.shape import FORMS, Matrix, shape_of, shape_of_config
from stages.train.weights import tensors_of
from tests.cases.train import tiny, tiny_corpus, tiny_model
from tests.train.talking import called, talking_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

# --- shapes -------------------------------------------------------------------------------------

COMMON = {
    "vocab_size": 97, "hidden_size": 48, "intermediate_size": 112, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 12,
    "max_position_embeddings": 64, "pad_token_id": 0,
}  # fmt: skip
OWN: dict[str, dict[str, int]] = {
    "gpt2": {"vocab_size": 97, "n_embd": 48, "n_layer": 3, "n_head": 4, "n_positions": 64},
    "opt": {"vocab_size": 97, "hidden_size": 48, "ffn_dim": 112, "num_hidden_layers": 3,
            "num_attention_heads": 4, "max_position_embeddings": 64, "word_embed_proj_dim": 48},
    "bloom": {"vocab_size": 97, "hidden_size": 48, "n_layer": 3, "n_head": 4},
    "mamba": {"vocab_size": 97, "hidden_size": 48, "num_hidden_layers": 3},
    "gpt_neox": {k: v for k, v in COMMON.items() if k not in ("num_key_value_heads", "head_dim")},
}  # fmt: skip


def tiny_of(family: str, device: str = "meta", **more: Any) -> Any:
    """A model of three layers of a family, as transformers builds it."""
    config = transformers.CONFIG_MAPPING[family](**{**OWN.get(family, COMMON), **more})
    with torch.device(device):
        return transformers.AutoModelForCausalLM.from_config(config)


@pytest.mark.parametrize("family", FORMS)
def test_parameters_by_formula_are_those_of_the_model(family: str, tmp_path: Path) -> None:
    for tied in ({}, {"tie_word_embeddings": True}, {"tie_word_embeddings": False}):
        model = tiny_of(family, **tied)
        (tmp_path / "config.json").write_text(model.config.to_json_string())
        shape = shape_of(tmp_path / "config.json")
        assert shape.parameters == sum(value.numel() for value in model.parameters())
        assert not shape.exact and shape.tied == model.config.tie_word_embeddings
        linear = {
            name.rpartition(".")[2]: module
            for name, module in model.named_modules()
            if module.__class__.__name__ in ("Linear", "Conv1D")
            and module is not model.get_output_embeddings()
        }
        assert {one.name for one in shape.linear} == set(linear)


@pytest.mark.parametrize("change", [{"attention_bias": True}, {"mlp_bias": True}])
def test_biases_are_counted(change: dict[str, bool]) -> None:
    model = tiny_of("llama", **change)
    shape = shape_of_config(json.loads(model.config.to_json_string()))
    assert shape.parameters == sum(value.numel() for value in model.parameters())


@pytest.mark.parametrize(
    "family", ["llama", "gpt2", "opt", "phi3", "qwen3_moe", "mixtral", "mamba"]
)
def test_headers_give_the_exact_counts(family: str, tmp_path: Path) -> None:
    experts = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2}
    sparse = family in ("qwen3_moe", "mixtral")
    more = {**experts, "moe_intermediate_size": 40} if sparse else {}
    torch.manual_seed(0)
    model = tiny_of(family, "cpu", **more)
    model.save_pretrained(tmp_path)
    shape = shape_of(tmp_path)
    assert shape.exact
    assert shape.parameters == sum(value.numel() for value in model.parameters())
    if family in FORMS:
        formula = shape_of(tmp_path / "config.json")
        assert sum(m.parameters for m in shape.linear) == sum(m.parameters for m in formula.linear)
        assert shape.gated == formula.gated and shape.inner == formula.inner
    if sparse:
        inner = 40 if family == "qwen3_moe" else 112
        assert shape.experts == 3 * 4 * 3 * 48 * inner and shape.used == 0.5


def test_a_large_model_is_reckoned_by_its_configuration() -> None:
    assert rules.LLAMA_7B.parameters == 6_738_415_616
    assert rules.LLAMA_65B.parameters == 65_285_660_672
    assert round(rules.OPT_175B.parameters / 1e9, 1) == 174.6


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "no_such", "hidden_size": 8, "num_hidden_layers": 2, "vocab_size": 9},
         "no formula is known for the family 'no_such'"),
        ({"model_type": "llama", "num_hidden_layers": 2}, "does not say hidden_size"),
        ({"model_type": "llama", "hidden_size": 10**12, "num_hidden_layers": 2}, "hidden_size"),
        ({"model_type": "llama", "hidden_size": True, "num_hidden_layers": 2}, "hidden_size"),
    ],
)  # fmt: skip
def test_a_configuration_that_tells_no_shape_is_said(
    config: dict[str, Any], words: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=words):
        shape_of(tmp_path)


# --- memory -------------------------------------------------------------------------------------


def kept(setup: Setup, layers: int, tokens: int, width: dict[str, int]) -> int:
    """Bytes of the tensors that autograd keeps for the backward pass, parameters left out."""
    import peft

    config = transformers.LlamaConfig(vocab_size=64, num_hidden_layers=layers, **width)
    model = transformers.LlamaForCausalLM(config)
    if setup.method != "full":
        model = model.to(torch.bfloat16) if setup.half else model
        targets = [one.name for one in estimate.targeted(_shape(width), setup.targets)]
        lora = {"r": setup.rank, "lora_dropout": setup.dropout, "target_modules": targets}
        model = peft.get_peft_model(model, peft.LoraConfig(**lora)).base_model.model
    model.train()
    found: dict[int, Any] = {}
    own = {value.untyped_storage().data_ptr() for value in model.parameters()}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage  # held, so that no other takes its place
        return tensor

    half = torch.autocast("cpu", torch.bfloat16, enabled=setup.half)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda one: one), half:
        model.model(torch.arange(tokens)[None] % 64, use_cache=False).last_hidden_state.sum()
    return sum(storage.nbytes() for storage in found.values())


def _shape(width: dict[str, int]) -> Any:
    return shape_of_config(
        {"model_type": "llama", "vocab_size": 64, "num_hidden_layers": 2, **width}
    )


WIDTH = {"hidden_size": 96, "intermediate_size": 200, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 32}  # fmt: skip
SETUPS = {
    "lora": Setup(rank=8),
    "lora, dropout": Setup(rank=8, dropout=0.1),
    "lora of two": Setup(rank=4, targets=("q_proj", "v_proj")),
    "lora of the block": Setup(rank=4, targets=("gate_proj", "up_proj", "down_proj")),
    "lora in fp32": Setup(rank=8, half=False),
    "lora of two in fp32": Setup(rank=4, targets=("q_proj", "v_proj"), half=False),
    "full": Setup(method="full"),
    "full in fp32": Setup(method="full", half=False),
}


@pytest.mark.parametrize("name", SETUPS)
def test_activations_are_what_autograd_keeps(name: str) -> None:
    setup = SETUPS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # what a token more costs in a layer more: copies of weights and ends are no part of it
        one, two = (
            kept(setup, 3, tokens, WIDTH) - kept(setup, 2, tokens, WIDTH) for tokens in (128, 256)
        )
    assert estimate.kept_by_layer(_shape(WIDTH), setup) == (two - one) / 128


PEAKS = {
    "lora": Setup(),
    "lora, every layer made again": Setup(checkpoint=1),
    "lora, every third made again": Setup(checkpoint=3),
    "lora in fp32": Setup(half=False),
    "full": Setup(method="full"),
    "full in fp32, every third": Setup(method="full", half=False, checkpoint=3),
}


@pytest.mark.parametrize("name", PEAKS)
def test_the_peak_of_a_step_is_what_torch_allocates(name: str) -> None:
    """Forward and backward of one packed row, as the training does them."""
    import numpy as np
    import peft
    from torch.profiler import ProfilerActivity, profile

    from stages.train.loss import row_losses, row_of
    from stages.train.model import recompute

    setup = replace(PEAKS[name], row=384)
    config = transformers.LlamaConfig(
        vocab_size=1000, hidden_size=192, intermediate_size=512, num_hidden_layers=8,
        num_attention_heads=6, num_key_value_heads=2,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config)
    shape = shape_of_config(config.to_dict())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if setup.method == "lora":
            model = model.to(torch.bfloat16) if setup.half else model
            names = [one.name for one in shape.linear]
            model = peft.get_peft_model(model, peft.LoraConfig(r=16, target_modules=names))
        recompute(model.train(), setup.checkpoint)
        row = row_of([(np.arange(384), np.arange(384) > 0)], "cpu")

        def step() -> None:
            row_losses(model, row, "bf16" if setup.half else "fp32").sum().backward()

        step()  # from now on there are gradients
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            step()
    now = peak = 0
    for event in seen.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    told = estimate.memory(shape, setup, 383)
    copies = told.weights - 4 * shape.parameters if setup.method == "full" and setup.half else 0
    passing = told.activations + max(told.logits, told.again) + copies
    assert passing == pytest.approx(peak, rel=0.05)


def test_checkpointing_keeps_the_borders_of_its_layers() -> None:
    shape, setup = rules.LLAMA_7B, Setup(row=1000)
    none, all_, third = (
        estimate.activations(shape, replace(setup, checkpoint=every)) for every in (0, 1, 3)
    )
    layer = estimate.kept_by_layer(shape, setup)
    ends = 12 * 4096
    assert none == 1000 * (32 * layer + ends)
    assert all_ == 1000 * (32 * 2 * 4096 + ends)
    assert third == 1000 * (21 * layer + 11 * 2 * 4096 + ends)
    wide = 6 * 11008
    assert estimate.made_again(shape, setup) == 0
    assert estimate.made_again(shape, replace(setup, checkpoint=1)) == 1000 * (layer + wide)
    # the last layer that is made again is the 31st: the 32nd is done with then
    assert estimate.made_again(shape, replace(setup, checkpoint=3)) == 1000 * (0 * layer + wide)


def test_weights_by_method() -> None:
    shape = rules.LLAMA_7B
    assert estimate.weights(shape, Setup()) == 2 * shape.parameters
    assert estimate.weights(shape, Setup(half=False)) == 4 * shape.parameters
    linear = sum(one.parameters for one in shape.linear)
    four = estimate.weights(shape, Setup(method="qlora"))
    rest = 2 * (shape.parameters - linear + 4096 * 11008)
    assert 8 * (four - rest) / linear == pytest.approx(4.127, abs=1e-3)
    once = estimate.weights(shape, Setup(method="qlora", double_quant=False))
    assert 8 * (once - rest) / linear == 4.5
    full = estimate.memory(shape, Setup(method="full"))
    each = (full.weights + full.gradients + full.optimizer) / shape.parameters
    assert 17.9 < each < 18.1  # fp32 weights, gradients, two moments, and copies in bf16


def test_the_optimizers_moment_counts_where_it_is_more_than_activations() -> None:
    shape = rules.LLAMA_7B
    small = estimate.memory(shape, Setup(method="full", row=64, checkpoint=1))
    fused = replace(Setup(method="full", row=64, checkpoint=1), optimizer="adamw_torch_fused")
    assert small.total - estimate.memory(shape, fused).total > 3 * shape.parameters
    assert "activations" not in small.parts() and small.parts()["step"] > 0
    assert sum(small.parts().values()) == pytest.approx(small.total)


def test_the_parts_of_an_adapters_memory_are_its_parameters() -> None:
    setup = Setup(rank=16)
    made, count = estimate.memory(rules.LLAMA_7B, setup), estimate.trainable(rules.LLAMA_7B, setup)
    assert count == 16 * 32 * (4 * 2 * 4096 + 3 * (4096 + 11008))
    assert (made.adapters, made.gradients, made.optimizer) == (4 * count, 4 * count, 8 * count)
    assert made.step == 4 * count
    small = estimate.memory(rules.LLAMA_7B, replace(setup, optimizer="adamw_8bit", gpus=2))
    assert (small.optimizer, small.step, small.adapters) == (count, 0, 2 * count)


def test_sharding_spreads_the_weights_and_leaves_an_adapter_whole() -> None:
    shape, one = rules.LLAMA_7B, Setup()
    four = replace(one, processes=4, shard=True)
    alone, spread = estimate.memory(shape, one), estimate.memory(shape, four)
    assert spread.weights == alone.weights / 4 + alone.weights / 32
    assert (spread.adapters, spread.activations) == (alone.adapters, alone.activations)
    whole = estimate.memory(shape, replace(four, method="full"))
    assert whole.optimizer == 8 * shape.parameters / 4
    assert estimate.memory(shape, replace(one, processes=4)) == alone  # copies of one another


def test_trainable_parameters_are_pefts(tmp_path: Path) -> None:
    import peft

    base = talking_model(tmp_path / "base")
    for setup in (
        Setup(rank=8),
        Setup(rank=3, targets=("q_proj", "down_proj"), dora=True),
        Setup(rank=4, targets=("q_proj", "lm_head")),
        Setup(rank=4, targets=("q_proj",), modules_to_save=("lm_head",)),
    ):
        model = transformers.AutoModelForCausalLM.from_pretrained(base)
        targets = "all-linear" if "all-linear" in setup.targets else list(setup.targets)
        config = peft.LoraConfig(
            r=setup.rank, target_modules=targets, use_dora=setup.dora, task_type="CAUSAL_LM",
            modules_to_save=list(setup.modules_to_save) or None,
        )  # fmt: skip
        wanted, _ = peft.get_peft_model(model, config).get_nb_trainable_parameters()
        assert estimate.trainable(shape_of(base), setup) == wanted
    assert estimate.trainable(shape_of(base), Setup(method="full")) == shape_of(base).parameters


# --- time ---------------------------------------------------------------------------------------


def test_operations_are_those_that_torch_counts(tmp_path: Path) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    base = talking_model(tmp_path / "base", hidden_size=64, intermediate_size=160)
    shape = shape_of(base)
    lengths = Lengths(1, 96, 95, 96, 96 * 96)
    model = transformers.AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager")
    with FlopCounterMode(display=False) as counted:
        logits = model(torch.arange(96)[None], use_cache=False).logits[:, :-1]
        logits.sum().backward()
    ours = estimate.operations(shape, Setup(method="full"), lengths)
    # torch's eager attention reckons the half above the diagonal as well
    square = 6 * shape.queries * shape.layers * 96 * 96
    assert counted.get_total_flops() == pytest.approx(ours + square, rel=0.02)


def test_frozen_weights_cost_two_thirds_and_checkpointing_half_more() -> None:
    shape = rules.LLAMA_7B
    lengths = Lengths(100, 100_000, 100_000, 1000, 100 * 1000**2)
    full = estimate.operations(shape, Setup(method="full"), lengths)
    lora = estimate.operations(shape, Setup(), lengths)
    assert full == pytest.approx(6 * 6.74e9 * 1e5, rel=0.03)
    assert lora == pytest.approx(4 * 6.74e9 * 1e5, rel=0.05)
    again = estimate.operations(shape, Setup(checkpoint=1), lengths)
    assert again / lora == pytest.approx(1.5, abs=0.03)


# --- steps, rules, what fits --------------------------------------------------------------------


def test_steps_are_those_of_the_guide() -> None:
    assert estimate.steps_an_epoch(200, 5) == 40
    assert estimate.steps_an_epoch(201, 5) == 41 and estimate.steps_an_epoch(3, 5) == 1


def test_each_rule_of_thumb_is_met_or_told_why() -> None:
    found = rules.rules()
    assert len(found) == 11
    for rule in found:
        assert rule.agrees or rule.why, rule.case
    differing = [rule.case for rule in found if not rule.agrees]
    assert differing == [
        "7B trained whole, AdamW, one row of 2,048 tokens, attention as it is now",
        "175B, the same: less memory than training all with fp32 weights and moments",
    ]
    assert "19.5%" in rules.of_corpus(20_447_232) and rules.of_corpus(209_715_200)[:3] == "2.0"


def test_the_least_checkpointing_and_then_the_largest_row_is_found() -> None:
    shape = rules.LLAMA_7B
    card = gpus.read(gpus.TABLE).named("RTX 4090")
    fit = estimate.fitting(shape, Setup(), card.memory, longest=512)
    assert fit is not None and estimate.memory(shape, fit).total <= card.memory
    longer = replace(fit, row=fit.row * 2)
    assert estimate.memory(shape, longer).total > card.memory
    long = estimate.fitting(shape, Setup(), card.memory, longest=2000)
    assert long is not None and 1 < long.checkpoint < 32 and long.row >= 2000
    less = replace(long, checkpoint=long.checkpoint + 1, row=2000)
    assert estimate.memory(shape, less).total > card.memory
    assert estimate.fitting(shape, Setup(method="full"), card.memory, 512) is None
    most = estimate.fitting(rules.LLAMA_7B, Setup(), 1e12, longest=100, most=1000)
    assert most is not None and most.checkpoint == 0 and most.row == 512


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "has no list `gpus`"),
        ({"gpus": [{}]}, "GPU 1 of the list has no name"),
        ({"gpus": [{"name": "X", "memory_gib": 8}]}, r"\(X\) has no tflops"),
        ({"gpus": [{"name": "X", "memory_gib": -8, "tflops": 1}]}, "has no memory_gib"),
        ({"gpus": [{"name": "X", "memory_gib": 8, "tflops": 1, "prices": {"a": "2"}}]}, "prices"),
    ],
)
def test_a_table_of_gpus_is_checked(table: dict[str, Any], words: str, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(table))
    with pytest.raises(UsageError, match=words):
        gpus.read(tmp_path / "mine.json")


def test_our_table_is_dated_and_has_the_rented_ones() -> None:
    table = gpus.read(gpus.TABLE)
    assert table.date == "2026-11" and len(table.gpus) >= 10
    sellers = {who for gpu in table.gpus for who in gpu.prices}
    assert {"RunPod", "Vast.ai", "Lambda", "SageMaker"} <= sellers
    with pytest.raises(UsageError, match="did you mean 'RTX 4090'"):
        table.named("RTX 409")


# --- plan and the tool --------------------------------------------------------------------------


def test_plan_tells_steps_memory_and_money_when_the_lengths_are_known(tmp_path: Path) -> None:
    model = talking_model(tmp_path / "base")
    rows = [{"prompt": f"How deep is bed {n}?", "completion": f"{n} cm."} for n in range(40)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = (
        "version: 1\nname: t\nsources: [{jsonl: {path: a.jsonl}}]\nsteps:\n"
        f"  - split: {{val: 4}}\n  - tokenize: {{model: {model}}}\n"
    )
    (tmp_path / "t.yaml").write_text(recipe + "  - train: {batch: 6, epochs: 3}\n")
    told = called("plan", "t.yaml", cwd=tmp_path)[0]
    assert "corpus     not made yet: 2.3 kB of sources are 575 tokens" in told
    assert "as if all were trained on, in records of 575" in told.lower()
    assert "prices of 2026-11" in told and "steps  " not in told
    (tmp_path / "t.yaml").write_text(recipe)
    called("run", "t.yaml", cwd=tmp_path)
    (tmp_path / "t.yaml").write_text(recipe + "  - train: {batch: 6, epochs: 3}\n")
    told = called("plan", "t.yaml", cwd=tmp_path)[0]
    assert "steps      6 an epoch, 18 in 3 epochs of 36 records" in told
    assert "           of 6 records each, and none is left over" in told
    assert "100 MiB that a rule of thumb asks" in told and " by the rule of 1.2 times its " in told
    assert told.count("not so: ") == 3 and "over-learned is low training and high val" in told
    assert "memory     " in told and " activations" in told and "prices of 2026-11" in told
    whole = recipe + "  - train: {batch: 6, epochs: 3}\n"
    (tmp_path / "t.yaml").write_text(recipe.replace("  - split: {val: 4}\n", ""))
    called("run", "t.yaml", cwd=tmp_path)
    (tmp_path / "t.yaml").write_text(whole)  # the last run made tokens without a split
    told = called("plan", "t.yaml", cwd=tmp_path)[0]
    assert "what it takes is not known: " in told and "no column split" in told


def test_steps_are_those_of_the_training(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    for given in (
        {"batch": 5, "max_steps": 7},
        {"batch": 24},
        {"batch": 7, "epochs": 1},
        {"epoch_tokens": 100},
        {"batch": None, "batch_tokens": 40, "epochs": 1},
        {"batch": None, "per_device_batch": 2, "accumulation": 3},
    ):
        stage = tiny(tmp_path, **given)
        lengths = forecast.lengths_of(stage, source)
        out = tmp_path / str(sorted(given.items()))
        summary = stage(source, out=out)
        assert forecast.steps_of(stage, lengths)[1] == summary["steps"]
        assert lengths.records == summary["records_train"]
        if stage.max_steps is None:
            assert lengths.tokens * stage.epochs == summary["tokens"]
            assert lengths.targets * stage.epochs == summary["trained_tokens"]
        shape = shape_of(tiny_model(tmp_path))
        setup = forecast.setup_of(stage)
        assert estimate.trainable(shape, setup) == summary["trainable_parameters"]


def test_the_tool_takes_settings_and_another_table(tmp_path: Path, capsys: Any) -> None:
    table = {"date": "2030-01", "gpus": [{"name": "Mine", "memory_gib": 10, "tflops": 1,
                                          "prices": {"me": 3}}]}  # fmt: skip
    (tmp_path / "mine.json").write_text(json.dumps(table))
    model = talking_model(tmp_path / "base")
    words = ["estimate", str(model), "--records", "200", "--gpus", str(tmp_path / "mine.json")]
    assert cli.command([*words, "--set", "batch=5", "--set", "epochs=1000"]) == 0
    told = capsys.readouterr().out
    assert "steps      40 an epoch, 40,000 in 1,000 epochs of 200 records" in told
    assert "           of 5 records each, and none is left over" in told
    assert "prices of 2030-01" in told and "Mine" in told and "at $3.00 (me)" in told
    assert cli.command([*words, "--set", "processes=2", "--set", "per_device_batch=5"]) == 0
    told = capsys.readouterr().out
    assert "20 an epoch" in told and "2 × Mine" in told
    assert cli.command([*words, "--set", "targets=q_proj", "--set", "rank=2"]) == 0
    assert "256 trained beside them" in capsys.readouterr().out
    for wrong, sentence in (
        (["--set", "bath=5"], "train has no parameter 'bath'; did you mean 'batch'?"),
        (["--set", "rank=none"], "--set rank:"),
        (["--gpu", "Yours"], "has no GPU 'Yours'"),
    ):
        assert cli.command([*words, *wrong]) == 2
        assert sentence in capsys.readouterr().err
    assert cli.command(["estimate", str(model)]) == 2
    assert "name a corpus with --tokens" in capsys.readouterr().err
    assert cli.command(["estimate", "--rules"]) == 0
    told = capsys.readouterr().out
    assert "the same, 1,000 epochs: 40,000 = 40,000" in told
    assert "a model is incredibly difficult to overtrain; one view is enough" in told


def test_what_does_not_fill_a_batch_is_told_and_is_what_training_does(tmp_path: Path) -> None:
    def told(records: int, **given: Any) -> str:
        lengths = Lengths(records, records * 10, records * 10, 10, records * 100)
        return forecast.corpus_lines(Train(**given), Setup(), lengths)[1].strip()

    assert told(203, batch=5) == (
        "of 4 or 5 records each: batches of 5 would leave 3, and a short last batch is a spike at "
        "each epoch's border"
    )
    assert told(201, batch=67).startswith("of 67 records each, and none")
    assert told(9, batch=8).startswith("of 4 or 5 records each: batches of 8 would leave 1,")
    assert told(3, batch=8) == "of 3 records each, and none is left over"
    assert told(40, batch_tokens=100).startswith("of about 100 trained-on tokens each")
    documents = read_documents(tiny_corpus(tmp_path / "c", train=23), "train")
    course = Course(Train(batch=5), documents, 0)
    sizes = [len(course.step(number).numbers) for number in range(course.per_epoch)]
    assert sorted(set(sizes)) == [4, 5] and sum(sizes) == 23


def test_asking_a_model_takes_its_weights_its_keys_and_the_runtime() -> None:
    weights, cache, whole = rules.to_run(rules.LLAMA_7B)
    assert weights == 2 * 6_738_415_616 and cache == 2 * 2 * 32 * 4096 * 2048
    assert whole == weights + cache + estimate.RUNTIME
    assert "16.2 GB by the rule of 1.2 times its 13.5 GB on disk; 15.4 GB with 2,048" in (
        forecast.run_line(rules.LLAMA_7B)
    )


def test_a_table_named_in_the_environment_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(gpus.VARIABLE, str(tmp_path / "gone.json"))
    with pytest.raises(UsageError, match="not found; it is to be a table of GPUs"):
        gpus.read()


def test_matrices_and_settings_are_plain() -> None:
    assert Matrix("q_proj", 8, 4, 3).parameters == 96
    assert forecast.setup_of(Train(method="full", precision="fp32", micro_tokens=512)) == Setup(
        method="full", half=False, row=512
    )
    assert tensors_of(Path("/nonexistent-folder")) == {}


def test_the_page_shows_the_rules_as_they_are() -> None:
    page = Path(__file__).parents[2] / "docs" / "training-cost.md"
    assert "\n".join(forecast.table_of(rules.rules())) in page.read_text(encoding="utf-8")
