"""What travels between the driver and its workers, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from pipeline.engine.content import Hashed
from stages.manifest import CountsEntry

# A stretch of a piece: path, SHA-256, rows before it, rows.
Stretch = tuple[str, str, int, int]


class Step(TypedDict):
    """One stage of a job. state: the key of a fit's state, local: the piece's number in it."""

    stage: str
    parameters: dict[str, Any]
    state: str | None
    local: int | None


class PartEntry(TypedDict):
    """A `Part` of a source. What is a tuple here, and in a job, arrives as a list."""

    root: str
    files: tuple[str, ...]
    start: int
    stop: int | None
    detail: Mapping[str, Any]
    fingerprint: str | None
    stamps: Mapping[str, Sequence[int]]
    beside: Sequence[str]


class Job(TypedDict, total=False):
    """One job. part, source: of `read`. input, sha256, schema: the piece that `chain` and
    `observe` work on; input of `alike`: the file that was cut. observed: what `merge` merges into
    the state of its step. files: of the
    input, own: of the stage of each step, as they were when they were hashed (`Hashed`). stretches,
    keys, range: of work across pieces, see `across`. about:
    what it is called in messages. left: of a job that is too long to travel, the key under which
    the store holds it."""

    do: str
    about: str
    key: str
    store: str
    files: list[Hashed]
    own: list[list[Hashed]]
    steps: list[Step]
    part: PartEntry
    source: str
    input: str
    sha256: str
    schema: str
    observed: list[str]
    left: str
    stretches: list[Stretch]
    keys: list[str]
    range: list[int]


class Summary(TypedDict, total=False):
    """What the driver needs of an entry. counts: of each step, where they are short enough to
    travel; cpu: CPU seconds of the job; shares: of each step, so that they add up to 1; value:
    what work across pieces found; computed_on: the kind of CPU, where
    the bytes depend on it; over: whether the reader of a range was over its end; lines: of a look
    at one, how many end in it."""

    key: str
    sha256: str
    rows: int
    counts: list[CountsEntry]
    value: str
    computed_on: str
    cpu: float
    seconds: float
    shares: list[float]
    over: bool
    lines: int
