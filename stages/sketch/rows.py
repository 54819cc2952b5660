"""Choices for tables of text, sheets and JSON: which columns are the text, by trying."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from stages.extract.forms import ALL_COLUMNS
from stages.sketch import tables as look
from stages.sketch.choice import Choice
from stages.sketch.tables import Table
from stages.sketch.tried import Tried, tried

_NO_COLUMN = "\u2026"  # which no table has: the refusal names those that there are
_FEW = 3  # prompts that come again, and make rows of one object


def choose(choice: Choice) -> list[Choice]:
    """The choice with the columns that its rows want. Files of several tables, which the same
    columns do not fit, keep what the stage knows by itself."""
    choice.tried = tried(choice.stage, {}, choice.path)
    form = choice.tried.form
    if choice.tried.records and not form.startswith(ALL_COLUMNS):
        choice.evidence.append(f"its columns are known by their names: {form}")
        choice.by = object_of(choice.tried)
        return [choice]
    if not choice.tried.mistake and (table := table_of(choice)) is not None:
        _by_columns(choice, table)
    return [choice]


def _by_columns(choice: Choice, table: Table) -> None:
    pair = look.pair_of(table.columns)
    body, title = look.body_of(table), look.title_of(table)
    has = f"it has {listed(table.columns)}"
    if pair is not None and all(map(table.texts, pair)):
        asked, answered = pair
        choice.parameters = {"prompt": asked, "completion": answered}
        why = f"{asked!r} and {answered!r} are question and answer by their names; {has}"
        choice.evidence.append(why)
    elif body is not None and choice.stage == "csv" and not look.is_main(table, body):
        choice.evidence.append(
            f'each row is one text of lines "column: value": {body!r} is prose, and says little '
            f"without the others; {has}"
        )
        choice.other = (f"the text of {body!r} alone, the others in meta", {"text": body})
    elif body is not None:
        choice.parameters = {"text": f"{{{title}}}\n\n{{{body}}}" if title else body}
        choice.evidence.append(f"{body!r} is the column of prose; {has}")
        choice.questions.append(_question(table))
    elif choice.stage == "jsonl":
        choice.questions.append(f"which is the text? Give `text`, or a pair of keys; {has}")
    else:
        choice.questions.append(
            "none of the columns is prose or known by its name, so each row is one text of lines "
            f'"column: value". Which is the text? {has}'
        )
    if choice.parameters:
        found = tried(choice.stage, choice.parameters, choice.path)
        if found.records:
            choice.tried = found
        else:  # other files have other columns
            choice.parameters = {}
    choice.by = object_of(choice.tried)


def _question(table: Table) -> str:
    """What of the other columns is not clear."""
    role, group = look.role_of(table), look.group_of(table)
    if role is None:
        return "is there a question and an answer among the columns? Give them as a pair"
    by = f" by {group!r}" if group else ""
    return (
        f"{role!r} holds roles: rows are single messages here. In a SQLite file `seedbed init` "
        f"makes conversations of them{by}"
    )


def table_of(choice: Choice) -> Table | None:
    """The columns and some rows of what the stage did not understand; None where files differ."""
    if choice.stage == "jsonl":
        return _of_objects(choice.tried)
    told = tried(choice.stage, {"text": _NO_COLUMN}, choice.path)
    found = [json.loads(reject["evidence"]).get("columns") for reject in told.rejects]
    columns = [tuple(one) for one in found if one]
    if not columns or len({*columns}) > 1:
        return None
    rows = [_split(record.get("text", ""), columns[0]) for record in choice.tried.records]
    return Table(choice.name, columns[0], [row for row in rows if any(row)])


def _of_objects(found: Tried) -> Table | None:
    """The keys of JSON objects that were refused, by their text among the rejects."""
    objects: list[dict[str, Any]] = []
    for reject in found.rejects:
        try:
            value = json.loads(reject["text"])
        except ValueError:
            continue
        if reject["reason"] == "no_form" and isinstance(value, dict):
            objects.append(value)
    if not objects:
        return None
    columns = tuple(objects[0])
    return Table("", columns, [tuple(one.get(name) for name in columns) for one in objects])


def _split(text: str, columns: Sequence[str]) -> tuple[str | None, ...]:
    """The values of a row that became lines of `column: value`."""
    found: dict[str, str] = {}
    last: str | None = None
    waiting = list(columns)
    for line in text.split("\n"):
        name = next((one for one in waiting if line.startswith(f"{one}: ")), None)
        if name is not None:
            waiting = waiting[waiting.index(name) + 1 :]
            last, found[name] = name, line[len(name) + 2 :]
        elif last is not None:
            found[last] += "\n" + line
    return tuple(found.get(name) for name in columns)


def object_of(found: Tried) -> str | None:
    """The key of meta that says which object (a thread, a page, a person asked) rows belong to:
    one of a name that threads have, of which several records share values."""
    metas = found.metas()
    for key in metas[0] if metas else ():
        values = [str(meta[key]) for meta in metas if meta.get(key) is not None]
        table = Table("", (key,), [(value,) for value in values])
        if look.group_of(table) is not None and len({*values}) > 1:
            return str(key)
    return None


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, of very many the first."""
    more = len(names) - 12
    return ", ".join(names[:12]) + (f" and {more} more" if more > 0 else "")
