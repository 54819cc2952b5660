"""Files of another kind are named, with what reads them; what may be the source's own is read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from stages import CsvExtract, HtmlExtract, JsonlExtract, SqlExtract
from stages.base import Fault, RowSource, Source
from stages.extract.file_kinds import binary, other
from stages.place import Place

HOME = Path(__file__).resolve().parents[2]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
MARKDOWN = b"# Peas\n\nPeas like *cool* soil.\n\n- sow in [March](a.md)\n- `water`\n"
TABLE = b"question,answer\n" + b"Why?,So.\n" * 5
WIKI = b'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11">\n<page>'
PRESS = (
    b'<?xml version="1.0" encoding="UTF-8" ?>\n<!-- made -->\n<rss version="2.0"\n'
    b'\txmlns:wp="http://wordpress.org/export/1.2/">'
)
MAIL = (
    b"From: <Saved by Blink>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n"
    b'\ttype="text/html"\r\n'
)
DUMP = b"-- MySQL dump 10.13  Distrib 8.0.36\n--\nCREATE TABLE `a` (`b` int);\n"
KINDS = {
    "HTML": b"\xef\xbb\xbf \n<!-- x -->\n<!DOCTYPE html>\n<html><body>404</body></html>",
    "JSON": b'{"question": "Why?", "answer": "So."}\n{"question": "x"}\n',
    "CSV": TABLE,
    "SQL": DUMP,
    "Markdown": MARKDOWN,
    "Git LFS pointer": POINTER,
    "WARC": b"WARC/1.0\r\nWARC-Type: warcinfo\r\n",
    "MHTML": MAIL,
    "MediaWiki XML": WIKI,
    "WordPress XML": PRESS,
    "Stack Exchange XML": b'<?xml version="1.0"?>\n<posts>\n  <row Id="1" PostTypeId="1" />',
    "Discord export": b'{\n  "guild": {"id": "1"},\n  "channel": {"id": "2"},\n  "messages": [',
    "Telegram export": b'{\n "name": "A \\"b\\"",\n "type": "personal_chat",\n "id": 1,',
    "Slack export": b'[\n {"user": "U1", "type": "message", "text": "x", "ts": "1709290000.0001"},',
    "WhatsApp export": b"31.12.23, 23:05 - Ann: x\n" * 3,
    "mailbox": b"From ann@a.test Mon Mar  4 10:00:00 2024\nFrom: Ann <ann@a.test>\nSubject: a\n\nx",
    "mail": b"Received: by b.test;\n\tMon, 4 Mar 2024\nFrom: Ann <ann@a.test>\nSubject: a\n\nHello",
    "HTML mail": b"From: a\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p>a</p>",
}
CHATS = {"Discord export", "Telegram export", "Slack export", "WhatsApp export"}
OWN = {
    "html": {"HTML", "WARC", "MHTML", "HTML mail"},
    "csv": {"CSV", "Markdown"},
    "jsonl": {"JSON"},
    "sql": {"SQL", "Markdown"},
    "documents": {"Markdown", "CSV", "WhatsApp export"},
    "chatlog": {*CHATS, "JSON", "Markdown"},
    "xml": {"MediaWiki XML", "WordPress XML", "Stack Exchange XML"},
}


@pytest.mark.parametrize("stage", sorted(OWN))
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_is_named_where_another_is_read(kind: str, stage: str) -> None:
    found = other(KINDS[kind], stage)
    if kind in OWN[stage]:
        assert found is None
    else:
        assert found is not None and found["kind"] == kind
        assert ("read_by" in found) != ("remedy" in found)
        assert found.get("read_by") != stage


@pytest.mark.parametrize(
    ("head", "stage"),
    [
        (b'{"a":1}\tx\n{"a":2}\ty\n', "csv"),  # a column of JSON, without quotes
        (b'"{""a"":1}",x\n', "csv"),
        (b"[1],[2]\n[3],[4]\n", "csv"),
        (b"From: ann,To: bob\nx,y\n", "csv"),
        (b"From: the board\nSubject: keys\n\nPlease return them.\n", "documents"),
        (b"From here on it rained.\nReceived: one letter.\n", "documents"),
        (b'[{"type": "message", "text": "x", "ts": 5}]', "jsonl"),
        (b"# a comment\nid,text\n1,x\n2,y\n", "csv"),
        (b"insert,into\na,b\nc,d\n", "csv"),
        (b"INSERT INTO t VALUES (1,'a');\n" * 9, "sql"),
        (b"-- a, b\n" * 9, "sql"),
        (b"<p>a, b\n" * 9, "html"),
        (b"Peas like cool soil.\nThey do.\n" * 9, "html"),
        (b"# Peas\n<div>soil</div>\n", "html"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">\n<html xmlns="y">', "html"),
        (b'{oops\n{"text": "x"}\n', "jsonl"),
        (b"", "csv"),
        (b"\n\n", "jsonl"),
    ],
)
def test_what_may_be_its_own_is_read(head: bytes, stage: str) -> None:
    assert other(head, stage) is None


def test_our_own_files_are_their_stages_own() -> None:
    checked = 0
    folders = {"site": "html", "tables": "csv", "forum": "sql", "instructions": "jsonl"}
    for folder, stage in folders.items():
        for path in (HOME / "sample_data" / folder).rglob("*"):
            if path.is_file() and path.suffix in (".html", ".csv", ".tsv", ".sql", ".jsonl"):
                checked += 1
                assert other(path.read_bytes()[: 1 << 14], stage) is None, path
    assert checked > 50


@pytest.mark.parametrize("charset", ["utf-16", "utf-8-sig"])
def test_a_mark_does_not_hide_it(charset: str) -> None:
    found = other('{\n  "text": "café"\n}\n'.encode(charset), "csv")
    assert found == {"kind": "JSON", "read_by": "jsonl"}


def test_the_head_of_a_long_object_is_enough() -> None:
    text = json.dumps([{"text": "x" * 40_000}]).encode()
    assert other(text[: 1 << 14], "csv") == {"kind": "JSON", "read_by": "jsonl"}
    assert other(json.dumps([{"text": "x" * 4000}] * 9, indent=1).encode(), "csv") is not None


def test_no_text_is_named_too() -> None:
    assert binary(b"PAR1" + bytes(50)) == {
        "kind": "Parquet file",
        "read_by": "jsonl",
        "begins": "50 41 52 31 00 00 00 00 00 00 00 00 00 00 00 00",
    }
    told = binary(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50))
    assert told is not None and "CSV" in told["remedy"]
    assert binary(b"plain text") is None


@pytest.mark.parametrize(
    ("source", "name", "kind", "reader"),
    [
        (CsvExtract(), "a.csv", "JSON", "jsonl"),
        (CsvExtract(), "a.csv", "HTML", "html"),
        (JsonlExtract(), "a.jsonl", "CSV", "csv"),
        (SqlExtract(), "a.sql", "JSON", "jsonl"),
    ],
)
def test_it_is_one_reject_that_names_the_stage(
    source: RowSource, name: str, kind: str, reader: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(KINDS[kind])
    rejects: list[dict[str, Any]] = []
    assert list(source(tmp_path / name, rejects)) == []
    (reject,) = rejects
    assert (reject["reason"], reject["place"]) == ("wrong_kind", name)
    assert json.loads(reject["evidence"]) == {"kind": kind, "read_by": reader}


def test_a_large_table_is_not_cut_into_lines_of_json(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(TABLE * 3000)
    rejects: list[dict[str, Any]] = []
    source = JsonlExtract()
    (part,) = source.parts(str(tmp_path / "a.jsonl"), 1 << 12)
    assert source.cut(part, 1 << 12) == [part]
    assert list(source(tmp_path / "a.jsonl", rejects)) == []
    assert [reject["reason"] for reject in rejects] == ["wrong_kind"]


@pytest.mark.parametrize(
    ("part", "kind", "reader", "end"),
    [
        ("word/document.xml", "Word document", "documents", ".docx"),
        ("xl/workbook.xml", "Excel workbook", "csv", ".xlsx"),
    ],
)
@pytest.mark.parametrize("source", [HtmlExtract(), CsvExtract()])
def test_an_office_document_called_otherwise_is_named_with_its_reader(
    source: Source, part: str, kind: str, reader: str, end: str, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "a.html", "w") as package:
        for name in ("[Content_Types].xml", part, "docProps/app.xml"):
            package.writestr(name, "<x/>")
    rejects: list[dict[str, Any]] = []
    assert not list(source(tmp_path / "a.html", rejects))
    told = json.loads(rejects[0]["evidence"])
    assert (told["kind"], told["read_by"]) == (kind, reader)
    assert told["remedy"].endswith(end), "the reader itself goes by the name"


def test_a_pdf_called_a_page_is_named_with_its_reader() -> None:
    fault = HtmlExtract().extract(Place("a.html"), b"%PDF-1.7\n%\xe2\xe3\n" + bytes(range(256)))
    assert isinstance(fault, Fault) and fault.reason == "binary"
    assert fault.evidence["read_by"] == "documents"
