"""The posts of a forum's page and who wrote them.

What holds a post is known by the name that the forum's program gives it (`families`). Around it, as
far as no other post is there, stands the writer.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from stages.extract.webpage import boilerplate
from stages.extract.webpage.account import Content
from stages.extract.webpage.blocks import Block, blocks_of
from stages.extract.webpage.evidence import is_hidden
from stages.extract.webpage.families import ANY, FAMILIES, MARKED, TOPIC, Family
from stages.extract.webpage.metadata import Metadata
from stages.extract.webpage.tree import BLOCK, Node, text_of
from stages.extract.webpage.writers import LINKED, MAYBE, short_text, writer_of


@dataclass
class Post:
    """What one person wrote. writer: empty where the page does not say, or nobody any more. again:
    it is the post before it once more. blocks: what is shown."""

    writer: str
    accepted: bool = False
    again: bool = False
    blocks: list[Block] = field(default_factory=list)


@dataclass
class Thread:
    """The posts of a page in order, the first one by who opened the topic. answers: the others are
    independent answers to it."""

    posts: list[Post]
    answers: bool

    def opened_by(self, post: Post) -> bool:
        """Whether the one who opened the topic wrote a post of it."""
        first = self.posts[0]
        return post is first or (post.writer != "" and post.writer == first.writer)


# What is no part of a post though it is called like one, or stands around such.
_ASIDE = re.compile(
    r"(?:^|[\s_-])(?:signature|sig|sidebar|side|usersignature|quote|blockquote|hidden-post"
    r"|bbp-(?:header|footer))(?=$|[\s_\d-])"
)
# Beside the text of a post, within it.
FURNITURE = re.compile(
    r"(?:^|\s)(?:\S*signature\S*|sig\d*|bbcodeblock-expandlink|ads?|adsbygoogle|ad-\S+|\S*advert\S*"
    r"|sponsored\S*|\S*last-?edit(?:ed)?|edited_by\S*|post_?edit(?:ed)?|ipseditedby\S*|editedby\S*"
    r"|reactions?(?:bar)?|likes?|share|sharing|social|screen-?reader-text|sr-only|quote-controls"
    r"|bbp-(?:reply|topic)-revision-log|js-selecttoquoteend|post-?(?:buttons|controls|menu)"
    r"|lightbox-caption|informations|selectall|gensmall|editor|smalltext\s+modified)(?=$|\s)"
)
_DROPPED = {
    **dict.fromkeys(("form", "button", "input", "label"), "form"),
    **dict.fromkeys(("nav", "menu"), "navigation"),
    "dialog": "notice",
    "noscript": "fallback",
}
# Reasons of the whole page's rules that hold in a post.
_KEPT = ("formula", "permalink", "line_number")
_COMMENTS = re.compile(r"(?:^|\s)(?:\S*comments\S*|comment|commentlist)(?=$|\s)")
_BEGINS = 60  # letters by which an accepted answer is known
# What stands where a post was.
_DELETED = re.compile(r"\[?(?:deleted|removed|deleted by \w+)[\].]?", re.IGNORECASE)
_RULE = re.compile(r"_{8,} *(?:\n|$)|-- ?$")  # above a signature, on a line of its own
_EDITED = re.compile(r"(?:last )?edited (?:by .{1,60}|.{1,40}by .{1,60})", re.IGNORECASE)
_INLINE = 8  # elements within a line around a post of one
_KNOWN = 0.7  # the share of posts whose writers are known
# Solved questions, as programs mark the post; and as pages of question and answer do.
_ACCEPTED = re.compile(
    r"(?:^|\s)(?:accepted-answer|accepted|message--solution|is-solution|best-?answer|answer-best"
    r"|\S*_bestanswer|qa-a-list-item-selected|\S*solved-border\S*|post--solution)(?=$|\s)"
)
_LATER = re.compile(
    r"[?&;](?:page|p|pg|paged)=0*(?!1(?!\d))[1-9]|[?&;](?:start|st|offset|skip)=0*[1-9]|/p(?:age)?[-/]?0*(?!1(?!\d))"
    r"[1-9]\d{0,4}(?=$|[/?#.])|topic[=,]\d+\.0*[1-9]|-page-0*(?!1(?!\d))[1-9]|-\d+-(?!1-)\d+-1\.html",
    re.IGNORECASE,
)
_CURRENT = re.compile(r"(?:^|[\s_-])(?:current|active|selected|pagination_current)(?=$|[\s_-])")
_PAGER = re.compile(r"pag(?:e|ination|er|ing)")
_NUMBER = re.compile(r"#\s?(\d{1,7})")


def thread_of(order: list[Node], told: Metadata, forum: bool) -> tuple[Thread, Content] | None:
    """The posts of a page of a forum, with the page's text as them. None where there are no posts,
    where they are not those of two people, or where the one who opened the topic is not known: on
    its later pages. forum: the page is one of a forum."""
    family, bodies = _family(order)
    if not bodies or not (forum or family.sure) or _LATER.search(told.url):
        return None
    reading = _Reading(order, bodies)
    posts = reading.posts(told.accepted)
    opener = _opener(order, family, bodies)
    first = posts[0] if opener is None else Post(opener)
    replies = [post for post in posts if not (post is first or post.again)]
    thread = Thread([first, *replies], family.answers)
    known = sum(rank <= MAYBE for rank in reading.ranks)
    if (
        reading.later
        or known < _KNOWN * len(posts)
        or (opener is None and reading.ranks[0] > MAYBE)
    ):
        return None
    alone = not any(map(thread.opened_by, replies))
    thread.answers = family.answers or (reading.answered and alone)
    if not replies or (not thread.answers and all(map(thread.opened_by, replies))):
        return None
    content = _content(order, bodies, reading.within, posts)
    thread.posts = [first, *(post for post in replies if post.blocks)]
    return thread, content


def opener_of(order: list[Node], told: Metadata) -> str:
    """Who opened the topic of a forum's page; empty where the page does not show it."""
    family, bodies = _family(order)
    if not bodies or _LATER.search(told.url):
        return ""
    reading = _Reading(order, bodies)
    opener = _opener(order, family, bodies)
    return "" if reading.later else reading.posts("")[0].writer if opener is None else opener


def _family(order: list[Node]) -> tuple[Family, list[Node]]:
    """The first family of which a page has several posts, else what is marked as their text."""
    some = False
    likely = {names for names in {node.names for node in order} if ANY.search(names)}
    for family in FAMILIES if likely else ():
        bodies = _bodies(order, family, likely)
        if len(bodies) > 1 or (bodies and family.opening is not None):
            return family, bodies
        some = some or bool(bodies)
    told = any(TOPIC.search(node.attributes.get("itemtype", "")) for node in order)
    return MARKED, _bodies(order, MARKED, set()) if told and not some else []


def _opener(order: list[Node], family: Family, bodies: list[Node]) -> str | None:
    """Who opened a topic without a text, empty where the page does not say; None: it has one."""
    if family.opening is None:
        return None
    opening = next((node for node in order if family.opening.search(node.names)), None)
    if opening is None:
        return None
    inside = {opening}
    best = (MAYBE + 1, "")
    for node in order:
        if node.parent in inside:
            inside.add(node)
            found = writer_of(node, {})
            best = best if found is None or found[0] >= best[0] else found
    return None if any(body in inside for body in bodies) else best[1]


def _bodies(order: list[Node], family: Family, likely: set[str]) -> list[Node]:
    """What holds the posts, none within another. likely: the names that any family knows."""
    body = family.body
    fitting = None if body is None else {names for names in likely if body.search(names)}
    if fitting is not None and not fitting:
        return []
    found: dict[Node, None] = {}
    inside: set[Node] = set()
    for node in order:
        if node.parent in inside:
            inside.add(node)
            continue
        if fitting is not None and node.names not in fitting:
            continue
        if family.itemprop and node.attributes.get("itemprop", "").lower() not in family.itemprop:
            continue
        if not node.chars or not _stands(node, family):
            continue
        block: Node | None = node
        for _ in range(_INLINE):
            if block is None or block.tag in BLOCK:
                break
            block = block.parent
        if block is not None and block.tag in BLOCK:
            inside.add(block)
            found[block] = None
    return list(found)


def _stands(node: Node, family: Family) -> bool:
    """Whether what is around an element of a post's name lets it be one."""
    above = node.parent
    near = (
        f"{above.names} {above.parent.names if above.parent is not None else ''}" if above else ""
    )
    if family.within is not None and not family.within.search(near):
        return False
    one: Node | None = node
    for _ in range(6):
        if one is None:
            break
        if _ASIDE.search(one.names) and one.tag not in ("body", "html"):
            return False
        if is_hidden(one):
            return False
        one = one.parent
    return True


class _Reading:
    """One pass over a page: which post an element is of, and who wrote each.

    within: element → number of the post whose text it is. later: the first post says that it is
    not the first of the topic. answered: posts are marked as answers.
    """

    def __init__(self, order: list[Node], bodies: list[Node]) -> None:
        self.within: dict[Node, int] = {}
        self.later = self.answered = False
        self._bodies = bodies
        self._writers = [(MAYBE + 1, "")] * len(bodies)
        before = [(MAYBE + 1, "")] * len(bodies)
        self._marked: set[int] = set()
        self._numbers: dict[int, int] = {}  # of the first two posts in their topic
        self._page = 1
        number = {node: place for place, node in enumerate(bodies)}
        held, around = _around(order, bodies)
        beside: set[Node] = set()  # comments on a post, which others wrote
        owner: dict[Node, int] = {}
        known: dict[str, int] = {}
        loose = (MAYBE + 1, "")  # what stands before a post and belongs to none
        for node in order:
            parent = node.parent
            if node in number:
                self.within[node] = number[node]
            elif parent in self.within:
                self.within[node] = self.within[parent]
            if node in around:
                owner[node] = around[node]
            elif parent in owner:
                owner[node] = owner[parent]
            post = owner.get(node)
            if node in number:
                if number[node] or loose[0] <= LINKED:  # above the first post stands anything
                    before[number[node]] = loose
                loose = (MAYBE + 1, "")
            if node in self.within:
                continue
            if parent in beside or (not held[node] and _COMMENTS.search(node.names)):
                beside.add(node)
                continue
            if post is not None:
                self._look(node, post)
            elif node.attributes.get("itemprop", "").lower().endswith("edanswer"):
                self._answer(node, held, around)
            self._page_number(node)
            found = writer_of(node, known)
            if found is None:
                continue
            if post is None:
                loose = min(found, loose, key=lambda one: one[0])
            elif found[0] < self._writers[post][0]:
                self._writers[post] = found
        first, second = self._numbers.get(0, 0), self._numbers.get(1, 0)
        self.later = self._page > 1 or (first > 1 and second == first + 1)
        for place, found in enumerate(before):
            if self._writers[place][0] > MAYBE:
                self._writers[place] = found

    def _look(self, node: Node, post: int) -> None:
        """What an element of a post says of it."""
        prop = node.attributes.get("itemprop", "").lower()
        if prop.endswith("edanswer"):  # suggestedAnswer, acceptedAnswer
            self.answered = True
        if prop == "acceptedanswer" or (_ACCEPTED.search(node.names) and not is_hidden(node)):
            self._marked.add(post)
        numbered = post < 2 and 0 < node.chars < 12 and "permalink" not in node.names
        if numbered and (told := _NUMBER.fullmatch(short_text(node))):
            self._numbers[post] = int(told[1])

    def _answer(self, node: Node, held: Counter[Node], around: dict[Node, int]) -> None:
        """An element around a post and its comments that is marked as an answer."""
        self.answered = True
        if node.attributes.get("itemprop", "").lower() != "acceptedanswer":
            return
        one: Node | None = node
        while one is not None and one not in around:
            below = (child for child in one.children if isinstance(child, Node))
            one = next((child for child in below if held[child]), None)
        if one is not None:
            self._marked.add(around[one])

    def _page_number(self, node: Node) -> None:
        """The page that is shown, as the last list of pages says: one above may be the board's."""
        if 0 < node.chars < 6 and _CURRENT.search(node.names):
            near = node.names + (node.parent.names if node.parent is not None else "")
            above = node.parent.parent if node.parent is not None else None
            near += above.names if above is not None else ""
            text = short_text(node)
            if _PAGER.search(near) and text.isdecimal():
                self._page = int(text)

    @property
    def ranks(self) -> list[int]:
        """How surely the writer of each post is known; above MAYBE not at all."""
        return [rank for rank, _ in self._writers]

    def posts(self, accepted: str) -> list[Post]:
        """The posts without their blocks. accepted: how the text of the accepted one begins."""
        wanted = _letters(accepted)[:_BEGINS]
        made: list[Post] = []
        before = ""
        for number, (_, writer) in enumerate(self._writers):
            letters = _letters(text_of(self._bodies[number]))
            marked = number in self._marked
            if wanted and not self._marked:
                marked = letters.startswith(wanted)
            again = letters == before and bool(letters) and writer == made[-1].writer
            made.append(Post(writer, marked and number > 0, again))
            before = letters
        return made


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).lower()


def _around(order: list[Node], bodies: list[Node]) -> tuple[Counter[Node], dict[Node, int]]:
    """How many posts an element holds; and the largest element around each post that holds no
    other → the number of the post."""
    held = Counter(bodies)
    for node in reversed(order):  # children stand behind their parents
        if node in held and node.parent is not None:
            held[node.parent] += held[node]
    found = {}
    for number, node in enumerate(bodies):
        while node.parent is not None and held[node.parent] == 1:
            node = node.parent
        found[node] = number
    return held, found


def _content(
    order: list[Node], bodies: list[Node], within: dict[Node, int], posts: list[Post]
) -> Content:
    """The blocks of a page, those outside posts cut; each post gets its own."""
    boilerplate.mark(order, "forum", False)
    _unmark(order, bodies, within)
    content = Content(*blocks_of(order[0]))
    levels = _levels(order)
    signed: set[int] = set()
    for block in content.blocks:
        number = within.get(block.node)
        if number is None or posts[number].again:
            block.cut = "outside"
            continue
        quotes, lists = levels[bodies[number]]
        block.quote = max(0, block.quote - quotes)
        block.level = block.level if block.kind == "h" else max(0, block.level - lists)
        if block.kind == "li" and not block.level:
            block.kind, block.number = "p", None
        if number in signed or (block.kind == "p" and _RULE.match(block.text)):
            signed.add(number)
            block.cut = "furniture"
        elif block.kind == "p" and _EDITED.fullmatch(block.text):
            block.cut = "furniture"
        elif not posts[number].blocks and _DELETED.fullmatch(block.text):
            block.cut = "deleted"
        else:
            posts[number].blocks.append(block)
    return content


def _unmark(order: list[Node], bodies: list[Node], within: dict[Node, int]) -> None:
    """Within a post drop only what is none of its text, whatever the elements around are called."""
    for body in bodies:
        above: Node | None = body
        while above is not None and (above.dropped or above is body):
            above.dropped = ""
            above = above.parent
    own = set(bodies)
    for node in order:
        if node not in within or node in own:
            continue
        reason = node.parent.dropped or _DROPPED.get(node.tag, "")
        if not reason and node.dropped in _KEPT:
            continue
        if not reason and is_hidden(node):
            reason = "hidden"
        node.dropped = reason or ("furniture" if FURNITURE.search(node.names) else "")


def _levels(order: list[Node]) -> dict[Node | None, tuple[int, int]]:
    """The quotations and the lists that each element stands in, itself among them."""
    found: dict[Node | None, tuple[int, int]] = {None: (0, 0)}
    for node in order:
        quotes, lists = found[node.parent]
        quotes += node.tag == "blockquote"
        found[node] = (quotes, lists + (node.tag in ("ul", "ol", "menu", "dir")))
    return found
