"""What a training is: recipe, tokens and base model. A checkpoint belongs to one of them.

How it is computed (threads, device, processes, the length of rows) is no part of it: that may move
the last bits of a result, and is no reason to lose hours. It is kept beside, and told where a run
goes on in another way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages import check
from stages.corpus import Corpus
from stages.records import to_json
from stages.require import require
from stages.train.launch import size_of
from stages.train.model import folder_of
from stages.train.weights import fingerprint
from stages.words import number

if TYPE_CHECKING:
    from stages.train.setup import Machine
    from stages.train.train import Train

LIBRARIES = ("torch", "transformers", "peft")


def asked_of(setting: Train, source: Path) -> dict[str, Any]:
    """What is to be trained, as JSON: `parameters`, `base` (a fingerprint of its weights) and
    `tokens`, with what the corpus says of its making. No path of this machine decides anything."""
    places = {name: path.name for name, path in check.places_of(setting).items()}
    values = {**check.as_json(setting), **places}
    parameters = {k: v for k, v in values.items() if k not in setting.means and k != "model"}
    if setting.per_device_batch is not None:
        parameters["processes"] = size_of(setting)  # then a step has records of each
    corpus = Corpus(source)
    manifest = corpus.manifest
    tokens = {
        "digest": corpus.digest,
        "records": dict(manifest.get("counts") or {}).get("kept"),
        "sources": [one["name"] for one in manifest.get("sources", []) if "name" in one],
        "steps": [[one["stage"], one["parameters"]] for one in manifest.get("steps", [])],
    }
    return {
        "parameters": parameters,
        "base": fingerprint(folder_of(setting.model)),
        "tokens": tokens,
    }


def key_of(identity: Mapping[str, Any]) -> str:
    """A hash of what decides whether two trainings are one."""
    facts = identity["parameters"], identity["base"], identity["tokens"]["digest"]
    return hashlib.sha256(to_json(facts).encode()).hexdigest()


def means_of(machine: Machine, processes: int) -> dict[str, Any]:
    """How a training is computed, as JSON."""
    return {
        "threads": machine.threads, "device": machine.device, "precision": machine.precision,
        "processes": processes, **versions(),
    }  # fmt: skip


def versions() -> dict[str, str]:
    """Of the libraries that compute."""
    return {name: str(require(name, "train").__version__) for name in LIBRARIES}


def changes(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """`name old → new` for each entry that differs."""
    for name in [*now, *(one for one in before if one not in now)]:
        old, new = before.get(name), now.get(name)
        if old != new:
            yield f"{prefix}{name} {check.shown(old)} → {check.shown(new)}"


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two trainings, each as `what old → new`; empty where they are one."""
    found = [*changes(before["parameters"], now["parameters"], "train.")]
    if before["base"] != now["base"]:
        found.append("the weights of the base model")
    if before["tokens"]["digest"] != now["tokens"]["digest"]:
        why = ", ".join(_changes_of_tokens(before["tokens"], now["tokens"]))
        found.append(f"the tokens ({why or 'the same settings made others of other data'})")
    return found


def _changes_of_tokens(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if before["records"] != now["records"]:
        counts = (number(one) if one is not None else "?" for one in (before["records"],
                  now["records"]))  # fmt: skip
        yield "records {} → {}".format(*counts)
    yield from changes({"sources": before["sources"]}, {"sources": now["sources"]})
    stages = [[stage for stage, _ in one["steps"]] for one in (before, now)]
    if stages[0] != stages[1]:
        yield from changes({"steps": stages[0]}, {"steps": stages[1]})
        return
    for (stage, old), (_, new) in zip(before["steps"], now["steps"], strict=True):
        yield from changes(old, new, f"{stage}.")
