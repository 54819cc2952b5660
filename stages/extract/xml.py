"""Dumps in XML: pages of MediaWiki, posts of WordPress, questions of Stack Exchange."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from stages.base import ISOLATION_REASONS, Fault, Item, Part, RowSource
from stages.errors import Unreadable
from stages.extract import file_kinds, files
from stages.extract.packed import archives
from stages.extract.xmldump import mediawiki, stackexchange, wordpress
from stages.place import Place

_HEAD = 1 << 14
_USERS = "Users.xml"


@dataclass(frozen=True)
class XmlExtract(RowSource):
    """Records from dumps of MediaWiki, WordPress (WXR) and Stack Exchange (Posts.xml).

    MediaWiki: the last revision of a page as text, templates, notes and files left out. WordPress:
    posts and pages that are public, without their comments. Stack Exchange: question and answer as
    prompt and completion; the temporary folder holds the file once more while it is read, and
    names come from Users.xml beside it. Compressed files are read as they are.

    answers: of Stack Exchange's, best takes the accepted answer or that of most votes, all makes
        a record of each; default best.
    namespaces: numbers of MediaWiki's namespaces that are read; default: none: that of the
        articles, 0.
    """

    name: ClassVar[str] = "xml"
    libraries: ClassVar[tuple[str, ...]] = ("selectolax",)
    suffixes: ClassVar[tuple[str, ...]] = (".xml", ".wxr")
    usual: ClassVar[tuple[str, ...]] = (
        "markup", "template", "ref", "category", "interwiki", "media", "comment", "heading",
        "formula", "shortcode", "comments", "redirect", "namespace", "other_answer", "unanswered",
        "other_post", "not_a_post", "other_table",
    )  # fmt: skip
    reasons: ClassVar[Mapping[str, str]] = {
        **archives.REASONS,
        **ISOLATION_REASONS,
        **file_kinds.WRONG_KIND,
        "empty": "no bytes, or a table without rows",
        "binary": "the file is not text: a picture, a program, a document of another kind",
        "unknown_root": "XML, but none of MediaWiki, WordPress or Stack Exchange",
        "other_table": "a table of Stack Exchange that holds no questions: Posts.xml does",
        "redirect": "a page that leads to another one",
        "namespace": "a page of a namespace that is not read",
        "not_wikitext": "a page whose content is no wikitext: a script, a style, data",
        "not_a_post": "an item of WordPress that is no post and no page: a file, a menu",
        "not_public": "a post that is a draft, private, in the trash, or behind a password",
        "no_text": "nothing but what is left out",
        "markup": "more tags than a post may have: its cost has no bound",
        "malformed": "a row whose numbers are none",
        "unanswered": "a question without an answer",
        "no_question": "an answer whose question is not in the file",
        "other_answer": "an answer beside the best one; answers=all reads it",
        "other_post": "neither question nor answer: what describes a tag, a moderator's election",
    }
    cuts: ClassVar[Mapping[str, str]] = {
        "markup": "signs of wikitext: brackets, targets of links, attributes of tables, tags",
        "template": "templates of wikitext",
        "ref": "notes with sources",
        "media": "pictures and films with what is written below them",
        "category": "categories: they stand in meta",
        "interwiki": "links to the page in other languages",
        "comment": "comments within wikitext",
        "heading": "headings that nothing follows",
        "formula": "what a formula shows, in whose place its LaTeX stands",
        "unread": "text in elements of HTML that are not read: forms, drawings, frames",
        "shortcode": "codes that WordPress's plugins fill",
        "comments": "readers' comments below a post",
    }

    answers: stackexchange.Answers = "best"
    namespaces: tuple[int, ...] = ()

    def forms(self) -> tuple[str, ...]:
        return ("text", "prompt", "completion")

    def parts(self, path: str, size: int) -> list[Part]:
        root, names, left = files.find(path, archives.packed(self.suffixes))
        parts: list[Part] = []
        waiting: list[str] = []
        for name in names:
            users = str(PurePosixPath(name).with_name(_USERS))
            named_posts = PurePosixPath(name).name.lower().startswith("posts.xml")
            if not named_posts or not (root / users).is_file():
                waiting.append(name)
                continue
            parts += files.bundles(root, waiting, size)
            parts.append(Part(str(root), (name,), detail={"users": users}, beside=(users,)))
            waiting = []
        return parts + files.bundles(root, waiting, size) + files.left_out(root, left)

    def read(self, part: Part) -> Iterator[Item | Fault]:
        users = Path(part.root) / part.detail["users"] if "users" in part.detail else None

        def member(place: Place, stream: archives.Member) -> Iterator[Item | Fault]:
            try:
                yield from self._member(place, stream, users)
            except Unreadable as error:
                if stream.fault is None:
                    yield Fault(place, error.reason, error.evidence)

        return archives.read(part, self.suffixes, member)

    def _member(
        self, place: Place, stream: archives.Member, users: Path | None
    ) -> Iterator[Item | Fault]:
        head = stream.peek(_HEAD)[:_HEAD]
        if (told := file_kinds.binary(head)) is not None:
            yield Fault(place, "binary", told)
        elif not head.strip():
            yield Fault(place, "empty", {"bytes": len(head)}, failed=False)
        elif (told := file_kinds.other(head, self.name)) is not None:
            yield Fault(place, "wrong_kind", told)
        elif (root := file_kinds.root_of(head)) == "mediawiki":
            yield from self._pages(place, stream)
        elif root == "rss":
            yield from _posts(place, stream)
        elif root == "posts":
            yield from stackexchange.items(stream, place, self.answers, users)
        elif root in stackexchange.ROOTS:
            yield Fault(place, "other_table", {"root": root}, failed=False)
        else:
            yield Fault(place, "unknown_root", {"root": root or "none"})

    def _pages(self, place: Place, stream: archives.Member) -> Iterator[Item | Fault]:
        site, number = mediawiki.Site(), 0
        namespaces = frozenset(map(str, self.namespaces or (0,)))
        for found in mediawiki.reader().read(stream):
            if found.name == "siteinfo":
                site = mediawiki.Site.of(found)
                continue
            here = Place(place.path, place.member, found.offset, found.size, found.line)
            yield mediawiki.item(found, site, here, namespaces)
            number += 1
        if not number:
            yield Fault(place, "empty", {"pages": 0}, failed=False)


def _posts(place: Place, stream: archives.Member) -> Iterator[Item | Fault]:
    authors: dict[str, str] = {}
    number = 0
    reader = wordpress.reader()
    for found in reader.read(stream):
        if found.name == "wp:author":
            login = found.values.get("wp:author_login", "").strip()
            authors[login] = found.values.get("wp:author_display_name", "").strip() or login
            continue
        here = Place(place.path, place.member, found.offset, found.size, found.line)
        yield wordpress.item(found, authors, reader.outside, here)
        number += 1
    if not number:
        yield Fault(place, "empty", {"items": 0}, failed=False)
