"""The base model of an adapter: what it is called in what is written, and how it is found again.

An adapter's folder holds `base.json`: the name that training was given (for a folder its last part
alone, never a path of this machine), the name that a hub knows, and a fingerprint of the weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.corpus import write_json
from stages.errors import UsageError
from stages.tokens.foreign import read_object
from stages.tokens.model import EMBEDDED, local_folder
from stages.train import model as models
from stages.train.weights import fingerprint, tensors_of

BASE = "base.json"
EMBEDDED_HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
EMBEDDED_NOTE = (
    "The weights beside which it was trained are those of the embedded GGUF file: 4-bit (Q4_1), "
    f"dequantized. The hub's {EMBEDDED_HUB} has the original ones, which differ a little."
)


@dataclass(frozen=True)
class Name:
    """A base model in words.

    model: as training was given it, of a path the last part. public: what a hub, or a folder of
    this name, is asked for. revision: of a hub's model. local: whether it is the user's folder.
    """

    model: str
    public: str
    revision: str | None
    local: bool


def name_of(model: str) -> Name:
    """The words for a model, by what training was given."""
    if model == EMBEDDED:
        return Name(EMBEDDED, EMBEDDED_HUB, None, False)
    if Path(model).is_dir() or local_folder(model) is not None:
        last = Path(model).expanduser().resolve().name
        return Name(last, last, None, True)
    public, _, revision = model.partition("@")
    return Name(model, public, revision or None, False)


def write(model: str, folder: Path, out: Path) -> Name:
    """Write `base.json` of what was trained beside `folder`, the weights of `model`."""
    name = name_of(model)
    entry = {
        "model": name.model,
        "public": name.public,
        "revision": name.revision,
        "local": name.local,
        "fingerprint": fingerprint(folder),
    }
    write_json(out / BASE, entry)
    return name


@dataclass(frozen=True)
class Base:
    """A base model that was found. same: whether its weights are those of the training, as far as
    is known. said: what it is called in messages."""

    folder: Path
    same: bool
    said: str


def adapter_in(path: Path) -> Path:
    """The folder of an adapter or trained model, given it or the folder of a run that shows it."""
    for folder in (path, path / "adapter"):
        if (folder / "adapter_config.json").is_file() or (folder / "config.json").is_file():
            return folder
    raise UsageError(
        f"{path} holds no adapter: name the folder of a run that trained, or the folder with "
        "adapter_config.json"
    )


def is_whole(adapter: Path) -> bool:
    """Whether a folder holds a whole model and no adapter."""
    return not (adapter / "adapter_config.json").is_file()


def find(adapter: Path, said: str | None) -> Base:
    """The base model of an adapter. said: what the user names, which goes before all; else what
    `base.json` (or the adapter's own configuration) says, and folders of that name beside the
    adapter and in the working folder. UsageError with the remedy when it cannot be had."""
    known = _written(adapter)
    wanted = known.get("fingerprint")
    if said is not None:
        folder = models.folder_of(said)
        return Base(folder, wanted in (None, fingerprint(folder)), said)
    name = known.get("model")
    if not name:
        raise UsageError(f"{adapter} does not say what its base model is: name it with --model")
    if not known.get("local"):
        folder = models.folder_of(str(name))
        return Base(folder, wanted in (None, fingerprint(folder)), str(name))
    for folder in _near(adapter, str(name)):
        if tensors_of(folder) and wanted in (None, fingerprint(folder)):
            return Base(folder, True, str(folder))
    raise UsageError(
        f"the base model of {adapter} is the folder {str(name)!r} of the machine that trained it, "
        "and there is none here with its weights: name its folder with --model"
    )


def _written(adapter: Path) -> dict[str, Any]:
    """What the adapter says of its base: model, local, fingerprint as far as they are there."""
    path = adapter / BASE
    if path.is_file():
        found = read_object(path)
        known = {key: value for key, value in found.items() if isinstance(value, str | bool)}
        return {**known, "local": known.get("local") is True}
    if is_whole(adapter):
        return {}
    config = read_object(adapter / "adapter_config.json")
    name = config.get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        return {}
    revision = config.get("revision")
    local = "/" not in name.strip("/") or Path(name).is_dir()
    return {"model": f"{name}@{revision}" if revision and not local else name, "local": local}


def _near(adapter: Path, name: str) -> Iterator[Path]:
    """Folders that may be a base of this name: as a path, beside the adapter, and where the recipe
    of its run found it."""
    last = Path(name).name
    yield from _in_account(adapter, last)
    for at in (Path(name), adapter.parent / last, adapter.parent.parent / last):
        if at.is_dir():
            yield at


def _in_account(adapter: Path, name: str) -> Iterator[Path]:
    """What the account of the run that shows the adapter says was trained on."""
    try:
        account = json.loads((adapter.parent / "run.json").read_bytes())
        steps = [step["parameters"].get("model") for step in account["steps"]]
        recipe = Path(account["recipe"]).parent
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return  # no run's folder, or one that other verbs call damaged
    for said in dict.fromkeys(one for one in steps if isinstance(one, str)):
        for at in (Path(said), recipe / said):
            if at.name == name and at.is_dir():
                yield at
