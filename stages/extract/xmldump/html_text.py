"""HTML that is stored in dumps, as Markdown, with the account of its characters."""

from __future__ import annotations

import re
from typing import NamedTuple

from stages.counts import TextCount
from stages.errors import Unreadable
from stages.extract.webpage.fragment import fragment
from stages.extract.webpage.tree import nonspace

# Shortcodes that themes and plugins fill; others in brackets are text.
_SHORTCODE = re.compile(
    r"\[/?(?:caption|wp_caption|gallery|embed|video|audio|playlist|contact-form(?:-7)?|sourcecode"
    r"|vc_\w+|et_pb_\w+|fusion_\w+|su_\w+|av_\w+|elementor-\w+|ad|more)\b[^\[\]]{0,2000}\]"
)
_BLOCK = re.compile(
    r"</?(?:p|div|ul|ol|li|h[1-6]|table|tr|td|th|thead|tbody|blockquote|pre|figure|hr|dl|dt|dd"
    r"|section|article|form|iframe|!--)\b",
    re.IGNORECASE,
)
_PRE = re.compile(r"(<pre\b.*?(?:</pre>|\Z))", re.IGNORECASE | re.DOTALL)


class Text(NamedTuple):
    """markdown, and its account without white space."""

    markdown: str
    kept: int
    removed: dict[str, int]

    def account(self, made: int) -> TextCount:
        """The account of a record of so many characters."""
        return TextCount(
            self.kept + sum(self.removed.values()), self.kept, made - self.kept, dict(self.removed)
        )


def text_of(html: str) -> Text:
    """Unreadable: markup, where it has more tags than a page may have."""
    found = fragment(html)
    if found is None:
        raise Unreadable("markup", of="tags of a post")
    removed: dict[str, int] = {}
    for reason, characters in found.removed.items():
        name = reason if reason == "formula" else "unread"
        removed[name] = removed.get(name, 0) + characters
    return Text(found.markdown, found.kept, removed)


def post(html: str) -> Text:
    """A post of WordPress: empty lines divide paragraphs, as its own reader has it."""
    gone = 0

    def without(found: re.Match[str]) -> str:
        nonlocal gone
        gone += nonspace(found[0])
        return ""

    made = text_of(_paragraphs(_SHORTCODE.sub(without, html)))
    if gone:
        made.removed["shortcode"] = gone
    return made


def _paragraphs(html: str) -> str:
    """Paragraphs where only empty lines are; line ends within them are line breaks."""
    pieces = []
    for number, piece in enumerate(_PRE.split(html.replace("\r\n", "\n"))):
        if number % 2:
            pieces.append(piece)
            continue
        for block in re.split(r"\n[ \t]*\n", piece):
            if not block.strip():
                continue
            if _BLOCK.match(block.lstrip()):
                pieces.append(block)
            else:
                pieces.append("<p>" + block.strip().replace("\n", "<br>") + "</p>")
    return "\n".join(pieces)
