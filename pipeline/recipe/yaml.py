"""YAML 1.2 with places: nodes of ruamel.yaml made into plain values, each with line and column.

Plain scalars follow the core schema of YAML 1.2.2 (section 10.3): `no` is text, `1e-4` a number,
`010` ten. A repeated key and the merge key `<<` are errors: both lose what somebody wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 1 << 20
MOST_NODES = 100_000  # with what aliases repeat: a recipe of 1 MB can stand for more than memory
MOST_DEPTH = 100

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE, _FALSE = {"true", "True", "TRUE"}, {"false", "False", "FALSE"}
_INT_DIGITS = 4300  # what Python's int() reads; a longer one stays text and fits no parameter
_DEEP = f"not a recipe: nested too deeply (at most {MOST_DEPTH} levels)"
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"(?P<sign>[-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class Problem:
    """One mistake in a recipe or call, with its place (line and column from 1; 0: no place)."""

    text: str
    line: int = 0
    column: int = 0
    file: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else ""
        return place + self.text


@dataclass(frozen=True)
class Node:
    """A value with its place. value: scalar, list of Node, or dict of key → Node. quoted: whether
    a scalar is text because it stands in quotes or in a block."""

    value: Any
    line: int
    column: int
    keys: Mapping[str, tuple[int, int]]  # where each key of a mapping stands
    size: int = 1  # nodes, with what aliases repeat
    quoted: bool = False

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def load(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """The document's root node and what is wrong with its YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        # Not the round-trip reader: it marks the folds of folded text with control characters.
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        if "'\\t'" in what:
            what = "a tab, where YAML is indented with spaces"
        elif error.context_mark is not None and mark is not error.context_mark:
            what += f" (it begins in line {error.context_mark.line + 1})"
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return None, [Problem(f"not YAML: {what}", line, column, file)]
    except YAMLError as error:
        return None, [Problem(f"not YAML: {str(error).splitlines()[0]}", 1, 1, file)]
    except RecursionError:
        return None, [Problem(_DEEP, 1, 1, file)]
    except Exception as error:  # the border around a foreign parser: \UFFFFFFFF is a ValueError
        return None, [Problem(f"not YAML: {type(error).__name__}: {error}", 1, 1, file)]
    if root is None:
        return None, [Problem("the recipe is empty: it begins with `version: 1`", 1, 1, file)]
    reader = _Reader(file)
    node = reader.node(root, ())
    return (None if reader.too_large else node), reader.problems


def scalar(text: str) -> Any:
    """The value of a plain scalar by the core schema."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return int(text) if len(text) <= _INT_DIGITS else text
    if re.fullmatch(r"0o[0-7]{1,3000}", text):
        return int(text[2:], 8)
    if re.fullmatch(r"0x[0-9a-fA-F]{1,3000}", text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if match := _SPECIAL.fullmatch(text):
        return float("nan") if match["sign"] is None else float(f"{match['sign']}inf")
    return text


class _Reader:
    """Makes nodes of ruamel's; one that aliases share is made once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.too_large = False  # a problem that leaves nothing to look at
        self._made: dict[int, Node] = {}

    def node(self, raw: Any, above: tuple[int, ...]) -> Node:
        """The node of ruamel's `raw`, which stands within the nodes `above`."""
        line, column = raw.start_mark.line + 1, raw.start_mark.column + 1
        if id(raw) in above:
            self._say("an alias that contains itself", line, column)
            return Node(None, line, column, {})
        if len(above) >= MOST_DEPTH:
            self._too_large(_DEEP, line, column)
            return Node(None, line, column, {})
        if id(raw) not in self._made:
            node = self._made[id(raw)] = self._new(raw, line, column, (*above, id(raw)))
            if node.size > MOST_NODES:
                text = f"not a recipe: with its aliases this is more than {MOST_NODES:,} values"
                self._too_large(text, line, column)
        return self._made[id(raw)]

    def _too_large(self, text: str, line: int, column: int) -> None:
        if not self.too_large:  # what stands around it is too large as well
            self.too_large = True
            self._say(text, line, column)

    def _say(self, text: str, line: int, column: int) -> None:
        self.problems.append(Problem(text, line, column, self.file))

    def _new(self, raw: Any, line: int, column: int, above: tuple[int, ...]) -> Node:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        if isinstance(raw, SequenceNode):
            items = [self.node(item, above) for item in raw.value]
            return Node(items, line, column, {}, 1 + sum(item.size for item in items))
        if not isinstance(raw, MappingNode):
            quoted = raw.style is not None
            value = raw.value if quoted else scalar(raw.value)
            return Node(value, line, column, {}, quoted=quoted)
        values: dict[str, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        for key, value in raw.value:
            at = (key.start_mark.line + 1, key.start_mark.column + 1)
            name = str(key.value)
            if not isinstance(key.value, str):
                self._say("a key must be text", *at)
                continue
            if name == "<<":
                self._say("`<<` is no part of YAML 1.2; write the keys, or an alias", *at)
                continue
            if name in values:
                self._say(f"the key {name!r} stands here a second time", *at)
            values[name], keys[name] = self.node(value, above), at
        size = 1 + sum(node.size for node in values.values())
        return Node(values, line, column, keys, size)
