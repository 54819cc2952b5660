"""SQL text as a corpus: each statement a record with its bytes, and queries laid out for people."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest

from stages import DatabaseExtract, SqlExtract
from stages.extract.packed.archives import read_at
from stages.place import Place
from stages.sql_text import FORMATTED_CHARS, formatted, laid_out


def _read(path: Path, **parameters: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rejects: list[dict[str, Any]] = []
    records = SqlExtract(statements=True, **parameters)(path, rejects)
    return list(records), rejects


def _texts(tmp_path: Path, text: str | bytes, **parameters: Any) -> list[str]:
    path = tmp_path / "a.sql"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    kept, rejects = _read(path, **parameters)
    assert rejects == []
    for record in kept:
        place = Place.parse(record["place"])
        assert read_at(tmp_path, place).decode() == record["text"]
        assert path.read_bytes()[: place.offset].count(b"\n") + 1 == place.line
    return [record["text"] for record in kept]


MYSQL = """-- a comment; with a semicolon
/*!40101 SET @old=1 */;
select a, 'b;c' from t -- why; not
 where x = "d;e";;
DELIMITER $$
CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END$$
DELIMITER ;
(SELECT 1) UNION (SELECT 2);
"""


def test_statements_are_as_they_are_written(tmp_path: Path) -> None:
    assert _texts(tmp_path, MYSQL, dialect="mysql") == [
        "/*!40101 SET @old=1 */;",
        "select a, 'b;c' from t -- why; not\n where x = \"d;e\";",
        "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END",
        "(SELECT 1) UNION (SELECT 2);",
    ]


def test_each_server_ends_its_statements_in_its_own_way(tmp_path: Path) -> None:
    function = "CREATE FUNCTION f() RETURNS int AS $x$ BEGIN; RETURN 1; END; $x$ LANGUAGE plpgsql;"
    assert _texts(tmp_path, f"\\connect db\n{function}\nSELECT 2", dialect="postgres") == [
        function,
        "SELECT 2",
    ]
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO b VALUES (1); END;"
    assert _texts(tmp_path, f"{trigger}\nSELECT 1;\n", dialect="sqlite") == [trigger, "SELECT 1;"]
    block = "BEGIN\n  UPDATE a SET b = 1;\n  COMMIT;\nEND;"
    assert _texts(tmp_path, f"{block}\n/\nSELECT 1 FROM dual;\n", dialect="oracle") == [
        block,
        "SELECT 1 FROM dual;",
    ]
    procedure = "CREATE PROCEDURE p AS\nSELECT 1;\nSELECT 2;"
    assert _texts(tmp_path, f"{procedure}\nGO\nSELECT [a;b] FROM c;\nGO\n", dialect="mssql") == [
        procedure,
        "SELECT [a;b] FROM c;",
    ]


def test_the_first_word_is_in_meta(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("select 1;\n/*!40101 SET x = 1 */;\n(select 2);\n")
    kept, _ = _read(tmp_path / "a.sql", dialect="mysql")
    words = [json.loads(record["meta"]) for record in kept]
    assert words == [{"statement": word} for word in ("SELECT", "SET", "SELECT")]


def test_data_of_a_copy_are_one_reject(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(
        "COPY public.t (a, b) FROM stdin;\n1\tselect 1;\n2\ty\n\\.\n\nSELECT 3;\n"
    )
    kept, rejects = _read(tmp_path / "a.sql", dialect="postgres")
    assert [record["text"] for record in kept] == [
        "COPY public.t (a, b) FROM stdin;",
        "SELECT 3;",
    ]
    (reject,) = rejects
    assert (reject["reason"], reject["failed"]) == ("data", False)
    assert json.loads(reject["evidence"]) == {"rows": 2}
    assert Place.parse(reject["place"]).line == 2


def test_what_is_no_statement_is_a_reject_and_the_next_is_read(tmp_path: Path) -> None:
    long = b"INSERT INTO t VALUES ('" + b"x" * (1 << 20) + b"');\n"
    texts = b"this is prose;\n" + long + b"SELECT '\xff';\nSELECT '\0';\nSELECT 1;\n"
    (tmp_path / "a.sql").write_bytes(b" " * 5000 + texts)
    kept, rejects = _read(tmp_path / "a.sql", dialect="postgres", row_limit=1 << 20)
    assert [record["text"] for record in kept] == ["SELECT 1;"]
    reasons = ["unparsed", "too_long", "encoding", "binary"]
    assert [row["reason"] for row in rejects] == reasons
    assert all(row["failed"] for row in rejects)


def test_charset_and_compressed_files(tmp_path: Path) -> None:
    path = tmp_path / "a.sql.gz"
    path.write_bytes(gzip.compress("SET NAMES latin1;\nSELECT 'é';\n".encode("latin-1")))
    kept, rejects = _read(path, dialect="mysql")
    assert rejects == [] and kept[1]["text"] == "SELECT 'é';"
    wide = tmp_path / "b.sql"
    wide.write_bytes("SELECT '日';\r\nSELECT 2;\r\n".encode("utf-16"))
    kept, _ = _read(wide)
    assert [record["text"] for record in kept] == ["SELECT '日';", "SELECT 2;"]
    assert read_at(tmp_path, Place.parse(kept[1]["place"])).decode("utf-16-le") == "SELECT 2;"


def test_a_dump_that_breaks_off_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- MySQL dump 10\nSELECT 1;\nINSERT INTO t VALUES (1,")
    kept, rejects = _read(tmp_path / "a.sql")
    assert len(kept) == 1 and [row["reason"] for row in rejects] == ["truncated"]


def test_format_lays_out_and_changes_no_letter(tmp_path: Path) -> None:
    text = "select a, b as completion from t where x = 'A  b' and y in (1, 2);"
    (found,) = _read_text(tmp_path, text)
    assert found == (
        "select a,\n       b as completion\nfrom t\n"
        "where x = 'A  b'\n  and y in (1,\n            2);"
    )
    deep = "SELECT " + "(" * 200 + "1" + ")" * 200 + ";"
    assert _read_text(tmp_path, deep) == [deep]


def _read_text(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "f.sql").write_text(text)
    return [record["text"] for record in _read(tmp_path / "f.sql", format=True)[0]]


@pytest.mark.parametrize(
    "parameters, told",
    [
        ({"statements": True, "table": "t"}, "give no table, query or columns"),
        ({"statements": True, "query": "SELECT 1"}, "give no table, query or columns"),
        ({"format": True}, "give statements"),
    ],
)
def test_what_does_not_go_together(parameters: dict[str, Any], told: str) -> None:
    assert any(told in problem for problem in SqlExtract(**parameters).contradictions())


# --- queries, laid out ----------------------------------------------------------------------------


def test_formatting_is_bounded() -> None:
    worst = {
        "long": "SELECT " + "a, " * FORMATTED_CHARS + "b",
        "tokens": "SELECT " + ", ".join(f"c{n}" for n in range(12_000)),
        "values": "INSERT INTO t VALUES " + ", ".join(["(1, 'x', NULL)"] * 900),
        "quotes": "SELECT " + "'" * 60_001,
        "parentheses": "(" * 60_000,
        "cases": "CASE WHEN " * 6_000,
        "comments": "/*" * 30_000,
    }
    for name, text in worst.items():
        begun = time.process_time()
        assert "".join(formatted(text).split()) == "".join(text.split()), name
        assert time.process_time() - begun < 10, name


def test_only_parameters_that_hold_sql_are_laid_out() -> None:
    query = "select a from t where b"
    for cls in (SqlExtract, DatabaseExtract):
        shown = laid_out(cls, {"query": query, "text": query, "unknown": query, "key": ["a"]})
        assert shown["query"] == "select a\nfrom t\nwhere b"
        assert shown["text"] == shown["unknown"] == query and shown["key"] == ["a"]
        assert cls(query=query).tell({}) == ["query:", "select a", "from t", "where b"]
        assert cls().tell({}) == []
