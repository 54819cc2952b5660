"""The README of a merged model: how it is used, what it was made of, and the adapter's own card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.train import model_card
from stages.train.bases import Name

ORIGIN = "## Training data"  # from where on the adapter's card is told again


def text(summary: Mapping[str, Any], adapter: Path, name: Name, chat: bool) -> str:
    """The card in Markdown. summary: of the merge. adapter: its folder, whose card is told again.
    name: of the base model. chat: whether there is a chat template."""
    lines = [
        f"---\nbase_model: {json.dumps(name.public)}\nbase_model_relation: merge",
        "library_name: transformers\npipeline_tag: text-generation\n---",
        "",
        f"# {name.public} with an adapter merged in",
        "",
        f"{summary['parameters']:,} parameters in {summary['dtype']}. In fp32 its logits are those "
        f"of base and adapter to {summary['largest_difference']:.0e} of the greatest one.",
        "",
    ]
    if summary["method"] == "qlora":
        lines += [
            "The adapter was trained beside a 4-bit base and is merged into the weights in full "
            "precision: its losses are not exactly those of the training.",
            "",
        ]
    if not summary["base_is_the_trained_one"]:
        lines += [
            "The weights of this base are not those beside which the adapter was trained (of the "
            "same shape, other numbers).",
            "",
        ]
    lines += [
        "## Use",
        "",
        "```python",
        model_card.example(name, whole=True, chat=chat, folder="model").rstrip(),
        "```",
        "",
        '`pipeline("text-generation", model="model")` loads it in one line.',
        "",
    ]
    if summary["gguf_tensors"]:
        lines += ["`model.gguf` holds the same for llama.cpp and its kin.", ""]
    card = adapter / "README.md"
    told = card.read_text(encoding="utf-8") if card.is_file() else ""
    at = told.find(ORIGIN)
    return "\n".join(lines) + ("\n" + told[at:] if at >= 0 else "")
