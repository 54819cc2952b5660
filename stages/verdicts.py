"""What a stage says of the rows of one batch, and what becomes of it.

A stage never filters and never builds rejects. It marks rows of a `Verdicts`; `split` then makes
the kept table and the rejects, so that in = kept + dropped + failed holds by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from stages import records
from stages.records import CORE, REJECT_TEXT, REJECTS, View


@dataclass
class Counts:
    """What one stage did to one piece. `made` is the number of records after it.

    seen = kept + dropped + failed. `inapplicable` rows have no text in the view that the stage
    judges; they pass and are among the kept. `changed` rows are kept with another text.
    """

    seen: int = 0
    kept: int = 0
    dropped: int = 0
    failed: int = 0
    made: int = 0
    inapplicable: int = 0
    changed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def add(self, other: Counts) -> None:
        """Add the counts of another piece."""
        for name in ("seen", "kept", "dropped", "failed", "made", "inapplicable", "changed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, number in other.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + number

    def check(self, stage: str) -> None:
        """Raise AssertionError when the identity does not hold."""
        if self.seen != self.kept + self.dropped + self.failed:
            raise AssertionError(f"{stage}: in = kept + dropped + failed does not hold: {self}")
        if sum(self.reasons.values()) != self.dropped + self.failed:
            raise AssertionError(f"{stage}: reasons do not add up to what left: {self}")


class Batch:
    """Rows of a corpus, read-only: what a stage looks at. Rows are numbered from 0."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self._views: dict[str, list[str | None]] = {}

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def ids(self) -> list[str]:
        """The rows' ids."""
        return self.column("id")

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """All rows as dicts: ten times dearer than a column."""
        return list(self.table.to_pylist())

    def column(self, name: str) -> list[Any]:
        """One column as Python values; a core column that the table lacks is all None."""
        if name not in self.table.column_names:
            if name in CORE:
                return [None] * len(self)
            raise KeyError(name)
        return list(self.table.column(name).to_pylist())

    def fields(self, row: int, view: View = "all") -> list[tuple[str, str]]:
        """The (name, text) pairs of one row in a view."""
        return records.fields(self._forms[row], view)

    def texts(self, view: View = "all") -> list[str | None]:
        """The text of each row in a view, its fields joined by a newline; None without any."""
        if view not in self._views:
            joined: list[str | None] = []
            for row in self._forms:
                parts = records.fields(row, view)
                joined.append("\n".join(text for _, text in parts) if parts else None)
            self._views[view] = joined
        return self._views[view]

    @cached_property
    def _forms(self) -> list[dict[str, Any]]:
        names = [name for name in records.FORMS if name in self.table.column_names]
        return list(self.table.select(names).to_pylist()) if names else [{}] * len(self)


class Verdicts(Batch):
    """One batch and the marks that a stage puts on its rows."""

    def __init__(self, table: pa.Table, stage: str, reasons: Mapping[str, str]) -> None:
        super().__init__(table)
        self.stage = stage
        self._reasons = reasons
        self._marks: dict[int, tuple[str, bool, dict[str, Any], str | None]] = {}
        self._columns: dict[str, pa.Array] = {}
        self._replaced: dict[int, list[dict[str, Any]]] = {}
        self._inapplicable: set[int] = set()
        self.changed = 0

    def drop(self, row: int, reason: str, *, text: str | None = None, **evidence: Any) -> None:
        """Drop a row by rule. The first mark of a row stays.

        evidence: JSON values: `field` and `span` (characters of that field) with `match` for a
        place in the text, `score` and `limit` for a measure, `survivor` for a duplicate.
        text: what the reject shows in place of the record's own text (masked, say).
        """
        self._mark(row, reason, False, evidence, text)

    def fail(self, row: int, reason: str, *, text: str | None = None, **evidence: Any) -> None:
        """Mark a row that could not be read or judged."""
        self._mark(row, reason, True, evidence, text)

    def _mark(
        self, row: int, reason: str, failed: bool, evidence: dict[str, Any], text: str | None
    ) -> None:
        if reason not in self._reasons:
            raise AssertionError(f"{self.stage} has no reason {reason!r}")
        if not 0 <= row < len(self):
            raise IndexError(row)
        self._marks.setdefault(row, (reason, failed, evidence, text))

    def is_marked(self, row: int) -> bool:
        """Whether the row has been dropped or failed."""
        return row in self._marks

    def inapplicable(self, row: int) -> None:
        """Say that the row has nothing for this stage to judge: it passes and is counted."""
        self._inapplicable.add(row)

    def set(self, name: str, values: Sequence[Any] | pa.Array, kind: pa.DataType) -> None:
        """Set a column for all rows; `kind` is its Arrow type, as the stage's `makes` says."""
        array = values if isinstance(values, pa.Array) else pa.array(values, type=kind)
        if len(array) != len(self):
            raise ValueError(f"column {name} has {len(array)} values for {len(self)} rows")
        self._columns[name] = array

    def replace(self, row: int, made: list[dict[str, Any]]) -> None:
        """Put several records (all columns, their own ids) in the row's stead: one kept, n made."""
        self._replaced[row] = made

    def rewrite(self, view: View, change: Callable[[int, str, str], str]) -> None:
        """Apply `change(row, field, text)` to each text field of each row in a view."""
        tables: dict[str, list[Any]] = {}
        for row, record in enumerate(self._forms):
            new = records.rewrite(
                record,
                view,
                lambda name, text, row=row: change(row, name, text),  # type: ignore[misc]
            )
            if new is None:
                continue
            self.changed += 1
            for name in records.FORMS:
                if new.get(name) is not record.get(name):
                    tables.setdefault(name, [r.get(name) for r in self._forms])[row] = new[name]
        for name, values in tables.items():
            self._columns[name] = (
                records.to_table(
                    [{name: value} for value in values], pa.schema([records.SCHEMA.field(name)])
                )
                .column(0)
                .combine_chunks()
            )

    def split(self, schema: pa.Schema, reject_text: Callable[[int], str]) -> Judged:
        """The kept rows in `schema`, the rejects, and the counts."""
        # a column is read whole, so once for all rejects
        sources, places = (self.column(name) if self._marks else [] for name in ("source", "place"))
        rejects = [
            {
                "id": self.ids[row],
                "source": sources[row],
                "place": places[row],
                "stage": self.stage,
                "reason": reason,
                "failed": failed,
                "evidence": records.to_json(evidence),
                "text": (reject_text(row) if text is None else text)[:REJECT_TEXT],
            }
            for row, (reason, failed, evidence, text) in sorted(self._marks.items())
        ]
        counts = Counts(seen=len(self), changed=self.changed)
        for reason, failed, _, _ in self._marks.values():
            counts.reasons[reason] = counts.reasons.get(reason, 0) + 1
            counts.failed += failed
            counts.dropped += not failed
        counts.kept = counts.seen - counts.dropped - counts.failed
        counts.inapplicable = len(self._inapplicable - self._marks.keys())
        kept = self._kept(schema)
        counts.made = kept.num_rows
        counts.check(self.stage)
        return Judged(kept, records.to_table(rejects, REJECTS), counts)

    def _kept(self, schema: pa.Schema) -> pa.Table:
        arrays = []
        for column in schema:
            if column.name in self._columns:
                arrays.append(self._columns[column.name].cast(column.type))
            elif column.name in self.table.column_names:
                arrays.append(self.table.column(column.name))
            else:
                arrays.append(pa.nulls(len(self), column.type))
        table = pa.Table.from_arrays(arrays, schema=schema)
        replaced = {row: new for row, new in self._replaced.items() if row not in self._marks}
        if not self._marks and not replaced:
            return table
        if not replaced:
            keep = np.ones(len(self), dtype=bool)
            keep[list(self._marks)] = False
            return table.filter(pa.array(keep))
        parts, begin = [], 0
        for row in sorted({*self._marks, *replaced}):
            parts.append(table.slice(begin, row - begin))
            if row in replaced:
                parts.append(records.to_table(replaced[row], schema))
            begin = row + 1
        parts.append(table.slice(begin))
        return pa.concat_tables(parts)


@dataclass
class Judged:
    """What a stage made of one batch. passing: whether a reject is of the moment (a file that the
    operating system did not give), so that the next run must look again. bytes: of raw input."""

    kept: pa.Table
    rejects: pa.Table
    counts: Counts
    passing: bool = False
    bytes: int = 0

    def followed_by(self, other: Judged) -> Judged:
        """Two parts of a batch as one, in the form that it has when it is made at once."""
        counts = Counts()
        counts.add(self.counts)
        counts.add(other.counts)
        return Judged(
            pa.concat_tables([self.kept, other.kept]).combine_chunks(),
            pa.concat_tables([self.rejects, other.rejects]).combine_chunks(),
            counts,
            self.passing or other.passing,
            self.bytes + other.bytes,
        )
