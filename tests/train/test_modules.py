"""`seedbed modules`: each layer that can be a target, its shapes and cost, as peft counts them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from stages.errors import UsageError
from stages.train import adapter
from stages.train.targets import DOES, skeleton, targets_of
from tests.train.test_estimate import COMMON, OWN, tiny_of

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

FAMILIES = ["llama", "gpt2", "opt", "gpt_neox", "phi3", "mamba", "mixtral", "qwen3_moe", "bloom"]
SPARSE = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2,
          "moe_intermediate_size": 40}  # fmt: skip


def config_of(family: str, folder: Path) -> Path:
    more = SPARSE if family in ("mixtral", "qwen3_moe") else {}
    given = {**OWN.get(family, COMMON), **more}
    config = transformers.CONFIG_MAPPING[family](**given)
    (folder / "config.json").write_text(config.to_json_string())
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_the_cost_of_a_target_is_pefts(family: str, tmp_path: Path) -> None:
    """An adapter on that layer alone, really added, has as many parameters."""
    model = skeleton(config_of(family, tmp_path))
    assert {value.device.type for value in model.parameters()} == {"meta"}
    found = targets_of(model)
    more = SPARSE if family in ("mixtral", "qwen3_moe") else {}
    tried = 0
    for target in found:
        chosen = adapter.Settings(rank=3, targets=(target.name,))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if target.refused is not None:
                with pytest.raises(UsageError, match="no layer"):
                    adapter.add_adapter(tiny_of(family, "cpu", **more), chosen)
                assert target.trainable(3) == 0
                continue
            made = adapter.add_adapter(tiny_of(family, "cpu", **more), chosen)
        assert target.trainable(3) == made.get_nb_trainable_parameters()[0], target.name
        tried += 1
    assert tried >= 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every = adapter.add_adapter(tiny_of(family, "cpu", **more), adapter.Settings(rank=3))
    marked = sum(target.trainable(3) for target in found if target.standard)
    assert marked == every.get_nb_trainable_parameters()[0]


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt", "phi3", "mixtral", "bloom"])
def test_what_each_layer_does_is_told(family: str, tmp_path: Path) -> None:
    for target in targets_of(skeleton(config_of(family, tmp_path))):
        assert target.does, target.name
    assert "encod" not in DOES["up_proj"] + DOES["down_proj"]
    assert DOES["gate_proj"].startswith("feed-forward") and DOES["q_proj"].startswith("attention")


def test_conv1d_has_the_shape_that_goes_in_and_out(tmp_path: Path) -> None:
    by_name = {one.name: one for one in targets_of(skeleton(config_of("gpt2", tmp_path)))}
    assert by_name["c_attn"].shapes == {(48, 144): 3} and by_name["c_attn"].standard
    assert by_name["c_proj"].shapes == {(48, 48): 3, (192, 48): 3}
    assert by_name["c_proj"].within == "transformer.h.N.attn.c_proj"
    assert not by_name["lm_head"].standard


def test_mambas_projections_are_listed_and_the_refused_ones_named(tmp_path: Path) -> None:
    by_name = {one.name: one for one in targets_of(skeleton(config_of("mamba", tmp_path)))}
    assert by_name["in_proj"].standard and by_name["x_proj"].standard
    assert "peft refuses it" in str(by_name["out_proj"].refused)
    assert by_name["conv1d"].kind == "convolution" and by_name["conv1d"].refused


def test_experts_are_listed_with_how_many_there_are(tmp_path: Path) -> None:
    by_name = {one.name: one for one in targets_of(skeleton(config_of("mixtral", tmp_path)))}
    experts = [one for one in by_name.values() if one.kind == "experts"]
    assert len(experts) == 2 and {one.experts for one in experts} == {4}
    model = skeleton(config_of("mixtral", tmp_path))
    hidden, inner = model.config.hidden_size, model.config.intermediate_size
    assert hidden not in (inner, 2 * inner)
    sizes = {one.name: [*one.shapes] for one in experts}
    assert sizes["experts.gate_up_proj"] == [(hidden, 2 * inner)]  # stored the other way round
    assert sizes["experts.down_proj"] == [(inner, hidden)]
    assert not any(one.standard for one in experts)


def test_the_command_prints_a_table_or_json(tmp_path: Path, capsys: Any) -> None:
    config_of("llama", tmp_path)
    assert cli.command(["modules", str(tmp_path / "config.json"), "--rank", "4"]) == 0
    shown = capsys.readouterr().out
    lines = {line.split()[1]: line for line in shown.splitlines() if line.startswith("*")}
    assert "48 → 24" in lines["k_proj"] and "gate_proj" in lines and "at rank 4" in shown
    assert "of this llama model" in shown
    assert cli.command(["modules", str(tmp_path / "config.json"), "--rank", "4", "--json"]) == 0
    told = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert told["k_proj"]["trainable"] == 4 * (48 + 24) * 3 and told["k_proj"]["all_linear"]
    assert told["lm_head"]["kind"] == "linear" and not told["lm_head"]["all_linear"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no causal language model's"),
        ('{"model_type": "no such"}', "is no causal language model's"),
        ('{"model_type": "vit"}', "is no causal language model's"),
        ('{"model_type": "llama", "hidden_size": "wide"}', "is no causal language model's"),
        ('{"auto_map": {"AutoConfig": "evil.C"}, "model_type": "evil"}', "is no causal"),
    ],
)
def test_what_is_no_model_is_one_sentence(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    (tmp_path / "evil.py").write_text("raise SystemExit('run')\n")
    with pytest.raises(UsageError, match=words) as caught:
        skeleton(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no config\.json"):
        skeleton(tmp_path)
