"""Files of DuckDB as a source of rows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from stages import DatabaseExtract
from stages.errors import StageFailed, UsageError
from stages.extract.databases import duck
from tests.extract.test_database import read


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as base:
        base.execute("""
            CREATE TABLE faq (id INTEGER PRIMARY KEY, question VARCHAR, answer VARCHAR,
                price DECIMAL(18, 4), made TIMESTAMPTZ, day DATE, big HUGEINT, tags VARCHAR[],
                f FLOAT, ok BOOLEAN, data BLOB);
            INSERT INTO faq SELECT 2500 - i, 'why é ' || i,
                CASE WHEN i % 5 = 0 THEN NULL ELSE 'because ' || i END, i * 1.1,
                '2020-01-01 10:00:00+02', '1999-12-31', 170141183460469231731687303715884105727,
                ['a', 'b c', NULL], 0.1, i % 2 = 0, '\\x00\\xFF'::BLOB FROM range(2500) AS r(i);
            CREATE TABLE talks (messages STRUCT(role VARCHAR, content VARCHAR)[]);
            INSERT INTO talks VALUES ([{'role': 'user', 'content': 'Tide?'},
                {'role': 'assistant', 'content': 'High.'}]);
            CREATE SCHEMA other; CREATE TABLE other.bare (text VARCHAR);
            INSERT INTO other.bare VALUES ('b'), ('B'), (NULL), ('é');
            CREATE VIEW seen AS SELECT 'seen ' || text AS text FROM other.bare;
        """)
    return path


def test_values_are_what_duckdb_prints_in_the_order_of_the_key(shop: Path) -> None:
    kept, rejects = read(DatabaseExtract(table="faq"), str(shop))
    assert len(kept) == 2000 and {row["reason"] for row in rejects} == {"empty"}
    assert kept[0]["place"] == "shop.duckdb!faq[id=1]"
    assert (kept[0]["prompt"], kept[0]["completion"]) == ("why é 2499", "because 2499")
    assert json.loads(kept[0]["meta"]) == {
        "id": 1, "price": "2748.9000", "made": "2020-01-01 08:00:00+00", "day": "1999-12-31",
        "big": 170141183460469231731687303715884105727, "tags": '["a","b c",null]',
        "f": pytest.approx(0.1), "ok": False, "table": "faq",
    }  # fmt: skip


def test_a_list_of_structs_is_a_conversation(shop: Path) -> None:
    (record,), rejects = read(DatabaseExtract(table="talks"), str(shop))
    assert rejects == [] and [m["content"] for m in record["messages"]] == ["Tide?", "High."]


def test_all_tables_by_schema_and_a_view_when_it_is_named(shop: Path) -> None:
    kept, _ = read(DatabaseExtract(table="other.bare"), str(shop))
    assert [row["text"] for row in kept] == ["B", "b", "é"]
    assert len(read(DatabaseExtract(table="seen"), str(shop))[0]) == 3
    tables = {json.loads(row["meta"])["table"] for row in read(DatabaseExtract(), str(shop))[0]}
    assert tables == {"faq", "talks", "other.bare"}


def test_a_file_is_known_by_its_content(shop: Path) -> None:
    path = shop.with_suffix(".db")
    shutil.copy(shop, path)
    query = "SELECT text FROM other.bare WHERE text IS NOT NULL -- all of it"
    assert len(read(DatabaseExtract(query=query), str(path))[0]) == 3


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT nothing FROM faq", "query: Binder Error"),
        ("SELECT * FROM read_csv('/etc/passwd')", "query: Permission Error"),
        ("DELETE FROM faq", "query: Parser Error"),
        ("SELECT question::INTEGER AS text FROM faq", "query: Conversion Error"),
    ],
)
def test_a_query_reads_the_file_alone(shop: Path, query: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        list(DatabaseExtract(query=query)(str(shop)))


def test_a_damaged_file_is_one_fault_and_one_that_is_held_fails(shop: Path, tmp_path: Path) -> None:
    broken = tmp_path / "b/block.duckdb"  # the word of a lock is in its name
    broken.parent.mkdir()
    data = bytearray(shop.read_bytes())
    data[4096:8192] = b"\xff" * 4096
    data[8192:12288] = b"\xff" * 4096
    broken.write_bytes(data)
    kept, rejects = read(DatabaseExtract(), str(broken))
    assert kept == [] and [row["reason"] for row in rejects] == ["unreadable"]
    script = f"import duckdb; b = duckdb.connect({str(shop)!r}); print('held', flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(StageFailed, match="no other program holds the file"):
            list(DatabaseExtract(table="faq")(str(shop)))
    finally:
        holder.kill()
        holder.wait()


def test_the_file_is_not_written_and_nothing_is_left_beside_it(shop: Path) -> None:
    before = shop.read_bytes()
    read(DatabaseExtract(), str(shop))
    assert shop.read_bytes() == before and [p.name for p in shop.parent.iterdir()] == [shop.name]


def test_a_sort_without_room_is_no_fault_of_the_file(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(tmp_path / "seedbed-x")
    error = duckdb.IOException(f'Could not write to "{folder}/a": No space left on device')
    with pytest.raises(StageFailed, match=r"the disk is full: no room in .* rows that are sorted"):
        duck._Told(duckdb, shop, folder).fault(error)
    monkeypatch.setattr(duck, "_MEMORY", "1MB")
    with pytest.raises(StageFailed, match="1MB of memory are too little"):
        list(duck.read(shop, "faq", None, ()))
