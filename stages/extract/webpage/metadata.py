"""What a page says of itself: title, author, date, language, URL, description, site, types."""

from __future__ import annotations

import html
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
# What stands before a day or a name, and where both stand on pages that mark neither.
_BY = re.compile(
    r"^(?:(?:(?:posted|written|published|words|story|article)?\s*\bby\b|author|autor|von|par|por|di"
    r"|text)\s*:?\s+)+",
    re.IGNORECASE,
)
# Rule → letters without any of which it can match nothing.
_WRITERS = {
    '[itemprop="author"], [rel~="author"]': ("uthor",),
    ".author-name, .byline-name, .byline__name, .author a, .byline a, .post-author a"
    ", .entry-author a, .article-author, .author, .byline, .post-author": ("uthor", "yline"),
    '[class*="author-name"], [class*="authorName"], [class*="AuthorName"], [class*="author__name"]'
    ', a[href*="/author/"], a[href*="/authors/"]': ("uthor",),
}
_MARKED: dict[str, tuple[str, ...]] = {
    '[itemprop="datePublished"]': ("ublished",),
    "time[pubdate]": ("pubdate",),
    "time[datetime]": ("<time",),
}
_DATED = {
    "time, .entry-date, .post-date, .published": ("<time", "-date", "ublished"),
    ".date, .publish-date, .byline, .post-meta, [class*=date]": ("date", "yline", "post-meta"),
}
_NO_TEXT = ("script", "style", "template", "noscript")
_ABOVE, _BESIDE = 2, 200  # elements around a heading; characters from their begin
_SHORT = 60  # characters in which a date stands
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = r"\b((?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\.?"
_MONTH_FIRST = re.compile(_NAMES + r"\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+((?:19|20)\d\d)\b", re.I)
_DAY_FIRST = re.compile(
    r"\b(\d{1,2})(?:st|nd|rd|th)?\s+" + _NAMES + r",?\s+((?:19|20)\d\d)\b", re.I
)
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:T?\d{4,6}Z?)?")
_WORDS = re.compile(r"\w+")
_LD_BYTES = 1 << 20
_LD_NODES = 2000
_TRIED = 6  # elements that may hold a name
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


class _Source:
    """A page's HTML, and which words stand in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[str, bool] = {}

    def has(self, words: tuple[str, ...]) -> bool:
        """Whether any of the words stands there."""
        for word in words:
            if word not in self._known:
                self._known[word] = word in self._text
            if self._known[word]:
                return True
        return False


def metadata_of(document: Any, text: str) -> Metadata:
    """Read what stands in the head, in JSON-LD and in marked elements.

    text: the HTML that the document was made of, which says sooner what is not in it.
    """
    source = _Source(text)
    named: dict[str, str] = {}
    tagged: dict[str, list[Any]] = {"meta": [], "h1": [], "script": []}
    for node in document.css("meta, h1, script"):  # one walk for all
        tagged[node.tag].append(node)
    for node in tagged["meta"]:
        attributes = node.attributes
        content = attributes.get("content")
        key = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        if content and key and len(named) < 500:
            named.setdefault(key.strip().lower(), _clean(content))
    linked: dict[str, Any] = {"types": set()}
    for node in tagged["script"]:
        if (node.attributes.get("type") or "").lower() == "application/ld+json":
            _linked_data(node.text() or "", linked)
    found = Metadata(types=linked["types"])
    if named.get("og:type"):
        found.types.add("og:" + named["og:type"].lower().removeprefix("og:"))
    found.accepted = linked.get("accepted", "")
    found.generator = named.get("generator", "").lower()
    found.site = _first(named, _SITE) or linked.get("site", "")
    found.title = _title(document, tagged["h1"], named, linked, found.site)
    found.author = _author(document, source, named, linked)
    found.date = _date(document, source, named, linked)
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


def _title(
    document: Any, h1: list[Any], named: dict[str, str], linked: dict[str, Any], site: str
) -> str:
    node = document.css_first("head > title") or document.css_first("title")
    title = _clean(node.text() or "") if node is not None else ""
    told = _clean(html.unescape(linked.get("headline") or _first(named, _TITLE)))
    headings = [_clean(node.text() or "").rstrip(" ¶#§") for node in h1[:6]]
    headings = [heading for heading in headings if heading and not _is_site(heading, title, site)]
    # the h1 when the page's title begins with it: without the site's name and slogans
    for heading in headings:
        if len(heading) > 3 and _plain(heading) in _plain(title):
            written = (told, *_SEPARATED.split(title))  # in the signs of a keyboard
            return next((one for one in written if _plain(one) == _plain(heading)), heading)
    if len(headings) == 1 and not told:
        return headings[0]
    return _without_site(told or title, site) or (headings[0] if headings else "")


def _plain(text: str) -> str:
    return " ".join(_WORDS.findall(text.lower()))


def _is_site(heading: str, title: str, site: str) -> bool:
    """Whether a heading is the name of the site, as which it ends the page's title."""
    name = _plain(heading)
    if name in ("home", "", _plain(site)):
        return True
    parts = [_plain(part) for part in _SEPARATED.split(title)]
    return len(parts) > 1 and parts[-1] == name and parts[0] != name


def _without_site(told: str, site: str) -> str:
    """A title without the name of the site and slogans before or behind it."""
    parts = _SEPARATED.split(told)
    if len(parts) < 2:
        return told
    if site and _plain(parts[-1]) == _plain(site):
        return told[: told.rfind(parts[-1])].rstrip(" |-–—·•»:")
    return parts[0] if len(parts[0]) > 3 else max(parts, key=len)


def _author(document: Any, source: _Source, named: dict[str, str], linked: dict[str, Any]) -> str:
    for value in (linked.get("author", ""), _first(named, _AUTHOR)):
        if name := _name(str(value)):
            return name
    for rule, told in _WRITERS.items():
        if not source.has(told):
            continue
        for node in document.css(rule)[:_TRIED]:
            inner = node.css_first('[itemprop="name"]') or node.css_first('a[href]:not([href=""])')
            for one in (inner, node):
                text = _clean(one.text(separator=" ") or "") if one is not None else ""
                if 2 < len(text) < 60 and (name := _name(text)):
                    return name
    return ""


def _name(text: str) -> str:
    """A name without what stands before it; empty for an address or what is no name."""
    text = _BY.sub("", _clean(html.unescape(text)))
    if text.startswith(("http://", "https://", "www.", "@")) or not any(map(str.isalpha, text)):
        return ""
    return text


def _date(document: Any, source: _Source, named: dict[str, str], linked: dict[str, Any]) -> str:
    values = (linked.get("date", ""), *(named.get(key, "") for key in _DATE))
    return next((day for value in values if (day := _day(value or ""))), "") or _shown(
        document, source
    )


def _shown(document: Any, source: _Source) -> str:
    """The day in the elements that are marked or named as a date, else beside the heading."""
    for rule, told in _MARKED.items():
        node = document.css_first(rule) if source.has(told) else None
        if node is not None:
            value = node.attributes.get("datetime") or node.attributes.get("content") or ""
            if day := _day(value):
                return day
    for rule, told in _DATED.items():
        node = document.css_first(rule) if source.has(told) else None
        if node is not None and (day := _day(_clean(node.text(separator=" ") or "")[:_SHORT])):
            return day
    around = document.css_first("h1")
    for _ in range(_ABOVE):
        around = around.parent if around is not None else None
        if around is None or around.tag in ("body", "html"):
            break
        if day := _day(_opening(around)):
            return day
    return ""


def _opening(element: Any) -> str:
    """How the text of an element begins; all of it may be the page's."""
    pieces: list[str] = []
    size = 0
    for node in element.traverse(include_text=True):
        if node.is_text_node and node.parent.tag not in _NO_TEXT:
            pieces += (node.text_content or "").split()
            size = sum(map(len, pieces)) + len(pieces)
            if size > _BESIDE:
                break
    return " ".join(pieces)[:_BESIDE]


def _day(text: str) -> str:
    """YYYY-MM-DD of a date as ISO writes it or with the name of its month; empty for others."""
    if match := _ISO.search(text) or _COMPACT.fullmatch(text.strip()):
        year, month, day = int(match[1]), int(match[2]), int(match[3])
    elif match := _MONTH_FIRST.search(text):
        year, month, day = int(match[3]), _month(match[1]), int(match[2])
    elif match := _DAY_FIRST.search(text):
        year, month, day = int(match[3]), _month(match[2]), int(match[1])
    else:
        return ""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return ""
    return f"{year}-{month:02}-{day:02}"


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


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
