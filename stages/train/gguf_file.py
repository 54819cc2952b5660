"""A model's folder as one GGUF file, for models of Llama's shape with a byte-level BPE tokenizer.

Exact: each tensor is written in its own number format, read back and compared bit by bit (norms,
which the format's readers want in fp32, by value). What cannot be written exactly is refused with
the reason. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stages.errors import StageFailed, UsageError
from stages.require import require
from stages.tokens.chat import special_variables, template_of
from stages.tokens.convert import LAYER, WHOLE
from stages.tokens.foreign import read_object
from stages.train.weights import Tensor, tensors_of

SHAPES = ("llama", "mistral")  # model_type of what has Llama's layers
FORMATS = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}
# tokenizer.ggml.pre: GGUF's names for ways to cut a text into words, as tokenizer.json has them.
# llama.cpp knows each by its name alone, so that a pattern that is not here has no name.
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CUTS: dict[str, list[tuple[str, object]]] = {
    "gpt-2": [("ByteLevel", True)],
    "smollm": [("Digits", True), ("ByteLevel", True)],
    "llama-bpe": [("Split", _LLAMA3), ("ByteLevel", False)],
}
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5  # tokenizer.ggml.token_type


def check(folder: Path) -> None:
    """UsageError, with the reason, for a model that cannot be written as a GGUF file exactly."""
    for reason in (_reason_of_shape(read_object(folder / "config.json")), _reason_of_words(folder)):
        if reason is not None:
            raise UsageError(
                f"{folder} cannot be written as a GGUF file exactly: {reason}; leave out gguf and "
                "convert the merged folder with llama.cpp's own converter"
            )


def _reason_of_shape(config: Mapping[str, Any]) -> str | None:
    if config.get("model_type") not in SHAPES:
        return f"it is a {config.get('model_type')} model, and only Llama's shape is known here"
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        return f"its positions are scaled ({kind})"
    for name in ("attention_bias", "mlp_bias", "sliding_window"):
        if config.get(name):
            return f"it has {name}"
    if config.get("hidden_act", "silu") != "silu":
        return f"its activation is {config['hidden_act']}"
    return None


def _reason_of_words(folder: Path) -> str | None:
    if not (folder / "tokenizer.json").is_file():
        return "it has no tokenizer.json"
    layout = read_object(folder / "tokenizer.json")
    if layout["model"].get("type") != "BPE" or layout["model"].get("byte_fallback"):
        return "its tokenizer is no byte-level BPE"
    if layout.get("normalizer"):
        return "its tokenizer changes the text first (a normalizer)"
    if _cut_of(layout) is None:
        return "its tokenizer cuts words in a way that GGUF has no name for"
    return None


def _cut_of(layout: Mapping[str, Any]) -> str | None:
    """GGUF's name for a pre-tokenizer; None where it has none that is known here."""
    first = layout.get("pre_tokenizer") or {}
    steps = first.get("pretokenizers", [first]) if first.get("type") == "Sequence" else [first]
    found: list[tuple[str, Any]] = []
    for step in steps:
        kind = step.get("type")
        if kind == "ByteLevel" and not step.get("add_prefix_space"):
            found.append((kind, bool(step.get("use_regex", True))))
        elif kind == "Digits":
            found.append((kind, bool(step.get("individual_digits"))))
        elif kind == "Split" and step.get("behavior") == "Isolated" and not step.get("invert"):
            found.append((kind, step.get("pattern", {}).get("Regex")))
        else:
            return None
    return next((name for name, steps_ in CUTS.items() if steps_ == found), None)


def write(folder: Path, path: Path) -> int:
    """Write a model's folder as the GGUF file `path` and compare it; returns how many tensors it
    holds. UsageError for a model that cannot be written, StageFailed for a file that differs."""
    check(folder)
    gguf = require("gguf", "train")
    config = read_object(folder / "config.json")
    tensors = tensors_of(folder)
    writer = gguf.GGUFWriter(path, "llama")
    try:
        _describe(writer, gguf, config, tensors)
        rows = tensors["model.embed_tokens.weight"].shape[0]
        _tokens(writer, folder, config, rows)
        for name, tensor in tensors.items():
            data = _data(name, tensor, config)
            kind = getattr(gguf.GGMLQuantizationType, "F32" if data.ndim == 1 else tensor.kind)
            # Numbers of two bytes that numpy has no type for travel as bytes.
            if tensor.kind == "BF16" and data.ndim > 1:
                data = data.view(np.uint8)
            writer.add_tensor(_name(name), data, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
    _compare(path, tensors, config, gguf)
    return len(tensors)


def _describe(
    writer: Any, gguf: Any, config: Mapping[str, Any], tensors: Mapping[str, Any]
) -> None:
    """The keys that a reader builds the model by."""
    heads = int(config["num_attention_heads"])
    hidden = int(config["hidden_size"])
    head = int(config.get("head_dim") or hidden // heads)
    rope = config.get("rope_parameters") or {}
    theta = rope.get("rope_theta", config.get("rope_theta", 10000.0))
    kind = tensors["model.embed_tokens.weight"].kind
    types = {"F32": "ALL_F32", "F16": "MOSTLY_F16", "BF16": "MOSTLY_BF16"}
    writer.add_file_type(int(getattr(gguf.LlamaFileType, types[kind])))
    writer.add_context_length(int(config["max_position_embeddings"]))
    writer.add_embedding_length(hidden)
    writer.add_block_count(int(config["num_hidden_layers"]))
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_head_count(heads)
    writer.add_head_count_kv(int(config.get("num_key_value_heads") or heads))
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(float(theta))
    writer.add_layer_norm_rms_eps(float(config["rms_norm_eps"]))
    writer.add_vocab_size(int(tensors["model.embed_tokens.weight"].shape[0]))


def _tokens(writer: Any, folder: Path, config: Mapping[str, Any], rows: int) -> None:
    """The tokenizer: tokens by number, their types, merges, control tokens, the chat template."""
    layout = read_object(folder / "tokenizer.json")
    by_number = {number: token for token, number in layout["model"]["vocab"].items()}
    kinds = dict.fromkeys(by_number, NORMAL)
    for added in layout.get("added_tokens", []):
        by_number[added["id"]] = added["content"]
        kinds[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    if by_number and max(by_number) >= rows:
        raise UsageError(
            f"{folder}: its tokenizer has {max(by_number) + 1:,} tokens and its embeddings "
            f"{rows:,} rows: get the model's files anew"
        )
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_cut_of(layout))
    writer.add_token_list([by_number.get(number, f"[PAD{number}]") for number in range(rows)])
    writer.add_token_types([kinds.get(number, UNUSED) for number in range(rows)])
    merges = layout["model"]["merges"]
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    numbers = {token: number for number, token in by_number.items()}
    said = special_variables(folder)
    for role, add in (
        ("bos_token", writer.add_bos_token_id),
        ("eos_token", writer.add_eos_token_id),
        ("unk_token", writer.add_unk_token_id),
        ("pad_token", writer.add_pad_token_id),
    ):
        number = numbers.get(said.get(role, ""), config.get(f"{role}_id"))
        if isinstance(number, int):
            add(number)
    around = json.dumps(layout.get("post_processor") or {})
    writer.add_add_bos_token("bos_token" in said and json.dumps(said["bos_token"]) in around)
    template = template_of(folder)
    if template is not None:
        writer.add_chat_template(template)


def _name(name: str) -> str:
    """GGUF's name of a tensor."""
    whole = {ours: theirs for theirs, ours in WHOLE.items()}
    if name in whole:
        return whole[name]
    parts = {ours: theirs for theirs, ours in LAYER.items()}
    match = re.fullmatch(r"model\.layers\.(\d+)\.(.+)\.weight", name)
    if match is None or match[2] not in parts:
        raise UsageError(f"the model has a tensor that Llama's shape has not: {name}")
    return f"blk.{match[1]}.{parts[match[2]]}.weight"


def _stored(tensor: Tensor) -> Any:
    """A tensor as it lies in its file, memory-mapped; bf16 as its 16 bits."""
    if tensor.kind not in FORMATS:
        raise UsageError(f"{tensor.file.name} holds numbers of type {tensor.kind}")
    kind = FORMATS[tensor.kind]
    return np.memmap(tensor.file, kind, "r", tensor.begin, tensor.shape)


def _data(name: str, tensor: Tensor, config: Mapping[str, Any]) -> Any:
    """A tensor as GGUF stores it: queries and keys in pairs, vectors in fp32."""
    data = _stored(tensor)
    if data.ndim == 1:
        return _values(data, tensor.kind)
    heads = _heads(name, config)
    return data if heads is None else _pairs(data, heads)


def _values(data: Any, kind: str) -> Any:
    """The numbers in fp32, which holds all of the shorter formats."""
    if kind == "BF16":
        return (data.astype(np.uint32) << 16).view(np.float32)
    return data.astype(np.float32)


def _heads(name: str, config: Mapping[str, Any]) -> int | None:
    """How many heads turn in a tensor; None for one that no position turns."""
    heads = int(config["num_attention_heads"])
    if name.endswith("q_proj.weight"):
        return heads
    return int(config.get("num_key_value_heads") or heads) if "k_proj.w" in name else None


def _pairs(data: Any, heads: int) -> Any:
    """Rows of a query or key matrix from Hugging Face's order (halves) to GGUF's (pairs)."""
    rows, columns = data.shape
    halves = data.reshape(heads, 2, rows // heads // 2, columns)
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows, columns)


def _compare(
    path: Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any], gguf: Any
) -> None:
    """StageFailed when a tensor of the file, read back, is not the folder's."""
    found = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    for name, tensor in tensors.items():
        read = found.pop(_name(name), None)
        wanted = _data(name, tensor, config)
        same = (
            read is not None
            and [int(size) for size in reversed(read.shape)] == list(tensor.shape)
            and np.array_equal(
                np.ascontiguousarray(read.data).view(np.uint8).reshape(-1),
                np.ascontiguousarray(wanted).view(np.uint8).reshape(-1),
            )
        )
        if not same:
            raise StageFailed(f"{path.name}: tensor {name} does not come back as it was written")
    if found:
        raise StageFailed(f"{path.name} holds tensors that nobody wrote: {sorted(found)[:3]}")
