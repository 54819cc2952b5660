"""Semantic mutations of the places that decide results: `make mutants` tells which no test notices.

A mutant is one change that leaves the form of the code right and its effect wrong. The lists are
by room; `tests/test_mutants.py` keeps them true to the code.
"""

from __future__ import annotations

from tests.mutants.mutant import Mutant

__all__ = ["FIELDS", "Mutant", "mutants"]

FIELDS = (
    "training",
    "settings",
    "recording",
    "results",
    "engine",
    "records",
    "extraction",
    "at_once",
    "documents",
    "chats",
    "xml",
    "limits",
    "tokens",
    "selection",
    "curves",
    "pages",
    "viewing",
)


def mutants(field: str) -> tuple[Mutant, ...]:
    """The mutants of one list."""
    import importlib

    found: tuple[Mutant, ...] = importlib.import_module(f"tests.mutants.{field}").MUTANTS
    return found
