"""A place is written as one line and read back as it was."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.place import Place

ANY = st.characters(exclude_categories=())  # lone surrogates too
NAMES = st.binary(max_size=12).map(os.fsdecode)  # of files
TEXT = st.text(ANY, max_size=12) | NAMES | st.text(alphabet="%#@![]+:=\n\r/a1", max_size=12)
POSITIONS = st.none() | st.tuples(st.integers(0), st.integers(0), st.integers(1))


@given(TEXT, st.none() | TEXT, POSITIONS, st.none() | TEXT, st.none() | TEXT)
def test_every_place_can_be_read_back(
    path: str,
    member: str | None,
    position: tuple[int, int, int] | None,
    table: str | None,
    key: str | None,
) -> None:
    offset, length, line = position or (None, None, None)
    place = Place(path, member, offset, length, line, table, key if table is not None else None)
    assert Place.parse(str(place)) == place
    assert "\n" not in str(place).removesuffix(f"[{key}]")
    unit = Place.parse(place.unit)
    assert (unit.path, unit.member, unit.table) == (path, member, table)
    assert unit.offset is None and unit.key is None


def test_places_read_as_they_are_documented() -> None:
    assert str(Place("site/guides/peas.html")) == "site/guides/peas.html"
    assert str(Place("faq.csv", None, 1204, 310, 17)) == "faq.csv@1204+310:17"
    dump = Place("dump.tar.gz", "posts.sql", 88, 95, 4, "posts")
    assert str(dump) == "dump.tar.gz#posts.sql@88+95:4!posts"
    assert dump.unit == "dump.tar.gz#posts.sql!posts"
    assert str(Place(table="users", key="id=5")) == "!users[id=5]"
    assert str(Place("a#b@c!d%")) == "a%23b%40c%21d%25"


@pytest.mark.parametrize("text", ["a@b", "a@1+2", "a@1:2", "a#b#c", "a@1+2:3x"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a place"):
        Place.parse(text)
