"""Doors for measuring from outside: each callable is thin over one stage.

The forms are those that the scorers drive; nothing here adds to what the stages do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any


def html(data: bytes, content_type: str | None = None) -> Any:
    """The page of some bytes: .text, .markdown, .title, .author, .date, or a .reason."""
    from stages.extract.webpage.page import page

    return page(data, content_type)


def html_fast(data: bytes, content_type: str | None = None) -> Any:
    """The same: there is one mode."""
    return html(data, content_type)


def sql_tables(path: str, rejects: list[Any], hint: Any = None) -> Iterable[Any]:
    """(table, column names or None, iterator of tuples) of a dump."""
    from benchmarks.readers import tables

    return tables(path, rejects)


def csv_rows(path: str, rejects: list[Any], dialect: dict[str, Any] | None = None) -> Any:
    """(header or None, rows of text or None) of a CSV file."""
    from benchmarks.readers import rows

    return rows(path, rejects, dialect)


def refusals(rows: Sequence[dict[str, Any]]) -> list[dict[str, bool]]:
    """refusal, ai_boilerplate, cannot for each row of prompt and answer."""
    from benchmarks.alone import flags

    return flags(rows)


def refusals_fit(rows: Sequence[dict[str, Any]]) -> Callable[[Sequence[dict[str, Any]]], Any]:
    """A function like `refusals`, learned from labelled rows."""
    from benchmarks.train_refusals import fit

    refuses = fit(rows)
    return lambda rows: [
        {"refusal": one, "ai_boilerplate": False, "cannot": False} for one in refuses(rows)
    ]


def dedup(texts: Sequence[str]) -> list[Any]:
    """A group id for each text."""
    from benchmarks.alone import group_ids

    return group_ids(texts)


def embed(texts: Sequence[str]) -> Any:
    """A float array, one row a text."""
    from benchmarks import alone

    return alone.embed(texts)


def kmeans(x: Any, k: int, seed: int) -> Any:
    """k centroids of the rows of x."""
    from benchmarks import alone

    return alone.kmeans(x, k, seed)


def select(texts: Sequence[str], keep: int, seed: int) -> list[int]:
    """Indices of at most `keep` diverse texts."""
    from benchmarks import alone

    return alone.select(texts, keep, seed)


def diagnose(path: str) -> list[dict[str, Any]]:
    """Findings on a training log, or one `refused` with why."""
    from stages.curves.findings import findings
    from stages.curves.read import read_log

    return findings(read_log(path))
