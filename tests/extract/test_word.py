"""Word documents: what stands in them becomes Markdown, what does not is counted, bombs refused."""

from __future__ import annotations

import io
import itertools
import json
import random
import re
import zipfile
from typing import Any

import pytest

from stages import DocumentExtract
from stages.base import Item
from stages.errors import Unreadable
from stages.extract.document import word
from stages.place import Place
from tests.extract.making_documents import docx, paragraph, run, table


def extract(raw: bytes, **options: Any) -> Any:
    return DocumentExtract(**options).extract(Place("a.docx"), raw)


def text_of(body: str, parts: dict[str, str] | None = None) -> str:
    made = extract(docx(body, parts))
    assert isinstance(made, Item), made
    assert made.text is not None
    assert made.text.made == len(made.records[0]["text"])
    return str(made.records[0]["text"])


def test_headings_by_style_what_it_is_based_on_and_outline_level() -> None:
    body = paragraph("One", "H1") + paragraph("Two", "Mine")
    body += '<w:p><w:pPr><w:outlineLvl w:val="2"/></w:pPr>' + run("Three") + "</w:p>"
    assert text_of(body) == "# One\n\n## Two\n\n### Three"


def test_lists_are_numbered_as_word_numbers_them() -> None:
    body = "".join(
        paragraph(text, item=item)
        for text, item in [
            ("first", (2, 0)),
            ("a", (2, 1)),
            ("b", (2, 1)),
            ("second", (2, 0)),
            ("a anew", (2, 1)),
            ("from five", (3, 0)),
            ("dot", (1, 0)),
        ]
    )
    body += paragraph("by style", "B") + paragraph("none", "B", item=(0, 0))
    assert text_of(body) == (
        "1. first\n    1. a\n    2. b\n2. second\n    1. a anew\n5. from five\n- dot\n- by style\n"
        "\nnone"
    )


def test_tables_with_spans_and_a_box_of_one_cell() -> None:
    wide = '<w:tcPr><w:gridSpan w:val="2"/></w:tcPr>' + paragraph("both")
    inner = table(["x", "y"], ["z", ""])
    body = table(["Day", "High"], [wide], ["Mon", paragraph("4 | m") + paragraph("about")])
    assert text_of(body) == ("| Day | High |\n| --- | --- |\n| both |  |\n| Mon | 4 \\| m about |")
    assert text_of(table([paragraph("Note") + paragraph("Ebb.")])) == "Note\n\nEbb."
    assert text_of(table(["a", inner])) == "| a | x y z |\n| --- | --- |"


def test_notes_stand_behind_the_paragraph_that_refers_to_them() -> None:
    def note(kind: str, number: int) -> str:
        return f'<w:r><w:{kind}Reference w:id="{number}"/></w:r>'

    body = paragraph(run("High") + note("footnote", 7) + run(" and low") + note("endnote", 2))
    body += paragraph("Next.")
    parts = {
        "word/footnotes.xml": '<w:footnote w:id="7">'
        + paragraph("By the keeper.")
        + "</w:footnote>",
        "word/endnotes.xml": '<w:endnote w:id="2">' + paragraph("At night.") + "</w:endnote>",
    }
    assert text_of(body, parts) == (
        "High[^1] and low[^2]\n\n[^1]: By the keeper.\n\n[^2]: At night.\n\nNext."
    )


def test_a_text_box_is_read_once() -> None:
    box = "<w:txbxContent>" + paragraph("In a box") + "</w:txbxContent>"
    body = paragraph(
        '<w:r><mc:AlternateContent><mc:Choice Requires="wps">'
        f"<wps:txbx>{box}</wps:txbx></mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r>" + run("Beside")
    )
    assert text_of(body) == "Beside\n\nIn a box"


def test_powers_symbols_breaks_and_code() -> None:
    raised = '<w:vertAlign w:val="superscript"/>'
    body = paragraph(
        run("10") + run("2", raised) + run(" and H") + run("2", raised.replace("super", "sub"))
    )
    body += paragraph(
        "<w:r><w:t>one</w:t><w:br/><w:t>two</w:t><w:noBreakHyphen/><w:t>x</w:t></w:r>"
    )
    body += paragraph("if x:", "K") + paragraph("    y()", "K") + paragraph("# 1 is no heading")
    assert text_of(body) == (
        "10^2 and H_2\n\none two-x\n\n```\nif x:\n    y()\n```\n\n\\# 1 is no heading"
    )


def _math(inner: str) -> str:
    return paragraph(run("so ") + f"<m:oMath>{inner}</m:oMath>")


def _m(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("inner", "latex"),
    [
        (
            f"<m:f><m:num>{_m('a')}</m:num><m:den>{_m('b')}</m:den></m:f>",
            r"\frac{a}{b}",
        ),
        (f"<m:sSup><m:e>{_m('x')}</m:e><m:sup>{_m('10')}</m:sup></m:sSup>", "x^{10}"),
        (f"<m:rad><m:deg>{_m('3')}</m:deg><m:e>{_m('x')}</m:e></m:rad>", r"\sqrt[3]{x}"),
        (
            f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{_m("i=1")}</m:sub>'
            f"<m:sup>{_m('n')}</m:sup><m:e>{_m('i')}</m:e></m:nary>",
            r"\sum_{i=1}^n i",
        ),
        (f"<m:d><m:e>{_m('a')}</m:e><m:e>{_m('b')}</m:e></m:d>", "(a|b)"),
        (
            f"<m:m><m:mr><m:e>{_m('1')}</m:e><m:e>{_m('2')}</m:e></m:mr></m:m>",
            r"\begin{matrix}1 & 2\end{matrix}",
        ),
        (f"<m:func><m:fName>{_m('sin')}</m:fName><m:e>{_m('x')}</m:e></m:func>", r"\sin x"),
    ],
)
def test_formulas_are_latex(inner: str, latex: str) -> None:
    assert text_of(_math(inner)) == f"so ${latex}$"


def test_what_is_left_out_is_counted() -> None:
    body = (
        paragraph("Tides 7", "C")
        + '<w:sdt><w:sdtPr><w:docPartGallery w:val="Table of Contents"/></w:sdtPr><w:sdtContent>'
        + paragraph("Ebb 9")
        + "</w:sdtContent></w:sdt>"
        + paragraph(
            run("Text.") + run("unseen", "<w:vanish/>") + run(" Seen.", '<w:vanish w:val="0"/>')
        )
        + paragraph(
            "<w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:ins>" + run("new") + "</w:ins>"
        )
    )
    parts = {
        "word/header1.xml": paragraph("Harbour board"),
        "word/comments.xml": "<w:comment>" + paragraph("Why?") + "</w:comment>",
    }
    made = extract(docx(body, parts))
    assert made.records[0]["text"] == "Text. Seen.\n\nnew"
    assert made.text.removed == {
        "contents": 10, "hidden": 6, "deleted": 3, "header_footer": 12, "comment": 4
    }  # fmt: skip
    assert made.text.kept == len("Text.Seen.new")


_BOX = "<w:r><w:txbxContent>{}</w:txbxContent></w:r>"
_WAYS = "<mc:AlternateContent><mc:Choice>{}</mc:Choice><mc:Fallback>{}</mc:Fallback>"
_WAYS += "</mc:AlternateContent>"
_NOTE = '<w:r><w:footnoteReference w:id="{}"/></w:r>'
# What a document may be made of; each `{}` becomes a word, and a note belongs to `{note}`.
PIECES = {
    "paragraph": paragraph("{}"),
    "heading": paragraph("{}", "H1"),
    "item": paragraph("{}", item=(1, 0)),
    "inserted": paragraph("<w:ins>" + run("{}") + "</w:ins>"),
    "deleted": paragraph("<w:del><w:r><w:delText>{}</w:delText></w:r></w:del>"),
    "moved": paragraph("<w:moveFrom>" + run("{}") + "</w:moveFrom>"),
    "hidden": paragraph(run("{}") + run("{}", "<w:vanish/>")),
    "raised": paragraph(run("{}") + run("{}", '<w:vertAlign w:val="superscript"/>')),
    "field": paragraph('<w:fldSimple w:instr="PAGE">' + run("{}") + "</w:fldSimple>"),
    "link": paragraph("<w:hyperlink>" + run("{}") + "</w:hyperlink>"),
    "box": paragraph(run("{}") + _BOX.format(paragraph("{}"))),
    "box in a table of contents": paragraph(run("{}") + _BOX.format(paragraph("{}")), "C"),
    "table in a box": paragraph(_BOX.format(table(["{}", "{}"]))),
    "hidden box": paragraph(
        _BOX.format("</w:txbxContent><w:rPr><w:vanish/></w:rPr><w:txbxContent>" + paragraph("{}"))
    ),
    "drawn in two ways": paragraph(_WAYS.format("<w:r><w:drawing/></w:r>", run("{}"))),
    "table": table(["{}", "{}"], ["{}", table(["{}"])]),
    "row without cells": "<w:tbl><w:tr>" + paragraph("{}") + "</w:tr></w:tbl>",
    "control": "<w:sdt><w:sdtContent>" + paragraph("{}") + "</w:sdtContent></w:sdt>",
    "noted": paragraph(run("{}") + _NOTE.format("{note}")),
    "noted in a table of contents": paragraph(run("{}") + _NOTE.format("{note}"), "C"),
    "noted where deleted": paragraph("<w:moveFrom>" + _NOTE.format("{note}") + "</w:moveFrom>"),
    "a note alone": "{note}",
}  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_no_word_of_a_document_leaves_unsaid(seed: int) -> None:
    """What stands neither in the text nor in meta is counted, letter by letter."""
    draw = random.Random(seed)
    words = (f"w{number:04}w" for number in itertools.count())
    body, notes, written = paragraph("Tides."), "", []

    def word_(_: re.Match[str]) -> str:
        written.append(next(words))
        return written[-1]

    for number in range(draw.randrange(1, 12)):
        piece = PIECES[draw.choice(list(PIECES))]
        if "{note}" in piece:
            notes += f'<w:footnote w:id="{number}">' + paragraph("{}") + "</w:footnote>"
        piece = "" if piece == "{note}" else piece.replace("{note}", str(number))
        body += re.sub(r"\{\}", word_, piece)
    notes = re.sub(r"\{\}", word_, notes)
    made = extract(docx(body, {"word/footnotes.xml": notes}))
    missing = [one for one in written if one not in made.records[0]["text"]]
    assert sum(map(len, missing)) == sum(made.text.removed.values()), made.text.removed
    assert made.text.seen == len("Tides.") + sum(map(len, written))


def test_properties_go_to_meta() -> None:
    core = (
        "<dc:title>Tides</dc:title><dc:creator>A. Keeper</dc:creator>"
        "<dc:language>de-DE</dc:language><dcterms:created>2024-03-01T10:00:00Z</dcterms:created>"
        "<cp:keywords>sea, tide</cp:keywords>"
    )
    made = extract(docx(paragraph("Text."), core=core))
    assert made.records[0]["meta"] == {
        "title": "Tides",
        "author": "A. Keeper",
        "language": "de-DE",
        "date": "2024-03-01",
        "tags": ["sea", "tide"],
    }
    made = extract(docx(paragraph("A title", "T") + paragraph("Text.")))
    assert made.records[0]["meta"] == {"title": "A title"}


def test_sections_of_a_word_document() -> None:
    body = paragraph("One", "H1") + paragraph("Two", "H2") + paragraph("Text.")
    made = extract(docx(body), records="heading")
    assert [record["meta"]["headings"] for record in made.records] == [["One", "Two"]]
    assert made.text.removed == {"heading": 3} and made.text.seen == len("OneTwoText.")


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def _raw(document: str) -> bytes:
    whole = zipfile.ZipFile(io.BytesIO(docx(paragraph("x"))))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in whole.namelist():
            data = document.encode() if name == "word/document.xml" else whole.read(name)
            archive.writestr(name, data)
    return buffer.getvalue()


def _swapped(raw: bytes, old: str, new: str) -> bytes:
    whole = zipfile.ZipFile(io.BytesIO(raw))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, whole.read(name).replace(old.encode(), new.encode()))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("raw", "reason", "told"),
    [
        (_raw(f"<!DOCTYPE w [{LAUGHS}]><w>&l11;</w>"), "corrupt", "an entity"),
        (_raw('<!DOCTYPE w [<!ENTITY x SYSTEM "file:///x">]><w>&x;</w>'), "corrupt", "an entity"),
        (_raw(f'<w:p xmlns:w="{_W}">' + "<w:r>" * 100_000), "corrupt", "nested deeper"),
        (_raw(f'<w:p xmlns:w="{_W}">' + "<w:tbl>" * 200), "corrupt", "nested deeper"),
        (_raw(""), "corrupt", "is missing"),
        (_raw("no XML"), "corrupt", "no XML"),
        (docx(paragraph("x"))[:-60], "truncated", "list of members"),
        (_swapped(docx(paragraph("x")), "document.main", "x.main"), "corrupt", "no part"),
    ],
)
def test_hostile_documents_are_refused_with_a_reason(raw: bytes, reason: str, told: str) -> None:
    found = extract(raw)
    assert found.reason == reason, found
    assert found.failed and told in found.evidence["error"]


def test_a_zip_bomb_is_oversize(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word, "PART", 1 << 20)
    found = extract(_raw(f'<w:p xmlns:w="{_W}">' + " " * (2 << 20) + "</w:p>"))
    assert found.reason == "oversize" and found.evidence["limit"] == 1 << 20


def test_other_office_documents_are_named() -> None:
    sheet = docx(paragraph("x"))
    with pytest.raises(Unreadable) as refused:
        word.package(_swapped(sheet, "wordprocessingml.document", "spreadsheetml.sheet"))
    assert refused.value.evidence == {"kind": "Excel workbook", "read_by": "csv"}


def test_documents_that_end_anywhere_are_rejects_or_whole() -> None:
    raw = docx(paragraph("One", "H1") + paragraph("Text."))
    for stop in range(0, len(raw), 97):
        found = extract(raw[:stop])
        assert not isinstance(found, Item), stop
        json.dumps(dict(found.evidence))


def test_what_stands_for_older_readers_is_not_read_again() -> None:
    body = "<mc:AlternateContent><mc:Choice>" + paragraph("Once.") + "</mc:Choice><mc:Fallback>"
    body += paragraph("Once.") + "</mc:Fallback></mc:AlternateContent>"
    assert text_of(body) == "Once."
