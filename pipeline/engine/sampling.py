"""A run on a sample: of each source some files, from the first to the last, and the first items of
each. A source has a share of the items by its bytes, and none is left out.

What is read of a file is named in its part, so pieces of a sample are entries of the store like all
others, and a second run on the same sample computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypedDict

from pipeline.recipe.recipe import SourceStep
from stages.base import FIRST, Part, Source, files_of
from stages.extract.files import size_of
from stages.sample import parts_of

BUNDLES = 4  # parts that the files of a source are gathered in
LEAST = 4  # a source gets at least this part of an equal share
LARGE = 256 << 20  # bytes of a file from which on no more of it is looked at than `LOOKED`
LOOKED = 64 << 20


class Taken(TypedDict):
    """What a sample takes of a source. first: items of each file; files: name → bytes of those
    that are read; of: files in all; of_bytes: their bytes."""

    first: int
    files: dict[str, int]
    of: int
    of_bytes: int


def shares(sources: Sequence[SourceStep], number: int) -> dict[str, int]:
    """source → items of it in a sample of so many, one at least."""
    sizes = {one.name: sum(_sizes(_parts(one)).values()) for one in sources}
    whole = sum(sizes.values()) or 1
    least = max(1, number // (LEAST * len(sizes)))
    return {name: max(least, round(number * size / whole)) for name, size in sizes.items()}


def sampled(source: SourceStep, number: int) -> tuple[list[Part], Taken]:
    """The parts of a source that hold about so many of its items, and what they are."""
    parts = _parts(source)
    sizes = _sizes(parts)
    single = [one for part in parts if "left" not in part.detail for one in files_of(part)]
    count = min(len(single), number)
    chosen = [single[at * (len(single) - 1) // max(1, count - 1)] for at in range(count)]
    first = -(-number // max(1, count))
    taken: list[Part] = []
    bundle: list[Part] = []
    for one in chosen:
        detail = {**one.detail, FIRST: first}
        if not one.files or max(size_of(path) for _, path in one.paths()) > LARGE:
            detail["sample"] = LOOKED
        if one.detail or one.beside or "sample" in detail or len(one.files) != 1:
            taken.append(replace(one, detail=detail))
        else:
            bundle.append(replace(one, detail=detail))
    each = max(1, -(-len(bundle) // BUNDLES))
    for at in range(0, len(bundle), each):
        some = bundle[at : at + each]
        names = tuple(name for one in some for name in one.files)
        taken.append(replace(some[0], files=names))
    read = {name for part in taken for name in part.files}
    return taken, {
        "first": first,
        "files": {name: size for name, size in sizes.items() if name in read},
        "of": len(sizes),
        "of_bytes": sum(sizes.values()),
    }


def _parts(source: SourceStep) -> list[Part]:
    stage = source.stage
    assert isinstance(stage, Source)
    return parts_of(stage, source.path)


def _sizes(parts: Sequence[Part]) -> Mapping[str, int]:
    return {name: size_of(path) for part in parts for name, path in part.paths()}
