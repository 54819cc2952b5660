"""Records as training sees them: what is learned is marked in the text of their tokens."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.charts import kept
from stages.corpus import Corpus
from stages.errors import SeedbedError
from stages.kinds import Marked, Panel
from stages.pages import rendered
from stages.tokens import shown
from stages.tokens.model import load_tokenizer, with_tokens
from stages.words import number, percent

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENS = 500  # of a record that are shown among others
LONGEST = 100_000  # of a record that is shown alone


def panels(folder: Path) -> list[Panel]:
    """Some records with their masks; nothing where the tokenizer is not here."""
    try:
        tokenizer = _tokenizer(Corpus(folder))
    except SeedbedError:
        return []
    rows = []
    for row in kept.some(folder):
        runs = _runs(tokenizer, row, TOKENS)
        count = len(row["input_ids"])
        rows.append((row, runs, count, _share(row), max(0, count - TOKENS)))
    return [Panel(kept.TITLE, rendered("stages.tokens:kept.html", rows=rows))]


def marked(folder: Path, what: str) -> list[Marked]:
    """The rows that the record with an id became; SeedbedError where the tokenizer is not here."""
    corpus = Corpus(folder)
    rows = shown.rows(corpus, what)
    if not rows:
        return []
    tokenizer, found = _tokenizer(corpus), []
    for row in rows:
        count = len(row["input_ids"])
        title = f"{number(count)} tokens; what is marked enters the loss ({_share(row)})"
        runs = _runs(tokenizer, row, LONGEST)
        rest = count - LONGEST
        more = [(False, f" … ({number(rest)} tokens more)")] if rest > 0 else []
        found.append(Marked(title, [*runs, *more]))
    return found


def _tokenizer(corpus: Corpus) -> Tokenizer:
    steps = [step.get("parameters", {}) for step in corpus.manifest.get("steps", [])]
    parameters: Mapping[str, Any] = next((one for one in steps if "model" in one), {})
    added = parameters.get("add_tokens") or ()
    return load_tokenizer(with_tokens(str(parameters.get("model")), added))


def _runs(tokenizer: Tokenizer, row: Mapping[str, Any], most: int) -> list[tuple[bool, str]]:
    """Stretches of the text of its first tokens: whether they are learned, text."""
    pairs = list(zip(row["input_ids"], row["loss_mask"], strict=True))[:most]
    return [
        (learned, tokenizer.decode([one for one, _ in run], skip_special_tokens=False))
        for learned, run in itertools.groupby(pairs, key=lambda pair: bool(pair[1]))
    ]


def _share(row: Mapping[str, Any]) -> str:
    return percent(sum(row["loss_mask"]), len(row["input_ids"]))
