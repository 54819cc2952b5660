"""What configurations of axolotl, LLaMA-Factory and TRL say: which data, how it is trained.

By the documented keys of axolotl 0.12, LLaMA-Factory 0.9 and TRL 1.x (transformers'
TrainingArguments and TRL's ModelConfig below them). What a key is not known to mean is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages import check, registry
from stages.errors import UsageError

Config = Mapping[str, Any]


@dataclass
class Data:
    """A data set of a configuration: its files or its name on a hub, parameters of `jsonl`."""

    path: str
    parameters: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class Meant:
    """What a configuration means: data, parameters of the steps, what was not taken and why. away:
    data sets whose files are not here."""

    trainer: str
    data: list[Data] = field(default_factory=list)
    split: dict[str, Any] = field(default_factory=dict)
    tokenize: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    dedup: bool = False
    seed: int | None = None
    not_taken: dict[str, str] = field(default_factory=dict)
    away: list[str] = field(default_factory=list)


# transformers' TrainingArguments and what the trainers put in their place: ours differ. Axolotl's
# warmup is 3 % of the steps, 100 at most.
_USUAL = {"lr": 5e-5, "epochs": 3, "per_device_batch": 8, "schedule": "linear", "warmup": 0.0}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "axolotl": {"epochs": 1, "per_device_batch": 1, "schedule": "cosine", "warmup": 0.03},
    "LLaMA-Factory": {**_USUAL, "rank": 8},
    "TRL": {**_USUAL, "lr": 2e-5, "rank": 16, "alpha": 32.0},
}
# Keys that train's own table of other names does not have.
_ALSO = {
    "micro_batch_size": "per_device_batch",
    "num_epochs": "epochs",
    "lr_scheduler": "schedule",
    "lora_modules_to_save": "modules_to_save",
    "peft_use_rslora": "rslora",
    "peft_use_dora": "dora",
    "additional_target": "modules_to_save",
    "lora_target": "targets",
}
_OPTIMIZERS = {"adamw_bnb_8bit": "adamw_8bit", "adamw_hf": "adamw_torch", "adamw": "adamw_torch"}
_SCHEDULES = {"constant_with_warmup": "constant"}
# What says how to compute, to log or to show, and nothing of the result.
_SILENT = """
output_dir logging_steps logging_dir overwrite_output_dir flash_attention xformers
sample_packing packing eval_sample_packing pad_to_sequence_len group_by_length overwrite_cache
preprocessing_num_workers dataloader_num_workers plot_loss tf32 special_tokens wandb_project
wandb_entity wandb_name wandb_watch wandb_log_model dataset_prepared_path save_total_limit
saves_per_epoch evals_per_epoch do_train eval_strategy evaluation_strategy save_strategy
trust_remote_code save_only_model strict ddp_timeout resume_from_checkpoint save_safetensors
bf16 fp16 attn_impl remove_unused_columns push_to_hub hub_model_id per_device_eval_batch_size
flash_attn tokenizer_type model_type auto_resume_from_checkpoints debug fsdp fsdp_config
torch_dtype dtype use_cache bf16_full_eval fp16_full_eval
"""


def meant(config: Config, folder: Path) -> Meant:
    """What a configuration means. folder: where it lies. UsageError where it is nobody's."""
    read = _reader(config)
    if read is None:
        raise UsageError(
            "neither a configuration of axolotl (datasets, base_model), of LLaMA-Factory (dataset, "
            "finetuning_type) nor of TRL (dataset_name or dataset_mixture, model_name_or_path)"
        )
    trainer, data = read
    made = Meant(trainer)
    left = dict(config)
    made.data = data(left, folder)
    _steps(made, left)
    return made


def _reader(config: Config) -> tuple[str, Callable[[dict[str, Any], Path], list[Data]]] | None:
    if isinstance(config.get("datasets"), list) and "base_model" in config:
        return "axolotl", _axolotl
    if "dataset" in config and ("finetuning_type" in config or "stage" in config):
        return "LLaMA-Factory", _llama_factory
    mixture = isinstance(config.get("dataset_mixture", config.get("datasets")), dict | list)
    if "dataset_name" in config or (mixture and "model_name_or_path" in config):
        return "TRL", _trl
    return None


# --- data ---------------------------------------------------------------------------------------


def _axolotl(left: dict[str, Any], folder: Path) -> list[Data]:
    found = []
    for entry in left.pop("datasets"):
        if not isinstance(entry, Mapping):
            continue
        kind = entry.get("type")
        names = kind if isinstance(kind, Mapping) else entry
        data = _of_files(entry, folder)
        pair = (names.get("field_instruction"), names.get("field_output"))
        if entry.get("field_messages"):
            data.parameters["messages"] = str(entry["field_messages"])
        elif all(pair):
            data.parameters = {"prompt": _with(pair[0], names.get("field_input")),
                               "completion": str(pair[1])}  # fmt: skip
            if names.get("field_system"):
                data.parameters["system"] = str(names["field_system"])
        elif kind == "completion" and entry.get("field"):
            data.parameters["text"] = str(entry["field"])
        if mapping := entry.get("message_property_mappings"):
            data.notes.append(f"message_property_mappings is not taken: {mapping}; roles and texts "
                "are found by the names in use")  # fmt: skip
        if shards := entry.get("split"):
            data.notes += (
                [] if shards == "train" else [f"split {shards!r} is not taken: all is read"]
            )
        found.append(data)
    return found


def _of_files(entry: Config, folder: Path) -> Data:
    path = str(entry.get("path") or entry.get("id") or "")
    files = entry.get("data_files")
    if isinstance(files, str):
        files = [files]
    if files:
        base = Path(path) if path not in ("json", "csv", "parquet", "text") else Path()
        more = (
            [f"data_files has {len(files)} files, of which this is one"] if len(files) > 1 else []
        )
        return Data(_there(str(base / str(files[0])), folder), notes=more)
    return Data(_there(path, folder))


def _there(path: str, folder: Path) -> str:
    """A path that is there, beside the configuration or in the working folder; else as it is."""
    for base in (folder, Path.cwd()):
        if path and (base / path).exists():
            return str((base / path).resolve())
    return path


def _with(asked: object, beside: object) -> str:
    """A prompt's column, with what it is about below it."""
    return f"{{{asked}}}\n\n{{{beside}}}" if beside else str(asked)


def _llama_factory(left: dict[str, Any], folder: Path) -> list[Data]:
    names = left.pop("dataset")
    names = names if isinstance(names, list) else str(names).split(",")
    place = Path(_there(str(left.pop("dataset_dir", "data")), folder))
    try:
        table = json.loads((place / "dataset_info.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        told = f"which says what {', '.join(map(str, names))} is, cannot be read: {error}"
        raise UsageError(f"{place / 'dataset_info.json'}, {told}") from None
    return [_entry(str(name).strip(), table, place) for name in names]


def _entry(name: str, table: Any, place: Path) -> Data:
    about = table.get(name) if isinstance(table, dict) else None
    if not isinstance(about, dict):
        near = check.nearest(name, table if isinstance(table, dict) else ())
        raise UsageError(f"{place / 'dataset_info.json'} has no data set {name!r}{near}")
    if "file_name" in about:
        data = Data(str((place / str(about["file_name"])).resolve()))
    else:
        data = Data(str(about.get("hf_hub_url") or about.get("ms_hub_url") or name))
    columns = about.get("columns") or {}
    if "messages" in columns:
        data.parameters["messages"] = str(columns["messages"])
    elif "prompt" in columns and "response" in columns:
        data.parameters = {"prompt": _with(columns["prompt"], columns.get("query")),
                           "completion": str(columns["response"])}  # fmt: skip
    elif "prompt" in columns and set(columns) == {"prompt"}:
        data.parameters["text"] = str(columns["prompt"])
    if data.parameters and "text" not in data.parameters and columns.get("system"):
        data.parameters["system"] = str(columns["system"])
    if about.get("tags"):
        data.notes.append("tags are not taken: roles and texts are found by the names in use")
    return data


def _trl(left: dict[str, Any], folder: Path) -> list[Data]:
    mixture = left.pop("dataset_mixture", left.pop("datasets", None))
    entries = mixture.get("datasets", ()) if isinstance(mixture, Mapping) else mixture or ()
    found = [_of_files(entry, folder) for entry in entries if isinstance(entry, Mapping)]
    if name := left.pop("dataset_name", None):
        found.append(Data(_there(str(name), folder)))
    for key in ("dataset_config", "dataset_train_split", "dataset_test_split"):
        left.pop(key, None)
    if column := left.pop("dataset_text_field", None):
        for data in found:
            data.parameters = {} if column == "text" else {"text": str(column)}
    return found


# --- steps --------------------------------------------------------------------------------------


def _steps(made: Meant, left: dict[str, Any]) -> None:
    _method(made, left)
    names = {**registry.find("train").other_names, **_ALSO}
    parameters = check.parameters(registry.find("train"))
    for key in ("sequence_len", "cutoff_len", "max_length", "max_seq_length"):
        if (length := left.pop(key, None)) is not None:
            made.tokenize["max_length"] = length
    for key in ("val_set_size", "val_size"):
        if (val := left.pop(key, None)) is not None:
            made.split["val"] = val
    if left.pop("train_on_inputs", False) or left.pop("train_on_prompt", False):
        made.tokenize["train_on_source"] = True
    made.dedup = bool(left.pop("dataset_exact_deduplication", False))
    made.seed = left.pop("seed", None)
    for half in ("bf16", "fp16"):
        if left.get(half) is True or left.get(half) == "auto":
            made.train["precision"] = "auto" if left[half] == "auto" else half
    for key, value in left.items():
        name = names.get(key, key)
        if value is None or value is False or key in _SILENT.split():
            continue
        if name not in parameters or name == "precision":
            made.not_taken[key] = check.shown(value) if not isinstance(value, Mapping) else "…"
            continue
        _take(made, key, name, value)
    for name, value in _DEFAULTS[made.trainer].items():
        if not (name in ("rank", "alpha") and made.train["method"] == "full"):
            made.train.setdefault(name, value)
    if made.trainer == "LLaMA-Factory" and made.train["method"] != "full":
        made.train.setdefault("alpha", 2.0 * made.train["rank"])
    if "warmup_steps" in made.train:
        made.train.pop("warmup", None)


def _method(made: Meant, left: dict[str, Any]) -> None:
    """How weights are trained: axolotl's adapter, LLaMA-Factory's finetuning_type, TRL's peft."""
    adapter = left.pop("adapter", None)
    kind = left.pop("finetuning_type", None)
    peft = left.pop("use_peft", False)
    bits = left.pop("quantization_bit", None)
    bits = 4 if left.pop("load_in_4bit", False) else bits
    bits = 8 if left.pop("load_in_8bit", False) else bits
    left.pop("stage", None)
    if kind not in (None, "lora", "full"):
        made.not_taken["finetuning_type"] = str(kind)
    lora = adapter in ("lora", "qlora") or kind == "lora" or peft
    made.train["method"] = ("qlora" if bits or adapter == "qlora" else "lora") if lora else "full"
    if bits and lora:
        made.train["bits"] = bits
    if left.pop("lora_target_linear", False):
        made.train["targets"] = ["all-linear"]


def _take(made: Meant, key: str, name: str, value: Any) -> None:
    """A parameter of train, in its type; what has none goes to what was not taken."""
    kind, about = check.parameters(registry.find("train"))[name]
    if name == "targets" or name == "modules_to_save":
        value = value.split(",") if isinstance(value, str) else value
        value = ["all-linear" if one == "all" else one for one in value]
    elif name == "checkpoint_layers":
        value = int(bool(value))
    elif name == "optimizer":
        value = _OPTIMIZERS.get(str(value), value)
    elif name == "schedule":
        value = _SCHEDULES.get(str(value), value)
    elif isinstance(value, str):
        value = _number(value)
    elif isinstance(value, float) and value.is_integer() and kind is not float:
        value = int(value)
    wrong = check.problem_with(value, kind, about.metadata.get("range"))
    if wrong is None:
        made.train[name] = value
    else:
        made.not_taken[key] = f"{check.shown(value)} ({name} {wrong})"


def _number(text: str) -> Any:
    """The number that a text is, as YAML 1.1 leaves 1e-4; else the text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
