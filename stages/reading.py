"""A part read in a killable child: what kills the reader costs a page, or a file of rows its rest.

The child reads file by file and sends batches; a board in shared memory shows how far it is. When
it dies, a fresh one goes on behind the last batch. A page that kills two readers, or lets the
deadline pass, is one reject; a file of rows is read up to the row before the death, and its rest
is one. What stands beside is read as if nothing had been, and what was killed from outside is
never the fault of what was read.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import pyarrow as pa

from stages.base import FIRST, Border, DocumentSource, Fault, Item, Part, Rows, Source, files_of
from stages.child import Died, Process, keep, take
from stages.counts import Counts
from stages.errors import SeedbedError, StageFailed
from stages.gather import Gathered
from stages.place import Place
from stages.verdicts import Judged
from stages.watch import board, untimed

_OUT_OF_MEMORY = 77  # the exit status of a child whose reader had no memory left
_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGHUP, -signal.SIGINT)
_KILLS = 3  # from outside, before the run stops
_RESTARTS = 6  # of one file, beside two for each item that was found to kill its reader


class Culprit(NamedTuple):
    """An item that is not read: its number in its file, from 1, and why. last: the reading of the
    file ends with it."""

    number: int
    reason: str
    evidence: dict[str, Any]
    last: bool


def splits_in_child(stage: Source, part: Part, name: str) -> Iterator[Judged]:
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

    def __init__(self, stage: Source, part: Part, name: str) -> None:
        self.stage, self.part, self.name = stage, part, name
        self.at = (0, 0)  # what has arrived: files before, items of this one
        self.held: Judged | None = None  # a batch that its reader could not fill
        self.culprits: dict[int, dict[int, Culprit]] = {}
        self.deaths: dict[tuple[int, int, str], int] = {}
        self.restarts: dict[int, int] = {}
        self.kills = 0

    def batches(self, child: Process) -> Iterator[Judged]:
        """What the child reads from here on; raises Died."""
        request = {
            "part": asdict(self.part),
            "name": self.name,
            "from": self.at,
            "held": [self.held.counts.seen, self.held.bytes] if self.held else [0, 0],
            "culprits": {file: list(known.values()) for file, known in self.culprits.items()},
        }
        child.board.item(*self.at)  # it may still show another part
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
            file, items = message["at"]
            self.at = (file, items)
            found = _judged(message, raw)
            self.held = found if self.held is None else self.held.followed_by(found)
            if message["full"]:
                whole, self.held = self.held, None
                yield whole

    def died(self, death: Died, child: Process) -> None:
        """Decide what a death means for the next reader."""
        file, items, _, _ = child.board.read()
        file, items = max((file, items), self.at)
        status = death.evidence.get("exit_status")
        if death.cause == "deadline":
            self._book(file, items + 1, "deadline", dict(death.evidence))
            return
        if status in _FROM_OUTSIDE:
            self.kills += 1
            if self.kills == _KILLS:
                raise StageFailed(
                    f"{self.stage.name}: the reading process was killed three times at "
                    f"{_called(self.part, file)} by another process (is the machine out of memory?)"
                )
            return
        # The first time it may be what was read before that left too little memory. A file whose
        # readers die now here, now there, is given up as well.
        reason = "memory" if status == _OUT_OF_MEMORY else "crash"
        name = (file, items, reason)
        self.deaths[name] = self.deaths.get(name, 0) + 1
        self.restarts[file] = self.restarts.get(file, 0) + 1
        patience = _RESTARTS + 2 * len(self.culprits.get(file, ()))
        if self.deaths[name] > 1 or self.restarts[file] > patience:
            limit = {"limit_mb": self.stage.memory}
            evidence = limit if reason == "memory" else dict(death.evidence)
            self._book(file, items + 1, reason, evidence)

    def _book(self, file: int, number: int, reason: str, evidence: dict[str, Any]) -> None:
        """Leave an item out. Of rows, what follows in the file is left too, since it is found
        through this one; so it is of pages when one kills a reader that was to leave it out."""
        known = self.culprits.setdefault(file, {})
        if number in known and known[number].last:
            number = 1 + (self.at[1] if file == self.at[0] else 0)  # nothing more of this file
            if number in known and known[number].last:
                raise StageFailed(
                    f"{self.stage.name}: the reading process dies at "
                    f"{_called(self.part, file)} before it reads anything ({reason} {evidence})"
                )
            known.clear()
            known[number] = Culprit(number, reason, evidence, True)
            return
        last = number in known or not isinstance(self.stage, DocumentSource)
        if last:
            evidence = {**evidence, "items_before": number - 1}
            for later in [one for one in known if one >= number]:
                del known[later]
        known[number] = Culprit(number, reason, evidence, last)


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
    counts = Counts.of(message["counts"])
    return Judged(data, left, counts, message["passing"], message["bytes"], message["over"])


# --- the child's side ---------------------------------------------------------------------------


def warm_up(stage: Source) -> None:
    """Load what packing a batch needs, before memory is limited to what a document may take."""
    _packed([0, 0], Gathered(stage, "").take(), True)


def answer_part(
    stage: Source, message: dict[str, Any], answer: Callable[[object, bytes], None]
) -> None:
    """Read a part and send its batches; ends this process when memory runs out."""
    part = Part(**{**message["part"], "files": tuple(message["part"]["files"])})
    culprits = {
        int(file): [Culprit(*culprit) for culprit in found]
        for file, found in message["culprits"].items()
    }
    gathered = Gathered(stage, message["name"], message["held"])
    at = message["from"]

    def give(full: bool) -> None:
        with untimed():  # this is our own work
            answer(*_packed(at, gathered.take(), full))

    try:
        for file, number, item, new in _items(stage, part, at, culprits):
            if not new:
                gathered.pass_over(item)
                continue
            gathered.add(item)
            at = [file, number]
            if gathered.full:
                give(True)
        give(True)
    except SeedbedError as error:
        answer({"mistake": str(error), "exit_code": error.exit_code}, b"")
    except MemoryError:
        # What has been read goes out first, so that the next reader begins with the culprit.
        with contextlib.suppress(MemoryError):
            give(False)
        os._exit(_OUT_OF_MEMORY)
    except (ImportError, OSError) as error:
        answer({"trouble": f"{type(error).__name__}: {error}"}, b"")
    else:
        answer({"end": True}, b"")


def _items(
    stage: Source, part: Part, begin: list[int], culprits: Mapping[int, list[Culprit]]
) -> Iterator[tuple[int, int, Item | Fault | Rows | Border, bool]]:
    """(file, number in the file, item, whether it is new) of what is to be read from a place on;
    what comes before it in its file is given once more, for its equal siblings' sake. Of rows that
    come at once the number is that of the last."""
    shown = board()
    first, taken = begin
    for file, one in enumerate(files_of(part)):
        if file < first:
            continue
        passed = taken if file == first else 0
        left = {culprit.number: culprit for culprit in culprits.get(file, ())}
        end = next((c for c in left.values() if c.last), None)
        shown.item(file, 0)
        if end is None or end.number - 1 > passed:
            stops = [one.detail.get(FIRST), None if end is None else end.number - 1]
            stop = min((number for number in stops if number is not None), default=None)
            for number, item in _numbered(stage.guarded(one, passed, left), passed, stop):
                yield file, number, item, number > passed
                shown.item(file, number)
        if end is not None and end.number > passed:
            at = Place(one.files[0] if one.files else "")
            yield file, end.number, Fault(at, end.reason, end.evidence), True


def _numbered(
    found: Iterator[Item | Fault | Rows | Border], passed: int, stop: int | None
) -> Iterator[tuple[int, Item | Fault | Rows | Border]]:
    """Items with their numbers, from 1 up to `stop`; rows that come at once are cut behind the one
    with the number `passed`, and have the number of the last."""
    number = 0
    for item in found:
        if isinstance(item, Rows):
            before, size = number, len(item)
            cuts = {0, size, max(0, min(size, passed - before))}
            if stop is not None:
                cuts = {min(cut, stop - before) for cut in cuts}
            for begin, end in itertools.pairwise(sorted(cuts)):
                number = before + end
                yield number, item.slice(begin, end)
        else:
            number += 1
            yield number, item
        if number == stop:
            return


def _packed(at: list[int], split: Judged, full: bool) -> tuple[dict[str, Any], bytes]:
    kept, rejects = _stream(split.kept), _stream(split.rejects)
    head = {
        "at": at,
        "full": full,
        "kept": kept.size,
        "counts": split.counts.as_json(),
        "passing": split.passing,
        "bytes": split.bytes,
        "over": split.over,
    }
    return head, b"".join((kept, rejects))


def _stream(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
