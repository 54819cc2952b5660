"""What a training would take, in lines for people: what `plan` and `seedbed estimate` show."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.train import estimate, gpus, rules
from stages.train.course import EVALUATIONS, Course
from stages.train.data import nothing
from stages.train.estimate import Lengths, Setup
from stages.train.setup import ROW_TOKENS, read_sides
from stages.train.shape import Shape, shape_of
from stages.words import duration, number, size

if TYPE_CHECKING:
    from stages.train.train import Train

SHOWN = 6  # GPUs that `plan` lists
RECORD = 2048  # tokens of a record, at most, unless tokenize or train are told another number
BYTES_A_TOKEN = 4.0  # of English and a vocabulary of 50,000 and more; 2.5 to 5 elsewhere
# Operations a second that a core with AVX-512 reaches: 105 and 150 tokens a CPU-second of LoRA on
# SmolLM2-135M, on one kind of machine.
CPU_FLOPS = {False: 5.5e10, True: 8e10}


def setup_of(train: Train) -> Setup:
    """The settings of a training stage that its estimate depends on."""
    return Setup(
        method=train.method,
        rank=train.rank,
        targets=train.targets,
        modules_to_save=train.modules_to_save,
        dropout=train.dropout,
        dora=train.dora,
        half=train.precision != "fp32",
        bits=train.bits,
        double_quant=train.double_quant,
        optimizer=train.optimizer,
        row=train.micro_tokens or ROW_TOKENS["cpu" if train.device == "cpu" else "cuda"],
        checkpoint=train.checkpoint_layers,
        processes=train.processes or 1,
        shard=train.shard,
    )


def lengths_of(train: Train, corpus: Path) -> Lengths:
    """What an epoch of the training works on, from the lengths of a tokens corpus."""
    sides = read_sides(train, corpus)
    whole = sides.documents.lengths
    return Lengths(
        records=len(sides.documents),
        tokens=int(whole.sum()),
        targets=int(sides.documents.targets.sum()),
        longest=int(whole.max(initial=0)),
        squares=int((whole.astype(float) ** 2).sum()),
        validation=int(sides.validation.lengths.sum()),
    )


def steps_of(train: Train, lengths: Lengths) -> tuple[int, int]:
    """(optimizer steps an epoch, in all)."""
    size = size_of_step(train)
    weight = lengths.records if train.batch_tokens is None else lengths.targets
    each = min(lengths.records, estimate.steps_an_epoch(weight, size))
    total = each * train.epochs
    return each, min(total, train.max_steps or total)


def size_of_step(train: Train) -> int:
    """Records of a step, or trained-on tokens with `batch_tokens`."""
    return Course(train, nothing(), 0, train.processes or 1).size


def lines(train: Train, corpus: Path | None, raw: int) -> list[str]:
    """What the training would take. corpus: the tokens of an earlier run, with their lengths; None
    without. raw: bytes of all sources, which is all that is known then."""
    from stages.train.model import folder_of

    shape = shape_of(folder_of(train.model))
    setup = setup_of(train)
    told = [model_line(shape, setup)]
    if corpus is None:
        tokens = max(1, round(raw / BYTES_A_TOKEN))
        each = min(tokens, train.max_length or RECORD)
        told.append(
            f"corpus     not made yet: {size(raw)} of sources are {number(tokens)} tokens, about "
            f"and at most. As if all were trained on, in records of {number(each)} (when it is "
            "there, plan tells steps and what its lengths take):"
        )
        records = math.ceil(tokens / each)
        bound = Lengths(records, tokens, tokens, each, records * each**2)
        return told + machine_lines(train, shape, setup, bound) + guide_lines()
    lengths = lengths_of(train, corpus)
    told += corpus_lines(train, setup, lengths) + machine_lines(train, shape, setup, lengths)
    return told + guide_lines()


def guide_lines() -> list[str]:
    """Where the guide that many begin with is wrong."""
    told = [f"not so: {said}; {so}" for said, so in rules.SENTENCES]
    return [f"{'the guide' if at == 0 else '':<10} {line}" for at, line in enumerate(told)]


def model_line(shape: Shape, setup: Setup) -> str:
    """How large the model is, and how much of it is trained."""
    count = estimate.trainable(shape, setup)
    whole = f"model      {number(shape.parameters)} parameters"
    whole += "" if shape.exact else " (by formula)"
    if setup.method == "full":
        return f"{whole}, all trained"
    share = f"{count / shape.parameters:.2%}"
    return f"{whole}, {number(count)} trained beside them ({share}) by {setup.method}"


def corpus_lines(train: Train, setup: Setup, lengths: Lengths) -> list[str]:
    """Tokens, steps, and where the corpus stands."""
    each, total = steps_of(train, lengths)
    told = [
        f"steps      {number(each)} an epoch, {number(total)} in {number(train.epochs)} epochs of "
        f"{number(lengths.records)} records",
        f"           {_batches(train, lengths.records, each)}",
        f"tokens     {number(lengths.tokens)} an epoch, {number(lengths.targets)} of them trained "
        f"on; the longest record has {number(lengths.longest)}",
        f"corpus     {rules.of_corpus(round(lengths.tokens * BYTES_A_TOKEN))}",
    ]
    return told


def _batches(train: Train, records: int, each: int) -> str:
    """How large steps are, and what becomes of the rest that does not fill a batch."""
    size_ = size_of_step(train)
    if train.batch_tokens is not None:
        return f"of about {number(size_)} trained-on tokens each, cut evenly: none is a short rest"
    least, more = divmod(records, each)
    sizes = f"{number(least)} or {number(least + 1)}" if more else number(least)
    rest = records % size_
    if not rest or each == 1:
        return f"of {sizes} records each, and none is left over"
    return (
        f"of {sizes} records each: batches of {number(size_)} would leave {number(rest)}, and a "
        "short last batch is a spike at each epoch's border"
    )


def run_line(shape: Shape) -> str:
    """What asking the model takes: the rule of thumb, and the sum."""
    weights, cache, whole = rules.to_run(shape)
    return (
        f"asking it  {size(1.2 * weights)} by the rule of 1.2 times its {size(weights)} on disk; "
        f"{size(whole)} with {number(rules.CONTEXT)} tokens: {size(cache)} of them, "
        f"{size(estimate.RUNTIME)} of CUDA"
    )


def work_of(train: Train, shape: Shape, setup: Setup, lengths: Lengths) -> float:
    """Operations of the whole training, validations included."""
    each, total = steps_of(train, lengths)
    looks = 1 + (total // train.eval_every if train.eval_every else EVALUATIONS) + train.epochs
    epochs = total / each
    training = estimate.operations(shape, setup, lengths) * epochs
    return training + looks * estimate.validation(shape, lengths)


def machine_lines(
    train: Train,
    shape: Shape,
    setup: Setup,
    lengths: Lengths,
    table: gpus.Table | None = None,
    shown: int = SHOWN,
) -> list[str]:
    """Memory by part, and a line a GPU that it fits on: rows, checkpointing, hours, money."""
    table = table or gpus.read()
    row = max(setup.row, lengths.longest)
    own = estimate.memory(shape, replace(setup, row=row), targets_in(row, lengths))
    parts = sorted(own.parts().items(), key=lambda pair: -pair[1])
    said = " + ".join(f"{size(value)} {name}" for name, value in parts if value >= 0.5e6)
    told = [
        f"memory     {size(own.total)} with rows of {number(row)} tokens = {said}",
        run_line(shape),
    ]
    on_cpu = estimate.seconds(
        work_of(train, shape, setup, lengths), CPU_FLOPS[setup.half] * cores(), 1.0
    )
    if on_cpu < 48 * 3600 or train.device == "cpu":
        told.append(f"this CPU   {duration(on_cpu)} on {cores()} cores, about")
    ways = [way for gpu in table.gpus if (way := _way(train, shape, setup, lengths, gpu))]
    ways.sort(key=lambda way: (way[0], way[1]))
    if not ways:
        return [*told, f"GPU        none of {table.origin} holds it; try qlora, or shorter records"]
    told.append(
        f"GPU        prices of {table.date}, examples: {table.origin} is yours to edit; installing "
        "and loading come on top"
    )
    told += [f"           {text}" for _, _, text in ways[:shown]]
    if setup.method == "qlora":
        told.append("           4-bit weights are unpacked for each product: slower, and smaller")
    return told


def targets_in(row: int, lengths: Lengths) -> int:
    """Trained-on tokens of a row, as many as the corpus has on average."""
    return max(1, round(row * lengths.targets / max(1, lengths.tokens)))


def _way(
    train: Train, shape: Shape, setup: Setup, lengths: Lengths, gpu: gpus.Gpu
) -> tuple[float, float, str] | None:
    """(money, hours, line) of a GPU that the training fits on."""
    step = max(1, lengths.tokens // steps_of(train, lengths)[0])
    fit = estimate.fitting(shape, setup, gpu.memory, lengths.longest, max(step, lengths.longest))
    if fit is None:
        return None
    work = work_of(train, shape, fit, lengths)
    many = setup.processes
    hours = estimate.seconds(work, gpu.flops, estimate.reached(setup)) / 3600 / many
    offer = gpu.cheapest
    price, who = offer if offer else (0.0, "")
    money = hours * price * many
    name = gpu.name if many == 1 else f"{many} × {gpu.name}"
    every = "no checkpointing" if not fit.checkpoint else f"checkpointing every {fit.checkpoint}"
    if fit.checkpoint == 1:
        every = "checkpointing every layer"
    asked = f"${money:,.2f} at ${price:.2f} ({who})" if offer else "no price"
    line = f"{name:<12} {duration(hours * 3600):>11}  {asked:<30} "
    return (
        money if offer else math.inf,
        hours,
        f"{line}rows of {number(fit.row)}, {every}",
    )


def cores() -> int:
    """Cores of this machine."""
    return os.cpu_count() or 1


def table_of(known: Sequence[Any]) -> list[str]:
    """The rules of thumb as lines: case, rule, ours, why."""
    told = []
    for rule in known:
        mark = "=" if rule.agrees else "≠"
        told.append(f"{rule.case}: {rule.said} {mark} {rule.ours}")
        if rule.why:
            told.append(f"    {rule.why}")
    return told
