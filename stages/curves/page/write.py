"""The page of curves from its parts: one offline file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from stages.charts.live import packed
from stages.charts.live.page import page
from stages.charts.live.projection import Way, projected
from stages.curves.page import classes
from stages.curves.page.clusters import clusters
from stages.curves.page.features import features_of
from stages.curves.page.learning import AXES, FIGURES, GROUPINGS, SIDES, Learning, numbers
from stages.curves.page.recorded import History
from stages.curves.page.tokens import TokenCurves
from stages.pages import rendered

HERE = "stages.curves.page"
MARK = "seedbed curves"  # what a page of ours is known by, so that no other file is replaced
SCRIPTS = tuple(f"{HERE}:{name}.js" for name in ("learning", "explorer", "records", "main"))


@dataclass(frozen=True)
class Content:
    """What a page shows. runs: at least one, or tokens. by_record: words → a name of each record of
    `tokens`, to colour by."""

    title: str
    runs: Sequence[Learning] = ()
    tokens: TokenCurves | None = None
    by_record: dict[str, list[str]] = field(default_factory=dict)
    histories: Sequence[History] = ()
    way: Way = "auto"


def written(content: Content) -> Markup:
    """The whole page."""
    parts = [
        packed.value(
            "runs",
            {
                "runs": list(content.runs),
                "figures": FIGURES, "sides": SIDES, "axes": AXES, "groupings": GROUPINGS,
            },
        )
    ]  # fmt: skip
    if content.tokens is not None:
        parts += _tokens(content.tokens, content.by_record, content.way)
    if content.histories:
        parts.append(packed.value("histories", list(content.histories)))
    body = rendered(
        f"{HERE}:curves.html",
        title=content.title,
        runs=bool(content.runs),
        tokens=content.tokens is not None,
        worst=any(one["worst"] for one in content.histories),
    )
    return page(
        f"{content.title}: curves", body, parts, SCRIPTS, MARK, styles=[f"{HERE}:curves.css"]
    )


def _tokens(curves: TokenCurves, by_record: dict[str, list[str]], way: Way) -> list[packed.Part]:
    features = features_of(curves.steps, curves.losses)
    if curves.points is not None:
        points, told = curves.points, "the projection that came with the curves"
    else:
        points, told = projected(features, way)
    colourings = [
        clusters(features),
        classes.classes(curves),
        classes.sources(curves, "source", curves.sources) if "source" not in by_record else None,
        classes.repeats(curves),
        classes.shapes(curves),
        *(classes.sources(curves, title, names) for title, names in by_record.items()),
    ]
    shown = [one for one in colourings if one is not None]
    top = packed.top_of(curves.losses)
    previous = curves.previous()
    pairs, bigrams = np.unique(
        np.stack([previous, curves.ids[curves.at].astype(np.int64)]), axis=1, return_inverse=True
    )
    about = {
        "count": len(curves),
        "steps": numbers(curves.steps),
        "axis": curves.axis,
        "top": top,
        "mean": numbers(curves.mean()),
        "colourings": [
            {"title": one.title, "names": one.names, "meanings": one.meanings} for one in shown
        ],
        "records": curves.names,
        "before": curves.before,
        "notes": [f"Points: {told}.", *(f"{note[:1].upper()}{note[1:]}." for note in curves.notes)],
    }
    return [
        packed.value("tokens", about),
        packed.value("texts", curves.texts),
        packed.curves("curves", curves.losses, top),
        packed.places("places", points),
        packed.array("ids", curves.ids.astype(np.uint32)),
        packed.array("begins", curves.begins.astype(np.uint32)),
        packed.array("at", np.diff(curves.at, prepend=0).astype(np.int32).view(np.uint32)),
        packed.array("bigrams", bigrams.reshape(-1).astype(np.uint32)),
        packed.array("pairs", (pairs + 1).astype(np.uint32)),
        *(packed.array(f"colour {n}", one.values.astype(np.uint8)) for n, one in enumerate(shown)),
    ]
