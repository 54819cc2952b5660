"""Pages that a browser saved whole, as a mail of their parts (MHTML, RFC 2557): the page in it.

Pictures, styles and frames are parts of their own and no text of the page, as they are none where
a page names them. Only the part that is the page is decoded.
"""

from __future__ import annotations

import binascii
import quopri
import re
from email.message import Message
from email.parser import HeaderParser
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from stages.errors import Unreadable

# Bytes of a saved page with its pictures; the page in it has a limit of its own.
LARGEST = 64 << 20
_HEADERS = 1 << 16  # bytes of the headers of a mail or a part
_SETTINGS = 2_000  # characters of a Content-Type; the parser of mails takes their square
_DEEPEST = 8  # multiparts within one another
_PARTS = 10_000  # of one multipart
_BLANK = re.compile(rb"\r?\n[ \t]*\r?\n")
_PAGES = ("text/html", "application/xhtml+xml")
_IS_MAIL = re.compile(rb"(?im)^(?:MIME-Version|Snapshot-Content-Location):")
_HOLDS_PAGE = re.compile(rb"(?im)^Content-Type:\s*(?:multipart/|text/html)")


class Web(NamedTuple):
    """A page that was wrapped. content_type: its header; about: what is known of it, for `meta`."""

    data: bytes
    content_type: str | None
    about: dict[str, str]


class _Part(NamedTuple):
    headers: Message
    body: bytes
    ended: bool  # whether a line of its multipart stands behind it


def is_saved(head: bytes) -> bool:
    """Whether bytes begin with the headers of a page that was saved as a mail."""
    if not re.match(rb"[A-Za-z][A-Za-z-]{0,60}:[ \t]", head.lstrip()[:70]):
        return False
    block = _BLANK.split(head.lstrip(), maxsplit=1)[0]
    return _IS_MAIL.search(block) is not None and _HOLDS_PAGE.search(block) is not None


def page(raw: bytes) -> Web:
    """The page of a saved one; raises Unreadable where there is none, or where it is cut."""
    whole = _part(raw.lstrip(), True)
    found = _main(whole, 0)
    if found is None:
        raise Unreadable("corrupt", error="no part of the saved page is HTML")
    if not found.ended:
        raise Unreadable("truncated", error="the saved page ends within the part that is the page")
    address = whole.headers.get("Snapshot-Content-Location") or found.headers.get(
        "Content-Location"
    )
    about = {"url": address} if address and address.startswith(("http://", "https://")) else {}
    day = _day(whole.headers.get("Date"))
    if day:
        about["date"] = day
    return Web(_decoded(found), found.headers.get("Content-Type"), about)


def _main(part: _Part, depth: int) -> _Part | None:
    """The part that is the page: the one that the mail calls its root, else the first of HTML."""
    if part.headers.get_content_type() in _PAGES:
        return part
    boundary = part.headers.get_boundary()
    if part.headers.get_content_maintype() != "multipart" or not boundary or depth >= _DEEPEST:
        return None
    parts = _parts(part.body, boundary)
    root = str(part.headers.get_param("start") or "").strip(" <>")
    address = part.headers.get("Snapshot-Content-Location")
    for name, wanted in (("Content-ID", root), ("Content-Location", address)):
        named = [one for one in parts if (one.headers.get(name) or "").strip(" <>") == wanted]
        if wanted and named and (found := _main(named[0], depth + 1)) is not None:
            return found
    return next((found for one in parts if (found := _main(one, depth + 1)) is not None), None)


def _parts(body: bytes, boundary: str) -> list[_Part]:
    mark = re.escape(boundary.encode("latin-1", "replace"))
    found = []
    begin: int | None = None
    for line in re.finditer(rb"(?:\A|\r?\n)--" + mark + rb"(--)?[ \t]*(?=\r?\n|\Z)", body):
        if begin is not None:
            found.append(_part(body[begin : line.start()], True))
        begin = None if line[1] else line.end()
        if line[1]:
            return found
        if len(found) > _PARTS:
            raise Unreadable("oversize", limit=_PARTS, of="parts")
    if begin is not None:
        found.append(_part(body[begin:], False))
    return found


def _part(data: bytes, ended: bool) -> _Part:
    data = data.removeprefix(b"\r").removeprefix(b"\n")
    blank = re.match(rb"\r?\n", data) or _BLANK.search(data, 0, _HEADERS)
    end, begin = blank.span() if blank else (len(data), len(data))
    headers = HeaderParser().parsestr(data[: min(end, _HEADERS)].decode("latin-1"))
    kind = headers.get("Content-Type", "")
    if len(kind) > _SETTINGS:
        headers.replace_header("Content-Type", kind[:_SETTINGS])
    return _Part(headers, data[begin:], ended)


def _decoded(part: _Part) -> bytes:
    how = str(part.headers.get("Content-Transfer-Encoding") or "").strip().lower()
    if how == "quoted-printable":
        return quopri.decodestring(part.body)
    if how != "base64":
        return part.body
    try:
        return binascii.a2b_base64(part.body)
    except binascii.Error as error:
        raise Unreadable("corrupt", error=f"the page's Base64 is damaged: {error}") from error


def _day(date: str | None) -> str:
    """YYYY-MM-DD of a mail's date."""
    try:
        return parsedate_to_datetime(date).date().isoformat() if date else ""
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
