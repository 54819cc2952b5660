"""What kind of page it is: article, forum, product, listing, manual or other.

By what it says of itself, by the program that made it, and by its structure.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from stages.extract.webpage.metadata import Metadata
from stages.extract.webpage.tree import Node, words

Kind = Literal["article", "forum", "product", "listing", "manual", "other"]

_ARTICLE = words(
    "article newsarticle blogposting reportagenewsarticle techarticle scholarlyarticle"
    " opinionnewsarticle reviewnewsarticle medicalwebpage"
)
_FORUM = frozenset(("discussionforumposting", "qapage", "question"))
_LISTING = frozenset(("collectionpage", "itemlist", "searchresultspage", "offercatalog"))
# Programs that make nothing but forums, as generators or as names of the page's root.
_BOARDS = re.compile(
    r"\b(?:phpbb|vbulletin|xenforo|discourse|simple machines|smf|mybb|invision|ip\.?board|ipb"
    r"|flarum|nodebb|vanilla|discuz|phpwind|punbb|fluxbb|question2answer|bbpress|woltlab"
    r"|burning board|yabb|askbot|osqa|khoros|lithium|jforum|esotalk|mvnforum)"
)
_ROOTS = re.compile(
    r"(?:^|[\s_-])(?:phpbb|nophpbb|vbulletin|xenforo|discourse|bbpress|ipsapp|ips[A-Za-z]+"
    r"|question-page|forum|forums|single-topic|topic-template-default|qa-template-question"
    r"|viewthread|showthread|viewtopic|thread-view|lia-forums?|forumtopic)(?=$|[\s_-])"
)
# What forums call a post. Blogs use some of these words, but not beside names of writers.
POST = re.compile(
    r"(?:^|\s)(?:postbody|post_?body|posttext|post_message(?:_\d+)?|postmessage_\d+|pcbs|t_f"
    r"|message-(?:body|content|cell|usercontent)|message--post|bbwrapper|topic-post|post-stream"
    r"|topic-body|cpost|ipscomment|ipstype_richtext|forum-?post(?:-\w+)*|forumpost|post-?bit"
    r"|bbp-reply-content|answercell|postcell|js-post-body|s-prose|qa-a-item-content"
    r"|qa-q-view-content|commentstream-item|lia-message-body|message-?text|msgtext|post_wrap"
    r"|topic-?reply|reply-?content|post-?entry|thread-?post|d_post_content|richcontent-post)(?=$|\s)"
)
_WEAK = re.compile(
    r"(?:^|[\s_-])(?:post|message|reply|answer|thread|topic|msg)[_-]?(?:content|body|text|entry"
    r"|container|wrap(?:per)?|item|row|message)?(?=$|[\s_\d-])"
)
_WRITER = re.compile(
    r"(?:^|[\s_-])(?:poster|post-?author|post-?profile|user-?(?:name|info|card|details|profile|title|link)"
    r"|author|avatar|member|postdetails|profile|nick(?:name)?)(?=$|[\s_\d-])"
)
_THREAD_URL = re.compile(
    r"/(?:forums?|threads?|topics?|discussions?|questions?/\d|t/|viewtopic|showthread|viewthread|board|community)"
    r"|(?:viewtopic|showthread|viewthread|topic|index)\.php\?|[?&](?:topic|threadid|tid|showtopic)=|^https?://(?:forums?|community|bbs|discuss|answers)\.",
    re.IGNORECASE,
)
# Generators of documentation, all of whose text is content, lists of links too.
_MANUALS = re.compile(
    r"\b(?:docbook|sphinx|docutils|doxygen|asciidoc(?:tor)?|makeinfo|texinfo|mkdocs|docusaurus"
    r"|javadoc|rustdoc|mdbook|gitbook|vitepress|vuepress|antora|jsdoc|pydoc|pdoc|yard|hevea"
    r"|latex2html|pod::\w+|pod2html|groff|man2html|dblatex|gtk-doc|yelp|publican"
    r"|scaladoc|groovydoc|qdoc)"
)
_OF_MANUALS = words("sphinxsidebar navheader navfooter md-content docnav fullcommenttop")
_ENOUGH, _WEAKLY = 2, 3
_ALONE = 0.5  # the share of the page's text that its one article has


def kind_of(order: list[Node], told: Metadata) -> Kind:
    """The kind of a page."""
    types = told.types - {"question"} if "faqpage" in told.types else told.types
    named = Counter([node.names for node in order if node.chars])
    if _is_forum(order, named, told, types):
        return "forum"
    if types & {"product", "productgroup", "og:product"}:
        return "product"
    if types & _LISTING and not types & _ARTICLE:
        return "listing"
    if _is_manual(named, told):
        return "manual"
    # what Open Graph calls a page is a hint: programs call all an article that is no product
    if types & _ARTICLE or "og:article" in types:
        return "article"
    total = order[0].chars - order[0].links
    articles = [node for node in order if node.tag == "article"]
    if len(articles) == 1 and articles[0].chars - articles[0].links > _ALONE * total:
        return "article"
    return "other"


def _is_forum(order: list[Node], named: Counter[str], told: Metadata, types: set[str]) -> bool:
    if types & _FORUM:
        return True
    board = _BOARDS.search(told.generator) is not None or any(
        _ROOTS.search(node.names) for node in order[:4] if node.tag == "body" or node.parent is None
    )
    posts = _number(named, POST)
    if board and posts:
        return True
    thread = _THREAD_URL.search(told.url) is not None
    if not (board or thread) and posts < _ENOUGH:
        return False
    writers = _number(named, _WRITER)
    if posts >= _ENOUGH and (thread or writers >= _ENOUGH):
        return True
    return (board or thread) and writers >= _WEAKLY and _number(named, _WEAK) >= _WEAKLY


def _number(named: Counter[str], rule: re.Pattern[str]) -> int:
    """The elements whose names a rule knows."""
    return sum(number for names, number in named.items() if rule.search(names))


def _is_manual(named: Counter[str], told: Metadata) -> bool:
    if _MANUALS.search(told.generator):
        return True
    return any(not _OF_MANUALS.isdisjoint(names.split()) for names in named)
