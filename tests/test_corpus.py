"""A corpus: equal rows are equal bytes and digests, and anyone can open the folder."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import corpus
from stages.corpus import (
    ArrowWriter,
    Corpus,
    Digest,
    batches_of,
    canonical,
    iterate_arrow,
    read_arrow,
    write_corpus,
)
from stages.errors import UsageError
from stages.manifest import read_manifest
from stages.records import REJECTS, SCHEMA, schema_with, to_table
from tests.pipeline import world

EXTRA: dict[str, pa.DataType] = {
    "score": pa.float32(),
    "ids": pa.list_(pa.int32()),
    "wide": pa.large_list(pa.int16()),
    "vector": pa.list_(pa.float16(), 3),
    "ok": pa.bool_(),
    "raw": pa.binary(),
    "when": pa.timestamp("us"),
}
WIDE = schema_with(EXTRA)
TEXT = st.none() | st.text(max_size=6)
NUMBERS = st.none() | st.lists(st.integers(-100, 100), max_size=3)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text(max_size=4),
            "text": TEXT,
            "meta": TEXT,
            "messages": st.none()
            | st.lists(st.fixed_dictionaries({"role": st.text(max_size=3), "content": TEXT})),
            "score": st.none() | st.floats(width=32),
            "ids": NUMBERS,
            "wide": NUMBERS,
            "vector": st.none()
            | st.lists(st.floats(-9, 9, width=16), min_size=3, max_size=3).map(
                lambda values: [np.float16(value) for value in values]
            ),
            "ok": st.none() | st.booleans(),
            "raw": st.none() | st.binary(max_size=4),
            "when": st.none() | st.integers(0, 1 << 40),
        }
    ),
    min_size=1,
    max_size=8,
)


def _digest(tables: list[pa.Table]) -> str:
    digest = Digest(tables[0].schema)
    for table in tables:
        digest.update(table)
    return digest.hexdigest()


def _cut(table: pa.Table, cuts: list[int]) -> list[pa.Table]:
    borders = sorted({0, table.num_rows, *(cut for cut in cuts if cut <= table.num_rows)})
    return [table.slice(a, b - a) for a, b in itertools.pairwise(borders)]


@given(ROWS, st.lists(st.integers(0, 8)))
def test_the_digest_does_not_depend_on_cuts(rows: list[dict[str, Any]], cuts: list[int]) -> None:
    table = to_table(rows, WIDE)
    whole = _digest([table])
    parts = _cut(table, cuts)
    assert _digest(parts) == whole
    assert _digest([pa.concat_tables(parts)]) == whole, "chunks are no cuts either"
    assert _digest([corpus.canonical(table)]) == whole
    assert _digest([pa.concat_tables([table, table.slice(0, 0)])]) == whole


@given(ROWS, st.integers(0, 7), st.sampled_from(["text", "ids", "score", "vector", "ok", "meta"]))
def test_the_digest_changes_with_any_value(
    rows: list[dict[str, Any]], number: int, name: str
) -> None:
    row = rows[number % len(rows)]
    other = {
        "text": (row["text"] or "") + "x",
        "meta": None if row["meta"] is not None else "",
        "ids": [*(row["ids"] or []), 7],
        "score": 2.5 if row["score"] != 2.5 else None,
        "vector": [np.float16(10)] * 3 if row["vector"] is not None else [np.float16(0)] * 3,
        "ok": None if row["ok"] is not None else False,
    }[name]
    changed = [{**one, name: other} if one is row else one for one in rows]
    assert _digest([to_table(rows, WIDE)]) != _digest([to_table(changed, WIDE)])
    assert _digest([to_table(rows, WIDE)]) != _digest([to_table([*rows, row], WIDE)])


def test_moving_text_between_rows_changes_the_digest() -> None:
    one, two = ([{"text": "ab"}, {"text": "c"}], [{"text": "a"}, {"text": "bc"}])
    assert _digest([to_table(one)]) != _digest([to_table(two)])
    lists = ([{"ids": [1, 2]}, {"ids": [3]}], [{"ids": [1]}, {"ids": [2, 3]}])
    schema = schema_with({"ids": pa.list_(pa.int32())})
    assert _digest([to_table(lists[0], schema)]) != _digest([to_table(lists[1], schema)])


@settings(max_examples=30)
@given(ROWS, st.lists(st.integers(0, 8)))
def test_equal_rows_are_equal_bytes_however_they_arrive(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    table = to_table(rows, WIDE)
    for name, tables in (("one", [table]), ("two", _cut(table, cuts))):
        writer = ArrowWriter(folder / name, WIDE)
        for part in tables:
            writer.write(part)
        writer.close()
    assert (folder / "one").read_bytes() == (folder / "two").read_bytes()
    assert _digest([read_arrow(folder / "one")]) == _digest([table])


@pytest.mark.parametrize(("most_rows", "most_bytes"), [(7, 1 << 24), (1024, 2000), (8, 1500)])
def test_borders_of_batches_do_not_depend_on_how_rows_arrive(
    most_rows: int, most_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "BATCH_ROWS", most_rows)
    monkeypatch.setattr(corpus, "BATCH_BYTES", most_bytes)
    texts = [None if n % 9 == 0 else "x" * (n * n % 150) for n in range(300)]
    texts[40] = "y" * 5000
    table = to_table({"id": str(n), "text": text} for n, text in enumerate(texts))
    files = set()
    for rows in (300, 1, 2, 7, 8, 33, 100, 299):
        writer = ArrowWriter(tmp_path / "data", table.schema)
        for begin in range(0, 300, rows):
            writer.write(table.slice(begin, rows))
        writer.close()
        files.add((tmp_path / "data").read_bytes())
    assert len(files) == 1
    parts = list(iterate_arrow(tmp_path / "data"))
    assert pa.concat_tables(parts).to_pylist() == table.to_pylist()
    assert all(
        part.num_rows == 1 or (part.num_rows <= most_rows and canonical(part).nbytes <= most_bytes)
        for part in parts
    )


def test_needless_bytes_move_no_border_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that come one by one have more offsets than those that come together."""
    table = to_table({"id": f"{n:04}", "text": "x" * 100} for n in range(64))
    monkeypatch.setattr(corpus, "BATCH_BYTES", canonical(table.slice(0, 8)).nbytes)
    for rows in (64, 1, 3):
        waiting, sizes = corpus.Batches(), []
        for begin in range(0, 64, rows):
            waiting.add(table.slice(begin, rows))
            sizes += [batch.num_rows for batch in waiting.full()]
        assert [*sizes, *(batch.num_rows for batch in waiting.rest())] == [8] * 8


def test_batches_are_bounded_in_rows_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    table = to_table({"id": str(n), "text": "x" * 100} for n in range(3000))
    assert [part.num_rows for part in batches_of(table)] == [1024, 1024, 952]
    monkeypatch.setattr(corpus, "BATCH_BYTES", 20_000)
    parts = list(batches_of(table))
    assert all(part.nbytes <= 20_000 for part in parts) and len(parts) > 10
    assert pa.concat_tables(parts).to_pylist() == table.to_pylist()
    monkeypatch.setattr(corpus, "BATCH_BYTES", 10)
    assert {part.num_rows for part in batches_of(table.slice(0, 5))} == {1}


# --- the folder ---------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus of two pieces with one reject."""
    rows = [
        {"id": f"{n:032x}", "source": "s", "place": f"f@{n}+1:{n + 1}", "text": world.prose(n)}
        for n in range(10)
    ]
    schema = schema_with({"score": pa.float32()})
    table = to_table([{**row, "score": 0.5} for row in rows], schema)
    reject = {"id": "f" * 32, "stage": "test", "reason": "short", "failed": False, "text": "x"}
    rejects = to_table([reject], REJECTS)
    pieces = [(table.slice(0, 6), rejects), (table.slice(6), rejects.slice(0, 0))]
    write_corpus(tmp_path / "a corpus", "records", pieces, {"sources": [], "counts": {}})
    return tmp_path / "a corpus"


def test_a_corpus_is_read_back(folder: Path) -> None:
    found = Corpus(folder)
    assert len(found) == 10 and found.kind == "records" and len(found.pieces) == 2
    assert [row["text"] for row in found.table().to_pylist()] == [world.prose(n) for n in range(10)]
    assert found.digest == _digest([found.table()]) == _digest(list(found.batches()))
    assert found.rejects().to_pylist()[0]["reason"] == "short"
    assert found.schema.names == [*SCHEMA.names, "score"]
    assert found.table(["id", "score"]).column_names == ["id", "score"]
    assert "10 rows" in repr(found)
    with pytest.raises(UsageError, match="holds a corpus already"):
        write_corpus(folder, "records", [(found.table(), found.rejects())], {})


def test_what_is_no_corpus_is_said(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"has no manifest\.json"):
        Corpus(tmp_path / "nowhere")
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"format": 1', '"format": 99'))
    with pytest.raises(UsageError, match="format 99 is not 1"):
        Corpus(folder)


def test_others_open_a_corpus_without_seedbed(folder: Path) -> None:
    """pyarrow, pandas, DuckDB and datasets, each by its own means."""
    import pyarrow.dataset as arrow_dataset

    files = sorted((folder / "data").glob("*.arrow"))
    wanted = [world.prose(n) for n in range(10)]
    table = arrow_dataset.dataset(str(folder / "data"), format="arrow").to_table()
    assert table.column("text").to_pylist() == wanted
    pandas = pytest.importorskip("pandas")
    frame = pandas.concat([pandas.read_feather(file) for file in files], ignore_index=True)
    assert frame["text"].tolist() == wanted and frame["score"].sum() == 5.0
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.register("records", arrow_dataset.dataset(str(folder / "data"), format="arrow"))
        query = "SELECT count(*), sum(score), min(place) FROM records WHERE text IS NOT NULL"
        assert connection.execute(query).fetchone() == (10, 5.0, "f@0+1:1")


def test_datasets_opens_a_corpus_without_seedbed(folder: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    files = sorted(str(path) for path in (folder / "data").glob("*.arrow"))
    found = datasets.load_dataset(
        "arrow", data_files=files, split="train", cache_dir=str(tmp_path / "cache")
    )
    assert found["text"][:] == [world.prose(n) for n in range(10)]
    assert found.features["messages"] is not None


def test_a_pipe_in_the_place_of_a_piece_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "00000.arrow")
    with pytest.raises(UsageError, match="no regular file"):
        read_arrow(tmp_path / "00000.arrow")
    with pytest.raises(OSError, match="not a regular file"):
        corpus.sha256_of(tmp_path / "00000.arrow")


@pytest.mark.parametrize(
    "change",
    [
        {"steps": [{}]},
        {"steps": [{"stage": None}]},
        {"files": ["a"]},
        {"files": {"/etc/passwd": 1}},
        {"files": {"data/../../a": 1}},
    ],
)
def test_a_manifest_lacks_nothing_that_readers_take_for_granted(
    change: dict[str, Any], tmp_path: Path
) -> None:
    manifest = {"format": 1, "kind": "files", "made_by": "seedbed", "files": {"a/b": 1}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert read_manifest(tmp_path)["files"] == {"a/b": 1}
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, **change}))
    with pytest.raises(UsageError, match=r"manifest\.json is damaged"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("role", ["data", "rejects"])
@pytest.mark.parametrize("name", ["../other.arrow", "data/../../other.arrow", "{}/other.arrow"])
def test_a_manifest_reaches_no_file_outside_its_folder(
    name: str, role: str, tmp_path: Path
) -> None:
    pieces = [(to_table([{"id": "1", "text": "words"}], SCHEMA), to_table([], REJECTS))]
    write_corpus(tmp_path / "c", "records", pieces, {})
    manifest = json.loads((tmp_path / "c/manifest.json").read_text())
    (tmp_path / "c" / manifest["pieces"][0][role]).rename(tmp_path / "other.arrow")
    manifest["pieces"][0][role] = name.format(tmp_path)
    (tmp_path / "c/manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=r"manifest\.json is damaged"):
        Corpus(tmp_path / "c")
