"""The panel of a run on a sample: what was read, and what the whole would take."""

from __future__ import annotations

from pathlib import Path

from pipeline.engine.account import Account
from pipeline.views.extrapolated import lines
from stages.kinds import Panel
from stages.pages import rendered


def panel(account: Account, folder: Path) -> list[Panel]:
    """The panel; none for a run on all there is."""
    told = [line.split("  ", 1) for line in lines(account, folder)]
    rows = [(one[0].strip(), one[-1].strip()) for one in told]
    body = rendered("pipeline.views.report:sample.html", rows=rows)
    return [Panel("A sample, and the whole", body)] if rows else []
