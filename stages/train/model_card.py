"""The README of an adapter: its use, what it was made of, on whose data, and what it learned.

Its example runs as it stands where the base model can be had under its name; a test runs it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stages.manifest import SourceEntry
from stages.tokens.model import EMBEDDED
from stages.train.bases import EMBEDDED_HUB, EMBEDDED_NOTE, Name

# Licences of models that are known by name here; others are the user's to look up.
LICENCES = {EMBEDDED_HUB: "Apache-2.0"}

ADAPTER_USE = """
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = {base}{base_comment}
adapter = "adapter"  # this folder

tokenizer = AutoTokenizer.from_pretrained(adapter)
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base{revision}), adapter)
"""
WHOLE_USE = """
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "{folder}"  # this folder

tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)
"""
ASK_CHAT = """
messages = [{"role": "user", "content": "What can you tell me?"}]
inputs = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"
)
"""
ASK_TEXT = """
inputs = tokenizer("Once upon a time", add_special_tokens=False, return_tensors="pt")
inputs.pop("token_type_ids", None)
"""
ANSWER = """
made = model.generate(**inputs, max_new_tokens=64, do_sample=False)
print(tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
"""


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


def example(name: Name, whole: bool, chat: bool, folder: str = "adapter") -> str:
    """Python that loads the result and asks it once, with folders relative to the working folder.

    name: of the base model. whole: no adapter but a model. chat: whether there is a template.
    folder: what the result's folder is called.
    """
    if whole:
        load = WHOLE_USE.format(folder=folder)
    else:
        load = ADAPTER_USE.format(
            base=json.dumps(name.public),
            base_comment="  # the folder of the base model" if name.local else "",
            revision=f", revision={json.dumps(name.revision)}" if name.revision else "",
        )
    return (load + (ASK_CHAT if chat else ASK_TEXT) + ANSWER.lstrip()).strip() + "\n"


def _use(name: Name, whole: bool, chat: bool) -> list[str]:
    """The part on how to use the result."""
    asked = (
        "The tokenizer's files and the chat template that the records were rendered with lie here."
        if chat
        else "The records were texts without a chat template: the result goes on with a text."
    )
    lines = ["## Use", asked, "", "```python", example(name, whole, chat).rstrip(), "```", ""]
    if not whole and name.local:
        lines += [
            f"The base model was the local folder `{_cell(name.public)}`, which no hub knows: give "
            "its path as `base`, or lay the folder (or a link to it) beside where Python runs, and "
            "`pipeline` and `AutoPeftModelForCausalLM` find it by its name as well.",
            "",
        ]
    else:
        lines += [
            '`pipeline("text-generation", model="adapter")` loads it in one line'
            + ("." if whole else ", with peft installed."),
            "",
        ]
    if not whole:
        lines += [
            "One file for other programs: `seedbed merge adapter -o model` writes the whole model; "
            "`seedbed chat adapter` asks it beside its base.",
            "",
        ]
    return lines


def text(
    summary: Mapping[str, Any],
    parameters: Mapping[str, Any],
    sources: Sequence[SourceEntry],
    name: Name,
    chat: bool,
) -> str:
    """The card in Markdown, with the header that model hubs read.

    summary, parameters: of the training. name: of the base model. chat: whether the folder has a
    chat template.
    """
    whole = summary["method"] == "full"
    licence = LICENCES.get(name.public, "not known to seedbed: see the base model")
    library, made = ("transformers", "model") if whole else ("peft", "adapter")
    header = (
        f"---\nbase_model: {json.dumps(name.public)}\nlibrary_name: {library}\n"
        "pipeline_tag: text-generation\n---\n"
    )
    listed = [(s.get("name", ""), s.get("license") or "not stated") for s in sources]
    facts = [
        *(
            (f"validation loss {when} training", f"{summary[key]:.4f} nats a token")
            for when, key in (("before", "val_loss_first"), ("after", "val_loss_last"))
            if summary[key] is not None
        ),
        ("records for training", f"{summary['records_train']:,}"),
        ("records for validation", f"{summary['records_val']:,}"),
        ("epochs, optimizer steps", f"{summary['epochs']}, {summary['steps']:,}"),
        ("tokens trained on", f"{summary['trained_tokens']:,}"),
        ("trained parameters", f"{summary['trainable_parameters']:,}"),
        ("device, precision", f"{summary['device']}, {summary['precision']}"),
    ]
    settings = [
        (key, json.dumps(value, ensure_ascii=False))
        for key, value in parameters.items()
        if key not in ("model", "device", "threads")
    ]
    none = "The corpus names no sources."
    note = [EMBEDDED_NOTE, ""] if name.model == EMBEDDED else []
    return "\n".join(
        [
            header,
            f"# {made.capitalize()} for {_cell(name.public)}",
            "",
            f"A {summary['method']} {made} trained with seedbed. Base model: {_cell(name.public)}; "
            f"licence: {licence}.",
            "",
            *note,
            *_new_tokens(summary, made),
            *_use(name, whole, chat),
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
