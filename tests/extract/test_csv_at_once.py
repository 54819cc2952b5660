"""Rows of CSV that are read at once are those that are read one by one, in every column."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.extract import slices
from stages.extract.csv import CsvExtract
from stages.extract.delimited import clean
from stages.extract.delimited.ahead import Ahead
from tests.extract.test_dumps_at_once import _small, assert_same

__all__ = ["_small"]
TEXTS = (
    "plain text of some words", "007", "NA", "", " ", 'a "quote"', "one, two", "line\nbreak",
    "two\r\nlines", "a\rb", "größe", "日本", "\U0001f600", "tab\there", "'", ";", "NULL", "x" * 200,
    ",", ',"', "\n", "text,",
)  # fmt: skip
ODD = ('a"b', 'say "word" it', ' "x"', '"a"b', '"open', '"a" ', "\ufeffx", "a\rb", "\r")


def _cell(source: random.Random, delimiter: str, quote: str, odd: bool) -> str:
    if odd and source.random() < 0.01:
        return source.choice(ODD)
    text = source.choice(TEXTS) + source.choice(("", source.choice(TEXTS)))
    if not quote:
        return "".join(letter for letter in text if letter not in f'{delimiter}\r\n"')
    special = any(mark in text for mark in (delimiter, quote, "\n", "\r"))
    if special or source.random() < 0.2:
        return quote + text.replace(quote, quote * 2) + quote
    return text


def written(seed: int) -> str:
    """A file whose rows are mostly usual; in some files one in a hundred cells is not."""
    source = random.Random(seed)
    delimiter = source.choice((",", ",", ";", "\t", "|"))
    quote = source.choice(('"', '"', '"', "'", ""))
    end = source.choice(("\n", "\n", "\r\n"))
    names = source.choice((["id", "question", "answer", "n"], ["id", "body"], ["a", "b", "c"]))
    odd = source.random() < 0.6
    lines = [delimiter.join(names)]
    for number in range(source.randint(50, 400)):
        cells = [str(number), *(_cell(source, delimiter, quote, odd) for _ in names[1:])]
        if odd and source.random() < 0.01:
            cells = source.choice(([*cells, "more"], cells[:-1], names, [""], [" "] * len(names)))
        lines.append(delimiter.join(cells))
    return end.join(lines) + source.choice(("", end))


@pytest.mark.parametrize("first", range(0, 40, 8))
def test_both_ways_are_one(first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = seen = 0
    for seed in range(first, first + 6):
        path = tmp_path / "a.csv"
        path.write_text(written(seed), encoding="utf-8", newline="")
        stage = CsvExtract(null="NULL" if seed % 3 == 0 else None)
        found = assert_same(stage, path, monkeypatch)
        taken, seen = taken + found[0], seen + found[1]
    assert taken > seen // 8, (taken, seen)


@pytest.mark.parametrize("ragged", ("fault", "pad"))
def test_rows_of_another_width_are_judged_alone(
    ragged: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{n},question {n},answer {n}\n" for n in range(2000)]
    rows[700], rows[1400] = "700,question\n", "1400,question,answer,more\n"
    path.write_text("id,question,answer\n" + "".join(rows))
    at_once, seen = assert_same(CsvExtract(ragged=ragged), path, monkeypatch)
    assert seen == 2000
    assert at_once > 1900


def test_the_header_once_more_is_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"{n},question {n},answer {n}\n" for n in range(500))
    path.write_text(2 * ("id,question,answer\n" + rows))
    _, seen = assert_same(CsvExtract(), path, monkeypatch)
    assert seen == 1001


def test_the_header_is_known_where_a_name_in_it_is_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"{n},question {n},answer {n}\n" for n in range(500))
    path.write_text(2 * ("id,question,answer\n" + rows))
    at_once, seen = assert_same(CsvExtract(null="id"), path, monkeypatch)
    assert (at_once, seen) == (1000, 1001)


ROWS = {
    "returns beside breaks": (
        '0,"ques\ntion",ans\rwer\n1,a\rb,"ans\nwer"\n2,"two\nlines",\r\r\n3,question,\r\r\n' * 50
    ),
    "marks": ("0,question,answer\n" * 50 + "\ufeff1,question,answer\n") * 5,
    "quotes alone": '0,question,answer\n"","",""\n,,\n" ", ,\n0,question,\n' * 50,
    "a delimiter within": ('0,"question",answer\n' * 60 + '1,the "long, low" pier,answer\n') * 3,
    "returns": '0,"question",ans\rwer\r\r\n1,ques\rtion,answer\r\n' * 50,
    "blank lines": ("0,question,answer\n" * 50 + "\r\n\n") * 5,
}


@pytest.mark.parametrize("names", ("id,question,answer\n", "a,b,c\n"))
@pytest.mark.parametrize("kind", ROWS)
def test_what_is_odd_is_read_alone(
    kind: str, names: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(names + ROWS[kind], newline="")
    at_once, seen = assert_same(CsvExtract(), path, monkeypatch)
    assert at_once > 0
    assert seen >= 100


def test_bytes_of_another_charset_are_read_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"{n},what is größe {n},answer {n}\n" for n in range(500)).encode()
    path.write_bytes(b"id,question,answer\n" + rows.replace("größe 77".encode(), b"gr\xf6\xdfe"))
    _, seen = assert_same(CsvExtract(), path, monkeypatch)
    assert seen == 500


@settings(max_examples=100, deadline=None)
@given(st.text("ab\n", max_size=40), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9))))
def test_looking_ahead_loses_nothing(text: str, steps: list[tuple[int, int]]) -> None:
    plain, ahead = io.BytesIO(text.encode()), Ahead(io.BytesIO(text.encode()))
    for step, size in steps:
        if step == 0:
            assert ahead.readline(size) == plain.readline(size)
        elif step == 1:
            assert ahead.read(size) == plain.read(size)
        else:
            at = plain.tell()
            seen = plain.read(size)
            assert ahead.look(size) == seen
            plain.seek(at + (len(seen) if step == 3 else 0))
            ahead.skip(len(seen) if step == 3 else 0)
    assert ahead.read(99) == plain.read(99)


@pytest.mark.parametrize("quote", ['"', ""], ids=["quoted", "bare"])
def test_rows_longer_than_a_region_come_at_once(
    quote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, path = random.Random(7), tmp_path / "a.csv"
    sizes = [source.choice((5, 900, 3000, 20_000)) for _ in range(60)]
    mark = " and\n" if quote else " "
    rows = [
        f"{n},{quote}{(('größe, x' if quote else 'größe') + mark) * (size // 9)}end{quote}"
        for n, size in enumerate(sizes)
    ]
    path.write_text("\n".join(["id,body", *rows, ""]), encoding="utf-8")
    at_once, seen = assert_same(CsvExtract(), path, monkeypatch)
    assert (at_once, seen) == (60, 60)


def test_the_end_of_a_row_is_looked_for_as_far_as_it_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_vain, rows = 0, clean.rows

    def counted(region: bytes, *rest: Any) -> Any:
        nonlocal in_vain
        try:
            return rows(region, *rest)
        except slices.Longer:
            in_vain += len(region)
            raise

    monkeypatch.setattr(clean, "rows", counted)
    monkeypatch.setattr(clean, "OPEN_LINES", 300)
    path = tmp_path / "a.csv"
    whole = "".join(f"{n},a text\n" for n in range(2000))
    path.write_text(f'id,body\n{whole}2,"open\n' + whole * 20)
    _, seen = assert_same(CsvExtract(), path, monkeypatch)
    assert seen > 40_000
    assert in_vain < path.stat().st_size // 4


def test_bytes_in_which_no_row_ends_are_not_looked_at_again() -> None:
    reach, start = slices.Reach(), 5000
    size = reach.wanted(start)
    while (more := reach.longer(start, size)) and size < 1 << 20:
        size = more
    reach.learn(start, size, 0, 0, True)
    assert not reach.longer(start + 1, 1024)
    assert reach.longer(start + size, 1024)


def test_what_a_backslash_escapes_is_read_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    rows = (f'{n},"C:\\\\peas {n}","an answer"\n' for n in range(500))
    path.write_text("id,question,answer\n" + "".join(rows))
    stage = CsvExtract(escape="\\")
    assert_same(stage, path, monkeypatch)
    assert next(iter(stage(path)))["prompt"] == "C:\\peas 0"
