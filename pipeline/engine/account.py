"""The account of a run, `run.json`: what ran, on what, with what outcome; times stand only here."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NotRequired, TypedDict, TypeGuard

from pipeline.engine.sampling import Taken
from pipeline.engine.states import Learned
from pipeline.engine.store import Store
from pipeline.recipe.recipe import Recipe
from stages import check
from stages.base import Stage
from stages.errors import UsageError
from stages.kinds import Kind
from stages.manifest import MANIFEST, CountsEntry, read_manifest
from stages.records import FORMAT
from stages.registry import loaded, word_of
from stages.secrets import masked, masked_values

# What a run writes into its folder itself.
ACCOUNTS = ("run.json", "events.jsonl", "report.html")


class Once(TypedDict):
    """The run that computed what now came from the store. ended: seconds since 1970."""

    ended: float
    seconds: float
    cpu: float


class _Step(TypedDict):
    label: str
    stage: str
    kind: str
    parameters: dict[str, Any]
    folder: str
    source: str | None
    pieces: int
    computed: int
    reused: int
    seconds: float
    cpu: float
    keys: list[str]
    summary: dict[str, Any] | None
    learned: NotRequired[Learned | None]
    ended: NotRequired[float]
    once: NotRequired[Once | None]


class StepAccount(_Step):
    """A step, as its `StepReport` has it."""

    counts: CountsEntry | None


class CountedStep(_Step):
    """A step that worked on records."""

    counts: CountsEntry


class SourceAccount(TypedDict, total=False):
    """A source. path: as the recipe has it; full: made absolute. Of a source that an account does
    not have, nothing is known."""

    name: str
    license: str | None
    stage: str
    path: str
    full: str


class Account(TypedDict):
    """What `run.json` holds."""

    format: int
    name: str
    recipe: str
    seed: int
    status: str
    reason: str
    warnings: list[str]
    started: float
    seconds: float
    workers: int
    machine: str
    python: str
    versions: dict[str, str]
    store: str
    store_bytes: int
    sources: list[SourceAccount]
    steps: list[StepAccount]
    sample: NotRequired[dict[str, Taken]]


def is_counted(step: StepAccount) -> TypeGuard[CountedStep]:
    """Whether a step worked on records."""
    return bool(step["counts"])


@dataclass
class StepReport:
    """What one step of a run did."""

    label: str
    stage: str
    kind: str
    parameters: dict[str, Any]
    folder: str
    source: str | None = None
    counts: CountsEntry | None = None
    pieces: int = 0
    computed: int = 0
    reused: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    keys: list[str] = field(default_factory=list)
    summary: dict[str, Any] | None = None
    learned: Learned | None = None  # of a fit
    ended: float = 0.0  # seconds since 1970
    once: Once | None = None

    @staticmethod
    def label_of(number: int, stage: str, source: str | None) -> str:
        """What the step of this number is called, and its folder under `steps`."""
        return f"{number:02d}-{stage}" + (f"-{source}" if source and source != stage else "")

    def as_json(self) -> StepAccount:
        """What an account holds of it."""
        return {
            "label": self.label,
            "stage": self.stage,
            "kind": self.kind,
            "parameters": self.parameters,
            "folder": self.folder,
            "source": self.source,
            "counts": self.counts,
            "pieces": self.pieces,
            "computed": self.computed,
            "reused": self.reused,
            "seconds": self.seconds,
            "cpu": self.cpu,
            "keys": self.keys,
            "summary": self.summary,
            "learned": self.learned,
            "ended": self.ended,
            "once": self.once,
        }


def account_of(
    recipe: Recipe,
    done: Sequence[StepReport],
    started: float,
    status: str,
    store: Store,
    reason: str = "",
) -> Account:
    """What `run.json` holds, but for its warnings. reason: why it failed or stopped."""
    versions = {}
    for name in ("pyarrow", "numpy", "tokenizers", "torch", "transformers", "peft"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "format": FORMAT,
        "name": recipe.name,
        "recipe": recipe.file,
        "seed": recipe.seed,
        "status": status,
        "reason": masked(reason),
        "warnings": [],
        "started": started,
        "seconds": time.time() - started,
        "workers": recipe.workers,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "python": platform.python_version(),
        "versions": versions,
        "store": str(store.root),
        "store_bytes": store.size(),
        "sources": [
            {
                "name": s.name,
                "license": s.license,
                "stage": word_of(type(s.stage)),
                "path": s.masked()[0],
                "full": s.masked()[1],
            }
            for s in recipe.sources
        ],
        "steps": [masked_values(one.as_json()) for one in done],
    }


def made_by(account: Account, folder: Path) -> dict[Kind, Path]:
    """kind → folder of what this run made; what an earlier recipe left there is not among it."""
    found = [loaded(step["stage"]) for step in account["steps"]]
    kinds = dict.fromkeys(stage.kind for stage in found if stage is not None)
    paths = {kind: folder / kind.folder for kind in kinds}
    return {kind: path for kind, path in paths.items() if (path / MANIFEST).is_file()}


def folders_of(folder: Path) -> dict[Kind, Path]:
    """kind → folder of what lies in a run's folder, or of the one thing that a stage made."""
    if not (folder / MANIFEST).is_file():
        return made_by(load_run(folder), folder)
    steps = read_manifest(folder).get("steps", [])
    found = loaded(steps[-1]["stage"]) if steps else None
    return {} if found is None else {found.kind: folder}


def load_run(folder: Path) -> Account:
    """The account of a run, from its folder; UsageError when there is none."""
    path = folder / "run.json"
    try:
        account = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{folder} is not the folder of a run: it has no run.json") from None
    except (ValueError, RecursionError):
        account = None
    try:
        if _is_account(account):
            return account
    except UsageError as error:  # a stage of a package that is not installed
        raise UsageError(f"{path}: {error}") from None
    raise UsageError(f"{path} is damaged, or another program's: run the recipe again")


def _is_account(value: Any) -> TypeGuard[Account]:
    """Whether a JSON value has what readers of an account take for granted."""
    try:
        return (
            has(
                value,
                name=str,
                recipe=str,
                seed=int,
                status=str,
                reason=str,
                warnings=list,
                started=float,
                seconds=float,
            )
            and has(value, workers=int, machine=str, python=str, versions=dict, store_bytes=int)
            and all(has(s, name=str, stage=str, path=str, full=str) for s in value["sources"])
            and all(isinstance(one, str) for one in value["warnings"])
            and all(
                has(one, first=int, files=dict, of=int, of_bytes=int)
                and has(one["files"], **dict.fromkeys(one["files"], int))
                for one in value.get("sample", {}).values()
            )
            and all(
                has(s, label=str, stage=str, kind=str, parameters=dict, folder=str, keys=list)
                and has(s, computed=int, reused=int, seconds=float, cpu=float)
                and _is_told(s)
                and ".." not in Path(s["folder"]).parts
                and not Path(s["folder"]).is_absolute()
                and _fits(s, loaded(s["stage"]))
                for s in value["steps"]
            )
        )
    except (KeyError, TypeError, AttributeError):
        return False


def _is_told(step: dict[str, Any]) -> bool:
    """Whether what is told of a step's state and first computation has its form."""
    once, learned = step.get("once"), step.get("learned")
    if once is not None and not has(once, ended=float, seconds=float, cpu=float):
        return False
    if learned is None:
        return True
    return has(learned, rounds=int, values=dict, tables=dict, lines=list, warnings=list) and has(
        learned["tables"], **dict.fromkeys(learned["tables"], int)
    )


def _fits(step: dict[str, Any], stage: type[Stage] | None) -> bool:
    """Whether parameters and counts are those of the stage. None: a class that is not loaded for
    the sake of an account, for it may name any."""
    if stage is None:
        return True
    counts = step["counts"]
    return not check.problems_of(stage, step["parameters"]) and (
        counts is None or _are_counts(counts, stage)
    )


def _are_counts(value: Any, stage: type[Stage]) -> bool:
    names = ("seen", "kept", "dropped", "failed", "made", "changed", "inapplicable")
    if not has(value, reasons=dict, forms=dict, text=dict, **dict.fromkeys(names, int)):
        return False
    reasons, forms, text = value["reasons"], value["forms"], value["text"]
    if not has(text, seen=int, kept=int, added=int, removed=dict):
        return False
    removed = text["removed"]
    return (
        set(reasons) <= set(stage.reasons)
        and set(removed) <= {*stage.reasons, *stage.cuts}
        and all(has(one, **dict.fromkeys(one, int)) for one in (reasons, forms, removed))
    )


def has(value: Any, **kinds: type) -> bool:
    """Whether a JSON value is an object whose values have these types."""
    return isinstance(value, dict) and all(
        isinstance(value.get(name), (int, float) if kind is float else kind)
        for name, kind in kinds.items()
    )
