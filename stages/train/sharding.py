"""One model over several processes: each holds a part of every weight (FSDP2; Zhao et al. 2023).

For a base that does not fit one GPU. A layer's weights are gathered when it is computed and let go
after it. An adapter is small and stays whole in each process, and so do its gradients, which
`parallel` sums; of a model that is trained in full PyTorch sums them as it scatters them. Every
process must compute as many rows as the others: who has fewer computes one again that counts
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.require import require


def shard(model: Any, device: str) -> None:
    """Spread the weights over all processes; those with gradients of an adapter stay whole."""
    mesh = require("torch.distributed.device_mesh", "train").init_device_mesh
    spread = require("torch.distributed.fsdp", "train").fully_shard
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    whole = {one for one in model.parameters() if one.requires_grad} if base is not model else set()
    size = require("torch.distributed", "train").get_world_size()
    given = {"mesh": mesh(device, (size,)), "ignored_params": whole or None}
    torch = require("torch", "train")
    for one in whole:
        one.data = one.data.to(device)
    for module in list(base.modules()):
        if isinstance(module, torch.nn.ModuleList):
            for layer in module:
                spread(layer, **given)
            break
    spread(model, **given)


def sharded(model: Any) -> bool:
    """Whether the weights of a model are spread."""
    return any(_spread(one) for one in model.parameters())


def whole(value: Any) -> Any:
    """A tensor with all its parts, in every process."""
    return value.full_tensor() if _spread(value) else value


def parted(value: Any, like: Any) -> Any:
    """This process's part of a whole tensor, spread as another is."""
    if not _spread(like):
        return value
    tensors = require("torch.distributed.tensor", "train")
    return tensors.distribute_tensor(value.to(like.device), like.device_mesh, like.placements)


def whole_state(model: Any) -> Mapping[str, Any]:
    """The weights of a model in memory of the processor, one after the other."""
    return {name: whole(value.detach()).cpu() for name, value in model.state_dict().items()}


def _spread(value: Any) -> bool:
    return hasattr(value, "full_tensor")
