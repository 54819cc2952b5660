"""Records of many rows of a table array-wise, where a layout does no more than take columns: a text
of one column, a pair of two, or lines of all of them.

What a row alone tells (that it has no text) is left to `Layout.item`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.arrays import Cells, Numbers, Rows, json_objects
from stages.base import Fault, Item
from stages.extract.forms.layout import Layout
from stages.place import Place

# White space as Python has it.
_SPACES = (
    r"\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
)
BLANK = rf"^[{_SPACES}]*$"
Flags = npt.NDArray[np.bool_]


class AtOnce:
    """Makes the records of many rows that have the columns of a layout.

    fits: whether the layout allows it.
    """

    def __init__(self, layout: Layout, table: str | None = None) -> None:
        self._layout, self._table = layout, table
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
        have a text at once, behind them the others."""
        columns = dict(zip(self._layout.columns, cells, strict=True))
        good, made, form, removed, added = self._made(columns, len(begins))
        rows = Rows(
            place,
            data,
            begins,
            ends,
            made,
            form,
            offsets=begins + offset,
            lines=lines,
            removed=removed,
            added=added,
        )
        if good.all():
            yield rows
            return
        if good.any():
            yield _some(rows, good)
        for index in np.flatnonzero(~good).tolist():
            raw = bytes(memoryview(data)[begins[index] : ends[index]])
            values = {name: column.value(index) for name, column in columns.items()}
            yield self._layout.item(rows.place_of(index), raw, values)

    def _made(
        self, columns: Mapping[str, Cells], number: int
    ) -> tuple[Flags, dict[str, pa.Array], str, dict[str, Numbers], Numbers | None]:
        """(rows that have a text, columns of records, line, characters beside, characters more)."""
        assert self._fields is not None
        if not self._fields:
            return self._lines(columns, number)
        good = np.ones(number, np.bool_)
        made = {}
        for name, column in self._fields.items():
            made[name] = columns[column].text
            good &= _has_text(made[name])
        rest = [name for name in self._layout.columns if name not in self._fields.values()]
        members: dict[str, Cells | str] = {name: columns[name] for name in rest}
        beside = np.zeros(number, np.int64)
        for name in rest:
            beside += lengths(columns[name].text)
        if self._table is not None:
            members["table"] = _instead(members.get("table"), self._table)
        made["meta"] = json_objects(members, number)
        return good, made, self._layout.plain_line(self._fields), {"meta": beside}, None

    def _lines(
        self, columns: Mapping[str, Cells], number: int
    ) -> tuple[Flags, dict[str, pa.Array], str, dict[str, Numbers], Numbers | None]:
        said = np.zeros(number, np.int64)
        lines = []
        for name in self._layout.columns:
            text = columns[name].text
            said += lengths(text)
            filled = pc.greater(pc.fill_null(pc.binary_length(text), 0), 0)
            line = pc.binary_join_element_wise(f"\n{name}: ", text, "")
            lines.append(pc.if_else(filled, line, ""))
        # without the newline before the first one that is filled
        joined = pc.binary_join_element_wise(*lines, "")
        text = pc.utf8_replace_slice(joined, 0, 1, "")
        made = {"text": text}
        if self._table is not None:
            made["meta"] = json_objects({"table": self._table}, number)
        good = _has_text(text) & (said > 0)
        long = lengths(text)
        good &= self._layout.lines_fit(long, said, good)
        return good, made, self._layout.plain_line({}), {}, long - said


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
    flags = pa.array(which)
    return replace(
        rows,
        begins=rows.begins[which],
        ends=rows.ends[which],
        columns={name: array.filter(flags) for name, array in rows.columns.items()},
        offsets=rows.offsets[which],
        lines=rows.lines[which],
        removed={cut: numbers[which] for cut, numbers in rows.removed.items()},
        added=None if rows.added is None else rows.added[which],
    )


def _has_text(texts: pa.Array) -> Flags:
    blank = pc.fill_null(pc.match_substring_regex(texts, BLANK), True)
    return ~np.asarray(blank, dtype=np.bool_)


def lengths(texts: pa.Array) -> Numbers:
    """The characters of each text; null has none."""
    found = pc.utf8_length(texts)
    return np.asarray(pc.fill_null(found, 0) if found.null_count else found, dtype=np.int64)
