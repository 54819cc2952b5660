"""A second opinion on refusals: any model for text classification with a label that says refusal.

Nothing is fetched unless the user names a model of the hub; only safetensors are read, and no code
of a model is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from stages.errors import UsageError
from stages.hub_folder import folder_of
from stages.require import require
from stages.stamps import stamps_of

Device = Literal["auto", "cpu", "cuda"]
Opinion = Callable[[Sequence[tuple[str, str]]], list[float]]

_WANTED = ("config.json", "model.safetensors", "tokenizer.json")
_OPTIONAL = ("tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "chat_template.jinja")
_REFUSES = re.compile(r"refus|reject|declin", re.I)
_NOT = re.compile(r"\b(?:non|not|no)(?:[ _-]|(?=refus|reject))", re.I)
_TOKENS = 512  # as much of an answer as is read; refusals stand in its head
_PADDED = 8192  # tokens of a padded batch


def files(model: str) -> tuple[Path, ...]:
    """The files that the opinion depends on; UsageError where they are missing, or where no label
    of the model is a refusal."""
    folder = _folder(model)
    missing = [name for name in _WANTED if not (folder / name).is_file()]
    if missing:
        raise UsageError(f"refusals.model: {folder} has no {', '.join(missing)}")
    refusing_label(folder)
    return tuple(path for name in (*_WANTED, *_OPTIONAL) if (path := folder / name).is_file())


def refusing_label(folder: Path) -> int:
    """The number of the label that says refusal, by its name in `config.json`."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        labels = {int(number): str(name) for number, name in config["id2label"].items()}
    except (ValueError, KeyError, AttributeError, TypeError):
        labels = {}
    found = [n for n, name in labels.items() if _REFUSES.search(name) and not _NOT.search(name)]
    if len(found) != 1:
        shown = ", ".join(labels.values()) or "none"
        raise UsageError(
            f"refusals.model: one label in {folder / 'config.json'} must be named for refusals "
            f"(refusal, rejection); id2label has {shown}"
        )
    return found[0]


def opinion(model: str, device: Device) -> Opinion:
    """A function from (prompt, answer) pairs to the probability that each answer refuses."""
    return _opinion(model, device, stamps_of(files(model)))


def _folder(model: str) -> Path:
    named = "refusals.model"
    return folder_of(model, (*_WANTED, *_OPTIONAL), named, " and no name on the hub (a/b)")


@lru_cache(maxsize=1)
def _opinion(model: str, device: Device, stamps: object) -> Opinion:
    torch = require("torch", "cluster")
    transformers = require("transformers", "cluster")
    folder = _folder(model)
    label = refusing_label(folder)
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("refusals.device cuda: torch sees no GPU here; use cpu or auto")
    place = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    classifier = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
    )
    classifier = classifier.eval().to(place)
    room = min(_TOKENS, int(getattr(classifier.config, "max_position_embeddings", _TOKENS)))

    def judge(asked: Sequence[tuple[str, str]]) -> list[float]:
        texts = [_as_text(tokenizer, prompt, answer) for prompt, answer in asked]
        ids = tokenizer(texts, truncation=True, max_length=room, padding=False)["input_ids"]
        rows = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        found = [0.0] * len(ids)
        while rows:
            count = max(1, min(len(rows), _PADDED // max(1, len(ids[rows[-1]]))))
            batch, rows = rows[-count:], rows[:-count]
            padded = tokenizer.pad({"input_ids": [ids[row] for row in batch]}, return_tensors="pt")
            with torch.inference_mode():
                logits = classifier(**padded.to(place)).logits.float()
            for row, chance in zip(batch, _chances(torch, logits, label), strict=True):
                found[row] = chance
        return found

    return judge


def _as_text(tokenizer: Any, prompt: str, answer: str) -> str:
    """The two turns as the model's chat template has them; without one the answer alone."""
    if not prompt or not getattr(tokenizer, "chat_template", None):
        return answer
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return str(tokenizer.apply_chat_template(turns, tokenize=False))


def _chances(torch: Any, logits: Any, label: int) -> list[float]:
    if logits.shape[1] == 1:
        return [float(one) for one in torch.sigmoid(logits[:, 0])]
    return [float(one) for one in torch.softmax(logits, dim=1)[:, label]]
