"""Records made array-wise: many items at once as Arrow arrays, with no Python for each but a hash.

Ids, places and JSON texts are those that `gather`, `place` and `records` make of one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.place import Place
from stages.records import escaped

Numbers = npt.NDArray[np.int64]
_JSON = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_JSON |= {chr(n): f"\\u{n:04x}" for n in range(32) if chr(n) not in _JSON}


@dataclass(frozen=True)
class Refused:
    """Why many items have no record: what `Fault` says of one. evidence: JSON text of each. texts:
    of each, none: empty. characters: of the text of each."""

    reason: str
    failed: bool
    evidence: pa.Array
    characters: Numbers
    texts: pa.Array | None = None

    def slice(self, begin: int, size: int) -> Refused:
        """Of some of the items."""
        texts = None if self.texts is None else self.texts.slice(begin, size)
        characters = self.characters[begin : begin + size]
        evidence = self.evidence.slice(begin, size)
        return replace(self, evidence=evidence, characters=characters, texts=texts)


@dataclass(frozen=True)
class Rows:
    """Many items of one unit, each of which became one record; what `Item` says of one.

    place: of all of them: path, member, table. data: a buffer that holds their raw bytes, those of
    item i from begins[i] to ends[i], at least one. columns: of the records, without id, source and
    place: text, prompt, completion, messages, meta (JSON text). form: the line of each, or of
    all.
    offsets, lines: of their first bytes in the file; keys: of the rows of a table; none: the places
    have no such part. removed: cut → characters of each item that its record does not hold;
    added: characters of each record that are none of the item's. refused: why the items have no
    records, all of them: then they have no columns.
    """

    place: Place
    data: bytes | pa.Buffer
    begins: Numbers
    ends: Numbers
    columns: Mapping[str, pa.Array]
    form: str | pa.Array = ""
    offsets: Numbers | None = None
    lines: Numbers | None = None
    keys: pa.Array | None = None
    removed: Mapping[str, Numbers] = field(default_factory=dict)
    added: Numbers | None = None
    refused: Refused | None = None

    def __len__(self) -> int:
        return len(self.begins)

    def slice(self, begin: int, stop: int | None = None) -> Rows:
        """The items from one to another."""
        if begin == 0 and (stop is None or stop >= len(self)):
            return self
        some = slice(begin, stop)
        size = len(range(*some.indices(len(self))))
        return replace(
            self,
            begins=self.begins[some],
            ends=self.ends[some],
            columns={name: array.slice(begin, size) for name, array in self.columns.items()},
            form=self.form if isinstance(self.form, str) else self.form.slice(begin, size),
            offsets=None if self.offsets is None else self.offsets[some],
            lines=None if self.lines is None else self.lines[some],
            keys=None if self.keys is None else self.keys.slice(begin, size),
            removed={cut: numbers[some] for cut, numbers in self.removed.items()},
            added=None if self.added is None else self.added[some],
            refused=None if self.refused is None else self.refused.slice(begin, size),
        )

    def forms(self) -> Iterator[tuple[str, int]]:
        """The lines, and how many items each is of."""
        if isinstance(self.form, str):
            yield self.form, len(self)
            return
        for one in pc.value_counts(self.form).to_pylist():
            yield one["values"], one["counts"]

    def form_of(self, index: int) -> str:
        """The line of an item."""
        return self.form if isinstance(self.form, str) else str(self.form[index].as_py())

    def place_of(self, index: int) -> Place:
        """The place of an item."""
        found = self.place
        if self.offsets is not None and self.lines is not None:
            size = int(self.ends[index] - self.begins[index])
            offset, line = int(self.offsets[index]), int(self.lines[index])
            found = replace(found, offset=offset, length=size, line=line)
        return found if self.keys is None else replace(found, key=self.keys[index].as_py())


def places(rows: Rows) -> pa.Array:
    """`str` of the place of each item."""
    whole, file = str(rows.place), str(replace(rows.place, table=None))
    pieces: list[Any] = [file]
    if rows.offsets is not None and rows.lines is not None:
        numbers = (rows.offsets, rows.ends - rows.begins, rows.lines)
        offset, size, line = (pa.array(number).cast(pa.string()) for number in numbers)
        pieces = [file + "@", offset, "+", size, ":", line]
    behind = whole[len(file) :]
    if rows.keys is not None:
        pieces += [behind + "[", rows.keys, "]"]
    elif behind or len(pieces) > 1:
        pieces.append(behind)
    if len(pieces) == 1:
        return pa.repeat(file, len(rows))
    return pc.binary_join_element_wise(*pieces, "")


def digests(source: str, rows: Rows) -> list[bytes]:
    """The 16 bytes of the id of each item, were it the first of its equal siblings: what
    `records.record_id` makes of it."""
    begun: dict[int, Any] = {}
    names = (source.encode(), rows.place.unit.encode("utf-8", "surrogateescape"))
    shared = b"".join([len(piece).to_bytes(8, "little") + piece for piece in names])
    data = memoryview(rows.data)
    found: list[bytes] = []
    add, get = found.append, begun.get
    for begin, end in zip(rows.begins.tolist(), rows.ends.tolist(), strict=True):
        state = get(end - begin)
        if state is None:
            size = (end - begin).to_bytes(8, "little")
            state = begun[end - begin] = hashlib.blake2b(shared + size, digest_size=16)
        state = state.copy()
        state.update(data[begin:end])
        state.update(b"0.0")
        add(state.digest())
    return found


def hexadecimal(found: Sequence[bytes]) -> pa.Array:
    """Digests of 16 bytes each as text."""
    offsets = np.arange(len(found) + 1, dtype=np.int32) * np.int32(32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(found).hex().encode())]
    return pa.Array.from_buffers(pa.string(), len(found), buffers)


# --- JSON ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cells:
    """Values of one column: their texts, null where there is none. bare: whether they stand as they
    are in JSON, as numbers and booleans do, all or none of them or by one."""

    text: pa.Array
    bare: bool | pa.Array = False

    def __len__(self) -> int:
        return len(self.text)

    def filter(self, which: pa.Array) -> Cells:
        """The values of some rows."""
        bare = self.bare.filter(which) if isinstance(self.bare, pa.Array) else self.bare
        return Cells(self.text.filter(which), bare)


def bytes_of(texts: pa.Array) -> npt.NDArray[np.uint8]:
    """The bytes of an array of texts, one behind the other."""
    _, offsets, data = texts.buffers()
    if data is None:
        return np.empty(0, np.uint8)
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]


def json_inner(texts: pa.Array) -> pa.Array:
    """Texts as JSON strings have them between their quotes."""
    data = bytes_of(texts)
    odd = data[(data < 32) | (data == 34) | (data == 92)]
    there = np.unique(odd).tolist()
    for byte in sorted(there, key=lambda byte: byte != 92):  # a backslash before what adds others
        mark = chr(byte)
        texts = pc.replace_substring(texts, mark, _JSON[mark])
    return texts


def json_objects(columns: Mapping[str, Cells | str], length: int) -> pa.Array:
    """An object for each row as `records.object_json` writes it: a column's value under its name,
    none where it is null; a str is the value of all rows. Null for a row without any."""
    keys = {name: escaped(json.dumps(name, ensure_ascii=False)) + ":" for name in columns}
    values = {name: _json(columns[name]) for name in sorted(columns)}
    whole = next((name for name, parts in values.items() if not _has_nulls(parts)), None)
    if whole is None:
        return _sparse(keys, values, length)
    # Columns behind one that every row has bring their comma before them, the others behind them.
    pieces: list[Any] = ["{"]
    before, behind = "", ","
    for name, parts in values.items():
        if name == whole:
            before, behind = ",", ""
            pieces += [keys[name], *parts]
        elif _has_nulls(parts):
            member = pc.binary_join_element_wise(before + keys[name], *parts, behind, "")
            pieces.append(pc.fill_null(member, ""))
        else:
            pieces += [before + keys[name], *parts, behind]
    made = pc.binary_join_element_wise(*_merged([*pieces, "}"]), "")
    return made if isinstance(made, pa.Array) else pa.repeat(made, length)


def _sparse(keys: Mapping[str, str], values: Mapping[str, list[Any]], length: int) -> pa.Array:
    """Objects of which each may have no member at all."""
    if not values:
        return pa.nulls(length, pa.string())
    members = [
        pc.fill_null(pc.binary_join_element_wise("," + keys[name], *parts, ""), "")
        for name, parts in values.items()
    ]
    inner = pc.binary_join_element_wise("{", *members, "}", "")
    inner = pc.replace_substring(inner, "{,", "{", max_replacements=1)
    return pc.if_else(pc.equal(inner, "{}"), None, inner)


def _json(value: Cells | str) -> list[Any]:
    """What is joined to the JSON of a column's values: null where there is none."""
    if isinstance(value, str):
        return [escaped(json.dumps(value, ensure_ascii=False))]
    if value.bare is True:
        return [value.text]
    quoted = ['"', json_inner(value.text), '"']
    if value.bare is False:
        return quoted
    return [pc.if_else(value.bare, value.text, pc.binary_join_element_wise(*quoted, ""))]


def _has_nulls(parts: Sequence[Any]) -> bool:
    return any(isinstance(part, pa.Array) and part.null_count for part in parts)


def _merged(pieces: Sequence[Any]) -> list[Any]:
    """Pieces to be joined, those that are the same in all rows as one."""
    found: list[Any] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found
