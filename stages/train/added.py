"""New tokens that a corpus was made with: rows of the embeddings for them, and their tokenizer."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.corpus import Corpus
from stages.require import require
from stages.tokens.model import load_tokenizer, with_tokens


def added_tokens(source: Path) -> list[str]:
    """The new tokens of a tokens corpus, as its manifest tells them."""
    for step in reversed(Corpus(source).manifest.get("steps", [])):
        if found := (step.get("facts") or {}).get("added_tokens"):
            return [str(one) for one in found]
    return []


def make_room(model: Any, name: str, added: Sequence[str]) -> list[int]:
    """Give the model a row for each new token, in the embeddings and where logits are made; the
    rows' numbers. A row begins as the mean of those of the token's own text (Hewitt 2021)."""
    if not added:
        return []
    torch = require("torch", "train")
    old = load_tokenizer(name)
    new = load_tokenizer(with_tokens(name, added))
    found = [new.token_to_id(one) for one in added]
    numbers = [number for number in found if number is not None]
    if max(numbers) >= int(model.get_input_embeddings().weight.shape[0]):
        model.resize_token_embeddings(max(numbers) + 1, mean_resizing=False)
    layers = [model.get_input_embeddings(), model.get_output_embeddings()]
    with torch.no_grad():
        for layer in layers if layers[1] is not None else layers[:1]:
            for text, number in zip(added, numbers, strict=True):
                if old.token_to_id(text) is None:
                    pieces = old.encode(text, add_special_tokens=False).ids
                    layer.weight[number] = layer.weight[pieces].float().mean(0)
    return numbers


def save_tokenizer(name: str, added: Sequence[str], out: Path) -> None:
    """Write the tokenizer with the new tokens beside what was trained; what else a tokenizer's
    folder has is the base model's own."""
    if added:
        shutil.copyfile(Path(with_tokens(name, added)) / "tokenizer.json", out / "tokenizer.json")
