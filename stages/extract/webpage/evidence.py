"""What an element shows of itself: prose, a hidden part, a word of a sentence, a number."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from stages.extract.webpage.names import PERMALINK, meaning
from stages.extract.webpage.teasers import of_readers
from stages.extract.webpage.tree import BLOCK, Node, text_of, words

HEADINGS = words("h1 h2 h3 h4 h5 h6")
_HIDDEN = re.compile(r"display:\s*none|visibility:\s*hidden")
# Elements that a framework fills while the page comes, and shows by a script.
_STREAMED = re.compile(r"[SPB]:[\da-z]+")
_END = re.compile(r"[.!?…:][\"'”’»)\]]*+(?:\s|$)")
_OF_CODE = frozenset(",;)]}=+*/<>")  # signs that follow a number of a code
_INNER = 8
_DIGITS = 12
_SHORTEST = 41  # characters of a sentence before its end
_SENTENCE = re.compile(r"(?:^|[。！？])[^。！？]{12,}+[。！？]")  # of Chinese or Japanese
_PROSE, _LINKED = 60, 0.3
_SIGN = re.compile(
    r"\W{0,3}|\[?(?:edit|link|permalink|anchor|copy link)\]?|(?:permalink|link|direct link|anchor)"
    r" (?:to|for) .{0,80}",
    re.IGNORECASE | re.DOTALL,
)
_SIGNS = frozenset("¶#§🔗⚓∞")
_AROUND = 400  # elements beside one that are looked at
_NUMBERS = re.compile(r"[\d\s]*")
SLUG = re.compile(r"[\W_]+")
# The letters of an element that are in none within it, and the elements before the first of them.
OwnText = tuple[int, set[Node]]


def is_hidden(node: Node) -> bool:
    """Whether attributes or styles hide an element, and nothing will show it."""
    attributes = node.attributes
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        if attributes.get("role") == "tabpanel" or attributes.get("hidden") == "until-found":
            return False
        if _STREAMED.fullmatch(attributes.get("id", "")):
            return False
    elif "style" not in attributes or not _HIDDEN.search(attributes["style"]):
        return False
    return not _only_formula(node)


def _only_formula(node: Node) -> bool:
    """Whether an element holds a formula alone, whose picture is shown in its place."""
    for _ in range(4):
        if node.tag == "math":
            return True
        inner = [child for child in node.children if not isinstance(child, str) or child.strip()]
        if len(inner) != 1 or isinstance(inner[0], str):
            return False
        node = inner[0]
    return node.tag == "math"


def within_text(node: Node, told: dict[Node, OwnText]) -> bool:
    """Whether a control is a word of a sentence, or the text of a heading.

    told: of the elements around the controls before, which many may share; it is added to.
    """
    child, above = node, node.parent
    for _ in range(3):
        if above is None or above.tag in BLOCK:
            break
        child, above = above, above.parent
    if above is None:
        return False
    if above.tag in HEADINGS or above.tag in ("dt", "summary", "caption", "figcaption"):
        return True
    if above.tag not in ("p", "li", "dd", "td", "blockquote", "div"):
        return False
    if above not in told:
        told[above] = _own_text(above)
    letters, leading = told[above]
    return letters >= 8 and (above.tag != "div" or (letters >= 20 and child not in leading))


def _own_text(node: Node) -> OwnText:
    letters, leading, begun = 0, set(), False
    for child in node.children:
        if isinstance(child, str):
            letters += sum(map(str.isalpha, child))
            begun = begun or child.strip() != ""
        elif not begun:
            leading.add(child)
    return letters, leading


def inner(node: Node) -> Iterator[Node]:
    """All elements within one."""
    stack = [node]
    while stack:
        one = stack.pop()
        children = [child for child in one.children if isinstance(child, Node)]
        yield from children
        stack += children


def is_amid(node: Node) -> bool:
    """Whether text of the page stands before and behind an element, which is the only one of its
    name there."""
    around = [one for one in node.parent.children if isinstance(one, Node) and one.chars]
    if len(around) > _AROUND:
        return False
    at = around.index(node)
    if sum(one.names == node.names for one in around) > 1:
        return False
    return any(map(_is_text, around[:at])) and any(map(_is_text, around[at + 1 :]))


def _is_text(node: Node) -> bool:
    return (node.tag == "p" or node.tag in HEADINGS or not node.names.strip()) and is_prose(node)


def is_permalink(node: Node) -> bool:
    """Whether a link is the sign beside a heading that links to it."""
    if node.chars > 100:
        return False
    text = text_of(node).strip("\u200b ")
    if text and set(text) <= _SIGNS:
        return True
    if PERMALINK.search(node.names):
        return _SIGN.fullmatch(text) is not None
    return text.lower() in ("[edit]", "permalink", "[link]") and node.parent.tag in HEADINGS


def on_comments(node: Node) -> bool:
    """Whether an element called comments is a section of the text about such."""
    first = itertools.islice(inner(node), 3)
    head = next((one for one in first if one.tag in ("h1", "h2", "h3")), None)
    if head is None or head.links:
        return False
    text = text_of(head).lower()
    told = any(word in text for word in ("comment", "repl", "respon"))
    return told and len(text.split()) > 2 and not of_readers(text) and not text[0].isdigit()


def is_number(node: Node, around_code: set[Node], first: dict[Node, set[Node]]) -> bool:
    """Whether an element holds nothing but numbers, within or beside code.

    around_code: the parents of all elements of code. first: of the parents before, the children
    that may be numbers of lines; it is added to.
    """
    text = text_of(node)
    if not (text and _NUMBERS.fullmatch(text)):
        return False
    if node.tag not in BLOCK and len(text.split()) == 1:
        if node.parent not in first:
            first[node.parent] = _numbers_of_lines(node.parent)
        if node not in first[node.parent]:
            return False
    if node.parent in around_code:
        return True
    above = node
    for _ in range(8):
        if above is None:
            return False
        if above.tag in ("pre", "code", "table", "figure") or "highlight" in above.names:
            return True
        above = above.parent
    return False


def _numbers_of_lines(node: Node) -> set[Node]:
    """The children of an element that may be numbers of lines: nothing stands before them in
    theirs, no sign of a code behind, and one that does not begin the code counts on."""
    found: list[tuple[int, Node]] = []
    opening: Node | None = None  # what the code begins with
    line, begun = "", False
    last: Node | None = None
    for child in node.children:
        if isinstance(child, str):
            if found and found[-1][1] is last and child[:1] in _OF_CODE:
                found.pop()
            line = (line[-1:] + child).rpartition("\n")[2].strip()
            begun = begun or child.strip() != ""
            last = None
            continue
        if not line and 0 < child.chars < _DIGITS and (text := text_of(child)).isdecimal():
            found.append((int(text), child))
            if not begun:
                opening = child
        begun = begun or child.chars > 0
        last = child
        line = _behind(child, line)
    told = {number for number, _ in found}
    return {
        child
        for number, child in found
        if number - 1 in told or number + 1 in told or child is opening
    }


def _behind(node: Node, line: str) -> str:
    """What stands in the line behind an element, of which some stood before it."""
    end: Node | str = node
    for _ in range(_INNER):
        if isinstance(end, str) or not end.children:
            break
        end = end.children[-1]
    if node.tag in BLOCK or node.tag == "br" or (isinstance(end, Node) and end.tag == "br"):
        return ""
    if not node.chars:
        return line
    return end.rpartition("\n")[2].strip() if isinstance(end, str) and "\n" in end else "."


def is_slug(node: Node) -> bool:
    """Whether the id is made of the heading within, and no class speaks against the element."""
    told = node.attributes.get("id", "")
    if not told or meaning(node.attributes.get("class", "").lower(), "article"):
        return False
    for child in node.children:
        if isinstance(child, Node):
            if child.tag in ("header", "div", "hgroup") and child.children:
                child = next((one for one in child.children if isinstance(one, Node)), child)
            if child.tag in HEADINGS and child.chars < 200:
                heading = SLUG.sub("-", text_of(child).lower()).strip("-")
                slug = SLUG.sub("-", told.lower()).strip("-")
                return bool(heading) and (slug in heading or heading in slug)
            if child.chars:
                return False
    return False


def is_prose(node: Node) -> bool:
    """Whether an element is mostly sentences outside links."""
    own = node.chars - node.links
    if own < 30 or node.links > _LINKED * node.chars:
        return False
    text = text_of(node)
    cjk = len(text.encode("utf-8", "replace")) - len(text)
    if own + cjk < _PROSE:
        return False
    text = text[:4000]
    return _END.search(text, _SHORTEST) is not None or _SENTENCE.search(text) is not None
