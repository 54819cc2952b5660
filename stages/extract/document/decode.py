"""The text of a document's bytes: its mark, UTF-8, or a guess that is said or refused."""

from __future__ import annotations

from typing import Any, NamedTuple

from stages.extract import charsets
from stages.extract.delimited.charset import charset_of


class Decoded(NamedTuple):
    """text; charset: by which its bytes can be counted again, None where lines are in several.

    mark: bytes before the text. meta: what a record says of a guess or of bytes that were lost.
    """

    text: str
    charset: str | None
    mark: int
    meta: dict[str, Any]


def decoded(raw: bytes, declared: str | None = None) -> Decoded:
    """The text of a document. Unreadable `encoding` where the guess is too close to call."""
    found = charset_of(raw, declared, all_of_it=True)
    body = raw[found.mark :]
    if found.mixed:
        lines = charsets.lines_of(body)
        meta: dict[str, Any] = {"undecodable": lines.bad} if lines.bad else {}
        if lines.odd:
            return Decoded(lines.text, None, found.mark, {"charset": "cp1252 in UTF-8", **meta})
        return Decoded(lines.text, lines.charset, found.mark, meta)
    said = {"charset": found.name} if found.guessed else {}
    try:
        text = body.decode(found.name)
        whole = found.name == "utf-8" or len(text.encode(found.name)) == len(body)
        return Decoded(text, found.name if whole else None, found.mark, said)
    except UnicodeError:
        text = body.decode(found.name, "replace")
        lost = text.count("\ufffd")
        return Decoded(text, None, found.mark, {**said, "undecodable": lost})
