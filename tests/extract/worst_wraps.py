"""Saved mails, web archives and books that cost most to take their pages out of: each function
makes about so many bytes, and its name ends as that of such a file."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping

_WORDS = b"<html><body><p>" + b"The lock keeper notes each barge that passes. " * 9 + b"</p>"


def times(unit: bytes, size: int) -> bytes:
    """A piece so often that it makes so many bytes."""
    return unit * max(1, size // len(unit))


# --- mails --------------------------------------------------------------------------------------

_MAIL = b"MIME-Version: 1.0\r\nSnapshot-Content-Location: http://h/\r\n"
_MIXED = _MAIL + b'Content-Type: multipart/related; boundary="b"\r\n\r\n'
_PART = b"--b\r\nContent-Type: text/html\r\n\r\n" + _WORDS + b"\r\n"


def _mail(unit: bytes, begin: bytes = b"", end: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: _MIXED + begin + times(unit, size) + end + _PART + b"--b--\r\n"


def _header(unit: bytes, begin: bytes, end: bytes = b"") -> Callable[[int], bytes]:
    """A mail whose own headers are long."""
    return lambda size: (
        _MAIL + b"Content-Type: multipart/related;" + begin + times(unit, min(size, 60_000)) + end
        + b'; boundary="b"\r\n\r\n' + _PART + b"--b--\r\n"
    )  # fmt: skip


def _headers_of_parts(unit: bytes, begin: bytes) -> Callable[[int], bytes]:
    """A mail of many parts whose headers are long."""
    part = b"--b\r\nContent-Type: image/png;" + begin + times(unit, 4_000) + b"\r\n\r\nx\r\n"
    return lambda size: _MIXED + times(part, size) + _PART + b"--b--\r\n"


def _within(size: int) -> bytes:
    """Multiparts within one another, each with a mark that begins as all others do."""
    levels = max(1, size // 70)
    opened = b"".join(
        b"--%s\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n" % (b"b" * 9, b"b" * 9)
        for _ in range(levels)
    )
    return _MAIL + b"Content-Type: multipart/mixed; boundary=bbbbbbbbb\r\n\r\n" + opened + _PART


MAILS: dict[str, Callable[[int], bytes]] = {
    "parts.mhtml": _mail(b"--b\r\n\r\n\r\n"),
    "parts of pictures.mhtml": _mail(b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n"),
    "marks that are none.mhtml": _mail(b"--bb\r\n"),
    "dashes.mhtml": _mail(b"-", b"--b\r\n\r\n"),
    "ends of lines.mhtml": _mail(b"\r\n", b"--b\r\n"),
    "carriage returns.mhtml": _mail(b"\r", b"--b\r\n"),
    "spaces of a mark.mhtml": _mail(b" ", b"--b", b"x\r\n"),
    "lines of spaces.mhtml": _mail(b"\n ", b"--b\r\nA: b"),
    "multiparts within one another.mhtml": _within,
    "quotes of a header.mhtml": _header(b'";', b' a="'),
    "backslashes of a header.mhtml": _header(b'\\"', b' a="'),
    "semicolons of a header.mhtml": _header(b";", b" a=b"),
    "settings of a header.mhtml": _header(b"a=b;", b""),
    "settings in pieces.mhtml": _header(b"a*0*=x;", b" "),
    "comments of a header.mhtml": _header(b"(", b" a="),
    "quotes of many headers.mhtml": _headers_of_parts(b'";', b' a="'),
    "settings of many headers.mhtml": _headers_of_parts(b"a=b;", b""),
    "semicolons of many headers.mhtml": _headers_of_parts(b";", b" a=b"),
    "a date.mhtml": lambda size: (
        _MAIL + b"Date: " + times(b"(", min(size, 60_000)) + b"\r\nContent-Type: text/html\r\n\r\n"
        + _WORDS
    ),
    "a date of words.mhtml": lambda size: (
        _MAIL + b"Date: " + times(b"1 ", min(size, 60_000)) + b"\r\nContent-Type: text/html\r\n\r\n"
        + _WORDS
    ),
    "encoded words.mhtml": lambda size: (
        _MAIL + b"Subject: " + times(b"=?utf-8?q?a?=\r\n ", min(size, 60_000))
        + b"\r\nContent-Type: text/html\r\n\r\n" + _WORDS
    ),
    "quoted.mhtml": lambda size: (
        _MAIL + b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + _WORDS + times(b"=", size)
    ),
    "quoted lines.mhtml": lambda size: (
        _MAIL + b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + _WORDS + times(b" =\r\n", size)
    ),
    "letters of Base64.mhtml": lambda size: (
        _MAIL + b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + times(b"=", size)
    ),
}  # fmt: skip

# --- web archives -------------------------------------------------------------------------------


def record(block: bytes, kind: bytes = b"response", more: bytes = b"") -> bytes:
    """A record of a web archive with an answer of HTTP."""
    return (
        b"WARC/1.0\r\nWARC-Type: %s\r\nWARC-Target-URI: http://h/\r\n%s"
        b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"
    ) % (kind, more, len(block), block)


def answer(body: bytes, *fields: bytes) -> bytes:
    """An answer of HTTP with a page."""
    lines = b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Type: text/html", *fields])
    return lines + b"\r\n\r\n" + body


def _stored(data: bytes, levels: int) -> bytes:
    """Packed again and again, each time without becoming smaller."""
    for _ in range(levels):
        data = gzip.compress(data, 0, mtime=0)
    return data


def _levels(size: int) -> bytes:
    levels = min(5_000, max(1, size // 40))
    packed = _stored(_WORDS, levels)
    return record(answer(packed, b"Content-Encoding: " + b", ".join([b"gzip"] * levels)))


ARCHIVES: dict[str, Callable[[int], bytes]] = {
    "records.warc": lambda size: times(record(b"", b"request"), size) + record(answer(_WORDS)),
    "lines that are no record.warc": lambda size: record(answer(_WORDS)) + times(b"WARC/x\n", size),
    "empty lines.warc": lambda size: record(answer(_WORDS)) + times(b"\n", size),
    "versions.warc": lambda size: record(answer(_WORDS)) + times(b"WARC/1.0\r\n", size),
    "headers of a record.warc": lambda size: record(
        answer(_WORDS), more=times(b"A: b\r\n", min(size, 60_000))
    ),
    "headers without end.warc": lambda size: (
        record(answer(_WORDS)) + b"WARC/1.0\r\n" + times(b"A: b\r\n", size)
    ),
    "headers of an answer.warc": lambda size: record(
        answer(_WORDS, times(b"A: b\r\n", min(size, 60_000))[:-2])
    ),
    "one header.warc": lambda size: record(
        answer(_WORDS, b"A: " + times(b" b", min(size, 60_000)))
    ),
    "folded headers.warc": lambda size: record(
        answer(_WORDS, b"A: b" + times(b"\r\n c", min(size, 60_000)))
    ),
    "comments before a page.warc": lambda size: record(
        b"HTTP/1.1 200 OK\r\n\r\n" + times(b"<!-->", size) + _WORDS
    ),
    "declarations before a page.warc": lambda size: record(
        b"HTTP/1.1 200 OK\r\n\r\n" + times(b"<?xml", size) + _WORDS
    ),
    "chunks.warc": lambda size: record(
        answer(times(b"1\r\na\r\n", size) + b"0\r\n\r\n", b"Transfer-Encoding: chunked")
    ),
    "lengths of chunks.warc": lambda size: record(
        answer(times(b"0", size) + b"\r\n", b"Transfer-Encoding: chunked")
    ),
    "chunks of nothing.warc": lambda size: record(
        answer(times(b"\r\n", size), b"Transfer-Encoding: chunked")
    ),
    "packed again and again.warc": _levels,
    "packings.warc": lambda size: record(
        answer(gzip.compress(_WORDS), b"Content-Encoding: " + times(b"gzip,", min(size, 60_000)))
    ),
    "a bomb.warc": lambda size: record(
        answer(gzip.compress(bytes(40 * size), mtime=0), b"Content-Encoding: gzip")
    ),
    "a bare bomb.warc": lambda size: record(
        answer(zlib.compress(bytes(40 * size))[2:-4], b"Content-Encoding: deflate")
    ),
}

# --- books --------------------------------------------------------------------------------------

_CONTAINER = b'<container><rootfiles><rootfile full-path="p.opf"/></rootfiles></container>'
_ITEM = b'<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/>'
_REF = b'<itemref idref="c"/>'


def book(
    package: bytes, chapters: Mapping[str, bytes] | None = None, container: bytes = _CONTAINER
) -> bytes:
    """A book with a package as it is given."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("p.opf", package)
        for name, data in (chapters or {"c.xhtml": _WORDS}).items():
            archive.writestr(name, data)
    return out.getvalue()


def _package(unit: bytes, begin: bytes = b"", end: bytes = b"") -> Callable[[int], bytes]:
    """Twenty times as many bytes as are asked for: they are packed."""
    return lambda size: book(
        b"<package>" + begin + times(unit, 20 * size) + end
        + b"<manifest>" + _ITEM + b"</manifest><spine>" + _REF + b"</spine></package>"
    )  # fmt: skip


BOOKS: dict[str, Callable[[int], bytes]] = {
    "elements.epub": _package(b"<a/>"),
    "levels.epub": _package(b"<a>"),
    "attributes.epub": lambda size: book(
        b"<package " + b" ".join(b'a%d=""' % n for n in range(size)) + b"></package>"
    ),
    "items.epub": _package(b'<item id="d" href="c.xhtml"/>'),
    "references.epub": _package(b'<reference type="toc" href="../../a/../b"/>'),
    "a long reference.epub": _package(b"../a/", b'<reference type="toc" href="', b'"/>'),
    "order.epub": _package(b'<itemref idref="c"/>'),
    "order of others.epub": lambda size: book(
        b"<package><manifest>" + _ITEM + b"</manifest><spine>"
        + b"".join(b'<itemref idref="x%d"/>' % n for n in range(size // 4)) + _REF
        + b"</spine></package>"
    ),
    "authors.epub": _package(
        b'<d:creator xmlns:d="http://purl.org/dc/elements/1.1/">A</d:creator>'
    ),
    "spaces of a title.epub": _package(
        b" \n", b'<d:title xmlns:d="http://purl.org/dc/elements/1.1/">', b"</d:title>"
    ),
    "entities in UTF-16.epub": lambda size: book(
        (
            '<!DOCTYPE p [<!ENTITY a "' + "x" * 99 + '">'
            + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
            + "]><package>" + "&j;" * max(1, size // 3) + "</package>"
        ).encode("utf-16")
    ),
    "chapters.epub": lambda size: book(
        b"<package><manifest>"
        + b"".join(
            b'<item id="c%d" href="c%d.html" media-type="text/html"/>' % (n, n)
            for n in range(size // 200)
        )
        + b"</manifest><spine>"
        + b"".join(b'<itemref idref="c%d"/>' % n for n in range(size // 200))
        + b"</spine></package>",
        {f"c{n}.html": b"<p>a</p>" for n in range(size // 200)},
    ),
    "one chapter many times.epub": lambda size: book(
        b"<package><manifest>"
        + b"".join(
            b'<item id="c%d" href="x/../c.xhtml" media-type="text/html"/>' % n
            for n in range(size // 8)
        )
        + b"</manifest><spine>"
        + b"".join(b'<itemref idref="c%d"/>' % n for n in range(size // 8))
        + b"</spine></package>"
    ),
}  # fmt: skip

CASES = {**MAILS, **ARCHIVES, **BOOKS}
