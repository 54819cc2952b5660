"""Some records as training sees them: what is learned is marked in the text of their tokens."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.charts import kept
from stages.corpus import Corpus
from stages.errors import SeedbedError
from stages.kinds import Panel
from stages.pages import rendered
from stages.tokens.model import load_tokenizer, with_tokens
from stages.words import percent

TOKENS = 500  # of a record that are shown


def panels(folder: Path) -> list[Panel]:
    """The records with their masks; nothing where the tokenizer is not here."""
    steps = [step.get("parameters", {}) for step in Corpus(folder).manifest.get("steps", [])]
    parameters: Mapping[str, Any] = next((one for one in steps if "model" in one), {})
    try:
        added = parameters.get("add_tokens") or ()
        tokenizer = load_tokenizer(with_tokens(str(parameters.get("model")), added))
    except SeedbedError:
        return []
    rows = []
    for row in kept.some(folder):
        pairs = list(zip(row["input_ids"], row["loss_mask"], strict=True))
        runs = [
            (learned, tokenizer.decode([one for one, _ in run], skip_special_tokens=False))
            for learned, run in itertools.groupby(pairs[:TOKENS], key=lambda pair: pair[1])
        ]
        share = percent(sum(row["loss_mask"]), len(pairs))
        rows.append((row, runs, len(pairs), share, max(0, len(pairs) - TOKENS)))
    return [Panel(kept.TITLE, rendered("stages.tokens:kept.html", rows=rows))]
