"""Inputs of the stage documents that reach every reason and every cut."""

from __future__ import annotations

import zipfile
from pathlib import Path

from stages.extract.documents import DocumentExtract
from stages.testing import Case
from tests.cases.packed import packed
from tests.extract.making_documents import docx, paragraph, pdf, run, written

MARKDOWN = """---
title: Peas
tags: [garden, spring]
---
# Sowing

## When

In March, as soon as the soil is dry.
"""
SEASONS = ("spring", "summer", "autumn")


def _page(season: str, number: int) -> list[tuple[float, float, float, str]]:
    lines = [f"In {season} the gauge was read at high water and at low by the kee-"]
    lines += [f"per of the harbour, whose lamp in {season} was lit at six."]
    lines += ["", f"The keeper wrote it down by hand in {season}, and nobody counted."]
    return [*written(lines), (290.0, 30.0, 9.0, str(number))]


def cases(folder: Path) -> list[Case]:
    good = folder / "good"
    good.mkdir()
    (good / "peas.md").write_text(MARKDOWN)
    (good / "notes.txt").write_text("Sown by hand.\nWatered.\n\fNext page.\n")
    (good / "latin.txt").write_bytes("Größe der Flöße: über dem Fluß.\n".encode("cp1252"))
    (good / "word.docx").write_bytes(_word())
    pages = [_page(season, number) for number, season in enumerate(SEASONS, 1)]
    (good / "book.pdf").write_bytes(pdf(pages, {"Title": "Harbour book"}))
    with zipfile.ZipFile(good / "both.zip", "w") as archive:
        archive.writestr("a/word.docx", _word())
        archive.writestr("b/peas.md", MARKDOWN)
    return [
        Case(DocumentExtract(), path=str(good)),
        Case(DocumentExtract(records="heading", level=2), path=str(good)),
        Case(DocumentExtract(records="page"), path=str(good / "*")),
        Case(DocumentExtract(encoding="cp1252"), path=str(good / "latin.txt")),
        Case(DocumentExtract(), path=str(good / "*.md"), isolate=True),
        *_refused(folder),
    ]


def _word() -> bytes:
    body = (
        paragraph("Tides 7", "C")
        + paragraph("Tides", "H1")
        + paragraph(run("Read twice.") + run("Not shown", "<w:vanish/>"))
        + paragraph("<w:del><w:r><w:delText>never</w:delText></w:r></w:del>" + run("Daily."))
        + paragraph('<w:r><w:sym w:font="Wingdings" w:char="F04A"/></w:r>' + run("Yes"))
    )
    parts = {
        "word/header1.xml": paragraph("Harbour board"),
        "word/comments.xml": "<w:comment>" + paragraph("Is that so?") + "</w:comment>",
        "word/footnotes.xml": '<w:footnote w:id="1">' + paragraph("Of 1911.") + "</w:footnote>",
    }
    return docx(body, parts)


def _refused(folder: Path) -> list[Case]:
    bad = folder / "bad"
    bad.mkdir()
    (bad / "empty.md").write_bytes(b" \n")
    (bad / "picture.pdf").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (bad / "page.txt").write_text("<!DOCTYPE html>\n<html><body>404</body></html>\n")
    (bad / "close.txt").write_bytes(b"\xb5\n")
    locked = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + "EncryptedPackage".encode("utf-16-le")
    )
    (bad / "locked.docx").write_bytes(locked)
    (bad / "scan.pdf").write_bytes(pdf([b"0 0 1 rg 50 50 200 200 re f"]))
    (bad / "broken.docx").write_bytes(docx("<w:p>"))
    (bad / "gone.md").symlink_to(bad / "nowhere")
    (bad / "away.md").symlink_to(folder / "good" / "peas.md")
    unpacked = packed(bad, ".md", MARKDOWN.encode() * 50)
    reasons = ("empty", "binary", "wrong_kind", "encoding", "encrypted", "no_text", "corrupt")
    reasons += ("unreadable", "link", *unpacked)
    large = folder / "large.md"
    large.write_text(MARKDOWN)
    return [
        Case(DocumentExtract(), path=str(bad), reasons=dict.fromkeys(reasons, 1)),
        Case(DocumentExtract(max_bytes=20), path=str(large), reasons={"oversize": 1}),
    ]
