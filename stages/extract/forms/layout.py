"""How objects with the same keys, or the rows of one table, become records; decided once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from stages.arrays import Numbers
from stages.base import Fault, Item
from stages.check import nearest
from stages.counts import TextCount
from stages.errors import Unreadable
from stages.extract.forms import names as known_names
from stages.extract.forms import said as said_of
from stages.extract.forms import talks
from stages.extract.forms.asked import asked, joined
from stages.extract.forms.direct import Direct
from stages.extract.forms.names import Names, Pair, columns_of
from stages.extract.forms.texts import Texts
from stages.extract.forms.values import as_json, as_text, check_text, size, without_bytes
from stages.extract.packed.streams import RATIO_FLOOR, Limits
from stages.place import Place
from stages.records import to_json

_LIMITS = Limits()
_HELD = 1 << 17  # columns of all layouts that are held
_SHOWN = 20  # keys in evidence
_TOLD = 50  # columns in a message
# Why characters of a record that stays are no text of it.
CUTS = {
    "meta": "values of columns that are no part of the text: they stand in the record's meta",
    "extra": "what a message has beside its role and content: it stands in the message's extra",
    "tree": "what the nodes of a tree of messages have beside role and text",
    "blank": "white space in the place of what an instruction works on",
    "rejected": "the worse answer of a preference pair, of which the better one is taken; it "
    "stands in the record's meta as `rejected`",
    "binary": "bytes that are no text, in columns beside the text: they are in no record",
}
ROW_CUTS = {cut: why for cut, why in CUTS.items() if cut != "tree"}  # of rows of tables
# Why a row of a table makes no record.
REASONS = {
    "empty": "the text, the prompt, the completion or the messages are NULL or white space",
    "no_form": "a message has no role",
    "bad_type": "messages are not a list of objects, or a role or a content is no text",
}


class Made(NamedTuple):
    """The records of one object or row, how it was understood, and its characters."""

    records: list[dict[str, Any]]
    form: str
    text: TextCount


class _Use(NamedTuple):
    """One way in which columns are used: those that are no part of the text, the columns of each
    field, and the line."""

    rest: tuple[str, ...]
    fields: Mapping[str, Sequence[str]]
    line: str


class Layout:
    """From named values to records.

    table: its name, which goes to meta. skip: columns that are no part of the record (a place).
    rows: the values are a table's and not an object's: numbers are text by their digits, NULL is
    as if it were not there, and without a known column a row is text of lines `column: value`.
    missing: the columns that are named, and are not there. binary: whether there may be bytes that
    are no text among the values of an object, as in a columnar file; those of rows may be.
    """

    def __init__(
        self,
        columns: Sequence[str],
        names: Names,
        *,
        table: str | None = None,
        skip: Collection[str] = (),
        rows: bool = False,
        binary: bool = False,
    ) -> None:
        self.columns = tuple(column for column in columns if column not in skip)
        self._names, self._table, self._rows = names, table, rows
        self._texts, self._binary = Texts(rows), rows or binary
        present = frozenset(self.columns)
        self.missing = [column for column in names.columns() if column not in present]
        at = known_names.known(self.columns)
        self._tree = at.get("prompt") if names.prompt is None else None
        paired = names.named is None and {known_names.CHOSEN, known_names.REJECTED} <= at.keys()
        self._chosen = at[known_names.CHOSEN] if paired else None
        self._rejected = at[known_names.REJECTED] if paired else None
        self._talks = self._find_talks(at) if names.wanted("messages") else []
        self._pair = self._find_pair(at) if names.wanted("prompt") else None
        self._text = self._find_text(at) if names.wanted("text") else None
        self._text_columns = tuple(dict.fromkeys(columns_of(self._text))) if self._text else ()
        self._systems = [at[key] for key in known_names.SYSTEM if key in at]
        self._history = at.get("history")
        self._plain = self._pair is not None and (
            self._pair.known
            and not (self._pair.matters or self._history or self._systems)
            and names.system is None
        )
        self._uses: dict[tuple[str, tuple[str, ...], str | None], _Use] = {}
        self._lines = self._taken = 0  # characters of lines made, and of the values in them
        if rows and names.form == "prompt" and self._pair is None:
            self.missing = self.missing or ["prompt", "completion"]
        if rows and names.form == "messages" and not self._talks:
            self.missing = self.missing or ["messages"]

    def _find_talks(self, at: Mapping[str, str]) -> list[str]:
        if self._names.messages is not None:
            return [self._names.messages]
        return [at[key] for key in known_names.TALK if key in at]

    def _find_pair(self, at: Mapping[str, str]) -> Pair | None:
        if self._names.prompt is not None and self._names.completion is not None:
            return Pair(self._names.prompt, self._names.completion)
        return known_names.pair(at)

    def _find_text(self, at: Mapping[str, str]) -> str | None:
        return self._names.text or self._chosen or known_names.first(at, known_names.TEXT)

    def mistake(self, what: str) -> str | None:
        """The sentence on a column that is named and is not there; `what` is where it is not."""
        if not self.missing:
            return None
        name = self.missing[0]
        parameter = self._names.columns().get(name)
        told = f"{parameter}: " if parameter is not None else ""
        there = ", ".join(self.columns[:_TOLD])
        more = len(self.columns) - _TOLD
        there += f" and {more:,} more" if more > 0 else ""
        near = nearest(name, self.columns)
        return f"{told}there is no column {name!r} in {what}{near}; it has {there}"

    # --- one object or row ------------------------------------------------------------------------

    def read(self, values: Mapping[str, Any]) -> Made:
        """The record of an object or a row, or the records of a tree of messages.

        Unreadable: no_form (keys), bad_type (field, type), empty (field), encoding (field),
        oversize.
        """
        if self.missing:
            raise Unreadable("no_form", missing=self.missing[0], keys=self._shown())
        if self._tree is not None:
            root = values[self._tree]
            if isinstance(root, Mapping) and "replies" in root:
                return self._of_tree(values, self._tree, root)
        chosen = None if self._chosen is None else talks.parsed(values[self._chosen])
        if isinstance(chosen, list | Mapping) and self._names.wanted("messages"):
            return self._of_chosen(values, chosen)
        for key in self._talks:
            found = talks.parsed(values[key])
            if self._names.messages is not None or isinstance(found, list):
                return self._of_talk(values, key, found)
        if self._pair is not None:
            return self._of_pair(values, self._pair)
        if self._text is not None:
            return self._of_text(values, self._text)
        if self._rows:
            return self._of_lines(values)
        for key in self.columns if self._names.wanted("messages") else ():
            if talks.is_talk(values[key]):
                return self._of_talk(values, key, values[key])
        raise Unreadable("no_form", keys=self._shown())

    def direct(self, values: Mapping[str, Any]) -> Direct | None:
        """How objects with values of these types become records, if it is by their texts as they
        are. A str stands for a text that is more than white space, none for a list in JSON; what a
        prompt is about may be empty."""
        known = self._rows or self._binary or self.missing or self._systems or self._names.system
        if known or self._chosen is not None or self._rejected is not None:
            return None
        if self._tree is not None and isinstance(values[self._tree], Mapping):
            return None
        for key in self._talks:
            if self._names.messages is not None or isinstance(values[key], list):
                use = self._use("messages", (key,))
                is_list = isinstance(values[key], list)
                return Direct("messages", (key,), "", use.rest, use.line) if is_list else None
            if isinstance(values[key], str):
                return None
        if self._pair is not None:
            asking, answer = (self._pair.prompt, *self._pair.contexts), self._pair.completion
            if not self._plain or any(type(values[name]) is not str for name in (*asking, answer)):
                return None
            use = self._use("pair", tuple(dict.fromkeys((*asking, answer))), asking=asking)
            return Direct("pair", asking, answer, use.rest, use.line)
        if self._text is None or self._text_columns != (self._text,):
            return None
        if type(values[self._text]) is not str:
            return None
        use = self._use("text", self._text_columns)
        return Direct("text", (self._text,), "", use.rest, use.line)

    def item(self, place: Place, raw: bytes, values: Mapping[str, Any]) -> Item | Fault:
        """The item of a row at a place; one without text is dropped, others fail."""
        try:
            made = self.read(values)
        except Unreadable as error:
            failed, size = error.reason != "empty", self.size(values)
            return Fault(place, error.reason, error.evidence, "", failed, raw, size)
        return Item(place, raw, made.records, made.form, made.text)

    def size(self, values: Mapping[str, Any]) -> int:
        """The characters of the values of an object or row."""
        return sum(self._size(values[column]) for column in self.columns)

    def _size(self, value: Any) -> int:
        return size(as_json(value) if self._rows else value)

    def _shown(self) -> list[str]:
        return [str(key) for key in self.columns[:_SHOWN]]

    # --- many rows at once (`at_once`) ------------------------------------------------------------

    def plain_fields(self) -> dict[str, str] | None:
        """field of a record → the column that it is, where that is all the layout does with rows;
        empty where a row is lines of all columns. None: what becomes of a row depends on it."""
        given = (self._chosen, self._rejected, self._names.system, *self._talks, *self._systems)
        if self.missing or not self._rows or any(name is not None for name in given):
            return None
        if len(set(self.columns)) < len(self.columns) or not all(map(str.strip, self.columns)):
            return None
        pair = self._pair
        if pair is not None:
            alone = not (pair.contexts or pair.matters or self._history)
            fields = {"prompt": pair.prompt, "completion": pair.completion}
            return fields if alone and self._are_columns(fields) else None
        if self._text is not None:
            fields = {"text": self._text}
            return fields if self._are_columns(fields) else None
        return {} if self.columns else None

    def _are_columns(self, fields: Mapping[str, str]) -> bool:
        used = set(fields.values())
        plain = all(columns_of(column) == (column,) for column in used)
        return plain and len(used) == len(fields) and used <= set(self.columns)

    def plain_line(self, fields: Mapping[str, str]) -> str:
        """The line of records that are made so."""
        if "prompt" in fields:
            columns = (fields["prompt"], fields["completion"])
            return self._use("pair", columns, asking=columns[:1]).line
        return self._use("text" if fields else "lines", tuple(fields.values())).line

    def lines_fit(self, made: Numbers, said: Numbers) -> bool:
        """Whether rows of lines may have so many characters made of so many in their values."""
        lines = self._lines + np.cumsum(made)
        taken = self._taken + np.cumsum(said + len(self.columns))
        if ((lines > RATIO_FLOOR) & (lines > _LIMITS.ratio * taken)).any():
            return False
        self._lines, self._taken = int(lines[-1]), int(taken[-1])
        return True

    # --- the forms --------------------------------------------------------------------------------

    def _of_tree(self, values: Mapping[str, Any], column: str, root: Mapping[str, Any]) -> Made:
        use = self._use("tree", (column,))
        meta, _ = self._meta(values, use)
        found = talks.tree(root, len(to_json(meta)) if meta else 0)
        made = [{"messages": talk} for talk in found.talks]
        total = sum(_check_talk(talk) for talk in found.talks)
        return self._made(made, use, values, found.said, total, {"tree": found.beside})

    def _of_talk(self, values: Mapping[str, Any], key: str, value: object) -> Made:
        columns, turns = [key], [talks.talk(key, value)]
        if self._chosen is not None and self._names.messages is None:
            answer = self._texts.one(self._chosen, values)
            _check_field(self._chosen, answer)
            columns.append(self._chosen)
            turns.append(talks.spoken("assistant", answer))
        return self._of_turns(values, columns, turns)

    def _of_chosen(self, values: Mapping[str, Any], chosen: list[Any] | Mapping[str, Any]) -> Made:
        """The better answer of a preference pair as messages: the answer, or all of the talk."""
        assert self._chosen is not None
        answer = talks.talk(self._chosen, chosen if isinstance(chosen, list) else [chosen])
        if any(message["role"] != "assistant" for message in answer.messages):
            return self._of_turns(values, (self._chosen,), [answer])
        for key in self._talks:
            found = talks.parsed(values[key])
            if isinstance(found, list):
                turns = [talks.talk(key, found), answer]
                return self._of_turns(values, (key, self._chosen), turns)
        if self._pair is None:
            return self._of_turns(values, (self._chosen,), [answer])
        return self._of_pair(values, self._pair, answer)

    def _of_turns(
        self, values: Mapping[str, Any], columns: Sequence[str], turns: Sequence[talks.Talk]
    ) -> Made:
        """The messages of some columns, behind the system prompt if there is one."""
        system = self._system(values)
        use = self._use("messages", tuple(dict.fromkeys(columns)), system)
        messages = [message for turn in turns for message in turn.messages]
        said = sum(turn.said for turn in turns)
        if system is not None:
            said += self._texts.characters(system, values, columns)
            messages = [self._system_message(values, system), *messages]
        total = _check_talk(messages)
        cuts = {"extra": sum(turn.extra for turn in turns)}
        bytes_ = sum(turn.binary for turn in turns)
        binary = {columns[0]: bytes_} if bytes_ else None
        made = [{"messages": messages}]
        return self._made(made, use, values, said, total, cuts, binary)

    def _of_pair(
        self, values: Mapping[str, Any], pair: Pair, answer: talks.Talk | None = None
    ) -> Made:
        """A pair; a talk where it has earlier turns, a system prompt, or sides that are messages.
        answer: the completion, where it is messages and read already."""
        if self._plain and answer is None:
            asking = (pair.prompt, *pair.contexts)
            pieces, completion = [values[column] for column in asking], values[pair.completion]
            if type(completion) is str and all([type(piece) is str for piece in pieces]):
                said = sum(map(len, pieces)) + len(completion)
                return self._of_sides(values, asking, joined(pieces), completion, said)
        before = asked(self._texts, values, pair, self._history)
        given = values[pair.completion] if pair.known else None
        if answer is None and (talks.is_talk(given) or (before.prompt is None and _listed(given))):
            answer = talks.talk(pair.completion, given)
        columns = tuple(dict.fromkeys((*before.columns, *columns_of(pair.completion))))
        if answer is None:
            completion = self._texts.filled(pair.completion, values)
            said = self._texts.characters(pair.completion, values, before.columns)
            if before.prompt is not None and not before.turns and self._system(values) is None:
                said += before.said
                return self._of_sides(values, before.columns, before.prompt, completion, said)
            _check_field("completion", completion)
            answer = talks.spoken("assistant", completion)._replace(said=said)
        turns = list(before.turns)
        if before.prompt is not None:
            turns.append(talks.spoken("user", before.prompt)._replace(said=before.said))
        return self._of_turns(values, columns, [*turns, answer])

    def _of_sides(
        self,
        values: Mapping[str, Any],
        asking: tuple[str, ...],
        prompt: str,
        completion: str,
        said: int,
    ) -> Made:
        """A pair of texts. asking: the columns of the prompt; said: characters of all of them."""
        assert self._pair is not None
        columns = tuple(dict.fromkeys((*asking, *columns_of(self._pair.completion))))
        use = self._use("pair", columns, asking=asking)
        _check_field("prompt", prompt)
        _check_field("completion", completion)
        record = {"prompt": prompt, "completion": completion}
        return self._made([record], use, values, said, len(prompt) + len(completion))

    def _of_text(self, values: Mapping[str, Any], template: str) -> Made:
        used = self._text_columns
        use = self._use("text", used)
        text = self._texts.filled(template, values)
        _check_field("text", text)
        said = sum([len(self._texts.one(column, values)) for column in used])
        return self._made([{"text": text}], use, values, said, len(text))

    def _of_lines(self, values: Mapping[str, Any]) -> Made:
        """A row without a known column: each value on a line behind its name."""
        use = self._use("lines", ())
        lines, said, wanted = [], 0, self._names.wanted("messages")
        binary: dict[str, int] = {}
        for column in self.columns:
            value = values[column]
            if type(value) is str:
                text = value
            elif value is None:
                continue
            elif type(value) is list and wanted and talks.is_talk(value):
                return self._of_talk(values, column, value)
            else:
                held, size_ = without_bytes(as_json(value))
                if size_:
                    binary[column] = size_
                text = "" if held is None or held == {} else as_text(held)
            if text:
                said += len(text)
                lines.append(f"{column}: {text}")
        if not lines and binary:
            raise Unreadable("bad_type", field=next(iter(binary)), type="bytes", wanted="text")
        if not lines:
            raise Unreadable("empty", field="text")
        text = "\n".join(lines)
        made = self._lines + len(text)
        self._taken += said + len(self.columns)
        if _LIMITS.bomb(made, self._taken):  # long names over short values
            raise Unreadable("oversize", bytes=made, of="ratio")
        self._lines = made
        _check_field("text", text)
        return self._made([{"text": text}], use, values, said, len(text), binary=binary)

    # --- parts of the forms -----------------------------------------------------------------------

    def _system(self, values: Mapping[str, Any]) -> str | None:
        """The column or template of a system prompt, where it is not empty."""
        if self._names.system is not None:
            found = self._texts.filled(self._names.system, values)
            return self._names.system if found.strip() else None
        for column in self._systems:
            value = values[column]
            if isinstance(value, str) and value.strip():
                return column
        return None

    def _system_message(self, values: Mapping[str, Any], system: str) -> dict[str, str]:
        return {"role": "system", "content": self._texts.filled(system, values)}

    def _meta(self, values: Mapping[str, Any], use: _Use) -> tuple[dict[str, Any], dict[str, int]]:
        """The values beside the text, and of how many bytes in each column that are no text."""
        meta: dict[str, Any] = {}
        binary: dict[str, int] = {}
        for column in use.rest:
            value = values[column]
            kind = type(value)
            if self._binary and kind is not str and kind is not int:
                if value is None and self._rows:
                    continue
                held = as_json(value) if self._rows else value
                value, size_ = without_bytes(held)
                if size_:
                    binary[column] = size_
                if size_ and not value:
                    continue
            meta[column] = value
        return meta, binary

    def _use(
        self,
        form: str,
        used: tuple[str, ...],
        system: str | None = None,
        asking: Sequence[str] = (),
    ) -> _Use:
        """How a form uses the columns; the same each time, so it is kept. asking: the columns of
        the prompt of a pair."""
        found = self._uses.get((form, used, system))
        if found is None:
            columns = dict.fromkeys([*(columns_of(system) if system is not None else ()), *used])
            rest = [name for name in self.columns if name not in columns and name != self._rejected]
            parts: dict[str, Sequence[str]] = {"messages": [*columns]}
            if form == "lines":
                rest, parts = [], {}
            elif form == "text":
                parts = {"text": [*columns]}
            elif form == "tree":
                parts = {"messages": [f"{column}, a tree" for column in columns]}
            elif form == "pair" and self._pair is not None:
                last = dict.fromkeys(columns_of(self._pair.completion))
                parts = {"prompt": [*dict.fromkeys(asking)], "completion": [*last]}
            line = said_of.line(parts, rest, self._table, self._rejected)
            found = _Use(tuple(rest), parts, line)
            self._uses[form, used, system] = found
        return found

    def _made(
        self,
        records: list[dict[str, Any]],
        use: _Use,
        values: Mapping[str, Any],
        said: int,
        total: int,
        cuts: Mapping[str, int] | None = None,
        binary: Mapping[str, int] | None = None,
    ) -> Made:
        """Records with their meta and their account. said: characters of the values that are text;
        total: those of the records' texts; cuts: what of the same columns is no text; binary: bytes
        of columns of the text that are none."""
        meta, left = self._meta(values, use)
        left.update(binary or {})
        beside = sum([len(v) if type(v) is str else size(v) for v in meta.values()])
        if self._table is not None:
            meta = {"table": self._table, **meta}
        worse = values[self._rejected] if self._rejected is not None else None
        if isinstance(worse, str | list | Mapping):
            meta = {**meta, known_names.REJECTED: worse}
        for record in records if meta else ():
            record["meta"] = meta
        kept = min(said, total)
        count = TextCount(said, kept, total - kept)
        if said > kept:
            count.removed["blank"] = said - kept
        others = {"meta": beside, **(cuts or {})}
        if self._rejected is not None:
            others["rejected"] = self._size(worse)
        line = use.line
        if left:
            others["binary"] = sum(left.values())
            stays = [column for column in use.rest if column in meta]
            line = said_of.line(use.fields, stays, self._table, self._rejected, left)
        for cut, number in others.items():
            if number:
                count.seen += number
                count.removed[cut] = number
        return Made(records, line, count)


def _listed(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _check_field(field: str, text: str) -> None:
    """Refuse a text without content, or with half a character."""
    if not text or text.isspace():
        raise Unreadable("empty", field=field)
    check_text(field, text)


def _check_talk(talk: Sequence[Mapping[str, Any]]) -> int:
    """The characters of messages; refuses those without content, or with half a character."""
    texts = [message["content"] or "" for message in talk]
    if not any(text and not text.isspace() for text in texts):
        raise Unreadable("empty", field="messages")
    for number, text in enumerate(texts):
        check_text(f"messages[{number}]", text)
    return sum(map(len, texts)) + sum(talks.beside(message) for message in talk)


class Layouts:
    """Layouts by their columns, as many as there is room for."""

    def __init__(self, names: Names, rows: bool = False, binary: bool = False) -> None:
        self._names, self._rows, self._binary = names, rows, binary
        self._found: dict[tuple[tuple[str, ...], str | None], Layout] = {}
        self._size = 0

    def of(self, columns: tuple[str, ...], table: str | None = None) -> Layout:
        """The layout of some columns, of a table that is named or of none."""
        found = self._found.get((columns, table))
        if found is None:
            self._size += 8 + len(columns)
            if self._size > _HELD:
                self._found, self._size = {}, 8 + len(columns)
            rows, binary = self._rows, self._binary
            found = Layout(columns, self._names, table=table, rows=rows, binary=binary)
            self._found[columns, table] = found
        return found
