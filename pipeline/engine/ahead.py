"""What of a recipe's steps the store holds already, and what a run would compute; nothing is made.

The steps are gone through as a run goes through them, by the same keys, as far as their pieces are
there. What stands behind a step that is not there is not known before that is computed.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.engine import flow as flows
from pipeline.engine.account import Account, StepAccount, StepReport, load_run
from pipeline.engine.flow import Flow
from pipeline.engine.gc import RunRecord
from pipeline.engine.keys import hash_of
from pipeline.engine.places import folder_of, store_of
from pipeline.engine.ranged import look
from pipeline.engine.runner import Run
from pipeline.engine.store import Store
from pipeline.engine.work import Job, Summary
from pipeline.executors.local import LocalExecutor
from pipeline.progress import Progress
from pipeline.recipe.recipe import Recipe, SourceStep
from stages.base import End, Stage, Transform
from stages.errors import SeedbedError, UsageError
from stages.kinds import Kind
from stages.owned import STORE, is_marked

LARGE = 2 << 30  # bytes of input that are hashed for a look, where no run has hashed them before


@dataclass(frozen=True)
class Ahead:
    """A step of a coming run. held, pieces: how many of its pieces are in the store, of how many;
    None where that is not known yet. seconds: that it took when the recipe's last run computed
    it; None where no run tells."""

    stage: str
    source: str | None
    held: int | None
    pieces: int | None
    seconds: float | None

    @property
    def ready(self) -> bool:
        """Whether all of it is in the store."""
        return self.held is not None and self.held == self.pieces


class _Missing(Exception):
    """Some pieces of a step are not in the store."""


class _Unwritten(RunRecord):
    """The record of a run that uses nothing."""

    def __init__(self) -> None:
        pass

    def add(self, keys: Iterable[str]) -> None:
        """Nothing."""


class _Look(Run):
    """A run that computes nothing and stops where something is missing."""

    total = missing = 0

    def make(
        self, jobs: Sequence[Job], covered: Sequence[Sequence[StepReport]], exact: bool
    ) -> list[Summary]:
        there = [self.store.get(job["key"]) is not None for job in jobs]
        self.missing, self.total = there.count(False), max(self.total, len(jobs))
        if self.missing:
            raise _Missing
        return super().make(jobs, covered, exact)

    def look(self, looks: Sequence[Mapping[str, Any]]) -> list[Summary]:
        return [{**look(one), "cpu": 0.0} for one in looks]

    def _chain(self, chain: Sequence[Transform], flow: Flow, source: str | None) -> Flow:
        self.total = len(flow.pieces)
        return super()._chain(chain, flow, source)


def ahead(recipe: Recipe, raw: int) -> list[Ahead]:
    """The steps of a recipe in order. raw: bytes of all its input."""
    steps = [
        (one.stage, source.name) for source in recipe.sources for one in (source, *source.steps)
    ] + [(one.stage, None) for one in recipe.steps]
    account = _account(recipe)
    held: dict[int, tuple[int, int]] = {}
    root = store_of(recipe)
    if is_marked(root, STORE) and (account is not None or raw <= LARGE):
        executor = LocalExecutor(1, [])
        progress = Progress(None, io.StringIO())
        run = _Look(
            Store(root), executor, progress, _Unwritten(), None, recipe.part_bytes,
            recipe.keep == "all",
        )  # fmt: skip
        try:
            _gone_through(run, recipe, held)
        except (SeedbedError, OSError):
            pass  # a source that is not there, a step that keeps nothing: the run will say so
        finally:
            executor.close()
            progress.close()
    found = []
    for at, (stage, source) in enumerate(steps):
        known, pieces = held.get(at, (None, None))
        seconds = _seconds(account, stage, source)
        found.append(Ahead(stage.name, source, known, pieces, seconds))
    return found


def _gone_through(run: _Look, recipe: Recipe, held: dict[int, tuple[int, int]]) -> None:
    """Fill in what is held of each step, by its number."""
    ready: list[Flow] = []
    at = 0
    whole = True
    for source in recipe.sources:
        own = [step.stage for step in source.steps]
        flow = _source(run, held, at, source)
        if flow is not None and own:
            flow = _row(run, held, at + 1, own, flow, source.name)
        at += 1 + len(own)
        whole = whole and flow is not None
        ready += [flow] if flow is not None else []
    if not whole:
        return
    latest: dict[Kind, Flow | str] = {}
    flow = flows.joined(ready)
    latest[flow.kind] = flow
    row: list[Stage] = []
    for stage in [*(step.stage for step in recipe.steps), None]:
        if row and (stage is None or isinstance(stage, End) or stage.consumes != row[-1].kind):
            before = latest[row[0].consumes]
            made = _row(run, held, at, row, before, None) if isinstance(before, Flow) else None
            if made is None:
                return
            latest[made.kind] = made
            at += len(row)
            row = []
        if isinstance(stage, End):
            before = latest[stage.consumes]
            identity = before.identity if isinstance(before, Flow) else before
            entry = run.store.get(hash_of([run.known(stage)[0], "end", identity]))
            held[at] = (int(entry is not None), 1)
            at += 1
            if entry is None:
                return
            latest[stage.kind] = entry.sha256
        elif stage is not None:
            row.append(stage)


def _row(
    run: _Look,
    held: dict[int, tuple[int, int]],
    at: int,
    stages: Sequence[Stage],
    flow: Flow,
    source: str | None,
) -> Flow | None:
    """Take a flow through stages, chain by chain; None where one is not whole in the store."""
    made = run.steps(stages, flow, source)
    while True:
        before = len(run.reports)
        run.total = 0
        try:
            flow = next(made)
        except StopIteration:
            return flow
        except _Missing:
            # The chain that stopped: its pieces are looked for from its first step on.
            held[at] = (max(0, run.total - run.missing), run.total)
            return None
        done = len(run.reports) - before
        held.update({at + n: (run.total, run.total) for n in range(done)})
        at += done


def _source(run: _Look, held: dict[int, tuple[int, int]], at: int, step: SourceStep) -> Flow | None:
    run.total = 0
    try:
        flow = run.source(step)
    except _Missing:
        held[at] = (run.total - run.missing, run.total)
        return None
    held[at] = (run.total, run.total)
    return flow


def _account(recipe: Recipe) -> Account | None:
    try:
        return load_run(Path(folder_of(recipe)))
    except (UsageError, OSError):
        return None


def _seconds(account: Account | None, stage: Stage, source: str | None) -> float | None:
    """Seconds of a step when it was computed, as the account of the last run has it."""
    steps: list[StepAccount] = account["steps"] if account else []
    for step in steps:
        if step["stage"] == stage.name and step["source"] == source:
            once = step.get("once")
            if once or step["computed"]:
                return once["seconds"] if once else step["seconds"]
    return None
