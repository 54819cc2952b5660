"""Records that say the same: duplicates, different answers, what train and validation share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages.audit.finding import Findings, short, where
from stages.clean.dedup import Deduplicate
from stages.clean.refusals import RefusalFilter
from stages.records import CORE, fields
from stages.select.sides.benchmarks import Benchmarks
from stages.verdicts import Batch

_ROWS = 1024


def duplicates(table: pa.Table, findings: Findings) -> None:
    """Records that say the same as an earlier one, exactly or nearly."""
    if not table.num_rows:
        return
    rejects: list[dict[str, Any]] = []
    Deduplicate()(table, rejects)
    ids, places_ = (table.column(name).to_pylist() for name in ("id", "place"))
    places = dict(zip(ids, places_, strict=True))
    for reject in rejects:
        survivor = json.loads(reject["evidence"]).get("survivor")
        told = f"as {where(places[survivor])}" if survivor in places else ""
        findings.add(reject["reason"], where(reject["place"]), told)


def answers(rows: Sequence[dict[str, Any]], findings: Findings) -> None:
    """The same question with other answers."""
    first: dict[str, tuple[str, str]] = {}
    for row in rows:
        asked = "\n".join(text for _, text in fields(row, "input"))
        said = "\n".join(text for _, text in fields(row, "output"))
        if not asked.strip() or not said.strip():
            continue
        known = first.setdefault(asked.strip(), (said.strip(), row["place"]))
        if known[0] != said.strip():
            findings.add("other_answer", where(row["place"]), f"as {where(known[1])}")


def refusals(table: pa.Table, findings: Findings) -> None:
    """Answers that refuse, or speak of being an AI."""
    if not table.num_rows:
        return
    judged = RefusalFilter(action="tag")(table)
    for place, word in zip(
        judged.column("place").to_pylist(), judged.column("refusal").to_pylist(), strict=True
    ):
        if word in ("refusal", "boilerplate"):
            findings.add(word, where(place))


def leaks(table: pa.Table, val: Path, findings: Findings) -> None:
    """What of the validation file stands in the training file."""
    items = Benchmarks([val])
    for begin in range(0, table.num_rows, _ROWS):
        batch = Batch(table.slice(begin, _ROWS).select([*CORE]))
        places = batch.column("place")
        for row, item, evidence in items.found(batch):
            detail = f"as {where(item.place)} of the validation file"
            if "match" in evidence:
                detail += f": {short(evidence['match'])}"
            findings.add(f"leak_{evidence['by']}", where(places[row]), detail)
