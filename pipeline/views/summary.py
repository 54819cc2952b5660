"""The last lines of a run: where things are, what came in and left, and what training did."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from pipeline import terminal
from pipeline.engine.account import load_run, made_by
from pipeline.progress import duration, number

_WIDTH = 96


def tell(folder: Path) -> None:
    """Print the end of a run from its folder."""
    print(terminal.lines(lines(folder)))


def lines(folder: Path) -> list[str]:
    """The end of a run, a line each."""
    account = load_run(folder)
    out = ["", f"{account['name']}: done in {duration(account['seconds'])}", ""]
    out += [_flow(account), ""]
    out += _left(account)
    made = made_by(account, folder)
    for kind, tell_kind in (("tokens", _tokens), ("adapter", _adapter), ("findings", _findings)):
        if kind in made:
            out += tell_kind(made[kind])
    out.append("")
    for path in [*made.values(), folder / "report.html"]:
        if path.exists():
            out.append(f"{path.stem:<10} {_near(path)}")
    return out


def totals(account: dict[str, Any]) -> dict[str, int]:
    """Items that the sources saw; records that left or failed anywhere; records at the end."""
    steps = [step for step in account["steps"] if step["counts"]]
    sources = {source["name"] for source in account["sources"]}
    first = [step for step in steps if step["source"] in sources and _reads(account, step)]
    return {
        "seen": sum(step["counts"]["seen"] for step in first),
        "dropped": sum(step["counts"]["dropped"] for step in steps),
        "failed": sum(step["counts"]["failed"] for step in steps),
        "kept": steps[-1]["counts"]["made"] if steps else 0,
    }


def _reads(account: dict[str, Any], step: dict[str, Any]) -> bool:
    return any(
        source["name"] == step["source"] and source["stage"] == step["stage"]
        for source in account["sources"]
    )


def _flow(account: dict[str, Any]) -> str:
    all_ = totals(account)
    return (
        f"in {number(all_['seen'])}   kept {number(all_['kept'])}   "
        f"dropped {number(all_['dropped'])}   failed {number(all_['failed'])}"
    )


def _left(account: dict[str, Any]) -> list[str]:
    rows = [
        (count, step["label"], reason)
        for step in account["steps"]
        if step["counts"]
        for reason, count in step["counts"]["reasons"].items()
    ]
    return [f"{number(count):>8}  {label:<24} {reason}" for count, label, reason in rows]


def _tokens(path: Path) -> list[str]:
    from stages.corpus import Corpus

    corpus = Corpus(path)
    if "length" not in corpus.schema.names:
        return []
    total = sum(sum(table.column("length").to_pylist()) for table in corpus.batches())
    return ["", f"tokens     {number(total)} in {number(len(corpus))} records"]


def _adapter(path: Path) -> list[str]:
    summary = json.loads((path / "manifest.json").read_bytes())["summary"]
    out = [
        f"training   {number(summary['trained_tokens'])} trained tokens, "
        f"{number(summary['steps'])} steps, {summary['epochs']} epochs",
        f"losses     validation {summary['val_loss_first']:.3f} → {summary['val_loss_last']:.3f} "
        f"nats a token ({summary['val_loss_last'] - summary['val_loss_first']:+.3f})",
    ]
    samples = json.loads((path / "samples.json").read_bytes())
    for sample in samples[:1]:
        out.append("")
        for name in ("prompt", "before", "after"):
            out += _wrapped(name, sample[name])
    return out


def _wrapped(name: str, text: str) -> list[str]:
    body = " ".join(text.split())
    return textwrap.wrap(
        body[:600], _WIDTH, initial_indent=f"{name:<11}", subsequent_indent=" " * 11
    ) or [name]


def _findings(path: Path) -> list[str]:
    found = json.loads((path / "findings.json").read_bytes())["findings"]
    return ["", *(f"finding    {item.get('words') or item['kind']}" for item in found)]


def _near(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, FileNotFoundError):  # elsewhere, or the working folder is gone
        return str(path)
