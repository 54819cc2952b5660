"""The embedded GGUF file as a Hugging Face folder: tokenizer.json and bf16 safetensors.

Written from the GGUF's own fields, without torch or transformers: those ignore the field
`tokenizer.ggml.pre` and cut digits wrongly, and refuse to save weights read from a GGUF.
Only what the embedded model needs: the llama architecture, byte-level BPE.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from stages.errors import UsageError
from stages.require import require

CONTROL = 3  # tokenizer.ggml.token_type of a control token

# GGUF tensor name → Hugging Face name; {} is the layer's number
LAYER = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def _reader(source: Path) -> Any:
    reader = require("gguf", "train").GGUFReader(source)
    if _field(reader, "general.architecture") != "llama":
        raise UsageError(f"{source.name}: only GGUF files of the llama architecture are read")
    return reader


def _field(reader: Any, name: str, default: Any = None) -> Any:
    field = reader.get_field(name)
    return default if field is None else field.contents()


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_tokenizer(source: Path, out: Path) -> None:
    """tokenizer.json, tokenizer_config.json and chat_template.jinja of a GGUF file."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    reader = _reader(source)
    layout = (_field(reader, "tokenizer.ggml.model"), _field(reader, "tokenizer.ggml.pre"))
    if layout != ("gpt2", "smollm"):
        raise UsageError(f"{source.name}: its tokenizer layout {layout} is not known")
    tokens: list[str] = _field(reader, "tokenizer.ggml.tokens")
    kinds: list[int] = _field(reader, "tokenizer.ggml.token_type")
    merges = [tuple(merge.split(" ")) for merge in _field(reader, "tokenizer.ggml.merges")]
    tokenizer = Tokenizer(
        models.BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=merges)
    )
    # "smollm" means: every digit alone, first; then GPT-2's pattern. Without the first step
    # white space before a digit is cut as the model never saw it.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind == CONTROL
        ]
    )
    tokenizer.save(str(out / "tokenizer.json"))
    special = {
        role: tokens[number]
        for role, name in (
            ("bos_token", "bos"),
            ("eos_token", "eos"),
            ("unk_token", "unknown"),
            ("pad_token", "padding"),
        )
        if (number := _field(reader, f"tokenizer.ggml.{name}_token_id")) is not None
    }
    _write(
        out / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": int(_field(reader, "llama.context_length")),
            "clean_up_tokenization_spaces": False,
            **special,
        },
    )
    template = _field(reader, "tokenizer.chat_template")
    if template:
        (out / "chat_template.jinja").write_text(template, encoding="utf-8")


def write_weights(source: Path, out: Path) -> None:
    """config.json, generation_config.json and model.safetensors (bf16) of a GGUF file."""
    quants = require("gguf.quants", "train")
    reader = _reader(source)
    heads = int(_field(reader, "llama.attention.head_count"))
    kv_heads = int(_field(reader, "llama.attention.head_count_kv", heads))
    tensors = sorted((_tensor_name(tensor.name), tensor) for tensor in reader.tensors)
    # The safetensors format: length of the header, header as JSON, the tensors one after another.
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors:
        shape = [int(size) for size in reversed(tensor.shape)]
        begin, end = end, end + 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(out / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, tensor in tensors:
            array = quants.dequantize(tensor.data, tensor.tensor_type)
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                array = _rotary_order(array, heads if "q_proj" in name else kv_heads)
            file.write(_bfloat16(array).tobytes())
    _write_config(reader, out, heads, kv_heads, tied="lm_head.weight" not in header)


def _write_config(reader: Any, out: Path, heads: int, kv_heads: int, tied: bool) -> None:
    hidden = int(_field(reader, "llama.embedding_length"))
    ends = {
        "bos_token_id": _field(reader, "tokenizer.ggml.bos_token_id"),
        "eos_token_id": _field(reader, "tokenizer.ggml.eos_token_id"),
        "pad_token_id": _field(reader, "tokenizer.ggml.padding_token_id"),
    }
    theta = float(_field(reader, "llama.rope.freq_base", 10000.0))
    _write(
        out / "config.json",
        {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "dtype": "bfloat16",
            "hidden_act": "silu",
            "hidden_size": hidden,
            "intermediate_size": int(_field(reader, "llama.feed_forward_length")),
            "num_hidden_layers": int(_field(reader, "llama.block_count")),
            "num_attention_heads": heads,
            "num_key_value_heads": kv_heads,
            "head_dim": hidden // heads,
            "vocab_size": len(_field(reader, "tokenizer.ggml.tokens")),
            "max_position_embeddings": int(_field(reader, "llama.context_length")),
            "rms_norm_eps": round(
                float(_field(reader, "llama.attention.layer_norm_rms_epsilon")), 9
            ),
            "rope_parameters": {"rope_type": "default", "rope_theta": theta},
            "rope_theta": theta,
            "attention_bias": False,
            "mlp_bias": False,
            "tie_word_embeddings": tied,
            **ends,
        },
    )
    _write(out / "generation_config.json", ends)


def _tensor_name(name: str) -> str:
    if name in WHOLE:
        return WHOLE[name]
    match = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", name)
    if match is None or match[2] not in LAYER:
        raise UsageError(f"the GGUF file has a tensor that is not known: {name}")
    return f"model.layers.{match[1]}.{LAYER[match[2]]}.weight"


def _rotary_order(array: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key matrix from GGUF's order (pairs) to Hugging Face's (halves)."""
    rows, columns = array.shape
    pairs = array.reshape(heads, rows // heads // 2, 2, columns)
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(rows, columns)


def _bfloat16(array: np.ndarray) -> np.ndarray:
    """The upper halves of float32 numbers, rounded to nearest even; no NaN is expected."""
    bits = np.ascontiguousarray(array, dtype=np.float32).view(np.uint32)
    return ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype(np.uint16)
