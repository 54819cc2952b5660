"""Checkpoints that a kill at any moment leaves whole: written aside, flushed, renamed; two kept.

Tensors are safetensors, the rest is JSON: nothing that is read back can run code. No generator's
state is stored: every step seeds its own (see `loop`), and the order of the data is a function.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.corpus import write_json
from stages.require import require

KEPT = 2
_NAME = re.compile(r"checkpoint-(\d{8})")


def save(work: Path, position: int, state: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
    """Store a checkpoint at a position; the one before it stays, older ones go.

    A position stands for one state: what is stored there already is left as it is.
    """
    save_file = require("safetensors.torch", "train").save_file
    work.mkdir(parents=True, exist_ok=True)
    final = work / f"checkpoint-{position:08d}"
    if final.exists():
        return
    aside = work / f".{final.name}.{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, aside / "tensors")
    _flush(aside / "tensors")
    write_json(aside / "state.json", state)
    _flush(aside)
    aside.rename(final)
    _flush(work)
    _clean(work)


def latest(work: Path, key: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """(state, tensors) of the newest checkpoint made under `key`; None when there is none."""
    load_file = require("safetensors.torch", "train").load_file
    if not work.is_dir():
        return None
    _clean(work)
    for folder in _checkpoints(work):
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        if state.get("key") == key:
            return state, load_file(folder / "tensors")
        shutil.rmtree(folder)
    return None


def _checkpoints(work: Path) -> list[Path]:
    """The newest first."""
    return sorted((p for p in work.iterdir() if _NAME.fullmatch(p.name)), reverse=True)


def _clean(work: Path) -> None:
    for folder in _checkpoints(work)[KEPT:]:
        shutil.rmtree(folder)
    for path in work.iterdir():
        if path.name.startswith(".checkpoint-"):
            shutil.rmtree(path, ignore_errors=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def training_tensors(parameters: Mapping[str, Any], optimizer: Any) -> dict[str, Any]:
    """The trained parameters and the optimizer's moments under flat names."""
    tensors = {f"parameter/{name}": value for name, value in parameters.items()}
    names = list(parameters)
    for number, moments in optimizer.state_dict()["state"].items():
        for kind, value in moments.items():
            tensors[f"{kind}/{names[number]}"] = value
    return tensors


def restore(parameters: Mapping[str, Any], optimizer: Any, tensors: Mapping[str, Any]) -> None:
    """Put stored tensors back, bit for bit."""
    torch = require("torch", "train")
    numbers = {name: number for number, name in enumerate(parameters)}
    moments: dict[int, dict[str, Any]] = {}
    with torch.no_grad():
        for key, value in tensors.items():
            kind, _, name = key.partition("/")
            if kind == "parameter":
                parameters[name].copy_(value)
            else:
                moments.setdefault(numbers[name], {})[kind] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
