"""End stages: a folder or file in, a folder out, which is an entry of the store."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.engine.account import StepReport
from pipeline.engine.content import Hashed, explained, stage_unchanged
from pipeline.engine.keys import base_key, hash_of
from pipeline.engine.runner import Run
from pipeline.engine.shown import show_entry
from pipeline.engine.store import Entry, Values
from pipeline.engine.whole import Whole
from pipeline.executors.tasks import cpu_seconds
from stages import check
from stages.base import End
from stages.errors import UsageError
from stages.records import FORMAT


def end(run: Run, stage: End, whole: Whole, place: Path) -> Entry:
    """Run an end stage in this process; its folder is an entry of the store.

    place: where it will be shown. What an earlier try of the same place has left unfinished goes
    on under other `means` of the stage; UsageError where something else would be lost with it.
    """
    (report,) = run.begin([stage], None)
    base, files = run.known(stage)
    key = hash_of([base, "end", whole.identity])
    apart = base_key(stage, run.hashes, stage.means) if stage.means else base
    work = Work(
        hash_of([apart, "work", whole.identity]),
        f"{stage.name} {os.path.relpath(place, run.store.root)}",
    )
    run.record.add([key, work.key])
    entry = run.store.get(key)
    if entry is None:
        entry = _ended(run, stage, key, work, whole, files, report)
    report.reused, report.keys = 1 - report.computed, [key]
    report.seconds = time.monotonic() - run.began
    report.summary = entry.manifest["summary"]
    if run.folder:
        show_entry(entry, run.folder / report.folder)
    run.tell(report, f"→ {stage.kind}")
    return entry


class Work(NamedTuple):
    """Where unfinished work lies in the store, and whose it is."""

    key: str
    owner: str


def _ended(
    run: Run,
    stage: End,
    key: str,
    own: Work,
    whole: Whole,
    files: Sequence[Hashed],
    report: StepReport,
) -> Entry:
    for other, folder in run.store.unfinished(own.owner).items():
        if other != own.key and (lost := stage.left_behind(whole.path, folder)):
            raise UsageError(f"{stage.name}: {lost}")
    with run.store.work(own.key, own.owner) as work:
        entry = run.store.get(key)  # another run may have made it while this one waited
        if entry is not None:
            return entry
        report.computed = 1
        before = cpu_seconds()

        def look() -> None:
            whole.look()
            stage_unchanged(stage, files)

        def write(folder: Path) -> Values:
            with explained(look):
                whole.verify()
                summary = stage.run(whole.path, folder, work, run.progress.timed)
                whole.verify()
            look()
            return {
                "format": FORMAT,
                "kind": stage.kind.name,
                "label": report.label,
                "stage": stage.name,
                "parameters": check.as_json(stage),
                "exact": stage.exact,
                "sources": whole.sources,
                "summary": summary,
            }

        entry = run.store.put(key, write)
        report.cpu = cpu_seconds() - before
        run.store.finish(own.key)
        return entry
