"""Renderings as pieces between control tokens: encoded at once, and put together as arrays.

A control token of the template's cuts a text in two that know nothing of each other. So the ids of
a rendering are those of its pieces, in which no control token is looked for, with the control
tokens between them, and a record can never forge one. A batch costs one call of an encoder and a
handful of array operations, however many rows it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from stages.tokens.encoders import Flat
from stages.tokens.segments import Segment, Slot, filled
from stages.tokens.widths import Widths, size

Span = tuple[int, int]
LITERALS = 10_000  # texts of templates that are remembered, cut at their control tokens


@dataclass
class Encoded:
    """ids: all tokens, one after another; bounds[i]:bounds[i+1] are those of text i. spans: per
    text the [begin, end) token ranges that are trained on. lossy: whether decoding the tokens
    gives another text. doubtful: rows of which only offsets can tell spans and loss.
    """

    ids: np.ndarray
    bounds: np.ndarray
    spans: list[list[Span]]
    lossy: np.ndarray
    doubtful: list[int] = field(default_factory=list)

    def tokens(self) -> Iterator[np.ndarray]:
        """The ids of each text."""
        for begin, end in pairwise(self.bounds.tolist()):
            yield self.ids[begin:end]


class Filled:
    """A skeleton with the contents of one conversation, by the number of their message."""

    __slots__ = ("contents", "form")

    def __init__(self, form: Form, contents: Sequence[str]) -> None:
        self.form, self.contents = form, contents

    def segments(self) -> list[Segment]:
        """The rendering in order."""
        return filled(self.form.slots, self.contents)


class Form:
    """The stretches of a skeleton, and what an assembler makes of them once for all rows."""

    def __init__(self, slots: Sequence[Segment | Slot]) -> None:
        self.slots = slots
        self.trims = any(isinstance(s, Slot) and (s.left or s.right) for s in slots)
        self.cut: _Cut | None = None

    def trimmed(self, contents: Sequence[str]) -> list[str]:
        """Contents as they stand in the rendering."""
        shown = list(contents)
        for slot in self.slots:
            if isinstance(slot, Slot):
                shown[slot.message] = slot.shown(shown[slot.message])
        return shown


@dataclass
class _Cut:
    """A form cut at its control tokens. pieces: the texts between them in which contents stand,
    each as texts of the template and numbers of slots. spans: where it is trained on: bytes of the
    template's before, and how many slots before, for the beginning and the end."""

    slots: list[Slot]
    items: list[int]
    pieces: list[list[str | int]]
    first: list[bool]
    size: int
    spans: list[tuple[int, int, int, int]]


Rendered = Sequence[Segment] | Filled


def segments_of(row: Rendered) -> Sequence[Segment]:
    """The segments of a rendering."""
    return row.segments() if isinstance(row, Filled) else row


class _Rows:
    """What a batch of rows is made of, in flat lists."""

    def __init__(self) -> None:
        self.items: list[int] = []  # a control token's id, or -1 for the next piece
        self.pieces: list[str] = []
        self.first: list[bool] = []  # whether a piece begins its row
        self.ends: list[int] = [0]  # where each row ends among the items
        self.sizes: list[int] = []  # bytes of each row
        self.asked: list[tuple[int, int, int]] = []  # (row, begin, end) in bytes of it
        self.strange: set[int] = set()  # rows with a piece whose tokens are no pieces of it


class Assembler:
    """Puts rows of segments together.

    special: texts of control tokens → ids. encode: ids of texts at the beginning of all; inner: of
    those that stand behind something.
    """

    def __init__(
        self,
        special: Mapping[str, int],
        cut: re.Pattern[str],
        widths: Widths,
        encode: Callable[[Sequence[str]], Flat],
        inner: Callable[[Sequence[str]], Flat],
    ) -> None:
        self._special, self._cut, self.widths = special, cut, widths
        self._encode, self._inner = encode, inner
        self._literals: dict[str, list[str]] = {}

    def rows(self, rows: Iterable[Rendered]) -> Encoded:
        """Renderings, with the spans of their trained segments."""
        made = _Rows()
        for number, row in enumerate(rows):
            if isinstance(row, Filled):
                self._fill(made, number, row)
            else:
                self._add(made, number, row)
        return self._encoded(made)

    def texts(self, texts: Sequence[str]) -> Encoded:
        """Plain texts, without spans."""
        made = _Rows()
        for number, text in enumerate(texts):
            self._piece(made, number, text, True)
            made.ends.append(len(made.items))
            made.sizes.append(size(text))
        return self._encoded(made)

    def ends(self, text: str, ids: np.ndarray) -> list[int]:
        """Where each of its tokens ends in a text that they decode to, in characters."""
        edges = np.cumsum(self.widths.bytes[ids], dtype=np.int64) - self.widths.led(text)
        if not text.isascii():
            # A token that ends within a character counts as one that holds it.
            first = np.frombuffer(text.encode(), dtype=np.uint8) & 0xC0 != 0x80
            edges = np.concatenate(([0], np.cumsum(first)))[edges]
        return list(edges.tolist())

    def _piece(self, made: _Rows, number: int, text: str, first: bool) -> None:
        if not text:
            return
        made.items.append(-1)
        made.pieces.append(text)
        made.first.append(first)
        if not text.isascii() and not self.widths.apply_to(text):
            made.strange.add(number)

    def _add(self, made: _Rows, number: int, row: Sequence[Segment]) -> None:
        begun = len(made.items)
        waiting: list[str] = []
        at = since = 0  # bytes, and where a trained stretch began
        learned = False
        for segment in row:
            if segment.trained != learned:
                if learned:
                    made.asked.append((number, since, at))
                learned, since = segment.trained, at
            text = segment.text
            at += len(text) if text.isascii() else len(text.encode())
            if segment.content:
                waiting.append(text)
                continue
            parts = self._literals.get(text) or self._parts(text)
            waiting.append(parts[0])
            for place in range(1, len(parts), 2):
                self._piece(made, number, "".join(waiting), len(made.items) == begun)
                made.items.append(self._special[parts[place]])
                waiting = [parts[place + 1]]
        if learned:
            made.asked.append((number, since, at))
        self._piece(made, number, "".join(waiting), len(made.items) == begun)
        made.ends.append(len(made.items))
        made.sizes.append(at)

    def _fill(self, made: _Rows, number: int, row: Filled) -> None:
        cut = row.form.cut
        if cut is None:
            cut = row.form.cut = self._cut_form(row.form.slots)
        shown = row.form.trimmed(row.contents) if row.form.trims else row.contents
        texts = [shown[slot.message] for slot in cut.slots]
        before = [0]  # bytes of the contents before each slot
        for text in texts:
            before.append(before[-1] + (len(text) if text.isascii() else len(text.encode())))
        made.items += cut.items
        made.first += cut.first
        for parts in cut.pieces:
            text = "".join([part if isinstance(part, str) else texts[part] for part in parts])
            made.pieces.append(text)
            if not text.isascii() and not self.widths.apply_to(text):
                made.strange.add(number)
        for begin, first, end, last in cut.spans:
            made.asked.append((number, begin + before[first], end + before[last]))
        made.ends.append(len(made.items))
        made.sizes.append(cut.size + before[-1])

    def _cut_form(self, slots: Sequence[Segment | Slot]) -> _Cut:
        cut = _Cut([], [], [], [], 0, [])
        parts: list[str | int] = []
        begun: tuple[int, int] | None = None
        for slot in slots:
            if slot.trained != (begun is not None):
                here = cut.size, len(cut.slots)
                if begun is not None:
                    cut.spans.append((*begun, *here))
                begun = here if begun is None else None
            if isinstance(slot, Slot):
                parts.append(len(cut.slots))
                cut.slots.append(slot)
                continue
            cut.size += size(slot.text)
            literal = self._cut.split(slot.text)
            parts.append(literal[0])
            for place in range(1, len(literal), 2):
                self._close(cut, parts)
                cut.items.append(self._special[literal[place]])
                parts = [literal[place + 1]]
        if begun is not None:
            cut.spans.append((*begun, cut.size, len(cut.slots)))
        self._close(cut, parts)
        return cut

    def _close(self, cut: _Cut, parts: list[str | int]) -> None:
        text = "".join(part for part in parts if isinstance(part, str))
        if all(isinstance(part, str) for part in parts):
            if not text:
                return
            if self.widths.lead == "none" and self.widths.apply_to(text):
                cut.items += self._encode([text])[0].tolist()
                return
        cut.first.append(not cut.items)
        cut.items.append(-1)
        cut.pieces.append([part for part in parts if part != ""])

    def _parts(self, literal: str) -> list[str]:
        if len(self._literals) >= LITERALS:
            self._literals.clear()
        found = self._literals[literal] = self._cut.split(literal)
        return found

    def _encoded(self, made: _Rows) -> Encoded:
        items = np.array(made.items, dtype=np.int64)
        is_piece = items < 0
        counts, flats = self._ids(made)
        lengths = np.ones(len(items), dtype=np.int64)
        lengths[is_piece] = counts
        starts = np.concatenate(([0], np.cumsum(lengths)))
        ids = np.empty(starts[-1], dtype=np.int32)
        ids[starts[:-1][~is_piece]] = items[~is_piece]
        begins = starts[:-1][is_piece]
        for chosen, (flat, bounds) in flats:
            shift = begins[chosen] - bounds[:-1]
            ids[np.arange(len(flat)) + np.repeat(shift, np.diff(bounds))] = flat
        ends = np.array(made.ends, dtype=np.int64)
        return self._with_spans(made, ids, starts[ends], begins[counts > 0], counts > 0)

    def _ids(self, made: _Rows) -> tuple[np.ndarray, list[tuple[np.ndarray, Flat]]]:
        """Tokens of each piece, and the ids of those that are encoded in one way or the other."""
        first = np.array(made.first, dtype=bool)
        if self._encode is self._inner or first.all():
            sides = [(np.arange(len(first)), self._encode)]
        else:
            sides = [(np.flatnonzero(first), self._encode), (np.flatnonzero(~first), self._inner)]
        counts = np.zeros(len(first), dtype=np.int64)
        found = []
        for chosen, encode in sides:
            flat = encode([made.pieces[at] for at in chosen] if len(sides) > 1 else made.pieces)
            counts[chosen] = np.diff(flat[1])
            found.append((chosen, flat))
        return counts, found

    def _with_spans(
        self, made: _Rows, ids: np.ndarray, bounds: np.ndarray, begins: np.ndarray, full: np.ndarray
    ) -> Encoded:
        """begins: where the pieces that have tokens begin; full: which these are."""
        widths = self.widths.bytes[ids].astype(np.int64)
        nowhere = np.flatnonzero(widths < 0)
        if self.widths.lead != "none":
            only_first = self.widths.lead == "first"
            led = [
                self.widths.led(text) and (first or not only_first)
                for text, first in zip(made.pieces, made.first, strict=True)
            ]
            widths[begins] -= np.array(led, dtype=bool)[full]
        edges = np.concatenate(([0], np.cumsum(np.maximum(widths, 0))))
        lossy = edges[bounds[1:]] - edges[bounds[:-1]] != np.array(made.sizes, dtype=np.int64)
        lossy[np.searchsorted(bounds, nowhere, side="right") - 1] = True
        lossy[list(made.strange)] = True
        spans: list[list[Span]] = [[] for _ in made.sizes]
        if made.asked:
            rows, low, high = np.array(made.asked, dtype=np.int64).T
            offset = bounds[:-1][rows]
            base = edges[offset]
            begin = np.searchsorted(edges, base + low, side="right") - 1
            # The blank before a text is its first token, though it stands for none of it.
            begin -= (begin > offset) & (widths[np.maximum(begin, 1) - 1] == 0)
            end = np.searchsorted(edges, base + high, side="left")
            for row, a, b in zip(
                rows.tolist(), (begin - offset).tolist(), (end - offset).tolist(), strict=True
            ):
                if a < b:
                    spans[row].append((a, b))
        return Encoded(ids, bounds, spans, lossy, np.flatnonzero(lossy).tolist())
