"""The model that is trained: its files, how it is loaded, and how it takes packed rows."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from stages.errors import SeedbedError, UsageError
from stages.require import require
from stages.tokens.foreign import garbled, read_object
from stages.train import attention
from stages.train.loss import DTYPES, row_losses, row_of
from stages.train.packing import isolates

__all__ = ["isolates", "row_losses", "row_of"]

Method = Literal["lora", "qlora", "full"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Device = Literal["auto", "cpu", "cuda"]

LARGEST = 1 << 27  # of a number in config.json, and bytes of a safetensors header

Attention = Literal["auto", "documents", "positions", "alone"]
# Flags of a CPU that multiplies bf16 natively; elsewhere bf16 is emulated and slower than fp32.
BF16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")


def folder_of(name: str) -> Path:
    """The folder of a model: a path, or a name that the tokens room knows."""
    if Path(name).is_dir():
        return Path(name)
    from stages.tokens.model import model_folder

    return Path(model_folder(name))


def device_of(device: Device) -> str:
    """`cuda` or `cpu`; UsageError for a GPU that is not there."""
    torch = require("torch", "train")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("device cuda: torch sees no GPU here; use device cpu or auto")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def precision_of(precision: Precision, device: str) -> Literal["fp32", "bf16", "fp16"]:
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


@dataclass(frozen=True)
class Quantization:
    """bits of a frozen weight: 4, 8, or 16 for none. kind: nf4 or fp4, of four bits. double: the
    scales are quantized as well. memory: GiB of each GPU that the weights may take."""

    bits: int = 4
    kind: str = "nf4"
    double: bool = True
    memory: int | None = None


def load_base(
    folder: Path,
    method: Method,
    precision: str,
    device: str,
    quantization: Quantization = Quantization(),
) -> Any:
    """The base model in evaluation mode; frozen weights in the training precision."""
    check_files(folder)
    torch = require("torch", "train")
    transformers = require("transformers", "train")
    # Weights that are trained stay in fp32, or small updates are lost to rounding.
    half = getattr(torch, DTYPES[precision])
    options: dict[str, Any] = {"dtype": torch.float32 if method == "full" else half}
    quantized = method == "qlora" and quantization.bits < 16
    if quantized:
        require("bitsandbytes", "qlora")
        options["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=quantization.bits == 4,
            load_in_8bit=quantization.bits == 8,
            bnb_4bit_quant_type=quantization.kind,
            bnb_4bit_use_double_quant=quantization.double,
            bnb_4bit_compute_dtype=half,
        )
        options["device_map"] = device
    if quantization.memory is not None and device == "cuda":
        gpus = range(torch.cuda.device_count())
        options["device_map"] = "auto"
        options["max_memory"] = {gpu: f"{quantization.memory}GiB" for gpu in gpus}
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
    model = model if "device_map" in options else model.to(device)
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


def trained(model: Any) -> dict[str, Any]:
    """name → parameter, for what is trained, in the model's order."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def recompute(model: Any, every: int) -> None:
    """Keep no activations within every `every`-th layer and make them again in the backward pass
    (Chen et al. 2016); 0: keep all."""
    if not every:
        return
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    layers = [one for one in base.modules() if getattr(one, "gradient_checkpointing", False)]
    blocks = [one for one in layers if one is not base and one is not base.base_model]
    for number, one in enumerate(blocks):
        one.gradient_checkpointing = number % every == 0


def way_of(model: Any, wanted: Attention, precision: str, device: str) -> Attention:
    """How the model takes several documents in a row: the best way that `isolates`, or `wanted`.

    documents: attention within each (`attention`). positions: positions that begin again at 0,
    from which transformers makes a mask. alone: a row for each document. The model is left set
    to it; UsageError for a wanted way that mixes documents.
    """
    own = getattr(model.config, "_attn_implementation", None)
    if wanted in ("auto", "documents"):
        if _set(model, attention.register()) and isolates(model, precision, device):
            return "documents"
        _set(model, own)
    if wanted in ("auto", "positions") and isolates(model, precision, device):
        return "positions"
    if wanted in ("auto", "alone"):
        return "alone"
    raise UsageError(
        f"attention {wanted}: with it documents of one row would see each other in this model; "
        "use attention auto"
    )


def _set(model: Any, name: str | None) -> bool:
    """Choose the attention of a model; False where it is not free to be chosen."""
    try:
        model.set_attn_implementation(name)
    except Exception:  # each architecture refuses in its own way
        return False
    return getattr(model.config, "_attn_implementation", None) == name


@contextlib.contextmanager
def plainly(model: Any) -> Iterator[None]:
    """The model with an attention that needs no rows of documents, as for writing text."""
    own = getattr(model.config, "_attn_implementation", None)
    if own != attention.NAME:
        yield
        return
    _set(model, "sdpa")
    try:
        yield
    finally:
        _set(model, own)


def save_model(model: Any, out: Path, state: Mapping[str, Any] | None = None) -> None:
    """Write a model whose weights were all trained. state: them, where no process has all."""
    model.config.name_or_path = ""
    model.save_pretrained(out, state_dict=state, safe_serialization=True)


def set_threads(threads: int) -> None:
    """Waiting threads must sleep: spinning ones cost six times the CPU on a shared machine.

    Works only before torch is imported for the first time in the process.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    require("torch", "train").set_num_threads(threads)
