"""What has few letters by right is told from what has none for want of content."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.normalize import Normalize
from stages.clean.quality import QualityFilter
from stages.clean.structure import is_structured

BY_RIGHT = {
    "json": json.dumps({"rows": [[n, -n, n / 7] for n in range(30)], "ok": True}),
    "numbers": ", ".join(str(n * n) for n in range(40)),
    "numbered": "\n".join(f"{n}. {n * 37 % 101}.5 %" for n in range(1, 30)),
    "table": "| n | x |\n|---|---|\n" + "\n".join(f"| {n} | {n * n} |" for n in range(30)),
    "csv": "\n".join(f"{n};{n * 3};{n * 7}" for n in range(30)),
    "matrix": "a = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]\n" * 2
    + "b = a[0][1] + a[1][2] * (3 - 2)\n" * 2,
}
WITHOUT = [
    "-- == ++ ~~ " * 30,
    "* * * 1 * * * " * 20,
    "... !!! ??? " * 30,
    "7 7 7 7 " * 40,
    "|||| \n" * 30,
]


@pytest.mark.parametrize("name", BY_RIGHT)
def test_code_json_tables_and_numbers_are_kept(name: str) -> None:
    text = BY_RIGHT[name]
    assert is_structured(text)
    rejects: list[dict[str, object]] = []
    QualityFilter(min_compressed=0, max_top_trigram=1)([{"text": text}], rejects)
    assert rejects == []


@pytest.mark.parametrize("text", WITHOUT)
def test_ornaments_and_noise_are_not(text: str) -> None:
    assert not is_structured(text)
    rejects: list[dict[str, str]] = []
    stage = QualityFilter(min_compressed=0, max_top_trigram=1, max_duplicate_lines=1)
    list(stage([{"text": text}], rejects))
    assert [one["reason"] for one in rejects] in (["no_letters"], ["symbols"])


@given(st.text(max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    assert is_structured(text) in (True, False)


def test_a_deep_nest_is_no_json_and_no_exception() -> None:
    assert is_structured("[" * 60_000 + "]" * 60_000) in (True, False)


@pytest.mark.parametrize("charset", ["cp1252", "latin-1"])
@pytest.mark.parametrize(
    "plain", ["Žluťoučký kůň", "Съешь ещё", "l’été à Noël", "日本語の文章", "Emoji 😀"]
)
def test_what_was_misread_twice_is_read_back(plain: str, charset: str) -> None:
    text = plain
    for _ in range(2):
        try:
            text = text.encode().decode(charset)
        except UnicodeDecodeError:
            pytest.skip("the charset has no such characters")
    assert Normalize().text(text) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b[1;31mError:\x1b[0m no file", "Error: no file"),
        ("\x1b]0;title\x07$ ls\x1b[K", "$ ls"),
        ("\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bplain\x1b[?25l\x1b[2J", "plain"),
        ("a[31m and [0] stay", "a[31m and [0] stay"),
        ("cut \x1b[", "cut ["),
    ],
)
def test_sequences_for_terminals_go_whole(text: str, plain: str) -> None:
    assert Normalize().text(text) == plain
    assert Normalize().text(plain) == plain
