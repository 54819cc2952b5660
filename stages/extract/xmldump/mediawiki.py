"""Pages of MediaWiki's XML (pages-articles.xml, Special:Export): the last revision of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from stages.base import Fault, Item
from stages.counts import TextCount
from stages.extract.webpage.tree import nonspace
from stages.extract.xmldump.reading import Found, Reader
from stages.extract.xmldump.wikilines import markdown
from stages.place import Place

PAGE = 4 << 20  # characters of a page; the Foundation's wikis allow 2 MB
FORM = "text ← wikitext; meta ← the page's title, last author and date"
# Projects of the Wikimedia Foundation whose text has this licence since June 2023.
_PROJECTS = frozenset(
    ("wikipedia", "wiktionary", "wikibooks", "wikiquote", "wikisource", "wikiversity", "wikivoyage")
)
_LICENSE = "CC-BY-SA-4.0"


def reader() -> Reader:
    """What reads the site and its pages."""
    return Reader(("siteinfo", "page"), limit=PAGE)


@dataclass(frozen=True)
class Site:
    """What a dump says of its wiki: where pages are, the licence, the language."""

    base: str = ""
    license: str = ""
    language: str = ""

    @classmethod
    def of(cls, found: Found) -> Site:
        """The site of `siteinfo`."""
        main = found.values.get("base", "")
        host = (urlsplit(main).hostname or "").split(".")
        known = len(host) == 3 and host[1] in _PROJECTS and host[2] == "org"
        return cls(
            main.rpartition("/")[0],
            _LICENSE if known else "",
            host[0] if known else "",
        )

    def meta(self, found: Found) -> dict[str, Any]:
        """What a page's record says of it."""
        values = found.values
        title = values.get("title", "").strip()
        author = values.get("revision/contributor/username") or values.get(
            "revision/contributor/ip", ""
        )
        url = f"{self.base}/{quote(title.replace(' ', '_'), safe='/:(),')}" if self.base else ""
        told = {
            "title": title,
            "url": url,
            "author": author.strip(),
            "date": values.get("revision/timestamp", "")[:10],
            "license": self.license,
            "language": self.language,
        }
        return {key: value for key, value in told.items() if value}


def item(found: Found, site: Site, place: Place, namespaces: frozenset[str]) -> Item | Fault:
    """The record of a page, or why there is none."""
    values = found.values
    source = values.get("revision/text", "")
    title = values.get("title", "").strip()
    raw = f"{title}\n{source}".encode("utf-8", "surrogatepass")
    size = nonspace(source)

    def dropped(reason: str, **told: Any) -> Fault:
        return Fault(place, reason, {"title": title, **told}, source, False, raw, size)

    if found.oversize:
        told = {"title": title, "limit": PAGE, "of": "characters of a page"}
        return Fault(place, "oversize", told, raw=raw)
    namespace = values.get("ns", "0").strip()
    if namespace not in namespaces:
        return dropped("namespace", namespace=namespace)
    if "redirect" in values or source.lstrip()[:9].upper() == "#REDIRECT":
        return dropped("redirect")
    model = values.get("revision/model", "wikitext")
    if model != "wikitext":
        return dropped("not_wikitext", model=model)
    made = markdown(source)
    if not made.markdown:
        return dropped("no_text")
    meta = site.meta(found)
    if made.categories:
        meta["categories"] = list(dict.fromkeys(made.categories))
    count = TextCount(
        made.kept + sum(made.removed.values()),
        made.kept,
        len(made.markdown) - made.kept,
        made.removed,
    )
    return Item(place, raw, [{"text": made.markdown, "meta": meta}], FORM, count)
