"""Blocks as Markdown, and as plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stages.extract.webpage.blocks import Block

# What would begin a heading, quotation or list in Markdown but is text of the page.
_LOOKS_LIKE = re.compile(r"(?=[#>]|[-*+] |-{3,}$|={3,}$|~{3}|`{3})")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?= )")
_INDENT = "    "
_DEEPEST = 32  # levels that are shown: a thousand would make 4 kB of white space an item


def plain(blocks: Sequence[Block]) -> str:
    """One line a block; code as it stands."""
    return "\n".join(
        block.text if block.kind == "code" else block.text.replace("`", "") for block in blocks
    )


def markdown(blocks: Sequence[Block]) -> str:
    """Blocks with empty lines between them, except between items and rows of one list or table."""
    lines: list[str] = []
    before: Block | None = None
    for block in blocks:
        tight = before is not None and (
            (block.kind == before.kind == "row" and block.group == before.group)
            or (block.kind == before.kind == "li")
        )
        prefix = "> " * min(block.quote, _DEEPEST)
        if before is not None and not tight:
            lines.append(prefix.rstrip() if before.quote and block.quote else "")
        first = before is None or before.kind != "row" or before.group != block.group
        lines += [prefix + line if line else prefix.rstrip() for line in _lines(block, first)]
        before = block
    return "\n".join(lines)


def _lines(block: Block, first: bool) -> list[str]:
    if block.kind == "h":
        return ["#" * block.level + " " + block.text]
    if block.kind == "li":
        mark = "- " if block.number is None else f"{block.number}. "
        return [_INDENT * min(block.level - 1, _DEEPEST) + mark + block.text]
    if block.kind == "row":
        return _row(block, first)
    indent = _INDENT * min(block.level, _DEEPEST)
    if block.kind == "code":
        fence = "```"
        while fence in block.text:
            fence += "`"
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
