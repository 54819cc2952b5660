"""What a worker does: one job makes one entry of the store and answers with a small summary.

A job is JSON. `read` reads a part of a source, `chain` takes a piece through consecutive steps,
`observe` and `merge` are the rounds of a fit. Its `files` are what its key was made of, as they
were when they were hashed.
"""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import pyarrow as pa

import stages
from pipeline.engine import across, alike, states
from pipeline.engine.content import (
    Damaged,
    Hashed,
    explained,
    stage_unchanged,
    unchanged,
    verified,
)
from pipeline.engine.keys import hash_of
from pipeline.engine.store import Entry, Store, Values
from pipeline.engine.work import Job, Step, Summary
from pipeline.executors.machine import cpu_kind
from pipeline.executors.tasks import PART_BYTES, SUMMARY_BYTES
from stages import check
from stages.base import Fit, Map, Part, Source, Stage
from stages.corpus import ArrowWriter, Batches, batches_of, iterate_arrow
from stages.counts import Counts
from stages.records import REJECTS, SCHEMA
from stages.registry import word_of
from stages.verdicts import Batch, Judged

EXECUTE = "pipeline.engine.jobs:execute"
DATA, OBSERVED, _JOB = "data.arrow", "observed.arrow", "job.json"


def execute(job: Job) -> Summary:
    """Do one job. Changed when a file that its key was made of is another one by now, Damaged
    when a piece is: nothing is committed then."""
    store = Store(Path(job["store"]))
    if "left" in job:
        job = taken_up(store, job)
    files = [Hashed(*file) for file in job["files"]]
    own = [[Hashed(*file) for file in files_] for files_ in job["own"]]

    def look() -> None:
        unchanged(files, read=True)
        for step, its in zip(job["steps"], own, strict=True):
            stage_unchanged(stage_of(step), its)

    unchanged([*files, *itertools.chain(*own)], read=False)
    spent = [0.0] * len(job["steps"])
    with explained(look):
        write, main = _DO[job["do"]](store, job, look, spent)
        summary = summary_of(store.put(job["key"], _marked(job, write), main))
    whole = sum(spent)
    summary["shares"] = [seconds / whole if whole else 1 / len(spent) for seconds in spent]
    if len(json.dumps(summary)) > SUMMARY_BYTES:
        del summary["counts"]  # the driver reads them in the manifest
    return summary


def _marked(job: Job, write: Callable[[Path], Values]) -> Callable[[Path], Values]:
    """What writes an entry, and says on which kind of CPU where the bytes depend on it."""
    if all(stage_of(step).exact for step in job["steps"]):
        return write
    return lambda folder: {**write(folder), "computed_on": cpu_kind()}


def travelling(store: Store, job: Job) -> Job:
    """A job as it travels: one that is too long is left in the store."""
    text = json.dumps(job)
    if len(text) <= PART_BYTES:
        return job
    key = hash_of(["job", text])

    def write(folder: Path) -> Values:
        (folder / _JOB).write_text(text)
        return {}

    if store.get(key) is None:
        store.put(key, write)
    return {"do": job["do"], "about": job["about"], "store": job["store"], "left": key}


def taken_up(store: Store, job: Job) -> Job:
    """The job that was left in the store."""
    entry = store.get(job["left"])
    if entry is None:
        raise Damaged(store.path(job["left"]))
    whole: Job = json.loads(entry.file(_JOB).read_bytes())
    return whole


def summary_of(entry: Entry) -> Summary:
    """The part of an entry's manifest that the driver needs."""
    manifest = entry.manifest
    return {
        "key": entry.key,
        "sha256": manifest["sha256"],
        "rows": manifest.get("rows", 0),
        "counts": manifest.get("counts", []),
        "value": manifest.get("value", ""),
        "computed_on": manifest.get("computed_on", ""),
        "over": manifest.get("over", False),
    }


def stage_of(step: Step) -> Stage:
    """The stage of a step."""
    return _stage(step["stage"], json.dumps(step["parameters"], sort_keys=True))


def step_of(stage: Stage, state: str | None = None, local: int | None = None) -> Step:
    """The step of a stage. state: the key of a fit's state, local: the piece's number in it."""
    parameters = check.as_json(stage)
    word = word_of(type(stage))
    return {"stage": word, "parameters": parameters, "state": state, "local": local}


@lru_cache(maxsize=16)
def _stage(name: str, parameters: str) -> Stage:
    built = check.build(stages.stage(name), json.loads(parameters))
    assert isinstance(built, Stage)
    return built


def encode_schema(schema: pa.Schema) -> str:
    """A schema as text that travels in a job."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def decode_schema(text: str) -> pa.Schema:
    """The schema of `encode_schema`."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def aligned(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns of a schema; what it lacks is null."""
    if table.schema.equals(schema):
        return table
    return pa.Table.from_arrays(
        [
            table.column(field.name)
            if field.name in table.column_names
            else pa.nulls(table.num_rows, field.type)
            for field in schema
        ],
        schema=schema,
    )


# --- pieces -------------------------------------------------------------------------------------


def rejects_of(step: int) -> str:
    """The file with the rejects of a piece's step."""
    return f"rejects-{step}.arrow"


_READ = (DATA, rejects_of(0))  # the files of a part that was read


class _Piece:
    """Writes a piece: the records after its last step, the rejects and counts of each step."""

    def __init__(self, folder: Path, schema: pa.Schema, steps: int) -> None:
        self._data = ArrowWriter(folder / DATA, schema)
        self._rejects = [ArrowWriter(folder / rejects_of(n), REJECTS) for n in range(steps)]
        self._counts = [Counts() for _ in range(steps)]
        self._passing = self._over = False

    def add(self, step: int, judged: Judged) -> None:
        """Take the rejects and counts of a batch; after the last step also its records."""
        self._rejects[step].write(judged.rejects)
        self._counts[step].add(judged.counts)
        self._passing = self._passing or judged.passing
        self._over = self._over or judged.over
        if step == len(self._rejects) - 1:
            self._data.write(judged.kept)

    def close(self) -> Values:
        """Finish the files; returns the values of the manifest."""
        for writer in (self._data, *self._rejects):
            writer.close()
        counts = [one.as_json() for one in self._counts]
        values: Values = {"rows": self._data.rows, "counts": counts, "passing": self._passing}
        return {**values, "over": True} if self._over else values

    def __enter__(self) -> _Piece:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:  # unfinished files are of no use
            for writer in (self._data, *self._rejects):
                writer.abandon()


# What writes the files of an entry, and the name of its main file.
_Work = tuple[Callable[[Path], Values], str | None]


def _read(store: Store, job: Job, look: Callable[[], None], spent: list[float]) -> _Work:
    (step,) = job["steps"]
    stage = stage_of(step)
    assert isinstance(stage, Source)
    part = replace(Part(**job["part"]), files=tuple(job["part"]["files"]))

    def write(folder: Path) -> Values:
        with _Piece(folder, stage.schema(SCHEMA), 1) as piece:
            for judged in stage.splits(part, job["source"], True):
                piece.add(0, judged)
            values = piece.close()
        look()
        if part.stop is not None:
            alike.write_ids(folder, _READ)
        return values

    return write, DATA


def _alike(store: Store, job: Job, look: Callable[[], None], spent: list[float]) -> _Work:
    keys, source, path = job["keys"], job["source"], job["input"]
    return lambda folder: alike.renames(store, keys, _READ, source, path, folder), None


def _renamed(store: Store, job: Job, look: Callable[[], None], spent: list[float]) -> _Work:
    (number,) = job["range"]
    return lambda folder: alike.renamed(store, job["keys"], number, _READ, folder), DATA


def _input(job: Job) -> Iterator[pa.Table]:
    """The input piece's rows; row order and batch borders depend on the piece alone."""
    schema = decode_schema(job["schema"])
    path = verified(Path(job["input"]), job["sha256"])
    for table in iterate_arrow(path):
        yield from batches_of(aligned(table, schema))
    verified(path, job["sha256"])  # somebody's corpus may be replaced meanwhile


def _chain(store: Store, job: Job, look: Callable[[], None], spent: list[float]) -> _Work:
    schema = decode_schema(job["schema"])
    judges: list[Callable[[pa.Table], Judged]] = []
    for step in job["steps"]:
        stage = stage_of(step)
        schema = stage.schema(schema)
        if isinstance(stage, Fit):
            seen = states.visible(store, step["state"], step["local"])
            judges.append(partial(stage.split, seen=seen))
        else:
            assert isinstance(stage, Map)
            judges.append(stage.split)

    def write(folder: Path) -> Values:
        line = _Line(_input(job), len(judges))
        with _Piece(folder, schema, len(judges)) as piece:
            for step, batch in line:
                begin = time.process_time()
                judged = judges[step](batch)
                spent[step] += time.process_time() - begin
                piece.add(step, judged)
                line.pass_on(step, judged.kept)
            values = piece.close()
        look()
        return values

    return write, DATA


class _Line:
    """Batches on their way through steps. Each step is given full batches, as if the one before
    had written a file: what it makes of rows must not depend on where a chain begins."""

    def __init__(self, batches: Iterator[pa.Table], steps: int) -> None:
        self._batches = batches
        self._between = [Batches() for _ in range(steps - 1)]

    def pass_on(self, step: int, kept: pa.Table) -> None:
        """What a step kept waits for the next one."""
        if step < len(self._between):
            self._between[step].add(kept)

    def __iter__(self) -> Iterator[tuple[int, pa.Table]]:
        """(step, batch) in the order of work; what `pass_on` is given in between comes too."""
        for batch in self._batches:
            yield 0, batch
            for step, waiting in enumerate(self._between, 1):
                for full in waiting.full():
                    yield step, full
        for step, waiting in enumerate(self._between, 1):
            for rest in waiting.rest():
                yield step, rest


# --- the rounds of a fit ------------------------------------------------------------------------


def _observe(store: Store, job: Job, look: Callable[[], None], spent: list[float]) -> _Work:
    (step,) = job["steps"]
    stage = stage_of(step)
    assert isinstance(stage, Fit)
    seen = states.visible(store, step["state"], step["local"])

    def write(folder: Path) -> Values:
        writer = None
        for batch in _input(job):
            table = stage.observe(Batch(batch), seen)
            if writer is None:
                writer = ArrowWriter(folder / OBSERVED, table.schema)
            writer.write(table)
        if writer is None:
            empty = stage.observe(Batch(decode_schema(job["schema"]).empty_table()), seen)
            writer = ArrowWriter(folder / OBSERVED, empty.schema)
        writer.close()
        look()
        return {"rows": writer.rows}

    return write, OBSERVED


def _fold(store: Store, job: Job, look: Callable[[], None], spent: list[float]) -> _Work:
    (step,) = job["steps"]
    stage = stage_of(step)
    assert isinstance(stage, Fit)
    state, observed = step["state"], [(key, OBSERVED) for key in job["observed"]]

    def write(folder: Path) -> Values:
        values = states.merge(store, stage, state, observed, folder)
        look()
        return values

    return write, None


# --- across pieces ------------------------------------------------------------------------------


def _blocks(store: Store, job: Job, look: Callable[[], None], spent: list[float]) -> _Work:
    schema = decode_schema(job["schema"])
    align = partial(aligned, schema=schema)
    return lambda folder: across.blocks(job["stretches"], schema, align), None


def _ids(store: Store, job: Job, look: Callable[[], None], spent: list[float]) -> _Work:
    return lambda folder: across.sorted_ids(job["stretches"], folder), None


def _twice(store: Store, job: Job, look: Callable[[], None], spent: list[float]) -> _Work:
    number, count = job["range"]
    return lambda folder: across.twice(store, job["keys"], number, count), None


_DO: dict[str, Callable[[Store, Job, Callable[[], None], list[float]], _Work]] = {
    "read": _read,
    "alike": _alike,
    "renamed": _renamed,
    "chain": _chain,
    "observe": _observe,
    "fold": _fold,
    "blocks": _blocks,
    "ids": _ids,
    "twice": _twice,
}
