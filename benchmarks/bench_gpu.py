"""Training on one GPU: tokens a second, share of the peak, memory beside the estimate.

    python -m benchmarks.bench_gpu [--tiny] [--seconds 20] [--peer]

Models of random weights in the shapes of known ones are made on the device at once, so nothing is
fetched; lengths are drawn from a log-normal distribution like that of instruction data (median 180
tokens, sigma 1), cut at the row. A line is printed as soon as it is known. The share of the peak is
by 4 N operations a token for LoRA (N: all weights but the embeddings), without attention, and the
peak is that of dense bf16. --peer: transformers' Trainer with peft on the same packed rows, and
padded in batches of four. --tiny: small shapes on the CPU, which shows that the script is whole.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.measure import header, table

# layers, width, inner width, heads, heads of keys, vocabulary
SHAPES: dict[str, tuple[int, int, int, int, int, int]] = {
    "135M": (30, 576, 1536, 9, 3, 49_152),
    "1.7B": (24, 2048, 8192, 32, 32, 49_152),
    "3B": (28, 3072, 8192, 24, 8, 128_256),
    "8B": (32, 4096, 14_336, 32, 8, 128_256),
    "tiny": (2, 64, 128, 4, 2, 997),
}


@dataclass(frozen=True)
class Setting:
    """One line of the table."""

    shape: str
    method: str = "lora"
    row: int = 8192
    checkpoint: int = 0


SETTINGS = (
    Setting("8B", row=8192, checkpoint=1),
    Setting("8B", row=8192, checkpoint=2),
    Setting("8B", row=4096),
    Setting("8B", method="qlora", row=8192, checkpoint=1),
    Setting("3B", row=8192),
    Setting("1.7B", row=8192),
    Setting("135M", row=8192),
)
TINY = (Setting("tiny", row=128), Setting("tiny", row=128, checkpoint=1))
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "4090": 165e12, "L4": 121e12}


def config_of(name: str) -> Any:
    """The configuration of a Llama of this shape."""
    from transformers import LlamaConfig

    layers, width, inner, heads, keys, vocabulary = SHAPES[name]
    return LlamaConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=inner,
        num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=keys,
        max_position_embeddings=8192, tie_word_embeddings=name == "135M",
    )  # fmt: skip


def model_of(setting: Setting, device: str) -> Any:
    """A model with random weights in half precision, or four bits, and its adapter."""
    import torch
    from transformers import AutoModelForCausalLM

    from stages.train import model as models
    from stages.train.adapter import Settings, add_adapter

    torch.manual_seed(0)
    kind = torch.bfloat16
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config_of(setting.shape), dtype=kind)
    if setting.method == "qlora":
        _quantize(model, device)
    model.config.use_cache = False
    made = add_adapter(model, Settings())
    models.recompute(made, setting.checkpoint)
    return made


def _quantize(model: Any, device: str) -> None:
    """Put layers of four bits in the place of the linear ones, one at a time."""
    import bitsandbytes
    import torch

    for path, module in list(model.named_modules()):
        if not isinstance(module, torch.nn.Linear) or module is model.get_output_embeddings():
            continue
        above, _, name = path.rpartition(".")
        layer = bitsandbytes.nn.Linear4bit(
            module.in_features, module.out_features, bias=False, quant_type="nf4",
            compute_dtype=torch.bfloat16,
        )  # fmt: skip
        layer.load_state_dict(module.state_dict())
        setattr(model.get_submodule(above), name, layer.to(device))


def rows_of(setting: Setting) -> Iterator[list[tuple[Any, Any]]]:
    """Packed rows without end: lengths as in instruction data, two thirds of a document trained."""
    from stages.tokens.packing import pack

    vocabulary = SHAPES[setting.shape][-1]
    drawn = np.random.default_rng(0)
    while True:
        lengths = np.exp(drawn.normal(np.log(180), 1.0, 400)).astype(int).clip(8, setting.row)
        for row in pack(lengths.tolist(), setting.row)[:-1]:
            yield [
                (
                    drawn.integers(3, vocabulary, lengths[at]),
                    np.arange(lengths[at]) > lengths[at] // 3,
                )
                for at in row
            ]


def ours(setting: Setting, device: str, seconds: float) -> dict[str, float]:
    """tokens a second and the peak of memory, the first steps left out."""

    from stages.train import model as models
    from stages.train.loss import row_of
    from stages.train.optimizer import Settings as Optimization
    from stages.train.optimizer import optimizer_of
    from stages.train.step import step

    model = model_of(setting, device)
    way = models.way_of(model, "auto", "bf16", device)
    trained = {n: value for n, value in model.named_parameters() if value.requires_grad}
    optimizer = optimizer_of(trained, Optimization())
    rows = rows_of(setting)

    def one() -> int:
        documents = next(rows)
        targets = sum(int(wanted.sum()) for _, wanted in documents)
        step(
            model, optimizer, [row_of(documents, device)],
            targets=targets, lr=1e-4, clip=1.0, precision="bf16",
        )  # fmt: skip
        return sum(len(ids) for ids, _ in documents)

    found = _timed(one, device, seconds)
    return {**found, "way": float(way == "documents"), "parameters": float(_counted(model))}


def peer(setting: Setting, device: str, seconds: float, padded: bool) -> dict[str, float]:
    """The same by the step that transformers' Trainer takes: whole logits, SDPA, AdamW."""
    import torch

    model = model_of(setting, device).train()
    if setting.checkpoint:
        model.get_base_model().gradient_checkpointing_enable()
        model.enable_input_require_grads()
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, 1e-4, fused=device == "cuda")
    rows = rows_of(setting)

    def one() -> int:
        documents = next(rows)
        groups = [documents[at : at + 4] for at in range(0, len(documents), 4)]
        for some in groups if padded else [documents]:
            with torch.autocast(device, torch.bfloat16):
                loss = model(**_batch(some, padded, device), use_cache=False).loss
            (loss / (len(groups) if padded else 1)).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return sum(len(ids) for ids, _ in documents)

    return _timed(one, device, seconds)


def _batch(documents: list[tuple[Any, Any]], padded: bool, device: str) -> dict[str, Any]:
    import torch

    if not padded:
        ids = np.concatenate([one for one, _ in documents])
        wanted = np.concatenate([mask for _, mask in documents])
        positions = np.concatenate([np.arange(len(one)) for one, _ in documents])
        made = {"input_ids": ids, "labels": np.where(wanted, ids, -100), "position_ids": positions}
        return {k: torch.from_numpy(v)[None].to(device) for k, v in made.items()}
    longest = max(len(one) for one, _ in documents)
    ids = np.zeros((len(documents), longest), np.int64)
    labels, mask = np.full_like(ids, -100), np.zeros_like(ids)
    for at, (one, wanted) in enumerate(documents):
        ids[at, : len(one)], mask[at, : len(one)] = one, 1
        labels[at, : len(one)] = np.where(wanted, one, -100)
    made = {"input_ids": ids, "labels": labels, "attention_mask": mask}
    return {k: torch.from_numpy(v).to(device) for k, v in made.items()}


def _timed(one: Any, device: str, seconds: float) -> dict[str, float]:
    import torch

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    for _ in range(2):
        one()
    wait()
    rates: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(rates) < 3:
        begin = time.perf_counter()
        tokens = one()
        wait()
        rates.append(tokens / (time.perf_counter() - begin))
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else 0
    return {"rate": statistics.median(rates), "bytes": float(peak)}


def _counted(model: Any) -> int:
    """Weights but the embeddings' and the adapter's, those of four bits in full."""
    config = model.config
    layers, width = config.num_hidden_layers, config.hidden_size
    keys = width * config.num_key_value_heads // config.num_attention_heads
    each = 2 * width * width + 2 * width * keys + 3 * width * config.intermediate_size
    return layers * each + config.vocab_size * width


def estimated(setting: Setting) -> float:
    """Bytes that `plan` says."""
    from stages.train.estimate import Setup, memory
    from stages.train.shape import shape_of_config

    shape = shape_of_config(config_of(setting.shape).to_dict())
    method: Any = setting.method
    setup = Setup(method=method, row=setting.row, checkpoint=setting.checkpoint)
    return memory(shape, setup).total


def main() -> None:
    """Print a line a setting, and the table in the end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    import torch

    device = "cpu" if given.tiny or not torch.cuda.is_available() else "cuda"
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    peak = next((value for key, value in PEAKS.items() if key in name), None)
    header("gpu", "torch", "transformers", "peft")
    print(f"device {name}", flush=True)
    shown = []
    for setting in TINY if device == "cpu" else SETTINGS:
        found = ours(setting, device, given.seconds)
        ratios = ["–", "–"]
        if given.peer:
            for at, padded in enumerate((False, True)):
                _freed(device)
                try:
                    theirs = peer(setting, device, given.seconds / 2, padded)
                    ratios[at] = f"{found['rate'] / theirs['rate']:.2f}"
                except torch.OutOfMemoryError:
                    ratios[at] = "out of memory"
        _freed(device)
        share = 4 * found["parameters"] * found["rate"] / peak if peak else 0.0
        told = estimated(setting) / 1e9
        line = (
            f"{setting.shape} {setting.method} row {setting.row} checkpoint {setting.checkpoint}",
            round(found["rate"]), f"{share:.1%}" if peak else "–",
            f"{found['bytes'] / 1e9:.1f}", f"{told:.1f}", *ratios,
        )  # fmt: skip
        print(*line, sep="  ", flush=True)
        shown.append(line)
    names = (
        "setting",
        "tokens/s",
        "of the peak",
        "GB",
        "GB told by plan",
        "to packed",
        "to padded",
    )
    table(names, shown)


def _freed(device: str) -> None:
    import gc

    import torch

    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
