"""What tokens say: their text, its bytes, and the piece of it that each stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stages.tokens.model import load_tokenizer, with_tokens
from stages.tokens.widths import widths_of
from stages.train.data import Documents

Array = np.ndarray[Any, Any]


class Spelling:
    """The tokenizer of a model, with the new tokens of a corpus."""

    def __init__(self, model: str, added: Sequence[str] = ()) -> None:
        import json

        self._tokenizer = load_tokenizer(with_tokens(model, added))
        widths = widths_of(self._tokenizer, json.loads(self._tokenizer.to_str()))
        self._bytes: Array | None = None
        if widths is not None:
            self._bytes = np.maximum(widths.bytes, 0).astype(np.int64)
            for number, token in self._tokenizer.get_added_tokens_decoder().items():
                if token.special:  # it stands for no text of anybody's
                    self._bytes[number] = 0

    def text(self, ids: Array) -> str:
        """The text of tokens, control tokens too."""
        return str(self._tokenizer.decode(ids.tolist(), skip_special_tokens=False))

    def size(self, ids: Array) -> int:
        """Bytes of the text of tokens in UTF-8; control tokens have none."""
        if self._bytes is None:
            return len(self._tokenizer.decode(ids.tolist(), skip_special_tokens=True).encode())
        return int(self._bytes[ids[ids < len(self._bytes)]].sum())

    def sizes(self, documents: Documents) -> Array:
        """Bytes of the targets of each document; int64."""
        made = np.zeros(len(documents), dtype=np.int64)
        for number in range(len(documents)):
            ids, wanted = documents.tokens(number)
            made[number] = self.size(ids[wanted])
        return made

    def pieces(self, ids: Array) -> list[str]:
        """The text of each token; joined they are the text of all. A character that several tokens
        make together stands at the last of them, one that is never whole (U+FFFD) at the end."""
        made = list(self._streamed(ids))
        rest = self.text(ids)[len("".join(made)) :]
        if made and rest:
            made[-1] += rest
        return made

    def _streamed(self, ids: Array) -> Iterator[str]:
        from tokenizers.decoders import DecodeStream

        stream = DecodeStream(skip_special_tokens=False)
        for one in ids.tolist():
            yield stream.step(self._tokenizer, one) or ""


def spelling_of(model: str, folder: Path, added: Sequence[str]) -> Spelling | None:
    """The spelling of a model's tokens; None where its folder has no tokenizer."""
    return Spelling(model, added) if (folder / "tokenizer.json").is_file() else None
