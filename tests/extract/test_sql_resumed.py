"""A quote, a bracket or a comment without its end costs its statement, not the rest of the dump."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stages import SqlExtract
from stages.base import Fault
from stages.extract.sqldump.reader import Reader
from stages.extract.sqldump.rows import Block

HEAD = "CREATE TABLE lamps (id int, colour text);\nINSERT INTO lamps VALUES (1,'red'),(2,'b');\n"
REST = "".join(f"INSERT INTO lamps VALUES ({n},'white {n}');\n" for n in range(10, 400))
REST += "CREATE TABLE ships (id int, name text);\nINSERT INTO ships VALUES (1,'x'),(2,'y');\n"
ROWS = 2 + 390 + 2
# what has no end → (rows of it that are read, rows that its refusal counts)
DAMAGE = {
    "INSERT INTO lamps VALUES\n(3,'a'),\n(4,'b'\n--),\n(5,'c');\n": (1, 2),
    "INSERT INTO lamps VALUES (3,'open);\n": (0, 1),
    "INSERT INTO lamps VALUES (3,'a'),(4,'b';\n": (1, 1),
    "INSERT INTO lamps VALUES (3,'a'),(4,'\n": (1, 1),
    "UPDATE lamps SET colour = 'x WHERE id = 1;\n": (0, 1),
    "DELETE FROM lamps WHERE colour IN ('a', 'b;\n": (0, 1),
}


def read(path: Path, dump: str, /, **options: Any) -> tuple[list[Any], list[Any]]:
    path.write_text(dump)
    rejects: list[dict[str, Any]] = []
    return list(SqlExtract(**options)(path, rejects)), rejects


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_reading_goes_on_at_the_next_statement(tmp_path: Path, damage: str, dialect: str) -> None:
    more, lost = DAMAGE[damage]
    text = HEAD + damage + REST
    records, (reject,) = read(tmp_path / "a.sql", text, dialect=dialect)
    assert len(records) == ROWS + more and reject["reason"] == "unparsed"
    evidence = json.loads(reject["evidence"])
    assert evidence.get("rows", 1) == lost and "white" not in evidence["statement"]
    one_by_one = list(Reader(io.BytesIO(text.encode()), dialect))
    assert not [one for one in one_by_one if isinstance(one, Block)]
    faults = [one for one in one_by_one if isinstance(one, Fault)]
    assert [one.reason for one in faults] == ["unparsed"]
    assert len(one_by_one) - 1 == len(records)


def test_a_quote_without_its_end_behind_more_than_a_row_may_have(tmp_path: Path) -> None:
    text = HEAD + "INSERT INTO lamps VALUES (3,'open\n" + REST.replace("'", "") * 40
    found = list(Reader(io.BytesIO(text.encode()), "sqlite", limit=1 << 17))
    reasons = Counter(one.reason for one in found if isinstance(one, Fault))
    assert len(text) > 1 << 18 and reasons["unparsed"] == 1 and "too_long" not in reasons
    assert len(found) > 40 * 390


def test_a_text_that_only_shows_statements_is_no_statement(tmp_path: Path) -> None:
    """What is cut within a text that quotes SQL of tables that the dump does not have."""
    text = HEAD + "INSERT INTO lamps VALUES (3,'try this:\nINSERT INTO other VALUES (1);\nor"
    records, (reject,) = read(tmp_path / "a.sql", text, dialect="sqlite")
    assert len(records) == 2 and reject["reason"] == "truncated"
    whole = HEAD + "INSERT INTO lamps VALUES (3,'try:\nINSERT INTO lamps VALUES (9,9);\n');\n"
    records, rejects = read(tmp_path / "b.sql", whole, dialect="sqlite")
    assert len(records) == 3 and not rejects


@pytest.mark.parametrize("dialect", ["mysql", "postgres", "sqlite", "mssql"])
def test_a_comment_without_its_end_is_told(tmp_path: Path, dialect: str) -> None:
    records, (reject,) = read(tmp_path / "a.sql", HEAD + "/* old:\n" + REST, dialect=dialect)
    assert len(records) == 2 and reject["reason"] == "truncated"
    evidence = json.loads(reject["evidence"])
    assert evidence["error"] == "a comment without an end" and evidence["bytes"] > len(REST)
    query = "SELECT count(*) AS body FROM lamps"
    (record,), _ = read(tmp_path / "a.sql", HEAD + "/* old:\n" + REST, query=query, text="body")
    assert record["text"] == "2"
