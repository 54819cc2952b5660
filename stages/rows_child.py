"""The rows of a part, read in a killable child: what kills the reader costs one file its rest.

The child reads file by file and sends batches; a board in shared memory shows how far it is. When
it dies, a fresh one goes on behind the last batch. A file that kills two readers, or one that lets
the deadline pass, is read up to the item before the death and its rest is one reject; the files
beside it are read as if nothing had been. What is killed from outside is never a file's fault.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa

from stages.base import Fault, Item, Part, RowSource, files_of
from stages.child import Died, Process, keep, take
from stages.errors import SeedbedError, StageFailed
from stages.gather import Gathered
from stages.place import Place
from stages.verdicts import Counts, Judged
from stages.watch import board

_OUT_OF_MEMORY = 77  # the exit status of a child whose reader had no memory left
_KILLS = 3  # from outside, before the run stops


class _Stop(NamedTuple):
    """Where the reading of a file ends: after so many items, and why."""

    items: int
    reason: str
    evidence: dict[str, Any]


def splits_in_child(stage: RowSource, part: Part, name: str) -> Iterator[Judged]:
    """Read a part in a child process, which then waits for the next part."""
    reading = _Reading(stage, part, name)
    child = take(stage)
    try:
        while True:
            child = child or Process(stage)
            try:
                yield from reading.batches(child)
                break
            except Died as death:
                reading.died(death, child)
                child.close()
                child = None
    except BaseException:
        if child is not None:
            child.close()
        raise
    keep(child)


class _Reading:
    """How far a part has come, through the deaths of its readers."""

    def __init__(self, stage: RowSource, part: Part, name: str) -> None:
        self.stage, self.part, self.name = stage, part, name
        self.file = self.items = 0  # what has arrived: files before, items of this one
        self.stops: dict[int, _Stop] = {}
        self.deaths: dict[tuple[int, str], int] = {}
        self.kills = 0

    def batches(self, child: Process) -> Iterator[Judged]:
        """What the child reads from here on; raises Died."""
        request = {
            "part": asdict(self.part),
            "name": self.name,
            "from": [self.file, self.items],
            "stops": {str(file): list(stop) for file, stop in self.stops.items()},
        }
        child.asked += 1
        try:
            child.tell(request)
        except BrokenPipeError:
            raise Died("crash", exit_status=child.wait()) from None
        watched = _Watched(child)
        while True:
            message, raw = child.hear(watched.look)
            if "end" in message:
                return
            if "mistake" in message:
                error = SeedbedError(message["mistake"])
                error.exit_code = message["exit_code"]
                raise error
            if "trouble" in message:
                raise StageFailed(
                    f"{self.stage.name}: reading stopped, and not through the fault of what was "
                    f"read: {message['trouble']}"
                )
            self.file, self.items = message["at"]
            yield _judged(message, raw)

    def died(self, death: Died, child: Process) -> None:
        """Decide what a death means for the next reader."""
        file, items, _, _ = child.board.read()
        file, items = max((file, items), (self.file, self.items))
        status = death.evidence.get("exit_status")
        if death.cause == "deadline":
            self._stop(file, items, "deadline", dict(death.evidence))
            return
        if status in (-signal.SIGKILL, -signal.SIGTERM):
            self.kills += 1
            if self.kills == _KILLS:
                raise StageFailed(
                    f"{self.stage.name}: the reading process was killed three times at "
                    f"{_called(self.part, file)} by another process (is the machine out of memory?)"
                )
            return
        # The first time it may be what was read before that left too little memory.
        reason = "memory" if status == _OUT_OF_MEMORY else "crash"
        deaths = self.deaths[file, reason] = self.deaths.get((file, reason), 0) + 1
        if deaths > 1:
            limit = {"limit_mb": self.stage.memory}
            self._stop(file, items, reason, limit if reason == "memory" else dict(death.evidence))

    def _stop(self, file: int, items: int, reason: str, evidence: dict[str, Any]) -> None:
        """Read a file to so many items only; where that killed a reader too, no further."""
        known = self.stops.get(file)
        if known is not None:
            items = self.items if file == self.file else 0
            items = min(items, known.items)
        self.stops[file] = _Stop(items, reason, {**evidence, "items_before": items})


class _Watched:
    """Looks at a reading child: Died when it uses its CPU time and nothing moves on."""

    def __init__(self, child: Process) -> None:
        self.child = child
        self.seen: tuple[int, ...] = ()
        self.cpu = 0.0

    def look(self) -> None:
        seen = self.child.board.read()
        cpu = self.child.cpu()
        if seen != self.seen or seen[3]:
            self.seen, self.cpu = seen, cpu
        elif cpu - self.cpu > self.child.stage.deadline:
            raise Died("deadline", cpu_seconds=self.child.stage.deadline)


def _called(part: Part, file: int) -> str:
    names = files_of(part)[file].files
    return names[0] if names else str(part.detail.get("url", "the database"))


def _judged(message: dict[str, Any], raw: bytes) -> Judged:
    with pa.ipc.open_stream(pa.py_buffer(raw)[: message["kept"]]) as kept:
        data = kept.read_all()
    with pa.ipc.open_stream(pa.py_buffer(raw)[message["kept"] :]) as rejects:
        left = rejects.read_all()
    return Judged(data, left, Counts(**message["counts"]), message["passing"])


# --- the child's side ---------------------------------------------------------------------------


def answer_part(
    stage: RowSource, message: dict[str, Any], answer: Callable[[object, bytes], None]
) -> None:
    """Read a part and send its batches; ends this process when memory runs out."""
    part = Part(**{**message["part"], "files": tuple(message["part"]["files"])})
    stops = {int(file): _Stop(*stop) for file, stop in message["stops"].items()}
    try:
        for at, split in _batches(stage, part, message["name"], message["from"], stops):
            head, raw = _packed(at, split)
            answer(head, raw)
    except SeedbedError as error:
        answer({"mistake": str(error), "exit_code": error.exit_code}, b"")
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except (ImportError, OSError) as error:
        answer({"trouble": f"{type(error).__name__}: {error}"}, b"")
    else:
        answer({"end": True}, b"")


def _batches(
    stage: RowSource, part: Part, name: str, begin: list[int], stops: dict[int, _Stop]
) -> Iterator[tuple[list[int], Judged]]:
    """(file and how many of its items are taken with it, batch) from a place on."""
    gathered = Gathered(stage, name, part.detail.get("seen", {}))
    shown = board()
    first, taken = begin
    at = begin
    for file, one in enumerate(files_of(part)):
        if file < first:
            continue
        passed = taken if file == first else 0
        shown.item(file, 0)
        for number, item in _numbered(stage, one, stops.get(file), passed):
            shown.item(file, number)
            if number <= passed:
                gathered.pass_over(item)
                continue
            gathered.add(item)
            at = [file, number]
            if gathered.full:
                yield at, gathered.take()
    yield at, gathered.take()


def _numbered(
    stage: RowSource, part: Part, stop: _Stop | None, passed: int
) -> Iterator[tuple[int, Item | Fault]]:
    """The items of a file, from 1; where it is not to be read on, a fault is the last one."""
    if stop is None:
        yield from enumerate(stage.guarded(part), 1)
        return
    if stop.items > passed:
        yield from enumerate(islice(stage.guarded(part), stop.items), 1)
    if stop.items >= passed:
        at = Place(part.files[0] if part.files else "")
        yield stop.items + 1, Fault(at, stop.reason, stop.evidence)


def _packed(at: list[int], split: Judged) -> tuple[dict[str, Any], bytes]:
    kept, rejects = _stream(split.kept), _stream(split.rejects)
    head = {
        "at": at,
        "kept": len(kept),
        "counts": asdict(split.counts),
        "passing": split.passing,
    }
    return head, b"".join((kept, rejects))


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
