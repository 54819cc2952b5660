"""What people should look at before they trust a run: one rule a function, on values alone.

A warning is a sentence that names step or source, the share and the reason. They stand in the
ending, in `run.json` and at the top of the report. Reasons and cuts that a stage calls `usual` are
its purpose (a menu of a page, records that were not selected) and no loss, unless one of them
takes most of what there was.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.engine.account import Account, CountedStep, made_by
from pipeline.views.figures import counted, ends_of_sources, reads
from pipeline.views.kinds import shown
from stages.corpus import Corpus
from stages.extract.forms import ALL_COLUMNS
from stages.registry import loaded
from stages.words import number, percent

MUCH = 0.1  # share of a step's records or text that is worth a look when it is lost
MOST = 0.5
LOOKED_AT = 500  # records of a source whose `meta` is looked at
LONG = 40  # characters, in the mean, from which a value in `meta` may be text to learn from
BESIDE = 0.25  # and this share of the record's own text


@dataclass(frozen=True)
class Beside:
    """What a source's records hold beside their text. mean: characters of the text in the mean;
    columns: of each value in `meta`."""

    source: str
    mean: float
    columns: Mapping[str, float] = field(default_factory=dict)


def warnings_of(account: Account, folder: Path) -> list[str]:
    """All warnings of a run, in the order of its steps."""
    steps, first = counted(account), reads(account)
    sizes = {
        step["source"]: step["counts"]["made"]
        for step in ends_of_sources(account)
        if step["source"]
    }
    found: list[str] = []
    for step in steps:
        source, reading = step["source"], step in first
        found += of_step(step, reading)
        if source and reading:
            found += weaker_form(step)
            found += unread_columns(_beside(source, folder / step["folder"]))
        elif source is None and step["counts"]["reasons"]:
            found += most_of_a_source(step, _by_source(folder / step["folder"]), sizes)
    for kind, path in made_by(account, folder).items():
        found += shown(kind, kind.warnings, path, lambda words: words)
    return found


def of_step(step: CountedStep, reading: bool) -> list[str]:
    """What a step lost of records and text, and what it found. reading: whether it is the one that
    reads a source."""
    stage = loaded(step["stage"])
    usual, cuts = (stage.usual, stage.cuts) if stage is not None else ((), {})
    return [
        *(one_reason(step) or lost_records(step, usual)),
        # The bytes of what a source could not read are no text of its records.
        *(most_text(step) or lost_text(step, usual, cuts if reading else None)),
        *(f"{step['label']}: {text}" for text in learned_warnings(step)),
    ]


def learned_warnings(step: CountedStep) -> list[str]:
    """What a step that looked at all records found odd about them."""
    learned = step.get("learned")
    return learned["warnings"] if learned else []


def lost_records(step: CountedStep, usual: Collection[str] = ()) -> list[str]:
    """A step loses over a tenth of its records."""
    counts = step["counts"]
    lost = {reason: n for reason, n in counts["reasons"].items() if reason not in usual}
    return _lost(step["label"], lost, counts["seen"], "its records")


def lost_text(
    step: CountedStep, usual: Collection[str] = (), only: Collection[str] | None = None
) -> list[str]:
    """A step loses over a tenth of its text. only: the reasons that count."""
    text = step["counts"]["text"]
    lost = {
        reason: n
        for reason, n in text["removed"].items()
        if reason not in usual and (only is None or reason in only)
    }
    return _lost(step["label"], lost, text["seen"], "its characters")


def _lost(label: str, lost: Mapping[str, int], seen: int, what: str) -> list[str]:
    whole = sum(lost.values())
    if whole <= MUCH * seen:
        return []
    reason = max(lost, key=lambda one: (lost[one], one))
    most = "" if len(lost) == 1 else f"{number(lost[reason])} of them "
    return [
        f"{label} lost {percent(whole, seen)} of {what} ({number(whole)} of {number(seen)}), "
        f"{most}as {reason}"
    ]


def one_reason(step: CountedStep) -> list[str]:
    """One reason takes most of the records that a step saw."""
    counts = step["counts"]
    return [
        f"{step['label']}: {reason} took {percent(n, counts['seen'])} of the records "
        f"({number(n)} of {number(counts['seen'])})"
        for reason, n in counts["reasons"].items()
        if n > MOST * counts["seen"]
    ]


def most_text(step: CountedStep) -> list[str]:
    """One reason takes most of the text that a step saw."""
    text = step["counts"]["text"]
    return [
        f"{step['label']}: {reason} took {percent(n, text['seen'])} of the text "
        f"({number(n)} of {number(text['seen'])} characters)"
        for reason, n in text["removed"].items()
        if n > MOST * text["seen"]
    ]


def most_of_a_source(
    step: CountedStep, by_source: Mapping[tuple[str, str], int], sizes: Mapping[str, int]
) -> list[str]:
    """One reason of a step on all records takes most of one source. by_source: (source, reason) →
    records; sizes: source → records that it had when all became one."""
    if len(sizes) < 2:
        return []
    return [
        f"{step['label']}: {reason} took {percent(n, sizes[source])} of the source {source} "
        f"({number(n)} of {number(sizes[source])} records)"
        for (source, reason), n in by_source.items()
        if source in sizes and n > MOST * sizes[source]
    ]


def weaker_form(step: CountedStep) -> list[str]:
    """Most records of a source were not understood: each became one text of all its columns."""
    forms = step["counts"]["forms"]
    weak = {form: n for form, n in forms.items() if form.startswith(ALL_COLUMNS)}
    if sum(weak.values()) <= MOST * sum(forms.values()):
        return []
    form = max(weak, key=lambda one: (weak[one], one))
    return [
        f"{step['label']}: {number(sum(weak.values()))} of {number(sum(forms.values()))} records "
        f"became one text of lines `column: value` ({form}): name the columns that hold the text"
    ]


def unread_columns(beside: Beside) -> list[str]:
    """Columns with much text went to `meta`, where nothing reads them."""
    long = {
        name: mean
        for name, mean in beside.columns.items()
        if mean >= LONG and mean >= BESIDE * beside.mean
    }
    if not long:
        return []
    told = ", ".join(f"{name} ({mean:.0f} characters a record)" for name, mean in long.items())
    return [
        f"{beside.source}: text went to `meta` unread: {told}; the text that is read has "
        f"{beside.mean:.0f}: name the columns if they are text to learn from"
    ]


# --- values from the run's folder ---------------------------------------------------------------


def _by_source(folder: Path) -> Counter[tuple[str, str]]:
    rejects = Corpus(folder).rejects().select(["source", "reason"])
    groups = rejects.group_by(["source", "reason"]).aggregate([([], "count_all")])
    return Counter({(row["source"], row["reason"]): row["count_all"] for row in groups.to_pylist()})


def _beside(source: str, folder: Path) -> Beside:
    """The lengths of text and `meta` in the first records of a source."""
    own = rows = 0
    columns: Counter[str] = Counter()
    for record, meta in _first(folder):
        rows, own = rows + 1, own + record
        for name, value in meta.items():
            columns[name] += len(value) if isinstance(value, str) else 0
    rows = rows or 1
    return Beside(source, own / rows, {name: n / rows for name, n in columns.items()})


def _first(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(characters of its text, `meta`) of the first records of a corpus."""
    from stages.counts import characters

    left = LOOKED_AT
    for table in Corpus(folder).batches():
        part = table.slice(0, left)
        metas = part.column("meta").to_pylist()
        for length, meta in zip(characters(part).tolist(), metas, strict=True):
            yield length, json.loads(meta) if meta else {}
        left -= part.num_rows
        if left <= 0:
            return
