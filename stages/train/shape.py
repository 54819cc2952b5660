"""The shape of a language model, without loading it: from config.json, and exact from the headers
of its safetensors files where they are there.

By formula a family is a `Form`: which of its layers have biases, norms and gates, as its own paper
or code has them. Families that are not in the table are read from headers alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from stages.errors import UsageError
from stages.tokens.foreign import read_object
from stages.train.weights import Tensor, tensors_of

LARGEST = 1 << 27  # of a size in config.json: what is above is no model


@dataclass(frozen=True)
class Matrix:
    """A kind of linear layer. name: its last name. inputs, outputs: of one. count: how many."""

    name: str
    inputs: int
    outputs: int
    count: int

    @property
    def parameters(self) -> int:
        """Of all of them, without biases."""
        return self.inputs * self.outputs * self.count


@dataclass(frozen=True)
class Shape:
    """The sizes that memory and time follow from.

    family: `model_type`. layers, hidden, heads: as in config.json. queries, keys: width of a
    layer's queries, and of its keys (heads times their size). inner: width of the feed-forward
    block that a token sees, all its experts together. gated: whether two matrices lead into it.
    vocabulary: rows of the embeddings. context: tokens that it reads. parameters: all, tied ones
    once. exact: from headers, not by formula. linear: linear layers but the one that makes logits.
    experts: parameters of experts. used: the share of them that a token sees. tied: whether the
    output layer shares the embeddings.
    """

    family: str
    layers: int
    hidden: int
    heads: int
    queries: int
    keys: int
    inner: int
    gated: bool
    vocabulary: int
    context: int | None
    parameters: int
    exact: bool
    linear: tuple[Matrix, ...]
    experts: int = 0
    used: float = 1.0
    tied: bool = False

    @property
    def head(self) -> int:
        """Parameters of the layer that makes logits."""
        return self.vocabulary * self.hidden

    @property
    def embedding(self) -> int:
        """Parameters that are no linear layer inside: embeddings, output layer, norms, biases."""
        return self.parameters - sum(one.parameters for one in self.linear) - self.experts

    @property
    def multiplied(self) -> float:
        """Parameters that a token is multiplied with, the output layer left out."""
        return sum(one.parameters for one in self.linear) + self.experts * self.used


@dataclass(frozen=True)
class Form:
    """What a family's layers have.

    norms: of a layer. norm_bias: LayerNorm (scale and bias), else RMSNorm. qkv_bias, out_bias,
    mlp_bias: of linear layers; None: as config.json says. positions: learned rows beyond config's
    number of them; None: no learned positions. qk_norm: norms of queries and keys, of a head or of
    their whole width. attention, block: names of q, k, v, o and of the feed-forward block's
    matrices; one name for q, k and v, or for both gates, is one matrix.
    """

    gated: bool = True
    norms: int = 2
    norm_bias: bool = False
    qkv_bias: bool | None = None
    out_bias: bool | None = None
    mlp_bias: bool | None = None
    positions: int | None = None
    qk_norm: Literal["head", "whole"] | None = None
    embedding_norm: bool = False
    tied: bool = False
    attention: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    block: tuple[str, ...] = ("gate_proj", "up_proj", "down_proj")


_BARE = Form(qkv_bias=False, out_bias=False, mlp_bias=False)
_OLDER = Form(gated=False, norm_bias=True, qkv_bias=True, out_bias=True, mlp_bias=True)
_FUSED = replace(
    _OLDER, attention=("query_key_value", "dense"), block=("dense_h_to_4h", "dense_4h_to_h")
)
FORMS: dict[str, Form] = {
    "llama": Form(),
    "mistral": _BARE,
    "qwen2": replace(_BARE, qkv_bias=True),
    "qwen3": Form(qk_norm="head", mlp_bias=False),
    "gemma": Form(tied=True, mlp_bias=False),
    "gemma2": Form(tied=True, norms=4, mlp_bias=False),
    "gemma3_text": Form(tied=True, norms=4, qk_norm="head", mlp_bias=False),
    "olmo2": Form(qk_norm="whole", mlp_bias=False),
    "smollm3": Form(tied=True),
    "phi3": replace(_BARE, attention=("qkv_proj", "o_proj"), block=("gate_up_proj", "down_proj")),
    "gpt2": replace(
        _OLDER, positions=0, tied=True, attention=("c_attn", "c_proj"), block=("c_fc", "c_proj")
    ),
    "opt": replace(
        _OLDER,
        positions=2,
        tied=True,
        attention=("q_proj", "k_proj", "v_proj", "out_proj"),
        block=("fc1", "fc2"),
    ),
    "gpt_neox": _FUSED,
    "bloom": replace(_FUSED, embedding_norm=True, tied=True),
}


def shape_of(path: Path) -> Shape:
    """The shape of a model's folder, or of a config.json alone. UsageError for one that cannot be
    told."""
    folder = path if path.is_dir() else path.parent
    file = folder / "config.json" if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"{path} has no config.json; name a model's folder, or its config.json")
    config = read_object(file)
    if isinstance(config.get("text_config"), dict):
        config = {**config["text_config"]}
    tensors = tensors_of(folder) if path.is_dir() else {}
    sizes = _Sizes.of(config, file)
    return _from_headers(sizes, tensors) if tensors else _by_formula(sizes, file)


def shape_of_config(config: Mapping[str, Any]) -> Shape:
    """The shape by formula from the values of a config.json."""
    where = Path("config.json")
    return _by_formula(_Sizes.of(config, where), where)


@dataclass(frozen=True)
class _Sizes:
    """The sizes of a config.json, whatever its family calls them."""

    config: Mapping[str, Any]
    family: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head: int
    inner: int
    vocabulary: int
    context: int | None
    experts: int
    chosen: int
    expert_inner: int

    @classmethod
    def of(cls, config: Mapping[str, Any], file: Path) -> _Sizes:
        def size(*names: str, default: int | None = None) -> int:
            for name in names:
                value = config.get(name)
                if isinstance(value, int) and not isinstance(value, bool) and 0 < value < LARGEST:
                    return value
            if default is None:
                raise UsageError(
                    f"{file} does not say {names[0]} (or it is no size): it is no language "
                    "model's, or damaged"
                )
            return default

        hidden = size("hidden_size", "n_embd", "d_model")
        heads = size("num_attention_heads", "n_head", "num_heads", default=1)
        inner = size("intermediate_size", "n_inner", "ffn_dim", "d_inner", default=4 * hidden)
        family = str(config.get("model_type", "llama"))
        return cls(
            config=config,
            family=family,
            layers=size("num_hidden_layers", "n_layer", "num_layers"),
            hidden=hidden,
            heads=heads,
            kv_heads=size("num_key_value_heads", default=heads),
            head=size("head_dim", default=max(1, hidden // heads)),
            inner=inner,
            vocabulary=size("vocab_size"),
            context=size("max_position_embeddings", "n_positions", "max_seq_len", default=0)
            or None,
            experts=size("num_local_experts", "num_experts", "n_routed_experts", default=0),
            chosen=size("num_experts_per_tok", "experts_per_token", default=1),
            expert_inner=size("moe_intermediate_size", default=inner),
        )

    @property
    def tied(self) -> bool:
        """Whether the output layer shares the embeddings; the default differs by family."""
        value = self.config.get("tie_word_embeddings")
        form = FORMS.get(self.family)
        return value if isinstance(value, bool) else bool(form and form.tied)

    def shape(
        self, parameters: int, exact: bool, linear: tuple[Matrix, ...], experts: int, tied: bool
    ) -> Shape:
        """The shape with what was found beside the sizes."""
        form = FORMS.get(self.family)
        gated = form.gated if form else any("gate" in one.name for one in linear) or experts > 0
        moe = self.experts > 1 and experts > 0
        return Shape(
            self.family, self.layers, self.hidden, self.heads, self.heads * self.head,
            self.kv_heads * self.head, self.chosen * self.expert_inner if moe else self.inner,
            gated, self.vocabulary, self.context, parameters, exact, linear, experts,
            min(1.0, self.chosen / self.experts) if moe else 1.0, tied,
        )  # fmt: skip


# --- by formula ---------------------------------------------------------------------------------


def _by_formula(sizes: _Sizes, file: Path) -> Shape:
    form = FORMS.get(sizes.family)
    if form is None or sizes.experts > 1:
        what = "its experts" if form else f"the family {sizes.family!r}"
        raise UsageError(
            f"{file}: no formula is known for {what}: name a folder that holds its safetensors "
            "files, whose headers say every size"
        )
    linear = _matrices(sizes, form)
    norm = sizes.hidden * (2 if form.norm_bias else 1)
    rest = norm * (form.norms * sizes.layers + 1 + form.embedding_norm)
    rest += sizes.layers * (_biases(sizes, form) + _qk_norms(sizes, form))
    if form.positions is not None:
        rest += ((sizes.context or 0) + form.positions) * sizes.hidden
    tied = sizes.tied
    rest += sizes.vocabulary * sizes.hidden * (1 if tied else 2)
    parameters = rest + sum(one.parameters for one in linear)
    return sizes.shape(parameters, False, linear, 0, tied)


def _matrices(sizes: _Sizes, form: Form) -> tuple[Matrix, ...]:
    """The linear layers of a form, those of one name and shape together."""
    queries, keys = sizes.heads * sizes.head, sizes.kv_heads * sizes.head
    hidden, inner = sizes.hidden, sizes.inner
    into = [queries, keys, keys] if len(form.attention) == 4 else [queries + 2 * keys]
    shapes = [*((hidden, width) for width in into), (queries, hidden)]
    gates = 2 if form.gated else 1
    into = [inner] * gates if len(form.block) > 2 or not form.gated else [gates * inner]
    shapes += [*((hidden, width) for width in into), (inner, hidden)]
    names = [*form.attention, *form.block]
    return tuple(
        Matrix(name, *shape, sizes.layers) for name, shape in zip(names, shapes, strict=True)
    )


def _biases(sizes: _Sizes, form: Form) -> int:
    """Of a layer."""

    def there(said: bool | None, name: str) -> bool:
        return bool(sizes.config.get(name)) if said is None else said

    queries, keys = sizes.heads * sizes.head, sizes.kv_heads * sizes.head
    total = 0
    if there(form.qkv_bias, "attention_bias"):
        total += queries + 2 * keys
    if there(form.out_bias, "attention_bias"):
        total += sizes.hidden
    if there(form.mlp_bias, "mlp_bias"):
        total += sizes.inner * (2 if form.gated else 1) + sizes.hidden
    return total


def _qk_norms(sizes: _Sizes, form: Form) -> int:
    """Of a layer."""
    if form.qk_norm is None:
        return 0
    if form.qk_norm == "head":
        return 2 * sizes.head
    return (sizes.heads + sizes.kv_heads) * sizes.head


# --- from headers -------------------------------------------------------------------------------

_EMBEDDING = re.compile(
    r"(^|\.)(embed_tokens|wte|wpe|word_embeddings|embed_in|embed_positions|embeddings?|tok_embeddings)"
    r"\.weight$"
)
_HEAD = re.compile(r"(^|\.)(lm_head|embed_out|output)\.weight$")


def _from_headers(sizes: _Sizes, tensors: Mapping[str, Tensor]) -> Shape:
    """Linear layers are the matrices that are no embeddings and no output layer."""
    grouped: dict[tuple[str, int, int], int] = {}
    parameters = experts = 0
    has_head = False
    for name, tensor in tensors.items():
        parameters += tensor.count
        head = bool(_HEAD.search(name))
        has_head |= head
        if "expert" in name and len(tensor.shape) > 1:
            experts += tensor.count
        elif len(tensor.shape) == 2 and not head and not _EMBEDDING.search(name):
            rows, columns = tensor.shape
            turned = sizes.family == "gpt2"  # its Conv1D stores (in, out)
            inputs, outputs = (rows, columns) if turned else (columns, rows)
            key = (name.removesuffix(".weight").rpartition(".")[2], inputs, outputs)
            grouped[key] = grouped.get(key, 0) + 1
    linear = tuple(Matrix(*key, count) for key, count in grouped.items())
    return sizes.shape(parameters, True, linear, experts, not has_head)
