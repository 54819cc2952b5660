"""Small random models of many architectures, for what must hold on each."""

from __future__ import annotations

from typing import Any

import numpy as np

VOCABULARY = 97
COMMON: dict[str, Any] = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
_GPT = {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256,
        "bos_token_id": 1, "eos_token_id": 2}  # fmt: skip
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}

# name → (model type, settings, the best way in which it takes rows of several documents)
FAMILIES: dict[str, tuple[str, dict[str, Any], str]] = {
    "llama": ("llama", COMMON, "documents"),
    "llama tied": ("llama", {**COMMON, "tie_word_embeddings": True}, "documents"),
    "llama wide": ("llama", {**COMMON, "hidden_size": 64, "intermediate_size": 128}, "documents"),
    "qwen2 window": (
        "qwen2",
        {**COMMON, "use_sliding_window": True, "sliding_window": 16, "max_window_layers": 0},
        "documents",
    ),
    "qwen3": ("qwen3", {**COMMON, "head_dim": 8}, "documents"),
    "mistral window": ("mistral", {**COMMON, "sliding_window": 16}, "documents"),
    "mixtral": (
        "mixtral",
        {**COMMON, "num_local_experts": 4, "num_experts_per_tok": 2},
        "documents",
    ),
    "qwen3 experts": ("qwen3_moe", {**COMMON, **_EXPERTS, "head_dim": 8}, "documents"),
    "gemma2 caps": ("gemma2", {**COMMON, "head_dim": 8, "sliding_window": 16}, "documents"),
    "gemma3": ("gemma3_text", {**COMMON, "head_dim": 8, "sliding_window": 16}, "documents"),
    "phi3": ("phi3", COMMON, "documents"),
    "gpt2": ("gpt2", _GPT, "documents"),
    "gpt neox": (
        "gpt_neox",
        {k: v for k, v in COMMON.items() if k != "num_key_value_heads"},
        "documents",
    ),
    "cohere scales logits": ("cohere", COMMON, "documents"),
    "granite scales logits": ("granite", {**COMMON, "logits_scaling": 3.0}, "documents"),
    "gpt-oss sinks": (
        "gpt_oss",
        {**COMMON, "head_dim": 8, "num_local_experts": 4, "num_experts_per_tok": 2,
         "sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]},
        "documents",
    ),
    "bloom alibi": (
        "bloom",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 2, "n_head": 4,
         "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0},
        "alone",
    ),
    "mamba": (
        "mamba",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8},
        "alone",
    ),
    "lfm2 convolution": (
        "lfm2",
        {**COMMON, "layer_types": ["conv", "full_attention"], "block_ff_dim": 64,
         "conv_L_cache": 3},
        "alone",
    ),
}  # fmt: skip


def family(name: str, spread: float | None = None) -> Any:
    """A model of a family with random weights; spread: the standard deviation of its matrices."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    kind, given, _ = FAMILIES[name]
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **given)).float()
    with torch.no_grad():
        for label, value in model.named_parameters():
            if spread is not None and value.dim() > 1:
                value.normal_(0, spread if "embed" not in label else 1.0)
    model.config.use_cache = False
    return model.eval()


def document(length: int, seed: int) -> tuple[Any, Any]:
    """Random tokens, all but the first of them targets."""
    ids = np.random.default_rng(seed).integers(3, VOCABULARY, length).astype(np.int64)
    return ids, np.arange(length) > 0
