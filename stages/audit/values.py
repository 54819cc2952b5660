"""Values that are right in the file, and that a careless reader alters or stumbles over.

What other readers do: `datasets` takes the types of all keys from the first block of a file (10
MB) and refuses or casts what differs later; pandas makes some words of CSV missing and columns of
digits numbers; JavaScript's numbers have 53 bits; `str.splitlines` ends lines at more signs than a
file does.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from stages.audit.finding import Findings, at_line, short
from stages.base import Fault
from stages.errors import Unreadable
from stages.extract import charsets
from stages.extract.delimited.clean import Block
from stages.extract.delimited.sheet import Sheet
from stages.extract.forms.values import type_name
from stages.extract.jsontext import json_values
from stages.extract.jsontext.lines import LINE_BYTES, lines
from stages.extract.packed import archives
from stages.sketch.folder import File

_BLOCK = 10 << 20  # bytes from which `datasets` takes the keys and their types
_EXACT = 1 << 53
_KEYS = 1000  # of all objects that are followed
# What pandas reads as missing (1.x to 3.x, `read_csv`).
_MISSING = frozenset(
    (
        *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
        *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
_NUMBER = re.compile(r"[+-]?\d[\d.]*(?:[eE][+-]?\d+)?")


def of_json(file: File, findings: Findings) -> None:
    """The values of a file of JSON lines or lists."""
    types: dict[str, Counter[str]] = defaultdict(Counter)
    first: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, offset, line, value in _objects(file, findings):
        place = at_line(name, line, offset)
        for key, one in value.items():
            kind = type_name(one)
            if key not in types and offset > _BLOCK:
                findings.add("late_key", place, repr(key))
            if len(types) < _KEYS or key in types:
                types[key][kind] += 1
                if len(first[key, kind]) < 20:
                    first[key, kind].append(place)
            if isinstance(one, int) and abs(one) > _EXACT:
                findings.add("big_number", place, f"{key}: {short(one)}")
            elif isinstance(one, json_values.NotANumber):
                findings.add("not_a_number", place, f"{key}: {one}")
    for key, kinds in types.items():
        kinds.pop("null", None)
        usual = kinds.most_common(1)[0][0] if kinds else ""
        for kind, number in kinds.items():
            if kind == usual:
                continue
            told = f"{key!r}: {kind} in {number:,}, {usual} in {kinds[usual]:,}"
            for place in (first[key, kind] * number)[:number][:1000]:
                findings.add("mixed_types", place, told)


def _objects(file: File, findings: Findings) -> Iterator[tuple[str, int, int, Mapping[str, Any]]]:
    """(file, byte, line, object) of each that can be read; the others are told by the stage."""
    for found in archives.members(file.root, file.name, None, (".jsonl", ".ndjson", ".json")):
        if isinstance(found, Fault):
            continue
        place, stream = found
        name = place.path if place.member is None else f"{place.path}#{place.member}"
        head = stream.peek(1 << 16)[: 1 << 16]
        if charsets.binary(head) is not None:
            continue
        charset, mark = charsets.sniff(head)
        if mark:
            findings.add("mark", f"{name}:1", charset)
        stream.read(mark)
        if charset != "utf-8":
            findings.add("charset", f"{name}:1", charset)
        shape = json_values.layout(head[mark:])
        try:
            if shape == "lines" or charset != "utf-8":
                for line in lines(stream, mark, charset=charset):
                    if (value := _parsed(line.raw, charset)) is not None:
                        yield name, line.offset, line.number, value
                continue
            for one in json_values.values(stream, shape == "array", LINE_BYTES, mark):
                if one.closed and (value := _parsed(one.raw, "utf-8")) is not None:
                    yield name, one.offset, one.line, value
        except Unreadable:
            continue


def _parsed(raw: bytes, charset: str) -> dict[str, Any] | None:
    try:
        value = json_values.parse(raw.decode(charset))
    except (Unreadable, UnicodeDecodeError, json.JSONDecodeError):
        return None
    return value if isinstance(value, dict) else None


# --- tables of text -----------------------------------------------------------------------------


def of_csv(file: File, findings: Findings) -> None:
    """The values of a table of text."""
    for found in archives.members(file.root, file.name, None, (".csv", ".tsv", ".txt")):
        if isinstance(found, Fault):
            continue
        place, stream = found
        name = place.path if place.member is None else f"{place.path}#{place.member}"
        try:
            _table(name, Sheet(stream), findings)
        except Unreadable:
            continue


def _table(name: str, sheet: Sheet, findings: Findings) -> None:
    if sheet.charset != "utf-8":
        findings.add("charset", f"{name}:1", sheet.charset)
    odd: dict[str, list[tuple[str, str]]] = defaultdict(list)
    plain: set[str] = set()  # columns that no reader takes for numbers
    for row, reason, _ in sheet.judged():
        assert not isinstance(row, Block)  # the sheet is not asked for any
        if reason is not None:
            continue
        place = f"{name}:{row.line}"
        for column, value in sheet.values(row).items():
            if value is None:
                continue
            if value in _MISSING:
                findings.add("missing_word", place, f"{column}: {value}")
            elif column not in plain and value.strip():
                if _NUMBER.fullmatch(value.strip()) is None:
                    plain.add(column)
                    odd.pop(column, None)
                elif _altered(value.strip()) and len(odd[column]) < 1000:
                    odd[column].append((place, value))
    for column, values in odd.items():
        for place, value in values:
            findings.add("number_text", place, f"{column}: {value}")


def _altered(text: str) -> bool:
    """Whether a number read and written again is another text."""
    try:
        number = float(text)
    except ValueError:
        return False
    if re.fullmatch(r"-?\d+", text):
        return str(int(text)) != text or abs(int(text)) > 1 << 63
    return repr(number) != text
