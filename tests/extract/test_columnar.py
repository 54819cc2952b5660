"""Columnar files with changed bytes, and small ones that stand for far more than they hold."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.extract.jsonl import JsonlExtract
from stages.extract.jsontext.lines import LINE_BYTES
from stages.extract.packed import streams
from tests.extract import damage

ROOT = Path(__file__).parents[2]


def read(data: bytes, tmp_path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    path = tmp_path / "a.arrow"
    path.write_bytes(data)
    rejects: list[dict[str, Any]] = []
    records = list(JsonlExtract()(path, rejects))
    return records, [{**r, "evidence": json.loads(r["evidence"])} for r in rejects]


def stream(table: pa.Table, rows: int | None = None, codec: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


@pytest.mark.parametrize("form", list(damage.FORMS))
def test_changed_bytes_give_rows_or_a_fault_and_never_end_the_process(
    form: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.extract.damage", form, "1", "40", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told == [{"form": form, "tried": 40}]


def test_offsets_beyond_the_buffer_are_not_followed(tmp_path: Path) -> None:
    data = bytearray(stream(pa.table({"text": ["words of the first", "and of the second."]})))
    at = data.find(struct.pack("<iii", 0, 18, 36))
    data[at : at + 12] = struct.pack("<iii", 0, 2000, 4000)
    records, rejects = read(bytes(data), tmp_path)
    assert not records
    assert [(r["reason"], r["evidence"]["rows"]) for r in rejects] == [("corrupt", 0)]
    assert "out of bounds" in rejects[0]["evidence"]["error"]


@pytest.mark.parametrize("codec", [None, "zstd"])
def test_the_rows_before_the_damage_are_kept(codec: str | None, tmp_path: Path) -> None:
    table = pa.table({"text": [f"row {n} of some rows" for n in range(100)]})
    data = bytearray(stream(table, 25, codec))
    half = len(data) * 5 // 8
    data[half : half + 40] = b"\xfe" * 40
    records, rejects = read(bytes(data), tmp_path)
    assert [r["text"] for r in records] == table["text"].to_pylist()[: len(records)]
    assert len(records) in (25, 50, 75)
    assert [r["reason"] for r in rejects] == ["corrupt"]
    assert rejects[0]["evidence"]["rows"] == len(records)


def test_a_row_that_cannot_be_converted_costs_no_other(tmp_path: Path) -> None:
    years = pa.array([0, 1 << 60, 5], pa.timestamp("s"))
    table = pa.table({"text": ["one", "two", "three"], "at": years})
    records, rejects = read(stream(table), tmp_path)
    assert [r["text"] for r in records] == ["one", "three"]
    assert [(r["reason"], r["place"]) for r in rejects] == [("corrupt", "a.arrow![row=1]")]


@pytest.mark.parametrize("form", ["stream", "parquet"])
def test_the_second_of_two_columns_of_one_name_is_numbered(form: str, tmp_path: Path) -> None:
    cells = [pa.array(["a", "d"]), pa.array(["b", None]), pa.array([1, 2])]
    table = pa.Table.from_arrays(cells, names=["text", "text", "text_2"])
    data = stream(table)
    if form == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        data = sink.getvalue().to_pybytes()
    records, rejects = read(data, tmp_path)
    assert not rejects and [r["text"] for r in records] == ["a", "d"]
    assert [json.loads(r["meta"]) for r in records] == [
        {"text_2": 1, "text_3": "b"},
        {"text_2": 2, "text_3": None},
    ]


def test_a_row_larger_than_the_limit_is_refused_alone(tmp_path: Path) -> None:
    table = pa.table({"text": ["before", "x" * (LINE_BYTES + 1), "behind"]})
    records, rejects = read(stream(table), tmp_path)
    assert [r["text"] for r in records] == ["before", "behind"]
    assert [(r["reason"], r["evidence"], r["place"]) for r in rejects] == [
        ("oversize", {"limit": LINE_BYTES, "of": "bytes of a row"}, "a.arrow![row=1]")
    ]


def _views() -> pa.Table:
    """Rows that are all of one large list, seen again and again."""
    values = pa.array([0] * 10_000, pa.int8())
    number = 4000
    offsets, sizes = pa.array([0] * number, pa.int32()), pa.array([10_000] * number, pa.int32())
    return pa.table(
        {"text": ["a"] * number, "n": pa.ListViewArray.from_arrays(offsets, sizes, values)}
    )


def _dictionary() -> pa.Table:
    indices = pa.array([0] * 4000, pa.int8())
    return pa.table({"text": pa.DictionaryArray.from_arrays(indices, ["word " * 4000])})


def _runs() -> pa.Table:
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([1 << 30], pa.int32()), pa.array(["word"]))
    return pa.table({"text": runs})


def _nulls() -> pa.Table:
    offsets = pa.array([0, (1 << 31) - 1], pa.int32())
    nulls = pa.ListArray.from_arrays(offsets, pa.nulls((1 << 31) - 1))
    return pa.table({"text": ["a"], "n": nulls})


@pytest.mark.parametrize("make", [_views, _dictionary, _runs, _nulls])
def test_what_stands_for_more_than_it_holds_is_bounded(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "RATIO_FLOOR", 1 << 20)
    records, rejects = read(stream(make()), tmp_path)
    assert [r["reason"] for r in rejects][-1:] == ["oversize"]
    assert sum(len(json.dumps(r)) for r in records) < 20 << 20


def test_a_parquet_file_of_one_long_word_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "RATIO_FLOOR", 1 << 20)
    table = pa.table({"text": pa.array(["x" * 10_000]).take(pa.array([0] * 20_000))})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    assert len(sink.getvalue()) < 100_000
    records, rejects = read(sink.getvalue(), tmp_path)
    assert len(records) < 2000
    assert [(r["reason"], r["evidence"]["of"]) for r in rejects] == [("oversize", "ratio")]


def test_a_length_that_is_told_is_not_asked_for(tmp_path: Path) -> None:
    data = bytearray(stream(pa.table({"text": ["a"]})))
    data[4:8] = struct.pack("<i", (1 << 31) - 1)
    records, rejects = read(bytes(data), tmp_path)
    assert not records and [r["reason"] for r in rejects] == ["corrupt"]
