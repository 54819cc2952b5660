"""The last lines of a run: where things are, what came in and left, and what training did."""

from __future__ import annotations

import textwrap
from pathlib import Path

from pipeline import terminal
from pipeline.engine.account import Account, StepReport, is_counted, load_run, made_by
from pipeline.views import extrapolated
from pipeline.views.figures import totals
from pipeline.views.kinds import shown
from pipeline.views.warnings import of_step
from stages.base import Source, Stage
from stages.words import duration, number

WIDTH = 96  # characters of a line


def tell(folder: Path) -> None:
    """Print the end of a run from its folder."""
    print(terminal.lines(lines(folder)))


def tell_stage(stage: Stage, report: StepReport, out: Path) -> None:
    """Print the end of a single stage, whose output is the folder `out`."""
    print(terminal.lines(stage_lines(stage, report, out)))


def stage_lines(stage: Stage, report: StepReport, out: Path) -> list[str]:
    """The end of a single stage, a line each: what came in and left, or what was made."""
    told = []
    if report.counts:
        counts = report.counts
        told.append(
            f"{out}: in {number(counts['seen'])} = kept {number(counts['kept'])} "
            f"+ dropped {number(counts['dropped'])} + failed {number(counts['failed'])}"
            + (f"; made {number(counts['made'])}" if counts["made"] != counts["kept"] else "")
        )
        for reason, count in sorted(counts["reasons"].items(), key=lambda item: -item[1]):
            told.append(f"  {number(count):>9} {reason}: {stage.reasons[reason]}")
    else:
        told.append(f"{out}: {stage.kind}")
    told += report.learned["lines"] if report.learned else []
    told += shown(stage.kind, stage.kind.lines, out, lambda words: words)
    step = report.as_json()
    found = of_step(step, isinstance(stage, Source)) if is_counted(step) else []
    found += shown(stage.kind, stage.kind.warnings, out, lambda words: words)
    return told + _look_here(found)


def lines(folder: Path) -> list[str]:
    """The end of a run, a line each."""
    account = load_run(folder)
    out = ["", f"{account['name']}: done in {duration(account['seconds'])}", ""]
    out += [_flow(account), ""]
    out += _left(account)
    out += [
        f"{'':>8}  {step['label']:<24} {line}"
        for step in account["steps"]
        if (learned := step.get("learned"))
        for line in learned["lines"]
    ]
    if told := extrapolated.lines(account, folder):
        out += ["", *told]
    out += _look_here(account["warnings"])
    made = made_by(account, folder)
    for kind, path in made.items():
        told = shown(kind, kind.lines, path, lambda words: words)
        out += ["", *told] if told else []
    out.append("")
    for path in [*made.values(), folder / "report.html"]:
        if path.exists():
            out.append(f"{path.stem:<10} {_near(path)}")
    return out


def _look_here(warnings: list[str]) -> list[str]:
    """The warnings, each on lines of its own; nothing when there are none."""
    told = [
        part
        for warning in warnings
        for part in textwrap.wrap(warning, WIDTH, initial_indent="  ! ", subsequent_indent="    ")
    ]
    return ["", "look here", *told] if told else []


def _flow(account: Account) -> str:
    all_ = totals(account)
    more = f" + {number(all_.more)} made of them besides" if all_.more else ""
    return (
        f"in {number(all_.seen)}{more}   kept {number(all_.kept)}   "
        f"dropped {number(all_.dropped)}   failed {number(all_.failed)}"
    )


def _left(account: Account) -> list[str]:
    rows = [
        (count, step["label"], reason)
        for step in account["steps"]
        if step["counts"]
        for reason, count in step["counts"]["reasons"].items()
    ]
    return [f"{number(count):>8}  {label:<24} {reason}" for count, label, reason in rows]


def _near(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, FileNotFoundError):  # elsewhere, or the working folder is gone
        return str(path)
