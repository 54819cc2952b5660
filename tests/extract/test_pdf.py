"""PDF files: paragraphs, hyphens, running heads, pages, headings, properties, what is refused."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from stages import DocumentExtract
from stages.base import Item
from stages.extract.document.lines import Joined, Line, running, words
from stages.place import Place
from tests.extract.making_documents import pdf, written

pytest.importorskip("pypdfium2")

PROSE = [
    "The gauge was read at high water and at low water by the keeper of",
    "the harbour, who wrote the height down by hand in the book of the",
    "year.",
    "",
    "Nobody counted the boats that came in between, and the lamp was lit",
    "at six.",
]


def extract(raw: bytes, **options: Any) -> Any:
    return DocumentExtract(**options).extract(Place("a.pdf"), raw)


def text_of(*pages: list[str], **options: Any) -> str:
    made = extract(pdf([written(page) for page in pages]), **options)
    assert isinstance(made, Item), made
    return "\n----\n".join(record["text"] for record in made.records)


def test_lines_become_paragraphs_and_short_ones_stay() -> None:
    assert text_of(PROSE) == (
        "The gauge was read at high water and at low water by the keeper of the harbour, who wrote "
        "the height down by hand in the book of the year.\n\nNobody counted the boats that came in "
        "between, and the lamp was lit at six."
    )
    poem = ["The lamp is lit,", "the book is shut,", "the tide is out", "by half a foot."]
    assert text_of(poem) == "\n".join(poem)
    items = ["1. " + PROSE[0], PROSE[1], "2. Low."]
    assert text_of(items) == f"1. {PROSE[0]} {PROSE[1]}\n2. Low."


def test_programs_keep_their_lines() -> None:
    code = ["for gauge in gauges: read(gauge, at='high water', by=keeper)", "write(book)"]
    made = extract(pdf([written(code, size=-10)]))
    assert made.records[0]["text"] == "\n".join(code)


@pytest.mark.parametrize(
    ("elsewhere", "joined"),
    [
        ("The harbourmaster came.", "the harbourmaster"),
        ("The harbour-master came.", "the harbour-master"),
        ("Nobody came.", "the harbour-\nmaster"),
    ],
)
def test_a_hyphen_goes_only_where_the_file_has_the_word(elsewhere: str, joined: str) -> None:
    lines = [
        "The gauge was read at high water and at low water by the harbour-",
        "master, who wrote the height down by hand in the book of the year",
        "and slept.",
        "",
        elsewhere,
    ]
    made = extract(pdf([written(lines)]))
    assert f"{joined}, who wrote" in made.records[0]["text"]
    assert made.text.removed == ({"hyphen": 1} if joined == "the harbourmaster" else {})
    assert made.text.made == len(made.records[0]["text"])


def test_running_heads_and_page_numbers_are_left_out_and_counted() -> None:
    pages = []
    for number, word in enumerate(("Spring", "Summer", "Autumn"), 1):
        body = written([f"{word} began late.", *PROSE, "", f"And so ended {word}."])
        pages.append([(72.0, 800.0, 9.0, f"Book {number}"), *body, (290.0, 30.0, 9.0, f"{number}")])
    made = extract(pdf(pages))
    text = made.records[0]["text"]
    assert "Book" not in text and "\n1\n" not in text and text.count("Nobody counted") == 3
    assert made.text.removed == {"running": 3 * len("Book1") + 3}
    assert made.text.seen == made.text.kept + sum(made.text.removed.values())


def test_pages_of_one_form_are_no_running_heads() -> None:
    form = ["Name of the boat", "Name of the keeper"]
    assert text_of(form, form, form).count("Name of the boat") == 3


def test_a_sentence_goes_on_on_the_next_page() -> None:
    assert text_of(PROSE[:2], ["year and slept."]).endswith("the book of the year and slept.")
    assert "by half.\n\nyear" in text_of(["It fell by half."], ["year two"])


def test_a_record_a_page_with_its_number_in_place() -> None:
    raw = pdf([written(["First."]), b"", written(["Third."])])
    made = extract(raw, records="page")
    assert [(one["place"], one["text"]) for one in made.records] == [
        ("a.pdf![page=1]", "First."),
        ("a.pdf![page=3]", "Third."),
    ]


def test_the_outline_makes_headings_and_sections() -> None:
    pages = [written(["The tides", "", *PROSE]), written(["2.1 Neap", "", "# is a number."])]
    made = extract(pdf(pages, outline=[("The tides", 0), ("Neap", 1)]), records="heading")
    assert [(one["place"], one["meta"]["headings"]) for one in made.records] == [
        ("a.pdf![page=1]", ["The tides"]),
        ("a.pdf![page=2]", ["2.1 Neap"]),
    ]
    assert made.records[1]["text"] == "# 2.1 Neap\n\n# is a number."
    assert made.text.added == sum(len(r["text"]) for r in made.records) - made.text.kept


def test_properties_go_to_meta() -> None:
    info = {
        "Title": "Tides",
        "Author": "A. Keeper",
        "CreationDate": "D:20240301120000Z",
        "Keywords": "sea, tide",
    }
    made = extract(pdf([written(["Text."])], info, more="/Lang (en-GB)"))
    assert made.records[0]["meta"] == {
        "title": "Tides",
        "author": "A. Keeper",
        "date": "2024-03-01",
        "tags": ["sea", "tide"],
        "language": "en-GB",
    }
    named_by_file = extract(pdf([written(["Text."])], {"Title": "tides_final.docx"}))
    assert named_by_file.records[0]["meta"] == {}
    large = [(72.0, 760.0, 24.0, "A large title"), *written(PROSE, top=700)]
    assert extract(pdf([large])).records[0]["meta"] == {"title": "A large title"}


def test_a_licence_in_xmp_is_meta() -> None:
    xmp = (
        b'%<x:xmpmeta><rdf:Description cc:license="https://creativecommons.org/licenses/by/4.0/"/>'
    )
    raw = pdf([written(["Text."])]).replace(b"%PDF-1.5\n", b"%PDF-1.5\n" + xmp + b"\n", 1)
    made = extract(raw)
    assert made.records[0]["meta"]["license"] == "https://creativecommons.org/licenses/by/4.0/"


def test_a_password_is_told_with_the_remedy() -> None:
    found = extract(pdf([written(["Text."])], locked=True))
    assert found.reason == "encrypted" and "without a password" in found.evidence["remedy"]
    assert found.failed


def test_pictures_of_pages_need_ocr_and_are_told_beside_text() -> None:
    picture = b"0 0 1 rg 50 50 200 200 re f"
    found = extract(pdf([picture, picture]))
    assert found.reason == "no_text" and "OCR" in found.evidence["remedy"]
    assert found.evidence["pages"] == found.evidence["pictures"] == 2
    made = extract(pdf([written(["Text."]), picture, b""]))
    assert made.records[0]["meta"]["pages_without_text"] == [2]
    assert "without text" in made.form


def test_letters_without_a_meaning_are_no_text() -> None:
    raw = pdf([b"BT /F1 11 Tf 72 700 Td <0102030405060708> Tj ET"])
    found = extract(raw)
    assert found.reason == "no_text" and "OCR" in found.evidence["remedy"]


def test_broken_files_are_rejects_or_what_can_be_read() -> None:
    raw = pdf([written(PROSE)])
    for stop in range(0, len(raw), 41):
        found = extract(raw[:stop])
        if not isinstance(found, Item):
            assert found.reason in ("corrupt", "no_text", "empty", "binary"), stop
            json.dumps(dict(found.evidence))
    for at in range(9, len(raw), 37):
        found = extract(raw[:at] + b"\xff\x00(" + raw[at + 3 :])
        assert isinstance(found, Item) or found.reason in ("corrupt", "no_text"), at


def test_a_page_that_unpacks_without_end_is_oversize(monkeypatch: pytest.MonkeyPatch) -> None:
    from stages.extract.document import pdf as reader

    monkeypatch.setattr(reader, "CHARACTERS", 1000)
    many = b"BT /F1 11 Tf 72 700 Td " + b"(abcdefghij) Tj " * 500 + b" ET"
    assert len(zlib.compress(many)) < 300
    found = extract(pdf([many]))
    assert found.reason == "oversize" and found.evidence["limit"] == 1000


def test_without_its_extra_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from stages.errors import MissingExtra

    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    (tmp_path / "a.pdf").write_bytes(pdf([written(["Text."])]))
    with pytest.raises(MissingExtra, match=r"seedbed\[documents\]"):
        list(DocumentExtract()(tmp_path))


def _line(text: str, base: float, **more: Any) -> Line:
    return Line(text, 72.0, 72.0 + 5 * len(text), base, 11.0, **more)


def test_lines_of_chinese_are_joined_without_a_space() -> None:
    lines = [_line("潮水每天两次由港口的守望人亲手记录在册没有人", 700), _line("数过船。", 687)]
    made = Joined(words([lines]))
    made.page(lines)
    assert made.text == "潮水每天两次由港口的守望人亲手记录在册没有人数过船。"


def test_running_heads_stand_at_the_same_height() -> None:
    pages = [
        [_line("Tides", 800 - 90 * n), *(_line(f"{c}" * 60, 500) for c in "abcd")] for n in range(3)
    ]
    assert running(pages) == [set(), set(), set()]


def test_what_is_drawn_later_into_a_gap_is_read_there() -> None:
    gap = [*written(PROSE[:3], top=760), *written(["Below the program."], top=600)]
    program = [(72.0, 690.0, -10.0, "read(gauge)"), (72.0, 678.0, -10.0, "write(book)")]
    text = extract(pdf([[*gap, *program]])).records[0]["text"]
    assert text.endswith("of the year.\n\nread(gauge)\nwrite(book)\n\nBelow the program.")


def test_columns_are_read_one_after_the_other() -> None:
    left = [(72.0, 760.0 - 13 * n, 11.0, f"left line {n} of the first column") for n in range(6)]
    right = [(320.0, 760.0 - 13 * n, 11.0, f"right line {n} of the second one") for n in range(6)]
    title = (72.0, 790.0, 11.0, "A title that stands over both of the columns, from left to right")
    text = extract(pdf([[title, *left, *right]])).records[0]["text"]
    assert text.index("title") < text.index("left line 5") < text.index("right line 0")
    # a caption that is drawn last, into a gap of the first column alone
    caption = (72.0, 760.0 - 13 * 3, 11.0, "Fig. 1")
    text = extract(pdf([[*left[:3], *left[4:], *right, caption]])).records[0]["text"]
    assert "right" not in text[: text.index("left line 5")]


def test_words_at_two_heights_are_two_lines() -> None:
    lines = [(72.0, 760.0, 11.0, "The gauge was read."), (172.0, 700.0, 11.0, "The lamp was lit.")]
    assert "read.\n\nThe lamp" in extract(pdf([lines])).records[0]["text"]
