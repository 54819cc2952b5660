"""The worse answer of a preference pair: a text beside the forms of a record.

It stands as `rejected` in the record's meta, where sources put it, or in a column of that name: a
text, or messages, or these as JSON text. What trains on preferences reads it as it reads the
record's own answer, so stages that mask or rewrite texts go over it too; it is no answer that
anybody wants learned, and stages that judge what is learned leave it alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stages.records import encodable, mapped, object_json, opened

REJECTED = "rejected"
IN_META = "meta.rejected"


def held_in(table: pa.Table) -> dict[int, dict[str, Any]]:
    """row → the meta, and the column, of the rows that have such an answer."""
    found: dict[int, dict[str, Any]] = {}
    if "meta" in table.column_names:
        named = pc.match_substring(table.column("meta"), f'"{REJECTED}"')
        for row in pc.indices_nonzero(pc.fill_null(named, False)).to_pylist():
            meta = opened(table.column("meta")[row].as_py())
            if isinstance(meta, dict) and meta.get(REJECTED) is not None:
                found[row] = {"meta": meta}
    if REJECTED in table.column_names:
        for row in pc.indices_nonzero(pc.is_valid(table.column(REJECTED))).to_pylist():
            found.setdefault(row, {})[REJECTED] = table.column(REJECTED)[row].as_py()
    return found


def texts_of(held: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, text) pairs: `meta.rejected` or `rejected`, with what leads into messages."""
    found: list[tuple[str, str]] = []

    def visit(name: str, text: str) -> str:
        found.append((name, encodable(text)))
        return text

    _mapped(held, visit)
    return found


def rewritten(held: Mapping[str, Any], new: Mapping[str, str]) -> dict[str, Any]:
    """The columns `meta` and `rejected` with other texts, by the names of `texts_of`."""
    out = _mapped(held, lambda name, text: new.get(name, text))
    if "meta" in out:
        out["meta"] = object_json(out["meta"])
    return out


def named(name: str) -> bool:
    """Whether a field is of such an answer."""
    return name.startswith((REJECTED, IN_META))


def _mapped(held: Mapping[str, Any], visit: Callable[[str, str], str]) -> dict[str, Any]:
    out = dict(held)
    if "meta" in held:
        meta = held["meta"]
        out["meta"] = {**meta, REJECTED: _answer(meta[REJECTED], IN_META, visit)}
    if REJECTED in held:
        out[REJECTED] = _answer(held[REJECTED], REJECTED, visit)
    return out


def _answer(value: Any, name: str, visit: Callable[[str, str], str]) -> Any:
    """An answer with each text in it as `visit` has it; messages as JSON text are gone into."""
    inner = opened(value) if isinstance(value, str) and value.lstrip()[:1] in ("[", "{") else None
    if inner is None:
        return mapped(value, name, visit)
    new = mapped(inner, name, visit)
    return value if new == inner else json.dumps(new, ensure_ascii=False)
