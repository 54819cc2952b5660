"""The model that is trained: loading, adapters, precision, loss of one packed row.

Documents of a row are told apart by positions that begin again at 0, without a mask and without
a cache; `isolates` checks on the model itself that this holds (a mask of ones or the cache would
let documents see each other, silently).
"""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from stages.check import nearest
from stages.corpus import write_json
from stages.errors import SeedbedError, UsageError
from stages.require import require
from stages.tokens.foreign import garbled, read_object

Method = Literal["lora", "qlora", "full"]
Precision = Literal["auto", "fp32", "bf16"]
Device = Literal["auto", "cpu", "cuda"]

LARGEST = 1 << 27  # of a number in config.json, and bytes of a safetensors header

# Mean difference in nats that is rounding; a row whose documents see each other differs by 0.3
# and more (a random 2-layer Llama and SmolLM2).
ISOLATED = {"fp32": 1e-3, "bf16": 0.1}
# Flags of a CPU that multiplies bf16 natively; elsewhere bf16 is emulated and slower than fp32.
BF16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")


def folder_of(name: str) -> Path:
    """The folder of a model: a path, or a name that the tokens room knows."""
    if Path(name).is_dir():
        return Path(name)
    from stages.tokens.model import model_folder

    return Path(model_folder(name))


def base_name(name: str) -> str:
    """What the model is called in what is written: never a path of this machine."""
    return Path(name).name or name


def device_of(device: Device) -> str:
    """`cuda` or `cpu`; UsageError for a GPU that is not there."""
    torch = require("torch", "train")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("device cuda: torch sees no GPU here; use device cpu or auto")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def precision_of(precision: Precision, device: str) -> Literal["fp32", "bf16"]:
    """What `auto` means here: bf16 where the hardware multiplies it, else fp32."""
    if precision != "auto":
        return precision
    torch = require("torch", "train")
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    with contextlib.suppress(OSError):
        flags = Path("/proc/cpuinfo").read_text().split()
        return "bf16" if not set(BF16_FLAGS).isdisjoint(flags) else "fp32"
    return "fp32"


def check_files(folder: Path) -> None:
    """UsageError for a folder that is no model, or whose configuration cannot belong to it."""
    if (folder / "adapter_config.json").exists():
        raise UsageError(
            f"{folder} is an adapter, not a whole model: name its base model, or merge the two"
        )
    path = folder / "config.json"
    if not path.is_file():
        raise UsageError(f"{folder} has no config.json; name the folder of a whole model")
    config = read_object(path)
    tensors = sum(_tensors_in(file) for file in sorted(folder.glob("*.safetensors")))
    if not tensors:
        raise UsageError(
            f"{folder} has no .safetensors file; weights of other kinds can run code when they "
            "are loaded and are not read: save it with safe_serialization=True"
        )
    for name, value in config.items():
        layers = name.endswith(("layers", "n_layer"))
        sizes = layers or name.endswith(("_size", "_heads", "_dim", "_experts"))
        if isinstance(value, int) and (
            (sizes and abs(value) >= LARGEST) or (layers and value > tensors)
        ):
            raise garbled(path, f"{name} is {value}, and the folder holds {tensors} tensors")
        if name.endswith("attn_implementation") and "/" in str(value):
            raise garbled(path, f"{name} names code of a hub, which is not run")


def _tensors_in(path: Path) -> int:
    """How many tensors the header of a safetensors file names."""
    try:
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > LARGEST or size + 8 > path.stat().st_size:
                raise ValueError(f"its header of {size} bytes is cut off")
            header = json.loads(file.read(size))
        return len(header)
    except (ValueError, RecursionError, TypeError) as error:
        raise garbled(path, error) from None


def load_base(folder: Path, method: Method, precision: str, device: str) -> Any:
    """The base model in evaluation mode; frozen weights in the training precision."""
    check_files(folder)
    torch = require("torch", "train")
    transformers = require("transformers", "train")
    # Weights that are trained stay in fp32, or small updates are lost to rounding.
    frozen = method != "full" and precision == "bf16"
    options: dict[str, Any] = {"dtype": torch.bfloat16 if frozen else torch.float32}
    if method == "qlora":
        require("bitsandbytes", "qlora")
        options["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
        )
        options["device_map"] = device
    with _quiet(transformers):
        try:
            model = transformers.AutoModelForCausalLM.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                **options,
            )
        except (KeyboardInterrupt, SeedbedError):
            raise
        except BaseException as error:  # anything that a foreign file can do to its readers
            first = str(error).strip().partition("\n")[0][:300]
            raise UsageError(
                f"{folder} is no causal language model: {type(error).__name__}: {first}; "
                "get its files anew"
            ) from None
    model = model if method == "qlora" else model.to(device)
    model.config.use_cache = False
    return model.eval()


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No progress bars of others while a model is loaded."""
    shown = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers.utils.logging.enable_progress_bar()


def linear_names(model: Any) -> dict[str, int]:
    """name → how many: the last names of the model's linear layers, without the output layer."""
    torch = require("torch", "train")
    head = model.get_output_embeddings()
    found: dict[str, int] = {}
    for path, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and module is not head:
            last = path.rpartition(".")[2]
            found[last] = found.get(last, 0) + 1
    return found


def add_adapter(
    model: Any, *, rank: int, alpha: float, dropout: float, targets: Sequence[str]
) -> Any:
    """The model with LoRA layers; the seed for their start must have been set."""
    peft = require("peft", "train")
    known = linear_names(model)
    names = sorted(known) if list(targets) == ["all-linear"] else list(targets)
    for name in names:
        if name not in known:
            raise UsageError(
                f"train.targets: the model has no linear layer {name!r}"
                + (nearest(name, known) or f"; it has {', '.join(sorted(known))}")
            )
    config = peft.LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=names, task_type="CAUSAL_LM"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for an old name
        return peft.get_peft_model(model, config)


def trained(model: Any) -> dict[str, Any]:
    """name → parameter, for what is trained, in the model's order."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def row_of(documents: Sequence[tuple[Any, Any]], device: str) -> dict[str, Any]:
    """Tensors of one packed row: ids, positions, where a target is predicted, and the targets."""
    torch = require("torch", "train")
    ids = np.concatenate([tokens for tokens, _ in documents]).astype(np.int64)
    positions = np.concatenate([np.arange(len(tokens)) for tokens, _ in documents])
    targets = np.flatnonzero(np.concatenate([wanted for _, wanted in documents]))
    tensors = {
        "ids": torch.from_numpy(ids)[None],
        "positions": torch.from_numpy(positions)[None],
        "predicting": torch.from_numpy(targets - 1),
        "targets": torch.from_numpy(ids[targets]),
    }
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def row_losses(model: Any, row: dict[str, Any], precision: str) -> Any:
    """Cross-entropy in fp32 of each trained-on token of a row, in nats.

    Logits are made for the predicting positions only: the output layer is a fifth of a small
    model's work, and prompts need none of it.
    """
    torch = require("torch", "train")
    with torch.autocast(row["ids"].device.type, torch.bfloat16, enabled=precision == "bf16"):
        logits = model(
            input_ids=row["ids"],
            position_ids=row["positions"],
            use_cache=False,
            logits_to_keep=row["predicting"],
        ).logits[0]
    return torch.nn.functional.cross_entropy(logits.float(), row["targets"], reduction="none")


def isolates(model: Any, precision: str, device: str) -> bool:
    """Whether the second document of a packed row is read as if it stood alone."""
    torch = require("torch", "train")
    vocabulary = int(model.get_input_embeddings().weight.shape[0])
    ids = np.arange(7, 7 + 24) % vocabulary
    counted = np.arange(12) > 0
    one, two = (ids[:12], counted), (ids[12:], counted)
    with torch.no_grad():
        alone = row_losses(model, row_of([two], device), precision)
        packed = row_losses(model, row_of([one, two], device), precision)[-len(alone) :]
    return bool((alone - packed).abs().mean() < ISOLATED[precision])


def save_trained(model: Any, out: Path, method: Method, model_name: str) -> None:
    """Write what was trained: an adapter that `PeftModel.from_pretrained` reads, or a model."""
    if method == "full":
        model.config.name_or_path = ""
        model.save_pretrained(out, safe_serialization=True)
        return
    peft = require("peft", "train")
    torch = require("safetensors.torch", "train")
    state = peft.get_peft_model_state_dict(model)
    tensors = {name: value.detach().cpu().contiguous() for name, value in sorted(state.items())}
    torch.save_file(tensors, out / "adapter_model.safetensors", metadata={"format": "pt"})
    config = model.peft_config["default"].to_dict()
    config["base_model_name_or_path"] = base_name(model_name)
    config["inference_mode"] = True
    # Sets would come out in another order in each process.
    write_json(out / "adapter_config.json", json.loads(json.dumps(config, default=_plain)))


def _plain(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(value)
    return getattr(value, "value", None) or str(value)


def set_threads(threads: int) -> None:
    """Waiting threads must sleep: spinning ones cost six times the CPU on a shared machine.

    Works only before torch is imported for the first time in the process.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    require("torch", "train").set_num_threads(threads)
