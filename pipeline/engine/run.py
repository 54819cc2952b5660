"""A run of a recipe, or of a single stage: the same steps, folders for people, an account."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from pipeline.engine import flow as flows
from pipeline.engine import places
from pipeline.engine.account import Done, account_of
from pipeline.engine.content import Damaged
from pipeline.engine.flow import Flow, Piece
from pipeline.engine.gc import Mark
from pipeline.engine.keys import hash_of
from pipeline.engine.steps import Content, Run
from pipeline.engine.store import Entry, Store
from pipeline.executors.local import Executor, LocalExecutor
from pipeline.progress import Progress
from pipeline.recipe.checked import Recipe, SourceStep
from pipeline.views.report import write_report
from stages import owned
from stages.base import End, Source, Stage
from stages.corpus import Corpus, iterate_arrow, write_json
from stages.counts import Counts
from stages.errors import Changed, Preempted, StageFailed, UsageError
from stages.kinds import Kind

T = TypeVar("T")

# --- a whole recipe -----------------------------------------------------------------------------


@dataclass
class Result:
    """What a finished run of a recipe left: its folder, the folder of each kind, the steps."""

    folder: Path
    shown: dict[str, Path]
    done: list[Done]


def run_recipe(recipe: Recipe, executor: Executor | None = None) -> Result:
    """Run a checked recipe; see the module's text. Raises what `stages.errors` draws."""
    places.check_recipe(recipe)
    store = Store(places.store_of(recipe))
    folder = places.folder_of(recipe)
    owned.claim(folder, owned.RUN)
    store.sweep()
    flows.sweep(folder)
    events = folder / "events.jsonl"
    events.unlink(missing_ok=True)  # a hard link to it keeps what it has
    progress = Progress(events)
    workers = executor or LocalExecutor(recipe.workers, [recipe.folder])
    mark = Mark(store, recipe.name)
    run = Run(store, workers, progress, mark, folder, recipe.part_bytes)
    started = time.time()
    status = "failed"
    try:
        shown = _lasting(run, lambda: _steps(run, recipe))
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
    latest: dict[str, Flow | Entry] = {flow.kind: flow}
    last = recipe.sources[-1]
    stage_of = {flow.kind: (last.steps[-1] if last.steps else last).stage}
    shown: dict[str, Path] = {}
    for step in recipe.steps:
        stage = step.stage
        before = latest[stage.consumes.name]
        if isinstance(stage, End):
            source_folder, content = _whole(run, stage.consumes, before, stage_of, shown)
            entry = run.end(stage, source_folder, content, flow.sources)
            shown[stage.kind.name] = run.folder / stage.kind.folder
            flows.show_entry(entry, shown[stage.kind.name])
            latest[stage.kind.name] = entry
        else:
            assert isinstance(before, Flow)
            latest[stage.kind.name] = run.transform(stage, before)
        stage_of[stage.kind.name] = stage
    for name, one in latest.items():
        if isinstance(one, Flow):
            kind = stage_of[name].kind
            shown[name] = run.folder / kind.folder
            flows.show_corpus(run.store, one, stage_of[name], kind.folder, shown[name])
    return shown


def _whole(
    run: Run,
    kind: Kind,
    before: Flow | Entry,
    stage_of: Mapping[str, Stage],
    shown: Mapping[str, Path],
) -> tuple[Path, Content]:
    """(folder, content) of what an end stage works on."""
    assert run.folder is not None
    if isinstance(before, Entry):
        pieces = [(before.path / name, sha) for name, sha in before.manifest["hashes"].items()]
        return shown[kind.name], Content(before.sha256, pieces)
    folder = run.folder / kind.folder
    flows.show_corpus(run.store, before, stage_of[kind.name], kind.folder, folder)
    return folder, Content(before.identity, [(p.data, p.sha256) for p in before.pieces])


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
    out = places.check_out(out, stage, source)
    store = Store(places.store_beside(out))
    executor = LocalExecutor(workers, [Path.cwd()])
    mark = Mark(store, stage.name)
    run = Run(store, executor, Progress(None), mark, None, part_bytes)
    run.out = out
    try:
        _lasting(run, lambda: _one(run, stage, source, out))
        return run.done[-1]
    finally:
        executor.close()
        mark.forget()
        run.hashes.save()


def _one(run: Run, stage: Stage, source: SourceStep | Path, out: Path) -> None:
    if isinstance(stage, End):
        assert isinstance(source, Path)
        entry = run.end(stage, source, _content(run, source), _sources(source))
        flows.show_entry(entry, out)
        return
    if isinstance(source, SourceStep):
        flow = run.source(source)
        flows.check_ids(run.store, flow)
    else:
        flow = _opened(Corpus(source))
    last = flow if isinstance(stage, Source) else run.transform(stage, flow)
    flows.show_corpus(run.store, last, stage, stage.name, out)


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


def _content(run: Run, path: Path) -> Content:
    if Corpus.at(path):
        corpus = Corpus(path)
        hashes = corpus.manifest.get("hashes", {})
        hashes |= {piece["data"]: piece["sha256"] for piece in corpus.pieces}
        pieces = [(path.resolve() / name, sha256) for name, sha256 in hashes.items()]
        return Content(str(corpus.manifest.get("digest") or corpus.manifest["sha256"]), pieces)
    found = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    files = [run.hashes.hashed(file.resolve()) for file in found]
    names = [str(file.relative_to(path)) for file in found]
    return Content(hash_of(list(zip(names, (f.sha256 for f in files), strict=True))), (), files)


def _sources(path: Path) -> list[dict[str, Any]]:
    return Corpus(path).sources if Corpus.at(path) else []
