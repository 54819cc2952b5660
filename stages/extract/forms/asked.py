"""What stands before the completion of a pair: the prompt, what it is about, earlier turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.errors import Unreadable
from stages.extract.forms import talks
from stages.extract.forms.names import Pair, columns_of
from stages.extract.forms.texts import Texts
from stages.extract.forms.values import type_name


class Asked(NamedTuple):
    """What comes before an answer: earlier turns; the prompt, None where it is one of them; the
    columns of both; the characters of the prompt's columns."""

    turns: list[talks.Talk]
    prompt: str | None
    columns: tuple[str, ...]
    said: int


def asked(texts: Texts, values: Mapping[str, Any], pair: Pair, history: str | None) -> Asked:
    """What the completion of a pair answers. history: the column of earlier turns.

    Unreadable: bad_type for a context that is neither text nor texts, whatever talks refuses."""
    given = values[pair.prompt] if pair.known else None
    if isinstance(given, list) and given and isinstance(given[0], Mapping):
        return Asked([talks.talk(pair.prompt, given)], None, (pair.prompt,), 0)
    columns, pieces = [*columns_of(pair.prompt)], [texts.filled(pair.prompt, values)]
    said = texts.characters(pair.prompt, values)
    turns: list[talks.Talk] = []
    if pair.known and history is not None and values[history]:
        turns, before = _earlier(history, values[history])
        pieces, said = [before, *pieces], said + len(before)
        columns = [history, *columns] if turns or before else columns
    for column in (*pair.contexts, *pair.matters):
        if (text := _about(texts, column, values, column in pair.matters)) is not None:
            columns.append(column)
            pieces.append(text)
            said += len(text)
    return Asked(turns, joined(pieces), tuple(columns), said)


def joined(pieces: list[str]) -> str:
    """The prompt that is made of several texts, a blank line between them; blank ones are none."""
    return "\n\n".join([piece for piece in pieces if piece and not piece.isspace()])


def _earlier(column: str, past: object) -> tuple[list[talks.Talk], str]:
    """The turns before a prompt, or the text of them."""
    if (turns := talks.history(past)) is not None:
        return turns, ""
    if isinstance(past, list | Mapping):
        raise _unclear(column, past, "messages, or pairs of texts")
    return [], past if isinstance(past, str) and _several_words(past) else ""


def _about(texts: Texts, column: str, values: Mapping[str, Any], matter: bool) -> str | None:
    """What a prompt is about: a text, or several. None for a value that may be none."""
    value = values[column]
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        value = "\n\n".join(value)
    if matter:
        text = isinstance(value, str) and (not value or _several_words(value))
        return value if text else None
    if isinstance(value, list | Mapping):
        raise _unclear(column, value, "a text, or several")
    return value if type(value) is str else texts.one(column, values)


def _unclear(column: str, value: object, wanted: str) -> Unreadable:
    remedy = "name prompt and completion: of a template the columns named are taken, and no other"
    kind = type_name(value)
    return Unreadable("bad_type", field=column, type=kind, wanted=wanted, remedy=remedy)


def _several_words(text: str) -> bool:
    return len(text.split(None, 1)) > 1
