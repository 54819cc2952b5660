"""Which blocks are the page's content: the subtree with the most text that is no boilerplate."""

from __future__ import annotations

from stages.extract.webpage.blocks import Block, blocks_of
from stages.extract.webpage.tree import Node

# Characters that a block must have to speak for its subtree; what is in links speaks against it.
_COST = 30.0
_LINK_WEIGHT = 2.0


def content(order: list[Node], kind: str) -> list[Block]:
    """The content blocks of a tree whose boilerplate is marked, in reading order."""
    blocks = blocks_of(order[0])
    if not blocks:
        return []
    sums: dict[int, float] = {}
    nodes: dict[int, Node] = {}
    values = []
    for block in blocks:
        value = _value(block)
        values.append(value)
        node = block.node
        while node is not None:
            key = id(node)
            sums[key] = sums.get(key, 0.0) + value
            nodes[key] = node
            node = node.parent
    best = max(sums, key=lambda key: (sums[key], _depth(nodes[key])))
    if sums[best] <= 0:
        return []
    root = nodes[best]
    kept = []
    for block in blocks:
        node = block.node
        bad = False
        while node is not None and node is not root:
            if sums[id(node)] < 0 and node.tag not in ("h1", "h2", "h3", "h4", "h5", "h6"):
                bad = node.links > 0.5 * node.chars
            node = node.parent
        if node is root and not bad:
            kept.append(block)
    kept = _tidied(kept)
    if kind == "article":  # its title is in `meta`
        titles = [block for block in kept[:5] if block.kind == "h" and block.level == 1]
        kept = [block for block in kept if block not in titles[:1]]
    return kept


def _value(block: Block) -> float:
    if block.kind == "h":
        return 0.0
    if block.kind == "code":
        return float(min(len(block.text), 2000))
    if block.kind == "row":
        return len(block.text) - _LINK_WEIGHT * block.links - 10
    return min(len(block.text), 1000) - _LINK_WEIGHT * block.links - _COST


def _depth(node: Node) -> int:
    depth = 0
    while node.parent is not None:
        node, depth = node.parent, depth + 1
    return depth


def _tidied(blocks: list[Block]) -> list[Block]:
    """Without headings that nothing follows."""
    out: list[Block] = []
    for block in reversed(blocks):
        if block.kind != "h" or out:
            out.append(block)
    return out[::-1]
