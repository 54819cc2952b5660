"""Ranges of a CSV file, each read by itself, give what one reader of the file gives."""

from __future__ import annotations

import csv
import gzip
import io
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base import Border, Part
from stages.extract.csv import CsvExtract
from stages.extract.delimited import cuts, sheet, table
from stages.gather import one_by_one
from stages.testing import in_ranges, one_after_another, plain

_WORDS = ("word ", "a", "7", ",", "x y", "\n", '""', "é", " ", ";")
_ODD = ('"', '5" pipe', '"x', '\\"', "\ufeff")
_ROWS = ("", ",,,,", "  ", "one", "a,b,c,d,e,f", "c0,c1,c2")


def part_of(path: Path, stage: CsvExtract | None = None) -> Part:
    (part,) = (stage or CsvExtract()).parts(str(path), 1)
    return part


def generated(draw: random.Random) -> bytes:
    """A file of rows, some of which come again, and in some files nothing is as it should be."""
    width, messy, end = draw.randint(1, 4), draw.random() < 0.4, draw.choice(("\n", "\n", "\r\n"))
    rows = [",".join(f"c{n}" for n in range(width))]
    for _ in range(draw.randint(0, 90)):
        cells = []
        for _ in range(width):
            text = "".join(draw.choices(_WORDS, k=draw.randint(0, 12)))
            if set(text) & set(',\n"') or draw.random() < 0.3:
                text = f'"{text}"'
            if messy and draw.random() < 0.06:
                text += draw.choice(_ODD)
            cells.append(text)
        rows += [",".join(cells)] * draw.choice((1, 1, 1, 2))
        if messy and draw.random() < 0.05:
            rows.append(draw.choice(_ROWS))
    raw = (end.join(rows) + draw.choice(("", end))).encode()
    if draw.random() < 0.2:
        raw = b"\xef\xbb\xbf" + raw
    if draw.random() < 0.2:
        at = draw.randrange(len(raw) + 1)
        raw = raw[:at] + b"\xe9t\xe9" + raw[at:]
    return raw


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 32), st.floats(0, 0.6))
def test_a_file_in_ranges_is_the_file(
    tmp_path_factory: pytest.TempPathFactory, seed: int, share: float
) -> None:
    path = tmp_path_factory.mktemp("ranges") / "a.csv"
    raw = generated(random.Random(seed))
    path.write_bytes(raw)
    stage = CsvExtract()
    part = part_of(path)
    size = 1 + int(share * len(raw))
    assert one_after_another(in_ranges(stage, part, size)) == plain(stage.read(part))


def write(path: Path, rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), newline="")
    return text.getvalue().encode()


def prose(number: int) -> str:
    return f'Line {number}, "as they say",\nand one more, of {number * 7919 % 1000} words\n' * 3


def read(stage: CsvExtract, parts: list[Part]) -> list[bool]:
    """Whether the reader of each range was over its end."""
    ends = [list(stage.read(one))[-1] for one in parts]
    assert all(isinstance(one, Border) for one in ends)
    return [one.over for one in ends if isinstance(one, Border)]


@pytest.mark.parametrize("width", [1, 2, 5])
def test_the_cuts_of_a_clean_file_hold_at_once(width: int, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [[prose(n * width + m) for m in range(width)] for n in range(400)]
    raw = write(path, [[f"column {n}" for n in range(width)], *rows])
    stage, part = CsvExtract(), part_of(path)
    parts = stage.cut(part, len(raw) // 9)
    assert len(parts) in (9, 10)
    assert [one.start for one in parts[1:]] == [one.stop for one in parts[:-1]]
    assert read(stage, numbered_by_hand(parts, raw)) == [False] * len(parts)


def numbered_by_hand(parts: list[Part], raw: bytes) -> list[Part]:
    return [
        replace(one, detail={**one.detail, "line": 1 + raw[: one.start].count(b"\n")})
        for one in parts
    ]


def test_a_stray_quote_costs_no_other_range(tmp_path: Path) -> None:
    """Behind it the number of quotes says the contrary of what is so."""
    path = tmp_path / "a.csv"
    rows = [[str(n), prose(n)] for n in range(600)]
    raw = write(path, [["id", "text"], *rows])
    at = raw.index(b'\n300,"') + 1
    raw = raw[:at] + b'x,5" pipe\n' + raw[at:]
    path.write_bytes(raw)
    stage, part = CsvExtract(), part_of(path)
    parts = numbered_by_hand(stage.cut(part, len(raw) // 9), raw)
    over = read(stage, parts)
    assert len(parts) > 8 and sum(over) <= 1
    assert one_after_another(in_ranges(stage, part, len(raw) // 9)) == plain(stage.read(part))


def test_the_head_is_understood_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    raw = write(path, [["Frage", "Antwort"], *([f"q {n}", f"a {n}"] for n in range(900))])
    stage, part = CsvExtract(prompt="Frage", completion="Antwort"), part_of(path)
    parts = numbered_by_hand(stage.cut(part, len(raw) // 4), raw)

    def late(*_: Any) -> None:
        raise AssertionError("looked for again")

    monkeypatch.setattr(sheet, "detect", late)
    monkeypatch.setattr(sheet, "charset_of", late)
    found = [item for one in parts[1:] for item in one_by_one(stage.read(one))]
    assert found[-1].place.line == 901 and len(found) > 600
    record: dict[str, Any] = found[-1].records[0]  # type: ignore[union-attr]
    assert (record["prompt"], record["completion"]) == ("q 899", "a 899")


def test_what_is_looked_at_behind_a_range_is_found_out(tmp_path: Path) -> None:
    """A quote that is not closed is looked for far behind the end of its range."""
    path = tmp_path / "a.csv"
    raw = write(path, [["id", "text"], *([str(n), f"words {n}"] for n in range(3000))])
    border = len(raw) // 2
    at = raw.rindex(b"\n", 0, border - 40) + 1
    raw = raw[:at] + b'9,"open\n' + raw[at:]
    path.write_bytes(raw)
    stage, part = CsvExtract(), part_of(path)
    parts = numbered_by_hand(stage.cut(part, border), raw)
    assert read(stage, parts)[0] is True
    assert one_after_another(in_ranges(stage, part, border)) == plain(stage.read(part))


@pytest.mark.parametrize("text", ["words\nand more\n", "words"])
def test_a_row_that_ends_behind_its_range_is_found_out(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    raw = write(path, [["id", "text"], *([str(n), text] for n in range(3000))])
    stage, part = CsvExtract(), part_of(path)
    first, *_ = stage.cut(part, len(raw) // 3)
    assert first.stop is not None
    for more, over in ((0, False), (3, True)):
        (given,) = numbered_by_hand([replace(first, stop=first.stop + more)], raw)
        assert read(stage, [given]) == [over]


def test_a_charset_that_is_learnt_from_lines_is_no_secret_of_a_range(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    raw = write(path, [["id", "text"], *([str(n), f"words {n}"] for n in range(9000))])
    lines = raw.split(b"\n")
    for number in range(6000, 9000, 7):
        lines[number] = f"{number},fünf größere Häuser".encode("cp1252")
    raw = b"\n".join(lines)
    path.write_bytes(raw)
    stage, part = CsvExtract(), part_of(path)
    ranged = in_ranges(stage, part, len(raw) // 9)
    assert 1 < len(ranged) < 9
    over = read(stage, numbered_by_hand(stage.cut(part, len(raw) // 9), raw))
    assert over[:5] == [False] * 5 and all(over[7:])
    assert one_after_another(ranged) == plain(stage.read(part))


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("gz", None),
        ("tree", b"message_id,parent_id,role,text\n"),
        ("wide", None),
        ("returns", None),
        ("escaped", b"id,text\n" + b'1,"a \\" b"\n' * 30),
    ],
)
def test_what_only_one_reader_can_read_is_not_cut(
    name: str, head: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    raw = (head or b"id,text\n") + b'1,"some words, and more"\n' * 400
    if name == "gz":
        raw = gzip.compress(random.Random(1).randbytes(9000).hex().encode())
    if name == "wide":
        raw = raw.decode().encode("utf-16")
    if name == "returns":
        raw = raw.replace(b"\n", b"\r")
    path.write_bytes(raw)
    part = part_of(path)
    assert CsvExtract().cut(part, 2000) == [part]


def test_no_row_is_looked_for_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is found near a border, the file is not cut there."""
    path = tmp_path / "a.csv"
    long = ("word " * 30 + "\n") * 1300
    raw = write(path, [["id", "text"], *([str(n), long] for n in range(40))])
    monkeypatch.setattr(cuts, "_WINDOWS", (1 << 10, 1 << 14))
    part = part_of(path)
    ranged = in_ranges(CsvExtract(), part, len(raw) // 12)
    assert one_after_another(ranged) == plain(CsvExtract().read(part))
    assert len(long) < table.LINE_BYTES
