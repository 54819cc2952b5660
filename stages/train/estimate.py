"""What a training takes before anything is bought: steps, memory by part, operations, time.

Pure functions of a model's shape, of settings and of the corpus's lengths. Memory of activations is
what autograd keeps, counted tensor by tensor with torch's hooks for saved tensors on Llama's layers
(torch 2.13, transformers 5.23, peft 0.21: the counts are whole numbers a width, and a test repeats
them); other families differ by a few widths. Operations are counted as Kaplan et al. 2020 (section
2.1) and Korthikanti et al. 2022 do: two for each parameter and token forward, as many for the
gradient of what a layer is given, and as many for that of its weights where these are trained.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from stages.train.loss import LOGITS
from stages.train.model import Method
from stages.train.optimizer import STATE_BYTES, Name
from stages.train.shape import Matrix, Shape

# Bytes a trained parameter of what an optimizer's step holds beside its state for a moment: the
# unfused AdamW of torch works on all parameters at once and keeps a copy of their size.
MOMENT = {"adamw_torch": 4, "sgd": 4}
# A 4-bit weight with a scale in fp32 each 64, or, quantized twice, a scale of 8 bits each 64 and
# one in fp32 each 256 of those (Dettmers et al. 2023, section 3): 4.5 and 4.127 bits.
FOUR_BITS, FOUR_BITS_TWICE, EIGHT_BITS = 0.5 + 4 / 64, 0.5 + 1 / 64 + 4 / (64 * 256), 1.0
LOGIT = 12  # bytes of a logit: in half precision, in fp32, its log-probability, its gradient
# Context of CUDA, workspaces of its libraries, and what the allocator cannot use of freed memory:
# an assumption that no measurement of ours stands behind.
RUNTIME, LOST = 0.8e9, 0.04
# Share of a GPU's peak that training reaches. Published for LoRA of 8B on one H100: 0.41 (NVIDIA
# NeMo AutoModel, 2025); plain Trainer and peft: 0.20 to 0.28. 4-bit weights are unpacked each time.
REACHED, REACHED_QUANTIZED = 0.35, 0.25
ROWS = tuple(256 << power for power in range(9))  # 256 to 65,536 tokens a packed row


@dataclass(frozen=True)
class Setup:
    """The settings that memory and time depend on, in train's words.

    half: matrix products in bf16 or fp16. row: tokens of a packed row. checkpoint: every how manyth
    layer makes its activations again; 0: none. gpus: over which the layers of one process are
    spread. processes: that train together, each on rows of its own. shard: whether each holds a
    part of the weights.
    """

    method: Method = "lora"
    rank: int = 16
    targets: tuple[str, ...] = ("all-linear",)
    modules_to_save: tuple[str, ...] = ()
    dropout: float = 0.0
    dora: bool = False
    half: bool = True
    bits: int = 4
    double_quant: bool = True
    optimizer: Name = "adamw_torch"
    row: int = 8192
    checkpoint: int = 0
    gpus: int = 1
    processes: int = 1
    shard: bool = False


@dataclass(frozen=True)
class Lengths:
    """A corpus as training sees it. records, tokens, targets (tokens that are trained on), longest:
    of an epoch. squares: sum of the squares of the records' lengths. validation: tokens of it."""

    records: int
    tokens: int
    targets: int
    longest: int
    squares: int
    validation: int = 0


# --- steps --------------------------------------------------------------------------------------


def steps_an_epoch(records: int, batch: int) -> int:
    """Optimizer steps of an epoch: the last may be smaller. 200 records by 5 are 40."""
    return max(1, math.ceil(records / batch))


# --- parameters ---------------------------------------------------------------------------------


def targeted(shape: Shape, targets: Sequence[str]) -> list[Matrix]:
    """The linear layers that get an adapter, embeddings and output layer where they are named."""
    every = "all-linear" in targets
    found = [one for one in shape.linear if every or one.name in targets]
    if "lm_head" in targets:
        found.append(Matrix("lm_head", shape.hidden, shape.vocabulary, 1))
    if "embed_tokens" in targets:
        found.append(Matrix("embed_tokens", shape.vocabulary, shape.hidden, 1))
    return found


def trainable(shape: Shape, setup: Setup) -> int:
    """Parameters that are trained: rank × (inputs + outputs) a matrix (Hu et al. 2021), with DoRA
    outputs more, and modules that are saved whole; all of them with method full."""
    if setup.method == "full":
        return shape.parameters
    own = setup.rank
    total = sum(
        one.count * (own * (one.inputs + one.outputs) + (one.outputs if setup.dora else 0))
        for one in targeted(shape, setup.targets)
    )
    whole = {one.name: one.parameters for one in shape.linear}
    whole |= {"lm_head": shape.head, "embed_tokens": shape.head}
    return total + sum(whole.get(name, 0) for name in setup.modules_to_save)


# --- memory -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU, by part.

    Not all of it is there at once: logits when activations are whole, a layer that is made again
    (`again`) when logits are gone, what the optimizer holds for a moment (`step`) when both are.
    """

    weights: float
    adapters: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    again: float
    runtime: float
    step: float

    @property
    def total(self) -> float:
        """At the moment that needs most."""
        return sum(self.parts().values())

    def parts(self) -> dict[str, float]:
        """name → bytes of what is there at that moment."""
        parts = {one.name: getattr(self, one.name) for one in fields(self)}
        moments = [("activations", "logits"), ("activations", "again"), ("step",)]
        most = max(moments, key=lambda names: sum(parts[name] for name in names))
        passing = {name for names in moments for name in names}
        return {name: v for name, v in parts.items() if name in most or name not in passing}


def memory(shape: Shape, setup: Setup, targets: int | None = None) -> Memory:
    """Memory of a training on one GPU. targets: trained-on tokens of a row; None: all of them."""
    count = trainable(shape, setup)
    share = 1 / setup.gpus
    parts = setup.processes if setup.shard else 1
    # An adapter is whole in each process; of a model that is trained whole all is spread.
    own = count * share / (parts if setup.method == "full" else 1)
    held = weights(shape, setup) * share
    gathered = held / shape.layers if parts > 1 else 0  # one layer at a time is whole
    kept = activations(shape, setup)
    logits = min((targets or setup.row) * shape.vocabulary, LOGITS) * LOGIT
    return Memory(
        weights=held / parts + gathered,
        adapters=0 if setup.method == "full" else 4 * own,
        gradients=4 * own,
        optimizer=STATE_BYTES[setup.optimizer] * own,
        activations=kept * share,
        logits=logits,
        again=made_again(shape, setup) * share,
        runtime=RUNTIME + LOST * (kept * share + logits),
        step=MOMENT.get(setup.optimizer, 0) * own,
    )


def weights(shape: Shape, setup: Setup) -> float:
    """Bytes of the model's weights, and of their copies in half precision where all are trained."""
    short = 2 if setup.half else 4
    if setup.method == "full":
        # In fp32, or small updates are lost to rounding; products see a copy in half precision.
        copies = 2 * (shape.parameters - shape.embedding + shape.head) if setup.half else 0
        return 4 * shape.parameters + copies
    if setup.method == "lora" or setup.bits >= 16:
        return short * shape.parameters
    linear = sum(one.parameters for one in shape.linear)
    four = FOUR_BITS_TWICE if setup.double_quant else FOUR_BITS
    packed = four if setup.bits == 4 else EIGHT_BITS
    # One matrix at a time is unpacked for its product.
    largest = max((one.inputs * one.outputs for one in shape.linear), default=0)
    return packed * linear + short * (shape.parameters - linear + largest)


def activations(shape: Shape, setup: Setup) -> float:
    """Bytes that one packed row keeps for the backward pass, made again or not."""
    layer = kept_by_layer(shape, setup)
    every = setup.checkpoint
    again = math.ceil(shape.layers / every) if every else 0
    border = (2 if setup.half and setup.method != "full" else 4) * shape.hidden
    layers = (shape.layers - again) * layer + again * border
    ends = 12 * shape.hidden  # embeddings and the last norm
    return setup.row * (layers + ends)


def made_again(shape: Shape, setup: Setup) -> float:
    """Bytes more than `activations` while the last checkpointed layer is made again: its own, and
    the gradients of its inner states, less the layers behind it, which are done with."""
    if not setup.checkpoint:
        return 0.0
    behind = (shape.layers - 1) % setup.checkpoint
    gradients = (6 if setup.half else 12) * shape.inner
    return setup.row * (kept_by_layer(shape, setup) * (1 - behind) + gradients)


def kept_by_layer(shape: Shape, setup: Setup) -> float:
    """Bytes a token and layer that autograd keeps, attention without a matrix of scores: what is
    named in the module's docstring."""
    hidden, inner, queries, keys = shape.hidden, shape.inner, shape.queries, shape.keys
    rest = 4 * shape.heads + 8  # a sum of exponentials a head, two norms
    if setup.method == "full":
        wide = 26 * hidden + 8 * inner if setup.half else 24 * hidden + 16 * inner
        return wide + (4 if setup.half else 8) * (queries + keys) + rest
    chosen = targeted(shape, setup.targets)
    chosen = [one for one in chosen if one.count >= shape.layers]
    short = 2 if setup.half else 4
    own = sum(short * setup.rank for _ in chosen)
    if setup.half:
        wide = 8 * hidden + 6 * inner + 4 * (queries + keys)
        inputs = sum(2 * one.inputs for one in chosen)  # a copy for each adapter
    else:
        wide = 8 * hidden + 12 * inner + 8 * (queries + keys)
        inputs = _shared(shape, chosen)
    dropped = 0.0
    if setup.dropout:  # the mask and what is left of the input
        dropped = sum((4 if setup.half else 8) * one.inputs for one in chosen)
    return wide + own + inputs + dropped + rest


def _shared(shape: Shape, chosen: Sequence[Matrix]) -> int:
    """Bytes of inputs that adapters keep in fp32: those of one block share one tensor, and that of
    the attention's output is kept anyway."""
    block = {one.name for one in chosen if "gate" in one.name or "up" in one.name}
    into = {one.name for one in chosen if one.name in ("q_proj", "k_proj", "v_proj")}
    down = {one.name for one in chosen if one.inputs == shape.inner and one.name not in block}
    return 4 * shape.hidden * (bool(block) + bool(into)) + 4 * shape.inner * bool(down)


# --- time ---------------------------------------------------------------------------------------


def operations(shape: Shape, setup: Setup, lengths: Lengths) -> float:
    """Floating-point operations of an epoch, forward and backward.

    4 N a token with frozen weights and 6 N with trained ones, N without embeddings; the output
    layer for trained-on tokens alone; 6 Q s² a layer and record of s tokens for causal attention;
    2 N more where a layer is made again.
    """
    passes = 3 if setup.method == "full" else 2
    adapters = 0 if setup.method == "full" else 6 * trainable(shape, setup)
    again = 1 / setup.checkpoint if setup.checkpoint else 0.0
    token = 2 * shape.multiplied * (passes + again) + adapters
    head = 2 * shape.head * passes * lengths.targets
    attention = (6 + 2 * again) * shape.queries * shape.layers * lengths.squares
    return token * lengths.tokens + head + attention


def validation(shape: Shape, lengths: Lengths) -> float:
    """Operations of one validation: forward alone."""
    return 2 * (shape.multiplied + shape.head) * lengths.validation


def reached(setup: Setup) -> float:
    """The share of a GPU's peak that is reckoned with."""
    quantized = setup.method == "qlora" and setup.bits < 16
    return REACHED_QUANTIZED if quantized else REACHED


def seconds(work: float, flops: float, share: float) -> float:
    """Time of so many operations on a GPU of a peak, of which a share is reached."""
    return work / (flops * share)


# --- what fits ----------------------------------------------------------------------------------


def fitting(
    shape: Shape, setup: Setup, room: float, longest: int, most: int | None = None
) -> Setup | None:
    """The setup with the least checkpointing and then the largest rows that fit into `room` bytes.

    longest: tokens of the longest record, which a row must hold. most: tokens beyond which a row
    holds nothing more (those of a step). None: not even with every layer made again.
    """
    for every in (0, *range(shape.layers, 0, -1)):
        tried = replace(setup, checkpoint=every, row=max(longest, 1))
        if memory(shape, tried).total <= room:
            break
    else:
        return None
    for row in ROWS:
        larger = replace(tried, row=row)
        if longest <= row <= max(most or row, longest) and memory(shape, larger).total <= room:
            tried = larger
    return tried
