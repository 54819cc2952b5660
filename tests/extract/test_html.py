"""HtmlExtract: what is kept of a page, how, and what becomes of pages without text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.extract.html import HtmlExtract
from stages.extract.webpage import limits
from stages.extract.webpage.page import page

LINE = "The tide gauge was read twice a day and written down by hand in the harbour book."


def body(inner: str, head: str = "") -> bytes:
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'>{head}</head>"
        f"<body>{inner}</body></html>"
    ).encode()


def article(inner: str) -> bytes:
    return body(f"<article><h1>Tides</h1><p>{LINE} {LINE}</p>{inner}<p>{LINE}</p></article>")


def read(folder: Path, data: bytes, **parameters: Any) -> tuple[list[Any], list[Any]]:
    (folder / "page.html").write_bytes(data)
    rejects: list[dict[str, Any]] = []
    return list(HtmlExtract(**parameters)(folder, rejects)), rejects


def test_menus_notices_and_footers_go(tmp_path: Path) -> None:
    data = body(
        "<nav><a href=/>Home page</a></nav><div class='cookie-banner'>We use cookies here.</div>"
        f"<article><p>{LINE}</p><p>{LINE}</p></article>"
        "<div class=related><a href=/x>Another story</a></div><footer>Imprint 2024</footer>"
    )
    kept, rejects = read(tmp_path, data)
    assert [record["text"] for record in kept] == [f"{LINE}\n\n{LINE}"]
    assert not rejects


def test_lists_tables_code_and_quotations_keep_their_form() -> None:
    found = page(
        article(
            "<h2>Steps</h2><ol start=3><li>Read the <code>gauge</code><ul><li>at ebb</ul>"
            "<li>Write it down</ol><table><tr><th>Day<th>Feet<tr><td>Monday<td>3|4</table>"
            "<pre><code class='language-python'>for a in b:\n    print(a)\n</code></pre>"
            "<blockquote><p>A tide waits for nobody at all.</p></blockquote>"
        )
    )
    assert found.markdown == "\n".join(
        [
            f"{LINE} {LINE}",
            "",
            "## Steps",
            "",
            "3. Read the `gauge`",
            "    - at ebb",
            "4. Write it down",
            "",
            "| Day | Feet |",
            "| --- | --- |",
            "| Monday | 3\\|4 |",
            "",
            "```python",
            "for a in b:",
            "    print(a)",
            "```",
            "",
            "> A tide waits for nobody at all.",
            "",
            LINE,
        ]
    )


def test_meta(tmp_path: Path) -> None:
    head = (
        "<title>Tides of the sound - Harbour News</title>"
        "<meta property='og:site_name' content='Harbour News'>"
        "<meta name=author content='Ada Quill'><meta name=description content='On tides.'>"
        "<meta property='article:published_time' content='2024-3-9T10:00:00Z'>"
        "<link rel=canonical href='https://harbour.example/tides'>"
    )
    inner = f"<h1>Tides of the sound</h1><article><p>{LINE}</p><p>{LINE}</p></article>"
    kept, _ = read(tmp_path, body(inner, head))
    assert json.loads(kept[0]["meta"]) == {
        "title": "Tides of the sound",
        "author": "Ada Quill",
        "date": "2024-03-09",
        "language": "en",
        "url": "https://harbour.example/tides",
        "description": "On tides.",
        "site": "Harbour News",
    }


def test_an_empty_shell_and_a_menu_say_why(tmp_path: Path) -> None:
    kept, rejects = read(tmp_path, body("<div id=app></div><script>run()</script>"))
    assert not kept and rejects[0]["reason"] == "needs_script"
    assert json.loads(rejects[0]["evidence"]) == {"characters": 0, "in_links": 0, "scripts": 1}
    kept, rejects = read(tmp_path, body("<ul>" + "<li><a href=/>Some page</a>" * 30 + "</ul>"))
    assert not kept and rejects[0]["reason"] == "no_text"


def test_too_short_says_how_short(tmp_path: Path) -> None:
    _, rejects = read(tmp_path, body(f"<article><p>{LINE}</p></article>"), min_words=30)
    assert rejects[0]["reason"] == "too_short"
    assert json.loads(rejects[0]["evidence"]) == {"score": 17, "limit": 30}


def test_chinese_has_words_without_spaces(tmp_path: Path) -> None:
    line = "去年夏天，学生们参观了森林旁边的博物馆，老师非常满意。"
    kept, rejects = read(tmp_path, body(f"<article><p>{line}</p><p>{line}</p></article>"))
    assert len(kept) == 1 and not rejects


@pytest.mark.parametrize(
    "before",
    [
        "<div>" * 20_000,
        "<div " + " ".join(f"a{n}=v" for n in range(30_000)) + ">",
        "<select>" + "<option>x" * 20_000 + "</select>",
        "".join(f"<font color=c{n}>" for n in range(2000)) + "<p>w</p>" * 2000,
    ],
    ids=["depth", "attributes", "options", "formatting"],
)
def test_bounds_hold_and_the_text_stays(before: str) -> None:
    capped = limits.capped(before)
    assert len(capped) < len(before) / 2
    assert LINE in page(f"<body>{before}<article><p>{LINE}</p></article>".encode()).text


def test_bounds_change_nothing_on_common_pages() -> None:
    drawing = "<svg>" + "<path d='m0'/>" * 2000 + "</svg>"
    script = "<script>" + "if (a<b) { c('<div>') }" * 2000 + "</script>"
    text = f"<body>{drawing}{script}" + "<p><b>x</b> y" * 2000 + "</body>"
    assert limits.capped(text) == text


@pytest.mark.parametrize(
    ("declared", "line"),
    [
        ("iso-8859-2", "Zażółć gęślą jaźń, powiedział rybak do kota na przystani."),
        ("windows-1251", "Съешь же ещё этих мягких французских булок, да выпей чаю."),
        ("iso-8859-7", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία στο λιμάνι."),
        ("shift_jis", "潮の高さは一日に二度、港の帳面に手で書かれました。"),
        # Which no guess comes to.
        ("iso-8859-3", "Ĉiuj ŝipoj de la haveno estas ŝanĝitaj, diris la fiŝkaptisto."),
    ],
)
def test_a_page_is_read_in_the_charset_that_it_declares(declared: str, line: str) -> None:
    for form in ("<meta charset={}>", "<meta http-equiv=x content='text/html; charset={}'>"):
        data = f"{form.format(declared)}<body><article><p>{line}</p><p>{line}</p></article>"
        assert line in page(data.encode(declared)).text


@pytest.mark.parametrize(
    ("declared", "charset"),
    [("utf-8", "cp1252"), ("iso-8859-1", "cp1252"), ("gb2312", "gb18030"), ("utf-16", "utf-8")],
)
def test_a_wrong_label_does_not_spoil_the_text(declared: str, charset: str) -> None:
    line = (
        "去年夏天，学生们参观了博物馆。"
        if charset == "gb18030"
        else "Über schöne Straßen führt es."
    )
    data = f"<meta charset={declared}><body><article><p>{line}</p><p>{line * 5}</p></article>"
    assert line in page(data.encode(charset)).text


TAGS = "div p b a href=x table tr td ul li pre code script svg h1 br blockquote !-- title select"
MARKUP = st.lists(
    st.one_of(
        st.sampled_from([f"<{end}{tag}>" for tag in TAGS.split() for end in ("", "/")]),
        st.sampled_from(["-->", "&", "&amp;", "<", '"', "' ", "<ol start=9>", "words ", LINE]),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(MARKUP, st.binary(max_size=40))
def test_no_markup_raises(pieces: list[str], noise: bytes) -> None:
    found = page("".join(pieces).encode() + noise)
    assert bool(found.text) == (found.reason is None)


@pytest.mark.parametrize("isolate", [False, True])
def test_a_page_without_text_is_dropped_and_a_broken_one_fails(
    tmp_path: Path, isolate: bool
) -> None:
    (tmp_path / "menu.html").write_text("<nav>" + "<a href='/'>Another page</a> " * 30 + "</nav>")
    (tmp_path / "picture.html").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    rejects: list[dict[str, Any]] = []
    assert list(HtmlExtract()(tmp_path, rejects, isolate=isolate)) == []
    assert {row["reason"]: row["failed"] for row in rejects} == {"no_text": False, "binary": True}


def test_a_selector_is_full_css_and_takes_an_element_once(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        "<div class=a>Outer words stand here.<div class=a>Inner words stand here.</div></div>"
        "<p>Left out.</p><section><h2>Tides</h2><p>Chosen by its heading.</p></section>"
    )
    stage = HtmlExtract(selector="div.a, section:has(> h2)", min_words=1, format="text")
    (record,) = stage(tmp_path)
    assert record["text"].count("Inner words") == 1 and "Left out" not in record["text"]
    assert "Chosen by its heading." in record["text"]


@pytest.mark.parametrize(
    ("head", "inner", "title"),
    [
        ("<title>Low water | Harbour board</title>", "<h1>Harbour board</h1>", "Low water"),
        ("<title>Low water</title>", "<h1>Home</h1>", "Low water"),
        (
            "<title>The board's tide - Harbour</title>",
            "<h1>The board’s tide</h1>",
            "The board's tide",
        ),
        ("<title>Low water - Quay</title>", "<h1>Low water ¶</h1>", "Low water"),
        ("<meta property=og:title content='Low &amp;amp; high'>", "", "Low & high"),
    ],
)
def test_the_title_is_that_of_the_page_and_not_of_the_site(
    head: str, inner: str, title: str
) -> None:
    assert page(body(f"{inner}<p>{LINE}</p>", head)).title == title


@pytest.mark.parametrize(
    ("inner", "author"),
    [
        ("<p class=byline>By <a href=/a>Ada Quay</a>, pilot</p>", "Ada Quay"),
        ("<p class=author>Written by: Ada Quay</p>", "Ada Quay"),
        ("<div itemprop=author>Ada Quay 12 <span itemprop=name>Ada Quay</span></div>", "Ada Quay"),
        ("<a href=/author/ada>Ada Quay</a>", "Ada Quay"),
        ("<p class=author>https://quay.example</p>", ""),
    ],
)
def test_who_wrote_a_page_stands_in_what_is_called_so(inner: str, author: str) -> None:
    assert page(body(f"{inner}<p>{LINE}</p>")).author == author


@pytest.mark.parametrize(
    ("inner", "date"),
    [
        ("<time datetime=2024-03-04T10:00>then</time>", "2024-03-04"),
        ("<p class=post-date>March 4th, 2024</p>", "2024-03-04"),
        ("<span class=entry-date>4 Mar. 2024</span>", "2024-03-04"),
        ("<header><h1>Tides</h1><p>Mar 4, 2024</p></header>", "2024-03-04"),
        ("<p class=date>March 44, 2024</p>", ""),
        ("<p>In March 4, 2024 the bar moved.</p>", ""),
    ],
)
def test_the_day_of_a_page_is_marked_or_stands_beside_its_heading(inner: str, date: str) -> None:
    assert page(body(f"<main><div><div>{inner}</div></div><p>{LINE}</p></main>")).date == date


def test_who_opened_a_topic_wrote_the_page() -> None:
    posts = "".join(
        f"<div id=p{n} class=post><a class=username>{who}</a><div class=postbody>"
        f"<div class=content>{LINE}</div></div></div>"
        for n, who in enumerate(("Ada", "Bruno"))
    )
    data = f"<body class=phpbb id=phpbb><p class=author>Board</p>{posts}".encode()
    assert page(data).author == "Ada"
