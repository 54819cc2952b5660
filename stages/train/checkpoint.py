"""Checkpoints that a kill at any moment leaves whole: written aside, flushed, renamed; two kept.

The hashes of all that a checkpoint stands on are written last and verified when it is read: a
damaged one is told and left for the one before it. Tensors are safetensors, the rest is JSON:
nothing that is read back can run code. No generator's state is stored: every step seeds its own
(see `loop`), and the order of the data is a function.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.corpus import flush, sha256_of, write_json
from stages.require import require

KEPT = 2
HASHES = "hashes.json"
_NAME = re.compile(r"checkpoint-(\d{8})")


def save(
    work: Path,
    position: int,
    state: Mapping[str, Any],
    tensors: Mapping[str, Any],
    beside: Mapping[str, int],
) -> None:
    """Store a checkpoint at a position; the one before it stays, older ones go.

    A position stands for one state: what is stored there already is left as it is.
    beside: files of `work` that the checkpoint needs, and how many bytes of each.
    """
    save_file = require("safetensors.torch", "train").save_file
    if not work.is_dir():
        work.mkdir(parents=True)
        flush(work.parent)
    final = work / f"checkpoint-{position:08d}"
    if final.exists():
        return
    aside = work / f".{final.name}.{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, aside / "tensors")
    flush(aside / "tensors")
    write_json(aside / "state.json", state)
    hashes: dict[str, Any] = {
        "files": {name: sha256_of(aside / name) for name in ("state.json", "tensors")},
        "beside": {name: [size, sha256_of(work / name, 0, size)] for name, size in beside.items()},
    }
    write_json(aside / HASHES, hashes)
    flush(aside)
    aside.rename(final)
    flush(work)
    _clean(work)


def latest(work: Path, key: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """(state, tensors) of the newest whole checkpoint made under `key`; None without one."""
    if not work.is_dir():
        return None
    _clean(work)
    for folder in _checkpoints(work):
        try:
            state, tensors = _verified(folder)
        except _Damaged as damage:
            print(
                f"seedbed: train: {folder.name} is damaged ({damage}) and is not used; training "
                "goes on from the one before it, or from the start",
                file=sys.stderr,
            )
        else:
            if state.get("key") == key:
                return state, tensors
        _remove(folder)
    return None


class _Damaged(Exception):
    """A checkpoint is not as it was written; the text says where."""


def _verified(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a checkpoint holds; raises _Damaged when that, or the log beside it, has changed."""
    load_file = require("safetensors.torch", "train").load_file
    try:
        hashes = json.loads((folder / HASHES).read_text(encoding="utf-8"))
        for name in ("state.json", "tensors"):
            if sha256_of(folder / name) != hashes["files"][name]:
                raise _Damaged(f"{name} has changed")
        for name, (size, digest) in hashes["beside"].items():
            if sha256_of(folder.parent / name, 0, size) != digest:
                raise _Damaged(f"{name} has changed")
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        return dict(state), load_file(folder / "tensors")
    except _Damaged:
        raise
    except FileNotFoundError as error:
        raise _Damaged(f"{Path(error.filename).name} is missing") from None
    except Exception as error:  # what changed bytes make of JSON, its shape, a header of tensors
        raise _Damaged(f"{type(error).__name__}: {error}") from None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _checkpoints(work: Path) -> list[Path]:
    """The newest first."""
    return sorted((p for p in work.iterdir() if _NAME.fullmatch(p.name)), reverse=True)


def _clean(work: Path) -> None:
    for folder in _checkpoints(work)[KEPT:]:
        _remove(folder)
    for path in work.iterdir():
        if path.name.startswith(".checkpoint-"):
            _remove(path)


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
