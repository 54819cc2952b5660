"""Texts to token ids in flat arrays, with the tokens that cover given characters.

For byte-level vocabularies without a normalizer (SmolLM2, GPT-2, Llama 3 and their kin) the
length in bytes of each token is known, so that positions, and whether a text comes back whole,
are sums over an array; other tokenizers are asked for offsets and decoded again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from stages.tokens.chat import Segment, control_pattern
from stages.tokens.foreign import TokenizerFailed, guarded
from stages.tokens.words import word_table

if TYPE_CHECKING:
    from tokenizers import AddedToken, Encoding, Tokenizer

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
        self._layout = layout
        self._by_number = {number: text for text, number in self.special.items()}
        self._strips = any(token.lstrip or token.rstrip for token in added.values())
        self._loose = _loose(added.values(), json.loads(layout))
        self._lengths = None
        if not self._strips:
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

    def ends(self, text: str) -> list[int]:
        """Where each token of a text ends, in characters."""
        (found,) = self._ask(self.plain.encode_batch, [text])
        return [end for _, end in found.offsets]

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
            same = [self._same(a, b) for a, b in zip(texts, back, strict=True)]
            lossy = ~np.array(same, dtype=bool)
            rows = zip(found, texts, asked, strict=True)
            spans = [self._by_offsets(e.ids, e.offsets, text, ask) for e, text, ask in rows]
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
                spans.append(self._by_offsets(found_one.ids, found_one.offsets, texts[row], ask))
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

        Only the template's own control tokens count. They are written as characters of their own,
        to a tokenizer that knows these in their place and is the same in all else.
        """
        whole = "".join(segment.text for segment in segments)
        base = next((n for n in _STAND_INS if not _within(whole, n, len(self.special))), None)
        if base is None:
            raise TokenizerFailed("the text has characters that no text has")
        tokenizer, numbers, names = self._standing(base)
        pieces: list[str] = []
        asked: list[Span] = []
        size = 0
        for segment in segments:
            text = segment.text
            if not segment.content:
                text = special.sub(lambda match: names.get(match[0], match[0]), text)
            if segment.trained and text:
                asked.append((size, size + len(text)))
            pieces.append(text)
            size += len(text)
        written = "".join(pieces)
        (found,) = self._ask(tokenizer.encode_batch, [written])
        ids = numbers[np.array(found.ids, dtype=np.int64)].tolist() if found.ids else []
        contents = {number: names[text] for number, text in self._by_number.items()}
        spans = self._by_offsets(ids, found.offsets, written, asked, contents)
        return ids, joined(spans), not self._same(whole, self.text(ids))

    @cached_property
    def _clones(self) -> dict[int, tuple[Tokenizer, np.ndarray, dict[str, str]]]:
        return {}

    def _standing(self, base: int) -> tuple[Tokenizer, np.ndarray, dict[str, str]]:
        """A tokenizer with one character in the place of each control token; its ids → ours; and
        the characters by the texts of the tokens."""
        if base not in self._clones:
            from tokenizers import AddedToken, Tokenizer

            names = {text: chr(base + n) for n, text in enumerate(self.special)}
            layout = json.loads(self._layout)
            layout["added_tokens"] = []
            layout["post_processor"] = None
            made = Tokenizer.from_str(json.dumps(layout))
            old: dict[str, int] = {}
            for number, token in sorted(self.marked.get_added_tokens_decoder().items()):
                control = token.content in self.special
                text = names[token.content] if control else token.content
                old[text] = number
                made.add_tokens(
                    [
                        AddedToken(
                            text,
                            single_word=token.single_word,
                            lstrip=token.lstrip,
                            rstrip=token.rstrip,
                            normalized=token.normalized and not control,
                            special=False,
                        )
                    ]
                )
            for text, number in self.special.items():
                if names[text] not in old:
                    old[names[text]] = number
                    made.add_tokens([AddedToken(names[text], normalized=False, special=False)])
            numbers = np.arange(made.get_vocab_size(with_added_tokens=True) + len(old) + 1)
            if len(numbers) < 1 + max(made.get_vocab(True).values()):
                numbers = np.arange(1 + max(made.get_vocab(True).values()))
            for text, number in old.items():
                numbers[made.token_to_id(text)] = number
            self._clones[base] = made, numbers, names
        return self._clones[base]

    def _by_offsets(
        self,
        ids: Sequence[int],
        offsets: Sequence[Span],
        text: str,
        asked: Sequence[Span],
        contents: Mapping[int, str] | None = None,
    ) -> list[Span]:
        """Tokens that cover characters. A control token covers its own text, and not the white
        space that it takes away."""
        if not asked:
            return []
        places = np.array(offsets, dtype=np.int64).reshape(-1, 2)
        if self._strips:
            contents = self._by_number if contents is None else contents
            for at, number in enumerate(ids):
                if number in contents:
                    begin, end = offsets[at]
                    where = text.find(contents[number], begin, end)
                    if where >= 0:
                        places[at] = where, where + len(contents[number])
        ends = np.maximum.accumulate(places[:, 1])
        begins = np.searchsorted(ends, [a for a, _ in asked], side="right")
        stops = np.searchsorted(places[:, 0], [b for _, b in asked], side="left")
        return [(int(a), int(b)) for a, b in zip(begins, stops, strict=True)]

    def _same(self, text: str, back: str) -> bool:
        """Whether tokens decode to the same text, but for white space that the tokenizer takes or
        puts beside control tokens wherever they are."""
        if text == back or self._loose is None:
            return text == back
        one, other = (self._loose.sub(lambda m: m[0].strip(), t) for t in (text, back))
        return one == other


# Where stand-ins for control tokens begin: characters of a plane that no text uses.
_STAND_INS = (0x10F000, 0x10E000, 0x10D000)


def _within(text: str, base: int, size: int) -> bool:
    return not text.isascii() and any(base <= ord(one) < base + size for one in set(text))


def _loose(added: Iterable[AddedToken], layout: Mapping[str, object]) -> re.Pattern[str] | None:
    """White space beside control tokens that tells nothing, with the token as a group."""
    tokens = list(added)
    # SentencePiece's blank before a text, and so behind a control token.
    parts = json.dumps([layout.get("normalizer"), layout.get("pre_tokenizer")])
    blank = '"Prepend"' in parts or ('"Metaspace"' in parts and '"never"' not in parts)
    if not blank and not any(token.lstrip or token.rstrip for token in tokens):
        return None
    strips: dict[tuple[bool, bool], list[str]] = {}
    for token in sorted(tokens, key=lambda one: -len(one.content)):
        strips.setdefault((token.lstrip, token.rstrip), []).append(re.escape(token.content))
    choices = []
    for (left, right), names in strips.items():
        before = r"\s*" if left else ""
        after = r"\s*" if right else " *" if blank else ""
        choices.append(f"{before}(?:{'|'.join(names)}){after}")
    return re.compile("|".join([r"\A *", *choices] if blank else choices))


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
