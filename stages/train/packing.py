"""Whether a model can be given several documents in one row, tried on the model itself.

Recurrent and convolutional layers carry a document into its neighbour, and so does a mask of
ones, or a cache that is on; nothing of that is told by an error.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stages.require import require
from stages.train import attention
from stages.train.loss import row_losses, row_of

# Mean difference in nats to the losses of a document by itself that is rounding.
CLOSE = {"fp32": 1e-3, "bf16": 0.1, "fp16": 0.1}
# The same between two neighbours; within one precision and shape only experts' products differ.
SAME = {"fp32": 1e-5, "bf16": 1e-2, "fp16": 1e-2}
# Tokens of the documents tried; the second is longer than the windows of small models are.
LENGTHS = (40, 57)


def isolates(model: Any, precision: str, device: str) -> bool:
    """Whether the second document of a packed row is read as if it stood alone.

    With another neighbour its losses must have the same bits, or nearly so where the neighbour
    changes the shapes of products (experts); they must be near to those of the document by itself;
    and no gradient of theirs may reach the neighbour, however weak: half precision rounds a weak
    leak away from a loss, and not from a gradient.
    """
    torch = require("torch", "train")
    vocabulary = int(model.get_input_embeddings().weight.shape[0])
    drawn = np.random.default_rng(1).integers(0, vocabulary, sum(LENGTHS) + LENGTHS[0])
    first, second, other = np.split(drawn, np.cumsum(LENGTHS))
    one, two, three = ((ids, np.arange(len(ids)) > 0) for ids in (first, second, other))
    count = LENGTHS[1] - 1
    try:
        with torch.no_grad():
            packed = row_losses(model, row_of([one, two], device), precision)[-count:]
            beside = row_losses(model, row_of([three, two], device), precision)[-count:]
            alone = row_losses(model, row_of([two], device), precision)
    except (attention.NotDone, TypeError, RuntimeError, ValueError):
        return False
    if not bool((alone - packed).abs().mean() < CLOSE[precision]):
        return False
    same = torch.equal(packed, beside) or bool((packed - beside).abs().mean() < SAME[precision])
    return same and not _reaches(model, [one, two], precision, device)


def _reaches(model: Any, documents: list[tuple[Any, Any]], precision: str, device: str) -> bool:
    """Whether the losses of the second document have a gradient at the first one's embeddings."""
    torch = require("torch", "train")
    seen: list[Any] = []

    def watch(module: Any, given: Any, made: Any) -> Any:
        seen.append(made.detach().requires_grad_(True))
        return seen[-1]

    hook = model.get_input_embeddings().register_forward_hook(watch)
    try:
        with torch.enable_grad():
            losses = row_losses(model, row_of(documents, device), precision)
            (found,) = torch.autograd.grad(losses[-(LENGTHS[1] - 1) :].sum(), seen[0])
    finally:
        hook.remove()
    return bool(found[0, : LENGTHS[0]].abs().max() > 0)
