"""Pages that cost a careless reader more than their size: name → a page of about so many bytes."""

from __future__ import annotations

from collections.abc import Callable

Page = Callable[[int], bytes]


def repeated(piece: str, first: str = "") -> Page:
    """The piece again and again after a beginning."""

    def page(size: int) -> bytes:
        text = first + piece * (max(size - len(first), 0) // len(piece))
        return text.encode()

    return page


def _numbered(form: str) -> Page:
    def page(size: int) -> bytes:
        count = size // len(form.format(10_000))
        return "".join(form.format(number) for number in range(count)).encode()

    return page


def _reopened(opening: str) -> Page:
    """Formatting that is not closed in the first paragraph, opened again in all others."""
    return lambda size: b"<p>" + opening.encode() + b"a</p>" + b"<p>a" * (size // 4)


def _nested(tag: str, piece: str) -> Page:
    """Pieces of text within as many elements of one kind as take half of the page."""
    closing = f"</{tag.split()[0]}>"
    count = len(tag) + 2 + len(closing)

    def page(size: int) -> bytes:
        depth = size // (2 * count)
        text = piece * (size // (2 * len(piece)))
        return (f"<{tag}>" * depth + text + closing * depth).encode()

    return page


CASES: dict[str, Page] = {
    "suspects_of_sentences": _nested("div class=share", "<b>The gauge was read at noon.</b> "),
    "suspects_without_an_end": _nested("div class=newsletter", "<b>a</b> "),
    "suspects_of_numbers": _nested("div class=num", "<b>1</b> "),
    "suspects_by_role": _nested("div role=button", "<i>We read it, and then again.</i> "),
    "fonts_reopened": _reopened("".join(f"<font color=a{number}>" for number in range(59))),
    "attribute_reopened": lambda size: _reopened(f"<b title={'a' * (size // 2)}>")(size // 2),
    "link_reopened": lambda size: _reopened(f"<a title={'a' * (size // 2)}>")(size // 2),
    "formats_without_end": repeated("<b "),
    "formats_quoted": repeated("<b a='\""),
    # many times the size, because few of them cost nothing
    "long_tags": lambda size: repeated("<" + "a" * 2001)(12 * size),
    "code_of_blank_lines": lambda size: repeated("\n", "<pre><b>a</b>")(size) + b"a",
    "code_after_blank_lines": lambda size: b"<pre>\n<b>" + b"\n" * size + b"a",
    "code_of_ticks": repeated("`", "<pre>"),
    "code_of_ticks_apart": lambda size: (
        b"<pre>" + b"a" * (size // 2) + b"".join(b"`" * n + b" " for n in range(int(size**0.5)))
    ),
    "charset_and_blanks": lambda size: b"<meta " * 50 + b"charset=" + b" " * size + b"!",
    "language_and_blanks": lambda size: (
        b"\xff\xff" + b"<html " * 80 + b"lang=" + b" " * size + b"!"
    ),
    "angles_of_no_charset": lambda size: b"\xff\xff" + b"<" * size,
    "styles_of_no_charset": lambda size: b"\xff\xff" + b"<style >" * (size // 8),
    "equal_sums": lambda size: (
        b"<div>" * (size // 40) + b"<ul>" + b"<li>aaaaaaaaaaa<li>aaaa" * (size // 48)
    ),
    "breaks": repeated("a<br>"),
    "bold": repeated("<b>a</b>"),
    "spans": repeated("<span>a</span>"),
    "paragraphs": repeated("<p>a"),
    "comments": repeated("a<!---->"),
    "pictures": repeated("<img>"),
    "depth": repeated("<div>"),
    "depth_inline": repeated("<span>a"),
    "attributes": _numbered(" a{0}=b"),
    "attributes_of_one": lambda size: b"<p" + _numbered(" a{0}=b")(size) + b">words",
    "classes": _numbered("<p class=c{0}>x"),
    "names": _numbered("<x{0}>a</x{0}>"),
    "words": repeated("The gauge was read. "),
    "one_word": repeated("a"),
    "wide": repeated("a", "\N{ROCKET}"),
    "entities": repeated("&amp;"),
    "angles": repeated("<"),
    "angles_apart": repeated("< a"),
    "ends": repeated("</p>"),
    "cells": repeated("<td>a", "<table>"),
    "rows": repeated("<tr><td>a<td>b", "<table>"),
    "bodies": repeated("<tbody>a", "<table>"),
    "fostered": repeated("<p>a", "<table>"),
    "definitions_nested": repeated("<dl><dt>a<dd>b "),
    "lists_nested": repeated("<ul><li>a"),
    "ordered_nested": repeated("<ol><li>a"),
    "tables_nested": repeated("<table><tr><td>a"),
    "quotes_nested": repeated("<blockquote>a"),
    "fonts_open": repeated("<font color=a>a"),
    "bold_open": repeated("<b>a<p>"),
    "links_open": repeated("<a href=x>a<p>"),
    "adopted": repeated("<b><p>a</b>"),
    "links": repeated("<a href=x>a</a> "),
    "code": repeated("<pre>a</pre>"),
    "script": repeated("a", "<script>"),
    "scripts": repeated("<script>a</script>"),
    "options": repeated("<option>a", "<select>"),
    "drawing": repeated("<path d=m0 />", "<svg>"),
    "drawings_open": repeated("<svg><g>a"),
    "drawings_nested": repeated("<svg>a"),
    "objects_nested": repeated("<object>a"),
    "objects": repeated("<object>a</object>"),
    "quotes_in_names": repeated('<p a">a'),
    "formula": repeated("<mi>a</mi>", "<math>"),
    "templates": repeated("<template>a"),
    "frames": repeated('<iframe srcdoc="<p>a</p>">'),
    "forms": repeated("<form>a"),
    "ruby": repeated("<ruby>a<rt>b"),
    "wide_letters": lambda size: ("<p>a" * (size // 8)).encode("utf-16"),
}
