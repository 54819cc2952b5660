"""Dumps in XML that cost their reader most: each function makes about so many bytes."""

from __future__ import annotations

from collections.abc import Callable

from tests.cases.xml import answer, page, post, posts, press, question, wiki

Make = Callable[[int], bytes]


def _times(unit: str, size: int) -> str:
    return unit * max(1, size // len(unit))


def _wiki(unit: str, begin: str = "", end: str = "") -> Make:
    return lambda size: wiki(page("A", begin + _times(unit, size) + end))


def _press(unit: str, begin: str = "", end: str = "") -> Make:
    return lambda size: press(post("A", begin + _times(unit, size) + end))


def _revisions(size: int) -> bytes:
    older = "<revision><id>1</id><text>Old.</text></revision>"
    return wiki(page("A", "New.", _times(older, size)))


def _rows(size: int) -> bytes:
    rows = [question(1, "A", "x"), *(answer(n, 1, "y") for n in range(2, 2 + size // 150))]
    return posts(*rows)


def _orphans(size: int) -> bytes:
    return posts(*(answer(n, n + 1_000_000, "y") for n in range(2, 2 + size // 150)))


CASES: dict[str, Make] = {
    "templates that open": _wiki("{{a|"),
    "templates in templates": lambda size: wiki(
        page("A", "{{a|" * (size // 6) + "x" + "}}" * (size // 6))
    ),
    "templates that close": _wiki("}}"),
    "three braces": _wiki("{{{"),
    "three braces that close": _wiki("{{a}}}"),
    "links that open": _wiki("[["),
    "links that close": _wiki("]]"),
    "links in links": lambda size: wiki(
        page("A", "[[File:a|" * (size // 11) + "x" + "]]" * (size // 11))
    ),
    "links outside that open": _wiki("[http://x "),
    "bars": _wiki("|", "[[", "]]"),
    "bars in a template": _wiki("|", "{{", "}}"),
    "comments that open": _wiki("<!--"),
    "notes that open": _wiki("<ref>"),
    "notes": _wiki("<ref>x</ref>"),
    "notes of all kinds that open": _wiki("<ref><math><pre><nowiki><gallery>"),
    "tags that open": _wiki("<a "),
    "tags": _wiki("<b>"),
    "quotes": _wiki("'"),
    "pairs of quotes": _wiki("'' a "),
    "headings": _wiki("== a ==\n"),
    "headings in headings": lambda size: wiki(
        page(
            "A", "".join(f"{'=' * (1 + n % 6)} a {'=' * (1 + n % 6)}\n" for n in range(size // 12))
        )
    ),
    "a heading of equals signs": _wiki("="),
    "equals signs": _wiki("= ", "=", "\n"),
    "items": _wiki("*a\n"),
    "an item of stars": _wiki("*"),
    "items of all depths": lambda size: wiki(
        page("A", "".join(f"{'*#' * (n % 16)} a\n" for n in range(size // 18)))
    ),
    "tables that open": _wiki("{|\n"),
    "tables that close": _wiki("|}\n"),
    "cells": _wiki("||a", "{|\n|", "\n|}"),
    "rows": _wiki("|-\n|a\n", "{|\n", "|}"),
    "rows of two widths": _wiki("|-\n|a\n", "{|\n|" + "a||" * 2000 + "\n", "|}"),
    "attributes of a cell": _wiki("a=b ", "{|\n|", "\n|}"),
    "spans": _wiki('|-\n|colspan="999"|a\n', "{|\n", "|}"),
    "pieces that are no wikitext": _wiki("<nowiki>x</nowiki>"),
    "ampersands": _wiki("&amp;"),
    "empty lines": _wiki("\n", "a", "b"),
    "spaces": _wiki(" ", "a", "b"),
    "redirects": lambda size: wiki(_times(page("A", "#REDIRECT [[B]]"), size)),
    "revisions": _revisions,
    "elements": lambda size: wiki(_times("<a/>", size)),
    "elements of a page": lambda size: wiki(page("A", "x", _times("<a>b</a>", size))),
    "attributes": lambda size: wiki(page("A", "x", f"<a {_attributes(size)}/>")),
    "paragraphs of a post": _press("a\n\n"),
    "lines of a post": _press("a\n"),
    "brackets of a post": _press("["),
    "shortcodes": _press("[gallery]"),
    "a shortcode without end": _press("[gallery "),
    "programs that open": _press("<pre>"),
    "terms": lambda size: press(
        post("A", "x", more=_times('<category domain="category">a</category>', size))
    ),
    "answers of one question": _rows,
    "answers without questions": _orphans,
}


def _attributes(size: int) -> str:
    return " ".join(f'a{number}="b"' for number in range(max(1, size // 10)))
