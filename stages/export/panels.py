"""Exported files, shown: how many records each holds, and how many the format could not hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.kinds import Panel, summary_of
from stages.pages import rendered
from stages.words import number, percent

MUCH = 0.1  # share of the records that were left out


def lines(folder: Path) -> list[str]:
    """Records in each file, and those left out."""
    summary = summary_of(folder)
    told = ", ".join(f"{side} {number(rows)}" for side, rows in summary["rows"].items())
    what = "records"
    if "fill" in summary:
        what = f"lines, filled to {100 * summary['fill']:.1f} %"
        if summary["changed"]:
            what += f"; {number(summary['changed'])} of them read back as other tokens"
    out = [f"export     {summary['format']}: {told} {what}"]
    if left := _left_out(summary):
        out.append(f"left out   {left}; they are listed in left_out.jsonl")
    return out


def warnings(folder: Path) -> list[str]:
    """Where a format left much out."""
    summary = summary_of(folder)
    left = sum(summary["reasons"].values())
    return [f"export left out {_left_out(summary)}"] if left > MUCH * summary["seen"] else []


def panels(folder: Path) -> list[Panel]:
    """The files and what they hold."""
    summary = summary_of(folder)
    rows = [*summary["rows"].items(), ("left out", sum(summary["reasons"].values()))]
    body = rendered("stages.export:files.html", form=summary["format"], rows=rows)
    return [Panel("Exported files", body)]


def _left_out(summary: dict[str, Any]) -> str:
    left = sum(summary["reasons"].values())
    if not left:
        return ""
    each = ", ".join(f"{reason} {number(count)}" for reason, count in summary["reasons"].items())
    return (
        f"{number(left)} of {number(summary['seen'])} records ({percent(left, summary['seen'])}): "
        f"the format {summary['format']} cannot hold them ({each})"
    )
