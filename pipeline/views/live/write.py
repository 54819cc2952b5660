"""The page itself: as a server sends it, which answers what it asks, or as one file that holds a
part of the run and asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from pipeline.views.live.columns import Columns
from pipeline.views.live.content import Content
from pipeline.views.live.tables import KEPT, LEFT, NAMES
from stages.charts.live import packed
from stages.charts.live.page import page
from stages.charts.svg import STYLE
from stages.errors import UsageError
from stages.pages import rendered
from stages.words import number

HERE = "pipeline.views.live"
MARK = "seedbed view"  # what a page of ours is known by, so that no other file is replaced
SCRIPTS = tuple(f"{HERE}:{name}.js" for name in ("stretches", "source", "record", "rows", "main"))
STYLES = ("pipeline.views.report:style.css", STYLE, f"{HERE}:view.css")
Array = np.ndarray[Any, Any]


def served() -> Markup:
    """The page without anything of a run, which it asks its server for."""
    return _page("seedbed", [], asks=True)


def exported(content: Content, most: int, told: Callable[[int, int], None]) -> Markup:
    """The page with at most so many rows of each table, each with all that the page shows of it.
    told: how many are done, of how many."""
    chosen = {name: _chosen(content, name, most) for name in NAMES}
    todo, done = sum(map(len, chosen.values())), 0
    tables: dict[str, Any] = {}
    for name, numbers in chosen.items():
        rows = []
        for at in numbers:
            rows.append(_row(content, name, at))
            done += 1
            told(done, todo)
        tables[name] = {"rows": rows, "facets": _facets(rows)}
    about = content.about()
    parts = [f"{number(len(chosen[n]))} of {number(about['tables'][n])}" for n in (KEPT, LEFT)]
    about["status"] += f". This file holds {parts[0]} records and {parts[1]} that left"
    about["tables"] = {name: len(numbers) for name, numbers in chosen.items()}
    about["steps"] = []
    return _page(
        about["name"],
        [
            packed.value("about", about),
            packed.value("flow", content.on_the_way()),
            packed.value("result", content.at_the_end()),
            packed.value("tables", tables),
        ],
    )


def _page(title: str, parts: Sequence[packed.Part], asks: bool = False) -> Markup:
    body = rendered(f"{HERE}:view.html", title=title)
    return page(title, body, parts, SCRIPTS, MARK, STYLES, draws=False, asks=asks)


def _chosen(content: Content, name: str, most: int) -> list[int]:
    """The rows that a file holds: of each source, or step and reason, as many as of the others,
    as far as it has them."""
    try:
        columns = content.columns(name)
    except UsageError:  # a run that ended before any records
        return []
    groups = _groups(columns, ("source",) if name == KEPT else ("step", "reason"))
    order = np.argsort(groups, kind="stable")
    begins = np.searchsorted(groups[order], groups[order])
    rank = np.empty(len(groups), np.int64)
    rank[order] = np.arange(len(groups)) - begins
    first = np.lexsort((groups, rank))[:most]
    return [int(one) for one in np.sort(first)]


def _groups(columns: Columns, names: Sequence[str]) -> Array:
    """One number a row, equal for rows that are equal in some columns."""
    groups = np.zeros(len(columns), np.int64)
    for facet in columns.facets:
        if facet.name in names:
            groups = groups * len(facet.values) + facet.codes
    return groups


def _row(content: Content, name: str, at: int) -> dict[str, Any]:
    columns = content.columns(name)
    whole = content.row(name, None, at)
    (card,) = content.cards(name, None, [at], ())
    return {
        "card": card,
        "whole": whole,
        "life": content.life(whole["id"]),
        "marked": content.marked(whole["id"]) if name == KEPT else [],
        "length": int(columns.lengths[at]),
        "facets": {facet.name: facet.values[facet.codes[at]] for facet in columns.facets},
    }


def _facets(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the rows of a file can be filtered by, as `Content.facets` tells it."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        for name, value in row["facets"].items():
            own = counts.setdefault(name, {})
            own[value] = own.get(value, 0) + 1
    found = [(name, sorted(own.items(), key=lambda one: -one[1])) for name, own in counts.items()]
    return {"facets": found, "longest": max((row["length"] for row in rows), default=0)}
