"""What programs of forums call the text of a post.

A program calls it always the same: that is a family. The names stand in the templates of Stack
Exchange, Question2Answer, Askbot, XenForo, WoltLab, Discourse, phpBB, vBulletin, Invision, Vanilla,
Reddit, MyBB, Simple Machines, bbPress, Khoros, HyperKitty, Discuz, FluxBB, Hacker News, Lobsters.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Family(NamedTuple):
    """body: the names of what holds a post. within: of what must be around it, up to two levels
    above. itemprop: what it must be, beside or instead of names. answers: each post but the first
    answers the first. sure: no page but a topic's has such names. opening: what holds the first
    post, which may be a title and a link."""

    body: re.Pattern[str] | None
    within: re.Pattern[str] | None = None
    itemprop: frozenset[str] = frozenset()
    answers: bool = False
    sure: bool = False
    opening: re.Pattern[str] | None = None


_BEFORE, _BEHIND = r"(?:^|\s)(?:", r")(?=$|\s)"


def named(words: str) -> re.Pattern[str]:
    """Whether one of some names, as a pattern, is among those of an element."""
    return re.compile(f"{_BEFORE}{words}{_BEHIND}")


FAMILIES = (
    Family(named(r"js-post-body|post-text"), answers=True),
    Family(named(r"qa-[qa]-(?:view|item)-content"), answers=True),
    Family(named(r"(?:question|answer)-body"), answers=True),
    Family(named(r"bbwrapper|messagetext")),
    Family(named(r"cooked")),
    Family(named(r"postcontent")),
    Family(named(r"post"), itemprop=frozenset(("text", "articlebody"))),
    Family(named(r"content"), within=named(r"postbody")),
    Family(named(r"post_message_\d+|js-post__content-text")),
    Family(named(r"ipsrichtext--user")),
    Family(named(r"ipstype_richtext"), within=named(r"cpost_contentwrap|ipscomment_content")),
    Family(named(r"entry-content"), within=named(r"post_body|post_wrap")),
    Family(named(r"usercontent")),
    Family(named(r"usertext-body"), sure=True, opening=named(r"link")),
    Family(named(r"post_body|pid_\d+")),
    Family(named(r"msg_\d+"), within=named(r"post|postarea")),
    Family(named(r"bbp-(?:reply|topic)-content")),
    Family(named(r"lia-message-body-content|\S*lia-g-message-body\S*")),
    Family(named(r"email-body"), sure=True),
    Family(named(r"postmessage_\d+|t_f|t_fsz")),
    Family(named(r"postmsg|forum-post-content")),
    Family(named(r"commtext|toptext"), sure=True, opening=named(r"fatitem")),
    Family(named(r"comment_text|story_text"), sure=True, opening=named(r"story")),
    Family(named(r"postbody")),
)
# One look for them all, since most names of a page are of none.
ANY = named(
    "|".join(
        one.body.pattern.removeprefix(_BEFORE).removesuffix(_BEHIND)
        for one in FAMILIES
        if one.body is not None
    )
)
# What schema.org calls the like, on pages of programs that are not known.
TOPIC = re.compile(r"schema\.org/(?:Question|DiscussionForumPosting)$", re.IGNORECASE)
MARKED = Family(None, itemprop=frozenset(("text", "commenttext", "articlebody")))
