"""The account of a page's text: what a browser would show is kept, or left out for a reason."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from stages.counts import TextCount
from stages.extract.html import HtmlExtract
from stages.extract.webpage import tree
from stages.extract.webpage.cuts import CUTS
from stages.extract.webpage.decode import decode
from stages.extract.webpage.page import page as read_page
from stages.extract.webpage.tree import words
from stages.gather import Fault, Item
from stages.place import Place
from stages.records import fields

SITE = Path(__file__).parents[2] / "sample_data" / "site"
LINE = "The tide gauge was read twice a day and written down by hand in the harbour book."
PLACE = Place("page.html")
STAGES = (
    HtmlExtract(min_words=0),
    HtmlExtract(min_words=0, format="text", comments="keep"),
    HtmlExtract(min_words=0, selector="p, table, .a"),
)


def shown(data: bytes) -> str:
    """The characters of a page's body, from the parser alone."""
    document = LexborHTMLParser(decode(data).text.replace("\0", ""))
    unseen = ["script", "style", "template", "head", "iframe", "noembed", "noframes"]
    document.strip_tags(unseen, recursive=True)
    return squeezed(document.body.text_lexbor()) if document.body is not None else ""


def squeezed(text: str) -> str:
    return "".join(text.split())


def letters(text: str) -> str:
    """Without the marks of Markdown."""
    return "".join(filter(str.isalnum, text))


def account(stage: HtmlExtract, data: bytes) -> TextCount | None:
    """The account of a page, held against the page, its record and its passages."""
    found = stage.extract(PLACE, data)
    everything = shown(data)
    passages = stage.passages(PLACE, data)
    if isinstance(found, Fault) and found.reason in ("empty", "binary", "markup"):
        assert not passages
        return None
    # Backticks may be marks of code, and those alone cannot be told from the page's.
    told = Counter(squeezed("".join(text for _, text in passages)).replace("`", ""))
    assert told == Counter(everything.replace("`", ""))
    if isinstance(found, Fault):
        assert found.characters == len(everything)
        assert all(reason for reason, _ in passages)
        return None
    count = found.text
    assert count is not None
    assert count.seen == len(everything) == count.kept + sum(count.removed.values())
    texts = [text for record in found.records for _, text in fields(record, "all")]
    assert count.made == sum(map(len, texts))
    assert count.removed.keys() <= stage.cuts.keys()
    removed: Counter[str] = Counter()
    for reason, text in passages:
        removed[reason] += len(squeezed(text).replace("`", ""))
    ticks = everything.count("`")
    for reason, characters in ({"": count.kept} | count.removed).items():
        assert 0 <= characters - removed[reason] <= ticks, reason
    record = letters("".join(texts))
    assert all(letters(text) in record for reason, text in passages if not reason)
    return count


# --- generated pages ----------------------------------------------------------------------------

NAMES = words("nav menu share cookie-notice related sr-only comments main content has-sidebar a")
ATTRIBUTES = st.sampled_from(
    [
        *(f" class={name}" for name in sorted(NAMES)),
        *(f' id="x-{name}"' for name in sorted(NAMES)),
        *(" hidden", " aria-hidden=true", " style='display: none'", ' title="a > b < c"'),
        *(" role=navigation", " role=dialog", " role=banner", " role=tabpanel hidden"),
        *(" href=#x class=headerlink", " href=x", " class=lineno", " colspan=3 rowspan=2"),
        *(" alttext='{\\\\displaystyle x^2}'", " display=block", " hidden id=S:1"),
        *(' href="x""', ' ="x', ' "', " x'y", ' lang=""en>"'),
    ]
)
INLINE = words("a b span code kbd q button label input wbr sup sub")
BLOCKS = words(
    "div p h1 h2 h3 ul ol li table tr td th caption tbody thead pre blockquote section article"
    " main nav footer aside form header dl dt dd dialog menu figure details address"
)
UNREAD = words(
    "svg math select option textarea noscript object canvas audio map script style template"
    " iframe title"
)
TEXT = st.sampled_from(
    [
        *(LINE, LINE, LINE + " " + LINE, "words", "a\xa0b", "&nbsp;", "&amp;lt;", "&lt;p>"),
        *("`", "``", "|", "\\|", "1. x", "# x", " ", "\n", "\u3000潮汐", "Related stories"),
        *("<!-- a > b -->", "<br>", "<hr>", "<img alt=x>", "</div>", "</p>", "</pre>"),
        *("12", "¶", "<img class=tex alt='a+b'>", "<script type=math/tex>v<w</script>"),
        *("\x1c", "\u2028", '"', "<", ">"),
    ]
)


def element(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    tags = st.sampled_from([*sorted(INLINE), *2 * sorted(BLOCKS), *sorted(UNREAD)])
    return st.builds(
        lambda tag, attributes, children, closed: (
            f"<{tag}{''.join(attributes)}>{''.join(children)}" + f"</{tag}>" * closed
        ),
        tags,
        st.lists(ATTRIBUTES, max_size=2),
        st.lists(inner, max_size=4),
        st.integers(0, 9).map(bool),
    )


PAGES = st.lists(st.recursive(TEXT, element, max_leaves=30), max_size=8).map("".join)
HEADS = st.sampled_from(["", "<head><title>A page</title></head>", "<article>"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HEADS, PAGES)
def test_the_text_of_any_page_is_kept_or_left_out_for_a_reason(head: str, page: str) -> None:
    for stage in STAGES:
        account(stage, (head + page).encode())


def test_the_text_of_every_sample_page_is_kept_or_left_out_for_a_reason() -> None:
    told = Counter[str]()
    kept = 0
    for number, path in enumerate(sorted(SITE.rglob("*.html"))):
        for stage in STAGES if number % 10 == 0 else STAGES[:1]:
            count = account(stage, path.read_bytes())
            kept += count is not None
            told.update(count.removed if count else ())
    assert kept > 80 and len(told) > 5


# --- each reason --------------------------------------------------------------------------------

BODY = f"<p>{LINE}</p>" * 6
OF_EACH = {
    "navigation": f"<nav>XX</nav><div role=search>XX</div>{BODY}",
    "aside": f"{BODY}<aside>XX</aside><div role=complementary>XX</div>",
    "footer": f"{BODY}<footer>XX</footer><div role=contentinfo>XX</div>",
    "banner": f"<div role=banner>XXXX</div>{BODY}",
    "form": f"{BODY}<form>X</form><select><option>X</select><textarea>XX</textarea>",
    "notice": f"{BODY}<dialog open>XX</dialog><div role=alert>XX</div>",
    "hidden": f"<p hidden>XX</p>{BODY}<div style='display:none'>X</div><p aria-hidden=true>X</p>",
    "furniture": f"{BODY}<p>{LINE} <span class=sr-only>XX</span></p><div id=x-menu-2>XX</div>",
    "comments": f"{BODY}<div class=comment-list>XXXX</div>",
    "deleted": f"<div class=link><div class=usertext-body>{LINE}</div><a class=author>a</a></div>"
    "<div><p class=usertext-body>[deleted]</p><a class=author>[deleted]</a></div>"
    f"<div><p class=usertext-body>{LINE}</p><a class=author>b</a></div>",
    "outside": f"<article>{BODY}</article><div><p>XXXX</p></div>",
    "links": f"<article>{BODY}<ul><li><a href=x>XXXX</a></ul>{BODY}</article>",
    "related": f"<article>{BODY}<h2>Ebb</h2>{BODY}<h3>See next</h3><p><a href=x>XX</a></article>",
    "title": f"<article><h1>XXXX</h1>{BODY}</article>",
    "heading": f"<article>{BODY}<h2>XXXX</h2></article>",
    "drawing": f"{BODY}<p><svg><text>XX</text></svg> <svg><svg><title>XX</title></svg></svg></p>",
    "formula": f"<p><math><mi>XX</mi><mo>XX</mo></math></p>{BODY}",
    "permalink": f"{BODY}<h2 id=a>Ebb <a class=headerlink href=#a>¶¶¶¶</a></h2>{BODY}",
    "line_number": f"{BODY}<pre><span class=lineno>12</span>a\n<span class=ln>13</span>b</pre>",
    "fallback": f"{BODY}<noscript>XX</noscript><object><object>X</object>X</object>",
    "unread": f"{BODY}<map>XX</map><xmp>X<</xmp>",
    "backticks": f"{BODY}<p>``</p><p><code>``</code></p>",
}


@pytest.mark.parametrize("reason", sorted(CUTS))
def test_every_reason_is_given(reason: str) -> None:
    count = account(HtmlExtract(), OF_EACH[reason].encode())
    assert count is not None
    assert count.removed.get(reason) == (9 if reason in ("related", "deleted") else 4), (
        count.removed
    )


def test_backticks_leave_a_record_of_plain_text() -> None:
    data = f"{BODY}<p>a `b` <code>c</code></p><pre>`d`</pre>".encode()
    marked, plain = (account(HtmlExtract(format=form), data) for form in ("markdown", "text"))
    assert marked is not None and "backticks" not in marked.removed
    assert plain is not None and plain.removed == {"backticks": 2}
    assert marked.kept == plain.kept + 2


ROWS = f"<tr><td>1<td>{LINE}" * 4


@pytest.mark.parametrize(
    "inner",
    [
        f"<table>{ROWS}<tr hidden><td>XX<td>XX</table>",
        f"<table>{ROWS}<tr><td>5<td>a <b hidden>b</b><span hidden>XX</span><td hidden>XX</table>",
        f"<table><caption>a<span hidden>XXXX</span></caption>{ROWS}</table>",
        f"<table><caption hidden>XXXX</caption>{ROWS}</table>",
        f"<table>{ROWS}<tbody hidden><tr><td>XX<td>XX</table>",
        "<pre>a\n<span hidden>XX\n XX</span>b</pre>",
        "<ul><li>a<ul hidden><li>XX</ul><li hidden>XX</ul>",
        "<pre>a</pre><p>a <span hidden>XXXX</span>",
    ],
    ids=["row", "cell", "in caption", "caption", "rows", "code", "list", "inline"],
)
def test_what_is_dropped_within_a_block_is_counted(inner: str) -> None:
    count = account(HtmlExtract(), f"{BODY}{inner}{BODY}".encode())
    assert count is not None and count.removed == {"hidden": 4}


# --- in the counts of a source ------------------------------------------------------------------


def counted(folder: Path, pages: dict[str, str], **parameters: Any) -> TextCount:
    for name, page in pages.items():
        (folder / name).write_text(page, encoding="utf-8")
    stage = HtmlExtract(**parameters)
    total = TextCount()
    for part in stage.parts(str(folder), 1 << 20):
        for split in stage.splits(part, "pages"):
            total.add(split.counts.text)
    return total


def test_the_account_of_a_source_adds_up_its_pages(tmp_path: Path) -> None:
    pages = {
        "kept.html": f"<nav>Home</nav>{BODY}",
        "short.html": "<p>Closed on Mondays.</p><nav>Home</nav>",
        "menu.html": "<ul>" + "<li><a href=/>Some page</a>" * 30 + "</ul>",
    }
    text = counted(tmp_path, pages)
    line = len(squeezed(LINE))
    assert text.removed == {"navigation": 4, "too_short": 20, "no_text": 240}
    assert (text.seen, text.kept) == (6 * line + 264, 6 * line)
    assert text.made == 6 * len(LINE) + 5 * 2


def test_a_page_without_a_match_says_how_much_it_held(tmp_path: Path) -> None:
    text = counted(tmp_path, {"a.html": f"{BODY}<svg><text>XX</text></svg>"}, selector=".price")
    assert text.removed == {"no_match": 6 * len(squeezed(LINE)) + 2}


def test_passages_stand_in_the_order_of_the_page() -> None:
    data = (
        f"<nav>One</nav><article><p>{LINE}</p><svg><text>Two</text></svg>{BODY}"
        f"<p>{LINE}<span class=share>Three</span></p></article><footer>Four</footer>"
    )
    stage = HtmlExtract()
    told = [reason or text for reason, text in stage.passages(PLACE, data.encode())]
    order = ["navigation", LINE, "drawing", *[LINE] * 6, "furniture", LINE, "footer"]
    assert told == order
    found = stage.extract(PLACE, data.encode())
    assert isinstance(found, Item) and found.form.startswith("text ← its main part; meta ←")


@pytest.mark.parametrize(
    "formula",
    [
        "<math>" + "<mi>x</mi><mo>+</mo>" * 2500 + "</math>",
        "<math><mi>x</mi><annotation encoding='application/x-tex'>" + "x+" * 2500
        + "</annotation></math>",
    ],
)  # fmt: skip
def test_a_formula_that_is_too_long_to_be_one_stays_as_it_stands(formula: str) -> None:
    data = f"<article>{BODY}<p>Speed {formula} is told.</p>{BODY}</article>".encode()
    count = account(HtmlExtract(), data)
    assert count is not None and not count.removed
    assert read_page(data).text.count("x+") == 2500


@given(st.text("ab \n\t\u2003\x1c", max_size=60))
def test_a_long_text_is_read_in_pieces_as_a_short_one_is_whole(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        whole = tree.build(f"<body><p>{text}</p></body>")[-1]
        patch.setattr(tree, "_LONG", 7)
        pieces = tree.build(f"<body><p>{text}</p></body>")[-1]
        assert tree.nonspace(text) == len("".join(text.split()))
    assert "".join(map(str, pieces.children)) == "".join(map(str, whole.children))
    assert pieces.nonspace == whole.nonspace == len("".join(text.split()))
