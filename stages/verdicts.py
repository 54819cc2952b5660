"""What a stage says of the rows of one batch, and what becomes of it.

A stage never filters and never builds rejects. It marks rows of a `Verdicts`; `split` then makes
the kept table, the rejects and the account, so that in = kept + dropped + failed holds for
records, and in = kept + removed for their characters, by construction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from stages import preference, records
from stages.counts import Counts, TextCount, characters
from stages.looked_at import rows_holding
from stages.records import CORE, FORMS, REJECT_TEXT, REJECTS, View

if TYPE_CHECKING:
    from stages.base import Transform

CHANGED = "changed"  # what a rewritten text has less than before, where the stage says no more


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
        return records.fields(self.forms[row], view)

    def texts(self, view: View = "all") -> list[str | None]:
        """The text of each row in a view, its fields joined by a newline; None without any."""
        if view not in self._views:
            joined: list[str | None] = []
            for row in self.forms:
                parts = records.fields(row, view)
                joined.append("\n".join(text for _, text in parts) if parts else None)
            self._views[view] = joined
        return self._views[view]

    def calls(self, view: View = "all") -> list[str | None]:
        """What each row calls in a view, as text in which equal calls are equal; None: nothing."""
        return [records.calls_of(row, view) for row in self.forms]

    @cached_property
    def _pairs(self) -> dict[int, dict[str, Any]]:
        return preference.held_in(self.table)

    def rejected(self, row: int) -> list[tuple[str, str]]:
        """The (name, text) pairs of the answer that was not preferred, where the row is one of a
        preference pair: beside its forms, so that it is in no view."""
        held = self._pairs.get(row)
        return preference.texts_of(held) if held else []

    @cached_property
    def forms(self) -> list[dict[str, Any]]:
        """The forms of each row: its text, prompt, completion or messages."""
        names = [name for name in records.FORMS if name in self.table.column_names]
        return list(self.table.select(names).to_pylist()) if names else [{}] * len(self)


class _Mark(NamedTuple):
    reason: str
    failed: bool
    evidence: dict[str, Any]
    text: str | None


class Verdicts(Batch):
    """One batch and the marks that a stage puts on its rows.

    Rows are judged one by one through `records(view)`, or by number with `drop`, `fail`, `cut`
    and `replace`; columns are set whole. What the stage does not declare (a reason, a cut, a
    column of `makes`) is an AssertionError, a declared column that was never set too.
    """

    def __init__(self, table: pa.Table, stage: Transform) -> None:
        super().__init__(table)
        self.stage = stage
        self._makes = stage.makes()
        self._marks: dict[int, _Mark] = {}
        self._columns: dict[str, pa.Array] = {}
        self._replaced: dict[int, list[dict[str, Any]]] = {}
        self._inapplicable: set[int] = set()
        self._changed: set[int] = set()
        self._texts: dict[int, TextCount] = {}  # of rows whose text the stage changed
        self._beside: dict[int, int] = {}  # characters of rows that are no part of their texts
        self._rewritten: dict[int, dict[str, str]] = {}  # row → field → its text now

    # --- rows ---

    def records(self, view: View = "all", holding: str | None = None) -> Iterator[Record]:
        """The rows that have text in the view, one by one; the others are inapplicable.

        holding: a regular expression of RE2; a row is passed over where nothing is to be done with
        texts that do not hold it, and it has no other.
        """
        rows: Sequence[int] = range(len(self))
        if holding is not None:
            rows, without = rows_holding(self.table, view, holding)
            self._inapplicable.update(without)
        for row in rows:
            found = self.fields(row, view)
            if found:
                yield Record(self, row, view)
            else:
                self.inapplicable(row)

    def drop(self, row: int, reason: str, *, text: str | None = None, **evidence: Any) -> None:
        """Drop a row by rule. The first mark of a row stays.

        evidence: JSON values: `field` and `span` (characters of that field) with `match` for a
        place in the text (`TextField.place` gives all three), `score` and `limit` for a measure,
        `survivor` for a duplicate. text: what the reject shows in place of the record's own text
        (masked, say).
        """
        self._mark(row, _Mark(reason, False, evidence, text))

    def fail(self, row: int, reason: str, *, text: str | None = None, **evidence: Any) -> None:
        """Mark a row that could not be read or judged."""
        self._mark(row, _Mark(reason, True, evidence, text))

    def _mark(self, row: int, mark: _Mark) -> None:
        if mark.reason not in self.stage.reasons:
            raise AssertionError(f"{self.stage.name} has no reason {mark.reason!r}")
        self._marks.setdefault(self._known(row), mark)

    def _known(self, row: int) -> int:
        if not 0 <= row < len(self):
            raise IndexError(row)
        return row

    def is_marked(self, row: int) -> bool:
        """Whether the row has been dropped or failed."""
        return row in self._marks

    def inapplicable(self, row: int) -> None:
        """Say that the row has nothing for this stage to judge: it passes and is counted."""
        self._inapplicable.add(self._known(row))

    def replace(self, row: int, made: list[dict[str, Any]]) -> None:
        """Put records (all columns, ids of their own) in the row's stead: one kept, n made.

        A single one with the row's own id is the row, changed.
        """
        self._replaced[self._known(row)] = made

    # --- texts ---

    def fields(self, row: int, view: View = "all") -> list[tuple[str, str]]:
        """The (name, text) pairs of one row in a view, as the stage has rewritten them."""
        found = super().fields(row, view)
        new = self._rewritten.get(row)
        return [(name, new.get(name, text)) for name, text in found] if new else found

    def text_of(self, row: int, name: str, before: str) -> str:
        """The text of a field as it is now; before: what came in."""
        new = self._rewritten.get(row)
        return before if new is None else new.get(name, before)

    def rejected(self, row: int) -> list[tuple[str, str]]:
        """The answer that was not preferred, as the stage has rewritten it."""
        new = self._rewritten.get(row, {})
        return [(name, new.get(name, text)) for name, text in super().rejected(row)]

    def write(self, row: int, name: str, text: str, removed: Mapping[str, int], added: int) -> None:
        """Give a field of a row another text: what left of it, by cut, and what was added."""
        if preference.named(name):  # beside the texts that the account begins and ends with
            for cut, number in removed.items():
                self.cut_beside(row, cut, number)
            self._rewritten.setdefault(row, {})[name] = text
            self._changed.add(row)
            return
        for cut in removed:
            if cut not in self.stage.cuts:
                raise AssertionError(f"{self.stage.name} has no cut {cut!r}")
        count = self._texts.setdefault(self._known(row), TextCount())
        count.added += added
        for cut, number in removed.items():
            count.remove(cut, number)
        self._rewritten.setdefault(row, {})[name] = text
        self._changed.add(row)

    def cut(self, row: int, reason: str, number: int) -> None:
        """Count characters that what the stage makes of a row does not hold, though it stays."""
        if reason not in self.stage.cuts:
            raise AssertionError(f"{self.stage.name} has no cut {reason!r}")
        self._texts.setdefault(self._known(row), TextCount()).remove(reason, number)

    def cut_beside(self, row: int, reason: str, number: int) -> None:
        """Count characters that a row has beside its texts, and what is made of it does not."""
        self.cut(row, reason, number)
        self._beside[row] = self._beside.get(row, 0) + number

    def changed(self, row: int) -> None:
        """Say that what the stage makes of a row has not the row's own text."""
        self._changed.add(self._known(row))

    # --- columns ---

    def set(self, name: str, values: Sequence[Any] | pa.Array) -> None:
        """Set a column of the stage's `makes` for all rows; its Arrow type stands there."""
        if name not in self._makes:
            raise AssertionError(f"{self.stage.name} does not declare the column {name!r}")
        kind = self._makes[name]
        # Arrow cuts the fractions of Python's numbers off in silence where it is told a type.
        told = None if pa.types.is_integer(kind) else kind
        array = values if isinstance(values, pa.Array) else pa.array(values, type=told)
        if len(array) != len(self):
            raise ValueError(f"column {name} has {len(array)} values for {len(self)} rows")
        self._columns[name] = array if array.type == kind else array.cast(kind)

    # --- the outcome ---

    def split(self) -> Judged:
        """The kept rows, the rejects, and the counts."""
        judged = set(range(len(self))) - self._marks.keys()
        replaced = sorted(judged & self._replaced.keys())
        if (missing := self._makes.keys() - self._columns.keys()) and judged - {*replaced}:
            raise AssertionError(f"{self.stage.name} did not set {sorted(missing)}")
        schema = self.stage.schema(self.table.schema)
        new = records.to_table([one for row in replaced for one in self._replaced[row]], schema)
        kept = self._kept(schema, replaced, new)
        self._note_changes(replaced, new)
        counts = Counts(
            seen=len(self),
            kept=len(self) - len(self._marks),
            made=kept.num_rows,
            inapplicable=len(self._inapplicable - self._marks.keys()),
            changed=len(self._changed - self._marks.keys()),
            text=self._text_count(kept, replaced, new),
        )
        for mark in self._marks.values():
            counts.reasons[mark.reason] = counts.reasons.get(mark.reason, 0) + 1
            counts.failed += mark.failed
            counts.dropped += not mark.failed
        counts.check(self.stage.name)
        return Judged(kept, records.to_table(self._rejects(), REJECTS), counts)

    def _note_changes(self, replaced: Sequence[int], new: pa.Table) -> None:
        """A row that one record with its own id replaces is the row, changed or not."""
        if not replaced:
            return
        forms = [name for name in FORMS if name in new.column_names]
        if not forms:
            return
        after, begin = new.select(forms).to_pylist(), 0
        for row in replaced:
            made = self._replaced[row]
            same = len(made) == 1 and made[0].get("id") == self.ids[row]
            if same and after[begin] != self.forms[row]:
                self._changed.add(row)
            begin += len(made)

    def _rejects(self) -> list[dict[str, Any]]:
        if not self._marks:
            return []
        sources, places = self.column("source"), self.column("place")
        return [
            {
                "id": self.ids[row],
                "source": sources[row],
                "place": places[row],
                "stage": self.stage.name,
                "reason": mark.reason,
                "failed": mark.failed,
                "evidence": self._told(mark),
                "text": (self._shown(row) if mark.text is None else mark.text)[:REJECT_TEXT],
            }
            for row, mark in sorted(self._marks.items())
        ]

    def _told(self, mark: _Mark) -> str:
        try:
            return records.to_json(mark.evidence, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AssertionError(
                f"{self.stage.name}: the evidence of {mark.reason!r} is no JSON ({error})"
            ) from None

    def _shown(self, row: int) -> str:
        return "\n".join(text for _, text in Batch.fields(self, row, "all"))

    def _text_count(self, kept: pa.Table, replaced: Sequence[int], new: pa.Table) -> TextCount:
        before = characters(self.table)
        more = sum(n for row, n in self._beside.items() if row not in self._marks)
        count = TextCount(seen=int(before.sum()) + more)
        for row, mark in self._marks.items():
            count.remove(mark.reason, int(before[row]))
        for row, text in self._texts.items():
            if row not in self._marks:
                count.added += text.added
                for cut, number in text.removed.items():
                    count.remove(cut, number)
        after, begin = characters(new), 0
        texts = any(name in new.column_names for name in FORMS)
        for row in replaced if texts else ():
            end = begin + len(self._replaced[row])
            more = int(after[begin:end].sum()) - int(before[row])
            if more < 0 and CHANGED not in self.stage.cuts:
                raise AssertionError(f"{self.stage.name} has no cut {CHANGED!r}")
            count.remove(CHANGED, max(0, -more))
            count.added += max(0, more)
            begin = end
        count.kept = count.seen - sum(count.removed.values())
        if any(name in kept.column_names for name in FORMS):
            now = int(characters(kept).sum())
            if count.made != now:
                raise AssertionError(
                    f"{self.stage.name}: the records hold {now} characters, {count.made} counted"
                )
        return count

    def _kept(self, schema: pa.Schema, replaced: Sequence[int], new: pa.Table) -> pa.Table:
        rewritten = self._rewritten_columns()
        arrays = []
        for column in schema:
            if column.name in self._columns:
                arrays.append(self._columns[column.name])
            elif column.name in rewritten:
                arrays.append(rewritten[column.name])
            elif column.name in self.table.column_names:
                arrays.append(self.table.column(column.name))
            else:
                arrays.append(pa.nulls(len(self), column.type))
        table = pa.Table.from_arrays(arrays, schema=schema)
        if not replaced:
            if not self._marks:
                return table
            keep = np.ones(len(self), dtype=bool)
            keep[list(self._marks)] = False
            return table.filter(pa.array(keep))
        # Row numbers in the table with the new records behind it.
        order: list[int] = []
        behind = len(self)
        for row in range(len(self)):
            if row in self._marks:
                continue
            if row not in self._replaced:
                order.append(row)
                continue
            made = len(self._replaced[row])
            order += range(behind, behind + made)
            behind += made
        return pa.concat_tables([table, new]).take(order)

    def _rewritten_columns(self) -> dict[str, pa.Array]:
        """The columns that hold a rewritten text."""
        values: dict[str, list[Any]] = {}
        for row, new in self._rewritten.items():
            if any(map(preference.named, new)):
                for name, value in preference.rewritten(self._pairs[row], new).items():
                    values.setdefault(name, self.column(name))[row] = value
            if all(map(preference.named, new)):
                continue
            record = records.rewritten(self.forms[row], new)
            for name in FORMS:
                if record.get(name) is self.forms[row].get(name):
                    continue
                if name not in values:
                    values[name] = [form.get(name) for form in self.forms]
                values[name][row] = record[name]
        return {
            name: records.to_table(
                [{name: value} for value in column], pa.schema([self.table.schema.field(name)])
            )
            .column(0)
            .combine_chunks()
            for name, column in values.items()
        }


class Record:
    """One row of a batch, seen through a view: its fields, and what a stage says of it."""

    __slots__ = ("_verdicts", "_view", "row")

    def __init__(self, verdicts: Verdicts, row: int, view: View) -> None:
        self._verdicts, self.row, self._view = verdicts, row, view

    @property
    def fields(self) -> list[TextField]:
        """The fields of the view, in order, with their texts as they are now."""
        found = self._verdicts.fields(self.row, self._view)
        return [TextField(self._verdicts, self.row, name, text) for name, text in found]

    @property
    def rejected(self) -> list[TextField]:
        """The texts of the answer that was not preferred, where the record is a preference pair
        and answers are in the view. A stage that masks or rewrites texts goes over them too."""
        found = self._verdicts.rejected(self.row) if self._view != "input" else []
        return [TextField(self._verdicts, self.row, name, text) for name, text in found]

    def texts(self, view: View) -> dict[str, str]:
        """name → text of the fields of any view, as they are now."""
        return dict(self._verdicts.fields(self.row, view))

    def value(self, column: str) -> Any:
        """The row's value in a column; None where there is no such column."""
        table = self._verdicts.table
        return table.column(column)[self.row].as_py() if column in table.column_names else None

    def drop(self, reason: str, *, text: str | None = None, **evidence: Any) -> None:
        """Drop the record by rule; see `Verdicts.drop`."""
        self._verdicts.drop(self.row, reason, text=text, **evidence)

    def fail(self, reason: str, *, text: str | None = None, **evidence: Any) -> None:
        """Mark a record that could not be judged."""
        self._verdicts.fail(self.row, reason, text=text, **evidence)


class TextField:
    """One text of a record. Assigning to `text` rewrites it."""

    __slots__ = ("_before", "_verdicts", "name", "row")

    def __init__(self, verdicts: Verdicts, row: int, name: str, text: str) -> None:
        self._verdicts, self.row, self.name, self._before = verdicts, row, name, text

    @property
    def text(self) -> str:
        """The text as it is now, whoever rewrote it."""
        return self._verdicts.text_of(self.row, self.name, self._before)

    @text.setter
    def text(self, new: str) -> None:
        new = records.encodable(new)
        less = len(self.text) - len(new)
        self._write(new, {CHANGED: less} if less > 0 else {}, max(0, -less))

    def substitute(self, reason: str, spans: Sequence[tuple[int, int, str]]) -> None:
        """Put other texts in the place of (begin, end, new) spans, in order and apart: what stood
        there is removed for the reason, what is put there is added."""
        pieces, begin, removed, added, text = [], 0, 0, 0, self.text
        for start, end, new in spans:
            if not begin <= start <= end <= len(text):
                raise AssertionError(f"{self.name}: span {[start, end]} behind {begin}")
            pieces += [text[begin:start], new]
            removed, added, begin = removed + end - start, added + len(new), end
        pieces.append(text[begin:])
        self._write("".join(pieces), {reason: removed} if removed else {}, added)

    def cut_to(self, new: str, reason: str) -> None:
        """Keep a part of the text alone; the rest is removed for the reason."""
        if (removed := len(self.text) - len(new)) < 0:
            raise AssertionError(f"{self.name}: cut to {-removed} characters more than there were")
        self._write(new, {reason: removed}, 0)

    def _write(self, new: str, removed: Mapping[str, int], added: int) -> None:
        if new != self.text:
            self._verdicts.write(self.row, self.name, new, removed, added)

    def place(self, begin: int, end: int) -> dict[str, Any]:
        """Evidence for a place in the text: field, span, match."""
        return {"field": self.name, "span": [begin, end], "match": self.text[begin:end]}


@dataclass
class Judged:
    """What a stage made of one batch. passing: whether a reject is of the moment (a file that the
    operating system did not give), so that the next run must look again. bytes: of raw input.
    over: whether the reader of a range looked behind its end (`Border`)."""

    kept: pa.Table
    rejects: pa.Table
    counts: Counts
    passing: bool = False
    bytes: int = 0
    over: bool = False

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
            self.over or other.over,
        )
