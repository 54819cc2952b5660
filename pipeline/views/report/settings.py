"""The panel of the settings: parameters of each step, versions, whether its bytes are exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.engine.account import Account
from pipeline.engine.states import Learned
from stages.kinds import Panel
from stages.pages import rendered
from stages.registry import loaded
from stages.sql_text import laid_out
from stages.words import size

EXACT = "the same bytes on every machine"
NOT_EXACT = "a machine of another kind may give other last digits"


def _learned(state: Learned | None) -> list[tuple[str, Any]]:
    """What a step learned of all records before it judged them."""
    if not state:
        return []
    tables = [(f"learned table {name}", f"{rows:,} rows") for name, rows in state["tables"].items()]
    values = [(f"learned {name}", value) for name, value in state["values"].items()]
    found = [("found", line) for line in state["lines"]]
    return [("looked at all records", f"{state['rounds']} times"), *values, *tables, *found]


def panel(account: Account) -> Panel:
    """What the run was asked for, and on what it ran."""
    facts = [
        ("recipe", Path(account["recipe"]).name),
        ("seed", str(account["seed"])),
        ("machine", account["machine"]),
        ("python", account["python"]),
        *account["versions"].items(),
        ("store", size(account["store_bytes"])),
    ]
    steps = []
    for step in account["steps"]:
        stage = loaded(step["stage"])
        exact = stage is None or stage.exact
        values = step["parameters"] if stage is None else laid_out(stage, step["parameters"])
        rows = [
            *values.items(),
            *_learned(step.get("learned")),
            ("equal input gives", EXACT if exact else NOT_EXACT),
        ]
        steps.append((step["label"], exact, rows))
    return Panel(
        "Settings and versions",
        rendered("pipeline.views.report:settings.html", facts=facts, steps=steps),
    )
