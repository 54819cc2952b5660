"""What a training needs before its first step: documents that can be trained on, the machine, the
model, made ready as the settings say."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.corpus import Corpus
from stages.errors import StageFailed, UsageError
from stages.require import require
from stages.tokens.identity import difference
from stages.train import adapter
from stages.train import model as models
from stages.train.added import added_tokens, make_room
from stages.train.data import Documents, read_documents
from stages.train.launch import size_of
from stages.train.parallel import Group
from stages.train.plan import order
from stages.train.sharding import shard

if TYPE_CHECKING:
    from stages.train.train import Train

# Tokens of a packed row when micro_tokens is not given. SmolLM2-135M in bf16, tokens a CPU-second:
# 160 at 256, 134 at 512, 122 at 1024, in 1.4, 2.0 and 3.3 GB.
ROW_TOKENS = {"cpu": 256, "cuda": 8192}
TRAIN_ORDER, VALIDATION_ORDER = -1, -2  # epochs that there are not: which records are chosen


@dataclass(frozen=True)
class Sides:
    """documents: trained on. everything: how many there were to choose from. validation: empty
    without one."""

    documents: Documents
    everything: int
    validation: Documents


def read_sides(setting: Train, source: Path) -> Sides:
    """The documents of a tokens corpus that this training uses."""
    _check_tokenizer(setting.model, source)
    documents = read_documents(source, "train", setting.max_length)
    validation = read_documents(source, "val", setting.max_length)
    everything = len(documents)
    if not everything:
        raise StageFailed(
            f"{source}: no record of split train has a token to train on "
            f"({documents.empty} have none within max_length)"
        )
    if not setting.validate:
        validation = validation.only([])
    elif not len(validation):
        raise UsageError(
            f"{source}: no record of split val, so nothing tells learning from memorising; "
            "give split a larger share for val, or more records, or train with validate: no"
        )
    if setting.epoch_tokens is not None:
        chosen = order(documents.ids, setting.seed, TRAIN_ORDER)
        documents = documents.fitting(setting.epoch_tokens, chosen)
        if not len(documents):
            raise UsageError(
                f"train.epoch_tokens {setting.epoch_tokens} is less than one record has"
            )
    _check_batch(setting, documents)
    if setting.eval_limit is not None:
        chosen = order(validation.ids, setting.seed, VALIDATION_ORDER)
        validation = validation.only(chosen[: setting.eval_limit])
    return Sides(documents, everything, validation)


@dataclass(frozen=True)
class Machine:
    """threads: of torch. device: cpu or cuda. precision: of matrix products."""

    threads: int
    device: str
    precision: str


def machine_of(setting: Train) -> Machine:
    """What the settings mean on this machine."""
    threads = setting.threads or os.cpu_count() or 1
    models.set_threads(threads)
    device = models.device_of(setting.device)
    return Machine(threads, device, models.precision_of(setting.precision, device))


@dataclass(frozen=True)
class Ready:
    """A model to train. parameters: by name, in order. way: how it takes packed rows. begun: the
    adapter's start, where it is needed at the end. left_out: experts without an adapter."""

    model: Any
    parameters: dict[str, Any]
    way: models.Attention
    begun: dict[str, Any]
    left_out: list[str]

    def capacity(self, setting: Train, device: str) -> int:
        """Tokens of a packed row; 0: a row for each document."""
        return 0 if self.way == "alone" else setting.micro_tokens or ROW_TOKENS[device]


def ready(
    setting: Train, folder: Path, machine: Machine, sides: Sides, source: Path, group: Group
) -> Ready:
    """Load the model, add the adapter, spread it over the group if it shall be, and find out how
    it takes packed rows."""
    seed_step(setting.seed, -1)  # the adapter's first values
    place = "cpu" if group.even else machine.device  # a model that is spread fits no GPU
    model = models.load_base(
        folder, setting.method, machine.precision, place, setting.quantization()
    )
    added = added_tokens(source)
    rows = make_room(model, setting.model, added)
    _check_vocabulary(model, sides, source)
    _check_positions(model, sides, source)
    left_out: list[str] = []
    begun: dict[str, Any] = {}
    if setting.method == "full":
        model.requires_grad_(True)
    else:
        chosen = setting.adapter()
        left_out = adapter.left_out(adapter.layers_of(model), chosen.targets)
        model = adapter.add_adapter(model, chosen, rows)
        begun = adapter.beginning(model, chosen)
    models.recompute(model, setting.checkpoint_layers)
    if group.even:
        shard(model, machine.device)
    way = models.way_of(model, setting.attention, machine.precision, machine.device)
    parameters = {n: value for n, value in model.named_parameters() if value.requires_grad}
    return Ready(model, parameters, way, begun, left_out)


def seed_step(seed: int, step: int, row: int = 0) -> None:
    """Seed every generator for one row of one step, so that no generator's state is ever stored,
    and dropout is the same whichever process works on the row."""
    digest = hashlib.blake2b(f"train.{seed}.{step}.{row}".encode(), digest_size=4).digest()
    number = int.from_bytes(digest, "little")
    random.seed(number)
    np.random.seed(number)
    require("torch", "train").manual_seed(number)


@contextlib.contextmanager
def deterministic() -> Iterator[None]:
    """Deterministic kernels where torch has them; the caller's settings and generators return."""
    torch = require("torch", "train")
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    generators = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling all new memory would only show a kernel that reads what nobody wrote, and doubles RAM.
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        torch.utils.deterministic.fill_uninitialized_memory = filled
        random.setstate(generators[0])
        np.random.set_state(generators[1])
        torch.random.set_rng_state(generators[2])


def _check_tokenizer(model: str, source: Path) -> None:
    """UsageError for tokens of another tokenizer, or rendered by another template."""
    for made in Corpus(source).manifest.get("steps", []):
        facts, said = made.get("facts") or {}, made.get("parameters") or {}
        if "tokenizer" in facts and "model" in said:
            found = difference(facts, model, str(said["model"]), said.get("chat") == "plain")
            if found is not None:
                raise UsageError(f"{source}: {found}")


def _check_batch(setting: Train, documents: Documents) -> None:
    """UsageError for a step that is to hold more than there is: it would be an epoch unnoticed."""
    records, words = setting.batch, "batch"
    if setting.per_device_batch is not None:
        processes = size_of(setting)
        records = setting.per_device_batch * (setting.accumulation or 1) * processes
        words = f"per_device_batch × accumulation × {processes} processes"
    if records is not None and records > len(documents):
        raise UsageError(
            f"a step is to have {records:,} records ({words}), and training has {len(documents):,}"
        )
    targets = int(documents.targets.sum())
    if setting.batch_tokens is not None and setting.batch_tokens > targets:
        raise UsageError(
            f"train.batch_tokens is {setting.batch_tokens:,}, and training has {targets:,} tokens "
            "to learn"
        )


def _check_vocabulary(model: Any, sides: Sides, source: Path) -> None:
    size = int(model.get_input_embeddings().weight.shape[0])
    greatest = max(sides.documents.greatest_id(), sides.validation.greatest_id())
    if greatest >= size:
        raise UsageError(
            f"{source} holds token {greatest}, and the model has {size:,}: it was tokenized for "
            "another model; name the same model in tokenize and train"
        )


def _check_positions(model: Any, sides: Sides, source: Path) -> None:
    """UsageError for a document that has more tokens than the model has places for."""
    names = ("max_position_embeddings", "n_positions")
    places = next((n for name in names if (n := getattr(model.config, name, None))), None)
    both = (sides.documents, sides.validation)
    longest = max(int(documents.lengths.max(initial=0)) for documents in both)
    if places is not None and longest > places:
        raise UsageError(
            f"{source} has a record of {longest:,} tokens, and the model reads {places:,} at most: "
            f"tokenize with max_length: {places}, or cut what is longer with train's max_length"
        )
