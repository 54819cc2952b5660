"""What records have in common, as keys, and the components that records with common keys make.

A node is a prompt: records with one prompt are one node. Keys connect nodes: the opening of a
conversation, the object that records come from, the group of duplicates, columns that are named.
What everything shares (a system message, a greeting, a file of many rows) connects nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.clean import components
from stages.clean.composition import composed
from stages.place import Place
from stages.roles import meaning
from stages.verdicts import Batch

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Evidence = Literal["prompt", "prefix", "object", "group"]

# Words of an opening: "Hello" and "Good morning" begin conversations that have nothing in common.
OPENING = 3
# Different turns of the user's that may follow an opening: more of them than a tree has branches,
# and it is a form letter.
BRANCHES = 32
# Keys of `meta` that name what a record is a part of.
OBJECTS = (
    "url",
    "thread_id",
    "thread",
    "conversation_id",
    "conv_id",
    "dialogue_id",
    "dialog_id",
    "message_tree_id",
    "tree_id",
    "document_id",
    "doc_id",
    "page_id",
)
# Files whose sections, pages and posts are parts of one text.
DOCUMENTS = (
    *(".html", ".htm", ".xhtml", ".mhtml", ".epub", ".md", ".markdown", ".rst", ".adoc", ".tex"),
    *(".docx", ".odt", ".pdf"),
)
# What connects, by number; behind them the columns that `by` names.
KINDS = ("prompt", "prefix", "place", "group", *(f"{name} in meta" for name in OBJECTS))
_PROMPT, _PREFIX, _PLACE, _GROUP, _META = range(5)

KEYS = pa.schema(
    [
        ("node", pa.uint64()),
        ("exact", pa.uint64()),  # of all text and calls
        ("prompt", pa.uint64()),
        ("prefix", pa.uint64()),  # of the opening; 0: none
        ("longer", pa.uint64()),  # of the opening with one more turn; 0: none
        ("keys", pa.list_(pa.uint64())),
        ("kinds", pa.list_(pa.uint8())),  # of each key
        ("characters", pa.int64()),
        ("time", pa.int64()),  # seconds since 1970; null: none
    ]
)


# --- the keys of a record -----------------------------------------------------------------------


def normalised(text: str) -> str:
    """Compatibility forms, case and white space made equal."""
    return " ".join(composed("NFKC", text).casefold().split())


def hashes(texts: Sequence[str | None]) -> Hashes:
    """64 bits of each text; 0 for None."""
    found = [b"\0" * 8 if text is None else _digest(text) for text in texts]
    return np.frombuffer(b"".join(found), dtype="<u8")


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def nodes_of(batch: Batch, connect: Sequence[Evidence]) -> Hashes:
    """The node of each row: its prompt, or where prompts do not connect all that it says."""
    return _prompts(batch) if "prompt" in connect else _exact(batch)


def _prompts(batch: Batch) -> Hashes:
    """What is asked, or the whole text where nothing is asked."""
    pairs = zip(batch.texts("input"), batch.texts("all"), strict=True)
    return hashes([normalised(one if one is not None else text or "") for one, text in pairs])


def _exact(batch: Batch) -> Hashes:
    pairs = zip(batch.texts("all"), batch.calls("all"), strict=True)
    return hashes([normalised((text or "") + (call or "")) for text, call in pairs])


def keys_of(
    batch: Batch, connect: Sequence[Evidence], by: Sequence[str], times: Sequence[int | None]
) -> pa.Table:
    """The keys of each row of a batch. by: columns, or keys of `meta`."""
    exact, prompt = _exact(batch), _prompts(batch)
    openings = [opening(user_turns(row)) for row in batch.forms]
    found = [list(pairs) for pairs in _connecting(batch, connect, by)]
    return pa.table(
        [
            prompt if "prompt" in connect else exact,
            exact,
            prompt,
            hashes([one for one, _ in openings]),
            hashes([two for _, two in openings]),
            _lists([hashes([key for _, key in pairs]) for pairs in found], pa.uint64()),
            _lists([np.array([kind for kind, _ in pairs]) for pairs in found], pa.uint8()),
            pa.array([len(text or "") for text in batch.texts("all")], pa.int64()),
            pa.array(times, pa.int64()),
        ],
        schema=KEYS,
    )


def _lists(values: Sequence[npt.NDArray[Any]], kind: pa.DataType) -> pa.Array:
    offsets = np.cumsum([0, *map(len, values)])
    flat = np.concatenate([*values, np.empty(0)]).astype(kind.to_pandas_dtype())
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(flat, kind))


def user_turns(record: Mapping[str, Any]) -> list[str]:
    """What a user says in a record, in order; nothing in a plain text."""
    messages = record.get("messages")
    if messages is None:
        return [record["prompt"]] if record.get("prompt") is not None else []
    return [
        message["content"]
        for message in messages
        if message["content"] is not None and meaning(message["role"]) == "user"
    ]


def opening(turns: Sequence[str]) -> tuple[str | None, str | None]:
    """The first turns that have words enough to be an opening, and the same with one more."""
    words = 0.0
    for count, turn in enumerate(turns, 1):
        words += _words(turn)
        if words >= OPENING:
            longer = "\n".join(map(normalised, turns[: count + 1])) if count < len(turns) else None
            return "\n".join(map(normalised, turns[:count])), longer
    return None, None


_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


def _words(text: str) -> float:
    """How many words a text begins with, up to some dozens; Han, kana and hangul have no spaces,
    and about two of them are a word."""
    head = text[:400]
    apart = _HAN.sub(" ", head)
    return len(re.findall(r"\w+", apart)) + (len(head) - len(_HAN.sub("", head))) / 2


def _connecting(
    batch: Batch, connect: Sequence[Evidence], by: Sequence[str]
) -> Iterator[Iterator[tuple[int, str]]]:
    """(kind, key) pairs of each row."""
    names = batch.table.column_names
    nothing = [None] * len(batch)
    with_object = "object" in connect
    sources = batch.column("source") if with_object else nothing
    places = batch.column("place") if with_object else nothing
    groups = batch.column("group") if "group" in connect and "group" in names else nothing
    columns = [batch.column(name) if name in names else None for name in by]
    metas = batch.column("meta") if with_object or None in columns else nothing
    wanted = [*(OBJECTS if with_object else ()), *(n for n in by if n not in names)]
    for row in range(len(batch)):
        meta = opened(metas[row], wanted)
        yield _of_row(
            sources[row],
            places[row],
            groups[row],
            meta if with_object else {},
            [
                meta.get(name) if column is None else column[row]
                for name, column in zip(by, columns, strict=True)
            ],
        )


def _of_row(
    source: str | None, place: str | None, group: Any, meta: Mapping[str, Any], named: Sequence[Any]
) -> Iterator[tuple[int, str]]:
    if place and (item := object_at(place)) is not None:
        yield _PLACE, f"{_PLACE} {source} {item}"
    if group is not None:
        yield _GROUP, f"{_GROUP} {group}"
    for number, name in enumerate(OBJECTS, _META):
        value = meta.get(name)
        if isinstance(value, str) and name == "url":
            value = value.partition("#")[0]
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            yield number, f"{number} {value}"
    for number, value in enumerate(named, len(KINDS)):
        if value is not None and value != "":
            yield number, f"{number} {value}"


def object_at(place: str) -> str | None:
    """The object of which a record at a place is a part: a document whole, whatever of it the
    record is; else the item (a line, a row with its key); None for a table of many."""
    try:
        found = Place.parse(place)
    except ValueError:
        return None
    if (found.member or found.path).lower().endswith(DOCUMENTS):
        return str(Place(found.path, found.member))
    many = found.table is not None and found.offset is None and found.key is None
    return None if many else place


def opened(meta: str | None, wanted: Sequence[str]) -> Mapping[str, Any]:
    """The keys of `meta`; nothing where none of those wanted can be in it."""
    if meta and any(f'"{name}"' in meta for name in wanted):
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(meta)
            if isinstance(value, dict):
                return value
    return {}


# --- components ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Components:
    """nodes: in order; root: the number of the smallest node of each one's component; rows: of each
    node; common: what most rows of the largest component share; kinds: that occur."""

    nodes: Hashes
    root: Ints
    rows: Ints
    common: str
    kinds: frozenset[int]


def connected(table: pa.Table, connect: Sequence[Evidence], by: Sequence[str]) -> Components:
    """The components of all rows, from their keys."""
    nodes, at = np.unique(table.column("node").to_numpy(), return_inverse=True)
    rows = np.bincount(at, minlength=len(nodes)).astype(np.int64)
    row, key, kind = _edges(table, connect)
    order = np.lexsort((at[row], key))
    key, node, kind = key[order], at[row][order], kind[order]
    same = np.flatnonzero(key[1:] == key[:-1])
    root = components.components(len(nodes), node[same], node[same + 1])
    common = _common(root, key, node, kind, rows)
    word = [*KINDS, *by][common]
    return Components(nodes, root, rows, word, frozenset(np.unique(kind).tolist()))


def _edges(table: pa.Table, connect: Sequence[Evidence]) -> tuple[Ints, Hashes, Ints]:
    """(row, key, kind) of all keys that connect."""
    lists = table.column("keys").combine_chunks()
    row = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    key = pc.list_flatten(lists).to_numpy()
    kind = pc.list_flatten(table.column("kinds").combine_chunks()).to_numpy().astype(np.int64)
    for number in range(_META, len(KINDS)):
        if len(np.unique(key[mine := kind == number])) == 1:  # it says the same of all records
            row, key, kind = row[~mine], key[~mine], kind[~mine]
    if "prefix" in connect:
        applied = prefixes(table)
        begun = np.flatnonzero(applied)
        row = np.concatenate([row, begun])
        key = np.concatenate([key, applied[begun]])
        kind = np.concatenate([kind, np.full(len(begun), _PREFIX)])
    return row, key, kind


def prefixes(table: pa.Table) -> Hashes:
    """The opening that each row shares with its kin: the longer one where the shorter is a form
    letter; 0 for none."""
    short, longer = (table.column(name).to_numpy() for name in ("prefix", "longer"))
    pairs = np.unique(np.stack((short, longer), axis=1)[(short != 0) & (longer != 0)], axis=0)
    begun, branches = np.unique(pairs[:, 0], return_counts=True)
    letters = begun[branches > BRANCHES]
    return np.asarray(np.where(np.isin(short, letters), longer, short))


def _common(root: Ints, key: Hashes, node: Ints, kind: Ints, rows: Ints) -> int:
    """The kind of the key that most rows of the largest component share."""
    sizes = np.bincount(root, weights=rows)
    if not len(sizes):
        return _PROMPT
    largest = np.argmax(sizes)
    mine = root[node] == largest
    if not mine.any() or rows[root == largest].max() * 2 > sizes[largest]:
        return _PROMPT
    _, at = np.unique(key[mine], return_inverse=True)
    weight = np.bincount(at, weights=rows[node[mine]])
    return int(kind[mine][np.argmax(weight[at])])
