"""What goes from step to step: pieces in order, and the corpus folder that people see of them."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.engine.content import Damaged, verified
from pipeline.engine.jobs import DATA, REJECTED, aligned
from pipeline.engine.keys import hash_of
from pipeline.engine.store import Entry, Store, flush, lives
from stages import check, owned
from stages.base import Stage
from stages.corpus import MADE_BY, MANIFEST, Digest, iterate_arrow, sha256_of, write_json
from stages.counts import Counts
from stages.errors import StageFailed, UsageError
from stages.records import FORMAT
from stages.secrets import masked_values

_SWAPS = 20  # attempts at putting a folder in the place of another, when runs compete


@dataclass(frozen=True)
class Piece:
    """One piece: where its data and rejects lie, and what happened to it."""

    key: str
    sha256: str
    rows: int
    data: Path
    rejects: Path
    counts: Counts

    @property
    def checked(self) -> Path:
        """The data, once they have been compared with their hash; raises Damaged."""
        return verified(self.data, self.sha256)


@dataclass
class Flow:
    """Pieces in order. sources: name, license, stage and path of what the records came from."""

    pieces: list[Piece]
    schema: pa.Schema
    kind: str
    sources: list[dict[str, Any]]
    folder: Path | None = None
    counts: Counts = field(default_factory=Counts)

    @property
    def identity(self) -> str:
        """What a whole-corpus stage's key is made of."""
        return hash_of([[piece.sha256 for piece in self.pieces], str(self.schema), self.sources])


def piece_of(store: Store, summary: Mapping[str, Any]) -> Piece:
    """The piece of a job's summary."""
    path = store.path(summary["key"])
    counts = Counts.of(summary["counts"])
    return Piece(
        summary["key"], summary["sha256"], summary["rows"], path / DATA, path / REJECTED, counts
    )


def total(pieces: Sequence[Piece]) -> Counts:
    """The counts of all pieces."""
    counts = Counts()
    for piece in pieces:
        counts.add(piece.counts)
    return counts


def digest_of(store: Store, flow: Flow) -> str:
    """The hash over all rows, independent of the cut; remembered in the store."""

    def compute() -> str:
        digest = Digest(flow.schema)
        for piece in flow.pieces:
            for table in iterate_arrow(piece.checked):
                digest.update(aligned(table, flow.schema))
        return digest.hexdigest()

    shas = [piece.sha256 for piece in flow.pieces]
    return _remembered(store, hash_of(["digest", FORMAT, str(flow.schema), shas]), compute)


def check_ids(store: Store, flow: Flow) -> None:
    """StageFailed when two records have one id; names their places."""

    def compute() -> str:
        ids = [
            np.frombuffer(bytes.fromhex("".join(table.column("id").to_pylist())), dtype="V16")
            for piece in flow.pieces
            for table in iterate_arrow(piece.checked)
            if table.num_rows
        ]
        values = np.sort(np.concatenate(ids).view("S16") if ids else np.empty(0, "S16"))
        same = np.flatnonzero(values[1:] == values[:-1])
        return bytes(values[same[0]]).ljust(16, b"\0").hex() if len(same) else ""

    shas = [piece.sha256 for piece in flow.pieces]
    twice = _remembered(store, hash_of(["ids", FORMAT, shas]), compute)
    if twice:
        places = [
            f"{source}:{place}"
            for piece in flow.pieces
            for table in iterate_arrow(piece.data)
            for one, source, place in zip(
                *(table.column(name).to_pylist() for name in ("id", "source", "place")),
                strict=True,
            )
            if one == twice
        ]
        raise StageFailed(f"two records have the id {twice}: {' and '.join(places[:3])}")


def _remembered(store: Store, key: str, compute: Callable[[], str]) -> str:
    entry = store.get(key)
    if entry is None:
        entry = store.put(key, lambda folder: {"value": compute()})
    return str(entry.manifest["value"])


def corpus_manifest(store: Store, flow: Flow, stage: Stage, label: str) -> dict[str, Any]:
    """The manifest of a corpus: a function of code, parameters, input and seed alone."""
    return {
        **MADE_BY,
        "format": FORMAT,
        "kind": flow.kind,
        "label": label,
        "stage": stage.name,
        "parameters": masked_values(check.as_json(stage)),
        "exact": stage.exact,
        "counts": asdict(flow.counts),
        "reasons": dict(stage.reasons),
        "sources": flow.sources,
        "schema": {f.name: str(f.type) for f in flow.schema},
        "digest": digest_of(store, flow),
        "pieces": [
            {
                "data": f"data/{number:05d}.arrow",
                "rejects": f"rejects/{number:05d}.arrow",
                "rows": piece.rows,
                "bytes": piece.data.stat().st_size,
                "sha256": piece.sha256,
            }
            for number, piece in enumerate(flow.pieces)
        ],
    }


def show_corpus(store: Store, flow: Flow, stage: Stage, label: str, folder: Path) -> None:
    """Make `folder` the corpus of a flow: hard links into the store, the manifest last."""
    manifest = corpus_manifest(store, flow, stage, label)
    links = {}
    for entry, piece in zip(manifest["pieces"], flow.pieces, strict=True):
        links[entry["data"]] = piece.data
        links[entry["rejects"]] = piece.rejects

    def check() -> None:
        for piece in flow.pieces:
            found = store.get(piece.key)
            if found is None:
                raise Damaged(piece.data)
            found.file(DATA)
            found.file(REJECTED)

    show(folder, manifest, links, check)


def show_entry(entry: Entry, folder: Path) -> None:
    """Make `folder` show an entry of the store as it is."""
    links = {name: entry.path / name for name in entry.manifest["files"]}
    show(folder, {**entry.manifest, **MADE_BY}, links)


def show(
    folder: Path,
    manifest: Mapping[str, Any],
    links: Mapping[str, Path],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Make `folder` hold exactly these files and this manifest; what is right already stays.

    check: looks at the content of the files before anybody is shown it; raises Damaged.

    What is in its place is replaced when it is seedbed's; else `Foreign`, and it stays. A link
    stays a link: the folder that it leads to is made.
    """
    folder = owned.resolved(folder)
    if _is_shown(folder, manifest, links):
        return
    check()
    owned.check_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.parent / f".new-{os.getpid()}-{secrets.token_hex(4)}"
    new.mkdir()
    try:
        write_json(new / MANIFEST, manifest)  # first: what a kill leaves is known for ours
        for name, source in links.items():
            target = new / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(source, target)
        for made in {new, *((new / name).parent for name in links)}:
            flush(made)
        for _ in range(_SWAPS):
            if _takes_place(new, folder):
                flush(folder.parent)
                return
            if _is_shown(folder, manifest, links):
                return  # another run was faster
            _clear(folder)
        raise StageFailed(f"{folder} is being made by several runs at once; run again")
    finally:
        owned.remove(new, {*links, MANIFEST})


def _takes_place(new: Path, folder: Path) -> bool:
    """Whether the new folder could take the name of a missing or empty one."""
    try:
        new.rename(folder)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            return False
        if error.errno == errno.EBUSY:
            raise UsageError(
                f"{folder} cannot be replaced, something is mounted there; name a folder in it"
            ) from None
        raise
    return True


def _clear(folder: Path) -> None:
    """Take a folder of ours away. It is put aside before it is looked through, so that what is
    found is what is removed; with anything of others in it, it is put back."""
    owned.check_replaceable(folder)
    aside = folder.parent / f".old-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return
    try:
        names = owned.names_in(aside)
    except owned.Foreign as problem:
        try:
            aside.rename(folder)
        except OSError:
            raise owned.Foreign(f"{problem} (what was in {folder} is now {aside})") from None
        raise owned.Foreign(str(problem).replace(str(aside), str(folder))) from None
    owned.remove(aside, names)


_HALF_SHOWN = re.compile(r"\.(new|old)-([0-9]+)-[0-9a-f]{8}")


def sweep(folder: Path) -> None:
    """Remove what killed processes of this machine left half shown in a run's folder."""
    for path in [*folder.glob(".*-*-*"), *folder.glob("steps/.*-*-*")]:
        name = _HALF_SHOWN.fullmatch(path.name)
        if name is None or lives(int(name[2])) or path.is_symlink() or not path.is_dir():
            continue
        try:
            owned.remove(path, owned.names_in(path))
        except owned.Foreign:
            if name[1] == "new" and [one.name for one in path.iterdir()] == [MANIFEST]:
                owned.remove(path, {MANIFEST})  # killed while it was being written


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o444)
        flush(target)


def _is_shown(folder: Path, manifest: Mapping[str, Any], links: Mapping[str, Path]) -> bool:
    try:
        if owned.manifest_of(folder) != json.loads(json.dumps(manifest)):
            return False
        for name, source in links.items():
            shown, kept = (folder / name).stat(), source.stat()
            same = (shown.st_dev, shown.st_ino) == (kept.st_dev, kept.st_ino)
            if not same and (
                shown.st_size != kept.st_size or sha256_of(folder / name) != sha256_of(source)
            ):
                return False
    except (OSError, ValueError):
        return False
    return True
