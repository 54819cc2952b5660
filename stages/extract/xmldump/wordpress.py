"""Posts and pages of WordPress's export (WXR), whose content is HTML."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from stages.base import Fault, Item
from stages.errors import Unreadable
from stages.extract.webpage.tree import nonspace
from stages.extract.xmldump import html_text
from stages.extract.xmldump.reading import Found, Reader
from stages.place import Place

POST = 4 << 20  # characters of a post with its comments
FORM = "text ← content:encoded; meta ← the post's title, author, date and link"
_SPACES = (
    ("wordpress.org/export/1.2/excerpt", "excerpt"),
    ("wordpress.org/export/1.1/excerpt", "excerpt"),
    ("wordpress.org/export/1.0/excerpt", "excerpt"),
    ("wordpress.org/export/", "wp"),
    ("purl.org/rss/1.0/modules/content", "content"),
    ("purl.org/dc/elements", "dc"),
)
_COMMENT = "wp:comment/wp:comment_content"
_TYPES = ("post", "page")


def reader() -> Reader:
    """What reads authors and items."""
    return Reader(("wp:author", "item"), ("category", _COMMENT), _SPACES, limit=POST)


def item(
    found: Found, authors: Mapping[str, str], outside: Mapping[str, str], place: Place
) -> Item | Fault:
    """The record of an item, or why there is none. authors: login → name."""
    values = found.values
    content = values.get("content:encoded", "")
    title = values.get("title", "").strip()
    raw = f"{values.get('wp:post_id', '')}\n{title}\n{content}".encode("utf-8", "surrogatepass")
    size = nonspace(content)

    def dropped(reason: str, **told: Any) -> Fault:
        return Fault(place, reason, {"title": title, **told}, content, False, raw, size)

    if found.oversize:
        limit = {"title": title, "limit": POST, "of": "characters of a post"}
        return Fault(place, "oversize", limit, raw=raw)
    kind, status = values.get("wp:post_type", "post"), values.get("wp:status", "publish")
    if kind not in _TYPES:
        return dropped("not_a_post", type=kind)
    if status != "publish" or values.get("wp:post_password", "").strip():
        return dropped("not_public", status=status if status != "publish" else "password")
    try:
        made = html_text.post(content)
    except Unreadable as error:
        return Fault(place, error.reason, {"title": title, **error.evidence}, content, raw=raw)
    if not made.markdown:
        return dropped("no_text")
    comments = sum(nonspace(text) for _, text in found.lists.get(_COMMENT, ()))
    if comments:
        made.removed["comments"] = comments
    login = values.get("dc:creator", "").strip()
    told: dict[str, Any] = {
        "title": title,
        "url": values.get("link", "").strip(),
        "author": authors.get(login, login),
        "date": _date(values),
        "language": outside.get("language", ""),
        "license": outside.get("copyright", ""),
        "categories": _terms(found, "category"),
        "tags": _terms(found, "post_tag"),
    }
    meta = {key: value for key, value in told.items() if value}
    record = {"text": made.markdown, "meta": meta}
    return Item(place, raw, [record], FORM, made.account(len(made.markdown)))


def _terms(found: Found, domain: str) -> list[str]:
    listed = found.lists.get("category", ())
    return [text.strip() for told, text in listed if told.get("domain") == domain and text.strip()]


def _date(values: Mapping[str, str]) -> str:
    for key in ("wp:post_date_gmt", "wp:post_date"):
        day = values.get(key, "").strip()[:10]
        try:
            return datetime.date.fromisoformat(day).isoformat()
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(values.get("pubDate", "")).date().isoformat()
    except (ValueError, TypeError, IndexError):
        return ""
