"""What a log's columns mean: names of many trainers as roles, and cells as numbers.

Names are compared without case, spaces and signs: `train/loss`, `Train Loss` and `trainLoss` are
one. A name that is none of these is no loss: an auxiliary or router loss is not the model's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

Row = Mapping[str, Any]
Role = Literal["step", "epoch", "loss", "val", "rate", "norm", "excess", "probe", "val_records"]

# In the order in which they are believed. The trainers that write them, where it is not plain:
# current_steps LLaMA-Factory; global_step/max_steps ms-swift; iteration Megatron; num_updates
# fairseq; trainer/global_step Lightning in W&B; _step is W&B's own count of calls.
NAMES: dict[Role, tuple[str, ...]] = {
    "step": (
        "train_global_step", "trainer_global_step", "global_step", "current_steps", "current_step",
        "global_step_max_steps", "optimizer_step", "opt_step", "num_updates", "train_num_updates",
        "step", "steps", "iteration", "iterations", "iter", "iters", "update", "updates", "_step",
    ),
    "epoch": ("epoch", "train_epoch", "epochs", "trainer_epoch", "ep"),
    "loss": (
        "loss", "train_loss", "training_loss", "train_loss_step", "loss_step", "lm_loss",
        "train_lm_loss", "reduced_train_loss", "loss_train", "loss_training", "train_batch_loss",
        "batch_loss", "train_nll_loss", "nll_loss", "ce_loss", "train_ce_loss", "cross_entropy",
        "train_cross_entropy", "train_cross_entropy_loss", "train_samples_train_loss",
        "losses_train", "train_total_loss", "total_loss", "train_loss_epoch", "loss_epoch",
        "train_epoch_loss", "epoch_loss", "avg_loss", "train_avg_loss", "average_loss",
    ),
    "val": (
        "eval_loss", "val_loss", "valid_loss", "validation_loss", "dev_loss", "evaluation_loss",
        "loss_val", "loss_eval", "loss_valid", "loss_validation", "val_loss_epoch",
        "valid_loss_epoch", "validation_loss_epoch", "eval_lm_loss", "lm_loss_validation",
        "validation_lm_loss", "eval_nll_loss", "val_epoch_loss", "validation_epoch_loss",
        "val_nll_loss", "losses_val", "val_avg_loss", "held_out_loss", "heldout_loss", "test_loss",
    ),
    "rate": ("learning_rate", "lr", "train_learning_rate", "train_lr", "rate"),
    "norm": (
        "grad_norm", "gradient_norm", "train_grad_norm", "global_grad_norm", "grad_2_norm",
        "grad_2.0_norm", "train_gradient_norm", "total_grad_norm",
    ),
    "excess": (),  # columns of our own curve.jsonl, under these words
    "probe": ("probe_loss",),
    "val_records": ("val_records",),
}  # fmt: skip
# A validation set with a name: eval_forum_loss, val/forum/loss, val_loss/dataloader_idx_1.
NAMED = re.compile(r"(?:eval|val|valid|validation|dev|evaluation)_(?P<a>\w+?)_loss")
LOADER = re.compile(r"(?:eval|val|valid|validation)_loss_(?:epoch_)?(?P<a>dataloader_idx_\d+)")
# Parts of a loss, and means of single batches, are no validation set.
NO_SET = {
    "aux", "z", "router", "load_balancing", "balance", "kl", "policy", "value", "critic", "actor",
    "margin", "step", "batch", "lm", "nll", "ce", "total", "avg", "epoch", "mse", "reward",
}  # fmt: skip
MISSING = {"", "-", "n/a", "na", "none", "null", "no log", "--"}
_GROUPS = re.compile(r"[, '_\u00a0\u2009\u202f]")  # between thousands
_GROUPED = re.compile(rf"[-+]?\d{{1,3}}(?:{_GROUPS.pattern}\d{{3}})+(?:\.\d*)?")
_OF_TOTAL = re.compile(r"\s*(\d+)\s*/\s*\d+\s*")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SIGNS = re.compile(r"[\s/.\-:|]+")
MOST = 1 << 10  # names that are looked at


@lru_cache(4096)
def plain(name: str) -> str:
    """A column's name without case and signs; of a chart exported from W&B without its run."""
    name = name.strip().strip("\"'\ufeff").strip()
    if " - " in name:
        name = name.rpartition(" - ")[2]
    return _SIGNS.sub("_", _CAMEL.sub("_", name)).strip("_ ").lower() or name.lower()


def _plain_step(name: str) -> str:
    # W&B's own `_step` keeps its sign: it counts calls, and is believed last.
    return "_step" if name.strip().strip('"') == "_step" else plain(name)


@lru_cache(4096)
def role(name: str) -> Role | None:
    """What a column of this name is, or None."""
    if name.endswith(("__MIN", "__MAX")):  # beside each column of a chart exported from W&B
        return None
    known = _plain_step(name)
    if known.startswith("lr_"):  # Lightning's monitor: lr-AdamW, lr-AdamW/pg1
        return "rate"
    for found, names in NAMES.items():
        if known in names:
            return found
    return "val" if set_name(name) is not None else None


@lru_cache(4096)
def set_name(name: str) -> str | None:
    """The name of the validation set that a column is the loss of; None for the only one."""
    known = plain(name)
    if known in NAMES["val"] or name.endswith(("__MIN", "__MAX")):
        return None
    match = NAMED.fullmatch(known) or LOADER.fullmatch(known)
    if match is None or match["a"] in NO_SET:
        return None
    return match["a"]


def of_role(columns: Iterable[str], wanted: Role) -> list[str]:
    """The columns that have a role, the most believed first."""
    order = NAMES[wanted]

    def place(column: str) -> int:
        known = _plain_step(column)
        return order.index(known) if known in order else len(order)

    return sorted((one for one in columns if role(one) == wanted), key=place)


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing: no number, and not a loss that is no number either."""
    return value is None or (isinstance(value, str) and value.strip().lower() in MISSING)


def number(value: object, comma: bool = False) -> float | None:
    """A cell as a number: `1,000`, `10/1200` (the first), `nan`; None for what is none.

    comma: whether the file writes a decimal comma.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        if not comma:
            try:
                return float(value)
            except ValueError:
                pass
        value = value.strip().strip("\"'")
        if comma and value.count(",") == 1:
            value = value.replace(".", "").replace(",", ".")
        elif _GROUPED.fullmatch(value):
            value = _GROUPS.sub("", value)
        elif match := _OF_TOTAL.fullmatch(value):
            value = match[1]
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:  # an integer of hundreds of digits
        return math.inf if isinstance(value, int) and value > 0 else -math.inf


def columns_of(rows: Iterable[Row]) -> list[str]:
    """The names of all columns that hold something, in their order; at most 1,024."""
    found: dict[str, None] = {}
    for row in rows:
        for key, value in row.items():
            if key not in found and not is_missing(value):
                found[key] = None
        if len(found) > MOST:
            break
    return list(found)[:MOST]
