"""A look at what a source would read: some items of some of its files, in the killable child.

Bounded in files, items, bytes and seconds, so it is never the whole of a large input. What a
source understood, and what it refused, is what a run will say of the same items.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from stages.base import Item, Part, Source, files_of
from stages.check import nearest
from stages.child import Died, Process
from stages.errors import SeedbedError, StageFailed, UsageError
from stages.gather import one_by_one

FILES, ITEMS, BYTES = 16, 200, 4 << 20
CPU_SECONDS, SECONDS = 5.0, 30.0  # of the reader, and on the clock, for one file and for all
_WHOLE = 1 << 62  # no file is cut for a look
_COLUMNS = 50  # in a message

Refused = tuple[str, str, dict[str, Any]]  # place, reason, evidence


@dataclass
class Sample:
    """What was seen. files: looked at, of so many, which have so many bytes. items: read, of which
    `refused` were refused. forms: how they were understood, with the number of records. faults:
    place, reason and evidence of the first ones refused. whole: whether that is all there is.
    stopped: sentences on files that were not looked at to the end."""

    files: int = 0
    of: int = 0
    items: int = 0
    refused: int = 0
    forms: dict[str, int] = field(default_factory=dict)
    faults: list[Refused] = field(default_factory=list)
    whole: bool = True
    stopped: list[str] = field(default_factory=list)

    def add(self, found: dict[str, Any]) -> None:
        """Add what was seen of one file."""
        self.files += 1
        self.items += found["items"]
        self.refused += found["refused"]
        for line, number in found["forms"].items():
            self.forms[line] = self.forms.get(line, 0) + number
        self.faults += [tuple(fault) for fault in found["faults"]]
        self.whole = self.whole and found["whole"]


def look(stage: Source, parts: list[Part], cpu: float = CPU_SECONDS) -> Sample:
    """Look at some of the files of a source's parts.

    UsageError for a mistake that reading found: a column or a table that is not there.
    """
    single = [one for part in parts if "left" not in part.detail for one in files_of(part)]
    sample = Sample(of=len(single), whole=len(single) <= FILES)
    end = time.monotonic() + SECONDS
    child: Process | None = None
    try:
        for part in _spread(single):
            child = child or Process(stage)
            try:
                sample.add(_seen(child, part, end, cpu))
            except StageFailed as error:  # a server that is busy, a file that is locked
                sample.whole = False
                sample.stopped.append(str(error))
            except Died as death:
                child.close()
                child = None
                sample.whole = False
                late = death.cause == "deadline"
                why = "takes too long for a look" if late else "ended its reader"
                sample.stopped.append(f"{_called(part)} {why}")
                if late:
                    break
    finally:
        if child is not None:
            child.close()
    return sample


def parts_of(stage: Source, path: str) -> list[Part]:
    """The parts of a source, none of which is a piece of a file: nothing is read for that."""
    return stage.parts(path, _WHOLE)


def missing(stage: Source, faults: Iterable[Refused], whole: bool) -> str | None:
    """The sentence on a column, a sheet or a speaker that is named and that none of the items seen
    has. faults: those that were refused, where no other was seen. whole: whether these are all."""
    named = stage.named()
    for place, _, evidence in faults:
        name = _first(evidence.get("missing"))
        if name not in named:
            continue
        kind = next((one for one in ("sheet", "speaker") if f"{one}s" in evidence), "column")
        found = (evidence.get(key) for key in ("columns", "keys", "sheets", "speakers"))
        there = [str(one) for one in next(filter(None, found), ())]
        near = nearest(name, there)
        if not near and not whole:
            continue  # it may stand further behind
        listed = ", ".join(there[:_COLUMNS]) or "none"
        return f"{named[name]}: there is no {kind} {name!r} in {place}{near}; it has {listed}"
    return None


def _first(missing: Any) -> str:
    return str(missing[0]) if isinstance(missing, list) and missing else str(missing)


def _spread(parts: list[Part]) -> list[Part]:
    """At most FILES of the parts, from the first to the last."""
    if len(parts) <= FILES:
        return parts
    return [parts[n * (len(parts) - 1) // (FILES - 1)] for n in range(FILES)]


def _called(part: Part) -> str:
    return part.files[0] if part.files else str(part.detail.get("file", "the database"))


def _seen(child: Process, part: Part, end: float, cpu: float) -> dict[str, Any]:
    def limit() -> None:
        if time.monotonic() > end or child.cpu() - begun > cpu:
            raise Died("deadline")

    begun = child.cpu()
    part = replace(part, detail={**part.detail, "sample": BYTES})
    try:
        child.tell({"sample": asdict(part), "items": ITEMS})
    except BrokenPipeError:
        raise Died("crash") from None
    found: dict[str, Any] = child.hear(limit)[0]
    if "mistake" in found:
        raise (UsageError if found["exit_code"] == 2 else StageFailed)(found["mistake"])
    return found


# --- the child's side ---------------------------------------------------------------------------


def answer_sample(
    stage: Source, message: dict[str, Any], answer: Callable[[object, bytes], None]
) -> None:
    """Read some items of a part and say what they were."""
    part = Part(**{**message["sample"], "files": tuple(message["sample"]["files"])})
    forms: dict[str, int] = {}
    faults: list[Refused] = []
    items = refused = size = 0
    whole = True
    try:
        for item in one_by_one(stage.guarded(part)):
            if items == message["items"] or size > part.detail["sample"]:
                whole = False
                break
            items, size = items + 1, size + len(item.raw)
            if isinstance(item, Item):
                if item.form:
                    forms[item.form] = forms.get(item.form, 0) + 1
            else:
                refused += 1
                if len(faults) < 5:
                    faults.append((str(item.place), item.reason, dict(item.evidence)))
    except SeedbedError as error:
        answer({"mistake": str(error), "exit_code": error.exit_code}, b"")
        return
    except (ImportError, OSError, MemoryError) as error:
        told = {"error": f"{type(error).__name__}: {error}"}
        refused, whole = refused + 1, False
        faults.append(("", "unreadable", told))
    found = {"items": items, "refused": refused, "forms": forms, "faults": faults, "whole": whole}
    answer(found, b"")
