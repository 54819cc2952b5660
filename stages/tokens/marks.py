"""What the data itself says of a message: whether it is to be learned, and which part of it.

`weight: 0` (OpenAI, mistral-finetune), `train: false` and `train_detail` (Axolotl), `loss: false`
(ms-swift), `trainable: false` (verl).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

_KEYS = ("train", "training", "trainable", "weight", "loss", "loss_weight", "loss_mask")
_DETAILS = ("train_detail", "training_detail")
_NO = ("0", "0.0", "false", "no", "off")
_YES = ("1", "1.0", "true", "yes", "on")


class Mark(NamedTuple):
    """learned: None where nothing is said. key: what says it. details: (begin, end, whether it is
    learned), in characters of the content."""

    learned: bool | None = None
    key: str = ""
    details: tuple[tuple[int, int, bool], ...] = ()


NOTHING = Mark()


def mark_of(extra: str | None) -> Mark:
    """The mark in what a message has beside role and content."""
    if not extra or not any(f'"{key}' in extra for key in ("train", "weight", "loss")):
        return NOTHING
    try:
        value = json.loads(extra)
    except (ValueError, RecursionError):
        return NOTHING
    if not isinstance(value, Mapping):
        return NOTHING
    details: list[Any] = next(
        (value[key] for key in _DETAILS if isinstance(value.get(key), list)), []
    )
    parts = tuple(part for one in details if (part := _detail(one)) is not None)
    for key in _KEYS:
        learned = _flag(value.get(key))
        if learned is not None:
            return Mark(learned, key, parts)
    return Mark(None, "", parts)


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool | int | float):
        return bool(value)
    word = value.strip().lower() if isinstance(value, str) else None
    return False if word in _NO else True if word in _YES else None


def _detail(one: Any) -> tuple[int, int, bool] | None:
    """Axolotl's: begin_offset and end_offset, both included."""
    if not isinstance(one, Mapping):
        return None
    begin, end, learned = one.get("begin_offset"), one.get("end_offset"), _flag(one.get("train"))
    if not isinstance(begin, int) or not isinstance(end, int) or learned is None:
        return None
    return begin, end + 1, learned
