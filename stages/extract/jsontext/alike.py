"""The lines of a block that are alike, as rows; the others are read one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stages.arrays import Rows
from stages.extract import charsets
from stages.extract.forms import Layouts
from stages.extract.jsontext.blocks import Block, Numbers
from stages.extract.jsontext.lines import LARGE, Line, Whole
from stages.extract.jsontext.templates import Columns, Template, columns_of, template
from stages.place import Place
from stages.records import FORMS, SCHEMA

_MADE = (*FORMS, "meta")
_FEW = 2  # lines for which no template is made
_TRIED = 4  # templates of a number of strings and a block
_KNOWN = 16  # templates of a number of strings that are held
_ESCAPED = 16  # a long line with an escape in so many bytes takes less memory read by itself


class Alike:
    """Finds lines that are alike. taken: whether an object is to be read by itself."""

    def __init__(self, layouts: Layouts, taken: Callable[[Any], bool]) -> None:
        self._layouts, self._taken = layouts, taken
        self._known: dict[int, list[Template]] = {}
        self._failed: dict[int, int] = {}

    def read(self, place: Place, whole: Whole) -> Iterator[Rows | Line]:
        """The lines of a block, in order. place: of their file."""
        block = Block(whole.data)
        found = list(self._columns(block)) if _is_text(block) else []
        rows = _rows(place, whole, block, found) if found else None
        alike = np.zeros(len(block), np.bool_)
        for columns in found:
            alike[columns.rows] = True
        spans = block.begins, block.ends
        del block, found  # there may be much in them
        borders = np.flatnonzero(alike[1:] != alike[:-1]) + 1
        taken = 0
        for begin, end in zip([0, *borders.tolist()], [*borders.tolist(), len(alike)], strict=True):
            if rows is not None and alike[begin]:
                yield rows.slice(taken, taken + end - begin)
                taken += end - begin
            else:
                yield from _lines(whole, spans, begin, end)

    def _columns(self, block: Block) -> Iterator[Columns]:
        counts = np.where(block.odd, 0, np.diff(block.first))
        order = np.argsort(counts, kind="stable")
        borders = np.flatnonzero(np.diff(counts[order])) + 1
        for rows in np.split(order, borders):
            if (strings := int(counts[rows[0]]) // 2) > 0:
                yield from self._of_strings(block, strings, rows)

    def _of_strings(self, block: Block, strings: int, rows: Numbers) -> Iterator[Columns]:
        """The records of lines with so many strings."""
        for known in self._known.get(strings, ()):
            if len(rows):
                alike, columns = columns_of(known, block, rows)
                rows = rows[~alike]
                yield from _filled(columns)
        for _ in range(_TRIED):
            failed = self._failed.get(strings, 0)
            if not len(rows) or failed > 2 * _TRIED:
                return
            begin, end = int(block.begins[rows[0]]), int(block.ends[rows[0]])
            if len(rows) < _FEW and end - begin < LARGE:
                return
            made = self._template(block, int(rows[0]))
            if made is None:
                self._failed[strings] = failed + 1
                rows = rows[1:]
                continue
            alike, columns = columns_of(made, block, rows)
            rows = rows[~alike]
            yield from _filled(columns)

    def _template(self, block: Block, row: int) -> Template | None:
        begin = int(block.begins[row])
        quotes = (block.quotes[block.first[row] : block.first[row + 1]] - begin).tolist()
        line = block.data[begin : int(block.ends[row])]
        made = template(line, quotes[0::2], quotes[1::2], self._layouts, self._taken)
        if made is not None:
            known = self._known.setdefault(made.strings, [])
            known.insert(0, made)
            del known[_KNOWN:]
        return made


def _is_text(block: Block) -> bool:
    """Whether a block is UTF-8 without what would take much memory here."""
    long = len(block) == 1 and len(block.data) > LARGE
    if long and block.data.count(b"\\") > len(block.data) // _ESCAPED:
        return False
    if not charsets.is_utf8(block.data):
        return False
    block.check_escapes()
    return True


def _filled(columns: Columns | None) -> Iterator[Columns]:
    if columns is not None and len(columns.rows):
        yield columns


def _lines(whole: Whole, spans: tuple[Numbers, Numbers], begin: int, end: int) -> Iterator[Line]:
    begins, ends = (places[begin:end].tolist() for places in spans)
    for number, (first, last) in enumerate(zip(begins, ends, strict=True), whole.number + begin):
        yield Line(whole.offset + first, number, whole.data[first:last], last - first, True)


def _rows(place: Place, whole: Whole, block: Block, found: Sequence[Columns]) -> Rows:
    """The records of lines, in the order of the lines."""
    rows = np.concatenate([one.rows for one in found])
    columns = found[0].columns
    form: str | pa.Array = found[0].form
    order = None
    if len(found) > 1:
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        columns = _in_order([_table(one) for one in found], order)
        form = columns.pop("form")
    begins, ends = block.begins[rows], block.ends[rows]

    def ordered(numbers: list[Numbers]) -> Numbers:
        whole_ = np.concatenate(numbers)
        return whole_ if order is None else whole_[order]

    return Rows(
        place,
        whole.data,
        begins,
        ends,
        columns,
        form,
        whole.offset + begins,
        whole.number + rows,
        removed={"meta": ordered([one.beside for one in found])},
        added=ordered([one.added for one in found]),
    )


def _table(one: Columns) -> pa.Table:
    count = len(one.rows)
    form = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), [one.form])
    made = {name: one.columns.get(name, pa.nulls(count, SCHEMA.field(name).type)) for name in _MADE}
    return pa.table({**made, "form": form})


def _in_order(tables: Sequence[pa.Table], order: Numbers) -> dict[str, pa.Array]:
    """The columns of some tables that hold anything, their rows in another order."""
    whole = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    named = [name for name in whole.column_names if whole[name].null_count < len(whole)]
    whole = whole.select(named).take(pa.array(order))
    return {name: whole[name].combine_chunks() for name in named}
