"""The panel of the time: how long each step took, and what came from the store."""

from __future__ import annotations

import time

from pipeline.engine.account import Account
from stages.kinds import Panel
from stages.pages import rendered

HERE = "pipeline.views.report"


def panel(account: Account) -> Panel:
    """A bar a step; a pale one for what the step took when it was computed, if it now came from
    the store."""
    rows = []
    for step in account["steps"]:
        once = step.get("once")
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(once["ended"])) if once else ""
        rows.append((step, once["seconds"] if once else step["seconds"], when))
    most = max([1e-9, *(seconds for _, seconds, _ in rows)])
    return Panel("Where the time went", rendered(f"{HERE}:times.html", rows=rows, most=most))
