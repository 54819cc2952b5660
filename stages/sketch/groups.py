"""Files of one kind as few paths that a recipe can name: a pattern where a whole folder has it."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path

from stages.extract.packed import pg_archives
from stages.sketch.folder import File
from stages.sketch.kinds import Kind, kind_of

Left = dict[str, tuple[int, list[str], str]]  # kind → number, first names, what helps
_LOOKED_AT = 24  # files of one folder and ending, of which all are looked at
_SPREAD = 12  # and of more files, from the first to the last
_MIXED = 200  # where these are of several kinds
_BUDGET = 3000  # files that are opened in all
_TOPS = 12  # folders of the uppermost that get paths of their own
_ALONE = 12  # files of a kind that become paths of their own, where no pattern names them
_END = re.compile(r"((?:\.[A-Za-z][A-Za-z0-9]{0,9}){1,2})$")
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


@dataclass
class Group:
    """Files of one kind. path: what names them all, a file or a pattern, absolute. seen: of how
    many files the kind was seen; others: kind → how many of those that were looked at have it,
    and are none of the group's."""

    kind: Kind
    path: str
    files: list[File]
    seen: int
    others: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


@dataclass
class _Lot:
    """The files of a folder with one ending, and the kinds of some."""

    folder: Path
    root: Path
    end: str
    files: list[File]
    kinds: dict[File, Kind] = field(default_factory=dict)

    def main(self) -> Kind:
        """The kind of most."""
        readers = Counter(kind.reader for kind in self.kinds.values())
        reader = readers.most_common(1)[0][0]
        return next(kind for kind in self.kinds.values() if kind.reader == reader)

    @property
    def pure(self) -> bool:
        return len({kind.reader for kind in self.kinds.values()}) == 1


def grouped(
    files: Sequence[File], apart: bool = False
) -> tuple[list[Group], dict[str, tuple[int, list[str], str]]]:
    """(the groups that a stage reads, the others).

    apart: no pattern names more than one folder of the uppermost, so that others may be beside.
    """
    folders = {file.path.parent for file in files if file.path.name == pg_archives.TOC}
    dumps = {one for one in folders if pg_archives.is_folder(one)}
    groups = [_dump_folder(one, files) for one in sorted(dumps)]
    lots = _lots(file for file in files if file.path.parent not in dumps)
    budget = _BUDGET
    for lot in lots:
        budget -= _look(lot, budget)
    left: Left = {}
    tops = {_top(lot) for lot in lots}
    for same in _together(lots, apart and len(tops) <= _TOPS):
        groups += _groups(same, left)
    for group in groups:
        group.files.sort(key=lambda file: file.name)
    return sorted(groups, key=lambda group: group.path), left


def _dump_folder(folder: Path, files: Sequence[File]) -> Group:
    """pg_dump's directory format: one dump, whatever its files are called."""
    kind = Kind("SQL, a folder of pg_dump", "sql")
    return Group(kind, str(folder), [file for file in files if file.path.parent == folder], 1)


def _lots(files: Iterable[File]) -> list[_Lot]:
    found: dict[tuple[Path, str], _Lot] = {}
    for file in files:
        folder, end = file.path.parent, ending(file.path.name)
        lot = found.setdefault((folder, end), _Lot(folder, file.root, end, []))
        lot.files.append(file)
    return [found[key] for key in sorted(found, key=lambda key: (str(key[0]), key[1]))]


def ending(name: str) -> str:
    """What a name ends in, with the ending of its compression; empty where it has none."""
    match = _END.search(name)
    if match is None:
        return ""
    ends = re.findall(r"\.[^.]+", match[1])
    return "".join(ends[-2:]) if ends[-1].lower() in _COMPRESSED else ends[-1]


def _look(lot: _Lot, budget: int) -> int:
    """Look at files of a lot; how many were opened."""
    few = lot.files if len(lot.files) <= _LOOKED_AT else spread(lot.files, _SPREAD)
    few = few[: max(1, budget)]
    lot.kinds = {file: kind_of(file) for file in few}
    if not lot.pure and len(few) < len(lot.files):
        for file in spread(lot.files, min(_MIXED, max(1, budget))):
            lot.kinds.setdefault(file, kind_of(file))
    return len(lot.kinds)


def spread(files: Sequence[File], number: int) -> list[File]:
    """So many of them, from the first to the last."""
    if len(files) <= number:
        return list(files)
    return [files[n * (len(files) - 1) // max(1, number - 1)] for n in range(number)]


def _top(lot: _Lot) -> Path:
    """The folder below the root that a lot lies in, or the root."""
    return Path(lot.root, *lot.folder.relative_to(lot.root).parts[:1])


def _together(lots: list[_Lot], apart: bool) -> list[list[_Lot]]:
    """Lots of one ending and reader below one folder, which a pattern with `**` may name."""
    found: dict[tuple[Path, str, str | None], list[_Lot]] = defaultdict(list)
    for lot in lots:
        found[_top(lot) if apart else lot.root, lot.end, lot.main().reader].append(lot)
    return list(found.values())


def _groups(lots: list[_Lot], left: Left) -> list[Group]:
    kind = lots[0].main()
    files = [file for lot in lots for file in lot.files]
    if kind.reader is None and all(lot.pure for lot in lots):
        _leave(left, [(one, lot.kinds.get(one, lot.main())) for lot in lots for one in lot.files])
        return []
    if len(files) == 1:
        return [Group(kind, str(files[0].path), files, 1)]
    end = lots[0].end
    # A pattern may name a few files that nothing reads, where paths of their own would be too many.
    readers = {one.reader for lot in lots for one in lot.kinds.values()} - {None}
    most = _ALONE if len(readers) == 1 else _LOOKED_AT
    many = len(files) > most and kind.reader is not None
    if end and (many or all(lot.pure for lot in lots)):
        whole = Path(os.path.commonpath([lot.folder for lot in lots]))
        deep = f"**/*{escape(end)}" if len(lots) > 1 else f"*{escape(end)}"
        return [_one(kind, f"{escape(str(whole))}/{deep}", lots)]
    whole = Path(os.path.commonpath([lot.folder for lot in lots]))
    if len(files) > _ALONE and all(lot.pure for lot in lots):
        return [_one(kind, f"{escape(str(whole))}/**/*", lots)]  # pages without an ending
    return _singly(lots, left)


def _one(kind: Kind, path: str, lots: list[_Lot]) -> Group:
    """One group of all files, with what is known to be something else."""
    seen = {file: kind for lot in lots for file, kind in lot.kinds.items()}
    others = Counter(one.name for one in seen.values() if one.reader != kind.reader)
    files = [file for lot in lots for file in lot.files]
    mine = [file for file in files if seen.get(file, kind).reader == kind.reader]
    return Group(kind, path, mine, len(seen) - sum(others.values()), dict(others))


def _singly(lots: list[_Lot], left: Left) -> list[Group]:
    """A group a file, where names do not tell the kinds apart; of very many the first."""
    groups: list[Group] = []
    for lot in lots:
        for file in lot.files:
            kind = lot.kinds.get(file, lot.main())
            if kind.reader is None:
                _leave(left, [(file, kind)])
            elif len(groups) < _ALONE:
                groups.append(Group(kind, str(file.path), [file], 1))
            else:
                why = "no pattern names these alone: put them in a folder, or name their ending"
                _leave(left, [(file, Kind(f"{kind.name}, more files", None, why))])
    return groups


def _leave(left: Left, found: Iterable[tuple[File, Kind]]) -> None:
    for file, kind in found:
        number, names, why = left.get(kind.name, (0, [], kind.why))
        left[kind.name] = (number + 1, names if number >= 5 else [*names, file.name], why)
