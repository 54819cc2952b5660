"""Train on a random model of two layers and a corpus of counting sequences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from stages import Train
from stages.corpus import write_corpus
from stages.records import REJECTS
from stages.testing import Case

VOCABULARY = 97
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("input_ids", pa.list_(pa.int32())),
        ("loss_mask", pa.list_(pa.bool_())),
        ("length", pa.int32()),
    ]
)


def tiny_model(folder: Path, vocabulary: int = VOCABULARY) -> Path:
    """A Llama of 2 layers and width 32 with random weights, made once a folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    path = folder / "tiny-llama"
    if not path.exists():
        torch.manual_seed(1)
        config = LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            bos_token_id=0,
            eos_token_id=1,
        )
        LlamaForCausalLM(config).save_pretrained(path)
    return path


def counting(number: int, length: int, prompt: int = 3) -> dict[str, Any]:
    """A record that counts up in steps of 1 to 3; its first tokens are not trained on."""
    start, stride = 2 + number * 7, 1 + number % 3
    ids = [2 + (start + stride * place) % (VOCABULARY - 2) for place in range(length)]
    mask = [place >= prompt for place in range(length)]
    return {"input_ids": ids, "loss_mask": mask, "length": length}


def tiny_corpus(path: Path, train: int = 24, val: int = 6, **manifest: Any) -> Path:
    """A tokens corpus of records of unequal length in two pieces."""
    rows = []
    for number in range(train + val):
        split = "train" if number < train else "val"
        record = counting(number, 6 + (number * 5) % 17)
        rows.append({"id": f"{number:032x}", "split": split, **record})
    middle = len(rows) // 2
    pieces = [
        (pa.Table.from_pylist(part, schema=SCHEMA), REJECTS.empty_table())
        for part in (rows[:middle], rows[middle:])
    ]
    sources = [{"name": "counting", "license": "CC0-1.0"}]
    write_corpus(path, "tokens", pieces, {"sources": sources, **manifest})
    return path


def tiny(folder: Path, **parameters: Any) -> Train:
    """A stage that trains in a second: dropout on, every step matters."""
    given = {"rank": 4, "dropout": 0.1, "batch": 6, "micro_tokens": 40, "lr": 0.01, "save_every": 2}
    common = {"threads": 1, "device": "cpu", "precision": "fp32", "model": str(tiny_model(folder))}
    return Train(**{**common, **given, **parameters})


def nothing(done: int, total: int) -> None:
    """No progress is shown."""


def train(stage: Train, source: Path, folder: Path, progress: Any = nothing) -> Path:
    """Run into `folder/out` with `folder/work` for checkpoints."""
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    stage.run(source, out, folder / "work", progress)
    return out


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def recorded(out: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a table that training recorded."""
    rows: list[dict[str, Any]] = pa.ipc.open_file(out / "recorded" / name).read_all().to_pylist()
    return rows


def cases(folder: Path) -> list[Case]:
    """One short run; an end stage has no reasons."""
    model = tiny_model(folder)
    stage = Train(model=str(model), batch=8, epochs=1, threads=1, precision="fp32", device="cpu")
    return [Case(stage, path=str(tiny_corpus(folder / "tokens")))]
