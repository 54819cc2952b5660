"""Which blocks are the page's content: of an article one region, of other pages all sections."""

from __future__ import annotations

import re

from stages.extract.webpage.account import Content
from stages.extract.webpage.blocks import Block, blocks_of
from stages.extract.webpage.kinds import Kind
from stages.extract.webpage.tree import Node, words

# Characters that a block must have to speak for its region; what is in links speaks against it.
_COST = 60.0
# A child with this share of what speaks for the region is the region.
_NARROW = 0.8
_COST_OF_PART = 10.0  # of a row or an item, which are short as such
_SPECK = 4  # bytes of a line that says nothing about its region
_LINK_WEIGHT = 2.0
# A run of short lines speaks against its region less and less, so that it is bounded.
_FADE = 0.7
# One region with this share of the text of all sections is an article that does not say so.
_WHOLE = 0.7
# Headings of sections that lead to other pages or ask something of the reader.
_AWAY = re.compile(
    r"(?:related|recommended|suggested|similar|popular|trending|latest|recent(?:ly)?)\b.{0,40}$"
    r"|(?:you (?:may|might)|customers|people|readers) (?:also )?(?:like|love|enjoy|bought|view)"
    r"|more (?:from|stories|articles|news|posts|in|on|like)\b|(?:read|up|see) (?:next|more|also)"
    r"|(?:leave|post|add|write) (?:a|your) (?:reply|comment|review)"
    r"|(?:\d+ )?(?:comments?|responses)\b|(?:customer |user )?reviews?\b.{0,20}$"
    r"|share this|about the author|follow us|sign up|subscribe|newsletter"
    r"|join (?:our|the)|stay (?:connected|informed|in touch)|privacy overview|cookie",
    re.IGNORECASE,
)
_HEADINGS = words("h1 h2 h3 h4 h5 h6")
_TEXT = words("p pre li blockquote table td ul ol dl")
_MAIN = words("main content primary page-content main-content maincontent bodycontent")


def content(order: list[Node], kind: Kind) -> Content:
    """The blocks of a tree whose boilerplate is marked; those that are no content are cut."""
    blocks, cuts = blocks_of(order[0])
    found = Content(blocks, cuts)
    if not blocks:
        return found
    # of each block why it is left out, else an empty string
    fates = region(order, blocks) if kind in ("article", "other") else ["outside"] * len(blocks)
    whole = True  # whether one region is the page
    if kind != "article":
        all_sections = sections(order, blocks)
        whole = _size(blocks, fates) >= _WHOLE * _size(blocks, all_sections)
        if not whole:
            fates = all_sections
    for block, fate in zip(blocks, fates, strict=True):
        block.cut = fate
    _tidy(found.kept, whole or kind == "product")
    if kind == "article":
        title = next((b for b in found.kept[:5] if b.kind == "h" and b.level == 1), None)
        if title is not None:
            title.cut = "title"
    return found


def _size(blocks: list[Block], fates: list[str]) -> int:
    return sum(
        len(block.text) - block.links for block, fate in zip(blocks, fates, strict=True) if not fate
    )


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
        if value > 0:
            good[block.node] = good.get(block.node, 0.0) + value
    for node in reversed(order):  # children stand behind their parents
        for found in (sums, good):
            if node in found and node.parent is not None:
                found[node.parent] = found.get(node.parent, 0.0) + found[node]
    best = max(sums.values())
    if best <= 0:
        return ["outside"] * len(blocks)
    root = _deepest([node for node in order if sums.get(node) == best])
    root = _narrowed(root, good)
    # node of the region → whether the highest element around it that speaks against itself is
    # mostly links; None where there is none
    bad: dict[Node, bool | None] = {root: None}
    for node in order:
        if node.parent not in bad or node is root:
            continue
        bad[node] = bad[node.parent]
        if bad[node] is None and sums.get(node, 0.0) < 0 and node.tag not in _HEADINGS:
            bad[node] = node.links > 0.5 * node.chars
    return [
        "outside" if block.node not in bad else "links" if bad[block.node] else ""
        for block in blocks
    ]


def _narrowed(root: Node, good: dict[Node, float]) -> Node:
    """The article within the region: the rest is teasers of other articles."""
    while True:
        children = [child for child in root.children if isinstance(child, Node)]
        best = max(children, key=lambda child: good.get(child, 0.0), default=None)
        if best is None or best.tag in _TEXT or good.get(best, 0.0) < _NARROW * good[root]:
            return root
        root = best


def sections(order: list[Node], blocks: list[Block]) -> list[str]:
    """Why each block is left out by the page's main part without lists of links."""
    main = _main(order)
    within = _within(order, main) if main is not None else set(order)
    fates = []
    for block in blocks:
        if block.node not in within:
            fates.append("outside")
        elif block.links > 0.8 * len(block.text) and block.kind != "h":
            fates.append("links")
        else:
            fates.append("")
    return fates


def _main(order: list[Node]) -> Node | None:
    """The element that the page calls its main part, if most of the text is there."""
    total = order[0].chars - order[0].links
    best = None
    for node in order:
        if node.dropped:
            continue
        if node.tag == "main" or node.attributes.get("role") == "main":
            return node if node.chars - node.links > 0.3 * total else None
        if best is None and not _MAIN.isdisjoint(node.names.split()):
            best = node
    if best is not None and best.chars - best.links > 0.5 * total:
        return best
    return None


def _within(order: list[Node], root: Node) -> set[Node]:
    """An element and all below it."""
    found = {root}
    for node in order:
        if node.parent in found:
            found.add(node)
    return found


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
    if block.kind in ("row", "li"):
        return min(size, 1000) - links - _COST_OF_PART
    return min(size, 1000) - links - _COST


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


def _tidy(blocks: list[Block], strict: bool) -> None:
    """Cut sections that lead away from the page (strict), and headings that nothing follows."""
    kept: list[Block] = []
    away = 0  # level of the heading of such a section
    for block in blocks:
        if block.kind == "h":
            if away and block.level <= away:
                away = 0
            if strict and not away and kept and _AWAY.match(block.text):
                away = block.level
        if away:
            block.cut = "related"
        else:
            kept.append(block)
    while kept and kept[-1].kind == "h":
        kept.pop().cut = "heading"
