"""A piece of HTML that is text as a whole, as posts are stored: all of it as Markdown."""

from __future__ import annotations

import re
from typing import NamedTuple

from stages.extract.webpage import boilerplate, formulas, limits, tree
from stages.extract.webpage.account import Content
from stages.extract.webpage.blocks import blocks_of
from stages.extract.webpage.markdown import markdown


class Fragment(NamedTuple):
    """markdown: of all its text. kept: characters of it that are its own, without white space.
    removed: reason → characters that are not in it, of `webpage.cuts`."""

    markdown: str
    kept: int
    removed: dict[str, int]


def fragment(text: str, furniture: re.Pattern[str] | None = None) -> Fragment | None:
    """The Markdown of a piece of HTML; None where it has more tags than a page may have.

    furniture: the names of what is no text in it."""
    if limits.tags(text) > limits.TAGS:
        return None
    with tree.uncollected():
        return _read(text, furniture)


def _read(text: str, furniture: re.Pattern[str] | None) -> Fragment | None:
    capped = limits.capped(text.replace("\0", ""))
    if capped is None:
        return None
    document = tree.parse(capped)
    if "<script" in capped:
        formulas.sources(document)
    tree.without_frames(document)
    unseen = tree.unseen(document)
    order = tree.build(tree.body_of(document))
    content = all_shown(order, furniture)
    tree.let_go(order)
    made = markdown(content.kept)
    count = content.counted(unseen, made, ticks=True)
    return Fragment(made, count.kept, count.removed)


def all_shown(order: list[tree.Node], furniture: re.Pattern[str] | None = None) -> Content:
    """All that a tree shows, in which nothing is boilerplate but what is named so."""
    boilerplate.hide(order)
    if furniture is not None:
        for node in order[1:]:
            own = "furniture" if furniture.search(node.names) else ""
            node.dropped = node.parent.dropped or node.dropped or own
    return Content(*blocks_of(order[0]))
