"""LoRA adapters: which layers of a model can have one, how it is added, how it is written.

Hu et al. 2021 (LoRA), Kalajdzievski 2023 (rsLoRA), Liu et al. 2024 (DoRA), Meng et al. 2024
(PiSSA); the layers themselves are peft's.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from stages.check import nearest
from stages.corpus import write_json
from stages.errors import UsageError
from stages.require import require

if TYPE_CHECKING:
    from stages.train.bases import Name

ALL = "all-linear"
Bias = Literal["none", "all", "lora_only"]
Init = Literal[
    "kaiming", "gaussian", "orthogonal", "olora", "pissa", "pissa_niter_4", "pissa_niter_16"
]
# These take a part of the base weights into the adapter, so the base is another while it trains.
TAKING = ("olora", "pissa", "pissa_niter_4", "pissa_niter_16")

# Layers that peft refuses to adapt: a state-space kernel reads their weights past the adapter.
REFUSED = {"out_proj", "conv1d"}
STATE_SPACE = {"mamba", "mamba2", "falcon_mamba", "falcon_h1"}


@dataclass(frozen=True)
class Layer:
    """A kind of layer that can have an adapter. kind: linear (also GPT-2's Conv1D), embedding,
    experts (all in one tensor). shape: (in, out) of one. count: how many. head: makes logits."""

    name: str
    kind: Literal["linear", "embedding", "experts"]
    shape: tuple[int, int]
    count: int
    head: bool = False


def layers_of(model: Any) -> dict[str, Layer]:
    """Last name → layer, in the model's order; of experts the last two."""
    torch = require("torch", "train")
    transposed = require("transformers.pytorch_utils", "train").Conv1D
    head = model.get_output_embeddings()
    state_space = getattr(model.config, "model_type", None) in STATE_SPACE
    found: dict[str, Layer] = {}

    def add(name: str, kind: Any, shape: tuple[int, int], is_head: bool = False) -> None:
        count = found[name].count if name in found else 0
        found[name] = Layer(name, kind, shape, count + 1, is_head)

    for path, module in model.named_modules():
        last = path.rpartition(".")[2]
        if state_space and last in REFUSED:
            continue
        if isinstance(module, torch.nn.Linear):
            add(last, "linear", (module.in_features, module.out_features), module is head)
        elif isinstance(module, transposed):
            add(last, "linear", (module.nx, module.nf), module is head)
        elif isinstance(module, torch.nn.Embedding):
            add(last, "embedding", (module.num_embeddings, module.embedding_dim))
        elif "expert" in last:
            for name, value in module.named_parameters(recurse=False):
                if value.dim() == 3:
                    add(f"{last}.{name}", "experts", size_of_expert(name, value, model.config))
    return found


def size_of_expert(name: str, value: Any, config: Any) -> tuple[int, int]:
    """(in, out) of one expert's matrix in a tensor of all. Models store them either way round: what
    leads out of the block gives the hidden size, what leads into it takes it."""
    one, other = int(value.shape[1]), int(value.shape[2])
    hidden = getattr(config, "hidden_size", None)
    turned = one if "down" in name or name in ("w2", "output_linear") else other
    return (other, one) if turned == hidden else (one, other)


def all_linear(known: Mapping[str, Layer]) -> list[str]:
    """The names that `all-linear` stands for: every linear layer but the one that makes logits."""
    return sorted(name for name, one in known.items() if one.kind == "linear" and not one.head)


def names_of(known: Mapping[str, Layer], targets: Sequence[str]) -> list[str]:
    """The names of the layers that targets mean; UsageError for one that the model has not."""
    names = {name for name in targets if name != ALL}
    if ALL in targets:
        names.update(all_linear(known))
    for name in sorted(names):
        if name.rpartition(".")[2] not in known and name not in known:
            raise UsageError(
                f"train.targets: the model has no layer {name!r} that can have an adapter"
                f"{nearest(name, known)} ({', '.join(sorted(known))} can)"
            )
    if not names:
        raise UsageError(
            "train.targets: the model has no linear layer; it has "
            f"{', '.join(sorted(known)) or 'no layer that can have an adapter'}"
        )
    return sorted(names)


def left_out(known: Mapping[str, Layer], targets: Sequence[str]) -> list[str]:
    """Experts that get no adapter, though they hold most of the model's weights."""
    chosen = {*targets}
    return [name for name, one in known.items() if one.kind == "experts" and name not in chosen]


@dataclass(frozen=True)
class Settings:
    """What peft's `LoraConfig` calls r, lora_alpha, lora_dropout, target_modules, bias,
    modules_to_save, layers_to_transform, layers_pattern, use_rslora, use_dora and
    init_lora_weights."""

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = (ALL,)
    bias: Bias = "none"
    modules_to_save: tuple[str, ...] = ()
    layers: tuple[int, ...] = ()
    layers_pattern: str | None = None
    rslora: bool = False
    dora: bool = False
    init: Init = "kaiming"


def add_adapter(model: Any, settings: Settings, rows: Sequence[int] = ()) -> Any:
    """The model with LoRA layers; the seed for their start must have been set. rows: of new tokens,
    which are trained, and saved with the adapter."""
    peft = require("peft", "train")
    transposed = require("transformers.pytorch_utils", "train").Conv1D
    known = layers_of(model)
    names = names_of(known, settings.targets)
    modules = {path.rpartition(".")[2]: one for path, one in model.named_modules()}
    for name in settings.modules_to_save:
        if name not in modules:
            raise UsageError(
                f"train.modules_to_save: the model has no module {name!r}{nearest(name, modules)}"
            )
    experts = [name for name in names if name in known and known[name].kind == "experts"]
    plain = [name for name in names if name not in experts]
    if settings.init in TAKING:
        _check_taking(
            settings, [known[name] for name in names if name in known], transposed, modules
        )
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=plain,
        target_parameters=experts or None,
        bias=settings.bias,
        modules_to_save=list(settings.modules_to_save) or None,
        layers_to_transform=list(settings.layers) or None,
        layers_pattern=settings.layers_pattern,
        trainable_token_indices=_rows_of(model, rows),
        use_rslora=settings.rslora,
        use_dora=settings.dora,
        init_lora_weights=True if settings.init == "kaiming" else settings.init,
        fan_in_fan_out=any(isinstance(modules.get(name), transposed) for name in plain),
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for an old name
        try:
            return peft.get_peft_model(model, config)
        except (ValueError, NotImplementedError, TypeError) as error:
            said = " ".join(str(error).split())
            raise UsageError(f"train: this model cannot have this adapter: {said}") from None


def _check_taking(
    settings: Settings, layers: Sequence[Layer], transposed: Any, modules: Mapping[str, Any]
) -> None:
    """UsageError where a start that takes a part of the base along cannot be written for the plain
    base: peft writes embeddings and the output layer with it, or has no such start."""
    for one in layers:
        reason = None
        if one.kind != "linear" or one.head:
            reason = "goes with linear layers inside the model alone"
        elif settings.rank > min(one.shape):
            reason = f"needs a rank of at most {min(one.shape)} there"
        elif settings.init == "olora" and isinstance(modules.get(one.name), transposed):
            reason = "does not go with layers of this kind (Conv1D)"
        if reason:
            raise UsageError(
                f"train.init {settings.init} and the layer {one.name!r}: it {reason}; use init "
                "kaiming, or other targets"
            )


def _rows_of(model: Any, rows: Sequence[int]) -> dict[str, list[int]] | None:
    """The new rows of the embeddings, and of the layer that makes logits where it is another."""
    if not rows:
        return None
    layers = (model.get_input_embeddings(), model.get_output_embeddings())
    tied = layers[1] is None or layers[0].weight is layers[1].weight
    names = {module: path.rpartition(".")[2] for path, module in model.named_modules()}
    return {names[layer]: list(rows) for layer in (layers[:1] if tied else layers)}


def beginning(model: Any, settings: Settings) -> dict[str, Any]:
    """The adapter as it begins, kept where it took a part of the base's weights along; else {}."""
    if settings.init not in TAKING:
        return {}
    state = require("peft", "train").get_peft_model_state_dict(model)
    return {name: value.detach().clone() for name, value in state.items()}


def save_adapter(
    model: Any, out: Path, settings: Settings, begun: Mapping[str, Any], base: Name
) -> None:
    """Write the adapter so that `PeftModel.from_pretrained` on the plain base gives the trained
    model. base: what the base model is called, of which the public words are written. begun: of
    `beginning`.

    An adapter that took a part of the base along is written as the difference to its start: the
    product of A and B less that of the first A and B is a LoRA of twice the rank.
    """
    peft = require("peft", "train")
    torch = require("torch", "train")
    # Where rows of new tokens are trained, these are in the state, and no others are wanted.
    rows = model.peft_config["default"].trainable_token_indices is not None
    whole = False if rows else "auto"
    held = peft.get_peft_model_state_dict(model, save_embedding_layers=whole)
    state = {name: value.detach().cpu() for name, value in held.items()}
    config = model.peft_config["default"].to_dict()
    if begun:
        first = {name: value.cpu() for name, value in begun.items()}
        for name in first:
            if "lora_A" in name:
                state[name] = torch.cat([state[name], first[name]])
            elif "lora_B" in name:
                state[name] = torch.cat([state[name], -first[name]], dim=1)
        config["r"] = 2 * settings.rank
        config["lora_alpha"] = settings.alpha * (math.sqrt(2) if settings.rslora else 2)
        config["init_lora_weights"] = True
    config["base_model_name_or_path"], config["revision"] = base.public, base.revision
    config["inference_mode"] = True
    tensors = {name: state[name].contiguous() for name in sorted(state)}
    require("safetensors.torch", "train").save_file(
        tensors, out / "adapter_model.safetensors", metadata={"format": "pt"}
    )
    # Sets would come out in another order in each process.
    write_json(out / "adapter_config.json", json.loads(json.dumps(config, default=_plain)))


def _plain(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(value)
    return getattr(value, "value", None) or str(value)
