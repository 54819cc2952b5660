"""What makes an export known to other trainers: LLaMA-Factory's dataset_info.json, an axolotl
configuration, and the lines of Python that load it into TRL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stages.export.formats import Shape

_MESSAGES_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool",
    "function_tag": "function_call",
    "system_tag": "system",
}


def llama_factory(form: str, shape: Shape, sides: Sequence[str]) -> dict[str, Any] | None:
    """The entries of dataset_info.json, one a side; None for a format that it does not read."""
    about = _llama_factory(form, shape)
    if about is None:
        return None
    return {side: {"file_name": f"{side}.jsonl", **about} for side in sides}


def _llama_factory(form: str, shape: Shape) -> dict[str, Any] | None:
    pair = {"prompt": "prompt"}
    if form == "alpaca":
        columns = {"prompt": "instruction", "query": "input", "response": "output"}
        columns["system"] = "system"
        return {"columns": {**columns, **({"history": "history"} if shape.history else {})}}
    if form == "sharegpt":
        tools = {"tools": "tools"} if "tools" in shape.beside else {}
        return {"formatting": "sharegpt", "columns": {"messages": "conversations", **tools}}
    if form == "messages":
        # Calls and lists of tools are read by its form of OpenAI alone, which (0.9.5) puts a system
        # text of its own ("detailed thinking off") into every record without tools, and leaves out
        # what is said beside a call. The format sharegpt is for them.
        if "tools" in shape.beside or shape.calls:
            return None
        return {
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": _MESSAGES_TAGS,
        }
    if form == "text":
        return {"columns": {"prompt": "text"}}
    if form == "prompt_completion" and not shape.talks:
        return {"columns": {**pair, "response": "completion"}}
    if form == "dpo" and not shape.talks:
        return {"ranking": True, "columns": {**pair, "chosen": "chosen", "rejected": "rejected"}}
    return None


def axolotl(form: str, shape: Shape, sides: Sequence[str]) -> str | None:
    """A configuration that names the files; None for a format that it does not read."""
    about = _axolotl(form, shape)
    if about is None:
        return None
    lines = ["# The data of an axolotl configuration; paths are relative to where it is run."]
    if form == "dpo":
        lines.append("rl: dpo")
    for key, side in (("datasets", "train"), ("test_datasets", "val")):
        if side in sides:
            split = ["    split: train"] if side == "val" else []
            lines += [f"{key}:", f"  - path: {side}.jsonl", "    ds_type: json", *split, *about]
    return "\n".join(lines) + "\n"


def _axolotl(form: str, shape: Shape) -> list[str] | None:
    if form == "alpaca" and not shape.history:
        return _typed(
            field_system="system",
            field_instruction="instruction",
            field_input="input",
            field_output="output",
        )
    if form in ("sharegpt", "messages"):
        key, role, content = (
            ("conversations", "from", "value")
            if form == "sharegpt"
            else ("messages", "role", "content")
        )
        return [
            "    type: chat_template",
            f"    field_messages: {key}",
            "    message_property_mappings:",
            f"      role: {role}",
            f"      content: {content}",
            '    roles_to_train: ["assistant"]',
        ]
    if form == "text":
        return ["    type: completion", "    field: text"]
    if form == "prompt_completion" and not shape.talks:
        return _typed(
            field_instruction="prompt",
            field_output="completion",
            format="{instruction}",
            no_input_format="{instruction}",
        )
    if form == "dpo" and not shape.talks:
        keys = ("prompt", "chosen", "rejected")
        fields = {f"field_{key}": key for key in keys}
        return _typed(**fields, **{f"{key}_format": f"{{{key}}}" for key in keys})
    if form == "pretokenized":
        return ["    type:"]
    return None


def _typed(**fields: str) -> list[str]:
    return ["    type:", *(f"      {name}: {json.dumps(value)}" for name, value in fields.items())]


def trl(form: str, sides: Sequence[str]) -> str | None:
    """Lines of Python that train on the export with TRL; None for a format that it does not
    read."""
    if form not in ("messages", "prompt_completion", "text", "dpo", "pretokenized"):
        return None
    config, trainer = ("DPOConfig", "DPOTrainer") if form == "dpo" else ("SFTConfig", "SFTTrainer")
    options: Mapping[str, str] = {
        "messages": "assistant_only_loss=True",
        "prompt_completion": "completion_only_loss=True",
        "text": "",
        "dpo": "",
        "pretokenized": 'dataset_kwargs={"skip_prepare_dataset": True}, max_length=None',
    }
    files = ", ".join(f'"{side}": "{side}.parquet"' for side in sides)
    with_val = 'data["val"]' if "val" in sides else "None"
    option = f", {options[form]}" if options[form] else ""
    note = "# The loss of answers alone needs a template that marks them by {% generation %}."
    return "\n".join(
        [
            *([note] if form == "messages" else []),
            "from datasets import load_dataset",
            f"from trl import {config}, {trainer}",
            "",
            f'data = load_dataset("parquet", data_files={{{files}}})',
            f'settings = {config}(output_dir="out"{option})',
            f"trainer = {trainer}(",
            '    model="MODEL",',
            "    args=settings,",
            '    train_dataset=data["train"],',
            f"    eval_dataset={with_val},",
            ")",
            "trainer.train()",
        ]
    )
