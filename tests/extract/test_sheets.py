"""Sheets of Excel and OpenDocument: exact values, one table a sheet, hostile workbooks bounded."""

from __future__ import annotations

import base64
import datetime
import json
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages import CsvExtract
from stages.errors import MissingExtra, UsageError
from stages.extract.spreadsheet.workbook import as_shown
from stages.records import fields

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("python_calamine")

Rows = list[list[Any]]
TABLE: Rows = [["question", "answer", "n"], ["Why?", "007", 3], ["How?", "Like this.", 0.5]]


def _read(path: Path, **parameters: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rejects: list[dict[str, Any]] = []
    isolate = parameters.pop("isolate", False)
    return list(CsvExtract(**parameters)(path, rejects, isolate=isolate)), rejects


def _excel(path: Path, **sheets: Rows) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def _changed(path: Path, member: str, change: Callable[[bytes], bytes]) -> Path:
    """The zip file with one member changed."""
    with zipfile.ZipFile(path) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    members[member] = change(members[member])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return path


SHEET = "xl/worksheets/sheet1.xml"
NAMES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
}


def _text(value: str, times: int = 1) -> str:
    again = f' table:number-columns-repeated="{times}"' if times > 1 else ""
    told = f'<table:table-cell office:value-type="string"{again}><text:p>{value}</text:p>'
    return told + "</table:table-cell>"


def _cell(kind: str, attribute: str) -> str:
    return f'<table:table-cell office:value-type="{kind}" {attribute}/>'


def _ods(path: Path, rows: str) -> Path:
    told = " ".join(f'xmlns:{name}="{address}"' for name, address in NAMES.items())
    content = (
        f'<?xml version="1.0"?><office:document-content {told}><office:body><office:spreadsheet>'
        f'<table:table table:name="Fragen">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    entry = f'<m:file-entry m:full-path="/" m:media-type="{kind}"/>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo("mimetype"), kind)
        packed.writestr("content.xml", content)
        packed.writestr(
            "META-INF/manifest.xml", f'<m:manifest xmlns:m="{manifest}">{entry}</m:manifest>'
        )
    return path


def _row(*cells: str, times: int = 1) -> str:
    return (
        f'<table:table-row table:number-rows-repeated="{times}">{"".join(cells)}</table:table-row>'
    )


# A workbook of Excel 97: question, answer, n, when, ok; one row with a date and a boolean.
OLD = (
    "c-rk)O-NKx6#nk}(V0o-$HqVd8-%P(!Dvw}^jTQ0#;lDML5<CTGV-QILu`{}vkZbDDB1|NXk)eMhYD&Dv<Qq^1VJ!U"
    "%T_@_3!T@wXWo<13LGfGy5HlTd(OG{o_pTA_niCQdp#G)Pv2`SU>Ulgqv-fiRi+bE{GJd7wL6Yvz1l~`QCL&(`)DDn"
    "OgyfARV~+0u6F?%?i$aD0w1Xy$7%Fs>{M(Ov5$R72<by7QGuJJ38I0$s$+VJ>3XJjxaSk5-K@FHw3GVg#WBoTeXYCQ"
    "U3^4q=C&ZD-3L78J!^KL9xvrCK7U1&`kL6A9Zrm_v4$q21~Z@q?M>OKtdv8zg#d7r&>oMs_w?iurNy4XHzx*s^`iP&"
    "OzBrwFF^Y5OZC;i(feo-m+P-;1~3WdBnL?j>#)g?EjkX4B<Hb5?gB29ozI+2jgAdxYzp#(JvyGs(yp<o_xMoCrtP0e"
    "6F)FCVd+3e$F6`(_naQWOVUFvhfNL9BtpzbIC#P|#r*9rZ{maf)(O^3@{v$FI5tZ^;oyQCL4$+bqA@k8v@*Y)=|#4>"
    "k@-fZQR+i=OMkt~9GK!hm$<cs=Gn=3Yi%jxw-TTGeCT0Q?vu5R_}SjVx#;XWYZ}dTkR@rnyr$45+Qg0P5|1pe7H*RH"
    "z_j6~gyYk~uJ4X}I)<<yLyQn%T9V|`5sQ-MKC6<XlcX<721$l%S^UDXV9Tc4U$AAl9#6?r!Ip!Z8n3<3$f~LNNNe!y"
    "U0NOP^P}!AJI(`8P*6}%P*6}%`0pUxmvEh5KufRURqhvq{I9b>rKo<B{IfWW3|(XNQMn&B)mcnbw0}0h6rL@y!ZF_e"
    "LWu#IJ&QC3*^hL^`<Fh_MEU)!cwqR?g;1sQ7c24eFVFu2TaefM"
)


# --- what is read ---------------------------------------------------------------------------------


def test_each_sheet_is_a_table_and_each_row_a_record(tmp_path: Path) -> None:
    path = _excel(
        tmp_path / "b.xlsx",
        Questions=TABLE,
        Empty=[],
        Notes=[["title", "text"], ["t", "words\nmore"]],
    )
    kept, rejects = _read(path)
    assert [record["place"] for record in kept] == [
        "b.xlsx!Questions[row=2]",
        "b.xlsx!Questions[row=3]",
        "b.xlsx!Notes[row=2]",
    ]
    assert (kept[0]["prompt"], kept[0]["completion"]) == ("Why?", "007")
    assert json.loads(kept[0]["meta"]) == {"table": "Questions", "n": "3"}
    assert (kept[2]["text"], json.loads(kept[2]["meta"])) == (
        "words\nmore",
        {"table": "Notes", "title": "t"},
    )
    assert [(row["place"], row["reason"], row["failed"]) for row in rejects] == [
        ("b.xlsx!Empty", "empty", False)
    ]
    assert _read(path, isolate=True) == (kept, rejects)


def test_values_are_exact(tmp_path: Path) -> None:
    values: dict[str, tuple[Any, str | None]] = {
        "zeros": ("007", "007"),
        "whole": (3.0, "3"),
        "negative": (-2, "-2"),
        "large": (123456789012345, "123456789012345"),
        "digits": (0.1 + 0.2, "0.3"),
        "money": (4.35, "4.35"),
        "yes": (True, "TRUE"),
        "no": (False, "FALSE"),
        "day": (datetime.date(2024, 5, 1), "2024-05-01"),
        "moment": (datetime.datetime(2024, 5, 1, 12, 30), "2024-05-01T12:30:00"),
        "clock": (datetime.time(12, 30), "12:30:00"),
        "hours": (datetime.timedelta(hours=30, minutes=5), "30:05:00"),
        "blank": (None, None),
        "NA": ("NA", "NA"),
        "spaces": ("  a ", "  a "),
        "error": ("#N/A", None),
    }
    rows: Rows = [["text", *values], ["words", *(given for given, _ in values.values())]]
    (record,), _ = _read(_excel(tmp_path / "v.xlsx", Values=rows), header="yes")
    meta = json.loads(record["meta"])
    assert {name: meta.get(name) for name in values} == {
        name: told for name, (_, told) in values.items()
    }


def test_a_formula_is_its_stored_value(tmp_path: Path) -> None:
    path = _excel(tmp_path / "f.xlsx", Sums=[["text", "sum"], ["words", "=1+1"]])
    _changed(
        path,
        SHEET,
        lambda data: data.replace(b"<v></v>", b"<v>2</v>").replace(b"<v />", b"<v>2</v>"),
    )
    (record,), _ = _read(path)
    assert json.loads(record["meta"])["sum"] == "2"


def test_open_document(tmp_path: Path) -> None:
    rows = (
        _row(_text("question"), _text("answer"), _text("n"), _text("when"), _text("ok"))
        + _row(
            _text("Why?"),
            _text("007"),
            _cell("float", 'office:value="3"'),
            _cell("date", 'office:date-value="2024-05-01"'),
            _cell("boolean", 'office:boolean-value="true"'),
        )
        + _row('<table:table-cell table:number-columns-repeated="1024"/>', times=1048570)
    )
    (record,), rejects = _read(_ods(tmp_path / "a.ods", rows))
    assert rejects == [] and record["place"] == "a.ods!Fragen[row=2]"
    assert (record["prompt"], record["completion"]) == ("Why?", "007")
    meta = {"table": "Fragen", "n": "3", "when": "2024-05-01", "ok": "TRUE"}
    assert json.loads(record["meta"]) == meta


def test_excel_97(tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_bytes(zlib.decompress(base64.b85decode("".join(OLD))))
    (record,), rejects = _read(tmp_path / "a.xls")
    assert rejects == [] and record["place"] == "a.xls!Old[row=2]"
    assert (record["prompt"], record["completion"]) == ("Why?", "007")
    meta = {"table": "Old", "n": "3", "when": "2024-05-01", "ok": "TRUE"}
    assert json.loads(record["meta"]) == meta


def test_a_table_that_begins_below_and_beside_the_corner(tmp_path: Path) -> None:
    rows: Rows = [
        ["Answers of the club, spring"],
        [],
        [None, None, "question", None, "answer"],
        *([None, None, f"q{n}", None, f"a{n}"] for n in range(4)),
    ]
    kept, rejects = _read(_excel(tmp_path / "b.xlsx", S=rows))
    assert [(row["prompt"], row["completion"]) for row in kept] == [
        (f"q{n}", f"a{n}") for n in range(4)
    ]
    assert kept[0]["place"] == "b.xlsx!S[row=4]"
    assert [(row["reason"], row["place"]) for row in rejects] == [("preamble", "b.xlsx!S[row=1]")]


def test_columns_are_named_as_for_csv(tmp_path: Path) -> None:
    path = _excel(tmp_path / "b.xlsx", S=[["Frage", "Antwort"], ["q", "a"], ["", "only"]])
    kept, rejects = _read(path, prompt="{Frage}?", completion="Antwort")
    assert [(row["prompt"], row["completion"]) for row in kept] == [("q?", "a"), ("?", "only")]
    kept, _ = _read(path)
    assert kept[0]["text"] == "Frage: q\nAntwort: a"
    kept, _ = _read(path, header="no")
    assert kept[0]["text"] == "column_1: Frage\ncolumn_2: Antwort"
    rejects = []
    with pytest.raises(UsageError, match="no column 'nothing' in"):
        list(CsvExtract(text="nothing")(path, rejects))
    assert [row["reason"] for row in rejects] == ["no_form"]
    assert json.loads(rejects[0]["evidence"])["missing"] == ["nothing"]


def test_one_sheet_and_null(tmp_path: Path) -> None:
    path = _excel(tmp_path / "b.xlsx", A=[["text", "x"], ["a", "NULL"]], B=[["text"], ["b"]])
    kept, _ = _read(path, sheet="A", null="NULL")
    assert [row["text"] for row in kept] == ["a"] and "x" not in json.loads(kept[0]["meta"])
    with pytest.raises(UsageError, match=r"no sheet 'C' in b\.xlsx; it has A, B"):
        _read(path, sheet="C")


def test_equal_rows_have_ids_of_their_own_and_a_row_above_changes_none(tmp_path: Path) -> None:
    one, _ = _read(_excel(tmp_path / "b.xlsx", S=[["text", "n"], ["a", 1], ["a", 1]]))
    two, _ = _read(_excel(tmp_path / "b.xlsx", S=[["text", "n"], ["b", 2], ["a", 1], ["a", 1]]))
    assert len({row["id"] for row in one}) == 2
    assert [row["id"] for row in one] == [row["id"] for row in two[1:]]


def test_workbooks_and_csv_files_in_one_folder_keep_their_order(tmp_path: Path) -> None:
    _excel(tmp_path / "b.xlsx", S=[["text", "n"], ["b", 1]])
    for name in ("a.csv", "c.csv", "d.csv"):
        (tmp_path / name).write_text(f"text,n\n{name[0]},1\n")
    for size in (1, 1 << 20):
        parts = CsvExtract().parts(str(tmp_path), size)
        read = [item for part in parts for item in CsvExtract().read(part)]
        texts = [fields(record, "all")[0][1] for item in read for record in item.records]  # type: ignore[union-attr]
        assert texts == ["a", "b", "c", "d"]


# --- what is not ----------------------------------------------------------------------------------

FAR = b'<row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData>'


def _far(path: Path) -> Path:
    _excel(path, S=TABLE)
    return _changed(path, SHEET, lambda data: data.replace(b"</sheetData>", FAR))


def _entities(path: Path) -> Path:
    _excel(path, S=TABLE)
    declared = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><worksheet'
    return _changed(path, SHEET, lambda data: data.replace(b"<worksheet", declared, 1))


def _zeros(path: Path) -> Path:
    _excel(path, S=TABLE)
    return _changed(path, SHEET, lambda data: data + b" " * (100 << 20))


def _cut(path: Path) -> Path:
    path.write_bytes(_excel(path, S=TABLE).read_bytes()[:-200])
    return path


def _broken(path: Path) -> Path:
    return _changed(_excel(path, S=TABLE), SHEET, lambda data: data[:-20])


def _name_no_text(path: Path) -> Path:
    with zipfile.ZipFile(_excel(path, S=TABLE), "a") as packed:
        packed.writestr("é.xml", b"")
    path.write_bytes(path.read_bytes().replace("é.xml".encode(), b"\xff\xff.xml"))
    return path


def _place_before_begin(path: Path) -> Path:
    data = bytearray(_excel(path, S=TABLE).read_bytes())
    at = data.rfind(b"PK\5\6") + 16  # where its list of members is said to begin
    data[at : at + 4] = (int.from_bytes(data[at : at + 4], "little") + 5000).to_bytes(4, "little")
    path.write_bytes(data)
    return path


def _page(path: Path) -> Path:
    path.write_text("<html><table><tr><td>an export that is called a workbook</td></tr></table>")
    return path


def _words(path: Path) -> Path:
    path.write_text("question\tanswer\nWhy?\tBecause.\n")
    return path


HOSTILE: dict[str, tuple[str, Callable[[Path], Path], str, str]] = {
    "far corner": ("a.xlsx", _far, "oversize", "cells"),
    "repeated rows": (
        "a.ods",
        lambda path: _ods(path, _row(_text("a", 16384), times=1 << 20)),
        "oversize",
        "cells",
    ),
    "document type": ("a.xlsx", _entities, "corrupt", "document type"),
    "blanks": ("a.xlsx", _zeros, "oversize", "ratio"),
    "cut": ("a.xlsx", _cut, "corrupt", ""),
    "broken XML": ("a.xlsm", _broken, "corrupt", "sheet1.xml"),
    "name that is no text": ("a.xlsx", _name_no_text, "corrupt", "utf-8"),
    "place before its begin": ("a.xlsx", _place_before_begin, "corrupt", "before"),
    "a page": ("a.xls", _page, "wrong_kind", "HTML"),
    "no workbook": ("a.xls", _words, "corrupt", "no workbook"),
    "a link to nothing": ("a.xls", lambda path: path, "unreadable", ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_workbook_is_one_reject(name: str, tmp_path: Path) -> None:
    called, make, reason, told = HOSTILE[name]
    folder = tmp_path / "in"
    folder.mkdir()
    path = make(folder / called)
    if not path.exists():
        path.symlink_to("gone")
    _excel(folder / "good.xlsx", S=TABLE)
    kept, rejects = _read(folder)
    assert len(kept) == 2
    assert [row["reason"] for row in rejects] == [reason]
    assert told in rejects[0]["evidence"]


def test_a_workbook_that_kills_its_reader_costs_itself(tmp_path: Path) -> None:
    """Within the bounds, and too much for a child that may take little memory."""
    wide = FAR.replace(b"1048576", b"4000").replace(b"XFD", b"EWV")
    path = _excel(tmp_path / "a.xlsx", S=TABLE)
    _changed(path, SHEET, lambda data: data.replace(b"</sheetData>", wide))
    _excel(tmp_path / "good.xlsx", S=TABLE)
    kept, rejects = _read(tmp_path, memory=256, isolate=True)
    assert [row["place"].partition("!")[0] for row in kept] == ["good.xlsx"] * 2
    assert [row["place"] for row in rejects] == ["a.xlsx"]
    assert rejects[0]["reason"] in ("memory", "crash")


def test_an_empty_styled_cell_far_away_is_no_table(tmp_path: Path) -> None:
    path = _excel(tmp_path / "a.xlsx", S=TABLE)
    styled = b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>'
    _changed(path, SHEET, lambda data: data.replace(b"</sheetData>", styled))
    assert len(_read(path)[0]) == 2


def test_without_the_extra_one_sentence_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _excel(tmp_path / "a.xlsx", S=TABLE)
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(MissingExtra, match=r"seedbed\[sheets\]"):
        CsvExtract().parts(str(path), 1)


def test_a_cell_as_text() -> None:
    assert as_shown(1e-7) == "1e-07"
    assert as_shown(0.1 + 0.2) == "0.3"
    assert as_shown(float("nan")) is None
    assert as_shown(datetime.timedelta(seconds=-90)) == "-0:01:30"
