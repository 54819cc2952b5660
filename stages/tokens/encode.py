"""Texts to token ids in flat arrays, with the tokens that cover given characters.

For byte-level vocabularies without a normalizer (SmolLM2, GPT-2, Llama 3 and their kin) the
length in bytes of each token is known, so that positions, and whether a text comes back whole,
are sums over an array; other tokenizers are asked for offsets and decoded again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from stages.tokens.chat import Segment, control_pattern
from stages.tokens.foreign import guarded
from stages.tokens.words import word_table

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

Span = tuple[int, int]


@dataclass
class Encoded:
    """ids: all tokens, one after another; bounds[i]:bounds[i+1] are those of text i.
    spans: per text the [begin, end) token ranges that cover the character ranges asked for.
    lossy: whether decoding the tokens gives another text.
    """

    ids: np.ndarray
    bounds: np.ndarray
    spans: list[list[Span]]
    lossy: np.ndarray


class Encoder:
    """A tokenizer in two settings: control tokens in a text are tokens, or are plain text."""

    def __init__(self, tokenizer: Tokenizer, model: str = "the model") -> None:
        from tokenizers import Tokenizer

        self.model, self.failures = model, 0
        layout = tokenizer.to_str()
        self.marked: Tokenizer = Tokenizer.from_str(layout)
        self.plain: Tokenizer = Tokenizer.from_str(layout)
        self.plain.encode_special_tokens = True
        added = tokenizer.get_added_tokens_decoder()
        self.special = {token.content: number for number, token in added.items() if token.special}
        self._lengths = _byte_lengths(tokenizer, json.loads(layout))
        self._words = None if self._lengths is None else word_table(self.plain, json.loads(layout))
        self._cut = re.compile(f"({control_pattern(self.special).pattern})")
        self._special_bytes = {
            text: np.array([number], dtype=np.int32).tobytes()
            for text, number in self.special.items()
        }
        # What the tokenizer puts around a text on its own (`<s>` …).
        around = self.marked.encode("", add_special_tokens=True).ids
        whole = self.marked.encode("a", add_special_tokens=True).ids
        bare = self.marked.encode("a", add_special_tokens=False).ids
        begin = next(
            (n for n in range(len(whole)) if whole[n : n + len(bare)] == bare), len(around)
        )
        self.before, self.after = whole[:begin], whole[begin + len(bare) :]

    def text(self, ids: Sequence[int] | np.ndarray) -> str:
        """The text of tokens, control tokens too."""
        return str(self.marked.decode([int(one) for one in ids], skip_special_tokens=False))

    def encode(self, texts: Sequence[str], asked: Sequence[Sequence[Span]], plain: bool) -> Encoded:
        """Tokens of each text. asked: character ranges of each. plain: no control tokens."""
        tokenizer = self.plain if plain else self.marked
        if self._lengths is None:
            found = self._ask(tokenizer.encode_batch, texts)
            back = guarded(
                self.model,
                sum(map(len, texts)),
                lambda: tokenizer.decode_batch([e.ids for e in found], skip_special_tokens=False),
            )
            ids, bounds = _flat(found)
            lossy = np.array([a != b for a, b in zip(texts, back, strict=True)], dtype=bool)
            spans = [_by_offsets(e, ask) for e, ask in zip(found, asked, strict=True)]
            return Encoded(ids, bounds, spans, lossy)
        ids, bounds = self._ids(texts, plain)
        ends = np.concatenate(([0], np.cumsum(self._lengths[ids], dtype=np.int64)))
        sizes = np.array([_size(text) for text in texts], dtype=np.int64)
        lossy = ends[bounds[1:]] - ends[bounds[:-1]] != sizes
        spans = []
        for row, ask in enumerate(asked):
            if not ask:
                spans.append([])
            elif lossy[row]:
                (found_one,) = self._ask(tokenizer.encode_batch, [texts[row]])
                spans.append(_by_offsets(found_one, ask))
            else:
                spans.append(self._by_bytes(texts[row], ask, ends, bounds[row], bounds[row + 1]))
        return Encoded(ids, bounds, spans, lossy)

    def _ask(self, encode: Callable[..., list[Encoding]], texts: Sequence[str]) -> list[Encoding]:
        def call() -> list[Encoding]:
            return encode(list(texts), add_special_tokens=False)

        return list(guarded(self.model, sum(map(len, texts)), call))

    def _ids(self, texts: Sequence[str], plain: bool) -> tuple[np.ndarray, np.ndarray]:
        if self._words is None:
            tokenizer = self.plain if plain else self.marked
            return _flat(self._ask(tokenizer.encode_batch_fast, texts))
        if plain:
            found = self._words.encode(texts)
        else:
            # At odd places stand the control tokens.
            parts = [self._cut.split(text) for text in texts]
            words = iter(self._words.encode([part for cut in parts for part in cut[::2]]))
            special = self._special_bytes
            found = [
                b"".join(special[part] if at % 2 else next(words) for at, part in enumerate(cut))
                for cut in parts
            ]
        bounds = np.zeros(len(found) + 1, dtype=np.int64)
        np.cumsum([len(ids) // 4 for ids in found], out=bounds[1:])
        return np.frombuffer(b"".join(found), dtype=np.int32), bounds

    @staticmethod
    def _by_bytes(
        text: str, asked: Sequence[Span], ends: np.ndarray, first: int, last: int
    ) -> list[Span]:
        places = np.array(asked, dtype=np.int64)
        if not text.isascii():
            places = _byte_places(text, places)
        edges = ends[first : last + 1] - ends[first]
        begins = np.searchsorted(edges, places[:, 0], side="right") - 1
        stops = np.searchsorted(edges, places[:, 1], side="left")
        return [(int(a), int(b)) for a, b in zip(begins, stops, strict=True)]

    def encode_segments(
        self, segments: Sequence[Segment], special: re.Pattern[str]
    ) -> tuple[list[int], list[Span], bool]:
        """A rendering whose contents hold texts of control tokens: these stay plain text.

        Only the template's own control tokens count; what lies between two of them is encoded
        in one go, as the tokenizer itself would.
        """
        ids: list[int] = []
        spans: list[Span] = []
        lossy = False
        waiting: list[str] = []
        size = 0
        asked: list[Span] = []

        def flush() -> None:
            nonlocal waiting, size, asked, lossy
            if size:
                encoded = self.encode(["".join(waiting)], [asked], plain=True)
                spans.extend((len(ids) + a, len(ids) + b) for a, b in encoded.spans[0])
                ids.extend(encoded.ids.tolist())
                lossy = lossy or bool(encoded.lossy[0])
            waiting, size, asked = [], 0, []

        def add(text: str, trained: bool) -> None:
            nonlocal size
            if trained and text:
                asked.append((size, size + len(text)))
            waiting.append(text)
            size += len(text)

        for segment in segments:
            position = 0
            for match in () if segment.content else special.finditer(segment.text):
                add(segment.text[position : match.start()], segment.trained)
                flush()
                if segment.trained:
                    spans.append((len(ids), len(ids) + 1))
                ids.append(self.special[match[0]])
                position = match.end()
            add(segment.text[position:], segment.trained)
        flush()
        return ids, joined(spans), lossy


def joined(spans: Sequence[Span]) -> list[Span]:
    """Sorted ranges, those that touch or overlap made one, empty ones left out."""
    out: list[Span] = []
    for begin, end in sorted(spans):
        if begin >= end:
            continue
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out


def _byte_places(text: str, places: np.ndarray) -> np.ndarray:
    """Places in characters as places in bytes of UTF-8."""
    cuts, inverse = np.unique(places, return_inverse=True)
    edges = [0, *cuts.tolist()]
    sizes = [_size(text[begin:end]) for begin, end in pairwise(edges)]
    counted: np.ndarray = np.cumsum(sizes)[inverse].reshape(places.shape)
    return counted


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _flat(found: Sequence[Encoding]) -> tuple[np.ndarray, np.ndarray]:
    lists = [encoding.ids for encoding in found]
    bounds = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum([len(ids) for ids in lists], out=bounds[1:])
    ids = np.fromiter(chain.from_iterable(lists), dtype=np.int32, count=int(bounds[-1]))
    return ids, bounds


def _by_offsets(encoding: Encoding, asked: Sequence[Span]) -> list[Span]:
    if not asked:
        return []
    offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    begins = np.searchsorted(np.maximum.accumulate(offsets[:, 1]), [a for a, _ in asked], "right")
    stops = np.searchsorted(offsets[:, 0], [b for _, b in asked], side="left")
    return [(int(a), int(b)) for a, b in zip(begins, stops, strict=True)]


def _byte_lengths(tokenizer: Tokenizer, layout: dict[str, object]) -> np.ndarray | None:
    """Bytes of each token, by id; None when tokens are not plain pieces of the text."""
    model, decoder = layout.get("model"), layout.get("decoder")
    if (
        layout.get("normalizer") is not None
        or not isinstance(model, dict)
        or model.get("type") != "BPE"
        or model.get("unk_token") is not None
        or model.get("continuing_subword_prefix")
        or model.get("end_of_word_suffix")
        or not isinstance(decoder, dict)
        or decoder.get("type") != "ByteLevel"
        or '"add_prefix_space": true' in json.dumps(layout.get("pre_tokenizer"))
    ):
        return None
    # In a byte-level vocabulary one character stands for one byte.
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    lengths = np.zeros(max(vocabulary.values()) + 1, dtype=np.int32)
    for token, number in vocabulary.items():
        lengths[number] = len(token)
    for number, added in tokenizer.get_added_tokens_decoder().items():
        lengths[number] = _size(added.content)
    return lengths
