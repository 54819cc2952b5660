"""Encoders of others that give a tokenizer's ids faster, used where they prove that they do.

A candidate gets the tokenizer.json without its control tokens, and must give the ids of
`tokenizers` on texts that are built in, one of them over a megabyte long, before it is used; a few
texts of each batch are compared for as long as it is. What was proved is remembered in the cache,
in a file that the keys of pieces are made of: when an encoder fails at a text of a corpus the file
changes, and a run begins again without it.

Measured on 18 MB of instructions, MB a CPU-second, all with equal ids: SmolLM2 `tokenizers` 3.9,
the table of words 6.2, fastokens 15, splintr 52; Llama 2's vocabulary 4.4, -, 28, 19; DeepSeek's
3.0, -, 72, 60.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np

from stages.disk import write_whole
from stages.errors import Changed, UsageError
from stages.require import require
from stages.tokens.foreign import TokenizerFailed, caught
from stages.tokens.widths import widths_of
from stages.tokens.words import proof, word_table

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

    from stages.tokens.words import WordTable

Flat = tuple[np.ndarray, np.ndarray]  # (ids of all texts, where those of each begin and end)
PROOF = 1  # raised when the texts of the proof change
LONG = 1_100_000  # characters of the long document of the proof
# Of what is encoded in a process so large a share is compared, at least so many characters at
# first, and no text that is longer (the proof has such a one).
SAMPLED, FIRST, LONGEST = 0.003, 2_000, 20_000


class Flatly(Protocol):
    """Ids of texts in which no control token is looked for."""

    def __call__(self, texts: Sequence[str]) -> Flat: ...


# --- the candidates -----------------------------------------------------------------------------


def _fastokens(layout: str) -> Flatly:
    encode = require("fastokens", "fast").Tokenizer.from_json_str(layout).encode_batch_flat
    return lambda texts: _of_buffers(*encode(texts))


def _splintr(layout: str) -> Flatly:
    encode = require("splintr", "fast").from_json_bytes(layout.encode()).encode_batch_flat
    return lambda texts: _of_buffers(*encode(texts))


_MAKERS: Mapping[str, Callable[[str], Flatly]] = {"fastokens": _fastokens, "splintr-rs": _splintr}


def _of_buffers(ids: bytes, bounds: bytes) -> Flat:
    return np.frombuffer(ids, dtype=np.int32), np.frombuffer(bounds, dtype=np.int64)


def _candidates(layout: Mapping[str, Any] | None = None) -> Iterator[tuple[str, str]]:
    """(distribution, version) of the encoders that are installed, the faster first."""
    digits = layout is not None and '"Digits"' in json.dumps(layout.get("pre_tokenizer"))
    for name in ("splintr-rs", "fastokens") if digits else ("fastokens", "splintr-rs"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield name, importlib.metadata.version(name)


# --- the proof ----------------------------------------------------------------------------------


class Unequal(Exception):
    """An encoder gives other ids than the tokenizer."""


def reference(plain: Tokenizer) -> Flatly:
    """The tokenizer itself, in which control tokens are off."""

    def encode(texts: Sequence[str]) -> Flat:
        return flat(plain.encode_batch_fast(list(texts), add_special_tokens=False))

    return encode


def flat(found: Sequence[Encoding]) -> Flat:
    """Encodings as flat arrays."""
    lists = [encoding.ids for encoding in found]
    bounds = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum([len(ids) for ids in lists], out=bounds[1:])
    return np.fromiter(chain.from_iterable(lists), dtype=np.int32, count=int(bounds[-1])), bounds


def _from_table(table: WordTable) -> Flatly:
    def encode(texts: Sequence[str]) -> Flat:
        found = table.encode(texts)
        bounds = np.zeros(len(found) + 1, dtype=np.int64)
        np.cumsum([len(ids) // 4 for ids in found], out=bounds[1:])
        return np.frombuffer(b"".join(found), dtype=np.int32), bounds

    return encode


def _equal(one: Flat, other: Flat) -> bool:
    return np.array_equal(one[1], other[1]) and np.array_equal(one[0], other[0])


def _nasty(layout: Mapping[str, Any]) -> list[str]:
    """Texts in which encoders were seen to differ, and one of over a megabyte."""
    texts = proof()
    added = layout.get("added_tokens")
    names = [str(one["content"]) for one in added or () if isinstance(one, dict)][:200]
    beside = [f"a{name}b {name} {name}\n{name}{name[:-1]}" for name in names]
    marks = [
        "\u2581 \u2581a b\u2581",
        "  \u2581",
        " ",
        "  ",
        " a",
        "\n",
        "<0x0A>",
        "\ufffd",
        "\x00",
    ]
    source = random.Random(7)
    words = [word for text in texts for word in (*text.split(" "), " ", "\n", "  \n\t")]
    long: list[str] = []
    size = 0
    while size < LONG:
        long.append(source.choice(words))
        size += len(long[-1]) + 1
    return [*texts, *beside, *marks, "ab" * 20_000, " " * 5_000, " ".join(long)]


def _layouts(layout: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tokenizer.json for texts at the beginning of all; and, where a blank is put before these
    alone, the one for texts that stand behind something."""
    first = {**layout, "post_processor": None}
    before = json.dumps(layout.get("pre_tokenizer"))
    inner = before.replace('"prepend_scheme": "first"', '"prepend_scheme": "never"')
    return [first] if inner == before else [first, {**first, "pre_tokenizer": json.loads(inner)}]


def _without_control(layout: Mapping[str, Any]) -> str:
    """A tokenizer.json in which no control token is known."""
    added = layout.get("added_tokens") or []
    return json.dumps({**layout, "added_tokens": [t for t in added if not t["special"]]})


def _plain(layout: Mapping[str, Any]) -> Tokenizer:
    """A tokenizer in which control tokens are off: one without them would give others new ids."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_str(json.dumps(layout))
    made.encode_special_tokens = True
    return made


def _proved(name: str, layout: Mapping[str, Any]) -> bool:
    """Whether an encoder gives the tokenizer's ids on texts that are built in."""
    texts = [text for text in _nasty(layout) if text]
    for one in _layouts(layout):
        expected = reference(_plain(one))(texts)
        try:
            found = caught(functools.partial(_made, name, one, texts))
        except TokenizerFailed:
            return False
        if not _equal(found, expected):
            return False
    return True


def _made(name: str, layout: Mapping[str, Any], texts: Sequence[str]) -> Flat:
    return _MAKERS[name](_without_control(layout))(texts)


# --- what was proved ----------------------------------------------------------------------------


def record_of(path: Path, cache: Path, digest: str) -> Path | None:
    """The file in the cache that says which encoder gives the ids of a tokenizer.json; made when
    it is not there. None where none is installed."""
    found = list(_candidates())
    if not found:
        return None
    versions = [PROOF, importlib.metadata.version("tokenizers"), digest, *map(list, found)]
    name = hashlib.sha256(json.dumps(versions).encode()).hexdigest()[:32]
    record = cache / "encoders" / f"{name}.json"
    if not record.is_file():
        layout: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        usable = widths_of(_plain(layout), layout) is not None
        _choose(record, layout, refused=[] if usable else [name for name, _ in found])
    return record


def _choose(record: Path, layout: Mapping[str, Any], refused: list[str]) -> None:
    """Write the first encoder that proves itself, if any."""
    chosen = None
    for name, version in _candidates(layout):
        if name not in refused:
            if _proved(name, layout):
                chosen = {"name": name, "version": version}
                break
            refused.append(name)
    record.parent.mkdir(parents=True, exist_ok=True)
    write_whole(record, json.dumps({"encoder": chosen, "refused": refused}, sort_keys=True))


def _read(record: Path) -> dict[str, Any]:
    """What a record says; UsageError for one that is damaged."""
    try:
        value = json.loads(record.read_text(encoding="utf-8"))
        chosen = value["encoder"]
        if isinstance(value["refused"], list) and (chosen is None or chosen["name"] in _MAKERS):
            return dict(value)
    except (ValueError, KeyError, TypeError):
        pass
    raise UsageError(f"{record} is damaged: remove it, and the encoders are tried again")


def told(record: Path | None) -> str | None:
    """Name and version of the encoder that a record names."""
    chosen = None if record is None else _read(record)["encoder"]
    return None if chosen is None else f"{chosen['name']} {chosen['version']}"


class Encoders:
    """The fastest way to a tokenizer's ids: an encoder that was proved, a table of words, or the
    tokenizer itself.

    plain: the tokenizer with control tokens off; layout: its tokenizer.json. record: see
    `record_of`; without one no encoder of others is used.
    """

    def __init__(self, plain: Tokenizer, layout: Mapping[str, Any], record: Path | None) -> None:
        self._layout, self._record = layout, record
        chosen = None if record is None else _read(record)["encoder"]
        self._name = None if chosen is None else str(chosen["name"])
        self.words = None
        if self._name is not None:
            first, *inner = _layouts(layout)
            make = _MAKERS[self._name]
            self.encode = self._sampled(make(_without_control(first)), reference(plain))
            self.inner = self.encode
            for one in inner:
                check = reference(_plain(one))
                self.inner = self._sampled(make(_without_control(one)), check)
            return
        self.words = word_table(plain, layout)
        if self.words is not None:
            self.encode = self.inner = _from_table(self.words)
            return
        self.encode = reference(plain)
        more = _layouts(layout)[1:]
        self.inner = reference(_plain(more[0])) if more else self.encode

    def _sampled(self, encode: Flatly, check: Flatly) -> Flatly:
        """An encoder of which a share of the texts is compared while it is used."""
        held = 0.0  # characters that are to be compared

        def sampled(texts: Sequence[str]) -> Flat:
            nonlocal held
            if not texts:
                return np.zeros(0, dtype=np.int32), np.zeros(1, dtype=np.int64)
            size = sum(map(len, texts))
            held += size * SAMPLED if held else max(size * SAMPLED, FIRST)
            source = random.Random(size)
            chosen: list[int] = []
            while held > 0 and len(chosen) < len(texts):
                at = source.randrange(len(texts))
                chosen.append(at)
                held -= min(len(texts[at]), LONGEST) + 1
            try:
                ids, bounds = caught(lambda: encode(texts))
                short = [at for at in chosen if len(texts[at]) <= LONGEST]
                got = [ids[bounds[at] : bounds[at + 1]] for at in short]
                wanted, edges = check([texts[at] for at in short])
                if [len(one) for one in got] != np.diff(edges).tolist() or not np.array_equal(
                    np.concatenate([*got, ids[:0]]), wanted
                ):
                    raise Unequal
            except (TokenizerFailed, Unequal):
                self._refuse()
            return ids, bounds

        return sampled

    def _refuse(self) -> NoReturn:
        """Leave the encoder out from now on; a run begins again."""
        assert self._record is not None and self._name is not None
        before = _read(self._record)
        if before["encoder"] is not None and before["encoder"]["name"] == self._name:
            _choose(self._record, self._layout, [*before["refused"], self._name])
        raise Changed(
            f"{self._name} does not give the tokenizer's ids for a text of these records, and is "
            "left out from now on"
        )
