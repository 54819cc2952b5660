"""The account of a stage: records and characters that came in, stayed, and left, by reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.manifest import CountsEntry
from stages.records import extra_fields

Lengths = npt.NDArray[np.int64]


@dataclass
class TextCount:
    """Characters, counted like records: seen = kept + removed; what the records hold afterwards
    is kept + added.

    removed: reason → characters, of the stage's `reasons` (whole records) and `cuts` (pieces of
    records that stay). added: marks and labels that the stage wrote itself.
    """

    seen: int = 0
    kept: int = 0
    added: int = 0
    removed: dict[str, int] = field(default_factory=dict)

    @property
    def made(self) -> int:
        """Characters of the records after the stage."""
        return self.kept + self.added

    def remove(self, reason: str, characters: int) -> None:
        """So many of the characters left for this reason."""
        if characters:
            self.removed[reason] = self.removed.get(reason, 0) + characters

    def add(self, other: TextCount) -> None:
        """Add the count of another piece."""
        self.seen += other.seen
        self.kept += other.kept
        self.added += other.added
        for reason, characters in other.removed.items():
            self.remove(reason, characters)


@dataclass
class Counts:
    """What one stage did to one piece. `made` is the number of records after it.

    seen = kept + dropped + failed. `inapplicable` rows have no text in the view that the stage
    judges; they pass and are among the kept. `changed` rows are kept with another text.
    forms: how a source understood what it read, in words (`prompt ← question; meta ← id`), with
    the number of records. text: the same account, of characters.
    """

    seen: int = 0
    kept: int = 0
    dropped: int = 0
    failed: int = 0
    made: int = 0
    inapplicable: int = 0
    changed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    forms: dict[str, int] = field(default_factory=dict)
    text: TextCount = field(default_factory=TextCount)

    @staticmethod
    def of(values: CountsEntry) -> Counts:
        """The counts that `as_json` made JSON of."""
        own: dict[str, Any] = {**values, "text": TextCount(**values["text"])}
        return Counts(**own)

    def as_json(self) -> CountsEntry:
        """What manifests and accounts hold."""
        return {
            "seen": self.seen,
            "kept": self.kept,
            "dropped": self.dropped,
            "failed": self.failed,
            "made": self.made,
            "inapplicable": self.inapplicable,
            "changed": self.changed,
            "reasons": dict(self.reasons),
            "forms": dict(self.forms),
            "text": {
                "seen": self.text.seen,
                "kept": self.text.kept,
                "added": self.text.added,
                "removed": dict(self.text.removed),
            },
        }

    def add(self, other: Counts) -> None:
        """Add the counts of another piece."""
        for name in ("seen", "kept", "dropped", "failed", "made", "inapplicable", "changed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("reasons", "forms"):
            mine = getattr(self, name)
            for word, number in getattr(other, name).items():
                mine[word] = mine.get(word, 0) + number
        self.forms = bounded(self.forms)
        self.text.add(other.text)

    def check(self, stage: str) -> None:
        """Raise AssertionError when an identity does not hold, of records or of characters."""
        if self.seen != self.kept + self.dropped + self.failed:
            raise AssertionError(f"{stage}: in = kept + dropped + failed does not hold: {self}")
        if sum(self.reasons.values()) != self.dropped + self.failed:
            raise AssertionError(f"{stage}: reasons do not add up to what left: {self}")
        if self.text.seen != self.text.kept + sum(self.text.removed.values()):
            raise AssertionError(f"{stage}: in = kept + removed does not hold for text: {self}")


_FORMS = 32  # lines of different forms that are told apart
_VARIOUS = "← what differs from record to record"
_META = re.compile(r"; (?:meta ←|table:).*", re.DOTALL)
_ALL = re.compile(r"←(?! all columns)[^;]*")


def bounded(forms: Mapping[str, int]) -> dict[str, int]:
    """Forms of any number as a few: where there are too many, columns of meta and tables are told
    no more, then no columns at all. However they are added up, the outcome is the same."""
    various = [line for line in forms if _VARIOUS in line]
    if len(forms) <= _FORMS and not various:
        return dict(forms)
    found = _joined(forms, _META, f"; meta {_VARIOUS}")
    if len(found) > _FORMS or any(_VARIOUS in _META.sub("", line) for line in various):
        found = _joined(found, _ALL, _VARIOUS)
    return found


def form_lines(forms: Mapping[str, int]) -> list[str]:
    """Forms for people, the most frequent first; with their numbers where there are several."""
    ordered = sorted(forms.items(), key=lambda pair: (-pair[1], pair[0]))
    return [form if len(forms) == 1 else f"{form} ({number:,})" for form, number in ordered]


def _joined(forms: Mapping[str, int], pattern: re.Pattern[str], by: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line, number in forms.items():
        line = pattern.sub(by, line)
        found[line] = found.get(line, 0) + number
    return found


def characters(table: pa.Table) -> Lengths:
    """The characters of each row's text, prompt, completion and messages: their contents and the
    texts beside them."""
    lengths = np.zeros(table.num_rows, dtype=np.int64)
    for name in ("text", "prompt", "completion"):
        if name in table.column_names:
            lengths += _filled(pc.utf8_length(table.column(name)))
    if "messages" in table.column_names:
        messages = table.column("messages").combine_chunks()
        contents = _filled(pc.utf8_length(pc.struct_field(pc.list_flatten(messages), "content")))
        if len(contents):
            rows = pc.list_parent_indices(messages).to_numpy(zero_copy_only=False)
            lengths += np.bincount(rows, contents, table.num_rows).astype(np.int64)
            extra = pc.struct_field(pc.list_flatten(messages), "extra")
            filled = pc.indices_nonzero(pc.is_valid(extra)).to_numpy()
            for at, one in zip(filled, extra.drop_null().to_pylist(), strict=True):
                lengths[rows[at]] += sum(len(text) for _, text in extra_fields(one))
    return lengths


def _filled(lengths: pa.Array | pa.ChunkedArray) -> Lengths:
    return np.asarray(pc.fill_null(lengths, 0), dtype=np.int64)
