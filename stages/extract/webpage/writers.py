"""Who wrote a post: what around it is the name of a person."""

from __future__ import annotations

import itertools
import re

from stages.extract.webpage.evidence import inner
from stages.extract.webpage.tree import Node, text_of

# Who wrote it, the surest first: marked as such, called a user's name, or a link to a profile.
_USER = re.compile(
    r"(?:^|\s)(?:user-name|hnuser|message-name|messagecard__user-info__name"
    r"|creator|author-name|poster-?name|bbp-author-(?:name|link)|login-bold|xw1|nick(?:name)?"
    r"|display-?name|\S*username(?:-\w+|-?o(?:n|ff)line)?)(?=$|\s)"
)
_AUTHOR = re.compile(
    r"(?:^|[\s_-])(?:author|poster|byline|user-?info|user-?details|userinfo|postuser|name|user|by)"
    r"(?=$|[\s_\d-])"
)
_PROFILE = re.compile(
    r"/(?:u|users?|members?|profiles?|people|~)[/~]|/~\w|[?&;/]action=profile|member(?:list)?\.php"
    r"|profile\.php|user\.php|/(?:user|member|profile)[?-]|[?&](?:u|uid|user_id|showuser)=\d",
    re.IGNORECASE,
)
_SURE, NAMED, LINKED, MAYBE = range(4)
_LONGEST = 60  # characters of a name
_FEW = 40  # elements within that of a name
_BY = re.compile(r"^(?:(?:by|von|par|por|di|door|posted by|from)\s+|@)|[\s:»,]+$", re.IGNORECASE)
_NOBODY = frozenset(("[deleted]", "deleted", "deleted user", "[removed]"))


def writer_of(node: Node, known: dict[str, int]) -> tuple[int, str] | None:
    """How surely an element is the name of who wrote a post, and the name."""
    if not 0 < node.chars <= _LONGEST:
        return None
    attributes = node.attributes
    prop = attributes.get("itemprop", "").lower()
    rank = MAYBE + 1
    if prop == "author" or (prop == "name" and _by_author(node)):
        rank = _SURE
    else:
        rank = known.get(node.names, -1)
        if rank < 0:
            rank = NAMED if _USER.search(node.names) else MAYBE + 1
            if rank > NAMED and _AUTHOR.search(node.names):
                rank = MAYBE
            known[node.names] = rank
        if rank > LINKED and _PROFILE.search(attributes.get("href", "")):
            rank = LINKED
    if rank > MAYBE:
        return None
    name = _BY.sub("", short_text(node if rank == NAMED else _named(node))).strip()
    if not any(map(str.isalnum, name)):
        return None
    return (rank, "" if name.lower() in _NOBODY else name)


def short_text(node: Node) -> str:
    """The text of an element of few others, else nothing: those within one another would be read
    again and again."""
    few = sum(1 for _ in itertools.islice(inner(node), _FEW)) < _FEW
    return text_of(node) if few and len(node.children) < _FEW else ""


def _named(node: Node) -> Node:
    """The name in an element that may tell more: what is marked as it, or the first link but that
    of the picture."""
    linked = None
    for one in itertools.islice(inner(node), _FEW):
        if one.attributes.get("itemprop", "").lower() == "name" and one.chars:
            return one
        if linked is None and one.tag == "a" and one.chars and "avatar" not in one.names:
            linked = one
    return linked or node


def _by_author(node: Node) -> bool:
    above = node.parent
    for _ in range(6):
        if above is None:
            return False
        if above.attributes.get("itemprop", "").lower() == "author":
            return True
        above = above.parent
    return False
