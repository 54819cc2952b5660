"""The stages of seedbed, each usable alone: `from stages import RefusalFilter`.

Importing this package loads nothing; a stage's module is loaded when its class is asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

# Our own: name in recipes, on the command line and in make → (module, class). Packages bring more.
TABLE: dict[str, tuple[str, str]] = {
    "html": ("stages.extract.html", "HtmlExtract"),
    "csv": ("stages.extract.csv", "CsvExtract"),
    "sql": ("stages.extract.sql", "SqlExtract"),
    "database": ("stages.extract.database", "DatabaseExtract"),
    "jsonl": ("stages.extract.jsonl", "JsonlExtract"),
    "documents": ("stages.extract.documents", "DocumentExtract"),
    "xml": ("stages.extract.xml", "XmlExtract"),
    "chatlog": ("stages.extract.chatlog", "ChatlogExtract"),
    "normalize": ("stages.clean.normalize", "Normalize"),
    "markup": ("stages.clean.markup", "ConvertMarkup"),
    "quality": ("stages.clean.quality", "QualityFilter"),
    "pii": ("stages.clean.pii", "Pii"),
    "refusals": ("stages.clean.refusals", "RefusalFilter"),
    "dedup": ("stages.clean.dedup", "Deduplicate"),
    "repeats": ("stages.clean.repeats", "RemoveRepeats"),
    "embed": ("stages.select.embed", "Embed"),
    "select": ("stages.select.select", "KMeansSelect"),
    "mix": ("stages.tokens.mix", "Mix"),
    "split": ("stages.select.split", "Split"),
    "tokenize": ("stages.tokens.tokenize", "Tokenize"),
    "apply": ("stages.apply.apply", "Apply"),
    "export": ("stages.export.export", "Export"),
    "train": ("stages.train.train", "Train"),
    "merge": ("stages.train.merge", "Merge"),
    "diagnose": ("stages.curves.diagnose", "Diagnose"),
}

# Verbs that a room brings beside its stages: name on the command line → module (see stages.tools).
TOOLS: dict[str, str] = {
    "chat": "stages.train.tools.chat",
    "check": "stages.audit.tool",
    "curves": "stages.train.tools.curves",
    "doctor": "stages.audit.doctor",
    "estimate": "stages.train.tools.estimate",
    "evaluate": "stages.train.tools.evaluate",
    "import": "stages.sketch.imported",
    "init": "stages.sketch.init",
    "map": "stages.select.map.tool",
    "modules": "stages.train.tools.modules",
}

# How files of records are called; a stage that works on records reads them through this source.
RECORD_FILES = {suffix: "jsonl" for suffix in (".jsonl", ".json", ".parquet", ".arrow", ".gz")}

__all__ = sorted(cls for _, cls in TABLE.values())

_MODULES = {cls: module for module, cls in TABLE.values()}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'stages' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]


def stage(name: str) -> Any:
    """The class of a stage by its name, one that an installed package brings, or `module:Class`.

    UsageError when there is none."""
    from stages.registry import find

    return find(name)


def reader_of(path: str) -> Any:
    """The source class that reads a file of records by its suffix; None for another file."""
    name = next((name for end, name in RECORD_FILES.items() if path.lower().endswith(end)), None)
    return None if name is None else stage(name)
