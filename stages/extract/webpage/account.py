"""The account of a page's text: how much was kept, how much went for which reason, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stages.counts import TextCount
from stages.extract.webpage.blocks import Block
from stages.extract.webpage.cuts import Cut
from stages.extract.webpage.tree import nonspace, text_of

Passage = tuple[str, str]


@dataclass
class Content:
    """All text of a page's tree in its order: blocks, chosen or cut, and what is in no block."""

    blocks: list[Block]
    cuts: list[Cut]

    @property
    def kept(self) -> list[Block]:
        """The blocks that were chosen."""
        return [block for block in self.blocks if not block.cut]

    def let_go(self) -> None:
        """Forget where text stands, so that the tree can go: then no passages can be told. Python
        would look for cycles among its elements otherwise, a twentieth of a page's time."""
        self.cuts = [cut._replace(what=cut.characters) for cut in self.cuts]
        for block in self.blocks:
            block.node = None

    def counted(self, unseen: Mapping[str, int], made: str, ticks: bool) -> TextCount:
        """The account of a page whose record is `made`, in characters other than white space.

        unseen: reason → characters that never came into the tree. ticks: whether the record has
        the backticks of its blocks.
        """
        count = TextCount()
        for reason, characters in unseen.items():
            count.remove(reason, characters)
        for cut in self.cuts:
            count.remove(cut.reason, cut.characters)
        for block in self.blocks:
            characters = block.characters
            if block.cut:
                count.remove(block.cut, characters)
                continue
            own = 0 if ticks else _own_ticks(block)
            count.kept += characters - own
            count.remove("backticks", own)
        count.seen = count.kept + sum(count.removed.values())
        count.added = len(made) - count.kept
        return count

    def passages(self, unseen: Sequence[Passage], ticks: bool) -> list[Passage]:
        """(reason, text) of all text of a page in its order; no reason where it was kept.

        unseen: the same of the text that never came into the tree, with the runs of all other
        text between, which say where it belongs.
        """
        found: list[Passage] = []
        waiting: list[tuple[int, Passage]] = []  # with the characters of the tree before it
        before = 0
        for reason, text in unseen:
            if reason:
                waiting.append((before, (reason, text)))
            else:
                before += nonspace(text)
        waiting.reverse()
        before = 0
        for passage, characters in self._of_tree(ticks):
            while waiting and waiting[-1][0] <= before:
                found.append(waiting.pop()[1])
            found.append(passage)
            before += characters
        return found + [passage for _, passage in reversed(waiting)]

    def _of_tree(self, ticks: bool) -> Iterator[tuple[Passage, int]]:
        """Each block and cut with its characters."""
        cuts = [*reversed(self.cuts)]
        for number, block in enumerate(self.blocks):
            while cuts and cuts[-1].at <= number:
                yield _of_cut(cuts.pop())
            own = 0 if ticks or block.cut else _own_ticks(block)
            bare = not ticks and block.kind != "code"
            rest = block.characters - own
            for text in block.passages:
                shown = text.replace("`", "") if bare else text
                yield (block.cut, shown), rest
                rest = 0
            if own:
                yield ("backticks", "`" * own), own
        for cut in reversed(cuts):
            yield _of_cut(cut)


def _own_ticks(block: Block) -> int:
    """Backticks of the page itself in a block whose backticks are left out."""
    return 0 if block.kind == "code" else block.text.count("`") - block.ticks


def _of_cut(cut: Cut) -> tuple[Passage, int]:
    if isinstance(cut.what, int):
        raise ValueError("the tree has been let go")
    text = cut.what if isinstance(cut.what, str) else text_of(cut.what)
    return (cut.reason, text), cut.characters
