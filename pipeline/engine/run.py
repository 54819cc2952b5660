"""A run from end to end: a recipe, or a single stage as a recipe of one step; and its account."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.engine import ends, places, sampling
from pipeline.engine import flow as flows
from pipeline.engine.account import StepReport, account_of
from pipeline.engine.content import Damaged, explained, unchanged
from pipeline.engine.earlier import Earlier
from pipeline.engine.flow import Flow, Piece
from pipeline.engine.gc import RunRecord
from pipeline.engine.nothing import NothingKept
from pipeline.engine.runner import Run
from pipeline.engine.shown import show_entry, sweep
from pipeline.engine.store import Entry, Store
from pipeline.engine.whole import Whole, still, whole_at
from pipeline.executors.choice import executor_of
from pipeline.executors.local import LocalExecutor
from pipeline.executors.tasks import Executor
from pipeline.progress import Progress
from pipeline.recipe.looked import at_source, check_columns, check_columns_of
from pipeline.recipe.recipe import Recipe, RecipeError, SourceStep
from pipeline.trouble import bug, told
from pipeline.views.report import write_report
from pipeline.views.warnings import warnings_of
from stages import owned
from stages.base import End, Source, Stage
from stages.corpus import Corpus, iterate_arrow, write_json
from stages.errors import (
    Changed,
    Interrupted,
    Preempted,
    SeedbedError,
    StageFailed,
    Terminated,
    UsageError,
)
from stages.kinds import Kind
from stages.manifest import MANIFEST, CountsEntry
from stages.secrets import masked_values

T = TypeVar("T")


@dataclass
class Result:
    """What a finished run of a recipe left: its folder, the folder of each kind, the steps."""

    folder: Path
    shown: dict[str, Path]
    reports: list[StepReport]

    @property
    def corpora(self) -> dict[str, Corpus]:
        """The corpora that it made, by kind."""
        return {kind: Corpus(path) for kind, path in self.shown.items() if Corpus.at(path)}

    @property
    def counts(self) -> dict[str, CountsEntry]:
        """What each step saw, kept, dropped and failed, by its label; of steps that count."""
        return {one.label: one.counts for one in self.reports if one.counts}


def run_recipe(recipe: Recipe, executor: Executor | None = None) -> Result:
    """Run a checked recipe; see the module's text. Raises what `stages.errors` draws."""
    places.check_recipe(recipe)
    check_columns(recipe)
    store = Store(places.store_of(recipe))
    folder = places.folder_of(recipe)
    owned.claim(folder, owned.RUN)
    store.sweep()
    sweep(folder)
    events = folder / "events.jsonl"
    events.unlink(missing_ok=True)  # a hard link to it keeps what it has
    progress = Progress(events)
    workers = executor or executor_of(recipe, store.root)
    record = RunRecord(store, recipe.name)
    keep_all = recipe.keep == "all"
    sample = sampling.shares(recipe.sources, recipe.sample) if recipe.sample else None
    run = Run(store, workers, progress, record, folder, recipe.part_bytes, keep_all, sample)
    earlier = Earlier(folder)
    started = time.time()
    status, reason = "failed", ""
    try:
        shown = _lasting(run, lambda: _recipe(run, recipe, folder))
        status = "done"
    except (Preempted, Terminated) as stop:
        status = "interrupted" if isinstance(stop, Interrupted) else "preempted"
        reason = str(stop)
        raise
    except KeyboardInterrupt:
        status, reason = "interrupted", "interrupted from the keyboard"
        raise
    except Exception as error:
        trace = "".join(traceback.format_exception(error))
        reason = str(told(error) or bug(trace))
        raise
    finally:
        workers.close()
        record.forget() if recipe.sample else record.close(status == "done")
        run.hashes.save()
        progress.event("run", status=status)
        progress.close()
        earlier.set_aside({*run.shown, *(folder / one.folder for one in run.reports)})
        earlier.tell_times(run.reports)
        account = account_of(recipe, run.reports, started, status, store, reason)
        if recipe.sample:
            account["sample"] = run.sampled
        with contextlib.nullcontext() if status == "done" else contextlib.suppress(Exception):
            account["warnings"] = masked_values(warnings_of(account, folder))
        temporary = folder / f".run-{os.getpid()}.json"
        write_json(temporary, account)
        temporary.replace(folder / "run.json")
        if status != "done":
            with contextlib.suppress(Exception):  # what stopped the run is told, not this
                progress.say(f"how far it came: {write_report(folder)}")
    write_report(folder)
    return Result(folder, shown, run.reports)


def run_stage(
    stage: Stage, source: SourceStep | Path, out: Path, workers: int, part_bytes: int
) -> StepReport:
    """Run one stage on an input and show what it makes as the folder `out`.

    source: for a source stage what to read; else a corpus folder, or a file for an end stage, or
    a `SourceStep` that reads raw records first.
    """
    out = places.check_out(out, stage, source)
    store = Store(places.store_beside(out))
    executor = LocalExecutor(workers, [Path.cwd()])
    record = RunRecord(store, stage.name)
    run = Run(store, executor, Progress(None), record, None, part_bytes)
    try:
        if isinstance(source, SourceStep):
            check_columns_of(source)
        _lasting(run, lambda: _single(run, stage, source, out))
        return run.reports[-1]
    except NothingKept as problem:
        problem.flow.last = [problem.made]
        digest = flows.digest_of(run.across, problem.flow)
        flows.show_corpus(store, problem.flow, stage.name, out, digest)
        where = f"; the rejects are in {out}" if problem.made.counts.seen else ""
        raise StageFailed(f"{problem}{where}") from None
    finally:
        executor.close()
        record.forget()
        run.hashes.save()


_TRIES = 3  # at files that are changed while they are read


def _lasting(run: Run, work: Callable[[], T]) -> T:
    """Do the work; again, when a file changed under it or an entry of the store was damaged."""
    for left in reversed(range(_TRIES)):
        try:
            return work()
        except (Changed, Damaged) as error:
            if isinstance(error, Damaged) and not run.store.set_aside(error.path):
                raise UsageError(f"{error}; make it again, or read it from a copy") from None
            if not left:
                raise StageFailed(
                    f"{error}; this was try {_TRIES}: run again when nothing writes to it"
                ) from None
            run.progress.say(f"{error}; once more, with what is there now")
            run.again()
    raise AssertionError


# --- the steps ----------------------------------------------------------------------------------


def _recipe(run: Run, recipe: Recipe, folder: Path) -> dict[str, Path]:
    ready: list[Flow] = []
    for source in recipe.sources:
        try:
            flow = run.source(source)
        except SeedbedError as error:  # of its query, its folder, its server
            if error.exit_code != UsageError.exit_code:
                raise
            raise RecipeError(at_source(recipe, source, error.messages)) from None
        own = [step.stage for step in source.steps]
        *_, flow = [flow, *run.steps(own, flow, source.name)]
        ready.append(flow)
    flow = flows.joined(ready)
    if run.empty and not any(piece.rows for piece in flow.pieces):
        raise run.empty
    flows.check_ids(run.across, flow)
    made = _steps(
        run, [step.stage for step in recipe.steps], flow, lambda kind: folder / kind.folder
    )
    for one in made.values():
        if isinstance(one, Flow):
            _shown(run, one, folder / one.kind.folder, one.kind.folder)
    return {kind.name: folder / kind.folder for kind in made}


def _single(run: Run, stage: Stage, source: SourceStep | Path, out: Path) -> None:
    if isinstance(stage, End):
        assert isinstance(source, Path)
        begin: Flow | Whole = whole_at(run.hashes, stage.consumes, source)
    elif isinstance(source, SourceStep):
        begin = run.source(source)
        flows.check_ids(run.across, begin)
    else:
        manifest = run.hashes.hashed(source / MANIFEST)
        with explained(lambda: unchanged([manifest], read=True)):
            (last,) = run.steps([stage], _opened(Corpus(source), stage.consumes))
        _shown(run, last, out, stage.name)
        return
    made = _steps(run, [] if isinstance(stage, Source) else [stage], begin, lambda kind: out)
    last_of_all = made[stage.kind]
    if isinstance(last_of_all, Flow):
        _shown(run, last_of_all, out, stage.name)


def _steps(
    run: Run, steps: Sequence[Stage], begin: Flow | Whole, place: Callable[[Kind], Path]
) -> dict[Kind, Flow | Whole]:
    """Take what a run begins with through all steps; returns the latest of each kind."""
    latest = {begin.kind: begin}
    row: list[Stage] = []  # steps whose turn comes when something else is asked for

    def do() -> None:
        if row:
            flow = latest[row[0].consumes]
            assert isinstance(flow, Flow)
            for made in run.steps(row, flow):
                latest[made.kind] = made
            row.clear()

    for stage in steps:
        if isinstance(stage, End) or (row and stage.consumes != row[-1].kind):
            do()
        if not isinstance(stage, End):
            row.append(stage)
            continue
        before = latest[stage.consumes]
        whole = before
        if isinstance(whole, Flow):
            whole = _shown(run, whole, place(before.kind), before.kind.folder)
        entry = ends.end(run, stage, whole, place(stage.kind))
        show_entry(entry, place(stage.kind))
        run.shown.add(place(stage.kind))
        latest[stage.kind] = _whole_of(run, entry, stage.kind, place(stage.kind))
    do()
    return latest


def _shown(run: Run, flow: Flow, folder: Path, label: str) -> Whole:
    flows.show_corpus(run.store, flow, label, folder, flows.digest_of(run.across, flow))
    run.shown.add(folder)
    wanted = {f"data/{n:05d}.arrow": piece.sha256 for n, piece in enumerate(flow.pieces)}
    return still(whole_at(run.hashes, flow.kind, folder), flow.identity, wanted)


def _whole_of(run: Run, entry: Entry, kind: Kind, folder: Path) -> Whole:
    wanted = dict(entry.manifest["hashes"])
    return still(whole_at(run.hashes, kind, folder), entry.sha256, wanted)


def _opened(corpus: Corpus, kind: Kind) -> Flow:
    """The flow of a corpus that is there already."""
    pieces = []
    for path, piece in zip(corpus.files, corpus.pieces, strict=True):
        found = sum(table.num_rows for table in iterate_arrow(path, ("id",)))
        if found != piece["rows"]:
            raise UsageError(
                f"{path} holds {found:,} rows, and its manifest says {piece['rows']:,}; make the "
                "corpus again"
            )
        pieces.append(Piece("", piece["sha256"], piece["rows"], path.resolve()))
    return Flow(pieces, corpus.schema, kind, corpus.sources, [], corpus.path)
