"""The panel of the time: how long each step took, and what came from the store."""

from __future__ import annotations

from typing import Any

from stages.kinds import Panel
from stages.pages import rendered


def panel(account: dict[str, Any]) -> Panel:
    """A bar a step."""
    most = max([step["seconds"] for step in account["steps"]] + [1e-9])
    body = rendered("pipeline.views.report:times.html", steps=account["steps"], most=most)
    return Panel("Where the time went", body)
