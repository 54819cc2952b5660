"""The losses of a packed row: token ids to nats, with logits in pieces where they are large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from stages.require import require
from stages.train import attention
from stages.train.sharding import sharded

# Logits of a row that are held at once, with their gradient and a copy in fp32. Beyond it they are
# made again in the backward pass, piece by piece: 2**26 are 256 MB a copy.
LOGITS = 1 << 26
HELD = 1 << 20  # logits in fp32 of which figures are made at once
TRIED = 8  # last positions of a row on which a model's output layer is tried

DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
Array = np.ndarray[Any, Any]
Of = Callable[[Any, Any], Any]
# Of a target: its loss in nats; 1 where it is the likeliest token, else 0; the probability of the
# likeliest token; the entropy of the prediction in nats.
FIGURES = ("loss", "accuracy", "confidence", "entropy")
_HEADS: WeakKeyDictionary[Any, Callable[[Any], Any] | None] = WeakKeyDictionary()


def row_of(
    documents: Sequence[tuple[Array, Array]], device: str, counts: float = 1.0
) -> dict[str, Any]:
    """Tensors of one packed row: ids, positions, where a target is predicted, the targets, and
    the borders of the documents. documents: (token ids, which of them are targets) of each.
    counts: what its losses are multiplied by in a step."""
    torch = require("torch", "train")
    lengths = np.array([len(tokens) for tokens, _ in documents])
    ids = np.concatenate([tokens for tokens, _ in documents]).astype(np.int64)
    positions = np.concatenate([np.arange(length) for length in lengths])
    targets = np.flatnonzero(np.concatenate([wanted for _, wanted in documents]))
    tensors = {
        "ids": torch.from_numpy(ids)[None],
        "positions": torch.from_numpy(positions)[None],
        "predicting": torch.from_numpy(targets - 1),
        "targets": torch.from_numpy(ids[targets]),
    }
    row = {name: tensor.to(device) for name, tensor in tensors.items()}
    return {**row, "borders": attention.borders(lengths, device), "counts": counts}


def autocast(device: str, precision: str) -> Any:
    """Matrix products in the precision, where it is a half one."""
    torch = require("torch", "train")
    kind = getattr(torch, DTYPES[precision])
    return torch.autocast(device, kind, enabled=precision != "fp32")


def row_losses(model: Any, row: dict[str, Any], precision: str) -> Any:
    """Cross-entropy in fp32 of each trained-on token of a row, in nats."""
    return _of_logits(model, row, precision, _losses)


def row_figures(model: Any, row: dict[str, Any], precision: str) -> Any:
    """`FIGURES` of each trained-on token of a row, one row of the result each. No gradients."""
    with require("torch", "train").no_grad():
        return _of_logits(model, row, precision, _figures)


def _losses(logits: Any, targets: Any) -> Any:
    cross_entropy = require("torch", "train").nn.functional.cross_entropy
    return cross_entropy(logits.float(), targets, reduction="none")


def _figures(logits: Any, targets: Any) -> Any:
    """In pieces that a processor's cache holds: four passes over logits, none over memory."""
    torch = require("torch", "train")
    size = max(1, HELD // logits.shape[-1])
    made = []
    for some, wanted in zip(logits.split(size), targets.split(size), strict=True):
        values = some.float()
        whole = values.logsumexp(-1)
        greatest, likeliest = values.max(-1)
        # A logit of minus infinity is a token that cannot be: 0 × infinity is no number.
        values = values.clamp_min(torch.finfo(values.dtype).min)
        entropy = whole - ((values - whole[:, None]).exp() * values).sum(-1)
        right = (likeliest == wanted).float()
        made.append(torch.stack([_losses(some, wanted), right, (greatest - whole).exp(), entropy]))
    return torch.cat(made, dim=-1)


def _of_logits(model: Any, row: dict[str, Any], precision: str, made: Of) -> Any:
    """What `made` makes of logits and targets, its last dimension that of the targets.

    Logits are made for the predicting positions only: the output layer is a fifth of a small
    model's work, and prompts need none of it.
    """
    extra = row["borders"] if _by_documents(model) else {}
    given = {"input_ids": row["ids"], "position_ids": row["positions"], "use_cache": False, **extra}
    count, vocabulary = len(row["targets"]), _vocabulary(model)
    with autocast(row["ids"].device.type, precision):
        if count * vocabulary > LOGITS and not sharded(model):
            base = model.get_base_model() if hasattr(model, "get_base_model") else model
            if (head := _head_of(model, base, given)) is not None:
                states = base.base_model(**given).last_hidden_state[0][row["predicting"]]
                size = max(1, LOGITS // vocabulary)
                return _in_pieces(states, row["targets"], head, size, made)
        logits = model(**given, logits_to_keep=row["predicting"]).logits[0]
    return made(logits, row["targets"])


def _by_documents(model: Any) -> bool:
    return bool(getattr(model.config, "_attn_implementation", None) == attention.NAME)


def _vocabulary(model: Any) -> int:
    return int(model.get_input_embeddings().weight.shape[0])


def _head_of(model: Any, base: Any, given: dict[str, Any]) -> Callable[[Any], Any] | None:
    """The output layer, when logits are what it makes of hidden states and nothing else: tried
    once a model, because some families scale or cap them."""
    if model not in _HEADS:
        torch = require("torch", "train")
        head = model.get_output_embeddings()
        training = model.training
        model.eval()
        with torch.no_grad():
            wanted = model(**given, logits_to_keep=TRIED).logits[0]
            states = base.base_model(**given).last_hidden_state[0, -TRIED:]
            same = torch.equal(head(states), wanted)
        model.train(training)
        _HEADS[model] = head if same else None
    return _HEADS[model]


def _in_pieces(states: Any, targets: Any, head: Callable[[Any], Any], size: int, made: Of) -> Any:
    """The same of hidden states, `size` positions at a time; no piece's logits are kept."""
    torch = require("torch", "train")

    def piece(some: Any, wanted: Any) -> Any:
        return made(head(some), wanted)

    pairs = zip(states.split(size), targets.split(size), strict=True)
    if not torch.is_grad_enabled():
        return torch.cat([piece(*pair) for pair in pairs], dim=-1)
    again = require("torch.utils.checkpoint", "train").checkpoint
    return torch.cat([again(piece, *pair, use_reentrant=False) for pair in pairs], dim=-1)
