"""What an end stage works on: a corpus, or files of the user's, as one thing with an identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.engine.content import FileHashes, Hashed, unchanged, verified
from pipeline.engine.keys import hash_of
from stages.corpus import Corpus
from stages.errors import Changed
from stages.kinds import Kind
from stages.manifest import MANIFEST, SourceEntry


@dataclass(frozen=True)
class Whole:
    """What an end stage works on: a folder or file, its identity for the key, and what it is made
    of (pieces with their hashes; other files as they were when they were hashed). below: the
    folder of the user's whose files, all of them, are these."""

    kind: Kind
    path: Path
    identity: str
    sources: list[SourceEntry]
    pieces: Sequence[tuple[Path, str]] = ()
    files: Sequence[Hashed] = ()
    below: Path | None = None

    def verify(self) -> None:
        """Damaged for a piece that is not what its hash says."""
        for path, sha256 in self.pieces:
            verified(path, sha256)

    def look(self) -> None:
        """Changed for a file that is another by now, has come or has gone."""
        unchanged(self.files, read=True)
        if self.below and (new := {*files_below(self.below)} - {Path(f.path) for f in self.files}):
            raise Changed(f"{min(new)} came while its folder was read")


def files_below(folder: Path) -> list[Path]:
    """The regular files of a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def still(whole: Whole, identity: str, wanted: Mapping[str, str]) -> Whole:
    """What was shown a moment ago, if another run has not replaced it."""
    folder = whole.path.resolve()
    if {path.relative_to(folder).as_posix(): sha256 for path, sha256 in whole.pieces} != wanted:
        raise Changed(f"{whole.path} was replaced by another run while it was read")
    return replace(whole, identity=identity)


def whole_at(hashes_of: FileHashes, kind: Kind, path: Path) -> Whole:
    """A corpus, or files of the user's, that an end stage is given."""
    if Corpus.at(path):
        manifest = hashes_of.hashed(path / MANIFEST)
        corpus = Corpus(path)
        hashes = corpus.manifest.get("hashes", {})
        hashes |= {piece["data"]: piece["sha256"] for piece in corpus.pieces if "data" in piece}
        pieces = [(path.resolve() / name, sha256) for name, sha256 in hashes.items()]
        identity = str(corpus.manifest.get("sha256") or corpus.digest)
        return Whole(kind, path, identity, corpus.sources, pieces, [manifest])
    found = [path] if path.is_file() else files_below(path)
    files = [hashes_of.hashed(file) for file in found]
    names = [str(file.relative_to(path)) for file in found]
    identity = hash_of(list(zip(names, (f.sha256 for f in files), strict=True)))
    return Whole(kind, path, identity, [], (), files, path if path.is_dir() else None)
