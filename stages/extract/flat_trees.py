"""Trees of messages whose nodes stand in rows, as OpenAssistant exports them: message_id,
parent_id, role and text. The rows of a file, in any order, become the talks that the tree gives
when its replies are nested.

Rows wait until all are there (`waiting`); in memory each takes 60 bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from stages.base import Fault, Item
from stages.errors import Unreadable
from stages.extract import forms
from stages.extract.jsontext.lines import LINE_BYTES
from stages.extract.waiting import Waiting, digest
from stages.place import Place
from stages.records import REJECT_TEXT

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.int64]

NODES = 1 << 21  # messages of one file; OpenAssistant's largest has 208,584
REASONS = {
    "orphan": "the message that it answers is not in the file, or answers it in turn",
    "repeated": "a message of the same id stands before it in the file",
}
_NODE = frozenset(("message_id", "role", "text"))
_PARENT = "parent_id"
_OF_TREE = ("message_tree_id", "tree_state")  # what all nodes of a tree share: its meta
_NONE = 0  # the digest of no parent

Row = Mapping[str, Any]


def is_node(row: Row) -> bool:
    """Whether a row is a message of a tree; its replies are not nested in it."""
    return row.keys() >= _NODE and "replies" not in row


def are_nodes(columns: Collection[str]) -> bool:
    """Whether the rows of a table are messages of trees."""
    return _NODE.union((_PARENT,)).issubset(columns)


class FlatTrees:
    """The rows of one file that are nodes of trees. waiting: where they wait, for these alone."""

    def __init__(self, names: forms.Names, waiting: Waiting) -> None:
        self._wanted = names.named is None and names.wanted("messages")
        self._layout = forms.Layouts(names)
        self._rows = waiting
        self._ids, self._parents = array("Q"), array("Q")
        self._linked = False

    def takes(self, row: Row) -> bool:
        """Whether a row waits here for the others of its tree."""
        return self._wanted and is_node(row) and len(self._ids) < NODES

    def take(self, place: Place, row: Row, raw: bytes | None = None) -> None:
        """Keep a row that `takes` is true of. raw: its JSON text in UTF-8."""
        self._ids.append(digest(row["message_id"]))
        parent = row.get(_PARENT)
        self._parents.append(_NONE if parent in (None, "") else digest(parent))
        self._linked |= self._parents[-1] != _NONE or _OF_TREE[0] in row
        self._rows.add(place, row, raw)

    def items(
        self, alone: Callable[[Place, bytes, dict[str, Any]], Item | Fault]
    ) -> Iterator[Item | Fault]:
        """A tree each, in order of their roots, and what belongs to none. alone: reads a row by
        itself: all of them where nothing says that they are of trees."""
        import numpy as np

        if not self._linked:
            for number in range(len(self._ids)):
                yield alone(*self._rows.read(number))
            return
        parents, again = _linked(self._ids, self._parents)
        children = np.argsort(parents, kind="stable")
        begins = np.searchsorted(parents[children], np.arange(len(parents) + 1))
        seen = bytearray(len(parents))
        for number, parent in enumerate(parents.tolist()):
            if again[number]:
                seen[number] = 1
                place, raw, row = self._rows.read(number)
                told = {"message_id": row["message_id"]}
                yield Fault(place, "repeated", told, _shown(raw), raw=raw)
            elif parent == _ROOT:
                yield self._tree(self._below(number, children, begins, seen))
            elif parent == _LOST and not self._rows.full:
                yield self._orphan(self._below(number, children, begins, seen))
        for number in range(len(parents)):
            if not seen[number] and not self._rows.full:  # it answers itself, by way of others
                yield self._orphan(self._below(number, children, begins, seen))

    def _below(
        self, root: int, children: Numbers, begins: Numbers, seen: bytearray
    ) -> Iterator[tuple[int, int]]:
        """(node, the one that it answers) of a tree, each before its replies; all are seen."""
        todo = [(root, root)]
        while todo:
            number, parent = todo.pop()
            if seen[number]:
                continue
            seen[number] = 1
            yield number, parent
            replies = children[begins[number] : begins[number + 1]].tolist()
            todo += [(reply, number) for reply in reversed(replies)]

    def _tree(self, nodes: Iterator[tuple[int, int]]) -> Item | Fault:
        """The talks of a tree: it is read as if its replies were nested."""
        found: dict[int, dict[str, Any]] = {}
        rows: list[bytes] = []
        root: dict[str, Any] = {}
        place, size, number = Place(), 0, 0
        for number, (node, parent) in enumerate(nodes, 1):  # noqa: B007 - how many there were
            where, raw, row = self._rows.read(node)
            size += len(raw)
            if node == parent:
                place, root = where, row
                root["replies"] = []
            elif size > LINE_BYTES:
                found, rows = {}, rows[:1]
                continue
            else:
                found[parent].setdefault("replies", []).append(row)
            rows.append(raw)
            found[node] = row
        shared = {key: root.pop(key) for key in _OF_TREE if key in root}
        try:
            if size > LINE_BYTES:
                raise Unreadable("oversize", limit=LINE_BYTES, of="bytes of a tree of messages")
            made = self._layout.of((*shared, "prompt")).read({**shared, "prompt": root})
        except Unreadable as error:
            told = {**error.evidence, "messages": number}
            text = _shown(rows[0])
            return Fault(place, error.reason, told, text, raw=b"\n".join(rows), characters=size)
        form = made.form.replace("prompt, a tree", "text, by message_id and parent_id", 1)
        return Item(place, b"\n".join(rows), made.records, form, made.text)

    def _orphan(self, nodes: Iterator[tuple[int, int]]) -> Fault:
        """The refusal of a message without the one that it answers, and of all that answer it."""
        first, *others = (node for node, _ in nodes)
        place, raw, row = self._rows.read(first)
        characters = len(raw) + sum(len(self._rows.read(node)[1]) for node in others)
        told = {"parent_id": row[_PARENT], "messages": 1 + len(others)}
        return Fault(place, "orphan", told, _shown(raw), raw=raw, characters=characters)


_ROOT, _LOST = -1, -2  # in place of the number of the node that a node answers


def _linked(ids: array[int], parents: array[int]) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """(for each node the number of the one that it answers, whether its id stood there before)."""
    import numpy as np

    own, above = np.frombuffer(ids, np.uint64), np.frombuffer(parents, np.uint64)
    order = np.argsort(own, kind="stable")
    known = own[order]
    again = np.zeros(len(own), np.bool_)
    again[order[1:]] = known[1:] == known[:-1]
    at = np.minimum(np.searchsorted(known, above), len(own) - 1)
    found = np.where(known[at] == above, order[at], _LOST)
    found[above == _NONE] = _ROOT
    found[again] = _LOST  # and nobody answers it: the first of its id is answered
    return found, again


def _shown(raw: bytes) -> str:
    return raw[: 4 * REJECT_TEXT].decode("utf-8", "replace")
