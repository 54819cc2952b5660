"""Plots for papers, by matplotlib: learning curves with findings, groups of token curves."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stages.charts.live.projection import Way, projected
from stages.curves.page.clusters import clusters
from stages.curves.page.features import features_of
from stages.curves.page.learning import AXES, FIGURES, SIDES, Learning, Line
from stages.curves.page.tokens import TokenCurves
from stages.disk import write_whole
from stages.errors import UsageError
from stages.require import require

Array = np.ndarray[Any, Any]

ENDINGS = (".png", ".svg", ".pdf")
WIDTH, HEIGHT, DPI = 6.75, 3.4, 300  # inches: a text of two columns; dots an inch
SMOOTH_FROM = 200  # points from which a running mean is drawn over a noisy line
COLOURS = (
    "#2f7d4f", "#d98a1f", "#2b6cb0", "#c0392b", "#7b4fa3", "#12908e",
    "#b8558f", "#8a6d1d", "#4f7fe0", "#e0672f",
)  # fmt: skip
SIDE_COLOURS = {
    "train": COLOURS[0], "val": COLOURS[2], "retention": COLOURS[1],
    "probe_train": COLOURS[0], "probe_val": COLOURS[2],
}  # fmt: skip
STYLES = {"probe_train": (0, (5, 3)), "probe_val": (0, (5, 3)), "retention": (0, (1, 1))}
TONES = {"good": COLOURS[0], "open": "#b87010", "bad": COLOURS[3]}
RC = {
    "font.size": 8, "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6,
    "legend.frameon": False, "pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "seedbed",
}  # fmt: skip


def plot(
    runs: Sequence[Learning],
    out: Path,
    *,
    tokens: TokenCurves | None = None,
    figure: str = "loss",
    axis: str = "step",
    logarithmic: bool = False,
    way: Way = "auto",
) -> None:
    """Write a plot. out: its ending says the form, PNG, SVG or PDF. figure: a key of `FIGURES`.
    axis: a key of `AXES`. logarithmic: the axis, with step 0 at its left end. tokens: are drawn in
    two panels more. The same input gives the same bytes."""
    if out.suffix.lower() not in ENDINGS:
        raise UsageError(f"{out}: a plot is written as {', '.join(ENDINGS)}")
    matplotlib = require("matplotlib", "curves")
    require("matplotlib.backends.backend_agg", "curves")
    from matplotlib.figure import Figure

    rows = int(bool(runs)) + int(tokens is not None)
    with matplotlib.rc_context(RC), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters that the font does not have are drawn as boxes
        sheet = Figure(figsize=(WIDTH, HEIGHT * max(rows, 1)), layout="constrained")
        grid = sheet.add_gridspec(max(rows, 1), 2)
        if runs:
            _learning(sheet.add_subplot(grid[0, :]), runs, figure, axis, logarithmic)
        if tokens is not None:
            panels = [sheet.add_subplot(grid[rows - 1, column]) for column in (0, 1)]
            _groups(panels, tokens, way)
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
        ending, drawn = out.suffix.lower(), io.BytesIO()
        sheet.savefig(drawn, format=ending[1:], dpi=DPI, metadata=metadata.get(ending))
    write_whole(out, drawn.getvalue())


def _learning(
    axes: Any, runs: Sequence[Learning], figure: str, axis: str, logarithmic: bool
) -> None:
    drawn = [
        (run, number, line)
        for number, run in enumerate(runs)
        for line in run["lines"]
        if line["figure"] == figure and not line["by"] and line["axes"].get(axis)
    ]
    if not drawn:
        known = sorted({line["figure"] for run in runs for line in run["lines"]})
        raise UsageError(
            f"nothing has {FIGURES[figure][0]} over {AXES[axis]}; there is {', '.join(known)}"
        )
    for run, number, line in drawn:
        label = SIDES[line["side"]] if len(runs) == 1 else f"{run['name']}: {SIDES[line['side']]}"
        colour = SIDE_COLOURS[line["side"]] if len(runs) == 1 else COLOURS[number % len(COLOURS)]
        dashed = len(runs) > 1 and line["side"] == "train"
        style = (0, (2, 2)) if dashed else STYLES.get(line["side"], "-")
        _line(axes, line, axis, colour, style, label)
    if logarithmic:
        first = min((x for *_, line in drawn for x in line["axes"][axis] if x > 0), default=1)
        axes.set_xscale("symlog", linthresh=first, linscale=0.3)
        axes.set_xlim(left=min(x for *_, line in drawn for x in line["axes"][axis]))
    if len(runs) == 1:
        _marks(axes, runs[0], axis)
    words, unit = FIGURES[figure]
    axes.set_xlabel(runs[0]["unit"] if axis == "step" else AXES[axis])
    axes.set_ylabel(f"{words} ({unit})" if unit else words)
    _legend(axes)


def _line(axes: Any, line: Line, axis: str, colour: str, style: Any, label: str) -> None:
    x = np.array(line["axes"][axis], dtype=np.float64)
    y = np.array([np.nan if v is None else v for v in line["values"]], dtype=np.float64)
    if line["side"] == "train" and len(x) > SMOOTH_FROM:
        axes.plot(x, y, color=colour, linewidth=0.4, alpha=0.3)
        good = np.isfinite(y)
        width = max(1, int(good.sum()) // 60)
        sums = np.cumsum(np.concatenate([[0.0], y[good]]))
        means = (sums[width:] - sums[:-width]) / width
        middle = x[good][width // 2 :][: len(means)]
        axes.plot(middle, means, color=colour, linestyle=style, linewidth=1.3, label=label)
        return
    marker = "o" if len(x) < 60 and line["side"] != "train" else None
    axes.plot(
        x, y, color=colour, linestyle=style, linewidth=1.3, marker=marker, markersize=2.5,
        label=label,
    )  # fmt: skip


def _marks(axes: Any, run: Learning, axis: str) -> None:
    """Findings as lines, where the axis is the one that they are said on."""
    if axis != "step":
        return
    for step, _ in run["epochs"]:
        axes.axvline(step, color="#9aa39d", linewidth=0.6, linestyle=(0, (3, 3)), zorder=0)
    for found in run["findings"]:
        if found["step"] is None:
            continue
        colour = TONES[found["tone"]]
        axes.axvline(found["step"], color=colour, linewidth=0.8, linestyle=(0, (1, 1.5)))
        axes.annotate(
            found["title"], (found["step"], 1.0), xycoords=("data", "axes fraction"),
            xytext=(2, 1), textcoords="offset points", color=colour, fontsize=7,
        )  # fmt: skip


def _groups(panels: Sequence[Any], tokens: TokenCurves, way: Way) -> None:
    """The points, and the mean curve of each cluster."""
    features = features_of(tokens.steps, tokens.losses)
    points = tokens.points if tokens.points is not None else projected(features, way)[0]
    found = clusters(features)
    labels = np.zeros(len(points), dtype=int) if found is None else found.values
    names = ["all"] if found is None else found.names
    size = 4.0 if len(points) < 5000 else 0.5
    for number, name in enumerate(names):
        mine = labels == number
        colour = COLOURS[number % len(COLOURS)]
        panels[0].scatter(
            points[mine, 0], points[mine, 1], s=size, color=colour, linewidths=0, rasterized=True
        )
        losses = np.where(np.isfinite(tokens.losses[mine]), tokens.losses[mine], np.nan)
        panels[1].plot(
            tokens.steps, np.nanmean(losses, axis=0), color=colour, linewidth=1.1,
            label=f"{name} ({mine.sum():,})",
        )  # fmt: skip
    panels[0].set_xticks([])
    panels[0].set_yticks([])
    panels[0].set_xlabel("token curves")
    positive = tokens.steps[tokens.steps > 0]
    panels[1].set_xscale("symlog", linthresh=float(positive.min()) if len(positive) else 1.0)
    panels[1].set_xlim(left=float(tokens.steps.min()))
    panels[1].set_xlabel(f"{tokens.axis}s")
    panels[1].set_ylabel("mean loss (nats)")
    _legend(panels[1])


def _legend(axes: Any) -> None:
    """A legend whose words are no mathematics, whatever signs they hold."""
    made = axes.legend(fontsize=6.5)
    for text in made.get_texts():
        text.set_parse_math(False)
