"""Dumps of MediaWiki, WordPress and Stack Exchange: records, joins, what is told, damage."""

from __future__ import annotations

import bz2
import json
from pathlib import Path
from typing import Any

import pytest

from stages import CsvExtract, HtmlExtract, XmlExtract
from stages.base import Item
from stages.extract.packed.archives import read_at
from stages.place import Place
from tests.cases.xml import SITE, answer, page, post, posts, press, question, wiki


def read(
    path: Path, data: bytes, rejects: list[dict[str, Any]] | None = None, **options: Any
) -> list[dict[str, Any]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    found = list(XmlExtract(**options)(path, [] if rejects is None else rejects))
    return [{**one, "meta": json.loads(one["meta"])} for one in found]


def refused(rejects: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["place"].rpartition("!")[2], one["reason"]) for one in rejects]


# --- MediaWiki ----------------------------------------------------------------------------------


def test_a_page_has_its_title_author_date_licence_and_address(tmp_path: Path) -> None:
    data = wiki(page("Tides &amp; ebb", "'''Tides''' [[Category:Sea]] rise."))
    (one,) = read(tmp_path / "pages.xml", data)
    assert one["text"] == "**Tides** rise."
    assert one["meta"] == {
        "title": "Tides & ebb",
        "url": "https://en.wikipedia.org/wiki/Tides_%26_ebb",
        "author": "Ann",
        "date": "2024-03-01",
        "license": "CC-BY-SA-4.0",
        "language": "en",
        "categories": ["Sea"],
    }
    inside = read_at(tmp_path, Place.parse(one["place"])).decode()
    assert inside.startswith("<page>") and inside.endswith("</page>")
    assert Place.parse(one["place"]).line == 3


def test_a_wiki_of_others_has_no_licence_that_is_not_told(tmp_path: Path) -> None:
    site = SITE.replace("en.wikipedia.org", "wiki.harbour.example")
    (one,) = read(tmp_path / "pages.xml", wiki(page("A", "Text."), site=site))
    assert "license" not in one["meta"] and "language" not in one["meta"]
    (one,) = read(tmp_path / "b.xml", wiki(page("A", "Text."), site=""))
    assert "url" not in one["meta"]


def test_pages_that_are_not_read_are_told(tmp_path: Path) -> None:
    data = wiki(
        page("A", "#REDIRECT [[B]]"),
        page("B", "x", '<redirect title="A" />'),
        page("Talk:A", "Why?", ns=1),
        page("A.css", "a {}", model="css"),
        page("C", "{{stub}}"),
        page("D", "Text."),
    )
    rejects: list[dict[str, Any]] = []
    assert [one["text"] for one in read(tmp_path / "a.xml", data, rejects)] == ["Text."]
    assert [(one["reason"], one["failed"]) for one in rejects] == [
        (reason, False)
        for reason in ("redirect", "redirect", "namespace", "not_wikitext", "no_text")
    ]
    assert json.loads(rejects[2]["evidence"]) == {"namespace": "1", "title": "Talk:A"}
    found = read(tmp_path / "a.xml", data, namespaces=(0, 1))
    assert [one["text"] for one in found] == ["Why?", "Text."]


def test_of_several_revisions_the_last_is_read_and_nothing_of_others(tmp_path: Path) -> None:
    older = (
        "<revision><timestamp>2020-01-01T00:00:00Z</timestamp><contributor>"
        "<username>Zoe</username></contributor><text>Old.</text></revision>"
    )
    newer = page("A", "New.", older).replace("<username>Ann</username>", "<ip>::1</ip>")
    (one,) = read(tmp_path / "a.xml", wiki(newer))
    assert one["text"] == "New." and one["meta"]["author"] == "::1"


def test_compressed_dumps_of_several_streams_are_read(tmp_path: Path) -> None:
    data = wiki(*(page(f"T{n}", f"Text {n}.") for n in range(200)))
    (tmp_path / "a.xml.bz2").write_bytes(bz2.compress(data[:5000]) + bz2.compress(data[5000:]))
    assert len(list(XmlExtract()(tmp_path))) == 200


def test_a_dump_that_ends_or_breaks_gives_what_stands_before(tmp_path: Path) -> None:
    data = wiki(page("A", "One."), page("B", "Two."))
    rejects: list[dict[str, Any]] = []
    assert len(read(tmp_path / "a.xml", data[:-40], rejects)) == 1
    assert [one["reason"] for one in rejects] == ["truncated"]
    rejects = []
    broken = data.replace(b"<title>B", b"<title><B")
    assert len(read(tmp_path / "b.xml", broken, rejects)) == 1
    assert [one["reason"] for one in rejects] == ["corrupt"]
    assert json.loads(rejects[0]["evidence"])["line"] == 10


def test_control_characters_do_not_end_a_dump(tmp_path: Path) -> None:
    data = wiki(page("A", "One.")).replace(b"One.", b"One\x0b more\x02.")
    assert [one["text"] for one in read(tmp_path / "a.xml", data)] == ["One more ."]


# --- WordPress ----------------------------------------------------------------------------------


def test_a_post_is_markdown_with_its_terms(tmp_path: Path) -> None:
    more = (
        '<category domain="category" nicename="sea"><![CDATA[Sea]]></category>'
        '<category domain="post_tag" nicename="tide"><![CDATA[tide]]></category>'
        "<wp:comment><wp:comment_content>First!</wp:comment_content></wp:comment>"
    )
    content = "<!-- wp:heading --><h2>Ebb</h2><!-- /wp:heading --><ul><li>low</li></ul>[gallery]"
    (one,) = read(tmp_path / "a.xml", press(post("On tides", content, more=more)))
    assert one["text"] == "## Ebb\n\n- low"
    assert one["meta"] == {
        "title": "On tides",
        "url": "https://x.org/7",
        "author": "A. Keeper",
        "date": "2024-03-01",
        "language": "en-GB",
        "categories": ["Sea"],
        "tags": ["tide"],
    }
    (item,) = XmlExtract().read(XmlExtract().parts(str(tmp_path / "a.xml"), 1 << 20)[0])
    assert isinstance(item, Item) and item.text is not None
    assert item.text.removed == {"shortcode": len("[gallery]"), "comments": len("First!")}


def test_empty_lines_of_old_posts_divide_paragraphs(tmp_path: Path) -> None:
    content = "One\ntwo.\n\n<strong>Three</strong>.\n\n<pre>a\n\nb</pre>\n\n[note: text]"
    (one,) = read(tmp_path / "a.xml", press(post("A", content)))
    assert one["text"] == "One\n\ntwo.\n\nThree.\n\n```\na\n\nb\n```\n\n[note: text]"


def test_what_is_not_public_or_no_post_is_told(tmp_path: Path) -> None:
    data = press(
        post("A", "x", status="draft"),
        post("B", "x", status="private"),
        post("C", "x", post_password="y"),
        post("D", "x", post_type="nav_menu_item"),
        post("E", "x", post_type="page"),
        post("F", ""),
    )
    rejects: list[dict[str, Any]] = []
    assert len(read(tmp_path / "a.xml", data, rejects)) == 1
    assert [one["reason"] for one in rejects] == [
        *["not_public"] * 3,
        "not_a_post",
        "no_text",
    ]
    assert json.loads(rejects[3]["evidence"])["type"] == "nav_menu_item"


# --- Stack Exchange -----------------------------------------------------------------------------

TALK = posts(
    question(1, "When?", "<p>When is <b>it</b>?</p>", AcceptedAnswerId=4, OwnerUserId=7),
    answer(2, 1, "<p>Never.</p>", Score=9, OwnerDisplayName="Carl"),
    question(3, "Where?", "<pre><code>a\nb</code></pre>", Tags="|sea|"),
    answer(4, 1, "<p>At noon.</p>", OwnerUserId=8, ContentLicense="CC BY-SA 4.0"),
    answer(5, 3, "<p>Here.</p>", Score=1),
    answer(6, 3, "<p>There.</p>", Score=2),
)


def test_a_question_has_its_accepted_or_its_best_answer(tmp_path: Path) -> None:
    rejects: list[dict[str, Any]] = []
    one, two = read(tmp_path / "sea.stackexchange.com" / "Posts.xml", TALK, rejects)
    assert (one["prompt"], one["completion"]) == ("When?\n\nWhen is it?", "At noon.")
    assert (two["prompt"], two["completion"]) == ("Where?\n\n```\na\nb\n```", "There.")
    assert one["place"].endswith("!posts[Id=1]")
    assert refused(rejects) == [("posts[Id=2]", "other_answer"), ("posts[Id=5]", "other_answer")]
    assert one["meta"]["accepted"] is True and two["meta"]["accepted"] is False
    assert (two["meta"]["score"], two["meta"]["answer_score"]) == (3, 2)
    assert two["meta"]["tags"] == ["sea"] and one["meta"]["tags"] == ["sea", "tides"]
    assert one["meta"]["license"] == "CC-BY-SA-4.0"


def test_all_answers_make_a_record_each(tmp_path: Path) -> None:
    rejects: list[dict[str, Any]] = []
    found = read(tmp_path / "Posts.xml", TALK, rejects, answers="all")
    assert [one["completion"] for one in found] == ["At noon.", "Never.", "There.", "Here."]
    assert rejects == [] and len({one["id"] for one in found}) == 4


def test_names_of_users_come_from_the_file_beside(tmp_path: Path) -> None:
    home = tmp_path / "sea.stackexchange.com"
    home.mkdir()
    users = [{"Id": 7, "DisplayName": "Ann"}, {"Id": 8, "DisplayName": "Bob"}]
    (home / "Users.xml").write_bytes(posts(*users, root="users"))
    (home / "Posts.xml").write_bytes(TALK)
    rejects: list[dict[str, Any]] = []
    first = json.loads(next(iter(XmlExtract()(tmp_path, rejects)))["meta"])
    assert first["author"] == "Ann, Bob"
    assert first["url"] == "https://sea.stackexchange.com/questions/1"
    (part,) = (part for part in XmlExtract().parts(str(tmp_path), 1) if "users" in part.detail)
    assert part.beside == ("sea.stackexchange.com/Users.xml",)


@pytest.mark.parametrize(
    ("day", "license_"),
    [("2010-01-01", "2.5"), ("2011-04-08", "3.0"), ("2018-05-01", "3.0"), ("2018-05-02", "4.0")],
)
def test_the_licence_is_that_of_the_day(day: str, license_: str, tmp_path: Path) -> None:
    made = {"CreationDate": f"{day}T00:00:00.000"}
    data = posts(question(1, "A", "x", **made), answer(2, 1, "y", **made))
    (one,) = read(tmp_path / "Posts.xml", data)
    assert one["meta"]["license"] == f"CC-BY-SA-{license_}"


def test_rows_that_make_no_pair_are_told(tmp_path: Path) -> None:
    rejects: list[dict[str, Any]] = []
    rows = [question(1, "A", "x"), answer(2, 9, "y"), {"Id": 3, "PostTypeId": 5, "Body": "z"}]
    rows += [question(4, "B", "x"), answer(5, 4, "<textarea>no</textarea>"), {"Id": "", "Body": ""}]
    assert read(tmp_path / "Posts.xml", posts(*rows), rejects) == []
    assert refused(rejects) == [
        ("posts[Id=3]", "other_post"),
        ("posts[Id=]", "malformed"),
        ("posts[Id=1]", "unanswered"),
        ("posts[Id=4]", "no_text"),
        ("posts[Id=2]", "no_question"),
    ]


def test_what_stands_before_a_damage_is_joined(tmp_path: Path) -> None:
    rejects: list[dict[str, Any]] = []
    found = read(tmp_path / "Posts.xml", TALK[: TALK.index(b'Id="5"')], rejects)
    assert [one["completion"] for one in found] == ["At noon."]
    assert [one["reason"] for one in rejects] == ["other_answer", "unanswered", "truncated"]


def test_a_full_disk_is_not_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    from stages.errors import StageFailed
    from stages.extract.xmldump import stackexchange

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(stackexchange._Store, "joined", full)
    with pytest.raises(StageFailed, match="no room"):
        read(tmp_path / "Posts.xml", TALK)


# --- all ----------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))


@pytest.mark.parametrize(
    ("data", "reason", "told"),
    [
        (f"<!DOCTYPE mediawiki [{LAUGHS}]><mediawiki><page>&l11;".encode(), "corrupt", "an entity"),
        (b'<!DOCTYPE posts [<!ENTITY a SYSTEM "x">]><posts><row a="&a;"/>', "corrupt", "an entity"),
        (b"<mediawiki>" + b"<page>" * 100_000, "corrupt", "nested deeper"),
        (b"<mediawiki>", "truncated", "no XML"),
        (b'<?xml version="1.0" encoding="UTF-9"?><mediawiki/>', "corrupt", "its charset"),
        (b'<?xml version="1.0" encoding="shift_jis"?><mediawiki/>', "corrupt", "its charset"),
        (b"<mediawiki><page></mediawiki>", "corrupt", "no XML"),
    ],
)
def test_hostile_xml_is_refused(data: bytes, reason: str, told: str, tmp_path: Path) -> None:
    rejects: list[dict[str, Any]] = []
    assert read(tmp_path / "a.xml", data, rejects) == []
    assert [one["reason"] for one in rejects] == [reason]
    assert told in json.loads(rejects[0]["evidence"])["error"]


def test_other_stages_name_the_one_that_reads_dumps(tmp_path: Path) -> None:
    for name, data in {
        "a": wiki(page("A", "x")),
        "b": press(post("A", "x")),
        "c": TALK,
    }.items():
        (tmp_path / f"{name}.csv").write_bytes(data)
        found = HtmlExtract().extract(Place(f"{name}.html"), data)
        assert not isinstance(found, Item) and found.evidence["read_by"] == "xml"
    rejects: list[dict[str, Any]] = []
    assert list(CsvExtract()(tmp_path, rejects)) == []
    assert [json.loads(one["evidence"])["read_by"] for one in rejects] == ["xml"] * 3


@pytest.mark.parametrize("data", [wiki(), press(), posts()])
def test_a_dump_without_anything_is_told(data: bytes, tmp_path: Path) -> None:
    rejects: list[dict[str, Any]] = []
    assert read(tmp_path / "a.xml", data, rejects) == []
    assert [(one["reason"], one["failed"]) for one in rejects] == [("empty", False)]
