"""Documents that cost their readers most: each function makes about so many bytes."""

from __future__ import annotations

from collections.abc import Callable

from tests.extract.making_documents import docx, paragraph, pdf, run, table, written


def _times(unit: str, size: int) -> str:
    return unit * max(1, size // len(unit))


def _text(unit: str, begin: str = "", end: str = "") -> Callable[[int], bytes]:
    return lambda size: (begin + _times(unit, size) + end).encode()


def _word(unit: str, begin: str = "", end: str = "") -> Callable[[int], bytes]:
    return lambda size: docx(begin + _times(unit, 8 * size) + end)


def _pages(size: int) -> bytes:
    lines = ["The gauge was read by the kee-", "per of the harbour."]
    return pdf([[*written(lines), (9.0, 9.0, 9.0, f"{n}")] for n in range(max(1, size // 400))])


def _outline(size: int) -> bytes:
    count = max(1, size // 200)
    return pdf([written(["Tides"] * 40)], outline=[("Tides", 0)] * count)


_NOTE = '<w:r><w:footnoteReference w:id="1"/></w:r>'

CASES: dict[str, Callable[[int], bytes]] = {
    "headings": _text("# a\n"),
    "headings without text": _text("#\n"),
    "hashes": _text("#"),
    "a heading of hashes": _text(" #", "# a"),
    "a heading of spaces": _text(" ", "# a", "b"),
    "a heading of brackets": _text("[", "# "),
    "a heading of braces": _text("{#", "# a "),
    "a heading of stars": _text("*a", "# "),
    "underlines": _text("a\n===\n"),
    "one underline": _text("=", "a\n", " x"),
    "dashes": _text("-"),
    "fences": _text("```\n"),
    "fences of all lengths": lambda size: "".join(
        "`" * (3 + n % 900) + "\n" for n in range(max(1, size // 450))
    ).encode(),
    "fence that is none": _text("`", "```", "x`"),
    "empty lines": _text("\n", "a", "b"),
    "spaces and lines": _text(" \n", "", "a"),
    "carriage returns": _text("\r", "a", "b"),
    "form feeds": _text("\f", "a", "b"),
    "front matter without end": _text("a: b\n", "---\n"),
    "front matter of one key": _text("a", "---\n", ": b\n---\n"),
    "front matter of brackets": _text("[", "---\na: ", "\n---\n"),
    "front matter of dashes": _text("--\n", "---\n"),
    "links": _text("[a](", "# "),
    "bytes beyond UTF-8": lambda size: b"\xe4\n" * (size // 2),
    "paragraphs of Word": _word(paragraph("a")),
    "runs of Word": _word(run("a"), "<w:p>", "</w:p>"),
    "powers of Word": _word(run("2", '<w:vertAlign w:val="superscript"/>'), "<w:p>", "</w:p>"),
    "items of Word": _word(paragraph("a", item=(2, 1))),
    "cells of Word": _word("<w:tc><w:p/></w:tc>", "<w:tbl><w:tr>", "</w:tr></w:tbl>"),
    "rows of Word": _word(table(["a", "b"])[7:-8], "<w:tbl>", "</w:tbl>"),
    "spans of Word": _word(
        '<w:tr><w:tc><w:gridSpan w:val="63"/><w:p/></w:tc></w:tr>', "<w:tbl>", "</w:tbl>"
    ),
    "programs of Word": _word(paragraph("a", "K")),
    "depth of Word": _word("<w:sdt>"),
    "notes of Word": lambda size: docx(
        _times(paragraph(_NOTE), 8 * size),
        {"word/footnotes.xml": f'<w:footnote w:id="1">{paragraph(_NOTE)}</w:footnote>'},
    ),
    "pages": _pages,
    "outline": _outline,
}
