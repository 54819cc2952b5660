"""A run of a recipe, or of a single stage: the same steps, folders for people, an account."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import flow as flows
from pipeline.account import FOLDERS, Done, account_of
from pipeline.executor import Executor, LocalExecutor
from pipeline.flow import Flow, Piece
from pipeline.gc import Mark
from pipeline.keys import hash_of
from pipeline.progress import Progress
from pipeline.recipe import Recipe, SourceStep
from pipeline.report import write_report
from pipeline.steps import Run
from pipeline.store import Entry, Store
from stages.base import End, Source, Stage
from stages.corpus import Corpus, iterate_arrow, write_json
from stages.errors import Preempted, StageFailed, UsageError
from stages.verdicts import Counts

# --- a whole recipe -----------------------------------------------------------------------------


@dataclass
class Result:
    """What a finished run of a recipe left: its folder, the folder of each kind, the steps."""

    folder: Path
    shown: dict[str, Path]
    done: list[Done]


def run_recipe(recipe: Recipe, executor: Executor | None = None) -> Result:
    """Run a checked recipe; see the module's text. Raises what `stages.errors` draws."""
    store = Store((recipe.folder / recipe.store).resolve())
    folder = (recipe.folder / recipe.out / recipe.name).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    store.sweep()
    flows.sweep(folder)
    progress = Progress(folder / "events.jsonl")
    workers = executor or LocalExecutor(recipe.workers, [recipe.folder])
    mark = Mark(store, recipe.name)
    run = Run(store, workers, progress, mark, folder, recipe.part_bytes)
    started = time.time()
    status = "failed"
    try:
        shown = _steps(run, recipe)
        status = "done"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    except Preempted:
        status = "preempted"
        raise
    finally:
        workers.close()
        mark.close(status == "done")
        run.hashes.save()
        progress.event("run", status=status)
        progress.close()
        account = account_of(recipe, run.done, started, status, store)
        temporary = folder / f".run-{os.getpid()}.json"
        write_json(temporary, account)
        temporary.replace(folder / "run.json")
    write_report(folder)
    return Result(folder, shown, run.done)


def _steps(run: Run, recipe: Recipe) -> dict[str, Path]:
    assert run.folder is not None
    ready: list[Flow] = []
    for source in recipe.sources:
        flow = run.source(source)
        for step in source.steps:
            flow = run.transform(step.stage, flow, source.name)
        ready.append(flow)
    flow = joined(ready)
    flows.check_ids(run.store, flow)
    latest: dict[str, Flow | Entry] = {"records": flow}
    stage_of: dict[str, Stage] = {
        "records": recipe.sources[-1].stage
        if not recipe.sources[-1].steps
        else recipe.sources[-1].steps[-1].stage
    }
    shown: dict[str, Path] = {}
    for step in recipe.steps:
        stage = step.stage
        before = latest[stage.consumes]
        if isinstance(stage, End):
            source_folder, identity = _whole(run, stage.consumes, before, stage_of, shown)
            latest[stage.kind] = run.end(stage, source_folder, identity, flow.sources)
            shown[stage.kind] = run.folder / FOLDERS[stage.kind]
            flows.show_entry(latest[stage.kind], shown[stage.kind])  # type: ignore[arg-type]
        else:
            assert isinstance(before, Flow)
            latest[stage.kind] = run.transform(stage, before)
        stage_of[stage.kind] = stage
    for kind, one in latest.items():
        if isinstance(one, Flow):
            shown[kind] = run.folder / FOLDERS[kind]
            flows.show_corpus(run.store, one, stage_of[kind], FOLDERS[kind], shown[kind])
    return shown


def _whole(
    run: Run,
    kind: str,
    before: Flow | Entry,
    stage_of: Mapping[str, Stage],
    shown: Mapping[str, Path],
) -> tuple[Path, str]:
    """(folder, identity) of what an end stage works on."""
    assert run.folder is not None
    if isinstance(before, Entry):
        return shown[kind], before.sha256
    folder = run.folder / FOLDERS[kind]
    flows.show_corpus(run.store, before, stage_of[kind], FOLDERS[kind], folder)
    return folder, before.identity


def joined(parts: Sequence[Flow]) -> Flow:
    """The flows of all sources as one: the columns of all, null where a source lacks one."""
    fields: dict[str, pa.Field] = {}
    for part in parts:
        for column in part.schema:
            known = fields.setdefault(column.name, column)
            if known.type != column.type:
                raise StageFailed(
                    f"two sources have a column {column.name!r}, of type {known.type} and "
                    f"{column.type}"
                )
    counts = Counts()
    for part in parts:
        counts.add(part.counts)
    return Flow(
        [piece for part in parts for piece in part.pieces],
        pa.schema(list(fields.values())),
        parts[0].kind,
        [about for part in parts for about in part.sources],
        counts=counts,
    )


# --- a single stage -----------------------------------------------------------------------------


def run_stage(
    stage: Stage, source: SourceStep | Path, out: Path, workers: int, part_bytes: int
) -> Done:
    """Run one stage on an input and show what it makes as the folder `out`.

    source: for a source stage what to read; else a corpus folder, or a file for an end stage, or
    a `SourceStep` that reads raw records first.
    """
    store = Store((out.resolve().parent / ".seedbed").resolve())
    executor = LocalExecutor(workers, [Path.cwd()])
    mark = Mark(store, stage.name)
    run = Run(store, executor, Progress(None), mark, None, part_bytes)
    run.out = out
    try:
        if isinstance(stage, End):
            folder = source if isinstance(source, Path) else None
            assert folder is not None
            flows.show_entry(run.end(stage, folder, _identity(run, folder), _sources(folder)), out)
            return run.done[-1]
        if isinstance(source, SourceStep):
            flow = run.source(source)
            flows.check_ids(store, flow)
        else:
            flow = _opened(Corpus(source))
        last = flow if isinstance(stage, Source) else run.transform(stage, flow)
        flows.show_corpus(store, last, stage, stage.name, out)
        return run.done[-1]
    finally:
        executor.close()
        mark.forget()
        run.hashes.save()


def _opened(corpus: Corpus) -> Flow:
    for piece in corpus.pieces:
        found = sum(table.num_rows for table in iterate_arrow(corpus.path / piece["data"]))
        if found != piece["rows"]:
            raise UsageError(
                f"{corpus.path / piece['data']} holds {found:,} rows, and its manifest says "
                f"{piece['rows']:,}; make the corpus again"
            )
    pieces = [
        Piece(
            "",
            piece["sha256"],
            piece["rows"],
            corpus.path.resolve() / piece["data"],
            corpus.path.resolve() / piece["rejects"],
            Counts(),
        )
        for piece in corpus.pieces
    ]
    return Flow(pieces, corpus.schema, corpus.kind, corpus.sources, corpus.path)


def _identity(run: Run, path: Path) -> str:
    if Corpus.at(path):
        manifest = Corpus(path).manifest
        return str(manifest.get("digest") or manifest.get("sha256"))
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return hash_of([[str(f.relative_to(path)), run.hashes.of(f.resolve())] for f in files])


def _sources(path: Path) -> list[dict[str, Any]]:
    return Corpus(path).sources if Corpus.at(path) else []
