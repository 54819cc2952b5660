"""What pages hold that is easily lost or easily kept: names, regions, formulas, tables, forums."""

from __future__ import annotations

import time

import pytest

from stages.extract.webpage.page import page

FIRST = (
    "The pilot boat went out before dawn, and nobody on the quay could say when it would be back."
)
LAST = (
    "By evening the fog had lifted, so that the far shore and its two lights were seen once more."
)
PROSE = (
    "Each skipper writes the depth under the keel into a small book, which is checked in spring."
)


def text(inner: str, wrap: str = "article", head: str = "") -> str:
    body = f"<{wrap}><h1>Pilots</h1><p>{FIRST}</p><p>{PROSE}</p>{inner}<p>{LAST}</p></{wrap}>"
    return page(
        f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode()
    ).markdown


# --- names --------------------------------------------------------------------------------------

WORDS = "menu share related cookies newsletter login sidebar paywall pagination ads byline search"


@pytest.mark.parametrize("word", WORDS.split())
@pytest.mark.parametrize("name", ["id", "class"])
def test_a_section_of_prose_stays_whatever_it_is_called(word: str, name: str) -> None:
    section = (
        f"<section {name}={word}><h2>The {word} of a pilot</h2><p>{PROSE} Twice.</p></section>"
    )
    for wrap in ("article", "main", "div"):
        assert f"## The {word} of a pilot\n\n{PROSE} Twice." in text(section, wrap)


@pytest.mark.parametrize("name", ["{}-syntax", "example {}-example", "the_{}_method"])
@pytest.mark.parametrize("word", ["comment", "footer", "related", "disqus", "share"])
def test_names_that_speak_of_what_the_text_is_about_drop_nothing(name: str, word: str) -> None:
    section = f"<div class='{name.format(word)}'><p>{PROSE}</p><pre>x = 1</pre></div>"
    text = page(f"<body><h1>Words</h1><p>{FIRST}</p>{section}<p>{LAST}</p>".encode()).text
    assert PROSE in text and FIRST in text and LAST in text


def test_headings_and_paragraphs_are_never_dropped_by_name() -> None:
    found = text(f"<h2 class=share id=login>Lights</h2><p class=paywall>{PROSE} Thrice.</p>")
    assert f"## Lights\n\n{PROSE} Thrice." in found


LARGE = "".join(f"<p>Clause {number} of the harbour's imprint. {PROSE}</p>" for number in range(12))


@pytest.mark.parametrize(
    "furniture",
    [
        f"<footer>{LARGE}</footer>",
        f"<div class=site-footer>{LARGE}</div>",
        f"<div role=dialog class=consent>{LARGE}</div>",
        f"<div class=terms-of-service>{LARGE}</div>",
        "<div class=cookie-bar><p>We use cookies, as Clause 7 says. By using this site you agree"
        " to them.</p><button>Accept</button></div>",
        f"<div class=newsletter><p>Clause 1: sign up for our newsletter. {PROSE}</p></div>",
        "<div class=related><h3>Related</h3><a href=a>Clause of another page</a></div>",
    ],
)
def test_furniture_goes_however_large_it_is(furniture: str) -> None:
    data = f"<body><div class=post><p>{FIRST}</p><p>{PROSE}</p><p>{LAST}</p></div>{furniture}"
    found = page(data.encode()).text
    assert LAST in found and "Clause" not in found


# --- teasers ------------------------------------------------------------------------------------

LINKS = (
    "<ul><li><a href=a>How three men crossed the sound in a leaking boat</a></li>"
    "<li><a href=b>Why the old buoy was never found again</a></li></ul>"
)


@pytest.mark.parametrize(
    "heading",
    [
        *("Related stories", "Mehr zum Thema", "À lire aussi", "Te puede interesar"),
        *("Zobacz też", "相关阅读", "Читайте также", "Leggi anche", "関連記事"),
    ],
)
def test_a_box_of_teasers_goes_and_takes_nothing_else(heading: str) -> None:
    found = text(f"<div><h3>{heading}</h3>{LINKS}</div><p>{PROSE} Once.</p>")
    assert "leaking" not in found and heading not in found
    assert f"{PROSE} Once." in found and LAST in found


@pytest.mark.parametrize("links", [LINKS, "<p><a href=a>A leaking boat</a></p>"])
def test_a_heading_whose_links_go_is_not_left_alone(links: str) -> None:
    found = text(f"<h3>Related stories</h3>{links}<h2>Ebb</h2><p>{PROSE} Once.</p>")
    assert "leaking" not in found and "Related" not in found
    assert f"## Ebb\n\n{PROSE} Once." in found


@pytest.mark.parametrize("heading", ["Related work", "Recent results", "Cookies", "Subscribe"])
def test_a_heading_over_prose_is_a_heading(heading: str) -> None:
    assert f"## {heading}\n\n{PROSE} Once." in text(f"<h2>{heading}</h2><p>{PROSE} Once.</p>")


def test_a_list_of_links_that_the_text_announces_stays() -> None:
    assert "- Why the old buoy" in text(f"<p>{PROSE} These tell more:</p>{LINKS}")
    assert "leaking" not in text(LINKS)


# --- region -------------------------------------------------------------------------------------


def test_short_lines_are_the_page_and_no_paragraph_among_them() -> None:
    lines = "".join(f"<p>Verse {number} of it</p>" for number in range(20))
    found = page(f"<body><div class=song><h2>Shanty</h2>{lines}<p>{PROSE}</p></div>".encode()).text
    assert "Verse 0 of" in found and "Verse 19 of" in found and PROSE in found


def test_leads_and_ends_beside_the_core_stay() -> None:
    core = f"<div class=body><p>{PROSE}</p>{f'<p>{FIRST}</p>' * 8}</div>"
    found = text(
        f"<div class=lead><p>Two boats were lost.</p></div>{core}<div><p>All slept.</p></div>"
    )
    assert "Two boats were lost." in found and "All slept." in found


# --- what was not read --------------------------------------------------------------------------


def test_text_that_stands_in_noscript_or_is_streamed() -> None:
    posts = "".join(f"<div><p>{number}. {PROSE}</p></div>" for number in range(4))
    assert f"3. {PROSE}" in page(f"<body><noscript>{posts}</noscript>".encode()).text
    assert f"3. {PROSE}" in page(f"<body><div hidden id=S:0>{posts}</div>".encode()).text
    assert "Turn it on" not in text("<noscript><p>Turn it on to see this page.</p></noscript>")


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        (
            "<span class=katex><math><semantics><mi>v</mi><annotation encoding='application/x-tex'>"
            "v = s/t</annotation></semantics></math><span aria-hidden=true>v=s/t</span></span>",
            "$v = s/t$",
        ),
        ("<span class=MathJax>v</span><script type='math/tex'>v<w</script>", "$v<w$"),
        ("<math><mfrac><mi>s</mi><mi>t</mi></mfrac></math>", r"$\frac{s}{t}$"),
        (
            "<span class=mwe-math-element><span style='display:none'><math alttext='{\\displaystyle"
            " t^{2}}'><mi>t</mi></math></span><img class=mwe-math-fallback-image-inline"
            " alt='{\\displaystyle t^{2}}'></span>",
            "$t^{2}$",
        ),
        ("<img class=latex alt='a+b'>", "$a+b$"),
        ("<math alttext='4.5'><mn>4.5</mn></math>", "4.5"),
    ],
)
def test_formulas_are_latex(formula: str, latex: str) -> None:
    assert f"speed {latex} here." in text(f"<p>The speed {formula} here.</p>")


def test_a_formula_stays_where_the_choice_is_made_again() -> None:
    forms = f"<form><p>{PROSE} {LAST}</p></form>" * 4
    formula = "<math alttext='v=s/t'><mi>v</mi></math>"
    data = f"<body><article><p>The speed {formula} here. {PROSE}</p>{forms}</article>"
    found = page(data.encode()).text
    assert "The speed $v=s/t$ here." in found and LAST in found


def test_powers_indices_and_notes_are_not_glued() -> None:
    note = "so<sup><a href=n>4</a></sup>"
    line = "2<sup>10</sup>, H<sub>2</sub>O, x<sup>n+1</sup>, 3<sup>rd</sup>"
    assert "2^10, H_2O, x^(n+1), 3rd, so[4]" in text(f"<p>{line}, {note}</p>")


def test_no_break_spaces_are_spaces() -> None:
    found = text(f"<h2>2.&nbsp;<span>Sails</span></h2><p>Use&#160;<b>one</b>. {PROSE}</p>")
    assert "## 2. Sails" in found and "Use one." in found


def test_spans_leave_cells_empty_and_code_in_cells_is_data() -> None:
    table = (
        "<table><tr><th colspan=2>Boat</th><th>Crew</th></tr><tr><td rowspan=2>Ida</td><td>old</td>"
        "<td><pre>run(1)\nstop()</pre></td></tr><tr><td>new</td><td>5</td></tr></table>"
    )
    rows = (
        "| Boat |  | Crew |\n| --- | --- | --- |\n| Ida | old | run(1)<br>stop() |\n|  | new | 5 |"
    )
    assert rows in text(table)


@pytest.mark.parametrize(
    "code",
    [
        "<pre><span class=lineno>1</span>a = 1\n<span class=lineno>2</span>b = 2</pre>",
        "<table class=highlighttable><tr><td class=linenos><pre>1\n2</pre></td>"
        "<td class=code><pre>a = 1\nb = 2</pre></td></tr></table>",
        "<table class=highlight><tr><td class=blob-num>1</td><td>a = 1</td></tr>"
        "<tr><td class=blob-num>2</td><td>b = 2</td></tr></table>",
        "<div><div class=gutter>1<br>2</div><pre>a = 1\nb = 2</pre></div>",
    ],
)
def test_lines_of_code_have_no_numbers(code: str) -> None:
    found = text(code)
    assert "```\na = 1\nb = 2\n```" in found and "\n1" not in found


def test_words_in_controls_and_notes_beside_are_text() -> None:
    found = text(
        "<p>Pull <button>Stop</button> at once.</p><p><button>Load more</button></p>"
        f"<aside class=note><p>Never sail alone.</p></aside>"
        f"<h3><button>Why not?</button></h3><p>{PROSE}</p>"
    )
    assert "Pull Stop at once." in found and "Load more" not in found
    assert "Never sail alone." in found and "### Why not?" in found


def test_text_beside_a_control_begins_a_sentence_or_is_none() -> None:
    div = "<div>Then pull it with both hands <button>Stop</button></div>"
    assert "both hands Stop" in text(div)
    assert "Stop" not in text("<div><button>Stop</button> Then pull it with both hands</div>")
    assert "Stop" not in text("<p>Pull <button>Stop</button></p>")


@pytest.mark.parametrize(
    "one", ["<button>Go</button> and ", "<i class=lineno>1</i><span class=lineno>1</span> "]
)
@pytest.mark.parametrize("around", ["p", "div"])
def test_many_controls_and_numbers_in_one_element_take_no_square_of_time(
    around: str, one: str
) -> None:
    data = f"<article><p>{PROSE}</p><{around}>They say {one * 20_000}</{around}></article>".encode()
    begin = time.process_time()
    assert PROSE in page(data).text
    assert time.process_time() - begin < 5


def test_signs_that_link_to_a_heading_go() -> None:
    found = text(f"<h2>Knots <a class=headerlink href=#k>¶</a></h2><p>{PROSE}</p>")
    assert "## Knots\n" in found and "¶" not in found
    table = "<table><tr><td><a href=p>Prev</a><td>Ropes</table>"
    navigation = f"<div class=navheader>{table}</div>"
    assert "Ropes" not in text(navigation, "div")


# --- XHTML and kinds ----------------------------------------------------------------------------


def test_elements_that_xml_closes_hold_nothing() -> None:
    data = (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/>'
        f'<script src="a"/></head><body><p>{FIRST}</p><noscript/><p><a id="p2"/>{PROSE}</p>'
        f"<p><![CDATA[a < b]]></p><p>{LAST}</p></body></html>"
    )
    assert page(data.encode()).text == "\n".join([FIRST, PROSE, "a < b", LAST])


def test_a_charset_in_a_comment_or_a_description_is_none() -> None:
    line = "Лоцман вышел в море ещё до рассвета, и никто не знал, когда он вернётся."
    for before in ("<!-- <meta charset=koi8-r> -->", "<meta name=a content='charset=koi8-r'>"):
        data = f"{before}<meta charset=windows-1251><body><p>{line}</p>".encode("cp1251")
        assert page(data).text == line


@pytest.mark.parametrize("charset", ["euc_jp", "cp932"])
def test_japanese_that_declares_nothing(charset: str) -> None:
    line = "水先案内の船は夜明け前に出て、いつ戻るのかは港の誰にもわかりませんでした。"
    assert page(f"<body><p>{line}</p><p>{line}</p>".encode(charset)).text == f"{line}\n{line}"


def posts(name: str) -> str:
    return "".join(
        f"<div class='{name}'><div class=author><a href=u>pilot{number}</a></div>"
        f"<div class=content>"
        f"<p>{number}. {PROSE}</p></div></div>"
        for number in range(4)
    )


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("<meta name=generator content='phpBB'><meta property=og:type content=article>", "post"),
        ("<meta property=og:type content=article>", "message-body"),
    ],
)
def test_the_replies_of_a_forum_are_its_text(head: str, name: str) -> None:
    data = (
        f"<html><head>{head}</head><body><h2>Lost buoy</h2><div class=replies>{posts(name)}</div>"
    )
    found = page(data.encode()).text
    assert f"0. {PROSE}" in found and f"3. {PROSE}" in found


def test_a_page_of_questions_is_no_forum() -> None:
    told = '{"@type":"FAQPage","mainEntity":[{"@type":"Question","name":"Why?"}]}'
    head = f'<script type="application/ld+json">{told}</script>'
    assert "Reader" not in text(f"<div class=comments><p>Reader: {PROSE}</p></div>", head=head)


# --- products and pages of many sections --------------------------------------------------------

OF_PRODUCT = '<script type="application/ld+json">{"@type": "Product", "name": "Lamp"}</script>'


def sections(*parts: tuple[str, str], head: str = "") -> str:
    inner = "".join(
        f"<section><div><h2>{title}</h2><p>{told}</p></div></section>" for title, told in parts
    )
    return page(f"<html><head>{head}</head><body>{inner}</body></html>".encode()).text


REVIEW = "It lit the whole deck, and we had it on each night of the winter."


@pytest.mark.parametrize("heading", ["Reviews", "Customer reviews", "Ratings and reviews"])
def test_reviews_of_a_product_are_what_readers_wrote(heading: str) -> None:
    parts = (("Deck lamp", FIRST), (heading, REVIEW), ("Care", LAST))
    of_product = sections(*parts, head=OF_PRODUCT)
    assert FIRST in of_product and LAST in of_product and REVIEW not in of_product
    if heading == "Reviews":  # of another page it may be what it is about
        assert REVIEW in text(f"<h2>{heading}</h2><p>{REVIEW}</p><h2>Care</h2>")


def test_the_name_of_a_product_is_no_notice() -> None:
    parts = (("Cookies and cream", FIRST), ("Care", LAST))
    assert FIRST in sections(*parts, head=OF_PRODUCT)


@pytest.mark.parametrize(
    "heading", ["Related items to explore", "More like this", "You may also like", "相关商品"]
)
def test_lists_of_other_things_are_no_section_of_a_page(heading: str) -> None:
    cards = "".join(
        f"<a href=/{name}><h3>{name} lamp</h3><p>From 9.99 in four colours</p></a>"
        for name in ("Masthead", "Stern", "Anchor", "Cabin")
    )
    lists = f"<section><div><h2>{heading}</h2><div>{cards}</div></div></section>"
    inner = "".join(
        f"<section><div><h2>Part {number}</h2><p>{told} {number}.</p></div></section>"
        for number, told in enumerate((FIRST, PROSE, LAST))
    )
    found = page(f"<body>{inner}{lists}<section><p>{PROSE}</p></section></body>".encode()).text
    assert "Masthead" not in found and FIRST in found and LAST in found and found.endswith(PROSE)
