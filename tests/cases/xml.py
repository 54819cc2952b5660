"""Inputs of the stage xml that reach every reason and every cut."""

from __future__ import annotations

import bz2
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from stages.extract.xml import XmlExtract
from stages.testing import Case
from tests.cases.packed import packed

SITE = (
    "<siteinfo><sitename>Wikipedia</sitename><base>https://en.wikipedia.org/wiki/Main_Page</base>"
    '<namespaces><namespace key="0" case="first-letter" /></namespaces></siteinfo>'
)
PAGE = """{{Infobox|name=Port}}<!-- not shown -->
'''Tides''' are the [[sea level|rise]] of water.<ref>A book.</ref>
[[File:Tide.jpg|thumb|At noon]] The height is <math>h = 2a</math>.
== See also ==
== Notes ==
[[Category:Sea]]
[[de:Gezeiten]]
"""


def page(title: str, text: str, more: str = "", ns: int = 0, model: str = "wikitext") -> str:
    """A page of a dump."""
    return (
        f"  <page>\n    <title>{title}</title>\n    <ns>{ns}</ns>\n    <id>7</id>{more}\n"
        "    <revision><id>8</id><timestamp>2024-03-01T10:00:00Z</timestamp>"
        f"<contributor><username>Ann</username><id>1</id></contributor><model>{model}</model>"
        f'<text bytes="9" xml:space="preserve">{escape(text)}</text></revision>\n  </page>\n'
    )


def wiki(*pages: str, site: str = SITE) -> bytes:
    """A dump of MediaWiki."""
    begin = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11">\n'
    return (begin + site + "\n" + "".join(pages) + "</mediawiki>\n").encode()


def post(title: str, content: str, **values: str) -> str:
    """An item of WordPress's export; values: of wp: elements, and `more`, which is XML."""
    more = values.pop("more", "")
    told = {"post_id": "7", "post_date_gmt": "2024-03-01 10:00:00", "status": "publish"}
    told |= {"post_type": "post", **values}
    inner = "".join(f"<wp:{name}><![CDATA[{value}]]></wp:{name}>" for name, value in told.items())
    return (
        f"<item><title>{escape(title)}</title><link>https://x.org/{told['post_id']}</link>"
        "<dc:creator><![CDATA[ann]]></dc:creator>"
        f"<content:encoded><![CDATA[{content}]]></content:encoded>"
        f"<excerpt:encoded><![CDATA[Short.]]></excerpt:encoded>{inner}{more}</item>\n"
    )


def press(*items: str) -> bytes:
    """An export of WordPress."""
    spaces = (
        'xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/"'
    )
    author = (
        "<wp:author><wp:author_login>ann</wp:author_login>"
        "<wp:author_display_name><![CDATA[A. Keeper]]></wp:author_display_name></wp:author>"
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8" ?>\n<!-- made -->\n<rss version="2.0" {spaces}>\n'
        f"<channel><title>Harbour</title><language>en-GB</language>{author}\n"
        + "".join(items)
        + "</channel></rss>\n"
    ).encode()


def posts(*rows: Mapping[str, object], root: str = "posts") -> bytes:
    """A table of Stack Exchange."""
    made = "".join(
        "  <row " + " ".join(f"{k}={quoteattr(str(v))}" for k, v in row.items()) + " />\n"
        for row in rows
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{root}>\n{made}</{root}>\n'.encode()


def question(number: int, title: str, body: str, **more: object) -> dict[str, object]:
    """A question."""
    told = {"CreationDate": "2024-03-01T10:00:00.000", "Score": 3, "Tags": "<sea><tides>"}
    return {"Id": number, "PostTypeId": 1, **told, "Title": title, "Body": body, **more}


def answer(number: int, parent: int, body: str, **more: object) -> dict[str, object]:
    """An answer."""
    told = {"CreationDate": "2024-03-02T10:00:00.000", "Score": 1}
    return {"Id": number, "PostTypeId": 2, "ParentId": parent, **told, "Body": body, **more}


def cases(folder: Path) -> list[Case]:
    good = folder / "good"
    (good / "sea.stackexchange.com").mkdir(parents=True)
    (good / "pages.xml").write_bytes(
        wiki(page("Tides", PAGE), page("Tide", "#REDIRECT [[Tides]]", '<redirect title="Tides" />'))
    )
    (good / "pages.xml.bz2").write_bytes(bz2.compress(wiki(page("Ebb", "Low water."))))
    comment = "<wp:comment><wp:comment_content>First!</wp:comment_content></wp:comment>"
    content = '<p>Tides [gallery ids="1"] rise.</p><textarea>Name</textarea><math>h</math>'
    formula = '<math alttext="h^2"><mi>h</mi></math>'
    (good / "blog.xml").write_bytes(press(post("A", content + formula, more=comment)))
    home = good / "sea.stackexchange.com"
    (home / "Posts.xml").write_bytes(
        posts(
            question(1, "When?", "<p>When is it?</p>", AcceptedAnswerId=3, OwnerUserId=5),
            answer(2, 1, "<p>Never.</p>", Score=9),
            answer(3, 1, "<p>At noon.</p>"),
        )
    )
    (home / "Users.xml").write_bytes(posts({"Id": 5, "DisplayName": "Ann"}, root="users"))
    kept = {"redirect": 1, "other_answer": 1, "other_table": 1}
    return [
        Case(XmlExtract(), path=str(good), reasons=kept),
        Case(XmlExtract(answers="all"), path=str(home / "Posts.xml")),
        Case(XmlExtract(), path=str(good / "*.bz2"), isolate=True),
        *_refused(folder),
    ]


def _refused(folder: Path) -> list[Case]:
    bad = folder / "bad"
    bad.mkdir()
    pages = [page("Talk:A", "x", ns=1), page("B.js", "x", model="javascript"), page("C", "{{a}}")]
    (bad / "pages.xml").write_bytes(wiki(*pages))
    items = [post("A", "x", status="draft"), post("B", "x", post_type="attachment")]
    items += [post("C", "<b>" * ((1 << 20) + 1))]
    (bad / "blog.xml").write_bytes(press(*items))
    rows = [question(1, "A", "x"), answer(2, 9, "y"), {"Id": 3, "PostTypeId": 4, "Body": "z"}]
    (bad / "Posts.xml").write_bytes(posts(*rows, {"Id": "x", "PostTypeId": 1}))
    (bad / "none.xml").write_bytes(posts())
    (bad / "page.xml").write_text("<!DOCTYPE html>\n<html><body>404</body></html>\n")
    (bad / "feed.xml").write_text("<opml><body/></opml>")
    (bad / "picture.xml").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (bad / "laughs.xml").write_bytes(
        b'<!DOCTYPE mediawiki [<!ENTITY a "aa">]><mediawiki><page>&a;</page></mediawiki>'
    )
    (bad / "gone.xml").symlink_to(bad / "nowhere")
    (bad / "away.xml").symlink_to(folder / "good" / "pages.xml")
    unpacked = packed(bad, ".xml", wiki(page("A", "x" * 999)))
    reasons = ("namespace", "not_wikitext", "no_text", "not_public", "not_a_post", "markup")
    reasons += ("unanswered", "no_question", "other_post", "malformed", "empty", "wrong_kind")
    reasons += ("unknown_root", "binary", "corrupt", "unreadable", "link", *unpacked)
    large = folder / "large.xml"
    with open(large, "wb") as file:
        whole = wiki(page("A", "x" * 100))
        at = whole.index(b"xxxx")
        file.write(whole[:at])
        for _ in range(5):
            file.write(b"tides " * 175_000)
        file.write(whole[at:])
    return [
        Case(XmlExtract(), path=str(bad), reasons=dict.fromkeys(reasons, 1)),
        Case(XmlExtract(), path=str(large), reasons={"oversize": 1}),
    ]
