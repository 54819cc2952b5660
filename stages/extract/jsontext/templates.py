"""Lines of JSON that are alike but for some strings and numbers, as columns.

A line is taken for a template: what of it stays is compared byte by byte in all others, so that
they hold the same keys in the same order; what differs is a string, or a number or another plain
value, and has a place in the record. The layout is asked once, for the template.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.arrays import Cells, json_inner, json_objects
from stages.errors import Unreadable
from stages.extract.forms import Layouts, talks
from stages.extract.forms.direct import Direct, filled_in, joined
from stages.extract.jsontext import json_values
from stages.extract.jsontext.blocks import Block, Flags, Numbers
from stages.records import MESSAGE

_MARK = "\ue000"  # of what stands in a template for a value
_ESCAPED_MARK = re.compile(rb"\\ue000", re.IGNORECASE)  # as a key may have it
_MARKED = re.compile(f"{_MARK}([sn][0-9]+){_MARK}")
_IN_JSON = re.compile(f'"{_MARK}([sn])([0-9]+){_MARK}"')
_PLAIN = re.compile(rb"-?[0-9][0-9.eE+-]*|true|false|null")
_WHOLE = re.compile(rb"-?[1-9][0-9]{0,17}|0|true|false|null")
_REAL = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ANY = rb"(-?[0-9][0-9.eE+-]*|true|false|null)"
_LONGEST = 1 << 16  # bytes of what is alike


class Number(NamedTuple):
    """What stands in a template for a number, true, false or null: its place among those."""

    at: int


@dataclass(frozen=True)
class Template:
    """What of a line stays, and what its strings are in the record.

    strings: how many the line has. varying: numbers of those that differ from line to line.
    stretches: what stands before each of these, and behind the last, with the quotes; a pattern
    where there are numbers in it. texts: numbers of the strings of each column of the text; roles:
    of the messages that the strings of the first are. meta: the values of the columns of the meta.
    """

    strings: int
    varying: list[int]
    stretches: list[bytes | re.Pattern[bytes]]
    direct: Direct
    texts: list[list[int]]
    roles: list[str]
    meta: dict[str, Any]


class Columns(NamedTuple):
    """Records of lines of one template. rows: the lines. form: in words. beside: characters of the
    values in meta; added: of the text that are none of the line."""

    rows: Numbers
    form: str
    columns: dict[str, pa.Array]
    beside: Numbers
    added: Numbers


def template(
    line: bytes, opens: list[int], closes: list[int], layouts: Layouts, taken: Callable[[Any], bool]
) -> Template | None:
    """The template of a line; None for one of which the record is no matter of its columns alone.

    opens, closes: places of the quotes of its strings. taken: whether an object is no record."""
    if _MARK.encode() in line or _ESCAPED_MARK.search(line):
        return None
    numbers = 0

    def number(_: re.Match[bytes]) -> bytes:
        nonlocal numbers
        numbers += 1
        return f'"{_MARK}n{numbers - 1}{_MARK}"'.encode()

    between = [line[a:b] for a, b in zip([-1, *closes], [*opens, len(line)], strict=True)]
    between = [piece[1:] if at else line[: opens[0]] for at, piece in enumerate(between)]
    told = [_PLAIN.sub(number, between[0])]
    for at, (begin, end) in enumerate(zip(opens, closes, strict=True)):
        key = between[at + 1].lstrip()[:1] == b":"
        told.append(line[begin : end + 1] if key else f'"{_MARK}s{at}{_MARK}"'.encode())
        told.append(_PLAIN.sub(number, between[at + 1]))
    try:
        value = json_values.parse(b"".join(told).decode())
        if not isinstance(value, dict):
            return None
        value = {key: _put(one) for key, one in value.items()}
        direct = None if taken(value) else layouts.of(tuple(value)).direct(value)
        if direct is None:
            return None
        texts, roles, fixed = _texts(direct, value, line, opens, closes)
    except Unreadable:
        return None
    meta = {column: value[column] for column in direct.rest}
    varying = sorted({at for column in texts for at in column} | {*_strings_in([*meta.values()])})
    if fixed & {*varying}:
        return None
    stretches = list(_stretches(line, varying, opens, closes, between))
    if max(map(len, (s for s in stretches if isinstance(s, bytes))), default=0) > _LONGEST:
        return None
    return Template(len(opens), varying, stretches, direct, texts, roles, meta)


def _put(value: Any) -> Any:
    """A value of a template with numbers for what stands for them; Unreadable for `NaN`."""
    if isinstance(value, json_values.NotANumber):
        raise Unreadable("malformed")
    if isinstance(value, str):
        found = _MARKED.fullmatch(value)
        return Number(int(found[1][1:])) if found and found[1][0] == "n" else value
    if isinstance(value, list):
        return [_put(one) for one in value]
    return {key: _put(one) for key, one in value.items()} if isinstance(value, dict) else value


def _marked(value: Any) -> Any:
    """A value of a template with texts for its numbers."""
    if isinstance(value, Number):
        return f"{_MARK}n{value.at}{_MARK}"
    if isinstance(value, list):
        return [_marked(one) for one in value]
    return {key: _marked(one) for key, one in value.items()} if isinstance(value, dict) else value


def _string(value: object) -> int | None:
    """The number of the string that a value stands for."""
    found = _MARKED.fullmatch(value) if isinstance(value, str) else None
    return int(found[1][1:]) if found else None


def _strings_in(value: Any) -> Iterator[int]:
    if (found := _string(value)) is not None:
        yield found
    elif isinstance(value, list):
        for one in value:
            yield from _strings_in(one)
    elif isinstance(value, dict):
        yield from _strings_in([*value.values()])


def _texts(
    direct: Direct, value: Mapping[str, Any], line: bytes, opens: list[int], closes: list[int]
) -> tuple[list[list[int]], list[str], set[int]]:
    """The strings of each column of the text, the roles of messages, and the strings that say the
    roles, which have to stay. Unreadable where messages are more than role and content."""
    if direct.form != "messages":
        columns = [*direct.columns, direct.answer] if direct.form == "pair" else direct.columns
        return [[at] for column in columns if (at := _string(value[column])) is not None], [], set()
    (key,) = direct.columns
    turns, fixed = [], set()
    for message in value[key]:
        if not isinstance(message, dict):
            raise Unreadable("bad_type")
        turn = dict(message)
        for name in ("role", "from"):
            if (at := _string(turn.get(name))) is not None:
                turn[name] = json.loads(line[opens[at] : closes[at] + 1])
                fixed.add(at)
        turns.append(turn)
    made = talks.talk(key, turns)
    said = [_string(one["content"]) for one in made.messages if one.keys() == {"role", "content"}]
    contents = [at for at in said if at is not None]
    if made.extra or len(contents) != len(value[key]) or contents != sorted(contents):
        raise Unreadable("no_form")
    return [contents], [one["role"] for one in made.messages], fixed


def _stretches(
    line: bytes, varying: list[int], opens: list[int], closes: list[int], between: list[bytes]
) -> Iterator[bytes | re.Pattern[bytes]]:
    begin, first = 0, 0
    for at in [*varying, len(opens)]:
        end = opens[at] + 1 if at < len(opens) else len(line)
        if any(_PLAIN.search(between[gap]) for gap in range(first, at + 1)):
            quote, pieces = b"" if first == 0 else b'"', []
            for gap in range(first, at + 1):
                parts = _PLAIN.split(between[gap])
                pieces.append(_ANY.join(map(re.escape, parts)))
                if gap < at:
                    pieces.append(re.escape(line[opens[gap] : closes[gap] + 1]))
            ending = b'"' if at < len(opens) else b""
            yield re.compile(quote + b"".join(pieces) + ending)
        else:
            yield line[begin:end]
        begin, first = closes[at] if at < len(opens) else 0, at + 1


# --- many lines ---------------------------------------------------------------------------------


def columns_of(found: Template, block: Block, rows: Numbers) -> tuple[Flags, Columns | None]:
    """Which of some lines with as many strings are as the template, and the records of those whose
    record is certain: of the others one string is empty, say, so that the line makes none."""
    first = block.first[rows]
    opens = [block.quotes[first + 2 * at] for at in found.varying]
    closes = [block.quotes[first + 2 * at + 1] for at in found.varying]
    begins, ends = [block.begins[rows], *closes], [*[at + 1 for at in opens], block.ends[rows]]
    alike = np.ones(len(rows), np.bool_)
    for stretch, begin, end in zip(found.stretches, begins, ends, strict=True):
        if isinstance(stretch, bytes):
            alike &= end - begin == len(stretch)
    for stretch, begin in zip(found.stretches, begins, strict=True):
        if isinstance(stretch, bytes):
            some = np.flatnonzero(alike)
            alike[some] = _equal(block.data, begin[some], stretch)
    certain = np.flatnonzero(alike)
    numbers: dict[int, list[str]] = {}
    if not all(isinstance(stretch, bytes) for stretch in found.stretches):
        numbers = {row: [] for row in certain.tolist()}
        for stretch, begin, end in zip(found.stretches, begins, ends, strict=True):
            if not isinstance(stretch, bytes):
                _take_numbers(block.data, stretch, begin, end, alike, numbers)
        certain = np.array([*numbers], np.int64)
    if not len(certain):
        return alike, None
    spans = zip(found.varying, opens, closes, strict=True)
    strings = {at: (begin[certain], end[certain]) for at, begin, end in spans}
    made = _Values(block, len(certain), strings, [*numbers.values()])
    return alike, _records(found, made, rows[certain])


def _equal(data: bytes, begins: Numbers, wanted: bytes) -> Flags:
    """At which places of the data, in none of which is a NUL, the bytes are these."""
    size = len(wanted)
    if not size or not len(begins):
        return np.ones(len(begins), np.bool_)
    view: Any = np.ndarray((len(data) - size + 1,), f"S{size}", data, 0, (1,))
    return np.asarray(view[begins] == wanted)


def _take_numbers(
    data: bytes,
    stretch: re.Pattern[bytes],
    begins: Numbers,
    ends: Numbers,
    alike: Flags,
    numbers: dict[int, list[str]],
) -> None:
    """Add what stands for numbers in the lines that are alike. A line that is not by the stretch
    loses its mark; one with a number that has more than one form loses its numbers."""
    some = np.flatnonzero(alike)
    for row, begin, end in zip(
        some.tolist(), begins[some].tolist(), ends[some].tolist(), strict=True
    ):
        match = stretch.fullmatch(data, begin, end)
        if match is None:
            alike[row] = False
            numbers.pop(row, None)
        elif row in numbers:
            told = [_told(number) for number in match.groups()]
            if None in told:
                del numbers[row]
            else:
                numbers[row] += [one for one in told if one is not None]


def _told(number: bytes) -> str | None:
    """A number as JSON that Python writes has it; None where that is not known here."""
    if _WHOLE.fullmatch(number):
        return number.decode()
    if not _REAL.fullmatch(number) or number.isdigit() or number[1:].isdigit():
        return None
    value = float(number)
    return repr(value) if math.isfinite(value) else None


class _Values:
    """The strings and numbers of some lines, as arrays."""

    def __init__(
        self,
        block: Block,
        count: int,
        spans: Mapping[int, tuple[Numbers, Numbers]],
        numbers: list[list[str]],
    ) -> None:
        self._block, self._count, self._spans, self._numbers = block, count, spans, numbers
        self._read: dict[int, pa.Array] = {}

    def __len__(self) -> int:
        return self._count

    def string(self, at: int) -> pa.Array:
        """The texts of a string of each line."""
        if at not in self._read:
            self._read[at] = self._block.texts(*self._spans[at])
        return self._read[at]

    def strings(self, several: list[int]) -> pa.Array:
        """The texts of several strings of each line, those of a line behind each other."""
        opens = np.stack([self._spans[at][0] for at in several], axis=1).ravel()
        closes = np.stack([self._spans[at][1] for at in several], axis=1).ravel()
        return self._block.texts(opens, closes)

    def number(self, at: int) -> pa.Array:
        """A number of each line, as JSON."""
        return pa.array([row[at] for row in self._numbers], pa.string())

    def cells(self, value: Any) -> tuple[Cells, Numbers]:
        """What stands in the template for values of the lines: these, and their characters."""
        if isinstance(value, Number):
            text = self.number(value.at)
            null = np.asarray(pc.equal(text, "null"))
            return Cells(text, True), np.where(null, 0, np.asarray(pc.binary_length(text)))
        if (at := _string(value)) is not None:
            text = self.string(at)
            return Cells(text), _lengths(text)
        text = self._json(value)
        return Cells(text, True), _lengths(text)

    def _json(self, value: Any) -> pa.Array:
        """Lists and objects as JSON."""
        told = json.dumps(_marked(value), ensure_ascii=False, separators=(",", ":"))
        pieces: list[Any] = _IN_JSON.split(told)  # text, kind, number, text …, text
        parts = pieces[:1]
        for kind, at, behind in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
            number = int(at)
            parts += [self.number(number)] if kind == "n" else ['"', self._inner(number), '"']
            parts.append(behind)
        if len(parts) == 1:
            return pa.repeat(told, len(self))
        return pc.binary_join_element_wise(*parts, "")

    def _inner(self, at: int) -> pa.Array:
        return json_inner(self.string(at))


def _lengths(texts: pa.Array) -> Numbers:
    return np.asarray(pc.utf8_length(texts)).astype(np.int64)


def _records(found: Template, values: _Values, rows: Numbers) -> Columns:
    direct, count = found.direct, len(values)
    added = np.zeros(count, np.int64)
    made: dict[str, pa.Array] = {}
    usual: Any
    if direct.form == "messages":
        (contents,) = found.texts
        texts = values.strings(contents)
        said = filled_in(texts).reshape(count, len(contents))
        usual = said.any(axis=1)
        roles = pa.array(found.roles).take(np.tile(np.arange(len(contents)), count))
        extra = pa.nulls(len(texts), pa.string())
        message = pa.StructArray.from_arrays([roles, texts, extra], fields=list(MESSAGE))
        offsets = np.arange(count + 1, dtype=np.int32) * len(contents)
        made["messages"] = pa.ListArray.from_arrays(pa.array(offsets), message)
    elif direct.form == "pair":
        *asking, (answer,) = found.texts
        made["prompt"], added, usual = joined([values.string(at) for (at,) in asking])
        made["completion"] = values.string(answer)
        usual = usual & filled_in(made["completion"])
    else:
        ((at,),) = found.texts
        made["text"] = values.string(at)
        usual = filled_in(made["text"])
    beside = np.zeros(count, np.int64)
    cells: dict[str, Cells] = {}
    for column, value in found.meta.items():
        cells[column], size = values.cells(value)
        beside += size
    if cells:
        made["meta"] = json_objects(cells, count)
    columns = Columns(rows, direct.line, made, beside, added)
    return columns if usual.all() else _some(columns, usual)


def _some(columns: Columns, keep: Flags) -> Columns:
    arrays = {name: array.filter(pa.array(keep)) for name, array in columns.columns.items()}
    rows, form, _, beside, added = columns
    return Columns(rows[keep], form, arrays, beside[keep], added[keep])
