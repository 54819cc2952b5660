"""What a full run would be, from a run on a sample: items, records, CPU time; roughly.

How much of a source was read is known by its files: one that had fewer items than were asked for
is read whole, of another it is what stands before the end of the last item. Time is taken to grow
with the items, which is too much for what a step spends before it begins.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pipeline.engine.account import Account, StepAccount
from pipeline.engine.sampling import Taken
from pipeline.views.figures import common, ends_of_sources, reads
from pipeline.views.steps import stage_of
from stages.base import End
from stages.corpus import Corpus, read_arrow
from stages.place import Place
from stages.words import duration, number, size


@dataclass(frozen=True)
class Extrapolated:
    """items: that all sources would have; records: at the end; cpu: seconds; unknown: sources of
    which it is not known how large they are; ends: what end stages say that they would take."""

    items: float
    records: float
    cpu: float
    unknown: list[str]
    ends: list[str]


def extrapolated(account: Account, folder: Path) -> Extrapolated | None:
    """The full run; None for a run that was not on a sample."""
    sample = account.get("sample")
    if not sample:
        return None
    items = records = before = cpu = 0.0
    unknown: list[str] = []
    for read, end in zip(reads(account), ends_of_sources(account), strict=True):
        name = read["source"] or ""
        scale = _scale(sample[name], folder / read["folder"]) if name in sample else None
        if scale is None:
            unknown.append(name)
            scale = 1.0
        items += scale * read["counts"]["seen"]
        before += end["counts"]["made"]
        records += scale * end["counts"]["made"]
        cpu += scale * sum(_cpu(s) for s in account["steps"] if s["source"] == name)
    times = records / before if before else 1.0
    last = common(account)[-1:]
    kept = times * last[0]["counts"]["made"] if last else records
    raw = sum(taken["of_bytes"] for taken in sample.values())
    ends: list[str] = []
    for step in account["steps"]:
        stage = stage_of(step)
        if isinstance(stage, End):
            ends += stage.forecast(None, raw)
        if step["source"] is None:
            cpu += times * _cpu(step)
    return Extrapolated(items, kept, cpu, unknown, ends)


def lines(account: Account, folder: Path) -> list[str]:
    """The full run in words; nothing for a run that was not on a sample."""
    found = extrapolated(account, folder)
    if found is None:
        return []
    sample = account["sample"]
    read = sum(step["counts"]["seen"] for step in reads(account))
    files = sum(len(taken["files"]) for taken in sample.values())
    of = sum(taken["of"] for taken in sample.values())
    whole = size(sum(taken["of_bytes"] for taken in sample.values()))
    told = [
        f"a sample   {number(read)} items, of {number(files)} of {number(of)} files with {whole}",
        f"the whole  about {number(found.items)} items and {number(found.records)} records at the "
        f"end; {duration(found.cpu)} of CPU time, {duration(found.cpu / account['workers'])} with "
        f"{account['workers']} workers, or less",
        *(f"           {line}" for line in found.ends),
    ]
    if found.unknown:
        told.append(f"           not reckoned, for its size is unknown: {', '.join(found.unknown)}")
    return told


def _cpu(step: StepAccount) -> float:
    once = step.get("once")
    return once["cpu"] if once else step["cpu"]


def _scale(taken: Taken, folder: Path) -> float | None:
    """How many times as much there is as was read; None where that cannot be told."""
    if not taken["files"] or not taken["of_bytes"]:
        return None
    items: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for place in _places(Corpus(folder)):
        items[place.path] += 1
        if place.member is None and place.offset is not None:
            ends[place.path] = max(ends[place.path], place.offset + (place.length or 0))
        if place.offset is None and place.table is None:
            ends[place.path] = taken["files"].get(place.path, 0)  # the item is the whole file
    read = 0
    for name, bytes_ in taken["files"].items():
        if items[name] >= taken["first"] and name not in ends:
            return None  # rows of a database, members of archives
        read += bytes_ if items[name] < taken["first"] else min(bytes_, ends[name])
    return max(1.0, taken["of_bytes"] / max(1, read))


def _places(corpus: Corpus) -> list[Place]:
    """The places of the items that were read, each once."""
    found: set[str] = set()
    for piece in corpus.pieces:
        for file in ([piece["data"]] if "data" in piece else []) + [piece["rejects"]]:
            found |= {*read_arrow(corpus.path / file, ("place",)).column("place").to_pylist()}
    return list(map(Place.parse, found))
