"""Which rows of a batch a stage has to look at, found array-wise: texts that hold a pattern."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages import preference
from stages.records import View

Flags = npt.NDArray[np.bool_]
_SIDES = {"input": ("prompt",), "output": ("completion",)}
_PLAIN = ("text", "prompt", "completion")


def rows_holding(table: pa.Table, view: View, pattern: str) -> tuple[list[int], list[int]]:
    """(rows to look at, rows of all others without a text in the view), in order.

    pattern: a regular expression of RE2. A row is to be looked at when it holds the pattern in any
    of its texts, or a text that is not seen here: what a message has beside its content, the answer
    of a preference pair that was not preferred.
    """
    count = table.num_rows
    found, filled = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    talks = np.zeros(count, np.bool_)
    if "messages" in table.column_names:
        messages = table.column("messages").combine_chunks()
        talks = np.asarray(pc.is_valid(messages))
        found, filled = _in_messages(messages, view, pattern)
    for name in _PLAIN:
        if name in table.column_names:
            column = table.column(name)
            found |= _true(pc.match_substring_regex(column, pattern))
            if view == "all" or name in _SIDES[view]:
                filled |= ~talks & _true(pc.is_valid(column))
    found[[*preference.held_in(table)]] = True
    return np.flatnonzero(found).tolist(), np.flatnonzero(~found & ~filled).tolist()


def _in_messages(messages: pa.Array, view: View, pattern: str) -> tuple[Flags, Flags]:
    """Rows with the pattern, or more than contents, in a message; rows with a content in view."""
    rows = np.asarray(pc.list_parent_indices(messages))
    flat = pc.list_flatten(messages)
    contents = pc.struct_field(flat, "content")
    held = _true(pc.match_substring_regex(contents, pattern))
    held |= _true(pc.is_valid(pc.struct_field(flat, "extra")))
    there = _true(pc.is_valid(contents))
    if view != "all":
        answers = _true(pc.equal(pc.struct_field(flat, "role"), "assistant"))
        there &= answers == (view == "output")
    return _of_rows(rows, held, len(messages)), _of_rows(rows, there, len(messages))


def _of_rows(rows: Any, flags: Flags, count: int) -> Flags:
    return np.bincount(rows[flags], minlength=count).astype(np.bool_)


def _true(flags: Any) -> Flags:
    return np.array(pc.fill_null(flags, False), dtype=np.bool_)
