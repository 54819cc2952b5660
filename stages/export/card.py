"""The data card of an export, with the front matter that hubs read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stages.corpus import Corpus

# What hubs call licences: SPDX names in small letters.
_LICENCES = {
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "mpl-2.0", "isc", "unlicense", "wtfpl"),
    *("cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
    *("cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0"),
    *("odc-by", "odbl", "pddl", "gfdl", "unknown"),
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
_MORE = ((1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"))


def card(
    corpus: Corpus, summary: Mapping[str, Any], reasons: Mapping[str, str], snippet: str | None
) -> str:
    """What the files hold, from where, under which licences, and how they are read.

    summary: of the export; reasons: what its reasons mean; snippet: lines of Python."""
    lines = [*_front_matter(corpus, summary), "# Data card", ""]
    lines += [f"Format: {summary['format']}. Records: {summary['seen']:,}.", ""]
    lines += ["| file | records |", "|---|---:|"]
    suffix = "/" if summary["format"] == "arrow" else ".jsonl"
    lines += [f"| {side}{suffix} | {number:,} |" for side, number in summary["rows"].items()]
    for reason, number in summary["reasons"].items():
        lines.append(f"| left_out.jsonl ({reasons[reason]}) | {number:,} |")
    lines += ["", "## Sources and licences", ""]
    if corpus.sources:
        lines += ["| source | licence | read by |", "|---|---|---|"]
        for source in corpus.sources:
            cells = (source.get("name"), source.get("license") or "unknown", source.get("stage"))
            lines.append("| " + " | ".join(map(_cell, cells)) + " |")
        licences = _licences(corpus)
        lines += ["", f"Licences that occur: {', '.join(map(_cell, licences))}."]
        if "unknown" in licences:
            lines.append("For some sources no licence was given: ask before passing the data on.")
    else:
        lines.append("The corpus names no sources.")
    if snippet:
        lines += ["", "## Training with TRL", "", "```python", snippet, "```"]
    lines += ["", "## Origin", "", f"Digest of the corpus: `{corpus.digest}`.", ""]
    return "\n".join(lines)


def _licences(corpus: Corpus) -> list[str]:
    return sorted({str(source.get("license") or "unknown") for source in corpus.sources})


def _front_matter(corpus: Corpus, summary: Mapping[str, Any]) -> list[str]:
    """YAML between lines of dashes: licence, size, and which file is which side."""
    names = {name.lower() for name in _licences(corpus)} or {"unknown"}
    known = sorted(name if name in _LICENCES else "other" for name in names)
    lines = ["---", *_list("license", list(dict.fromkeys(known)))]
    lines += _list("task_categories", ["text-generation"])
    rows = sum(summary["rows"].values())
    sizes = (name for most, name in (*_SIZES, *_MORE) if rows < most)
    lines += _list("size_categories", [next(sizes, "n>100M")])
    lines += _list("tags", ["seedbed", summary["format"]])
    if summary["format"] != "arrow":
        lines += ["configs:", "- config_name: default", "  data_files:"]
        for side, name in (("train", "train"), ("val", "validation")):
            if summary["rows"].get(side):
                lines += [f"  - split: {name}", f"    path: {side}.parquet"]
    return [*lines, "---", ""]


def _list(key: str, values: Sequence[str]) -> list[str]:
    return [f"{key}:", *(f"- {json.dumps(value)}" for value in values)]


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
