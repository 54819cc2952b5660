"""The panel of the sources: how what was read became records, from which columns."""

from __future__ import annotations

from pipeline.engine.account import Account
from pipeline.views.figures import reads
from stages.counts import form_lines
from stages.kinds import Panel
from stages.pages import rendered


def panel(account: Account) -> Panel:
    """A row a source: its name, what it is, the forms that its items were taken for."""
    rows = [
        (step["source"] or "", step["stage"], form_lines(step["counts"]["forms"]))
        for step in reads(account)
    ]
    body = rendered("pipeline.views.report:understood.html", rows=rows)
    return Panel("How the sources were understood", body)
