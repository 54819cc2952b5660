"""Frames of other libraries in and out of a stage call: pandas, polars, `datasets`, Arrow, dicts.

A library is never imported to find out whether its frame was given: who gives one has it. All go
through Arrow, without a copy where the library holds its columns that way.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from stages import notebook, records
from stages.errors import UsageError
from stages.require import require

_VIEWS = (pa.string_view(), pa.binary_view())
Columns = dict[str, Any]  # name → Arrow column, or a list where values may be of several types


class Given(NamedTuple):
    """A frame that came in. columns: by name, in its order. back: (table of records as it came,
    result) → a frame of the same kind. as_text: how a column of it becomes text, a template with
    {name}. unique: whether rows are found again by their ids, which must differ then."""

    columns: Columns
    back: Callable[[pa.Table, pa.Table], Any]
    as_text: str
    unique: bool = True


def given(data: Any) -> Given | None:
    """A frame of a known library, a table, or None for what is none; UsageError for what is
    nearly one (a column, several frames)."""
    for library, known in (("pandas", _pandas), ("polars", _polars), ("datasets", _datasets)):
        module = sys.modules.get(library)
        if module is not None and (found := known(module, data)) is not None:
            return found
    if isinstance(data, pa.Table | pa.RecordBatch) or hasattr(data, "__arrow_c_stream__"):
        return _arrow(data if isinstance(data, pa.Table) else pa.table(data))
    return None


def _arrow(table: pa.Table) -> Given:
    views = {field.name: field.type for field in table.schema if field.type in _VIEWS}

    def back(came: pa.Table, result: pa.Table) -> pa.Table:
        for number, name in enumerate(result.column_names):
            if name in views and name not in records.CORE:
                result = result.set_column(number, name, result.column(name).cast(views[name]))
        return result

    return Given(_columns(table), back, "cast it to pa.string()", unique=False)


def _columns(table: pa.Table) -> Columns:
    _check_names(table.column_names)
    return dict(zip(table.column_names, table.columns, strict=True))


def _check_names(names: Iterable[Any]) -> None:
    seen = set()
    for name in names:
        if not isinstance(name, str):
            raise UsageError(f"the frame has a column called {name!r}: name columns by text")
        if name in seen:
            raise UsageError(f"the frame has two columns {name!r}: rename one")
        seen.add(name)


# --- one library each ---------------------------------------------------------------------------


def _pandas(pandas: Any, data: Any) -> Given | None:
    if isinstance(data, pandas.Series):
        raise UsageError("a Series is one column: give a frame, as series.to_frame('text') makes")
    if not isinstance(data, pandas.DataFrame):
        return None
    _check_names(data.columns)
    columns: Columns = {}
    for name in data.columns:
        column = data[name]
        if name in records.CORE and column.dtype == object:
            columns[name] = column.tolist()
            continue
        try:
            columns[name] = pa.array(column, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            if name in records.CORE:
                columns[name] = column.tolist()

    def back(came: pa.Table, result: pa.Table) -> Any:
        rows = _rows(came, result)
        new = _shown(result, list(data.columns)).to_pandas()
        if rows is None:
            _check_none_left([name for name in data.columns if name not in columns])
            return new
        old = data.take(rows)
        new.index = old.index
        for name in data.columns:
            if name not in columns or _same(came, result, name, rows):
                new[name] = old[name]
        names = [name for name in data.columns if name in new.columns]
        return new[[*names, *(name for name in new.columns if name not in names)]]

    return Given(columns, back, 'frame["{name}"] = frame["{name}"].astype("string")')


def _polars(polars: Any, data: Any) -> Given | None:
    if isinstance(data, polars.Series):
        raise UsageError("a Series is one column: give a frame, as series.to_frame('text') makes")
    if isinstance(data, polars.LazyFrame):
        raise UsageError("a LazyFrame has no rows yet: give frame.collect()")
    if not isinstance(data, polars.DataFrame):
        return None
    odd = [name for name, kind in data.schema.items() if kind == polars.Object]
    if odd:
        raise UsageError(
            f"column {odd[0]!r} holds Python objects, which Arrow cannot: cast it, or leave it out"
        )

    def back(came: pa.Table, result: pa.Table) -> Any:
        rows = _rows(came, result)
        new = polars.from_arrow(_shown(result, data.columns))
        if rows is None:
            return new
        old = data[rows]
        kept = [old[n] for n in data.columns if n in new.columns and _same(came, result, n, rows)]
        return new.with_columns(kept)

    return Given(
        _columns(data.to_arrow()),
        back,
        'frame = frame.with_columns(pl.col("{name}").cast(pl.String))',
    )


def _datasets(datasets: Any, data: Any) -> Given | None:
    if isinstance(data, datasets.DatasetDict | datasets.IterableDatasetDict):
        names = ", ".join(map(repr, data))
        raise UsageError(f"a DatasetDict is several datasets ({names}): give one, as data['train']")
    if not isinstance(data, datasets.Dataset):
        return None
    table = data.with_format("arrow")[:]
    kinds = dict(zip(table.column_names, table.schema.types, strict=True))

    def back(came: pa.Table, result: pa.Table) -> Any:
        shown = _shown(result, data.column_names)
        for number, name in enumerate(shown.column_names):
            if name in kinds and name in records.CORE and pa.types.is_large_string(kinds[name]):
                shown = shown.set_column(number, name, shown.column(name).cast(kinds[name]))
        features = datasets.Features.from_arrow_schema(shown.schema)
        for name in shown.column_names:
            if name in kinds and shown.schema.field(name).type == kinds[name]:
                features[name] = data.features[name]
        return datasets.Dataset(shown, info=datasets.DatasetInfo(features=features))

    as_text = 'dataset = dataset.cast_column("{name}", datasets.Value("string"))'
    return Given(_columns(table), back, as_text)


def _rows(came: pa.Table, result: pa.Table) -> Any:
    """Which row each row of the result was, by its id; None when some row is a new one."""
    if "id" not in result.column_names:
        return None
    found = pc.index_in(result.column("id"), value_set=came.column("id").combine_chunks())
    if found.null_count:
        return None
    return found.combine_chunks().to_numpy(zero_copy_only=False)


def _same(came: pa.Table, result: pa.Table, name: str, rows: Any) -> bool:
    """Whether a column is as it came."""
    if name not in result.column_names:
        return False
    before, after = came.column(name), result.column(name)
    return bool(before.type == after.type and before.take(pa.array(rows)).equals(after))


def _shown(result: pa.Table, came: Iterable[str]) -> pa.Table:
    """A result in the order of the frame that came, without the columns of a record that nobody
    gave and that are empty."""
    there = [name for name in came if name in result.column_names]
    new = [name for name in result.column_names if name not in there]
    return result.select([*there, *(n for n in new if n == "id" or not _is_empty(result, n))])


def _is_empty(table: pa.Table, name: str) -> bool:
    if name not in records.CORE:
        return False
    column = table.column(name)
    if column.null_count == len(column):
        return True
    return name in ("source", "place") and pc.all(pc.equal(column, "")).as_py() is not False


def _check_none_left(names: list[str]) -> None:
    if names:
        raise UsageError(
            f"column {names[0]!r} holds Python objects, which cannot follow new records: "
            "leave it out, or give its values one type"
        )


# --- results that become frames -----------------------------------------------------------------


class Tabular(ABC):
    """What can be had as a table of any library. Frames leave out the columns of a record that
    are empty in all rows; `to_arrow` has them."""

    @abstractmethod
    def to_arrow(self) -> pa.Table:
        """All records as one Arrow table."""

    @abstractmethod
    def head(self, number: int) -> tuple[list[Mapping[str, Any]], int | None]:
        """(the first records as dicts, how many there are or None where nobody has counted)."""

    def to_pandas(self) -> Any:
        """All records as a `pandas.DataFrame`."""
        require("pandas", "frames")
        return _shown(self.to_arrow(), ()).to_pandas()

    def to_polars(self) -> Any:
        """All records as a `polars.DataFrame`."""
        return require("polars", "frames").from_arrow(_shown(self.to_arrow(), ()))

    def to_dataset(self) -> Any:
        """All records as a `datasets.Dataset`."""
        return require("datasets", "frames").Dataset(_shown(self.to_arrow(), ()))

    def _repr_html_(self) -> str:
        return notebook.table(*self.head(notebook.ROWS))


class Rows(list[dict[str, Any]], Tabular):
    """Records as a list of dicts, which a notebook shows as a table."""

    def __init__(self, table: pa.Table) -> None:
        filled = ({k: v for k, v in row.items() if v is not None} for row in table.to_pylist())
        super().__init__(filled)
        self._schema = table.schema

    def to_arrow(self) -> pa.Table:
        """The records with all their columns, as the stage declared them."""
        return records.to_table(self, self._schema)

    def head(self, number: int) -> tuple[list[Mapping[str, Any]], int | None]:
        """The first records and how many there are."""
        return list(self[:number]), len(self)
