"""The layers of a model that can have an adapter: shapes, places, what they do, what a rank costs.

Built on torch's meta device from config.json: no weight is read or made. Which of them can have an
adapter is what `stages.train.adapter` says; what they do is told by their usual names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.errors import SeedbedError, UsageError
from stages.require import require
from stages.train import adapter

# What layers of the usual names do. Of up and down, some guides say that they encode and decode a
# text: they are the two ends of the block that works on each token by itself.
_ATTENTION = "attention"
_BLOCK = "feed-forward block, each token by itself"
DOES: dict[str, str] = {
    "q_proj": f"{_ATTENTION}: the queries, what a token looks for in those before it",
    "k_proj": f"{_ATTENTION}: the keys, by which a token is found",
    "v_proj": f"{_ATTENTION}: the values, what is taken over from a token that was found",
    "o_proj": f"{_ATTENTION}: mixes what the heads have found into the token's state",
    "out_proj": f"{_ATTENTION}: mixes what the heads have found into the token's state",
    "qkv_proj": f"{_ATTENTION}: queries, keys and values in one matrix",
    "query_key_value": f"{_ATTENTION}: queries, keys and values in one matrix",
    "c_attn": f"{_ATTENTION}: queries, keys and values in one matrix",
    "dense": f"{_ATTENTION}: mixes what the heads have found into the token's state",
    "q_a_proj": f"{_ATTENTION}: queries, into a narrow space",
    "q_b_proj": f"{_ATTENTION}: queries, out of the narrow space",
    "kv_a_proj_with_mqa": f"{_ATTENTION}: keys and values, into a narrow space",
    "kv_b_proj": f"{_ATTENTION}: keys and values, out of the narrow space",
    "gate_proj": f"{_BLOCK}: how far each of its features is let through",
    "up_proj": f"{_BLOCK}: from the state into its wider space of features",
    "down_proj": f"{_BLOCK}: from its features back into the state",
    "gate_up_proj": f"{_BLOCK}: gate_proj and up_proj in one matrix",
    "c_fc": f"{_BLOCK}: from the state into its wider space of features",
    "fc1": f"{_BLOCK}: from the state into its wider space of features",
    "fc2": f"{_BLOCK}: from its features back into the state",
    "dense_h_to_4h": f"{_BLOCK}: from the state into its wider space of features",
    "dense_4h_to_h": f"{_BLOCK}: from its features back into the state",
    "c_proj": "end of attention and of the feed-forward block (one name for both)",
    "in_proj": "state space or short convolution: into the channels it works on, with their gate",
    "x_proj": "state space: step, input and output of its recurrence, from the token",
    "dt_proj": "state space: the step of each channel, out of a narrow space",
    "gate": "router: which experts a token goes to",
    "router": "router: which experts a token goes to",
    "embed_tokens": "embeddings: the state that a token begins with; for new tokens and syntax",
    "wte": "embeddings: the state that a token begins with; for new tokens and syntax",
    "embed_in": "embeddings: the state that a token begins with; for new tokens and syntax",
    "word_embeddings": "embeddings: the state that a token begins with; for new tokens and syntax",
    "embeddings": "embeddings: the state that a token begins with; for new tokens and syntax",
    "wpe": "embeddings of positions",
    "embed_positions": "embeddings of positions",
    "lm_head": "output layer: from the state to a score for each token of the vocabulary",
    "embed_out": "output layer: from the state to a score for each token of the vocabulary",
}
EXPERTS = "all experts' matrices of this kind in one tensor"
STATE_SPACE_REASON = "its kernel reads the weights past an adapter, so peft refuses it"


@dataclass(frozen=True)
class Target:
    """Layers of one last name. kind: linear, embedding or experts. shapes: (inputs, outputs) → how
    many. within: the path of one, its layer's number as N. standard: whether all-linear has it.
    refused: why it can have no adapter; None: it can."""

    name: str
    kind: str
    shapes: Mapping[tuple[int, int], int]
    within: str
    standard: bool
    refused: str | None = None
    experts: int = 1

    @property
    def does(self) -> str:
        """What it does, as far as its name tells."""
        if self.kind == "experts":
            return EXPERTS
        return DOES.get(self.name, "")

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.shapes.values())

    def trainable(self, rank: int) -> int:
        """Parameters of LoRA matrices of this rank on all of them: rank × (inputs + outputs) each,
        and each expert has its own."""
        if self.refused is not None:
            return 0
        each = sum((one + other) * count for (one, other), count in self.shapes.items())
        return rank * self.experts * each


def skeleton(path: Path) -> Any:
    """A model without weights, by the config.json of a folder, or the file itself; UsageError for
    one that transformers builds no causal language model of."""
    folder = path if path.is_dir() else path.parent
    file = folder / "config.json" if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"{path} has no config.json; name a model's folder, or its config.json")
    transformers = require("transformers", "train")
    torch = require("torch", "train")
    try:
        config = transformers.AutoConfig.from_pretrained(
            str(file), local_files_only=True, trust_remote_code=False
        )
        with torch.device("meta"):
            return transformers.AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (KeyboardInterrupt, SeedbedError):
        raise
    except BaseException as error:  # anything that a foreign file can do to its readers
        first = str(error).strip().partition("\n")[0][:300]
        raise UsageError(
            f"{file} is no causal language model's: {type(error).__name__}: {first}"
        ) from None


def targets_of(model: Any) -> list[Target]:
    """All layers with weights in two dimensions, in the model's order."""
    torch = require("torch", "train")
    transposed = require("transformers.pytorch_utils", "train").Conv1D
    known = adapter.layers_of(model)
    head = model.get_output_embeddings()
    standard = set(adapter.all_linear(known))
    shapes: dict[str, Counter[tuple[int, int]]] = {}
    kinds: dict[str, tuple[str, str, int]] = {}

    def add(name: str, kind: str, shape: tuple[int, int], path: str, experts: int = 1) -> None:
        shapes.setdefault(name, Counter())[shape] += 1
        kinds.setdefault(name, (kind, re.sub(r"\.\d+(?=\.|$)", ".N", path), experts))

    for path, module in model.named_modules():
        last = path.rpartition(".")[2]
        if isinstance(module, torch.nn.Linear):
            add(last, "linear", (module.in_features, module.out_features), path)
        elif isinstance(module, transposed):
            add(last, "linear", (module.nx, module.nf), path)
        elif isinstance(module, torch.nn.Conv1d):
            add(last, "convolution", (module.in_channels, module.out_channels), path)
        elif isinstance(module, torch.nn.Embedding):
            add(last, "embedding", (module.num_embeddings, module.embedding_dim), path)
        elif "expert" in last:
            for name, value in module.named_parameters(recurse=False):
                if value.dim() == 3:
                    size = adapter.size_of_expert(name, value, model.config)
                    add(f"{last}.{name}", "experts", size, f"{path}.{name}", int(value.shape[0]))
    found = []
    for name, counted in shapes.items():
        kind, within, experts = kinds[name]
        refused = None if name in known else STATE_SPACE_REASON
        if kind == "convolution" and name not in known:
            refused = "a convolution, not one of the layers that get an adapter here"
        is_head = head is not None and name in known and known[name].head
        found.append(
            Target(name, kind, counted, within, name in standard and not is_head, refused, experts)
        )
    return found
