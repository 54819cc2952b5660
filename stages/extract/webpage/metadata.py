"""What a page says of itself: title, author, date, language, URL, description, site, types."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_TITLE = ("og:title", "twitter:title", "dc.title", "title", "headline")
_AUTHOR = ("author", "article:author", "dc.creator", "parsely-author", "byl", "sailthru.author")
_DATE = (
    *("article:published_time", "datepublished", "date", "dc.date", "dc.date.issued", "pubdate"),
    *("publishdate", "parsely-pub-date", "sailthru.date", "publish-date", "og:published_time"),
)
_DESCRIPTION = ("description", "og:description", "twitter:description", "dc.description")
_SITE = ("og:site_name", "application-name", "apple-mobile-web-app-title")
_ISO = re.compile(r"\b((?:19|20)\d\d)-(\d\d?)-(\d\d?)(?!\d)")
_SEPARATED = re.compile(r"\s+[|\-–—·•»:]+\s+|\s*\|\s*")
_LD_BYTES = 1 << 20
_LD_NODES = 2000
_LONGEST = 500  # characters of a value


@dataclass
class Metadata:
    """Empty strings where the page says nothing. types: of schema.org, and Open Graph's.

    accepted: how the answer begins that JSON-LD says is accepted."""

    title: str = ""
    author: str = ""
    date: str = ""
    language: str = ""
    url: str = ""
    description: str = ""
    site: str = ""
    types: set[str] = field(default_factory=set)
    generator: str = ""
    accepted: str = ""

    def as_dict(self) -> dict[str, str]:
        """What is known, for a record's `meta`."""
        names = ("title", "author", "date", "language", "url", "description", "site")
        return {name: value for name in names if (value := getattr(self, name))}


def metadata_of(document: Any) -> Metadata:
    """Read what stands in the head, in JSON-LD and in marked elements."""
    named: dict[str, str] = {}
    for node in document.css("meta"):
        attributes = node.attributes
        content = attributes.get("content")
        key = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        if content and key and len(named) < 500:
            named.setdefault(key.strip().lower(), _clean(content))
    linked: dict[str, Any] = {"types": set()}
    for node in document.css('script[type="application/ld+json"]'):
        _linked_data(node.text() or "", linked)
    found = Metadata(types=linked["types"])
    if named.get("og:type"):
        found.types.add("og:" + named["og:type"].lower().removeprefix("og:"))
    found.accepted = linked.get("accepted", "")
    found.generator = named.get("generator", "").lower()
    found.site = _first(named, _SITE) or linked.get("site", "")
    found.title = _title(document, named, linked, found.site)
    found.author = _author(document, named, linked)
    found.date = _date(document, named, linked)
    found.description = _first(named, _DESCRIPTION)
    root = document.css_first("html")
    language = root.attributes.get("lang") or root.attributes.get("xml:lang") if root else None
    language = language or named.get("og:locale") or named.get("content-language") or ""
    if re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", language.strip()):
        found.language = language.strip().replace("_", "-")
    canonical = document.css_first('link[rel="canonical"]')
    href = canonical.attributes.get("href") if canonical is not None else None
    url = _clean(href or "") or named.get("og:url", "")
    found.url = url if url.startswith(("http://", "https://")) else ""
    return found


def _clean(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def _first(named: dict[str, str], keys: tuple[str, ...]) -> str:
    return next((named[key] for key in keys if named.get(key)), "")


def _title(document: Any, named: dict[str, str], linked: dict[str, Any], site: str) -> str:
    node = document.css_first("head > title") or document.css_first("title")
    title = _clean(node.text() or "") if node is not None else ""
    headings = [_clean(node.text() or "") for node in document.css("h1")[:3]]
    headings = [heading for heading in headings if heading]
    # the h1 when the page's title begins with it: without the site's name and slogans
    for heading in headings:
        if len(heading) > 3 and heading.lower() in title.lower():
            return heading
    told = linked.get("headline") or _first(named, _TITLE)
    if told:
        parts = _SEPARATED.split(told)
        if site and len(parts) > 1 and parts[-1].lower() == site.lower():
            told = told[: told.rfind(parts[-1])].rstrip(" |-–—·•»:")
        return told
    if len(headings) == 1:
        return headings[0]
    if title:
        parts = _SEPARATED.split(title)
        return max(parts, key=len) if len(parts) > 1 else title
    return headings[0] if headings else ""


def _author(document: Any, named: dict[str, str], linked: dict[str, Any]) -> str:
    for value in (linked.get("author", ""), _first(named, _AUTHOR)):
        if value and not value.startswith(("http://", "https://", "@")):
            return str(value)
    for rule in ('[itemprop="author"]', '[rel="author"]', ".author-name", ".byline-name"):
        node = document.css_first(rule)
        text = _clean(node.text(separator=" ") or "") if node is not None else ""
        if 2 < len(text) < 60:
            return re.sub(r"^(?:by|von|par|por|di)\s+", "", text, flags=re.IGNORECASE)
    return ""


def _date(document: Any, named: dict[str, str], linked: dict[str, Any]) -> str:
    values = [linked.get("date", ""), *(named.get(key, "") for key in _DATE)]
    for rule in ('[itemprop="datePublished"]', "time[pubdate]", "time[datetime]"):
        node = document.css_first(rule)
        if node is not None:
            values.append(node.attributes.get("datetime") or node.attributes.get("content") or "")
    for value in values:
        match = _ISO.search(value or "")
        if match and 1 <= int(match[2]) <= 12 and 1 <= int(match[3]) <= 31:
            return f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}"
    return ""


def _linked_data(text: str, found: dict[str, Any]) -> None:
    """Types, headline, author and date of JSON-LD, which may be broken or hostile."""
    if len(text) > _LD_BYTES or max(text.count("["), text.count("{")) > _LD_NODES:
        return
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(reversed(item))
        if not isinstance(item, dict):
            continue
        kinds = item.get("@type")
        kinds = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
        kinds = [str(kind).lower() for kind in kinds if isinstance(kind, str)]
        found["types"].update(kinds)
        for key in ("@graph", "mainEntity", "mainEntityOfPage", "itemListElement"):
            if isinstance(item.get(key), list | dict):
                stack.append(item[key])
        answer = item.get("acceptedAnswer")
        answer = answer[0] if isinstance(answer, list) and answer else answer
        if isinstance(answer, dict) and isinstance(answer.get("text"), str):
            found.setdefault("accepted", _clean(answer["text"]))
        if any(kind.endswith(("article", "posting", "report", "webpage")) for kind in kinds):
            _article(item, found)
        if "website" in kinds and isinstance(item.get("name"), str):
            found.setdefault("site", _clean(item["name"]))


def _article(item: dict[str, Any], found: dict[str, Any]) -> None:
    for key, name in (("headline", "headline"), ("datePublished", "date")):
        if isinstance(item.get(key), str) and item[key].strip():
            found.setdefault(name, _clean(item[key]))
    authors = item.get("author")
    authors = authors if isinstance(authors, list) else [authors]
    names = [one.get("name") if isinstance(one, dict) else one for one in authors]
    clean = [_clean(name) for name in names if isinstance(name, str) and name.strip()]
    if clean:
        found.setdefault("author", ", ".join(clean[:5]))
