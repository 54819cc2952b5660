"""Checkpoints that a kill at any moment leaves whole: written aside, flushed, renamed.

The last two are kept, and the one of the best validation.

The hashes of all that a checkpoint stands on are written last and verified when it is read: a
damaged one is told and left for the one before it. Tensors are safetensors, the rest is JSON:
nothing that is read back can run code. No generator's state is stored: every step seeds its own
(see `loop`), and the order of the data is a function.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.corpus import sha256_of, write_json
from stages.disk import flush
from stages.errors import StageFailed
from stages.require import require
from stages.train.optimizer import parameters_of
from stages.train.sharding import parted, whole

KEPT = 2
HASHES = "hashes.json"
_NAME = re.compile(r"checkpoint-(\d{8})")


def save(
    work: Path,
    position: int,
    state: Mapping[str, Any],
    tensors: Mapping[str, Any],
    beside: Mapping[str, int],
    best: int | None = None,
) -> Path:
    """Store a checkpoint at a position; its folder. The one before it stays, older ones go.

    A position stands for one state: what is stored there already is left as it is.
    beside: files of `work` that the checkpoint needs, and how many bytes of each. best: the
    position of one that stays.
    """
    save_file = require("safetensors.torch", "train").save_file
    if not work.is_dir():
        work.mkdir(parents=True)
        flush(work.parent)
    final = _at(work, position)
    if final.exists():
        return final
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
    _clean(work, best)
    return final


def _at(work: Path, position: int) -> Path:
    return work / f"checkpoint-{position:08d}"


def at(work: Path, position: int) -> dict[str, Any]:
    """The tensors of the checkpoint at a position; StageFailed when it is damaged."""
    try:
        return _verified(_at(work, position))[1]
    except _Damaged as damage:
        raise StageFailed(
            f"the checkpoint {_at(work, position)} is damaged ({damage}): take the last one "
            "(result: last), or train anew"
        ) from None


def states(work: Path) -> Iterator[dict[str, Any]]:
    """The states of the checkpoints, the newest first; what is damaged is passed over. Tensors are
    not looked at."""
    for folder in _checkpoints(work) if work.is_dir() else []:
        try:
            yield _state(folder, _hashes(folder))
        except _Damaged:
            continue


def latest(work: Path) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """(state, tensors) of the newest whole checkpoint; None without one."""
    if not work.is_dir():
        return None
    _clear(work)
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
            return state, tensors
        _remove(folder)
    return None


def beside_of(folder: Path) -> list[str]:
    """The names of the files beside a checkpoint that it needs; none where it does not say."""
    try:
        told = json.loads((folder / HASHES).read_text(encoding="utf-8"))["beside"]
        return [name for name in told if name == Path(name).name]
    except (ValueError, KeyError, TypeError):
        return []


class _Damaged(Exception):
    """A checkpoint is not as it was written; the text says where."""


def _verified(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a checkpoint holds; raises _Damaged when that, or the log beside it, has changed."""
    load_file = require("safetensors.torch", "train").load_file
    hashes = _hashes(folder)
    state = _state(folder, hashes)
    with _damage_told():
        _compare(folder / "tensors", None, hashes["files"]["tensors"])
        for name, (size, digest) in hashes["beside"].items():
            _compare(folder.parent / name, size, digest)
        return state, load_file(folder / "tensors")


def _hashes(folder: Path) -> Any:
    with _damage_told():
        return json.loads((folder / HASHES).read_text(encoding="utf-8"))


def _state(folder: Path, hashes: Any) -> dict[str, Any]:
    with _damage_told():
        _compare(folder / "state.json", None, hashes["files"]["state.json"])
        return dict(json.loads((folder / "state.json").read_text(encoding="utf-8")))


def _compare(path: Path, size: int | None, digest: str) -> None:
    if sha256_of(path, 0, size) != digest:
        raise _Damaged(f"{path.name} has changed")


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
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


def _clean(work: Path, best: int | None) -> None:
    for folder in _checkpoints(work)[KEPT:]:
        if best is None or folder != _at(work, best):
            _remove(folder)
    _clear(work)


def _clear(work: Path) -> None:
    """Remove what a kill left half written."""
    for path in work.iterdir():
        if path.name.startswith(".checkpoint-"):
            _remove(path)


COUNT = "count:"  # before what the state of an optimizer holds as a plain number


def training_tensors(parameters: Mapping[str, Any], optimizer: Any) -> dict[str, Any]:
    """The trained parameters and what the optimizer knows of each, under flat names. All
    processes of a model that is spread over them must ask together."""
    torch = require("torch", "train")
    tensors = {f"parameter/{name}": whole(value) for name, value in parameters.items()}
    for name, parameter in parameters.items():
        for kind, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, int | float):
                tensors[f"{COUNT}{kind}/{name}"] = torch.tensor(value)
            elif value is not None:
                tensors[f"{kind}/{name}"] = whole(value)
    return tensors


def restore(parameters: Mapping[str, Any], optimizer: Any, tensors: Mapping[str, Any]) -> None:
    """Put stored tensors back, bit for bit."""
    restore_parameters(parameters, tensors)
    known: dict[str, dict[str, Any]] = {}
    for key, value in tensors.items():
        kind, _, name = key.partition("/")
        if kind.startswith(COUNT):
            known.setdefault(name, {})[kind.removeprefix(COUNT)] = value.item()
        elif kind != "parameter":
            like = parameters[name]
            value = parted(value, like) if value.shape == like.shape else value
            known.setdefault(name, {})[kind] = value
    names = {id(value): name for name, value in parameters.items()}
    if known and hasattr(optimizer, "init_state"):
        _restore_paged(optimizer, known, names)
        return
    numbers = {names[id(value)]: at for at, value in enumerate(parameters_of(optimizer))}
    groups = optimizer.state_dict()["param_groups"]
    state = {numbers[name]: one for name, one in known.items()}
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _restore_paged(
    optimizer: Any, known: Mapping[str, Mapping[str, Any]], names: Mapping[int, str]
) -> None:
    """For bitsandbytes, whose state lies in memory of its own making: filled, not replaced."""
    torch = require("torch", "train")
    for number, group in enumerate(optimizer.param_groups):
        for at, parameter in enumerate(group["params"]):
            optimizer.init_state(group, parameter, number, at)
            state = optimizer.state[parameter]
            for kind, value in known.get(names[id(parameter)], {}).items():
                if isinstance(value, torch.Tensor) and kind in state:
                    state[kind].copy_(value)
                else:
                    state[kind] = value


def restore_parameters(parameters: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
    """Put the stored parameters back, and leave the optimizer as it is."""
    with require("torch", "train").no_grad():
        for name, value in parameters.items():
            value.copy_(parted(tensors[f"parameter/{name}"], value))
