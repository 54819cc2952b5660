"""Code and formulas are read with their signs, prose without."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import Deduplicate
from stages.clean import code_words, shingles
from stages.clean.code_words import Reading

PROSE = (
    "The tide rises and falls because the moon pulls at the sea, twice a day, all over the world."
)
READINGS: tuple[Reading, ...] = ("prose", "code", "auto")
LOOP = (
    "def total(rows):\n    found = 0\n    for row in rows:\n        found += row[1]\n"
    "    return found\n"
)


def kept(words: Reading, *texts: str) -> list[str]:
    stage = Deduplicate(words=words, threshold=0.85)
    return [row["text"] for row in stage([{"text": text} for text in texts], [])]


@pytest.mark.parametrize(
    "text",
    [LOOP, "SELECT a, b FROM t WHERE a = 'x';", "x + y", "$\\frac{a}{b} = \\sqrt{c}$",
     "(A && B) || !C",
     '{"a": [1, 2, {"b": null}]}', "#include <map>\nint main() { return 0; }"],
)  # fmt: skip
def test_code_is_found_by_its_signs(text: str) -> None:
    assert code_words.is_code(text)


@pytest.mark.parametrize(
    "text",
    [PROSE, "", "No.",
     "1. Soap\n2. Water\n3. A towel",
     "- one\n- two\n\n**Note:** https://a.example/x?y=z&q=1",
     "She said: \"I'm late (again)!\" It was 7.30 p.m.", "对不起，我不知道。",
     "Es kostet 3.50 Euro & mehr als man denkt."],
)  # fmt: skip
def test_prose_is_not(text: str) -> None:
    assert not code_words.is_code(text)


def test_signs_and_indentation_tell_code_apart_and_its_width_does_not() -> None:
    minus = LOOP.replace("+=", "-=")
    deeper = LOOP.replace("\n    return", "\n        return")
    wider = LOOP.replace("    ", "  ")
    assert kept("prose", LOOP, deeper, wider) == [LOOP]
    for words in READINGS[1:]:
        assert kept(words, LOOP, minus) == [LOOP, minus]
        assert kept(words, LOOP, deeper) == [LOOP, deeper]
        assert kept(words, LOOP, wider) == [LOOP]


def test_short_texts_differ_in_any_sign() -> None:
    pairs = [("x + y", "x - y"), ("C++", "C#"), ("Good \U0001f600", "Good \U0001f622")]
    for one, other in pairs:
        for words in READINGS:
            assert kept(words, one, other, one) == [one, other]


def test_prose_has_the_same_words_either_way() -> None:
    edited = PROSE.replace("twice", "Twice").replace(",", "")
    assert kept("auto", PROSE, edited) == kept("prose", PROSE, edited) == [PROSE]
    assert kept("code", PROSE, edited) == [PROSE, edited]


@given(st.text(alphabet=st.sampled_from("ab_ \t\n+-()😀é的.=:"), max_size=60))
def test_every_sign_is_one_word_and_no_letter_is_lost(text: str) -> None:
    read = code_words.signs_as_words(text)
    signs = sum(char in "+-()😀.=:" for char in text)
    moved = [char for char in read if code_words.ALONE[0] <= ord(char) <= code_words.ALONE[1]]
    marks = sum(ord(char) >= 0xFFFF0 for char in moved)
    assert len(moved) - marks == signs
    assert [c for c in read if c.isalpha()] == [c for c in text if c.isalpha()]
    assert int(shingles.words_of([text], "code").counts[0]) >= signs
