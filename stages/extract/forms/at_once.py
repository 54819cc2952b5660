"""Records of many rows of a table array-wise, where a layout does no more than take columns: a text
of one column, a pair of two, or lines of all of them.

A row without a text is refused as `Layout.item` refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.arrays import Cells, Numbers, Refused, Rows, json_objects
from stages.base import Fault, Item
from stages.extract.forms.direct import filled_in
from stages.extract.forms.layout import Layout
from stages.extract.slices import Flags, Slices
from stages.place import Place
from stages.records import to_json


class AtOnce:
    """Makes the records of many rows that have the columns of a layout.

    table: its name, which goes to meta. shown: whether what a row of a file says is shown where it
    has no text; a row of white space alone is none there. fits: whether the layout allows it.
    """

    def __init__(self, layout: Layout, table: str | None = None, *, shown: bool = False) -> None:
        self._layout, self._table, self._shown = layout, table, shown
        self._fields = layout.plain_fields()
        self.fits = self._fields is not None

    def items(
        self,
        place: Place,
        cells: Sequence[Cells],
        data: bytes | memoryview,
        begins: Numbers,
        ends: Numbers,
        offset: int,
        lines: Numbers,
    ) -> Iterator[Item | Fault | Rows]:
        """The items of rows that lie in a piece of a file which begins at an offset: those that
        have a text, behind them the others."""
        rows = Rows(place, data, begins, ends, {}, offsets=begins + offset, lines=lines)
        columns = dict(zip(self._layout.columns, cells, strict=True))
        said = np.zeros(len(rows), np.int64)
        for column in cells:
            said += _lengths(column.text)
        wanting = self._wanting(columns, said)
        good = np.ones(len(rows), np.bool_)
        for which, _ in wanting:
            good &= ~which
        if good.all():
            yield from self._made(rows, columns, said)
            return
        if good.any():
            flags = pa.array(good)
            some = {name: column.filter(flags) for name, column in columns.items()}
            yield from self._made(_some(rows, good), some, said[good])
        yield self._refused(rows, ~good, wanting, said)

    def _wanting(
        self, columns: Mapping[str, Cells], said: Numbers
    ) -> list[tuple[Flags, Mapping[str, Any]]]:
        """(rows that have no text, why), the first reason first."""
        found: list[tuple[Flags, Mapping[str, Any]]] = []
        if self._shown:
            blank = np.ones(len(said), np.bool_)
            for column in columns.values():
                if not blank.any():
                    break
                blank[blank] = ~filled_in(column.text.filter(pa.array(blank)))
            found.append((blank, {"fields": len(columns)}))
        if not self._fields:
            found.append((said == 0, {"field": "text"}))
        for field, name in (self._fields or {}).items():
            found.append((~filled_in(columns[name].text), {"field": field}))
        return found

    def _refused(
        self,
        rows: Rows,
        which: Flags,
        wanting: Sequence[tuple[Flags, Mapping[str, Any]]],
        said: Numbers,
    ) -> Rows:
        rows, said = _some(rows, which), said[which]
        evidence = pa.nulls(len(rows), pa.string())
        for flags, why in wanting:
            told = pc.if_else(pa.array(flags[which]), to_json(dict(why)), None)
            evidence = pc.coalesce(evidence, told)
        texts = None
        if self._shown:
            texts = Slices(np.frombuffer(rows.data, np.uint8), said[:0]).texts(
                rows.begins, rows.ends
            )
            said = np.where(said == 0, rows.ends - rows.begins, said)
        return replace(rows, refused=Refused("empty", False, evidence, said, texts))

    def _made(
        self, rows: Rows, columns: Mapping[str, Cells], said: Numbers
    ) -> Iterator[Item | Fault | Rows]:
        """The records of rows that have a text."""
        if not self._fields:
            yield from self._lines(rows, columns, said)
            return
        made = {field: columns[column].text for field, column in self._fields.items()}
        used = self._fields.values()
        members: dict[str, Cells | str] = {n: c for n, c in columns.items() if n not in used}
        if self._table is not None:
            members["table"] = _instead(members.get("table"), self._table)
        for text in made.values():
            said = said - _lengths(text)
        made["meta"] = json_objects(members, len(rows))
        line = self._layout.plain_line(self._fields)
        yield replace(rows, columns=made, form=line, removed={"meta": said})

    def _lines(
        self, rows: Rows, columns: Mapping[str, Cells], said: Numbers
    ) -> Iterator[Item | Fault | Rows]:
        lines: list[Any] = []
        for name, column in columns.items():
            line = pc.binary_join_element_wise(f"\n{name}: ", column.text, "")
            size = pc.binary_length(column.text)
            if column.text.null_count or pc.min(size).as_py() == 0:
                line = pc.if_else(pc.fill_null(pc.greater(size, 0), False), line, "")
            lines.append(line)
        joined = pc.binary_join_element_wise(*lines, "")
        text = pc.utf8_slice_codeunits(joined, 1)  # no newline before the first
        made = _lengths(text)
        if not self._layout.lines_fit(made, said):
            raws, values = memoryview(rows.data), [c.text.to_pylist() for c in columns.values()]
            for index, row in enumerate(zip(*values, strict=True)):
                raw = bytes(raws[rows.begins[index] : rows.ends[index]])
                held = dict(zip(columns, row, strict=True))
                yield self._layout.item(rows.place_of(index), raw, held)
            return
        found = {"text": text}
        if self._table is not None:
            found["meta"] = json_objects({"table": self._table}, len(rows))
        line = self._layout.plain_line({})
        yield replace(rows, columns=found, form=line, added=made - said)


def _instead(known: Cells | str | None, table: str) -> Cells | str:
    """The column that is called as the key of the table's name is, and that where it is null."""
    if not isinstance(known, Cells):
        return table
    missing = pc.is_null(known.text)
    bare: bool | pa.Array = known.bare
    if bare is not False and known.text.null_count:
        bare = pc.if_else(missing, False, bare)
    return Cells(pc.if_else(missing, table, known.text), bare)


def _some(rows: Rows, which: Flags) -> Rows:
    assert rows.offsets is not None and rows.lines is not None
    return replace(
        rows,
        begins=rows.begins[which],
        ends=rows.ends[which],
        offsets=rows.offsets[which],
        lines=rows.lines[which],
    )


def _lengths(texts: pa.Array) -> Numbers:
    """The characters of each text; null has none."""
    found = pc.utf8_length(texts)
    return np.asarray(pc.fill_null(found, 0) if found.null_count else found, dtype=np.int64)
