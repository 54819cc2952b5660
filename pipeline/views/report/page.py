"""The report's page: figures at the top, then a panel each for flow, losses and what was made.

All text of records is escaped; the page loads nothing and runs nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from pipeline.engine.account import Account, load_run, made_by
from pipeline.views.figures import totals
from pipeline.views.kinds import shown
from pipeline.views.report import changed, flow, left, sample, settings, times, understood
from stages.charts.svg import STYLE
from stages.kinds import Kind, Panel, Tile
from stages.pages import rendered, text_of
from stages.words import number

HERE = "pipeline.views.report"


def page(folder: Path) -> Markup:
    """The whole page of a run's folder."""
    account = load_run(folder)
    made = made_by(account, folder)
    panels = [
        *on_the_way(account, folder, amounts_of(made)),
        left.panel(account, folder),
        *at_the_end(account, folder, made),
    ]
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(account["started"]))
    style = Markup(text_of(f"{HERE}:style.css") + text_of(STYLE))
    return rendered(
        f"{HERE}:page.html",
        account=account,
        when=when,
        computed=_computed(account),
        style=style,
        tiles=[*tiles(account), *tiles_of_kinds(made)],
        sections=[(_anchor(panel.title), panel) for panel in panels],
    )


def on_the_way(account: Account, folder: Path, amounts: Sequence[tuple[str, int]]) -> list[Panel]:
    """The panels of what was read and what became of it: no record is read for them."""
    found = [flow.panel(account, amounts), understood.panel(account)]
    return [*sample.panel(account, folder), *found]


def at_the_end(account: Account, folder: Path, made: dict[Kind, Path]) -> list[Panel]:
    """The panels of the result and of how it was made."""
    return [
        *changed.panel(account, folder),
        *of_kinds(made),
        times.panel(account),
        settings.panel(account),
    ]


def _computed(account: Account) -> float:
    """Seconds that the steps took which came from the store, when they were computed."""
    return sum(once["seconds"] for step in account["steps"] if (once := step.get("once")))


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def tiles(account: Account) -> list[Tile]:
    """How much came in, stayed and left."""
    all_ = totals(account)
    more = f"; {number(all_.more)} more records were made of them" if all_.more else ""
    return [
        Tile("in", number(all_.seen), "items read from the sources" + more),
        Tile("kept", number(all_.kept), "records at the end"),
        Tile("dropped", number(all_.dropped), "by a rule"),
        Tile("failed", number(all_.failed), "could not be read"),
    ]


def tiles_of_kinds(made: dict[Kind, Path]) -> list[Tile]:
    """The figures of what was made."""
    return [
        tile
        for kind, path in made.items()
        for tile in shown(kind, kind.tiles, path, lambda words: Tile("not shown", "?", words))
    ]


def amounts_of(made: dict[Kind, Path]) -> list[tuple[str, int]]:
    """What the text became."""
    return [
        pair
        for kind, path in made.items()
        for pair in shown(kind, kind.amounts, path, lambda _: ("?", 0))
    ]


def of_kinds(made: dict[Kind, Path]) -> list[Panel]:
    """The panels of all kinds, the latest kind's first; of one title, the latest kind's."""
    panels: dict[str, Panel] = {}
    for kind, path in reversed(made.items()):
        for panel in shown(kind, kind.panels, path, lambda words: Panel("Not shown", words)):
            panels.setdefault(panel.title, panel)
    return list(panels.values())
