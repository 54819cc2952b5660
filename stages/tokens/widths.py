"""How many bytes of a text each token stands for, where tokens are plain pieces of it.

So it is in byte-level BPE (SmolLM2, GPT-2, Llama 3, Qwen, DeepSeek …) and in BPE as SentencePiece
has it, with bytes for what it does not know (Llama 2, Mistral, Gemma …). There positions, and
whether a text comes back whole, are sums over an array; other tokenizers are asked for offsets.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BLANK = "\u2581"  # what a space is in the vocabularies of SentencePiece
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_NEVER = -(1 << 20)  # of a token that stands for no text of its own: no sum is right with it

# Which texts a blank is put before: each; each that begins with none; one at the very beginning
# that begins with none; none.
Lead = Literal["each", "missing", "first", "none"]


@dataclass(frozen=True)
class Widths:
    """bytes: of each token, by id. lead: the blank that is put before a text. composed: whether
    texts are brought to NFC first. blanks: whether a space is a character of its own."""

    bytes: np.ndarray
    lead: Lead = "none"
    composed: bool = False
    blanks: bool = False

    def apply_to(self, text: str) -> bool:
        """Whether the tokens of a text, as it is, are pieces of it."""
        if text.isascii():
            return True
        if self.blanks and BLANK in text:
            return False
        return not self.composed or unicodedata.is_normalized("NFC", text)

    def led(self, text: str) -> bool:
        """Whether a blank is put before a text that stands at the beginning of all."""
        if self.lead in ("each", "none") or not text:
            return self.lead == "each" and bool(text)
        return text[0] != " "


def size(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def widths_of(tokenizer: Tokenizer, layout: Mapping[str, Any]) -> Widths | None:
    """The widths of a tokenizer's tokens; None where tokens are not plain pieces of the text."""
    model = layout.get("model")
    added = layout.get("added_tokens") or []
    if (
        not isinstance(model, dict)
        or model.get("type") != "BPE"
        or model.get("continuing_subword_prefix")
        or model.get("end_of_word_suffix")
        or model.get("dropout")
        or any(token["lstrip"] or token["rstrip"] or token["single_word"] for token in added)
    ):
        return None
    if "ByteLevel" in _kinds(layout.get("decoder"), "decoders"):
        return _byte_level(tokenizer, layout, model)
    return _sentencepiece(tokenizer, layout, model)


def _byte_level(
    tokenizer: Tokenizer, layout: Mapping[str, Any], model: Mapping[str, Any]
) -> Widths | None:
    before = json.dumps(layout.get("pre_tokenizer"))
    kinds = _kinds(layout.get("normalizer"), "normalizers")
    if model.get("unk_token") is not None or '"add_prefix_space": true' in before:
        return None
    if kinds not in ([], ["NFC"]) or len(_kinds(layout.get("decoder"), "decoders")) > 1:
        return None
    # In a byte-level vocabulary one character stands for one byte.
    return Widths(_table(tokenizer, len), composed=bool(kinds))


def _sentencepiece(
    tokenizer: Tokenizer, layout: Mapping[str, Any], model: Mapping[str, Any]
) -> Widths | None:
    if not model.get("byte_fallback"):
        return None
    normal = _steps(layout.get("normalizer"), "normalizers")
    before = _steps(layout.get("pre_tokenizer"), "pretokenizers")
    replaced = {"type": "Replace", "pattern": {"String": " "}, "content": BLANK}
    lead: Lead
    if replaced in normal:
        if any(step.get("type") not in ("Split", "Metaspace") for step in before):
            return None
        if normal not in ([{"type": "Prepend", "prepend": BLANK}, replaced], [replaced]):
            return None
        if any(step.get("type") == "Metaspace" for step in before):
            return None
        lead = "each" if len(normal) > 1 else "none"
    elif not normal and len(before) == 1 and before[0].get("type") == "Metaspace":
        (step,) = before
        if step.get("replacement") != BLANK:
            return None
        leads: dict[Any, Lead] = {"always": "missing", "first": "first", "never": "none"}
        found = leads.get(step.get("prepend_scheme"))
        if found is None:
            return None
        lead = found
    else:
        return None

    def width(token: str) -> int:
        return 1 if _BYTE.fullmatch(token) else size(token.replace(BLANK, " "))

    table = _table(tokenizer, width)
    unknown = tokenizer.token_to_id(model["unk_token"]) if model.get("unk_token") else None
    if unknown is not None:
        table[unknown] = _NEVER
    return Widths(table, lead, blanks=True)


def _table(tokenizer: Tokenizer, width: Any) -> np.ndarray:
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    table = np.full(max(vocabulary.values(), default=0) + 1, _NEVER, dtype=np.int32)
    for token, number in vocabulary.items():
        table[number] = width(token)
    for number, added in tokenizer.get_added_tokens_decoder().items():
        table[number] = size(added.content)
    return table


def _steps(step: object, name: str) -> list[dict[str, Any]]:
    """The steps of a part of a tokenizer, in order."""
    if not isinstance(step, dict):
        return []
    if step.get("type") != "Sequence":
        return [step]
    return [one for inner in step.get(name, []) for one in _steps(inner, name)]


def _kinds(step: object, name: str) -> list[str]:
    return [str(one.get("type")) for one in _steps(step, name)]
