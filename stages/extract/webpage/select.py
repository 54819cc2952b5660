"""Which blocks are the page's content: of an article one region, of other pages all sections."""

from __future__ import annotations

from stages.extract.webpage.account import Content
from stages.extract.webpage.blocks import Block, blocks_of
from stages.extract.webpage.kinds import Kind
from stages.extract.webpage.region import region
from stages.extract.webpage.teasers import cut_away
from stages.extract.webpage.tree import Node, words

# One region with this share of the text of all sections is an article that does not say so.
_WHOLE = 0.7
# The region of an article with less than this is none.
_HALF = 0.5
_MAIN = words("main content primary page-content main-content maincontent bodycontent")


def content(order: list[Node], kind: Kind) -> Content:
    """The blocks of a tree whose boilerplate is marked; those that are no content are cut."""
    blocks, cuts = blocks_of(order[0])
    found = Content(blocks, cuts)
    if not blocks:
        return found
    # of each block why it is left out, else an empty string
    single = kind in ("article", "other")
    fates = region(order, blocks) if single else ["outside"] * len(blocks)
    all_sections = sections(order, blocks, kind == "manual")
    enough = _HALF if kind == "article" else _WHOLE
    whole = _size(blocks, fates) >= enough * _size(blocks, all_sections)  # one region is the page
    if not whole:
        fates = all_sections
    for block, fate in zip(blocks, fates, strict=True):
        block.cut = fate
    if whole or kind in ("product", "article", "other"):
        cut_away([block for block in blocks if block.cut in ("", "links")], kind, whole)
    kept = found.kept
    while kept and kept[-1].kind == "h" and kind != "manual":
        kept.pop().cut = "heading"
    if kind == "article":
        title = next((b for b in found.kept[:5] if b.kind == "h" and b.level == 1), None)
        if title is not None:
            title.cut = "title"
    return found


def _size(blocks: list[Block], fates: list[str]) -> int:
    return sum(
        len(block.text) - (0 if block.card else block.links)
        for block, fate in zip(blocks, fates, strict=True)
        if not fate
    )


def sections(order: list[Node], blocks: list[Block], links: bool) -> list[str]:
    """Why each block is left out by the page's main part without lists of links."""
    main = _main(order)
    within = _within(order, main) if main is not None else set(order)
    fates = []
    for block in blocks:
        if block.node not in within:
            fates.append("outside")
        elif links or block.kind == "h" or block.card or block.links <= 0.8 * len(block.text):
            fates.append("")
        else:
            fates.append("links")
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
