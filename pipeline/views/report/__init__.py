"""The report of a run: one offline page, made from the run's folder and nothing else."""

from __future__ import annotations

from pathlib import Path

from stages.disk import write_whole


def write_report(folder: Path) -> Path:
    """Write `report.html` into a run's folder; returns its path."""
    from pipeline.views.report.page import page

    path = folder / "report.html"
    write_whole(path, page(folder))
    return path
