"""Which values of an object are its text as they are: what a layout does with many rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# Bytes with which white space may begin: ASCII's, and the first of U+0085, 00A0, 1680, 2000, 3000.
_UNSURE = np.zeros(256, np.bool_)
_UNSURE[[*range(0x21), 0xC2, 0xE1, 0xE2, 0xE3]] = True
# White space as Python has it.
_SPACES = (
    r"\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
)
BLANK = rf"^[{_SPACES}]*$"


class Direct(NamedTuple):
    """How values become a record where nothing about their texts decides it, but whether there is
    one. form: of the record. columns: of its text, of its prompt and what that is about, or of its
    messages; answer: of its completion. rest: columns of its meta. line: in words."""

    form: Literal["text", "pair", "messages"]
    columns: tuple[str, ...]
    answer: str
    rest: Sequence[str]
    line: str


def filled_in(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """Which texts are there, and more than white space."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    found = ends[1:] > ends[:-1]
    if not found.any():
        return found
    heads = np.frombuffer(data, np.uint8)[np.minimum(ends[:-1], len(data) - 1)]
    if texts.null_count:
        found &= np.asarray(texts.is_valid())
    unsure = found & _UNSURE[heads]
    if unsure.any():
        blank = pc.match_substring_regex(texts.filter(pa.array(unsure)), BLANK)
        found[unsure] = ~np.asarray(blank)
    return found


def joined(pieces: Sequence[pa.Array]) -> tuple[pa.Array, npt.NDArray[np.int64], Any]:
    """The prompts that are made of texts, those that are empty left out; how many characters more
    than the texts each has; and which are made of what `layout` would make them of: of no text
    that is white space alone, and of one at least."""
    whole, *others = pieces
    usual = filled_in(whole)
    added = np.zeros(len(whole), np.int64)
    for piece in others:
        empty = pc.equal(pc.binary_length(piece), 0)
        there = ~np.asarray(empty)
        usual &= filled_in(piece) | ~there
        added += 2 * there
        if there.any():
            whole = pc.if_else(empty, whole, pc.binary_join_element_wise(whole, piece, "\n\n"))
    return whole, added, usual
