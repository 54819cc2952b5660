"""The items of a part as batches of records: ids, ordinals of equal siblings, rejects, counts.

They come one by one (`Item`, `Fault`) or many at once as arrays (`Rows`), with the same outcome.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages import arrays, records
from stages.arrays import Refused
from stages.arrays import Rows as Rows
from stages.counts import Counts, TextCount, bounded, characters
from stages.place import Place
from stages.siblings import Siblings
from stages.verdicts import Judged

if TYPE_CHECKING:
    from stages.base import Source


class Item(NamedTuple):
    """One item that a source read: its place, its raw bytes (for identity), what it became.

    A record that is made of a stretch of the item may bring a `place` of its own. form: how its
    fields were understood, in words: `prompt ← question; meta ← id`. text: the characters of the
    item; None: its records hold them all.
    """

    place: Place
    raw: bytes
    records: Sequence[Mapping[str, Any]]
    form: str = ""
    text: TextCount | None = None


class Fault(NamedTuple):
    """One item that a source refused: failed (could not be read) or dropped (by rule).

    `errno` in the evidence: the operating system said so, and may say otherwise next time.
    characters: of its text, where they are known; else those of `text`, or the raw bytes.
    """

    place: Place
    reason: str
    evidence: Mapping[str, Any]
    text: str = ""
    failed: bool = True
    raw: bytes = b""
    characters: int | None = None


class Border(NamedTuple):
    """The end of a range of a file, behind its last item. over: whether what was read depends on
    bytes behind it, or is not what a reader of the whole file would have read: then the range ends
    at a wrong place and is read again as a part of a longer one."""

    over: bool


class Gathered:
    """Collects the items of a part into batches, giving ids; equal siblings get ordinals.

    A batch is full with so many items or bytes; what came at once stays together. held: items and
    bytes that a batch has already, gathered elsewhere, which this one fills up.
    """

    ROWS, BYTES = 1024, 16 << 20

    def __init__(self, stage: Source, name: str, held: Sequence[int] = (0, 0)) -> None:
        self.stage, self.name = stage, name
        self._held = held
        self._siblings = Siblings()
        self._schema = stage.schema(records.SCHEMA)
        self._reset()

    def _reset(self) -> None:
        self._made: list[pa.Table] = []
        self._left: list[pa.Table] = []
        self._records: list[dict[str, Any]] = []  # behind those that are made
        self._rejects: list[dict[str, Any]] = []
        self._counts = Counts()
        self._bytes = 0
        self._passing = self._over = False

    @property
    def full(self) -> bool:
        rows, size = self._held
        return self._counts.seen + rows >= self.ROWS or self._bytes + size >= self.BYTES

    def add(self, item: Item | Fault | Rows | Border) -> None:
        if isinstance(item, Rows):
            self._add_rows(item)
            return
        if isinstance(item, Border):
            self._over = item.over
            return
        unit, raw = item.place.unit, _raw(item)
        made = range(max(1, len(item.records)) if isinstance(item, Item) else 1)
        identities = self._identities(unit, raw, made)
        self._bytes += len(raw)
        self._counts.seen += 1
        common = {"source": self.name, "place": str(item.place)}
        if isinstance(item, Item) and item.records:
            self._counts.kept += 1
            for identity, record in zip(identities, item.records, strict=True):
                self._records.append({**common, **record, "id": identity})
            self._note(item.form, 1)
            if item.text is not None:
                self._check_cuts(item.text.removed)
                self._counts.text.add(item.text)
            return
        if isinstance(item, Item):
            raise AssertionError(f"{self.stage.name}: an item without records must be a fault")
        self._refuse(item.reason, item.failed, 1)
        self._counts.text.add(_refused(item))
        self._passing = self._passing or "errno" in item.evidence
        self._rejects.append(
            {
                **common,
                "id": identities[0],
                "stage": self.stage.name,
                "reason": item.reason,
                "failed": item.failed,
                "evidence": records.to_json(dict(item.evidence)),
                "text": item.text[: records.REJECT_TEXT],
            }
        )

    def _add_rows(self, rows: Rows) -> None:
        if not len(rows):
            return
        if (rows.ends <= rows.begins).any():
            raise AssertionError(f"{self.stage.name}: rows without bytes must be items")
        self._put_away()
        self._bytes += int((rows.ends - rows.begins).sum())
        self._counts.seen += len(rows)
        if rows.refused is not None:
            self._left.append(self._rejects_of(rows, rows.refused))
            return
        self._made.append(self._table(rows, self._schema, rows.columns))
        self._counts.kept += len(rows)
        for form, number in rows.forms():
            self._note(form, number)
        self._check_cuts(rows.removed)
        text = self._counts.text  # what the records hold is counted when the batch is taken
        for cut, numbers in rows.removed.items():
            number = int(numbers.sum())
            text.seen += number
            text.remove(cut, number)
        text.added += 0 if rows.added is None else int(rows.added.sum())

    def _rejects_of(self, rows: Rows, refused: Refused) -> pa.Table:
        self._refuse(refused.reason, refused.failed, len(rows))
        whole = int(refused.characters.sum())
        self._counts.text.seen += whole
        self._counts.text.remove(refused.reason, whole)
        texts = refused.texts
        columns = {
            "stage": pa.repeat(self.stage.name, len(rows)),
            "reason": pa.repeat(refused.reason, len(rows)),
            "failed": pa.repeat(refused.failed, len(rows)),
            "evidence": refused.evidence,
            "text": pa.repeat("", len(rows))
            if texts is None
            else pc.utf8_slice_codeunits(texts, 0, records.REJECT_TEXT),
        }
        return self._table(rows, records.REJECTS, columns)

    def _refuse(self, reason: str, failed: bool, number: int) -> None:
        if reason not in self.stage.reasons:
            raise AssertionError(f"{self.stage.name} has no reason {reason!r}")
        self._counts.failed += number * failed
        self._counts.dropped += number * (not failed)
        self._counts.reasons[reason] = self._counts.reasons.get(reason, 0) + number

    def _note(self, form: str, number: int) -> None:
        if form:
            self._counts.forms[form] = self._counts.forms.get(form, 0) + number

    def _check_cuts(self, removed: Mapping[str, Any]) -> None:
        if unknown := removed.keys() - self.stage.cuts.keys():
            raise AssertionError(f"{self.stage.name} has no cut {sorted(unknown)[0]!r}")

    # --- identities -------------------------------------------------------------------------------

    def _identities(self, unit: str, raw: bytes, parts: range) -> list[str]:
        """The ids of the records made of an item, the next of its equal siblings. The id that it
        would have alone tells it from others."""
        found = records.record_ids(self.name, unit, raw, 0, parts)
        if ordinal := self._siblings.one(bytes.fromhex(found[0][:16])):
            return records.record_ids(self.name, unit, raw, ordinal, parts)
        return found

    def _ids_of(self, rows: Rows) -> pa.Array:
        found, unit = arrays.digests(self.name, rows), rows.place.unit
        keys = np.frombuffer(b"".join(found), "<u8")[::2].copy()
        for index, ordinal in self._siblings.many(keys):
            raw = _raw_of(rows, index)
            (identity,) = records.record_ids(self.name, unit, raw, ordinal, range(1))
            found[index] = bytes.fromhex(identity)
        return arrays.hexadecimal(found)

    def pass_over(self, item: Item | Fault | Rows | Border) -> None:
        """An item that was taken before; it counts among the siblings of later ones."""
        if isinstance(item, Rows):
            self._ids_of(item)
        elif not isinstance(item, Border):
            self._identities(item.place.unit, _raw(item), range(1))

    # --- tables -----------------------------------------------------------------------------------

    def _table(self, rows: Rows, schema: pa.Schema, columns: Mapping[str, pa.Array]) -> pa.Table:
        ids, source = self._ids_of(rows), pa.repeat(self.name, len(rows))
        made = {"id": ids, "source": source, "place": arrays.places(rows), **columns}
        if unknown := made.keys() - set(schema.names):
            raise ValueError(f"records have unknown columns {sorted(unknown)}")
        filled = [
            made[column.name] if column.name in made else pa.nulls(len(rows), column.type)
            for column in schema
        ]
        return pa.Table.from_arrays(filled, schema=schema)

    def _put_away(self) -> None:
        """Make tables of the records and rejects that came one by one."""
        if self._records:
            self._made.append(records.to_table(self._records, self._schema))
            self._records = []
        if self._rejects:
            self._left.append(records.to_table(self._rejects, records.REJECTS))
            self._rejects = []

    def take(self) -> Judged:
        self._put_away()
        made = pa.concat_tables(self._made) if self._made else self._schema.empty_table()
        left = pa.concat_tables(self._left) if self._left else records.REJECTS.empty_table()
        self._counts.made = made.num_rows
        # What items without an account of their own hold was all seen and all kept.
        rest = int(characters(made).sum()) - self._counts.text.made
        if rest < 0:
            raise AssertionError(f"{self.stage.name}: the records hold {-rest} characters less")
        self._counts.text.seen += rest
        self._counts.text.kept += rest
        self._counts.forms = bounded(self._counts.forms)
        self._counts.check(self.stage.name)
        split = Judged(
            made,
            left,
            self._counts,
            self._passing,
            self._bytes,
            self._over,
        )
        self._held = (0, 0)
        self._reset()
        return split


def one_by_one(found: Iterable[Item | Fault | Rows | Border]) -> Iterator[Item | Fault]:
    """The items of a part, those that came at once as items of their own."""
    for item in found:
        if isinstance(item, Border):
            continue
        if not isinstance(item, Rows):
            yield item
            continue
        if item.refused is not None:
            yield from _faults(item, item.refused)
            continue
        columns = {name: array.to_pylist() for name, array in item.columns.items()}
        for index in range(len(item)):
            record = {name: values[index] for name, values in columns.items()}
            record = {name: value for name, value in record.items() if value is not None}
            removed = {cut: int(numbers[index]) for cut, numbers in item.removed.items()}
            removed = {cut: number for cut, number in removed.items() if number}
            table = records.to_table([record])
            added = 0 if item.added is None else int(item.added[index])
            kept = int(characters(table).sum()) - added
            count = TextCount(kept + sum(removed.values()), kept, added, removed)
            place, form = item.place_of(index), item.form_of(index)
            yield Item(place, _raw_of(item, index), [record], form, count)


def _faults(rows: Rows, refused: Refused) -> Iterator[Fault]:
    for index in range(len(rows)):
        evidence = json.loads(refused.evidence[index].as_py())
        text = "" if refused.texts is None else refused.texts[index].as_py()
        number = int(refused.characters[index])
        here, raw = rows.place_of(index), _raw_of(rows, index)
        yield Fault(here, refused.reason, evidence, text, refused.failed, raw, number)


def _raw(item: Item | Fault) -> bytes:
    return item.raw or str(item.place).encode()


def _raw_of(rows: Rows, index: int) -> bytes:
    return bytes(memoryview(rows.data)[rows.begins[index] : rows.ends[index]])


def _refused(fault: Fault) -> TextCount:
    whole = fault.characters
    if whole is None:
        whole = len(fault.text) or len(fault.raw)
    return TextCount(seen=whole, removed={fault.reason: whole} if whole else {})
