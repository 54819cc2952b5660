"""What kind of page it is: article, forum, product, listing or other, by what it says of itself."""

from __future__ import annotations

from typing import Literal

from stages.extract.webpage.metadata import Metadata
from stages.extract.webpage.tree import Node, words

Kind = Literal["article", "forum", "product", "listing", "other"]

_ARTICLE = words(
    "article newsarticle blogposting reportagenewsarticle techarticle scholarlyarticle"
    " opinionnewsarticle reviewnewsarticle medicalwebpage"
)
_FORUM = frozenset(("discussionforumposting", "qapage", "question"))
_LISTING = frozenset(("collectionpage", "itemlist", "searchresultspage", "offercatalog"))


def kind_of(order: list[Node], told: Metadata) -> Kind:
    """The kind of a page."""
    types = told.types
    if types & _FORUM:
        return "forum"
    if types & {"product", "productgroup", "og:product"}:
        return "product"
    if types & _LISTING and not types & _ARTICLE:
        return "listing"
    if types & _ARTICLE:
        return "article"
    total = order[0].chars - order[0].links
    articles = [node for node in order if node.tag == "article"]
    if len(articles) == 1 and articles[0].chars - articles[0].links > 0.5 * total:
        return "article"
    return "other"
