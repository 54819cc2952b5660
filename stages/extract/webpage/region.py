"""The region of a page: the subtree with the most text, and what around its core belongs to it."""

from __future__ import annotations

import re

from stages.extract.webpage.blocks import Block
from stages.extract.webpage.teasers import leads_away, notice
from stages.extract.webpage.tree import Node, words

# Characters that a block must have to speak for its region; what is in links speaks against it.
_COST = 60.0
# A child with this share of what speaks for the region is its core.
_NARROW = 0.8
_NEARLY = 0.995
_COST_OF_PART = 10.0  # of a row or an item, which are short as such
_SPECK = 4  # bytes of a line that says nothing about its region
_LINK_WEIGHT = 2.0
# A run of short lines speaks against its region less and less, so that it is bounded.
_FADE = 0.7
# What short lines without links speak against theirs: poems, interviews and recipes have them.
_SHORT = 0.2
# The share of the region that an element which the page calls its article must have.
_DECLARED = 0.5
_DECLARING = ("article", "main")
# Bytes of a paragraph beside the core that is text of the page.
_PROSE = 80
_SENTENCE = 12  # of the shortest paragraph that ends like a sentence
_LINE = 50  # the same of an element that is none
_SHARED = re.compile(
    r"(?:share|tweet|facebook|twitter|x$|pinterest|whatsapp|e-?mail|linkedin|reddit|print|telegram"
    r"|instagram|copy|flipboard|tumblr|xing|mail|drucken|teilen|partager|imprimer|home$)",
    re.IGNORECASE,
)
_NAME = 30  # characters of a link that names a thing; headlines have more
# No region of their own: parts of a text.
_TEXT = words("p pre li blockquote table td th tr tbody thead ul ol dl dd dt h1 h2 h3 h4 h5 h6")
_ENDS = tuple('.!?。！？…:：;；"”’»」』)）')
_MOST_LINKS = 12  # in a list of links within the text


def region(order: list[Node], blocks: list[Block]) -> list[str]:
    """Why each block is left out by the subtree that has the most text that is no boilerplate."""
    sums: dict[Node, float] = {}
    good: dict[Node, float] = {}
    run = 1.0
    for block in blocks:
        value = _value(block)
        if value < 0:
            value *= run
            run *= _FADE
        else:
            run = 1.0
        sums[block.node] = sums.get(block.node, 0.0) + value
        good[block.node] = good.get(block.node, 0.0) + max(value, _weight(block))
    for node in reversed(order):  # children stand behind their parents
        if node in sums and (parent := node.parent) is not None:
            sums[parent] = sums.get(parent, 0.0) + sums[node]
            good[parent] = good.get(parent, 0.0) + good[node]
    best = max(sums.values())
    if best <= 0:
        return ["outside"] * len(blocks)
    root = _deepest([node for node in order if sums.get(node) == best])
    alone = {node for node, number in _holding(order, blocks).items() if number == 1}
    while (root.tag in _TEXT or root in alone) and root.parent is not None:
        root = root.parent
    while root.parent is not None and sums.get(root.parent, 0.0) >= _NEARLY * best:
        root = root.parent  # short leads and ends weigh a little against theirs
    declared = article(order)
    if declared is not None and good.get(declared, 0.0) >= _DECLARED * good[root]:
        root = declared
    core = _narrowed(root, good)
    inside = _places(order, root, core, sums)
    return _fates(blocks, inside, core)


def _holding(order: list[Node], blocks: list[Block]) -> dict[Node, int]:
    """Element → how many blocks it holds."""
    found: dict[Node, int] = {}
    for block in blocks:
        found[block.node] = found.get(block.node, 0) + 1
    for node in reversed(order):
        if node in found and node.parent is not None:
            found[node.parent] = found.get(node.parent, 0) + found[node]
    return found


def _places(
    order: list[Node], root: Node, core: Node, sums: dict[Node, float]
) -> dict[Node, tuple[bool, bool | None]]:
    """Node of the region → whether it is in the core, and whether the highest element around it
    that speaks against itself is mostly links; None where there is none."""
    found: dict[Node, tuple[bool, bool | None]] = {root: (root is core, None)}
    for node in order:
        if node.parent not in found or node is root:
            continue
        within, bad = found[node.parent]
        if bad is None and sums.get(node, 0.0) < 0 and not node.tag.startswith("h"):
            bad = node.links > 0.5 * node.chars
        found[node] = (within or node is core, bad)
    return found


def _fates(
    blocks: list[Block], inside: dict[Node, tuple[bool, bool | None]], core: Node
) -> list[str]:
    fates: list[str] = []
    heads: list[int] = []  # headings beside the core whose text has not come yet
    before: Block | None = None
    for number, block in enumerate(blocks):
        if block.node not in inside:
            fates.append("outside")
            continue
        within, bad = inside[block.node]
        fate = "links" if bad else ""
        if bad and before is not None and _introduced(before, block):
            fate = ""
        if not within and not fate:
            if block.kind == "h":
                heads.append(number)
                fate = "outside"
            elif _prose(block):
                for head in heads[-2:]:
                    fates[head] = ""
                heads = []
            else:
                fate = "outside"
        elif within and heads:
            heads = []
        if block.kind == "h" or not (fate or bad):
            before = block
        fates.append(fate)
    return fates


def _introduced(before: Block, block: Block) -> bool:
    """Whether a list of links is part of the text: the line before it says that it comes."""
    return (
        block.kind == "li"
        and before.kind == "p"
        and (before.text.endswith((":", "：")) or (_is_name(block) and _prose(before)))
        and before.links < 0.5 * len(before.text)
        and not leads_away(before.text)
    )


def _is_name(block: Block) -> bool:
    """Whether an item is the name of a thing in a list of several, and none to share the page."""
    item = block.node
    while item.tag != "li" and item.parent is not None:
        item = item.parent
    around = item.parent.children if item.parent is not None else []
    several = sum(isinstance(child, Node) and child.tag == "li" for child in around) > 1
    return several and len(block.text) <= _NAME and _SHARED.match(block.text) is None


def _prose(block: Block) -> bool:
    """Whether a block beside the core is text of the page and no label, date or teaser."""
    if block.kind == "code":
        return True
    if block.links > 0.2 * len(block.text) or notice(block.text):
        return False
    size = len(block.text.encode("utf-8", "replace"))
    least = _SENTENCE if block.node.tag == "p" else _LINE
    if size > least and block.text.endswith(_ENDS):
        return True
    return size >= 2 * _PROSE or (size >= _PROSE and " " in block.text)


def article(order: list[Node]) -> Node | None:
    """The one element that the page calls its article, else its main part; None if there are more.

    An article within another one, as those of comments, does not count.
    """
    likely = [
        node
        for node in order
        if node.chars
        and not node.dropped
        and (node.tag in _DECLARING or "role" in node.attributes or "itemprop" in node.attributes)
    ]
    for found in (
        [node for node in likely if node.tag == "article"],
        [node for node in likely if node.tag == "main" or _is_main(node.attributes)],
    ):
        if len(found) > 1:
            chosen = set(found)
            outer = [node for node in found if not _is_within(node, chosen)]
        else:
            outer = found
        if len(outer) == 1:
            return outer[0]
    return None


def _is_within(node: Node, chosen: set[Node]) -> bool:
    above = node.parent
    while above is not None and above not in chosen:
        above = above.parent
    return above is not None


def _is_main(attributes: dict[str, str]) -> bool:
    return attributes.get("role") == "main" or attributes.get("itemprop") == "articleBody"


def _narrowed(root: Node, good: dict[Node, float]) -> Node:
    """The core of the region: around it are leads and ends, and teasers of other articles."""
    while True:
        children = [child for child in root.children if isinstance(child, Node)]
        best = max(children, key=lambda child: good.get(child, 0.0), default=None)
        if best is None or best.tag in _TEXT or good.get(best, 0.0) < _NARROW * good[root]:
            return root
        root = best


def _value(block: Block) -> float:
    if block.kind == "h":
        return 0.0
    if block.kind == "code":
        return float(min(len(block.text), 2000))
    # Chinese and Japanese say in a character what takes three letters: so do their bytes
    size = len(block.text.encode("utf-8", "replace"))
    if size < _SPECK:
        return 0.0
    links = _LINK_WEIGHT * block.links * size / max(1, len(block.text))
    cost = _COST_OF_PART if block.kind in ("row", "li") else _COST
    value = min(size, 1000) - links - cost
    return value * _SHORT if value < 0 and not block.links else value


def _weight(block: Block) -> float:
    """What a short line without links weighs within its region."""
    return 0.5 * len(block.text) if block.kind != "h" and not block.links else 0.0


def _deepest(nodes: list[Node]) -> Node:
    """The first of those that lie deepest; each element above them is counted once."""
    depths: dict[Node | None, int] = {None: 0}
    for node in nodes:
        above = []
        while node not in depths:
            above.append(node)
            node = node.parent
        depth = depths[node]
        for number, one in enumerate(reversed(above), 1):
            depths[one] = depth + number
    return max(nodes, key=depths.__getitem__)
