"""Whether a chat template looks at the contents of messages, or puts them where they go unseen.

Found in its syntax tree. Contents may be put out, joined with other text, trimmed, given names, and
asked whether there are any; roles and places may be asked for anything. Of a template that does no
more, two conversations with the same roles, and contents in the same of them, have renderings that
differ in the contents alone, so that one rendering tells all of them.
"""

from __future__ import annotations

from typing import Any, Literal

from stages.require import require
from stages.tokens.template import Meter, environment

# What an expression is made of: nothing of the messages, all of them, one, or its content.
Tag = Literal["", "messages", "message", "content"]
_ORDER: tuple[Tag, ...] = ("", "messages", "message", "content")
_STRIPS = ("strip", "lstrip", "rstrip")
_KINDS = ("defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "number")


class _Looks(Exception):
    """The template looks at a content, or does what is not known here."""


def is_blind(source: str) -> bool:
    """Whether the contents of messages that are role and content alone cannot change what a
    template does."""
    nodes = require("jinja2", "train").nodes
    parser = require("jinja2.parser", "train").Parser
    tree = parser(environment(Meter()), source).parse()  # as it is written, without prices
    names: dict[str, Tag] = {"messages": "messages"}
    try:
        while True:  # a name may be given a content after it is used, in a loop
            before = dict(names)
            _Walk(nodes, names).block(tree.body)
            if names == before:
                return True
    except _Looks:
        return False


class _Walk:
    """One walk through a template; `names` learns what the names in it stand for."""

    def __init__(self, nodes: Any, names: dict[str, Tag]) -> None:
        self._nodes, self._names = nodes, names
        self._in_macro = False

    def block(self, body: list[Any]) -> None:
        for node in body:
            self._statement(node)

    def _statement(self, node: Any) -> None:
        nodes = self._nodes
        if isinstance(node, nodes.Output):
            for one in node.nodes:
                if not isinstance(one, nodes.TemplateData):
                    self._text(one)
        elif isinstance(node, nodes.If):
            self._asked(node.test)
            self.block([*node.body, *node.elif_, *node.else_])
        elif isinstance(node, nodes.For):
            self._loop(node)
        elif isinstance(node, nodes.Assign):
            self._named(node.target, self._of(node.node))
        elif isinstance(node, nodes.AssignBlock):
            if node.filter is not None:
                raise _Looks
            self.block(node.body)
            self._named(node.target, "content")
        elif isinstance(node, nodes.Scope | nodes.ScopedEvalContextModifier):
            self.block(node.body)
        elif isinstance(node, nodes.Macro):
            # Its arguments are nothing of the messages: a call with more is refused.
            self._names.setdefault(node.name, "")
            self._in_macro = True
            self.block(node.body)
            self._in_macro = False
        elif isinstance(node, nodes.ExprStmt):
            self._of(node.node)
        elif not isinstance(node, nodes.Continue | nodes.Break):
            raise _Looks

    def _loop(self, node: Any) -> None:
        over = self._of(node.iter)
        if over in ("message", "content"):
            raise _Looks
        self._named(node.target, "message" if over == "messages" else "")
        if node.test is not None:
            self._asked(node.test)
        self.block([*node.body, *node.else_])

    def _named(self, target: Any, tag: Tag) -> None:
        nodes = self._nodes
        if isinstance(target, nodes.Tuple):
            if tag:
                raise _Looks
            for one in target.items:
                self._named(one, tag)
            return
        name = f"{target.name}.{target.attr}" if isinstance(target, nodes.NSRef) else target.name
        known = self._names.get(name, "")
        if tag and known and tag != known:
            raise _Looks
        if name in ("messages", "loop") and tag != self._names.get(name, ""):
            raise _Looks
        self._names[name] = tag or known

    # --- expressions ---

    def _text(self, node: Any) -> None:
        """An expression whose text is put out; in a macro it is what a call gives."""
        tag = self._of(node)
        if tag in ("messages", "message") or (tag and self._in_macro):
            raise _Looks

    def _asked(self, node: Any) -> None:
        """An expression of which only the truth is asked: that of a content is whether it is."""
        nodes = self._nodes
        if isinstance(node, nodes.Not):
            self._asked(node.node)
        elif isinstance(node, nodes.And | nodes.Or):
            self._asked(node.left)
            self._asked(node.right)
        else:
            self._of(node)

    def _of(self, node: Any) -> Tag:
        """What an expression is made of. Raises _Looks."""
        nodes = self._nodes
        if isinstance(node, nodes.Const | nodes.TemplateData):
            return ""
        if isinstance(node, nodes.Name):
            if any(tag and name.startswith(f"{node.name}.") for name, tag in self._names.items()):
                raise _Looks  # a namespace as a whole
            return self._names.get(node.name, "")
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            return self._part(node)
        if isinstance(node, nodes.Concat):
            return self._joined(node.nodes)
        if isinstance(node, nodes.Add):
            return self._joined([node.left, node.right])
        if isinstance(node, nodes.CondExpr):
            self._asked(node.test)
            sides = [node.expr1] if node.expr2 is None else [node.expr1, node.expr2]
            return self._either([self._of(side) for side in sides])
        if isinstance(node, nodes.And | nodes.Or):
            return self._either([self._of(node.left), self._of(node.right)])
        if isinstance(node, nodes.Not):
            self._asked(node.node)
            return ""
        if isinstance(node, nodes.Test):
            tag = self._of(node.node)
            if tag and node.name not in _KINDS:
                raise _Looks
            return self._nothing(node.args)
        if isinstance(node, nodes.Filter):
            return self._filtered(node)
        if isinstance(node, nodes.Call):
            return self._called(node)
        if isinstance(node, nodes.Compare) and len(node.ops) == 1:
            return self._compared(node.expr, node.ops[0])
        if isinstance(node, nodes.Keyword):
            return self._of(node.value)
        return self._nothing(node.iter_child_nodes())

    def _compared(self, left: Any, operand: Any) -> Tag:
        """A content may be compared with none at all; a message be asked for its keys."""
        const = self._nodes.Const
        tags = (self._of(left), self._of(operand.expr))
        empty = isinstance(operand.expr, const) and operand.expr.value in ("", None)
        if tags == ("content", "") and empty and operand.op in ("eq", "ne"):
            return ""
        key = isinstance(left, const) and isinstance(left.value, str)
        if any(tags) and not (tags == ("", "message") and key and operand.op in ("in", "notin")):
            raise _Looks
        return ""

    def _nothing(self, children: Any) -> Tag:
        """Of what is made of nothing of the messages."""
        if any(self._of(one) for one in children):
            raise _Looks
        return ""

    def _either(self, tags: list[Tag]) -> Tag:
        found = {tag for tag in tags if tag}
        if len(found) > 1:
            raise _Looks
        return found.pop() if found else ""

    def _joined(self, parts: list[Any]) -> Tag:
        tags = {self._of(part) for part in parts}
        if tags & {"messages", "message"}:
            raise _Looks
        return "content" if "content" in tags else ""

    def _part(self, node: Any) -> Tag:
        nodes = self._nodes
        name = node.node.name if isinstance(node.node, nodes.Name) else None
        key = node.attr if isinstance(node, nodes.Getattr) else None
        if isinstance(node, nodes.Getitem):
            key = node.arg.value if isinstance(node.arg, nodes.Const) else None
            self._nothing([node.arg])
        if name == "loop":
            return "message" if key in ("previtem", "nextitem") else ""
        if name is not None and any(known.startswith(f"{name}.") for known in self._names):
            if not isinstance(key, str):
                raise _Looks
            return self._names.get(f"{name}.{key}", "")
        tag = self._of(node.node)
        if tag == "messages":
            if isinstance(node, nodes.Getattr):
                raise _Looks
            return "messages" if isinstance(node.arg, nodes.Slice) else "message"
        if tag == "message":
            if not isinstance(key, str):
                raise _Looks
            return "content" if key == "content" else ""
        if tag:
            raise _Looks
        return ""

    def _filtered(self, node: Any) -> Tag:
        if node.node is None:
            raise _Looks
        tag = self._of(node.node)
        if any((node.args, node.kwargs, node.dyn_args, node.dyn_kwargs)):
            if tag:
                raise _Looks
            return self._nothing(node.iter_child_nodes())
        if tag == "content":
            if node.name != "trim":
                raise _Looks
        elif tag == "messages":
            if node.name in ("length", "count"):
                return ""
            if node.name in ("first", "last"):
                return "message"
            if node.name not in ("list", "reverse"):
                raise _Looks
        elif tag:
            raise _Looks
        return tag

    def _called(self, node: Any) -> Tag:
        nodes = self._nodes
        given = [*node.args, *node.kwargs]
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise _Looks
        function = node.node
        if isinstance(function, nodes.Name):
            if self._names.get(function.name):
                raise _Looks
            # What a namespace begins with, and what an exception says.
            if function.name == "namespace":
                return self._nothing(given)
            if function.name == "raise_exception":
                self._joined(given)
                return ""
            return self._nothing(given)
        if isinstance(function, nodes.Getattr):
            tag = self._of(function.node)
            if tag == "content" and function.attr in _STRIPS and not given:
                return "content"
            if tag == "message" and function.attr == "get" and len(given) == 1:
                key = given[0].value if isinstance(given[0], nodes.Const) else None
                if isinstance(key, str):
                    return "content" if key == "content" else ""
            if tag:
                raise _Looks
        return self._nothing([function, *given])
