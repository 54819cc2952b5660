"""Hostile inputs and bad luck against the real command, by field: `python -m tests.attack`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from tests.attack.trial import Trial

# field → the module that holds its table: trials(seed, fast) → the attacks, few when fast.
FIELDS = {
    "archives": "archives",
    "pages": "texts",
    "dumps": "dumps",
    "tables": "texts",
    "json": "texts",
    "columnar": "columnar",
    "documents": "documents",
    "wraps": "documents",
    "chats": "documents",
    "xml": "documents",
    "recipes": "recipes",
    "templates": "templates",
    "logs": "logs",
    "names": "names",
    "owners": "owners",
    "code": "code",
    "luck": "luck",
}


def chosen(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """The attacks of a field; when fast, a few of each kind."""
    module = importlib.import_module(f"tests.attack.{FIELDS[field]}")
    yield from module.trials(field, seed, fast)
