"""The optimizers, by the names that transformers gives them, and the groups of LoRA+.

A group's `scale` is what its parameters' rate is multiplied by: 1, or LoRA+'s ratio for the
matrices B (Hayou et al. 2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stages.require import require

Name = Literal[
    "adamw_torch", "adamw_torch_fused", "adamw_8bit", "paged_adamw_8bit", "paged_adamw_32bit", "sgd"
]
# What bitsandbytes calls them.
OF_BITSANDBYTES = {
    "adamw_8bit": "AdamW8bit",
    "paged_adamw_8bit": "PagedAdamW8bit",
    "paged_adamw_32bit": "PagedAdamW32bit",
}
# Bytes of state that a trained parameter costs.
STATE_BYTES = {"adamw_torch": 8, "adamw_torch_fused": 8, "adamw_8bit": 2, "paged_adamw_8bit": 2,
               "paged_adamw_32bit": 8, "sgd": 0}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """weight_decay: decoupled (Loshchilov and Hutter 2019). betas, epsilon: of Adam; SGD has no
    use for them. loraplus: the rate of the matrices B of an adapter is this times the others'."""

    name: Name = "adamw_torch"
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    loraplus: float | None = None


def optimizer_of(parameters: Mapping[str, Any], settings: Settings) -> Any:
    """The optimizer of named parameters; each step sets the rate (`set_rate`)."""
    ratio = 1.0 if settings.loraplus is None else settings.loraplus
    fast = [value for name, value in parameters.items() if ratio != 1 and "lora_B" in name]
    chosen = {id(value) for value in fast}
    rest = [value for value in parameters.values() if id(value) not in chosen]
    groups = [
        {"params": values, "scale": scale}
        for values, scale in ((rest, 1.0), (fast, ratio))
        if values
    ]
    torch = require("torch", "train")
    decay = settings.weight_decay
    if settings.name == "sgd":
        return torch.optim.SGD(groups, lr=0.0, weight_decay=decay)
    adam = {"lr": 0.0, "betas": settings.betas, "eps": settings.epsilon, "weight_decay": decay}
    if settings.name in OF_BITSANDBYTES:
        optimizers = require("bitsandbytes", "qlora").optim
        return getattr(optimizers, OF_BITSANDBYTES[settings.name])(groups, **adam)
    return torch.optim.AdamW(groups, fused=settings.name == "adamw_torch_fused" or None, **adam)


def set_rate(optimizer: Any, rate: float) -> None:
    """The learning rate of the step to come, in every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


def parameters_of(optimizer: Any) -> list[Any]:
    """All parameters, group by group."""
    return [value for group in optimizer.param_groups for value in group["params"]]
