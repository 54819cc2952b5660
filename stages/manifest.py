"""What the manifest of a folder holds, as types; and how it is read and looked through."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NotRequired, TypedDict, TypeGuard

from stages.errors import UsageError
from stages.records import FORMAT

MANIFEST = "manifest.json"


class Mark(TypedDict):
    """What is in every manifest: the folder may be replaced, see `owned`."""

    made_by: str


MADE_BY: Mark = {"made_by": "seedbed"}


class TextEntry(TypedDict):
    """A `TextCount`: characters, and those that left by reason."""

    seen: int
    kept: int
    added: int
    removed: dict[str, int]


class CountsEntry(TypedDict):
    """The `Counts` of a step."""

    seen: int
    kept: int
    dropped: int
    failed: int
    made: int
    inapplicable: int
    changed: int
    reasons: dict[str, int]
    forms: dict[str, int]
    text: TextEntry


class SourceEntry(TypedDict):
    """A source of the records. stage: what read it, path: as the recipe has it."""

    name: str
    license: NotRequired[str | None]
    stage: NotRequired[str]
    path: NotRequired[str]


class StepEntry(TypedDict, total=False):
    """A step that made the corpus. source: the only one whose records it saw. reasons, cuts: what
    the words of its account mean. facts: what the stage says of the files that it used. libraries:
    name → version. computed_on: of a step that is not exact, the kinds of CPU that worked on it."""

    source: str | None
    stage: str
    parameters: dict[str, Any]
    facts: dict[str, Any]
    exact: bool
    counts: CountsEntry
    reasons: dict[str, str]
    cuts: dict[str, str]
    libraries: dict[str, str]
    computed_on: list[str]


class PieceEntry(TypedDict):
    """A piece: data and rejects are paths within the folder, bytes and sha256 those of the data. A
    step whose records were not kept has rejects and rows alone."""

    rejects: str
    rows: int
    data: NotRequired[str]
    bytes: NotRequired[int]
    sha256: NotRequired[str]


class Contents(TypedDict, total=False):
    """What a manifest may say of its folder. steps, counts, schema, pieces, digest: of a corpus.
    stage, parameters, exact, summary, files (sizes), hashes, sha256, check: of what an end stage
    made; summary is its own JSON."""

    made_by: str
    label: str
    sources: list[SourceEntry]
    steps: list[StepEntry]
    counts: CountsEntry
    schema: dict[str, str]
    pieces: list[PieceEntry]
    digest: str
    stage: str
    parameters: dict[str, Any]
    exact: bool
    summary: dict[str, Any]
    files: dict[str, int]
    hashes: dict[str, str]
    sha256: str
    check: str


class Manifest(Contents):
    """The manifest of a folder that people see."""

    format: int
    kind: str


class Unchecked(TypedDict, total=False):
    """A manifest that nobody has looked through: what it says of its files may be any JSON."""

    made_by: object
    format: object
    pieces: object
    files: object
    hashes: object


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a corpus; UsageError where there is none that readers can rely on."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{folder} is not a corpus: it has no {MANIFEST} (an interrupted run writes none)"
        ) from None
    except (ValueError, RecursionError):
        raise UsageError(damaged(folder)) from None
    if not isinstance(manifest, dict):
        raise UsageError(damaged(folder))
    if manifest.get("format") != FORMAT:
        raise UsageError(
            f"{folder}: format {manifest.get('format')} is not {FORMAT}; "
            "make it again with this version"
        )
    if not _is_manifest(manifest):
        raise UsageError(damaged(folder))
    return manifest


def damaged(folder: Path) -> str:
    """What people are told of a manifest that does not hold what it should."""
    return f"{folder / MANIFEST} is damaged, or another program's: make the corpus again"


def _is_manifest(value: dict[str, object]) -> TypeGuard[Manifest]:
    """Whether a manifest has what readers take for granted, and names files of its folder."""
    pieces, sources = value.get("pieces", []), value.get("sources", [])
    steps = value.get("steps", [])
    return (
        isinstance(value.get("kind"), str)
        and isinstance(steps, list)
        and all(isinstance(step, dict) and isinstance(step.get("stage"), str) for step in steps)
        and all(
            isinstance(step.get(name, {}), dict)
            for step in steps
            for name in ("reasons", "parameters", "facts")
        )
        and isinstance(sources, list)
        and all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in sources)
        and isinstance(pieces, list)
        and all(
            isinstance(one, dict)
            and isinstance(one.get("rows"), int)
            and _is_inside(one.get("rejects"))
            and ("data" not in one or _is_inside(one["data"]))
            and ("data" not in one or isinstance(one.get("sha256"), str))
            for one in pieces
        )
        and _are_files(value.get("files", {}))
    )


def _are_files(files: object) -> bool:
    return isinstance(files, dict) and all(_is_inside(name) for name in files)


def _is_inside(name: object) -> bool:
    if not isinstance(name, str) or "\0" in name:
        return False
    return not os.path.isabs(name) and ".." not in Path(name).parts
