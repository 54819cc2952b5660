"""XML as events, read by expat without what makes XML dangerous.

Entities that a document declares are refused, nothing outside it is read, nesting is bounded: time
and memory go by its size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn
from xml.parsers import expat

from stages.errors import Unreadable

DEEPEST = 160  # elements within one another; office documents and dumps have fewer than 60
_FED = 1 << 16
_ENDED = {
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}

Start = Callable[[str, Mapping[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], None]


class Events:
    """Feeds bytes to handlers. Unreadable: `corrupt` where it is no XML, or dangerous, `truncated`
    where it ends early.

    start(name, attributes), end(name), text(characters). spaces: (a part of a namespace's URI,
    prefix) pairs: names of the first that fits are `prefix:name`, all others bare names.
    """

    def __init__(
        self, start: Start, end: End, text: Text, spaces: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.buffer_size = _FED
        parser.EntityDeclHandler = _entity
        parser.ExternalEntityRefHandler = _outside
        self._start, self._end, self._depth = start, end, 0
        self._spaces, self._names = spaces, dict[str, str]()
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = text

    @property
    def offset(self) -> int:
        """Bytes before the event under way."""
        return self._parser.CurrentByteIndex

    @property
    def line(self) -> int:
        """The line, from 1, of the event under way."""
        return self._parser.CurrentLineNumber

    def feed(self, data: bytes, last: bool = False) -> None:
        """Read some more bytes; `last`: there are no others."""
        try:
            for at in range(0, max(1, len(data)), _FED):
                self._parser.Parse(data[at : at + _FED], last and at + _FED >= len(data))
        except expat.ExpatError as error:
            told = expat.errors.messages.get(error.code, str(error))
            reason = "truncated" if last and error.code in _ENDED else "corrupt"
            raise Unreadable(reason, error=f"no XML: {told}", line=error.lineno) from None
        except (LookupError, ValueError) as error:  # a charset that expat cannot read
            remedy = "save it in UTF-8"
            raise Unreadable("corrupt", error=f"its charset: {error}", remedy=remedy) from None

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unreadable("corrupt", error=f"elements nested deeper than {DEEPEST}")
        self._start(self._named(name), {self._named(key): v for key, v in attributes.items()})

    def _finish(self, name: str) -> None:
        self._depth -= 1
        self._end(self._named(name))

    def _named(self, name: str) -> str:
        known = self._names.get(name)
        if known is None:
            space, _, local = name.rpartition(" ")
            prefix = next((prefix for part, prefix in self._spaces if part in space), "")
            known = self._names[name] = f"{prefix}:{local}" if space and prefix else local
        return known


def _entity(*_: Any) -> NoReturn:
    raise Unreadable("corrupt", error="it declares an entity, which is not expanded")


def _outside(*_: Any) -> NoReturn:
    raise Unreadable("corrupt", error="it refers to an entity outside, which is not read")
