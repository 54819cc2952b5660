"""Rows of a batch on their way to tokens, and the columns that tokens become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stages.errors import UsageError
from stages.tokens.encode import Encoder
from stages.tokens.foreign import TokenizerFailed
from stages.tokens.pieces import Encoded, Rendered, Span, segments_of
from stages.verdicts import Verdicts

FAILURES = 100  # texts at which a tokenizer may fail in one process


@dataclass
class Row:
    """One record on its way: its rendering, or just its text."""

    number: int
    plain: str = ""
    rendering: Rendered | None = None
    with_system: bool = False  # begins with a message that the record does not have
    rendered: int = 0  # characters of the record that the text has
    thinking: int = 0  # characters of reasoning that the template leaves out
    tools: int = 0  # characters of tools that it leaves out

    @property
    def text(self) -> str:
        """What is encoded."""
        if self.rendering is None:
            return self.plain
        return "".join(segment.text for segment in segments_of(self.rendering))

    def contents(self) -> list[Span]:
        """Where the record's own text stands in the rendering."""
        if self.rendering is None:
            return [(0, len(self.plain))]
        spans, begin = [], 0
        for segment in segments_of(self.rendering):
            if segment.content and not (self.with_system and segment.message == 0):
                spans.append((begin, begin + len(segment.text)))
            begin += len(segment.text)
        return spans


class Unheard:
    """Verdicts on what is tried, and is no record."""

    def drop(self, row: int, reason: str, **evidence: Any) -> None:
        """Nothing leaves."""

    fail = drop


class Tokens:
    """Tokens by row, and their way into Arrow columns."""

    def __init__(self, rows: int) -> None:
        self.ids: dict[int, np.ndarray] = {}
        self.trained: dict[int, list[Span]] = {}
        self.lossy = np.zeros(rows, dtype=bool)
        self.cut = np.zeros(rows, dtype=np.int32)
        self.long: list[int] = []  # rows that are to become several
        self.tails: dict[int, np.ndarray] = {}  # tokens that were cut off

    def put(self, row: int, ids: np.ndarray, trained: list[Span], lossy: bool) -> None:
        """Set the tokens of a row."""
        self.ids[row], self.trained[row], self.lossy[row] = ids, trained, lossy

    def length_of(self, row: int) -> dict[str, Any]:
        """Evidence: how many tokens a row has."""
        return {"tokens": len(self.ids[row])}

    def into(self, verdicts: Verdicts, truncated: bool) -> None:
        """Set the columns; rows without tokens (they have left) get empty lists."""
        rows = range(len(verdicts))
        nothing = np.zeros(0, dtype=np.int32)
        ids = [self.ids.get(row, nothing) for row in rows]
        offsets = np.zeros(len(ids) + 1, dtype=np.int32)
        np.cumsum([len(one) for one in ids], out=offsets[1:])
        mask = np.zeros(offsets[-1], dtype=bool)
        for row, spans in self.trained.items():
            for begin, end in spans:
                mask[offsets[row] + begin : offsets[row] + end] = True
        whole = np.concatenate(ids) if ids else nothing
        for name, values in (("input_ids", whole), ("loss_mask", mask)):
            lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(values))
            verdicts.set(name, lists)
        verdicts.set("length", pa.array(np.diff(offsets)))
        verdicts.set("lossy", pa.array(self.lossy))
        if truncated:
            verdicts.set("cut", pa.array(self.cut))


def encoded_rows(
    encoder: Encoder, rows: list[Row], verdicts: Verdicts
) -> Iterator[tuple[list[Row], Encoded]]:
    """Rows with their tokens; all at once, or one by one where the tokenizer fails at some."""

    def encode(some: list[Row]) -> Encoded:
        if some[0].rendering is None:
            return encoder.texts([row.plain for row in some])
        return encoder.renderings([row.rendering or () for row in some])

    if not rows:
        return
    try:
        yield rows, encode(rows)
        return
    except TokenizerFailed:
        pass
    for row in rows:
        try:
            yield [row], encode([row])
        except TokenizerFailed as error:
            _refuse(encoder, row, error, verdicts)


def _refuse(encoder: Encoder, row: Row, error: TokenizerFailed, verdicts: Verdicts) -> None:
    verdicts.fail(row.number, "tokenizer", error=str(error), characters=len(row.text))
    encoder.failures += 1
    if encoder.failures >= FAILURES:
        raise UsageError(
            f"{encoder.model}: its tokenizer fails at {FAILURES} texts, the last time with "
            f"{error}; name another model"
        )
