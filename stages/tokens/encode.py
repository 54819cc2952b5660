"""Texts and renderings to token ids in flat arrays, with the tokens that are trained on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.tokens.careful import Careful
from stages.tokens.encoders import Encoders
from stages.tokens.foreign import guarded
from stages.tokens.pieces import Assembler, Encoded, Rendered
from stages.tokens.segments import Segment, control_pattern
from stages.tokens.widths import widths_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Encoder:
    """A tokenizer, as fast as it can be had with the same ids.

    model: its name, for messages. more: control tokens (text → id) that the tokenizer itself
    does not know as such. record: the file that says which encoder was proved to give its ids.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        model: str = "the model",
        more: Mapping[str, int] | None = None,
        record: Path | None = None,
    ) -> None:
        from tokenizers import Tokenizer

        self.model, self.failures = model, 0
        text = tokenizer.to_str()
        layout = json.loads(text)
        self.marked: Tokenizer = tokenizer
        self.plain: Tokenizer = Tokenizer.from_str(text)
        self.plain.encode_special_tokens = True
        added = tokenizer.get_added_tokens_decoder()
        own = {token.content: number for number, token in added.items() if token.special}
        self.special: dict[str, int] = {**(more or {}), **own}
        pattern = control_pattern(self.special)
        self._careful = Careful(
            self.marked, self.plain, layout, self.special, pattern, self._guarded
        )
        self._assembler: Assembler | None = None
        widths = widths_of(tokenizer, layout)
        if widths is not None:
            encoders = Encoders(self.plain, layout, record)
            cut = re.compile(f"({pattern.pattern})")
            first = self._safely(encoders.encode)
            inner = first if widths.lead != "first" else self._safely(encoders.inner)
            self._assembler = Assembler(self.special, cut, widths, first, inner)
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

    def rendered(self, text: str) -> list[int]:
        """Tokens of a text that a template has rendered, its control tokens among them."""
        return list(self.renderings([[Segment(text, False, False)]]).ids.tolist())

    def written(self, ids: Sequence[int]) -> str:
        """The text of which a tokenizer makes these tokens. Some put a blank before each text
        between control tokens, and take one away when they decode."""
        lead = "none" if self._assembler is None else self._assembler.widths.lead
        if lead not in ("each", "missing"):
            return self.text(ids)
        control = {number: text for text, number in self.special.items()}
        texts: list[str] = []
        begin = 0
        for at, number in enumerate([*ids, -1]):
            if number in control or number < 0:
                texts += [self.text(ids[begin:at]) if at > begin else "", control.get(number, "")]
                begin = at + 1
        return "".join(texts)

    def ends(self, text: str, ids: np.ndarray | None = None) -> list[int]:
        """Where each token of a text ends, in characters. ids: its tokens, where these are known,
        and known to decode to the text."""
        if self._assembler is None or ids is None:
            return self._careful.ends(text)
        return self._assembler.ends(text, ids)

    def texts(self, texts: Sequence[str]) -> Encoded:
        """Tokens of texts in which a control token is plain text."""
        if self._assembler is None:
            return self._careful.texts(texts)
        return self._settled(self._assembler.texts(texts), self._careful.texts, texts)

    def renderings(self, rows: Sequence[Rendered]) -> Encoded:
        """Tokens of renderings in which only the template's own control tokens are some."""
        if self._assembler is None:
            return self._careful.rows(rows)
        return self._settled(self._assembler.rows(rows), self._careful.rows, rows)

    def _settled(
        self, found: Encoded, careful: Callable[[Any], Encoded], rows: Sequence[Any]
    ) -> Encoded:
        """What was found, with those rows that are doubtful done again."""
        if not found.doubtful:
            return found
        again = careful([rows[at] for at in found.doubtful])
        ids = np.split(found.ids, found.bounds[1:-1]) if len(rows) else []
        for place, at in enumerate(found.doubtful):
            ids[at] = again.ids[again.bounds[place] : again.bounds[place + 1]]
            found.spans[at] = again.spans[place]
            found.lossy[at] = again.lossy[place]
        bounds = np.concatenate(([0], np.cumsum([len(one) for one in ids], dtype=np.int64)))
        return Encoded(np.concatenate(ids), bounds, found.spans, found.lossy)

    def _guarded(self, texts: Sequence[str], call: Callable[[], Any]) -> Any:
        return guarded(self.model, sum(map(len, texts)), call)

    def _safely(self, encode: Callable[[Sequence[str]], Any]) -> Callable[[Sequence[str]], Any]:
        return lambda texts: self._guarded(texts, lambda: encode(texts))
