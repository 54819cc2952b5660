"""The README of an adapter: what it was made of, on whose data, and what it learned."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stages.manifest import SourceEntry

# Licences of models that are known by name here; others are the user's to look up.
BASE_LICENCES = {"smollm2": ("SmolLM2-135M-Instruct (4-bit weights, dequantized)", "Apache-2.0")}


def _cell(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _new_tokens(summary: Mapping[str, Any], made: str) -> list[str]:
    """How new tokens get their rows, where there are any."""
    added = summary.get("added_tokens")
    if not added:
        return []
    named = ", ".join(f"`{one}`" for one in added)
    told = f"New tokens: {named}; the tokenizer beside this card has them."
    if made == "adapter":
        told += (
            " Give the base model rows for them before the adapter is loaded: "
            "`base.resize_token_embeddings(len(tokenizer))`."
        )
    return [told, ""]


def text(
    summary: Mapping[str, Any],
    parameters: Mapping[str, Any],
    sources: Sequence[SourceEntry],
) -> str:
    """The card in Markdown, with the header that model hubs read."""
    base = str(summary["base"])
    title, licence = BASE_LICENCES.get(base, (base, "not known to seedbed: see the base model"))
    library = "transformers" if summary["method"] == "full" else "peft"
    made = "model" if summary["method"] == "full" else "adapter"
    header = f"---\nbase_model: {json.dumps(title)}\nlibrary_name: {library}\n---\n"
    listed = [(s.get("name", ""), s.get("license") or "not stated") for s in sources]
    losses = [
        (f"validation loss {when} training", f"{summary[name]:.4f} nats a token")
        for when, name in (("before", "val_loss_first"), ("after", "val_loss_last"))
        if summary[name] is not None
    ]
    facts = [
        *losses,
        ("records for training", f"{summary['records_train']:,}"),
        ("records for validation", f"{summary['records_val']:,}"),
        ("epochs, optimizer steps", f"{summary['epochs']}, {summary['steps']:,}"),
        ("tokens trained on", f"{summary['trained_tokens']:,}"),
        ("trained parameters", f"{summary['trainable_parameters']:,}"),
        ("device, precision", f"{summary['device']}, {summary['precision']}"),
    ]
    settings = [
        (name, json.dumps(value, ensure_ascii=False))
        for name, value in parameters.items()
        if name not in ("model", "device", "threads")
    ]
    none = "The corpus names no sources."
    return "\n".join(
        [
            header,
            f"# {made.capitalize()} for {title}",
            "",
            f"A {summary['method']} {made} trained with seedbed. Base model: {title}; "
            f"licence: {licence}.",
            "",
            *_new_tokens(summary, made),
            "## Training data",
            _table(("source", "licence"), listed) if listed else none,
            "",
            "The licences of base model and data apply to what is made of them.",
            "",
            "## Result",
            _table(("", ""), facts),
            "",
            "## Settings",
            _table(("parameter", "value"), settings),
            "",
        ]
    )
