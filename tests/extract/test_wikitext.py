"""Wikitext as Markdown: what stays, what goes and is counted, and text that closes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.extract.xmldump.wikilines import markdown


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("'''Tides''' and ''ebb''.", "**Tides** and *ebb*."),
        ("'''''both'''''", "***both***"),
        ("it''s", "it*s"),
        ("[[sea level|rise]]s of [[water]]", "rises of water"),
        ("[[:Category:Sea]]", "Category:Sea"),
        ("[https://x.org the page], [https://y.org]", "the page, https://y.org"),
        ("[not a link]", "[not a link]"),
        ("== Cause ==\nThe Moon.\n=== Sun ===\nLess.", "## Cause\n\nThe Moon.\n\n### Sun\n\nLess."),
        ("* one\n** two\n* three", "- one\n    - two\n- three"),
        ("* one\n# first\n# second\n\n# first", "- one\n1. first\n2. second\n\n1. first"),
        ("#* a\n#* b\n# c", "    - a\n    - b\n2. c"),
        ("; Term\n: what it is", "**Term**\n\nwhat it is"),
        (
            "; [[Sail]] : a cloth, as http://l.test says",
            "**Sail**\n\na cloth, as http://l.test says",
        ),
        ("H<sub>2</sub>O, 10<sup>2</sup>", "H_2O, 10^2"),
        ("<math>a = b</math>", "$a = b$"),
        ("<nowiki>''x''</nowiki>", "''x''"),
        ("a &amp; b&nbsp;c", "a & b c"),
        ("a<br>b", "a\nb"),
        ("{{lang|fr|marée}} {{convert|5|km|mi}} {{nowrap|a b}}", "marée 5 km a b"),
        ("''{{lang|fr|x|y=z}}''", "*x*"),
        ("----\nBelow", "Below"),
        ("__NOTOC__text", "text"),
        ("<code>x</code>", "`x`"),
        ("{{{param|x}}} kept", "kept"),
        ("x{{a|{{b|[[c]]}}|d}}y", "xy"),
        ("-{zh}- text", "zh text"),
    ],
)
def test_what_stays(source: str, made: str) -> None:
    assert markdown(source).markdown == made


def test_programs_keep_their_lines_and_signs() -> None:
    source = (
        "a\n<syntaxhighlight lang=\"python\">\nif x == '':\n    # [[no]] {{x}}\n</syntaxhighlight>"
    )
    assert markdown(source).markdown == "a\n\n```python\nif x == '':\n    # [[no]] {{x}}\n```"
    assert markdown('<syntaxhighlight inline lang="c">x</syntaxhighlight>').markdown == "`x`"


def test_tables_are_rows_of_one_width() -> None:
    source = (
        '{| class="wikitable"\n|+ Heights\n! Day !! High\n|-\n| Mon || 4 [[m|metres]]\n|-\n'
        '| style="x" | Tue\n| colspan="2" | five\nor six\n|-\n| || \n|}\nBelow'
    )
    assert markdown(source).markdown == (
        "Heights\n\n| Day | High |  |\n| --- | --- | --- |\n| Mon | 4 metres |  |\n"
        "| Tue | five or six |  |\n\nBelow"
    )
    inner = "{|\n| a\n|\n{|\n| b || c\n|}\n| d\n|}"
    assert markdown(inner).markdown == "| a | b || c | d |\n| --- | --- | --- |".replace(
        "||", "\\|\\|"
    )


def test_what_goes_is_counted_by_its_kind() -> None:
    source = (
        "{{Infobox|a=b}}<!-- no -->Text<ref name=x>Book</ref><ref name=x /> [[File:A.jpg|thumb|On "
        "[[noon]]]] [[Datei:B.jpg]]\n== Notes ==\n<references/>\n[[Category:Sea|x]] [[de:Meer]]"
    )
    made = markdown(source)
    assert made.markdown == "Text" and made.categories == ["Sea"]
    assert made.removed == {
        "template": len("{{Infobox|a=b}}"),
        "comment": len("<!--no-->"),
        "ref": len("<refname=x>Book</ref><refname=x/><references/>"),
        "media": len("[[File:A.jpg|thumb|On[[noon]]]][[Datei:B.jpg]]"),
        "heading": len("Notes"),
        "category": len("[[Category:Sea|x]]"),
        "interwiki": len("[[de:Meer]]"),
        "markup": 4,
    }
    assert made.kept + sum(made.removed.values()) == len("".join(source.split()))


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("{{a", "{{a"),
        ("[[b|c", "[[b|c"),
        ("a }} b ]] c", "a }} b ]] c"),
        ("<ref>x", "x"),
        ("<math>a", "a"),
        ("{|\n| x", "| x |\n| --- |"),
        ("|}", "|}"),
        ("{{a [[b}} c", "c"),
        ("[[a {{b]] c", "[[a {{b]] c"),
        ("<!-- never closed", ""),
        ("[http://x y", "[http://x y"),
    ],
)
def test_what_is_not_closed_is_text(source: str, made: str) -> None:
    assert markdown(source).markdown == made


SIGNS = st.lists(
    st.sampled_from(
        ["{{", "}}", "}}}", "{{{", "[[", "]]", "[http://x ", "]", "|", "'''", "''", "\n", "* ",
         "== ", " ==", "{|", "|}", "|-", "! ", "||", "<ref>", "</ref>", "<nowiki>", "</nowiki>",
         "<math>", "</math>", "<!--", "-->", "word", "File:a", "Category:b", "&amp;", "\x00",
         "lang", "convert|1|m", "<br>", "<pre>", "</pre>", "`", "= ", "# ", "\x01"]
    ),
    max_size=40,
)  # fmt: skip


@given(SIGNS)
def test_every_character_is_kept_or_counted(pieces: list[str]) -> None:
    source = "".join(pieces)
    made = markdown(source)
    whole = len("".join(source.split()))
    assert made.kept >= 0 and all(number > 0 for number in made.removed.values())
    assert made.kept + sum(made.removed.values()) == whole
    assert "\x00" not in made.markdown and "\x01" not in made.markdown


def test_headings_that_nothing_follows_go() -> None:
    source = "== A ==\n=== B ===\n== C ==\nText.\n=== D ===\n"
    made = markdown(source)
    assert made.markdown == "## C\n\nText." and made.removed["heading"] == len("ABD")
