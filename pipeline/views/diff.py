"""What two runs made of the same records: which came in, which left, which changed, and why.

Records are known by their ids, which name what was read and no step changes. The last word of a
run on a record is where it left, or that it was kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.engine.account import Account, load_run
from pipeline.terminal import Line
from pipeline.views import rows, told
from pipeline.views.rows import Shelf
from stages import check
from stages.corpus import read_arrow
from stages.records import FORMS, fields
from stages.words import number

EXAMPLES = 3  # records shown of each group
LONG = 200  # characters of a text of an example
KEPT, UNREAD = "kept", "not read"


@dataclass(frozen=True)
class Group:
    """Records with the same two fates: kept, not read, or `STEP reason`. examples: ids."""

    before: str
    after: str
    count: int
    examples: list[str]


@dataclass(frozen=True)
class Difference:
    """What differs between two runs. settings: sentences; groups: of records whose fates differ,
    the largest first; same: records kept by both; changed: those of them with another text."""

    settings: list[str]
    groups: list[Group]
    same: int
    changed: Group


def diff(first: Path, second: Path) -> Difference:
    """The difference of two runs, by their folders. UsageError for what is no run."""
    import pyarrow.dataset as datasets

    accounts = load_run(first), load_run(second)
    connection = rows.connection()
    texts = []
    for name, folder in (("a", first), ("b", second)):
        connection.register(f"{name}_fates", _fates(folder))
        files = [str(path) for path in rows.records_in(folder).files]
        found = datasets.dataset(files, format="ipc")
        connection.register(f"{name}_rows", found)
        texts.append(_texts(f"{name}_rows", found.schema.names))
    groups = [
        Group(before, after, count, sorted(ids))
        for before, after, count, ids in connection.execute(
            f"SELECT coalesce(a.fate, '{UNREAD}') AS x, coalesce(b.fate, '{UNREAD}') AS y, "
            f"count(*), min(id, {EXAMPLES}) FROM a_fates a FULL JOIN b_fates b USING (id) "
            "GROUP BY x, y ORDER BY count(*) DESC, x, y"
        ).fetchall()
    ]
    ((changed, ids),) = connection.execute(
        f"SELECT count(*), min(id, {EXAMPLES}) FROM ({texts[0]}) a JOIN ({texts[1]}) b USING (id) "
        "WHERE a.text <> b.text"
    ).fetchall()
    return Difference(
        list(settings(*accounts)),
        [one for one in groups if one.before != one.after],
        sum(one.count for one in groups if one.before == one.after == KEPT),
        Group(KEPT, KEPT, changed, sorted(ids or [])),
    )


def _fates(folder: Path) -> pa.Table:
    """(id, fate) of every record and reject."""
    kept = rows.records_in(folder)
    tables = [_ids(path, KEPT) for path in kept.files]
    for shelf in rows.rejects_in(folder):
        stage = shelf.label.partition("-")[2]  # its number may differ between the runs
        for path in shelf.files:
            table = read_arrow(path, ("id", "reason"))
            fates = [f"{stage} {reason}" for reason in table.column("reason").to_pylist()]
            tables.append(
                pa.table({"id": table.column("id"), "fate": pa.array(fates, pa.string())})
            )
    return pa.concat_tables(tables) if tables else _ids_of([], KEPT)


def _ids(path: Path, fate: str) -> pa.Table:
    return _ids_of(read_arrow(path, ("id",)).column("id"), fate)


def _ids_of(ids: Any, fate: str) -> pa.Table:
    return pa.table({"id": ids, "fate": pa.array([fate] * len(ids), pa.string())})


def _texts(table: str, columns: Sequence[str]) -> str:
    """A query for (id, hash of the forms) of records."""
    forms = ", ".join(f"{name} := {name}" for name in FORMS if name in columns)
    return f"SELECT id, md5(CAST(to_json(struct_pack({forms})) AS VARCHAR)) AS text FROM {table}"


def settings(first: Account, second: Account) -> Iterator[str]:
    """The steps and parameters that differ, a sentence each."""
    before, after = _steps(first), _steps(second)
    for name in [*before, *(one for one in after if one not in before)]:
        if name not in after:
            yield f"{name}: no step of the second run"
        elif name not in before:
            yield f"{name}: no step of the first run"
        else:
            for key in sorted({*before[name], *after[name]}):
                old, new = before[name].get(key), after[name].get(key)
                if old != new:
                    yield f"{name}: {key} {check.shown(old)} → {check.shown(new)}"
    if first["seed"] != second["seed"]:
        yield f"seed {first['seed']} → {second['seed']}"


def _steps(account: Account) -> dict[str, Mapping[str, Any]]:
    """name → parameters of the steps; the second of a name is NAME (2)."""
    found: dict[str, Mapping[str, Any]] = {}
    for step in account["steps"]:
        name = step["label"].partition("-")[2]
        again = sum(one.partition(" (")[0] == name for one in found) + 1
        found[name if again == 1 else f"{name} ({again})"] = step["parameters"]
    return found


# --- in words -------------------------------------------------------------------------------------


def lines(first: Path, second: Path, found: Difference) -> Iterator[Line]:
    """A difference for people: settings, then each group with examples."""
    yield [("name", f"{first} → {second}")]
    yield from (f"  {text}" for text in found.settings or ["the same steps and parameters"])
    yield ""
    more = (
        f", {number(found.changed.count)} of them with another text" if found.changed.count else ""
    )
    yield f"{number(found.same)} records are kept by both{more}"
    left, right = _Examples(first), _Examples(second)
    if found.changed.count:
        yield from _changed(left, right, found.changed.examples)
    for group in found.groups:
        yield ""
        yield _head(group)
        for identity in group.examples:
            yield from (right if group.before == UNREAD else left).told(identity)
    if not found.groups:
        yield "no record came in or left"


def _head(group: Group) -> Line:
    count = f"{number(group.count)} "
    if group.after == KEPT:
        style, text = "good", f"came in: {_was(group.before)}"
    elif group.before == KEPT:
        style, text = (
            "bad",
            f"left: {group.after}" if group.after != UNREAD else "not read any more",
        )
    else:
        style, text = "name", f"left both: {group.before} → {group.after}"
    return [(style, count + text)]


def _was(fate: str) -> str:
    return "not read before" if fate == UNREAD else f"{fate} before"


class _Examples:
    """Records and rejects of a run by their ids."""

    def __init__(self, folder: Path) -> None:
        self._records = rows.records_in(folder)
        self._rejects = rows.rejects_in(folder)

    def row(self, identity: str) -> tuple[Shelf, dict[str, Any]] | None:
        """The record, else its reject."""
        return next(rows.with_ids([self._records, *self._rejects], [identity]), None)

    def told(self, identity: str) -> Iterator[Line]:
        """A few lines on one."""
        found = self.row(identity)
        if found is None:
            return
        row = found[1]
        yield f"  {identity}  {row['source']}, {row['place']}"
        if "reason" in row:
            for one in told.marked(row["text"] or "", told.evidence_of(row), LONG):
                yield [("", "  "), *one]
            return
        for name, text in told.fields_of(row):
            for one in told.texts(name, text, LONG):
                yield [("", "  "), *one]


def _changed(left: _Examples, right: _Examples, ids: Sequence[str]) -> Iterator[Line]:
    for identity in ids:
        before, after = left.row(identity), right.row(identity)
        if before is None or after is None:
            continue
        yield f"  {identity}  {before[1]['source']}, {before[1]['place']}"
        old, new = dict(fields(before[1], "all")), dict(fields(after[1], "all"))
        for name in [*old, *(one for one in new if one not in old)]:
            if old.get(name) != new.get(name):
                for one in told.changed(name, old.get(name, ""), new.get(name, "")):
                    yield [("", "  "), *one]
