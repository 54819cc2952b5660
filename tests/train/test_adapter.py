"""Adapters: on the layers that a model has, with every setting, written for the plain base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages.errors import UsageError
from stages.tokens.model import EMBEDDED
from stages.train import model as models
from stages.train.adapter import Settings, add_adapter, beginning, layers_of, left_out, save_adapter
from stages.train.bases import EMBEDDED_HUB, Name, name_of
from stages.train.optimizer import Settings as Optimization
from stages.train.optimizer import optimizer_of, set_rate
from tests.train.models import document, family

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
pytestmark = pytest.mark.extras

ROW = [document(20, 1), document(12, 2)]


def trained(model: Any, steps: int = 3) -> Any:
    """The model after some steps, and the names of what was trained."""
    chosen = {name: value for name, value in model.named_parameters() if value.requires_grad}
    optimizer = optimizer_of(chosen, Optimization())
    model.train()
    for _ in range(steps):
        set_rate(optimizer, 0.02)
        models.row_losses(model, models.row_of(ROW, "cpu"), "fp32").mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


def losses(model: Any) -> Any:
    with torch.no_grad():
        return models.row_losses(model, models.row_of(ROW[:1], "cpu"), "fp32")


SETTINGS: dict[str, Settings] = {
    "plain": Settings(rank=4),
    "embedding and head": Settings(rank=4, targets=("all-linear", "embed_tokens", "lm_head")),
    "some targets": Settings(rank=4, targets=("q_proj", "v_proj")),
    "bias": Settings(rank=4, bias="all"),
    "one layer": Settings(rank=4, layers=(1,)),
    "whole modules beside": Settings(rank=4, modules_to_save=("lm_head",)),
    "rslora": Settings(rank=4, rslora=True),
    "dora": Settings(rank=4, dora=True),
    "gaussian": Settings(rank=4, init="gaussian"),
    "olora": Settings(rank=4, init="olora"),
    "pissa": Settings(rank=4, init="pissa"),
    "pissa, fast": Settings(rank=4, init="pissa_niter_4"),
    "pissa and rslora": Settings(rank=4, init="pissa", rslora=True),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_saved_adapter_on_the_plain_base_is_the_trained_model(name: str, tmp_path: Path) -> None:
    settings = SETTINGS[name]
    plain = losses(family("llama"))
    torch.manual_seed(7)
    model = add_adapter(family("llama"), settings)
    begun = beginning(model, settings)
    if name not in ("gaussian",):
        assert float((losses(model) - plain).abs().max()) < 1e-4, "it begins as the base"
    wanted = losses(trained(model))
    assert float((wanted - plain).abs().max()) > 1e-2
    save_adapter(model, tmp_path, settings, begun, Name("base", "base", None, True))
    again = peft.PeftModel.from_pretrained(family("llama"), str(tmp_path)).eval()
    assert float((losses(again) - wanted).abs().max()) < 1e-4


def test_layers_are_chosen_by_number(tmp_path: Path) -> None:
    model = add_adapter(family("llama"), Settings(rank=2, layers=(1,)))
    names = [name for name, value in model.named_parameters() if value.requires_grad]
    assert names and all(".layers.1." in name for name in names)


def test_scales_of_lora_and_rslora() -> None:
    for rslora, wanted in ((False, 8 / 4), (True, 8 / 2)):
        model = add_adapter(family("llama"), Settings(rank=4, alpha=8.0, rslora=rslora))
        layer = next(one for one in model.modules() if hasattr(one, "lora_A") and len(one.lora_A))
        assert layer.scaling["default"] == wanted


@pytest.mark.parametrize(
    ("name", "expected"),
    [("gpt2", {"c_attn", "c_fc", "c_proj"}), ("mamba", {"in_proj", "x_proj", "dt_proj"})],
)
def test_layers_of_other_architectures_are_found(name: str, expected: set[str]) -> None:
    """GPT-2's linear layers are Conv1D; Mamba's out_proj is read past an adapter."""
    model = family(name)
    known = layers_of(model)
    adapted = add_adapter(model, Settings(rank=2))
    reached = {
        path.split(".lora_A")[0].rpartition(".")[2]
        for path, _ in adapted.named_parameters()
        if "lora_A" in path
    }
    assert reached == expected <= {*known}
    if name == "gpt2":
        assert known["c_attn"].shape == (32, 96)
        before = losses(adapted)
        assert float((losses(trained(adapted)) - before).abs().max()) > 1e-2
    with pytest.raises(
        UsageError,
        match=r"no layer 'q_proj' .*c_attn, c_fc, c_proj|no layer 'q_proj' .*dt_proj, .*in_proj",
    ):
        add_adapter(family(name), Settings(targets=("q_proj",)))


def test_a_layer_that_cannot_be_adapted_is_named_with_those_that_can() -> None:
    with pytest.raises(UsageError, match=r"no layer 'out_proj' .*in_proj"):
        add_adapter(family("mamba"), Settings(targets=("out_proj",)))


def test_experts_are_targets_by_name_and_told_when_left_out() -> None:
    model = family("mixtral")
    known = layers_of(model)
    assert known["experts.gate_up_proj"].kind == "experts"
    assert left_out(known, ("all-linear",)) == ["experts.gate_up_proj", "experts.down_proj"]
    assert left_out(known, ("all-linear", "experts.down_proj")) == ["experts.gate_up_proj"]
    adapted = add_adapter(model, Settings(rank=2, targets=("q_proj", "experts.down_proj")))
    names = [n for n, value in adapted.named_parameters() if value.requires_grad]
    assert any("experts" in name for name in names)


def test_a_module_to_save_that_is_not_there_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="no module 'lm_hed'; did you mean 'lm_head'"):
        add_adapter(family("llama"), Settings(modules_to_save=("lm_hed",)))


# --- optimizers ---------------------------------------------------------------------------------


def test_loraplus_trains_the_matrices_b_faster() -> None:
    model = add_adapter(family("llama"), Settings(rank=2))
    chosen = {name: value for name, value in model.named_parameters() if value.requires_grad}
    optimizer = optimizer_of(chosen, Optimization(loraplus=16.0))
    set_rate(optimizer, 0.5)
    rates = {id(v): group["lr"] for group in optimizer.param_groups for v in group["params"]}
    assert {rates[id(v)] for name, v in chosen.items() if "lora_B" in name} == {8.0}
    assert {rates[id(v)] for name, v in chosen.items() if "lora_A" in name} == {0.5}
    assert len(rates) == len(chosen)


@pytest.mark.parametrize(
    "name", ["adamw_torch_fused", "adamw_8bit", "paged_adamw_8bit", "paged_adamw_32bit", "sgd"]
)
def test_each_optimizer_learns(name: Any) -> None:
    if "bit" in name:
        pytest.importorskip("bitsandbytes")
    model = add_adapter(family("llama"), Settings(rank=4))
    chosen = {n: value for n, value in model.named_parameters() if value.requires_grad}
    optimizer = optimizer_of(chosen, Optimization(name, betas=(0.8, 0.9)))
    if name != "sgd":
        assert tuple(optimizer.param_groups[0]["betas"]) == (0.8, 0.9)
    before = float(losses(model).mean())
    model.train()
    for _ in range(6):
        set_rate(optimizer, 0.02 if name != "sgd" else 1.0)
        models.row_losses(model, models.row_of(ROW, "cpu"), "fp32").mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert float(losses(model.eval()).mean()) < before - 0.01


# --- quantized weights --------------------------------------------------------------------------


@pytest.mark.parametrize(("bits", "kind"), [(4, "nf4"), (4, "fp4"), (8, "nf4"), (16, "nf4")])
def test_frozen_weights_are_held_in_their_bits(bits: int, kind: str, tmp_path: Path) -> None:
    bitsandbytes = pytest.importorskip("bitsandbytes")
    wide = family("llama wide")
    wide.save_pretrained(tmp_path)
    wanted = losses(wide)
    held = models.Quantization(bits=bits, kind=kind)
    model = models.load_base(tmp_path, "qlora", "fp32", "cpu", held)
    layer = model.model.layers[0].mlp.down_proj
    if bits == 4:
        assert isinstance(layer, bitsandbytes.nn.Linear4bit)
        assert layer.weight.quant_type == kind and layer.weight.numel() == 128 * 64 // 2
    elif bits == 8:
        assert isinstance(layer, bitsandbytes.nn.Linear8bitLt)
    else:
        assert type(layer) is torch.nn.Linear
    apart = float((losses(model) - wanted).abs().mean())
    assert apart < 0.05 and (apart == 0.0) == (bits == 16)
    if bits != 8:
        adapted = add_adapter(model, Settings(rank=4))
        before = float(losses(adapted).mean())
        assert float(losses(trained(adapted, 6)).mean()) < before - 0.01


def test_the_written_configuration_names_no_machine(tmp_path: Path) -> None:
    model = add_adapter(family("llama"), Settings(rank=2))
    save_adapter(model, tmp_path, Settings(rank=2), {}, name_of("owner/name@v2"))
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "owner/name" and config["revision"] == "v2"
    assert config["inference_mode"] is True
    assert config["target_modules"] == sorted(config["target_modules"])


def test_the_adapter_of_the_embedded_model_names_it_as_hubs_do(tmp_path: Path) -> None:
    model = add_adapter(family("llama"), Settings(rank=2))
    save_adapter(model, tmp_path, Settings(rank=2), {}, name_of(EMBEDDED))
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == EMBEDDED_HUB and config["revision"] is None


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        (
            "llama",
            Settings(targets=("q_proj", "embed_tokens"), init="pissa"),
            "linear layers inside",
        ),
        ("llama", Settings(targets=("q_proj", "lm_head"), init="olora"), "linear layers inside"),
        ("mixtral", Settings(targets=("experts.down_proj",), init="pissa"), "linear layers inside"),
        ("llama", Settings(rank=64, init="pissa"), "rank of at most 32"),
        ("gpt2", Settings(rank=4, init="olora"), "Conv1D"),
    ],
)
def test_a_start_that_could_not_be_written_is_refused(
    name: str, settings: Settings, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        add_adapter(family(name), settings)
