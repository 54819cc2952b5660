"""Pages within web archives, saved mails and books: each is a record or says why it is none."""

from __future__ import annotations

import base64
import gzip
import io
import json
import quopri
import random
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.extract.html import HtmlExtract
from stages.extract.packed import compressed
from stages.extract.packed.archives import read_at
from stages.extract.webpage import mhtml, warc
from stages.place import Place

LINE = "The lock keeper notes each barge that passes, its load, and how it paid its toll."
PAGE = f"<html lang=en><head><title>Locks</title></head><body><article>{f'<p>{LINE}</p>' * 4}"
HTML = f"{PAGE}</article></body></html>".encode()


def read(path: Path, **parameters: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(records with their meta as a dict, rejects) of a file."""
    rejects: list[dict[str, Any]] = []
    found = [
        {**row, "meta": json.loads(row["meta"])} for row in HtmlExtract(**parameters)(path, rejects)
    ]
    return found, rejects


def record(kind: str, address: str, block: bytes, content: str = "application/http") -> bytes:
    head = (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {address}\r\n"
        f"WARC-Date: 2023-07-09T04:05:06Z\r\nContent-Type: {content}\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def answer(body: bytes, status: str = "200 OK", **fields: str) -> bytes:
    fields = {"Content_Type": "text/html", **fields}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def chunked(data: bytes) -> bytes:
    pieces = [data[at : at + 70] for at in range(0, len(data), 70)]
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


ENCODED: dict[str, tuple[Callable[[bytes], bytes], dict[str, str]]] = {
    "plain": (bytes, {}),
    "gzip": (gzip.compress, {"Content_Encoding": "gzip"}),
    "deflate": (zlib.compress, {"Content_Encoding": "deflate"}),
    "bare deflate": (raw_deflate, {"Content_Encoding": "deflate"}),
    "brotli": (brotli.compress, {"Content_Encoding": "br"}),
    "chunks": (chunked, {"Transfer_Encoding": "chunked"}),
    "packed chunks": (
        lambda data: chunked(brotli.compress(data)),
        {"Transfer_Encoding": "chunked", "Content_Encoding": "br"},
    ),
    "unpacked when stored": (bytes, {"Content_Encoding": "gzip", "Transfer_Encoding": "chunked"}),
}


@pytest.mark.parametrize("name", ENCODED)
def test_an_answer_is_unpacked_as_it_was_packed(name: str, tmp_path: Path) -> None:
    pack, fields = ENCODED[name]
    block = answer(pack(HTML), **fields)
    (tmp_path / "a.warc").write_bytes(record("response", "http://locks.test/a", block))
    (row,), rejects = read(tmp_path / "a.warc")
    assert row["text"].count(LINE) == 4 and not rejects
    assert row["meta"] == {
        "title": "Locks",
        "language": "en",
        "url": "http://locks.test/a",
        "date": "2023-07-09",
    }


def test_each_record_of_a_web_archive_is_a_page_or_says_what_it_is(tmp_path: Path) -> None:
    archive = [
        record("warcinfo", "", b"software: nets", "application/warc-fields"),
        record("request", "http://l.test/", b"GET / HTTP/1.1\r\n\r\n"),
        record("response", "http://l.test/", answer(HTML)),
        record("resource", "http://l.test/saved", HTML, "text/html"),
        record("response", "http://l.test/gone", answer(HTML, "410 Gone")),
        record("response", "http://l.test/map", answer(b"GIF89a", Content_Type="image/gif")),
        record("revisit", "http://l.test/", b""),
    ]
    (tmp_path / "whole.warc").write_bytes(b"".join(archive))
    (tmp_path / "by-record.warc.gz").write_bytes(b"".join(map(gzip.compress, archive)))
    for name in ("whole.warc", "by-record.warc.gz"):
        rows, rejects = read(tmp_path / name)
        assert [row["meta"]["url"] for row in rows] == ["http://l.test/", "http://l.test/saved"]
        assert {one["reason"] for one in rejects} == {"no_page"}
        assert [json.loads(one["evidence"]) for one in rejects] == [
            {"type": "warcinfo"},
            {"type": "request"},
            {"type": "response", "status": "410"},
            {"type": "response", "content_type": "image/gif"},
            {"type": "revisit"},
        ]
        for row in rows:
            found = read_at(tmp_path, Place.parse(row["place"]))
            assert found.startswith(b"WARC/1.1\r\n") and found.endswith(b"</html>")


def test_damage_of_a_web_archive_costs_its_record(tmp_path: Path) -> None:
    good = record("response", "http://l.test/1", answer(HTML))
    endless = good.replace(b"Content-Length", b"Content-Size")
    short = answer(gzip.compress(HTML)[:-20], Content_Encoding="gzip")
    cut = record("response", "http://l.test/2", short)
    (tmp_path / "a.warc").write_bytes(good + b"noise\r\n" * 3 + good + endless + cut + good[:-99])
    rows, rejects = read(tmp_path / "a.warc")
    assert len(rows) == 2
    assert [one["reason"] for one in rejects] == ["corrupt"] * 3 + ["truncated"] * 2
    assert Place.parse(rejects[0]["place"]).length == 21
    assert json.loads(rejects[-1]["evidence"])["bytes"] < len(answer(HTML))
    (tmp_path / "b.warc").write_bytes(good.replace(b"WARC-Target-URI", b"WARC-Target-XXX") + good)
    rows, (nameless,) = read(tmp_path / "b.warc")
    assert len(rows) == 1 and "no WARC-Target-URI" in nameless["evidence"]


def test_a_damaged_stream_of_a_packed_web_archive_costs_its_record(tmp_path: Path) -> None:
    """In its middle, at its head, in its checksum; large enough that none is read with the next."""
    noise = random.Random(3)
    page = HTML.replace(
        b"</body>", b"<!--" + noise.randbytes(400_000).hex().encode() + b"--></body>"
    )
    packed = [
        gzip.compress(record("response", f"http://l.test/{n}", answer(page)), 1) for n in range(8)
    ]
    size = len(packed[0])
    broken = [*packed]
    for number, at in ((2, size // 2), (4, 1), (6, size - 6)):
        broken[number] = bytearray(broken[number])
        broken[number][at : at + 4] = bytes(byte ^ 0x55 for byte in broken[number][at : at + 4])
    (tmp_path / "a.warc.gz").write_bytes(b"".join(broken))
    rows, rejects = read(tmp_path / "a.warc.gz", max_bytes=4 << 20)
    assert [row["meta"]["url"][-1] for row in rows] == ["0", "1", "3", "5", "7"]
    assert {one["reason"] for one in rejects} == {"corrupt"}
    told = [json.loads(one["evidence"]) for one in rejects if "packed" in one["evidence"]]
    assert [one["packed"] for one in told] == [len(broken[n]) for n in (2, 4, 6)]
    assert [one["at"] for one in told] == [sum(map(len, packed[:n])) for n in (2, 4, 6)]
    for row in rows:
        assert read_at(tmp_path, Place.parse(row["place"])).startswith(b"WARC/1.1\r\n")


def test_damage_behind_which_no_record_begins_ends_the_archive(tmp_path: Path) -> None:
    packed = gzip.compress(record("response", "http://l.test/1", answer(HTML)))
    (tmp_path / "a.warc.gz").write_bytes(packed + b"no stream" * 9 + gzip.compress(b"other"))
    rows, (reject,) = read(tmp_path / "a.warc.gz")
    assert len(rows) == 1 and reject["reason"] == "corrupt"


def test_what_an_answer_unpacks_to_is_bounded(tmp_path: Path) -> None:
    bombs = {"gzip": gzip.compress, "br": brotli.compress}
    packed = [
        record("response", "http://l.test/", answer(pack(b"a" * 3_000_000), Content_Encoding=how))
        for how, pack in bombs.items()
    ]
    large = record("response", "http://l.test/", answer(HTML + b" " * 400_000))
    good = record("response", "http://l.test/", answer(HTML))
    (tmp_path / "a.warc").write_bytes(b"".join([*packed, large, good]))
    rows, rejects = read(tmp_path / "a.warc", max_bytes=200_000)
    assert len(rows) == 1
    assert [one["reason"] for one in rejects] == ["oversize"] * 3


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60)), max_size=8))
def test_records_and_what_is_between_them_are_all_of_an_archive(
    pieces: list[tuple[bool, bytes]],
) -> None:
    from stages.base import Fault
    from stages.extract.packed.streams import Member, Raw

    data = b"".join(
        record("resource", "http://l.test/", piece, "text/html") if is_record else piece
        for is_record, piece in pieces
    )
    stream = Member(Raw(io.BytesIO(data).read, Place("a")))
    end = 0
    for found in warc.records(Place("a"), stream, 1 << 20):
        place = found.place if isinstance(found, Fault) else found[0]
        assert place.offset is not None and place.length is not None
        assert place.offset >= end and not data[end : place.offset].strip()
        end = place.offset + place.length
        assert place.line == 1 + data.count(b"\n", 0, place.offset)
        if not isinstance(found, Fault):
            assert found[1] == data[place.offset : end]
    assert not data[end:].strip()


def saved(main: bytes, how: str, head: str = "", boundary: str = "=_part") -> bytes:
    """A page as a browser saves it: the page, its style and a picture."""
    packed = {
        "quoted-printable": lambda: quopri.encodestring(main),
        "base64": lambda: base64.encodebytes(main),
        "8bit": lambda: main,
    }[how]()
    lines = [
        b"From: <Saved by a browser>",
        b"Snapshot-Content-Location: https://locks.test/page",
        b"Subject: Locks",
        b"Date: Tue, 4 Apr 2023 10:00:00 +0000",
        b"MIME-Version: 1.0",
        b"Content-Type: multipart/related;",
        f'\ttype="text/html"; {head}boundary="{boundary}"'.encode(),
        b"",
        b"",
        f"--{boundary}".encode(),
        b"Content-Type: text/css",
        b"Content-Location: https://locks.test/style.css",
        b"",
        b"p { color: red }",
        f"--{boundary}".encode(),
        b"Content-Type: text/html",
        b"Content-Location: https://locks.test/frame",
        b"",
        b"<p>A frame that is not the page, though it is HTML as well and stands before it.</p>",
        f"--{boundary}".encode(),
        b"Content-Type: text/html; charset=windows-1252",
        b"Content-ID: <main@browser>",
        f"Content-Transfer-Encoding: {how}".encode(),
        b"Content-Location: https://locks.test/page",
        b"",
        packed,
        f"--{boundary}--".encode(),
        b"",
    ]
    return b"\r\n".join(lines)


UMLAUTS = f"{PAGE}<p>Die Schleuse wird für große Kähne geöffnet.</p></article>".encode("cp1252")


@pytest.mark.parametrize("how", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("name", ["page.mhtml", "page.html"])
def test_a_saved_page_is_its_main_part(how: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(saved(UMLAUTS, how))
    (row,), rejects = read(tmp_path / name)
    assert "für große Kähne geöffnet" in row["text"] and LINE in row["text"] and not rejects
    assert "frame" not in row["text"] and "color" not in row["text"]
    assert row["meta"]["url"] == "https://locks.test/page" and row["meta"]["date"] == "2023-04-04"


def test_the_root_of_a_saved_page_is_told_by_start_or_address_else_it_is_the_first() -> None:
    by_start = saved(HTML, "8bit", 'start="<main@browser>"; ').replace(b"Snapshot-", b"X-")
    assert mhtml.page(by_start).data == HTML
    first = saved(HTML, "8bit").replace(b"Snapshot-", b"X-")
    assert mhtml.page(first).data.startswith(b"<p>A frame")
    alone = b"MIME-Version: 1.0\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n"
    assert mhtml.page(alone + base64.b64encode(HTML)).data == HTML


def test_a_damaged_saved_page_says_so(tmp_path: Path) -> None:
    whole = saved(UMLAUTS, "base64")
    (tmp_path / "a-cut.mhtml").write_bytes(whole[:-300])
    (tmp_path / "b-none.mhtml").write_bytes(whole.replace(b"text/html", b"text/plain"))
    (tmp_path / "c-broken.mhtml").write_bytes(saved(b"a", "base64").replace(b"YQ==", b"YQ"))
    rows, rejects = read(tmp_path)
    assert not rows
    assert [(one["place"], one["reason"]) for one in rejects] == [
        ("a-cut.mhtml", "truncated"),
        ("b-none.mhtml", "corrupt"),
        ("c-broken.mhtml", "corrupt"),
    ]


PACKAGE = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">
<metadata><dc:title>Of Locks</dc:title><dc:creator>A. Keeper</dc:creator>
<dc:creator>B. Barge</dc:creator><dc:language>en-GB</dc:language><dc:date>1911-03-02T00:00</dc:date>
<dc:rights>Public domain</dc:rights><meta name="title" content="not this"/></metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="two" href="text/two.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/o%20ne.xhtml" media-type="application/xhtml+xml"/>
<item id="front" href="cover.xhtml" media-type="application/xhtml+xml"/>
<item id="loose" href="loose.xhtml" media-type="application/xhtml+xml"/>
<item id="art" href="art.svg" media-type="image/svg+xml"/>
<item id="lost" href="lost.xhtml" media-type="application/xhtml+xml"/>
<item id="style" href="style.css" media-type="text/css"/>
</manifest>
<spine><itemref idref="front"/><itemref idref="nav"/><itemref idref="one"/><itemref idref="art"/>
<itemref idref="two"/><itemref idref="lost"/></spine>
<guide><reference type="cover" href="cover.xhtml"/></guide></package>"""
CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>"""


def chapter(title: str) -> str:
    # a list of links and a section with the name of a menu, which in a book are text
    return (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>'
        f"{title}</title></head><body><a id='p1'/><h1>{title}</h1><p>{LINE}</p>"
        "<div class='sidebar'><p>See the note.</p></div><ul><li><a href='#n'>Note</a></li></ul>"
        "<p hidden='hidden'>unseen</p></body></html>"
    )


FILES = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OPS/text/two.xhtml": chapter("Two"),
    "OPS/nav.xhtml": chapter("Contents"),
    "OPS/text/o ne.xhtml": chapter("One"),
    "OPS/cover.xhtml": chapter("Cover"),
    "OPS/loose.xhtml": chapter("Loose"),
    "OPS/art.svg": "<svg/>",
    "OPS/style.css": "p {}",
    "OPS/book.opf": PACKAGE,
}


def book(path: Path, **changed: str | None) -> Path:
    """A book; changed: content of its files, None for one that it lacks."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in {**FILES, **changed}.items():
            if text is not None:
                file.writestr(name, text)
    return path


def test_a_book_is_its_chapters_in_their_order(tmp_path: Path) -> None:
    rows, rejects = read(book(tmp_path / "locks.zip"))
    names = [row["place"].partition("#")[2] for row in rows]
    assert names == ["OPS/text/o ne.xhtml", "OPS/text/two.xhtml"]
    assert rows[0]["text"] == f"# One\n\n{LINE}\n\nSee the note.\n\n- Note"
    assert rows[0]["meta"] == {
        "title": "Of Locks",
        "chapter": "One",
        "author": "A. Keeper, B. Barge",
        "language": "en-GB",
        "date": "1911-03-02",
        "license": "Public domain",
    }
    told = {one["place"].rpartition("/")[2]: one for one in rejects}
    assert {name: one["reason"] for name, one in told.items()} == {
        "cover.xhtml": "no_page",
        "nav.xhtml": "no_page",
        "art.svg": "no_page",
        "lost.xhtml": "corrupt",
        "loose.xhtml": "no_page",
    }
    assert json.loads(told["nav.xhtml"]["evidence"]) == {"is": "the table of contents"}
    assert read_at(tmp_path, Place.parse(rows[1]["place"])) == chapter("Two").encode()


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("OPS/book.opf", "<package", "corrupt"),
        ("OPS/book.opf", None, "corrupt"),
        ("OPS/book.opf", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "corrupt"),
        ("META-INF/container.xml", "<a/>", "corrupt"),
    ],
)
def test_the_pages_of_a_book_without_a_package_are_read_as_pages(
    name: str, text: str | None, reason: str, tmp_path: Path
) -> None:
    rows, rejects = read(book(tmp_path / "a.epub", **{name: text}))
    assert len(rows) == 5 and "chapter" not in rows[0]["meta"]
    assert [one["reason"] for one in rejects] == [reason]


def test_a_zip_file_without_a_container_is_no_book(tmp_path: Path) -> None:
    rows, rejects = read(book(tmp_path / "a.zip", **{"META-INF/container.xml": None}))
    assert len(rows) == 5 and not rejects


def test_a_whole_book_is_one_record(tmp_path: Path) -> None:
    (row,), rejects = read(book(tmp_path / "locks.epub"), books="whole")
    text = f"{LINE}\n\nSee the note.\n\n- Note"
    assert row["text"] == f"# One\n\n{text}\n\n# Two\n\n{text}" and row["place"] == "locks.epub"
    assert row["meta"]["title"] == "Of Locks" and "chapter" not in row["meta"]
    assert [one["reason"] for one in rejects].count("no_page") == 4 and len(rejects) == 5
    rows, rejects = read(tmp_path / "locks.epub", books="whole", max_bytes=500)
    assert not rows and rejects[-1]["reason"] == "oversize"


def test_the_account_of_a_book_holds_all_its_text(tmp_path: Path) -> None:
    book(tmp_path / "locks.epub")
    counts = []
    for books in ("chapters", "whole"):
        stage = HtmlExtract(books=books)
        (part,) = stage.parts(str(tmp_path), 1 << 20)
        (judged,) = stage.splits(part, "s")
        counts.append(judged.counts.text)
    one, whole = counts
    assert one.kept == whole.kept and whole.removed["hidden"] == 2 * len("unseen")
    assert whole.seen == whole.kept + sum(whole.removed.values())


def test_headers_of_any_bytes_are_read(tmp_path: Path) -> None:
    page = saved(HTML, "8bit").replace(b"Subject: Locks", b"Subject: L\xf6cks")
    strange = page.replace(b"text/css", b"te\xe9t/css").replace(b"<main@", b"<m\xe4in@")
    (tmp_path / "a.mhtml").write_bytes(strange)
    (row,), rejects = read(tmp_path / "a.mhtml")
    assert LINE in row["text"] and not rejects


def test_marks_of_streams_behind_damage_are_no_streams(tmp_path: Path) -> None:
    """Where the first stream has no content before its damage, only one that has some goes on."""
    good = gzip.compress(record("response", "http://l.test/1", answer(HTML)))
    noise = b"\x1f\x8b\x08\xff" * 20_000
    (tmp_path / "a.warc.gz").write_bytes(noise + good)
    rows, rejects = read(tmp_path / "a.warc.gz")
    assert [row["meta"]["url"] for row in rows] == ["http://l.test/1"]
    assert [one["reason"] for one in rejects] == ["corrupt"]


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_short_stream_at_the_end_of_the_last_chunk_is_found(more: int, tmp_path: Path) -> None:
    record_of = gzip.compress(b"WARC/1.0 short")
    head = gzip.compress(b"WARC/1.0")[:4] + bytes(compressed.CHUNK - len(record_of) + more - 3)
    (tmp_path / "a").write_bytes(head + record_of)
    with open(tmp_path / "a", "rb") as file:
        assert compressed._next_gzip(file, 1, b"WARC") == len(head)
