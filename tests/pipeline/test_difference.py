"""Differences: the pieces are both texts, whatever they hold; what is shown is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.views.difference import Piece, pieces, shown

TEXT = st.text(st.sampled_from("ab  \n.é"), max_size=30) | st.text(max_size=20)


@given(TEXT, TEXT)
def test_the_pieces_are_both_texts(old: str, new: str) -> None:
    found = pieces(old, new)
    assert "".join(one.text for one in found if one.fate != "added") == old
    assert "".join(one.text for one in found if one.fate != "removed") == new
    assert all(one.text for one in found)
    assert (found == [Piece("", old)]) if old == new and old else True


def test_whole_words_change() -> None:
    assert pieces("write to jane@x.org now", "write to <EMAIL> now") == [
        Piece("", "write to "),
        Piece("removed", "jane@x.org"),
        Piece("added", "<EMAIL>"),
        Piece("", " now"),
    ]
    assert [one.text for one in pieces("a b c d e", "a x c y z e") if one.fate] == [
        "b", "x", "d", "y z",
    ]  # fmt: skip
    assert pieces("masked", "masking") == [Piece("removed", "masked"), Piece("added", "masking")]


def test_of_a_long_text_the_changes_are_shown() -> None:
    old = " ".join(f"w{n}" for n in range(3000))
    new = old.replace("w10 ", "").replace("w2990 ", "new ")
    found = shown(pieces(old, new))
    assert [one.text for one in found if one.fate] == ["w10 ", "w2990", "new"], found
    assert sum(len(one.text) for one in found) < 500


def test_texts_that_have_nothing_in_common_are_bounded_in_time_and_length() -> None:
    old = " ".join(f"a{n}" for n in range(200_000))
    new = " ".join(f"b{n}" for n in range(200_000))
    assert sum(len(one.text) for one in shown(pieces(old, new))) < 5000
