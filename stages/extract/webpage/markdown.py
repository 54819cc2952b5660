"""Blocks as Markdown, and as plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stages.extract.webpage.blocks import Block

# What would begin a heading, quotation or list in Markdown but is text of the page.
_LOOKS_LIKE = re.compile(r"(?=[#>]|[-*+] |-{3,}$|={3,}$|~{3}|`{3})")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?= )")
_TICKS = re.compile("`{3,}+")
_INDENT = "    "
# Levels that are shown: a thousand would make 4 kB of white space an item. Fewer where that would
# be more white space in all than is allowed and more than twice the text.
_DEEPEST, _WHITE = 32, 1 << 20


def plain(blocks: Sequence[Block]) -> str:
    """One line a block; code as it stands."""
    return "\n".join(
        block.text if block.kind == "code" else block.text.replace("`", "") for block in blocks
    )


def markdown(blocks: Sequence[Block]) -> str:
    """Blocks with empty lines between them, except between items and rows of one list or table."""
    lines: list[str] = []
    before: Block | None = None
    deepest = _deepest(blocks)
    for block in blocks:
        tight = before is not None and (
            (block.kind == before.kind == "row" and block.group == before.group)
            or (block.kind == before.kind == "li")
        )
        prefix = "> " * min(block.quote, deepest)
        if before is not None and not tight:
            lines.append(prefix.rstrip() if before.quote and block.quote else "")
        first = before is None or before.kind != "row" or before.group != block.group
        lines += [
            prefix + line if line else prefix.rstrip() for line in _lines(block, first, deepest)
        ]
        before = block
    return "\n".join(lines)


def _deepest(blocks: Sequence[Block]) -> int:
    """Levels of lists and quotations that are shown."""
    allowed = max(_WHITE, 2 * sum(len(block.text) for block in blocks))
    deepest = _DEEPEST
    while deepest:
        white = 0
        for block in blocks:
            if block.level > 1 or block.quote:
                levels = 4 * min(block.level, deepest) + 2 * min(block.quote, deepest)
                white += levels * (1 + block.text.count("\n"))
        if white <= allowed:
            break
        deepest //= 2
    return deepest


def _lines(block: Block, first: bool, deepest: int) -> list[str]:
    if block.kind == "h":
        return ["#" * block.level + " " + block.text]
    if block.kind == "li":
        mark = "- " if block.number is None else f"{block.number}. "
        return [_INDENT * min(block.level - 1, deepest) + mark + block.text]
    if block.kind == "row":
        return _row(block, first)
    indent = _INDENT * min(block.level, deepest)
    if block.kind == "code":
        longest = max((len(run[0]) for run in _TICKS.finditer(block.text)), default=0)
        fence = "`" * max(3, longest + 1)
        inner = [indent + line if line else "" for line in block.text.split("\n")]
        return [indent + fence + block.lang, *inner, indent + fence]
    return [indent + _escaped(block.text)]


def _escaped(text: str) -> str:
    if _LOOKS_LIKE.match(text):
        return "\\" + text
    return _NUMBERED.sub(r"\1\\\2", text, count=1) if _NUMBERED.match(text) else text


def _row(block: Block, first: bool) -> list[str]:
    cells = [cell.replace("|", "\\|") for cell in block.cells]
    line = "| " + " | ".join(cells) + " |"
    rule = "|" + " --- |" * len(cells)
    return [line, rule] if first else [line]
