"""Renderings one by one, by the offsets that `tokenizers` tells: for tokenizers, and for single
rows, whose tokens are no plain pieces of the text.

A rendering whose contents hold texts of control tokens is written with other characters in place
of the template's own, to a tokenizer that knows these and is the same in all else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.tokens.encoders import flat
from stages.tokens.foreign import TokenizerFailed
from stages.tokens.pieces import Encoded, Rendered, Span, segments_of
from stages.tokens.segments import Segment

if TYPE_CHECKING:
    from tokenizers import AddedToken, Encoding, Tokenizer

Guarded = Callable[[Sequence[str], Callable[[], Any]], Any]


class Careful:
    """A tokenizer that is asked for offsets, and decoded again.

    marked, plain: control tokens in a text are tokens, or plain text. layout: its tokenizer.json.
    special: texts of control tokens → ids. cut: matches these. guarded: calls into the tokenizer,
    with the texts that it works on.
    """

    def __init__(
        self,
        marked: Tokenizer,
        plain: Tokenizer,
        layout: Mapping[str, Any],
        special: Mapping[str, int],
        cut: re.Pattern[str],
        guarded: Guarded,
    ) -> None:
        self._marked, self._plain, self._guarded = marked, plain, guarded
        self.special, self._cut = special, cut
        self._by_number = {number: text for text, number in special.items()}
        added = marked.get_added_tokens_decoder().values()
        self._unknown = special.keys() - {token.content for token in added}
        self._strips = any(token.lstrip or token.rstrip for token in added)
        self._loose = _loose(added, layout)
        self._layout = layout

    def ends(self, text: str) -> list[int]:
        """Where each token of a text ends, in characters."""
        return [end for _, end in self._ask(self._plain, [text])[0].offsets]

    def texts(self, texts: Sequence[str]) -> Encoded:
        """Plain texts, without spans."""
        found = self._ask(self._plain, texts)
        return Encoded(*flat(found), [[] for _ in texts], self._lossy(found, texts))

    def rows(self, renderings: Sequence[Rendered]) -> Encoded:
        """Renderings, with the spans of their trained segments."""
        rows = [segments_of(one) for one in renderings]
        texts = ["".join(segment.text for segment in row) for row in rows]
        found = self._ask(self._marked, texts)
        lossy = self._lossy(found, texts)
        ids = [np.array(encoding.ids, dtype=np.int32) for encoding in found]
        spans = []
        for at, (row, text, encoding) in enumerate(zip(rows, texts, found, strict=True)):
            if self._forges(row, text):
                ids[at], one, lossy[at] = self._segments(row)
                spans.append(one)
            else:
                asked = _trained(row)
                spans.append(self._by_offsets(encoding.ids, encoding.offsets, text, asked))
        bounds = np.concatenate(([0], np.cumsum([len(one) for one in ids], dtype=np.int64)))
        whole = np.concatenate(ids) if ids else np.zeros(0, dtype=np.int32)
        return Encoded(whole, bounds, spans, lossy)

    def _forges(self, row: Sequence[Segment], text: str) -> bool:
        """Whether a control token stands in the text that is not the template's own, or one that
        the tokenizer does not know as such."""
        if any(name in text for name in self._unknown):
            return True
        own = sum(len(self._cut.findall(s.text)) for s in row if not s.content)
        return len(self._cut.findall(text)) != own

    def _ask(self, tokenizer: Tokenizer, texts: Sequence[str]) -> list[Encoding]:
        def call() -> list[Encoding]:
            return list(tokenizer.encode_batch(list(texts), add_special_tokens=False))

        return list(self._guarded(texts, call))

    def _lossy(self, found: Sequence[Encoding], texts: Sequence[str]) -> np.ndarray:
        def decode() -> list[str]:
            ids = [encoding.ids for encoding in found]
            return list(self._marked.decode_batch(ids, skip_special_tokens=False))

        back = self._guarded(texts, decode)
        same = [self._same(one, other) for one, other in zip(texts, back, strict=True)]
        return ~np.array(same, dtype=bool)

    def _segments(self, segments: Sequence[Segment]) -> tuple[np.ndarray, list[Span], bool]:
        """A rendering whose contents hold texts of control tokens: these stay plain text."""
        whole = "".join(segment.text for segment in segments)
        base = next((n for n in _STAND_INS if not _within(whole, n, len(self.special))), None)
        if base is None:
            raise TokenizerFailed("the text has characters that no text has")
        tokenizer, numbers, names = self._standing(base)
        pieces: list[str] = []
        for segment in segments:
            text = segment.text
            if not segment.content:
                text = self._cut.sub(lambda match: names.get(match[0], match[0]), text)
            pieces.append(text)
        written = "".join(pieces)
        (found,) = self._ask(tokenizer, [written])
        ids = numbers[np.array(found.ids, dtype=np.int64)].astype(np.int32)
        contents = {number: names[text] for number, text in self._by_number.items()}
        # A character stands for each control token: places are those of what was written.
        asked = _trained([s._replace(text=t) for s, t in zip(segments, pieces, strict=True)])
        spans = self._by_offsets(ids.tolist(), found.offsets, written, asked, contents)
        back = self._marked.decode(ids.tolist(), skip_special_tokens=False)
        return ids, joined(spans), not self._same(whole, back)

    @cached_property
    def _clones(self) -> dict[int, tuple[Tokenizer, np.ndarray, dict[str, str]]]:
        return {}

    def _standing(self, base: int) -> tuple[Tokenizer, np.ndarray, dict[str, str]]:
        """A tokenizer with one character in the place of each control token; its ids → ours; and
        the characters by the texts of the tokens."""
        if base not in self._clones:
            from tokenizers import AddedToken, Tokenizer

            names = {text: chr(base + n) for n, text in enumerate(self.special)}
            layout = {**self._layout, "added_tokens": [], "post_processor": None}
            made = Tokenizer.from_str(json.dumps(layout))
            old: dict[str, int] = {}
            for number, token in sorted(self._marked.get_added_tokens_decoder().items()):
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


def _trained(row: Sequence[Segment]) -> list[Span]:
    """Where a rendering is trained on, in characters."""
    spans, at = [], 0
    for segment in row:
        if segment.trained:
            spans.append((at, at + len(segment.text)))
        at += len(segment.text)
    return joined(spans)


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
    # WordPiece puts one between all words when it decodes, and so on both sides of such a token.
    words = '"WordPiece"' in json.dumps(layout.get("decoder"))
    if not blank and not words and not any(token.lstrip or token.rstrip for token in tokens):
        return None
    strips: dict[tuple[bool, bool], list[str]] = {}
    for token in sorted(tokens, key=lambda one: -len(one.content)):
        strips.setdefault((token.lstrip, token.rstrip), []).append(re.escape(token.content))
    choices = []
    for (left, right), names in strips.items():
        before = r"\s*" if left else " *" if words else ""
        after = r"\s*" if right else " *" if blank or words else ""
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
