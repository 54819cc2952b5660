"""Columns become records: what is missing, and ids where there are none."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa

from stages.conform import to_records


def _records(columns: dict[str, Any], rows: int = 2) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = to_records(columns, rows, "make {name} text", True).to_pylist()
    return made


def test_what_is_no_number_is_a_missing_text() -> None:
    rows = _records({"text": ["words", math.nan], "score": [math.nan, 0.5], "meta": [None, "{}"]})
    assert [row["text"] for row in rows] == ["words", None]
    assert [row["score"] for row in rows] == [None, 0.5]


def test_equal_rows_have_ids_of_their_own() -> None:
    ids = [row["id"] for row in _records({"text": ["same", "same", "other"]}, 3)]
    assert len(set(ids)) == 3
    again = [row["id"] for row in _records({"text": ["other", "same", "same"]}, 3)]
    assert again == [ids[2], *ids[:2]], "of the content, and not of the place"


def test_an_empty_place_or_source_is_as_none_to_an_id() -> None:
    bare = [row["id"] for row in _records({"text": ["a", "b"]})]
    for column in (["", ""], [None, None], pa.array([None, ""], pa.string())):
        given = {"text": ["a", "b"], "source": column, "place": column}
        rows = _records(given)
        assert [row["id"] for row in rows] == bare
        assert {(row["source"], row["place"]) for row in rows} == {("", "")}
    assert [row["id"] for row in _records({"text": ["a", "b"], "source": ["x", "x"]})] != bare
