"""Attention within the documents of a packed row, without a mask.

A mask over a row costs the square of its length. Here each document attends to itself alone: on
CUDA by `torch.nn.attention.varlen`, which takes the borders of the documents; elsewhere by one
call of SDPA a document; with soft caps (Gemma 2) and sinks (gpt-oss), which neither has, step by
step. Registered with transformers as NAME. Models that do not use its interface, or add a bias of
positions, are told by `packing`, which finds another way for them.
"""

from __future__ import annotations

import inspect
from functools import cache
from itertools import pairwise
from typing import Any

from stages.require import require

NAME = "seedbed_documents"


class NotDone(Exception):
    """A layer asks for something that attention by documents does not do."""


@cache
def register() -> str:
    """Make the attention known to transformers; its name there."""
    require("transformers", "train").AttentionInterface.register(NAME, forward)
    return NAME


def borders(lengths: Any, device: str) -> dict[str, Any]:
    """What a model's forward hands through to `forward`: where documents begin and end.

    lengths: tokens of each document of the row, an array of int.
    """
    torch = require("torch", "train")
    ends = torch.zeros(len(lengths) + 1, dtype=torch.int32)
    ends[1:] = torch.from_numpy(lengths).cumsum(0)
    longest = int(lengths.max())
    ends = ends.to(device)
    return {
        "cu_seq_lens_q": ends,
        "cu_seq_lens_k": ends,
        "max_length_q": longest,
        "max_length_k": longest,
    }


def forward(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Any = None,
    position_bias: Any = None,
    cu_seq_lens_q: Any = None,
    max_length_q: int | None = None,
    **more: Any,
) -> tuple[Any, None]:
    """Causal attention within each document; NotDone for a layer that wants something else.

    query: (1, heads, tokens, size); key, value: the same, or with fewer heads. Returns
    (1, tokens, heads, size of a value) and no weights.
    """
    foreign = position_bias is not None or attention_mask is not None
    if foreign or cu_seq_lens_q is None or query.shape[0] != 1:
        raise NotDone(f"{type(module).__name__} has a mask or bias of its own, or no borders")
    if not getattr(module, "is_causal", True):
        raise NotDone(f"{type(module).__name__} looks ahead")
    assert max_length_q is not None
    special = softcap is not None or s_aux is not None
    if query.device.type == "cuda" and query.shape[-1] == value.shape[-1] and not special:
        made = _varlen(query, key, value, cu_seq_lens_q, max_length_q, scaling, sliding_window)
        return made, None
    torch = require("torch", "train")
    grouped = query.shape[1] != key.shape[1]
    made = []
    ends = cu_seq_lens_q.tolist()
    for begin, end in pairwise(ends):
        own = slice(begin, end)
        if special:
            q, k, v = (one[:, :, own] for one in (query, key, value))
            made.append(_stepwise(q, k, v, scaling, dropout, sliding_window, softcap, s_aux))
            continue
        narrow = sliding_window is not None and end - begin > sliding_window
        mask = _window(end - begin, sliding_window, query.device) if narrow else None
        made.append(
            torch.nn.functional.scaled_dot_product_attention(
                query[:, :, own],
                key[:, :, own],
                value[:, :, own],
                attn_mask=mask,
                dropout_p=dropout,
                is_causal=mask is None,
                scale=scaling,
                enable_gqa=grouped,
            )
        )
    return torch.cat(made, dim=2).transpose(1, 2).contiguous(), None


def _window(length: int, size: int | None, device: Any) -> Any:
    """Which keys a query sees: itself and the `size` - 1 before it; all before it for None."""
    torch = require("torch", "train")
    at = torch.arange(length, device=device)
    back = at[:, None] - at[None, :]
    return (back >= 0) & (back < (size or length))


def _stepwise(
    query: Any,
    key: Any,
    value: Any,
    scale: float | None,
    dropout: float,
    window: int | None,
    cap: float | None,
    sinks: Any,
) -> Any:
    """Attention within one document, written out. cap: scores go to cap * tanh(score / cap).
    sinks: (heads,), a score of each head that takes weight and gives nothing."""
    torch = require("torch", "train")
    times = query.shape[1] // key.shape[1]
    key, value = (one.repeat_interleave(times, dim=1) for one in (key, value))
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if cap is not None:
        scores = cap * torch.tanh(scores / cap)
    seen = _window(scores.shape[-1], window, scores.device)
    scores = scores.float().masked_fill(~seen, -torch.inf)
    if sinks is not None:
        column = sinks.float().reshape(1, -1, 1, 1).expand(*scores.shape[:3], 1)
        scores = torch.cat([scores, column], dim=-1)
    weights = torch.softmax(scores, dim=-1)[..., : key.shape[2]].to(value.dtype)
    return torch.nn.functional.dropout(weights, dropout) @ value


def _varlen(
    query: Any, key: Any, value: Any, ends: Any, longest: int, scale: float | None, size: int | None
) -> Any:
    """PyTorch's kernel for rows of documents. The one place that knows its signature, which is
    another in each release: a window of (-1, 0) is causal where there is no `is_causal`."""
    kernel = require("torch.nn.attention.varlen", "train").varlen_attn
    known = inspect.signature(kernel).parameters
    given: dict[str, Any] = {}
    if "window_size" in known:
        given["window_size"] = (-1 if size is None else size - 1, 0)
    elif size is None:
        given["is_causal"] = True
    else:
        raise NotDone("this release of torch has no window in varlen_attn")
    if "scale" in known:
        given["scale"] = scale
    elif scale is not None and abs(scale * query.shape[-1] ** 0.5 - 1) > 1e-6:
        raise NotDone("this release of torch has no scale in varlen_attn")
    if query.shape[1] != key.shape[1]:
        if "enable_gqa" in known:
            given["enable_gqa"] = True
        else:
            times = query.shape[1] // key.shape[1]
            key, value = (one.repeat_interleave(times, dim=1) for one in (key, value))
    flat = [one[0].transpose(0, 1).contiguous() for one in (query, key, value)]
    return kernel(*flat, ends, ends, longest, longest, **given)[None]
