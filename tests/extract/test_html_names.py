"""Names of elements are weak evidence: what holds paragraphs alone, or code, stays."""

from __future__ import annotations

import pytest

from stages.extract.webpage.page import page

FIRST = "Each skipper writes the depth under the keel into a small book, which is kept for years."
SECOND = "By noon the fog had lifted, and the lights of the far shore were seen by all on board."
THIRD = "Nets are mended in the old hall, where ropes hang from the beams to dry through the night."
MORE = "".join(
    f"<p>On day {n} the wind came from the north, and {n} boats lay still.</p>" for n in range(9)
)
NAV = "<nav><a href=/>Home</a></nav>"


def read(body: str) -> str:
    return page(
        f"<html><head><title>T</title></head><body>{NAV}{body}</body></html>".encode()
    ).markdown


@pytest.mark.parametrize("around", ["article", "div"])
@pytest.mark.parametrize(
    "name", ["comments", "comment", "menu", "sidebar", "related", "footer", "ad"]
)
def test_a_name_of_furniture_over_plain_paragraphs_deletes_none(name: str, around: str) -> None:
    inner = f"<div class={name}><p>{SECOND}</p><p>{THIRD}</p></div>"
    told = read(f"<{around}><p>{FIRST}</p>{MORE}{inner}{MORE}</{around}>")
    assert SECOND in told and THIRD in told


@pytest.mark.parametrize(
    "inner",
    [
        f"<div class=comments><p>{SECOND} <a href=/u>Ann</a></p></div>",
        f"<div class=comment><p>{SECOND}</p></div><div class=comment><p>{THIRD}</p></div>",
        f"<div class=comments><p>Ann Lee: {SECOND}</p></div>",
        f"<div class=related><h3>Read more</h3><p>{SECOND} <a href=/a>A long way</a></p></div>",
        f"<div class=newsletter><p>{SECOND} Subscribe to our newsletter.</p><input></div>",
    ],
)
def test_what_links_asks_or_repeats_goes_by_its_name(inner: str) -> None:
    assert SECOND not in read(f"<article><p>{FIRST}</p>{MORE}{inner}{MORE}</article>")


def test_comments_and_footers_at_the_end_of_the_text_go() -> None:
    for name in ("comments", "footer"):
        inner = f"<div class={name}><p>{SECOND}</p></div>"
        assert SECOND not in read(f"<article><p>{FIRST}</p>{MORE}{inner}</article>")


def test_a_heading_comments_over_prose_is_a_heading() -> None:
    body = f"<h2>Comments</h2><p>{SECOND}</p><h2>Names</h2><p>{THIRD}</p>"
    assert "## Comments" in read(f"<article><p>{FIRST}</p>{MORE}{body}</article>")
    readers = f"<h2>Comments</h2><p>Nice!</p><p>{SECOND} <a href=/r>Reply</a></p>"
    assert SECOND not in read(f"<article><p>{FIRST}</p>{MORE}{readers}</article>")


@pytest.mark.parametrize("name", ["comment", "hljs-comment", "token tag", "hs-num", "ad", "nav"])
def test_names_of_tokens_delete_no_code(name: str) -> None:
    code = f'<pre><code>depth = <span class="{name}">12</span> # fathoms\nnext()</code></pre>'
    assert "depth = 12 # fathoms\nnext()" in read(f"<article><p>{FIRST}</p>{code}{MORE}</article>")


def test_numbers_of_a_code_are_no_numbers_of_lines() -> None:
    def num(value: int) -> str:
        return f'<span class="num">{value}</span>'

    code = f"case x of\n  A ->\n    {num(4)}\n  B ->\n    {num(7)}, {num(8)}\n{num(9)}, 1"
    assert "A ->\n    4\n  B ->\n    7, 8\n9, 1" in read(f"<p>{FIRST}</p>{MORE}<pre>{code}</pre>")
    lines = f"{num(8)}case x of\n{num(9)}  A ->\n{num(10)}end"
    assert "```\ncase x of\n  A ->\nend\n```" in read(f"<p>{FIRST}</p>{MORE}<pre>{lines}</pre>")


def test_code_with_a_toolbar_stays_without_it() -> None:
    bar = "<div class=toolbar><button>Copy</button></div>"
    code = f"<div class=code-toolbar><pre><code>cast_off()</code></pre>{bar}</div>"
    told = read(f"<article><p>{FIRST}</p>{code}{MORE}</article>")
    assert "cast_off()" in told and "Copy" not in told


def test_leads_and_ends_in_elements_of_their_own_belong_to_the_text() -> None:
    lead = "<div class=stand>Nobody has seen the old pilot since the storm of last week.</div>"
    end = "<div class=last>He is to be looked for again when the wind has gone down.</div>"
    body = f"<div class=body>{f'<p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p>' * 3}</div>"
    told = read(f"<div class=story>{lead}{body}{end}</div>")
    assert "Nobody has seen" in told and "looked for again" in told


def test_an_element_of_one_paragraph_is_no_region() -> None:
    long = f"{FIRST} {SECOND} {THIRD} " * 2
    parts = [
        f"<div><p>{text}</p></div>" for text in ("It begins with this.", long, "It has an end.")
    ]
    told = read(f"<div class=wrap>{''.join(parts)}</div>")
    assert "It begins with" in told and "It has an end." in told


def test_formulas_of_mathjax_3_stay_by_their_mathml() -> None:
    math = "<math><msup><mi>t</mi><mn>2</mn></msup></math>"
    shown = "<mjx-math aria-hidden=true><mjx-mi>t2</mjx-mi></mjx-math>"
    jax = f"<mjx-container class=MathJax>{shown}<mjx-assistive-mml>{math}</mjx-assistive-mml>"
    told = read(f"<article>{MORE}<p>Depth is {jax}</mjx-container> here.</p></article>")
    assert "Depth is $t^2$ here." in told


def test_in_manuals_sidebars_and_comments_of_what_is_documented_are_text() -> None:
    link = "<a href=knots.html>the chapter on knots</a>"
    head = "<div class=titlepage><p class=title>A word on tar</p></div>"
    sidebar = f"<div class=sidebar>{head}<div class=para>{SECOND} See {link}.</div></div>"
    nav = "<ul class=docnav><li><a href=a>Previous chapter</a></li></ul>"
    told = read(f"{nav}<div class=section><p>{FIRST}</p>{MORE}{sidebar}</div>{nav}")
    assert SECOND in told and "A word on tar" in told and "Previous" not in told
    note = f"<div id=comment class=fullcommenttop><div class=comment><p>{THIRD}</p></div></div>"
    assert THIRD in read(f"<div id=definition><h1>Rope</h1></div>{note}<p>{FIRST}</p>{MORE}")


def test_a_generator_may_name_itself_in_a_comment() -> None:
    body = f"<p>{FIRST}</p>{MORE}<h3>Methods</h3><h4>public void castOff()</h4>"
    said = "<!-- Generated by groovydoc (2.4) on Monday -->"
    assert "castOff" in page(f"<html><head>{said}</head><body>{body}</body></html>".encode()).text


@pytest.mark.parametrize("name", ["terms-of-use", "consent", "cookie-banner", "privacy-policy"])
def test_terms_at_the_edge_of_a_page_go_however_they_are_worded(name: str) -> None:
    terms = f"<div class={name}><p>{SECOND}</p><p>{THIRD}</p></div>"
    told = read(f"<div class=content><p>{FIRST}</p>{MORE}</div>{terms}")
    assert FIRST in told and SECOND not in told
    assert SECOND in read(f"<div class=content><p>{FIRST}</p>{MORE}{terms}<p>{FIRST}</p></div>")
