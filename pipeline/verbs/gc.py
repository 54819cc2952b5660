"""`seedbed gc`: a store without what its last runs do not name, or compared with its hashes."""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.errors import StageFailed, UsageError

ABOUT = "remove from a store what its last runs do not name"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("--store", type=Path, default=Path(".seedbed"), help="default: .seedbed")
    parser.add_argument("--keep", type=int, default=3, help="runs whose pieces stay; default: 3")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare all content of the store with its hashes, and remove only what is damaged",
    )


def act(given: argparse.Namespace) -> int:
    """Remove, or compare, and tell."""
    from pipeline.engine.gc import collect
    from stages.words import number, size

    if given.keep < 0:
        raise UsageError("--keep must be at least 0")
    if given.verify:
        return _verify(given.store)
    entries, freed = collect(given.store, given.keep)
    print(f"removed {number(entries)} entries, {size(freed)}")
    return 0


def _verify(store: Path) -> int:
    from pipeline.engine.gc import verify
    from stages.words import number, size

    found = verify(store)
    for path in found.damaged:
        print(f"{path}: not what was written")
    print(f"compared {number(found.entries)} entries, {size(found.bytes)}, with their hashes")
    if not found.damaged:
        return 0
    told = [
        f"{number(len(found.damaged))} files were damaged; their entries are removed: run the same "
        "commands again, and they are made anew"
    ]
    if found.edited:
        told.append(
            f"{number(found.edited)} of them can be written to and stand in a run's folder too, "
            "where they count as your edits: move that folder away first"
        )
    raise StageFailed(*told)
