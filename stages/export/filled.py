"""Lines of text filled to a number of tokens, for trainers that know nothing but text.

The rows of a tokens corpus are packed into lines that have room for so many tokens (best fit, see
`stages/tokens/packing.py`), and written as the text of their tokens, control tokens among it: the
same tokenizer makes the same tokens of it. Conversations are as their template renders them, and
long texts are cut as tokenize has cut them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.base import Progress
from stages.corpus import Corpus
from stages.errors import UsageError
from stages.json_lines import Lines
from stages.tokens.encode import Encoder
from stages.tokens.model import load_tokenizer, with_tokens
from stages.tokens.packing import Bins, bins

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Filled:
    """lines: written, of each side. used: tokens in them. room: tokens that they have room for.
    changed: lines whose text the tokenizer makes other tokens of, as where it lacks a character."""

    lines: dict[str, int]
    used: int
    room: int
    changed: int


class _Rows:
    """The rows of one side: mapped, by number."""

    def __init__(self, corpus: Corpus, side: str) -> None:
        self.ids: list[str] = []
        self._chunks: list[tuple[Array, Array]] = []
        self._where: list[tuple[int, int]] = []
        for batch in corpus.batches():
            column = batch.column("input_ids")
            array = column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
            lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
            bounds = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
            sides = ["train"] * batch.num_rows
            if "split" in batch.column_names:
                sides = batch.column("split").to_pylist()
            names = batch.column("id").to_pylist()
            for row, own in enumerate(sides):
                if ("val" if own == "val" else "train") == side:
                    self.ids.append(names[row])
                    self._where.append((len(self._chunks), row))
            self._chunks.append((array.flatten().to_numpy(), bounds))

    def tokens(self, number: int) -> Array:
        at, row = self._where[number]
        flat, bounds = self._chunks[at]
        return flat[bounds[row] : bounds[row + 1]]

    def lengths(self) -> Array:
        return np.array([len(self.tokens(number)) for number in range(len(self.ids))], dtype=int)


def write(
    corpus: Corpus, out: Path, sides: Sequence[str], fill: int | None, progress: Progress
) -> Filled:
    """Write SIDE.jsonl of lines {"text", "ids"}: the text, and the ids of its records.

    fill: tokens of a line; none: as many as tokenize gave a record.
    """
    steps = [step.get("parameters") or {} for step in corpus.manifest.get("steps", [])]
    made: dict[str, Any] = next((one for one in reversed(steps) if "max_length" in one), {})
    room = fill or made.get("max_length")
    if room is None:
        raise UsageError(
            "export.fill: say how many tokens a line has, since tokenize's max_length says none"
        )
    model = with_tokens(str(made.get("model")), made.get("add_tokens") or ())
    encoder = Encoder(load_tokenizer(model), model)
    lines, used, changed, done = dict.fromkeys(sides, 0), 0, 0, 0
    for side in sides:
        rows = _Rows(corpus, side)
        plan = bins(rows.lengths(), room)
        with Lines(out / f"{side}.jsonl") as file:
            for packed in _apart(plan, rows, {*encoder.special.values()}):
                tokens = np.concatenate([rows.tokens(number) for number in packed])
                text = _text(encoder, tokens.tolist())
                changed += encoder.marked.encode(text).ids != _as_read(encoder, tokens.tolist())
                file.write({"text": text, "ids": [rows.ids[number] for number in packed]})
                lines[side] += 1
                done += len(packed)
                progress(done, len(corpus))
        used += plan.tokens
    return Filled(lines, used, room * sum(lines.values()), changed)


def _apart(plan: Bins, rows: _Rows, control: set[int]) -> Iterator[list[int]]:
    """The rows of each line. One that no control token ends (a text goes on in its next part)
    would run into what follows: it comes last, and a second such has a line of its own."""
    for packed in plan:
        ended = [at for at in packed if int(rows.tokens(at)[-1]) in control]
        others = [at for at in packed if at not in ended]
        yield [*ended, *others[:1]]
        yield from ([at] for at in others[1:])


def _as_read(encoder: Encoder, ids: list[int]) -> list[int]:
    """The tokens of a line as a trainer's tokenizer makes them: with what it puts around a text."""
    before, after = encoder.before, encoder.after
    begun = ids[: len(before)] == before
    ended = bool(after) and ids[-len(after) :] == after
    return [*([] if begun else before), *ids, *([] if ended else after)]


def _text(encoder: Encoder, ids: list[int]) -> str:
    """The text of tokens, without what the tokenizer puts around a text on its own."""
    if encoder.before and ids[: len(encoder.before)] == encoder.before:
        ids = ids[len(encoder.before) :]
    if encoder.after and ids[-len(encoder.after) :] == encoder.after:
        ids = ids[: -len(encoder.after)]
    return encoder.written(ids)
