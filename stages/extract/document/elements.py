"""A small tree of XML, for a paragraph of a document: elements, their values and their text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Element:
    """An element: name with its prefix, attributes, elements and text within it in order."""

    __slots__ = ("attributes", "children", "name")

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name, self.attributes = name, attributes
        self.children: list[Element | str] = []

    def elements(self, name: str) -> Iterator[Element]:
        """The children of a name."""
        for child in self.children:
            if isinstance(child, Element) and child.name == name:
                yield child

    def child(self, name: str) -> Element | None:
        """The first child of a name."""
        return next(self.elements(name), None)

    def value(self, within: str, name: str, default: str) -> str:
        """`val` of the element `name` in the child `within`."""
        inner = self.child(within)
        found = inner.child(name) if inner is not None else None
        if found is None:
            return default
        prefix = name.partition(":")[0]
        return found.attributes.get(f"{prefix}:val", "")

    def text(self) -> str:
        """The text directly in it."""
        return "".join(child for child in self.children if isinstance(child, str))


class Builder:
    """Makes a tree of the events between an element's begin and its end."""

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.root = Element(name, attributes)
        self._open = [self.root]

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        element = Element(name, attributes)
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self) -> bool:
        """Whether the tree is whole."""
        self._open.pop()
        return not self._open

    def text(self, characters: str) -> None:
        self._open[-1].children.append(characters)
