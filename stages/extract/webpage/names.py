"""What class and id words say of an element: as sites call the parts that are not the page's text.

They are weak evidence: generators make ids of headings, and a section about menus is no menu.
"""

from __future__ import annotations

import re

# Parts of the frame around a page.
_FRAME = (
    r"nav|navi|docnav|navbar|navigation|topnav|subnav|nav-?(?:header|footer)|menu|submenu|breadcrumbs?"
    r"|crumbs?|side-?bar|footer|foot|site-?header|masthead|top-?bar|toolbar|navbox|catlinks"
    r"|pagination|pager|paging|prev-?next|skip-?(?:link|to)|jump-?links?|edit-?section"
    r"|mw-?editsection"
)
# What asks the reader for something or tells of the site itself.
_ASKS = (
    r"cookies?|consent|gdpr|ccpa|pop-?up|modal|lightbox|newsletter|subscribe|subscription|sign-?up"
    r"|login|sign-?in|paywall|terms-(?:of-)?(?:service|use|conditions)|privacy-(?:policy|notice)"
)
# Ways to other pages, and notes about the text.
_BESIDE_TEXT = (
    r"recently-?viewed|up-?sells?|cross-?sells?|also-?(?:like|bought|viewed)|share|sharing"
    r"|addtoany|sharedaddy|share-?buttons?|related|recommend(?:ed|ations?)|more-?from|read-?more"
    r"|you-?may|promoted|sponsor(?:ed)?|advert(?:s|isement|ising)?|ads?|adsense|dfp|outbrain"
    r"|taboola|print-?only|no-?print|tag-?(?:list|cloud|links)|author-?(?:bio|box|info)"
    r"|about-?author|byline|post-?meta|entry-?meta|article-?meta"
)
_UNSEEN = r"screen-?reader(?:-text)?|sr-?only|visually-?hidden"
# Words that are boilerplate beside an article and content on a shop's or a company's page.
_ARTICLE = (
    r"overlay|social|recirc|promo|widgets?|tags|credits?|dateline|copyright|disclaimer|rating"
    r"|reactions|popular|trending|most-?read|latest|carousel|slider|banner|toc|hidden|hide"
    r"|search|feedback|survey|donate"
)

# Of those who wrote the posts of a forum, and what is counted beside them.
_FORUM = (
    r"user-?(?:info|details|card|profile|stats|cell|hover)|post-?(?:profile|author|signature|menu"
    r"|stats|buttons|controls)|postprofile|postdetails|poster-?(?:info|details)|signature"
    r"|vote-?(?:count|cell|buttons?)|voting-container|flair|badges?|member-?info|author-?pane"
    r"|message-(?:user|signature|attribution|footer)|comment-score|like-?(?:count|buttons?)"
)


def _named(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[\s_-])(?:{words})(?=$|[\s_\d-])")


_COMMENTS_WORDS = r"comments?|comment-?(?:list|section|area)|disqus|respond|replies|fb-?comments"
_NUMBER_WORDS = (
    r"linenos?|lineno\S*|line-?numbers?(?:-rows)?|linenumber|gutter|gl|ln|lnt|lnum|line-?nums?"
    r"|hljs-ln-numbers|hljs-ln-n|blob-num|rouge-gutter|react-syntax-highlighter-line-number|num"
)
_ALWAYS = f"{_FRAME}|{_ASKS}|{_BESIDE_TEXT}|{_UNSEEN}"
_OF_KIND = {"article": f"{_ALWAYS}|{_ARTICLE}", "forum": f"{_ALWAYS}|{_FORUM}"}
_RULES = {kind: _named(told) for kind, told in _OF_KIND.items()}
_OF_PAGE = _named(_ALWAYS)
# All words that any rule knows.
_SPEAKS = {
    kind: _named(f"{told}|{_COMMENTS_WORDS}|{_NUMBER_WORDS}") for kind, told in _OF_KIND.items()
}
_SPEAKS_OF_PAGE = _named(f"{_ALWAYS}|{_COMMENTS_WORDS}|{_NUMBER_WORDS}")
_OF_FRAME = _named(rf"{_FRAME}|{_UNSEEN}")
_OF_ASKS = _named(_ASKS)
# Furniture however large it is.
_OF_LARGE = _named(
    r"footer|modal|pop-?up|cookies?|consent|gdpr|ccpa|(?:site|page|global)-?(?:header|footer)|masthead|cmp"
    r"|terms(?:-?(?:of-?)?(?:service|use|conditions))?|privacy(?:-?(?:policy|notice))?"
)
_NOT = re.compile(
    r"(?:has|no|with|without|hide|show|content)-?(?:side-?bar|nav|menu|header|footer)\S*"
)
# Names that speak of what the text is about: comment-syntax, menu-example, the footer element.
_OF_TEXT = re.compile(
    r"(?:^|(?<=\s))(?:\S*[_-])?(?:syntax(?:es)?|examples?|usage|tutorials?|how-?to|definitions?|grammar"
    r"|semantics|synopsis|algorithms?|operators?|methods?|attributes?|keywords?|statements?"
    r"|expressions?|declarations?|snippets?|reference|element|tag)(?:[_-]\S*)?(?=$|\s)"
)
_COMMENTS = _named(_COMMENTS_WORDS)
# Generators' signs that link to a heading, and the numbers of lines of code.
PERMALINK = _named(
    r"header-?link|heading-?(?:link|anchor)|header-?anchor|anchor(?:-?(?:link|js-link))?|hash-?link"
    r"|permalink|perma-?link|section-?link|anchorjs-link|direct-?link|zeroclipboard\S*"
)
LINE_NUMBER = _named(_NUMBER_WORDS)


def speaks(names: str, kind: str) -> bool:
    """Whether names may have a meaning or tell of numbers of lines; of most a look is enough."""
    return _SPEAKS.get(kind, _SPEAKS_OF_PAGE).search(names) is not None


def meaning(names: str, kind: str, void: frozenset[str] = frozenset()) -> str:
    """What the names of an element call it: frame, asks, beside, comments or nothing.

    void: words that mean nothing on this page.
    """
    cleaned = _OF_TEXT.sub(" ", _NOT.sub(" ", names))
    found = suspicious(cleaned, kind) - void
    if not found:
        return "comments" if _COMMENTS.search(cleaned) else ""
    for word in found:
        if _OF_FRAME.search(word):
            return "frame"
    return "asks" if any(map(_OF_ASKS.search, found)) else "beside"


def suspicious(names: str, kind: str) -> set[str]:
    """The words of names that call an element furniture."""
    rule = _RULES.get(kind, _OF_PAGE)
    return {match[0].strip(" \t\n\r\f\v_-") for match in rule.finditer(names)}


def of_large(names: str) -> bool:
    """Whether the names are of furniture that may be larger than the page's text."""
    return _OF_LARGE.search(names) is not None
