"""Markdown and plain text: front matter, sections, pages, charsets, places, what is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import DocumentExtract
from stages.base import Item
from stages.extract.document import front, sections
from stages.extract.packed.archives import read_at
from stages.place import Place
from tests.extract.making_documents import docx, paragraph, pdf, written

GUIDE = """Before any heading.

# Garden *guide* {#top}

## Sowing

Peas are sown in March.

```sh
# no heading
```

Beans ##
-----

In May.

### Deeper

Still beans.
"""


def read(tmp_path: Path, rejects: list[dict[str, Any]] | None = None, **options: Any) -> list[Any]:
    found = list(DocumentExtract(**options)(tmp_path, [] if rejects is None else rejects))
    return [{**one, "meta": json.loads(one["meta"])} for one in found]


def extract(name: str, raw: bytes | str, **options: Any) -> Any:
    data = raw if isinstance(raw, bytes) else raw.encode()
    return DocumentExtract(**options).extract(Place(name), data)


def test_a_file_is_a_record_with_its_front_matter_in_meta() -> None:
    made = extract(
        "peas.md",
        "---\ntitle: Peas\nauthors:\n  - A. Keeper\n  - name: B. Sower\ndate: 2024-03-01\n"
        "licence: CC-BY-4.0\ntags: [garden, spring]\nlang: en\ndraft: false\nempty:\n---\n\n"
        "# Sowing\n\nIn March.\n",
    )
    (record,) = made.records
    assert record["text"] == "# Sowing\n\nIn March."
    assert record["meta"] == {
        "title": "Peas",
        "author": "A. Keeper, B. Sower",
        "date": "2024-03-01",
        "license": "CC-BY-4.0",
        "tags": ["garden", "spring"],
        "language": "en",
        "draft": False,
    }
    assert made.form == "text ← Markdown; meta ← front matter"
    assert made.text.removed["meta"] > 100
    assert made.text.seen == made.text.kept + sum(made.text.removed.values())


def test_front_matter_in_toml_and_none_at_all() -> None:
    (record,) = extract("a.md", '+++\ntitle = "Peas"\ndate = 2024-03-01\n+++\nText.\n').records
    assert record["meta"] == {"title": "Peas", "date": "2024-03-01"}
    (record,) = extract("a.md", "---\n\nA rule above.\n\n---\n\nMore.\n").records
    assert record["text"].startswith("---\n\nA rule above.") and record["meta"] == {}


@pytest.mark.parametrize(
    "written_",
    [
        "a: [unclosed\nb: 1",
        "a: &x [1, 2]\nb: *x",  # an alias can be of any size
        "a: " + "[" * 5000,
        "key: !!python/object/apply:os.system ['true']",
    ],
)
def test_front_matter_that_cannot_be_read_is_kept_as_it_stands(written_: str) -> None:
    found = front.front_of(f"---\n{written_}\n---\nText.\n")
    assert found is not None and found.meta == {"front_matter": written_}


def test_the_title_is_that_of_the_first_heading() -> None:
    (record,) = extract("a.md", GUIDE).records
    assert record["meta"]["title"] == "Garden guide"
    (record,) = extract("a.md", "Peas\n====\n\nText.\n").records
    assert record["meta"]["title"] == "Peas"


def test_a_section_is_a_record_with_the_path_of_its_headings(tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text(GUIDE)
    found = read(tmp_path, records="heading")
    assert [one["meta"].get("headings") for one in found] == [
        None,
        ["Garden guide", "Sowing"],
        ["Garden guide", "Beans"],
    ]
    assert found[1]["text"].endswith("```sh\n# no heading\n```")
    assert found[2]["text"].startswith("Beans ##\n-----") and "Still beans." in found[2]["text"]
    for one in found:
        raw = read_at(tmp_path, Place.parse(one["place"]))
        assert raw.decode().strip() == one["text"]
        line = GUIDE.split("\n")[Place.parse(one["place"]).line - 1]  # type: ignore[operator]
        assert one["text"].startswith(line)
    assert len({one["id"] for one in found}) == 3
    deeper = read(tmp_path, records="heading", level=3)
    assert deeper[-1]["meta"]["headings"] == ["Garden guide", "Beans", "Deeper"]


def test_a_heading_that_only_headings_follow_is_in_their_path_and_counted() -> None:
    made = extract("a.md", "# One\n\n## Two\n\ntext\n", records="heading")
    assert [record["text"] for record in made.records] == ["## Two\n\ntext"]
    assert made.text.removed == {"heading": len("#One")}
    only = extract("a.md", "# One\n\n## Two\n", records="heading")
    assert only.reason == "no_text" and only.characters == len("#One##Two")


def test_form_feeds_divide_pages_and_are_white_space_in_a_file() -> None:
    text = "one\r\nhard wrapped\n\x0ctwo\n\x0c \n\x0cthree\n"
    assert [r["text"] for r in extract("a.txt", text).records] == [
        "one\nhard wrapped\n\ntwo\n\n \n\nthree"
    ]
    pages = extract("a.txt", text, records="page").records
    assert [page["text"] for page in pages] == ["one\nhard wrapped", "two", "three"]
    assert [page["place"] for page in pages] == ["a.txt@0+18:1", "a.txt@19+4:3", "a.txt@27+6:5"]


def test_plain_text_has_no_headings_and_markdown_is_known_by_its_content() -> None:
    (record,) = extract("a.txt", "Dear all,\n\n# is the sign for numbers.\n").records
    assert record["meta"] == {}
    (record,) = extract("README", "# Peas\n\nIn March.\n").records
    assert record["meta"] == {"title": "Peas"}


def test_a_charset_is_guessed_and_said_or_refused() -> None:
    text = "Größe und Höhe der Flößerei, für alle Städte.\n"
    made = extract("a.txt", text.encode("cp1252"))
    assert made.records[0]["text"] == text.strip() and made.records[0]["meta"] == {
        "charset": "cp1252"
    }
    russian = "Горох сеют в марте, как только почва просохнет.\n" * 3
    made = extract("a.md", russian.encode("cp1251"), records="heading")
    assert made.records[0]["meta"]["charset"] == "cp1251" and "Горох" in made.records[0]["text"]
    assert extract("a.txt", "Größe".encode("utf-16")).records[0]["text"] == "Größe"
    close = extract("a.txt", b"\xb5\n")
    assert close.reason == "encoding" and "encoding=" in close.evidence["remedy"]
    given_ = extract("a.txt", b"\xb5\n", encoding="cp1252")
    assert given_.records[0]["text"] == "µ"


def test_bytes_that_are_lost_are_counted() -> None:
    (record,) = extract("a.txt", b"good \xff text", encoding="utf-8").records
    assert record["meta"] == {"undecodable": 1}


@pytest.mark.parametrize(
    ("raw", "reason", "told"),
    [
        (b"", "empty", None),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "binary", None),
        (b"<!DOCTYPE html><html>x", "wrong_kind", {"kind": "HTML", "read_by": "html"}),
        (b'{"text": "x"}\n{"text": "y"}\n', "wrong_kind", {"kind": "JSON", "read_by": "jsonl"}),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(999),
            "binary",
            {"remedy": "save it as .docx, .xlsx or CSV"},
        ),
    ],
)
def test_what_is_no_document_is_named(raw: bytes, reason: str, told: dict[str, str]) -> None:
    found = extract("a.md", raw)
    assert found.reason == reason
    assert told is None or told.items() <= found.evidence.items()


def test_a_file_is_known_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(docx(paragraph("From Word.")))
    (tmp_path / "b.md").write_bytes(pdf([written(["From a PDF file."])]))
    (tmp_path / "c.pdf").write_text("Only text.")
    (tmp_path / "d.docx").write_bytes(b"junk\n" + pdf([written(["Behind junk."])]))
    assert [one["text"] for one in read(tmp_path)] == [
        "From Word.",
        "From a PDF file.",
        "Only text.",
        "Behind junk.",
    ]


def test_documents_in_archives_are_read_and_others_in_them_are_not(tmp_path: Path) -> None:
    word = docx(paragraph("From Word."))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("in/a.docx", word)
        archive.writestr("in/b.txt", "Text.")
        archive.writestr("in/c.png", b"x")
        with archive.open("in/d.md", "w") as inner, zipfile.ZipFile(inner, "w") as second:
            second.writestr("x.md", "y")
    rejects: list[dict[str, Any]] = []
    found = read(tmp_path, rejects)
    assert [(one["place"], one["text"]) for one in found] == [
        ("all.zip#in/a.docx", "From Word."),
        ("all.zip#in/b.txt", "Text."),
    ]
    assert [(one["place"], one["reason"]) for one in rejects] == [("all.zip#in/d.md", "nested")]
    assert read_at(tmp_path, Place("all.zip", "in/a.docx")) == word


def test_other_stages_name_the_one_that_reads_documents(tmp_path: Path) -> None:
    from stages import CsvExtract, HtmlExtract

    for name, raw in {
        "a.csv": docx(paragraph("Word")),
        "b.csv": pdf([written(["PDF"])]),
    }.items():
        (tmp_path / name).write_bytes(raw)
    rejects: list[dict[str, Any]] = []
    list(CsvExtract()(tmp_path, rejects))
    assert [json.loads(one["evidence"])["read_by"] for one in rejects] == ["documents"] * 2
    page = HtmlExtract().extract(Place("a.html"), b"# Peas\n\nIn March.\n\n- [a](b)\n")
    assert not isinstance(page, Item) and page.evidence["read_by"] == "documents"


LINES = st.lists(
    st.sampled_from(
        [
            "# a",
            "## b ##",
            "#c",
            "text",
            "",
            "===",
            "---",
            "```",
            "~~~",
            "- x",
            "\x0c",
            "### d",
            "é",
        ]
    ),
    max_size=30,
)


@given(LINES, st.sampled_from(["\n", "\r\n"]), st.integers(1, 6))
def test_sections_are_the_whole_text_in_order(lines: list[str], end: str, level: int) -> None:
    text = end.join(lines)
    found = sections.by_heading(text, sections.headings(text), level)
    assert "".join(text[one.start : one.stop] for one in found) == text
    for one in found[1:]:
        assert text[one.start : one.start + 1] != "" and len(one.headings) <= level


@given(LINES, st.sampled_from(["file", "heading", "page"]))
def test_every_character_is_in_a_record_or_counted(lines: list[str], records: str) -> None:
    text = "\n".join(lines)
    made = extract("a.md", text, records=records)
    whole = len("".join(text.split()))
    if isinstance(made, Item):
        assert made.text is not None and made.text.seen == whole
        assert made.text.made == sum(len(record["text"]) for record in made.records)
    else:
        assert made.reason == ("no_text" if whole else "empty")
