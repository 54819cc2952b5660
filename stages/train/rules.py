"""Rules of thumb that people have read, beside what the formulas of `estimate` give for the case.

The rules are those of a guide for first fine-tunings (2023) and of the papers that it quotes (Hu et
al. 2021; Dettmers et al. 2023). Where the two differ, the row says why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from stages.train import estimate
from stages.train.estimate import Setup
from stages.train.shape import Shape, shape_of_config

GB = 1e9
CARD = 2**30 / GB  # what makers of cards call a GB


def llama(hidden: int, layers: int, heads: int, inner: int) -> Shape:
    """A model of the first Llama's shape (Touvron et al. 2023)."""
    return shape_of_config(
        {
            "model_type": "llama",
            "hidden_size": hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": inner,
            "vocab_size": 32000,
            "max_position_embeddings": 2048,
        }
    )


LLAMA_7B = llama(4096, 32, 32, 11008)
LLAMA_65B = llama(8192, 80, 64, 22016)
OPT_175B = shape_of_config(
    {
        "model_type": "opt",
        "hidden_size": 12288,
        "num_hidden_layers": 96,
        "num_attention_heads": 96,
        "ffn_dim": 49152,
        "vocab_size": 50272,
        "max_position_embeddings": 2048,
    }
)
CONTEXT = 2048


@dataclass(frozen=True)
class Rule:
    """case: what the rule is about. said: its figure, in words. ours: what the formulas give. low,
    high: the range that the rule's figure means. value: ours as a number. why: where they
    differ."""

    case: str
    said: str
    ours: str
    low: float
    high: float
    value: float
    why: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the formula's figure lies in the rule's range."""
        return self.low <= self.value <= self.high


def rules() -> list[Rule]:
    """All of them, in the order in which a fine-tuning meets them."""
    return [_steps(), _all_steps(), *_full(), _trained(), *_less(), *_quantized(), _disk(), _rent()]


def _steps() -> Rule:
    each = estimate.steps_an_epoch(200, 5)
    return Rule("200 records, batch 5: steps an epoch", "40", f"{each}", 40, 40, each)


def _all_steps() -> Rule:
    total = 1000 * estimate.steps_an_epoch(200, 5)
    return Rule("the same, 1,000 epochs", "40,000", f"{total:,}", 40_000, 40_000, total)


def attention_matrices(shape: Shape, row: int) -> float:
    """Bytes that a row keeps where attention keeps its matrix of scores in half precision: 34 s h +
    5 a s² a layer (Korthikanti et al. 2022, equation 1), as in 2023 without flash attention."""
    return shape.layers * row * (34 * shape.hidden + 5 * shape.heads * row)


def _full() -> list[Rule]:
    setup = Setup(method="full", row=CONTEXT)
    now = estimate.memory(LLAMA_7B, setup)
    steady = now.total - now.activations
    row = attention_matrices(LLAMA_7B, CONTEXT)
    then = steady + row
    case = "7B trained whole, AdamW, {} of 2,048 tokens"
    least, most = (160e9 - steady) / row, (192e9 - steady) / row
    return [
        Rule(
            case.format("one row") + ", attention as in 2023",
            "160 to 192 GB",
            f"{then / GB:.0f} GB",
            160,
            192,
            then / GB,
            f"18 bytes a parameter are {18 * LLAMA_7B.parameters / GB:.0f} GB, and a row's "
            f"activations {row / GB:.0f} GB: the rule's range is {least:.1f} to {most:.1f} rows",
        ),
        Rule(
            case.format("one row") + ", attention as it is now",
            "160 to 192 GB",
            f"{now.total / GB:.0f} GB",
            160,
            192,
            now.total / GB,
            f"attention keeps no matrix of scores any more: {now.activations / GB:.0f} GB of "
            f"activations where it were {row / GB:.0f}",
        ),
    ]


PAPER = Setup(rank=4, targets=("q_proj", "v_proj"), row=CONTEXT)  # of LoRA's GPT-3 of 175B


def _trained() -> Rule:
    ratio = OPT_175B.parameters / estimate.trainable(OPT_175B, PAPER)
    return Rule(
        "175B, LoRA of rank 4 on q and v: fewer trained parameters",
        "10,000 times",
        f"{ratio:,.0f} times",
        9_000,
        11_000,
        ratio,
        "the paper rounds; all-linear at rank 16 is "
        f"{OPT_175B.parameters / estimate.trainable(OPT_175B, Setup()):,.0f} times",
    )


def _less() -> list[Rule]:
    def steady(setup: Setup) -> float:
        made = estimate.memory(OPT_175B, setup)
        return made.weights + made.adapters + made.gradients + made.optimizer

    frozen = steady(PAPER)
    half = 7 * OPT_175B.parameters  # the paper's 1.2 TB: all in half precision, some of it sharded
    whole = steady(Setup(method="full"))
    return [
        Rule(
            "175B, the same: less memory than training all, which takes the paper's 1.2 TB",
            "3 times",
            f"{half / frozen:.1f} times",
            3,
            4,
            half / frozen,
            "1.2 TB are 7 bytes a parameter: weights, gradients and moments in half precision",
        ),
        Rule(
            "175B, the same: less memory than training all with fp32 weights and moments",
            "3 times",
            f"{whole / frozen:.0f} times",
            3,
            4,
            whole / frozen,
            f"18 bytes a parameter are {whole / 1e12:.1f} TB: with adapters 2 are left of them",
        ),
    ]


def _quantized() -> list[Rule]:
    # As in the paper: rank 64 on all linear layers, rows of 512, every layer made again.
    setup = Setup(
        method="qlora", rank=64, row=512, checkpoint=1, optimizer="paged_adamw_32bit", dropout=0.05
    )
    one = estimate.memory(LLAMA_65B, setup).total / GB
    # On two small cards the optimizer's state, which is paged, lies in the machine's memory.
    two = _paged(replace(setup, rank=16, gpus=2))
    same = _paged(replace(setup, gpus=2))
    return [
        Rule(
            "65B by QLoRA, rank 64, on one GPU of 48 GB, 51.5e9 bytes",
            "fits",
            f"{one:.1f} GB",
            0,
            48 * CARD,
            one,
            "NF4 with scales quantized twice is 4.127 bits a weight; the adapters are fp32 here, "
            "and bf16 in the paper",
        ),
        Rule(
            "65B by QLoRA, rank 16, spread over two GPUs of 24 GB, 25.8e9 bytes each",
            "fits",
            f"{two:.1f} GB",
            0,
            24 * CARD,
            two,
            f"with the optimizer's pages in the machine's memory; {same:.1f} GB at rank 64",
        ),
    ]


def _paged(setup: Setup) -> float:
    """Gigabytes of a GPU without the optimizer's state."""
    made = estimate.memory(LLAMA_65B, setup)
    return (made.total - made.optimizer) / GB


def to_run(shape: Shape) -> tuple[float, float, float]:
    """Bytes of (weights in half precision, keys and values of `CONTEXT` tokens, all that asking a
    model takes on a GPU)."""
    weights = 2 * shape.parameters
    cache = 2 * 2 * shape.layers * shape.keys * CONTEXT
    return weights, cache, weights + cache + estimate.RUNTIME


def _disk() -> Rule:
    weights, cache, whole = to_run(LLAMA_7B)
    return Rule(
        "7B asked with a context of 2,048: its size on disk, 13.5 GB, × 1.2",
        "16.2 GB",
        f"{whole / GB:.1f} GB",
        14.6,
        17.8,
        whole / GB,
        f"{weights / GB:.1f} GB of weights, {cache / GB:.1f} of keys and values and "
        f"{estimate.RUNTIME / GB:.1f} of CUDA: {whole / weights:.2f} times; with grouped queries "
        "less, with longer contexts more",
    )


def _rent() -> Rule:
    from stages.train.gpus import TABLE, read

    price = read(TABLE).named("RTX 4090").prices["Vast.ai"]
    return Rule(
        "5.5 hours of an RTX 4090 on Vast.ai",
        "$2",
        f"${5.5 * price:.2f}",
        1.8,
        2.2,
        5.5 * price,
        f"at ${price:.2f} an hour, an example price",
    )


# Sentences of the guide that are no figures, and not so; what is so instead. The evidence is in
# docs/training-cost.md.
SENTENCES = (
    (
        "over-learned is a high training and a low validation error, under-learned both low",
        "the other way round: over-learned is low training and high validation loss, under-learned "
        "both high",
    ),
    (
        "a model is incredibly difficult to overtrain",
        "one view is enough to memorise a record: the training loss falls in steps at epochs' "
        "borders; watch validation from the second epoch on",
    ),
    (
        "training loss is always below validation loss",
        "dropout, and a mean over steps that lie behind, put it above: compare the two sides of "
        "the probe, which see the same weights",
    ),
)

LEAST_BYTES = 100 << 20  # of text, for a fine-tuning that teaches more than a manner


def of_corpus(characters: int) -> str:
    """Where a corpus stands by the guide's rule of at least 100 MiB of text."""
    share = characters / LEAST_BYTES
    if share >= 1:
        return f"{share:.1f} times the 100 MiB that a rule of thumb asks of a fine-tuning"
    return (
        f"{share:.1%} of the 100 MiB that a rule of thumb asks of a fine-tuning; a manner or a "
        "form is learned from far less, facts are not"
    )
