"""The look at all tags of a page at once: never more hopeful than reading tag by tag."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.extract.webpage import limits, scan
from stages.extract.webpage.page import page

LINE = "The quick survey of harbour lights was finished in March by the crew of two boats."

_PIECES = st.sampled_from(
    [
        *("<b>", "</b>", "<B\tid=x>", "<a href='x'>", "</a>", '<a title="it\'s>">', "<i class=a>"),
        *("</i>", "<div>", "</div>", "<DIV class='a b'>", "<section>", "</section >", "<li>"),
        *("<option>", "</option>", "<script>", "</script>", "<svg>", "</SVG>", "<textarea>"),
        *(
            "</textarea>",
            "<style>",
            "</style>",
            "text",
            "é",
            "<",
            ">",
            '"',
            "'",
            "<br/>",
            "<strong",
        ),
        *("<font size=\"2\" face='y'>", "<!-- ", " -->", "<b title='</b>'>", "<p a b c d e f g>"),
        *(
            '<p title="a b c d e f">',
            "<blockquotes>",
            "<textareas>",
            "<customs-x>",
            "</",
            "<small/>",
        ),
    ]
)


@given(st.lists(_PIECES, max_size=60).map("".join))
def test_what_is_found_within_bounds_is_so_tag_by_tag(text: str) -> None:
    found = scan.Tags(text)
    reopened = found.reopened(limits._TAG_SIZE)
    assert reopened is None or reopened >= limits._reopened(text)
    attributes = found.few_attributes(4)
    assert not attributes or max(map(_attributes, _tags(text)), default=0) <= 4


@given(st.lists(_PIECES, max_size=60).map("".join))
def test_what_is_shallow_stays_as_it_is(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "DEPTH", 3)
        patch.setattr(limits, "FORMATTING", 2)
        patch.setattr(limits, "OPTIONS", 2)
        if scan.Tags(text).shallow(3, 2, 2):
            assert limits._flattened(text) == text


def test_pages_at_a_bound_are_told_apart() -> None:
    assert scan.Tags("<div>" * 9 + "</div>" * 9).shallow(9, 60, 9)
    assert not scan.Tags("<div>" * 10).shallow(9, 60, 9)
    assert scan.Tags("<script>" + "<div>" * 10 + "</script>").shallow(9, 60, 9)
    assert not scan.Tags("</div>" * 9 + "<div>" * 10).shallow(9, 60, 9)
    assert not scan.Tags("<b>" * 10).shallow(60, 9, 60)
    assert not scan.Tags("<option>" * 10).shallow(60, 60, 9)
    many = "<p " + " ".join(f"a{n}=v" for n in range(1001)) + ">"
    assert not scan.Tags(many).few_attributes(1000)
    assert scan.Tags(many).few_attributes(1001)
    # a value of a thousand words is one attribute
    assert scan.Tags(f'<p title="{"word " * 1500}">').few_attributes(1)


def test_a_tag_that_a_quotation_hides_is_not_trusted() -> None:
    hidden = "<b title=\"x></b>\" id='1'>" * 500 + "<p>" * 9000
    found = scan.Tags(hidden).reopened(limits._TAG_SIZE)
    assert found is None
    assert limits._reopened(hidden) > limits.REOPENED


def test_an_apostrophe_in_a_tag_ends_no_page() -> None:
    names = " ".join(f"word{number}" for number in range(1500))
    text = f"<body><p data-note=it's>{names}</p><article><p>{LINE}</p></article></body>"
    assert LINE in page(text.encode()).text


def test_a_day_far_behind_the_heading_is_not_the_pages() -> None:
    for often, day in ((2, "2021-03-04"), (12, "")):
        words = "It was a long day. " * often
        body = f"<div><h1>Lights</h1><b>{words}4 March 2021 {LINE}</b></div><p>{LINE}</p>"
        assert page(f"<body>{body}</body>".encode()).date == day


def test_a_page_holds_no_tree_but_for_its_passages() -> None:
    raw = f"<body><nav>Home and more</nav><p>{LINE}</p></body>".encode()
    kept, traced = page(raw), page(raw, trace=True)
    assert kept.content is not None and traced.content is not None
    assert all(block.node is None for block in kept.content.blocks)
    assert kept.counted(True) == traced.counted(True)
    assert ("navigation", "Home and more") in traced.passages(True)


def _tags(text: str) -> list[str]:
    return [text[one.start() :].partition(">")[0] for one in limits._NAME.finditer(text)]


def _attributes(tag: str) -> int:
    return 0 if '"' in tag or "'" in tag or "<" in tag[1:] else len(tag[1:].split()) - 1
