"""The card of a data set: what it holds, from where, under which licences, with the front matter
that hubs read."""

from __future__ import annotations

import json
from collections.abc import Sequence

from stages.corpus import Corpus
from stages.words import number

# What hubs call licences: SPDX names in small letters.
_LICENCES = {
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "mpl-2.0", "isc", "unlicense", "wtfpl"),
    *("cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
    *("cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0"),
    *("odc-by", "odbl", "pddl", "gfdl", "unknown"),
}
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)


def front_matter(
    corpus: Corpus, rows: int, tags: Sequence[str], files: Sequence[tuple[str, str]]
) -> list[str]:
    """YAML between lines of dashes: licence, size, and which files are which side.

    files: (name of a split, path or pattern)."""
    names = {name.lower() for name in _licences(corpus)} or {"unknown"}
    known = {name if name in _LICENCES else "other" for name in names}
    size = next((name for most, name in _SIZES if rows < most), "n>100M")
    lines = ["---", *_list("license", sorted(known))]
    lines += _list("task_categories", ["text-generation"])
    lines += [*_list("size_categories", [size]), *_list("tags", ["seedbed", *tags])]
    if files:
        lines += ["configs:", "- config_name: default", "  data_files:"]
        lines += [f"  - split: {split}\n    path: {json.dumps(path)}" for split, path in files]
    return [*lines, "---", ""]


def _list(key: str, values: Sequence[str]) -> list[str]:
    return [f"{key}:", *(f"- {json.dumps(value)}" for value in values)]


def of_sources(corpus: Corpus) -> list[str]:
    """The sources with their licences, and the digest of the corpus."""
    lines = ["", "## Sources and licences", ""]
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
    return [*lines, "", "## Origin", "", f"Digest of the corpus: `{corpus.digest}`.", ""]


def of_corpus(corpus: Corpus) -> str:
    """The card of a corpus as it is: `load_dataset` of a hub reads its pieces."""
    rows = len(corpus)
    lines = front_matter(corpus, rows, [corpus.kind], [("train", "data/*.arrow")])
    lines += ["# Data card", "", f"A corpus of {corpus.kind}, {number(rows)} rows."]
    if "split" in corpus.schema.names:
        lines.append("The column `split` says which rows are for validation.")
    return "\n".join([*lines, *of_sources(corpus)])


def _licences(corpus: Corpus) -> list[str]:
    return sorted({str(source.get("license") or "unknown") for source in corpus.sources})


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
