"""What people call a record by: its id, its place, a line of a file, an address, a table and key,
or a piece of its text. What sources read is looked through, column by column, and no row twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.account import Account, CountedStep, SourceAccount
from pipeline.views.figures import counted, reads
from stages.corpus import Corpus, read_arrow
from stages.errors import UsageError
from stages.extract.files import root_of
from stages.extract.packed.archives import read_at
from stages.place import Place
from stages.records import FORMS, fields

_ID = re.compile(r"[0-9a-f]{32}")
_ROW = re.compile(r"(?:(?P<path>[^!\n]*)!)?(?P<table>[^\[\]!\n]+)\[(?P<key>[^\n]+)\]")
_LINE = re.compile(r"(?!.*@\d+\+\d+:).+:\d{1,15}", re.DOTALL)  # and no place with an offset
_AT = r"@(?P<offset>\d+)\+(?P<length>\d+):(?P<line>\d+)"
Array = np.ndarray[Any, Any]
MOST = 1000  # records that are found by a piece of their text


def ids_of(what: str, folder: Path, account: Account) -> list[str]:
    """The ids of the records and rejects that `what` names, in the order in which they were read;
    UsageError where there are none."""
    if _ID.fullmatch(what):
        return [what]
    first = [_by_line, _by_place] if _LINE.fullmatch(what) else [_by_place, _by_line]
    for way in (*first, _by_address, _by_row, _by_text):
        if found := list(dict.fromkeys(way(what, folder, account))):
            return found
    name, _, line = what.rpartition(":")
    if name and line.isdigit():
        raise UsageError(f"no record or reject of {folder} comes from {name}, line {line}")
    raise UsageError(
        f"{what!r} is no id (32 hex digits), no FILE:LINE, no address, no TABLE[KEY], no place, "
        f"and no piece of the text of a record or reject of {folder}"
    )


# --- the ways -------------------------------------------------------------------------------------


def _by_place(what: str, folder: Path, account: Account) -> Iterator[str]:
    """A place as the column `place` has it; also of records that a later step made."""
    wanted = _scalar(what)
    if wanted is None:
        return
    for some in (reads(account), counted(account)):
        found = False
        for step in some:
            for path, table in _tables(folder, step, ("place",)):
                for row in _rows(path, pc.equal(table.column("place"), wanted)):
                    found = True
                    yield row["id"]
        if found or "part=" not in what:
            return


def _by_line(what: str, folder: Path, account: Account) -> Iterator[str]:
    name, _, line = what.rpartition(":")
    if name and line.isdigit() and len(line) < 16:
        yield from ids_at(Path(name), int(line), folder, account)


def _by_address(what: str, folder: Path, account: Account) -> Iterator[str]:
    """An address that stands in `meta`; also one without its fragment or last slash."""
    if not re.match(r"[a-z][a-z0-9+.-]*://\S+$", what, re.IGNORECASE):
        return
    bare = what.partition("#")[0].rstrip("/")
    for identity, meta in _with_meta(bare, folder, account):
        texts = [one for one in meta.values() if isinstance(one, str)]
        if any(one == what or one.partition("#")[0].rstrip("/") == bare for one in texts):
            yield identity


def _by_row(what: str, folder: Path, account: Account) -> Iterator[str]:
    """TABLE[KEY], KEY a `column=value` or a value alone: by the place, else by table and `meta`."""
    match = _ROW.fullmatch(what)
    if match is None:
        return
    path, table, key = match["path"], match["table"], match["key"]
    tail = str(Place(table=table)).replace("[", "%5B")
    column, _, value = key.rpartition("=")
    ending = (
        f"{re.escape(tail)}\\[(.*,)?{re.escape(column) or '[^=,]*'}={re.escape(value)}(,.*)?\\]$"
    )
    found = False
    for step in reads(account):
        for file, table in _tables(folder, step, ("place",)):
            places = table.column("place")
            mask = pc.match_substring_regex(places, ending)
            mask = pc.and_(mask, pc.starts_with(places, str(Place(path or ""))))
            for row in _rows(file, mask):
                found = True
                yield row["id"]
    if found or not column:
        return
    for identity, meta in _with_meta(f'"{column}":', folder, account, tail):
        if str(meta.get(column)) == value:
            yield identity


def _by_text(what: str, folder: Path, account: Account) -> Iterator[str]:
    """A piece of the text of a record as it was read, or of what is kept of a reject."""
    if not what.strip() or _scalar(what) is None:
        return
    left = MOST
    for step in reads(account):
        for path, table in _tables(folder, step, FORMS):
            masks = [_holding(table, name, what) for name in FORMS if name in table.column_names]
            for row in _rows(path, np.logical_or.reduce(masks), FORMS)[:left]:
                if any(what in text for _, text in fields(row, "all")):
                    left -= 1
                    yield row["id"]


def _holding(table: pa.Table, name: str, what: str) -> Array:
    """Which rows hold a text in a column; of messages, in what is said or beside it."""
    column = table.column(name)
    if name != "messages":
        return np.asarray(pc.fill_null(pc.match_substring(column, what), False))
    mask = np.zeros(table.num_rows, dtype=bool)
    parents = np.asarray(pc.list_parent_indices(column.combine_chunks()))
    said = pc.list_flatten(column.combine_chunks())
    for part in ("content", "extra"):
        hits = pc.match_substring(pc.struct_field(said, part), what)
        mask[parents[np.asarray(pc.fill_null(hits, False))]] = True
    return mask


# --- lines of files -------------------------------------------------------------------------------


def ids_at(file: Path, line: int, folder: Path, account: Account) -> list[str]:
    """The ids of records and rejects that come from a line of a file, which is named from here, or
    as the recipe or a place has it."""
    here, recipe = Path.cwd() / file, Path(account["recipe"]).parent / file
    # A link is read under its own name; one from elsewhere names what it leads to.
    own = [path.parent.resolve() / path.name for path in (here, recipe)]
    for path in (own[0], here.resolve(), own[1], recipe.resolve(), file):
        found = list(_ids_at(path, line, folder, account))
        if found:
            return list(dict.fromkeys(found))
    return []


def _ids_at(path: Path, line: int, folder: Path, account: Account) -> Iterator[str]:
    """path: absolute, or from the root of the source."""
    for step, source in _source_steps(account):
        if "://" in source["full"]:
            continue
        root = root_of(source["full"])[0].resolve()
        if not (root / path).is_relative_to(root):
            continue
        name = (root / path).relative_to(root).as_posix()
        found = [
            (row["id"], Place.parse(row["place"]))
            for file, table in _tables(folder, step, ("place",))
            for row in _rows(file, _near(table.column("place"), name, line), ("place",))
        ]
        found = [(identity, place) for identity, place in found if place.path == name]
        yield from _covering(root, found, line)


def _near(places: pa.ChunkedArray, name: str, line: int) -> pa.ChunkedArray:
    """Which places may cover a line of a file: those that begin no further down and have bytes
    enough to reach it, and those that have no lines."""
    parts = pc.extract_regex(places, _AT).combine_chunks()
    first, length = (pc.cast(pc.struct_field(parts, n), pa.int64()) for n in ("line", "length"))
    last = pc.add(first, length)
    fits = pc.and_(pc.less_equal(first, line), pc.greater_equal(last, line))
    if fits.null_count:
        whole = pc.match_substring_regex(places, rf"^[^!]*$|\[row={line}\]$")
        fits = pc.coalesce(fits, whole.combine_chunks())
    begins = _scalar(str(Place(name)))
    return pc.and_(fits, pc.starts_with(places, begins.as_py()) if begins else False)


def _covering(root: Path, found: list[tuple[str, Place]], line: int) -> Iterator[str]:
    """The ids of the places that cover a line. One that ends before a place does that begins on an
    earlier line ends before the line too, so its bytes need not be counted."""
    begun: dict[str | None, int] = {}
    for _, place in found:
        if place.offset is not None and place.line is not None and place.line < line:
            begun[place.member] = max(begun.get(place.member, 0), place.offset)
    for identity, place in found:
        if place.offset is None or place.line is None:
            if place.table is None or place.key == f"row={line}":
                yield identity
        elif place.line == line or (
            place.offset + (place.length or 0) > begun.get(place.member, 0)
            and line <= place.line + read_at(root, place).count(b"\n")
        ):
            yield identity


# --- the tables of sources ------------------------------------------------------------------------


def _scalar(text: str) -> pa.Scalar | None:
    try:
        return pa.scalar(text)
    except (UnicodeEncodeError, pa.ArrowException):  # a file's name that no text can hold
        return None


def _source_steps(account: Account) -> Iterator[tuple[CountedStep, SourceAccount]]:
    for source in account["sources"]:
        for step in reads(account):
            if step["source"] == source["name"]:
                yield step, source


def _tables(
    folder: Path, step: CountedStep, names: tuple[str, ...]
) -> Iterator[tuple[Path, pa.Table]]:
    """Columns of a step's records and rejects, a table a file."""
    corpus = Corpus(folder / step["folder"])
    for piece in corpus.pieces:
        for file in ([piece["data"]] if "data" in piece else []) + [piece["rejects"]]:
            yield corpus.path / file, read_arrow(corpus.path / file, names)


def _rows(path: Path, mask: Any, names: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Id and some columns of the rows of a file that a mask picks; the ids are read for these."""
    chosen = np.flatnonzero(np.asarray(mask))
    if not len(chosen):
        return []
    return list(read_arrow(path, ("id", *names)).take(pa.array(chosen)).to_pylist())


def _with_meta(
    text: str, folder: Path, account: Account, table: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(id, `meta`) of the records whose `meta` holds a text as JSON has it, of one table alone."""
    escaped = text if text.endswith('":') else json.dumps(text, ensure_ascii=False)[1:-1]
    for step in reads(account):
        for file, rows in _tables(folder, step, ("place", "meta")):
            if "meta" not in rows.column_names:
                continue
            mask = pc.fill_null(pc.match_substring(rows.column("meta"), escaped), False)
            if table:
                mask = pc.and_(mask, pc.match_substring(rows.column("place"), table))
            for row in _rows(file, mask, ("meta",)):
                meta = json.loads(row["meta"])
                if isinstance(meta, dict):
                    yield row["id"], meta
