"""The panel of the flow: how many records each step saw, kept and lost."""

from __future__ import annotations

from typing import Any

from pipeline.views.figures import common, counted, ends_of_sources
from stages.charts.band import Step, flow
from stages.kinds import Panel
from stages.pages import rendered

COLUMNS = ("seen", "kept", "dropped", "failed", "made", "changed", "inapplicable")
SPARSE = ("changed", "inapplicable")  # told where any step has some


def panel(account: dict[str, Any]) -> Panel:
    """The flow of the records, as a drawing and as a table."""
    steps = counted(account)
    drawing = flow(
        [_step(one, one["source"]) for one in ends_of_sources(account)],
        [_step(one, one["stage"]) for one in common(account)],
        "how many records each step kept",
    )
    columns = [key for key in COLUMNS if key not in SPARSE or any(s["counts"][key] for s in steps)]
    body = rendered(
        "pipeline.views.report:flow.html", drawing=drawing, steps=steps, columns=columns
    )
    return Panel("From raw files to the result", body)


def _step(step: dict[str, Any], label: str) -> Step:
    counts = step["counts"]
    return Step(label, counts["seen"], counts["made"], counts["dropped"], counts["failed"])
