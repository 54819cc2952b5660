"""The end of a run in which a step left no record."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.engine.flow import Flow, Made
from stages import check
from stages.base import Stage
from stages.corpus import read_arrow
from stages.counts import Counts
from stages.errors import StageFailed
from stages.words import number

_LONG = 60  # characters of a parameter, from which on it is not told


class NothingKept(StageFailed):
    """A step left no record. made: the step; flow: the records that are none."""

    def __init__(
        self, made: Made, counts: Counts, label: str, flow: Flow, folder: Path | None
    ) -> None:
        why = ", ".join(f"{n} {reason}" for reason, n in sorted(counts.reasons.items()))
        where = ""
        if folder and counts.seen:
            where = f"; the rejects are in {folder} (`seedbed show --rejects`, `seedbed explain`)"
        told = f"{label}: nothing was kept of {number(counts.seen)} ({why or _no_item(made.stage)})"
        super().__init__(told + _example(made) + where)
        self.made, self.flow = made, flow


def _no_item(stage: Stage) -> str:
    """Why nothing came in: perhaps for what the stage was told to take."""
    known = check.parameters(type(stage))
    told = ", ".join(
        f"{name}: {check.shown(value)}"
        for name, value in check.as_json(stage).items()
        if isinstance(value, str) and len(value) < _LONG and value != known[name][1].default
    )
    return f"no row, file or record came in{told and f' with {told}'}: look at the source" + (
        " and at what it was asked for" if told else ""
    )


def _example(made: Made) -> str:
    """The first reject of a step, in words: its place, what it is, what helps."""
    for outcome in made.outcomes:
        for reject in read_arrow(outcome.rejects).slice(0, 1).to_pylist():
            told = json.loads(reject["evidence"])
            words = made.stage.reasons.get(reject["reason"], reject["reason"])
            if "kind" in told:
                reader = f", which {told['read_by']} reads" if "read_by" in told else ""
                words = f"it is {told['kind']}{reader}"
            more = next((told[key] for key in ("remedy", "error") if key in told), "")
            return f"; the first, {reject['place']}: {words}" + (f" ({more})" if more else "")
    return ""
