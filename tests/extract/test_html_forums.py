"""Pages of forums and of questions as conversations: every post, in order, by whom it is."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stages.extract.html import HtmlExtract
from stages.extract.webpage.page import page
from stages.gather import Fault, Item
from stages.place import Place
from tests.clock import seconds
from tests.extract.making_forums import ADVERT, ENGINES, SIGNED, Topic, Written
from tests.extract.test_html_account import account

PLACE = Place("topic.html")
TITLE = "How deep is the harbour at ebb"
FOUR = [
    Written(
        "Ada", "The chart tells three fathoms, and I touched ground at two. Which one is right?"
    ),
    Written(
        "Bruno", "Charts count from the lowest tide of the year, so wait for the tables of March."
    ),
    Written(
        "Ada",
        "I did so, and the lead still finds mud a fathom above the printed number.",
    ),
    Written(
        "Cleo", "The winter storms moved the bar; the new survey is on the wall of the office."
    ),
]
QUOTED = [
    FOUR[0],
    replace(FOUR[1], quoted=("Ada", "I touched ground at two")),
    replace(FOUR[2], quoted=("Bruno", "Charts count from the lowest tide")),
    FOUR[3],
]
SEVERAL = [
    *FOUR[:2],
    Written(
        "Dora", "Mine draws nine feet and never touched anything but weed near the second buoy."
    ),
    Written(
        "Emil", "Ask the pilot, who sounds it each Monday and writes it on the slate at the inn."
    ),
    FOUR[2],
    FOUR[3],
    Written(
        "Ada", "Found the survey, thank you all; the bar has grown by a fathom since the autumn."
    ),
]
GONE = [*FOUR[:2], Written("Emil", "XX", deleted=True), *FOUR[2:]]
SOLVED = [FOUR[0], FOUR[1], replace(FOUR[3], accepted=True)]
VARIANTS = {
    "plain": Topic(TITLE, FOUR),
    "extras": Topic(TITLE, QUOTED, extras=True),
    "several": Topic(TITLE, SEVERAL, extras=True),
    "deleted": Topic(TITLE, GONE),
}
PAGES = [(engine, variant) for engine in ENGINES for variant in VARIANTS]


def read(engine: str, topic: Topic, **parameters: Any) -> Item | Fault:
    return HtmlExtract(**parameters).extract(PLACE, ENGINES[engine](topic).encode())


def test_there_are_enough_pages() -> None:
    assert len(PAGES) >= 60


@pytest.mark.parametrize(("engine", "variant"), PAGES)
def test_every_post_is_there_once_in_order_and_by_whom_it_is(engine: str, variant: str) -> None:
    topic = VARIANTS[variant]
    posts = [one for one in topic.posts if not one.deleted]
    found = read(engine, topic)
    assert isinstance(found, Item) and found.form.startswith("messages ← "), found
    if engine == "stackexchange":
        assert len(found.records) == len(posts) - 1
        pairs = [record["messages"] for record in found.records]
        assert all(TITLE in pair[0]["content"] for pair in pairs)
        assert all(posts[0].text in pair[0]["content"] for pair in pairs)
        answers = [pair[1]["content"] for pair in pairs]
        assert all(one.text in said for one, said in zip(posts[1:], answers, strict=True))
    else:
        (record,) = found.records
        turns = [(m["role"], m["content"]) for m in record["messages"]]
        assert all(a[0] != b[0] for a, b in itertools.pairwise(turns))
        assert turns[0][1].startswith(TITLE)
        at = (0, 0)
        for one in posts:
            role = "user" if one.writer == "Ada" else "assistant"
            here = next(
                (number, said.index(one.text))
                for number, (who, said) in enumerate(turns)
                if who == role and one.text in said
            )
            assert here >= at, one
            assert one.writer in record["meta"]["authors"][here[0]]
            at = here
    everything = str(found.records)
    for noise in (SIGNED, ADVERT, "Click to expand", "A Commenter", "Members", "Skipper", "XX"):
        assert noise not in everything
    assert TITLE in found.records[0]["meta"]["title"]


@pytest.mark.parametrize(("engine", "variant"), PAGES)
def test_the_text_of_a_topic_is_kept_or_left_out_for_a_reason(engine: str, variant: str) -> None:
    data = ENGINES[engine](VARIANTS[variant]).encode()
    for stage in (HtmlExtract(), HtmlExtract(format="text"), HtmlExtract(conversations="text")):
        assert account(stage, data) is not None


@pytest.mark.parametrize("engine", sorted(ENGINES.keys() - {"reddit"}))
def test_a_later_page_of_a_topic_stays_text(engine: str) -> None:
    topic = replace(VARIANTS["plain"], page=2)
    found = read(engine, topic)
    assert isinstance(found, Item) and found.form.startswith("text ← its main part")
    refused = read(engine, topic, conversations="messages")
    assert isinstance(refused, Fault) and refused.reason == "no_conversation"
    assert not refused.failed


@pytest.mark.parametrize("engine", ["stackexchange", "discourse", "xenforo"])
def test_an_accepted_answer_is_marked(engine: str) -> None:
    found = read(engine, Topic(TITLE, SOLVED))
    assert isinstance(found, Item)
    told = [record["meta"]["accepted"] for record in found.records]
    assert told == ([False, True] if engine == "stackexchange" else [1])


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_what_one_person_says_alone_stays_text(engine: str) -> None:
    alone = [replace(one, writer="Ada") for one in FOUR]
    topic = Topic(TITLE, alone[:1] if engine == "stackexchange" else alone)
    found = read(engine, topic)
    assert isinstance(found, Item) and "text" in found.records[0]


def test_as_text_a_topic_is_what_it_was() -> None:
    found = read("xenforo", VARIANTS["plain"], conversations="text")
    assert isinstance(found, Item) and found.form.startswith("text ← its main part")
    assert all(one.text in found.records[0]["text"] for one in FOUR)


def test_an_article_is_no_conversation(tmp_path: Path) -> None:
    body = "".join(f"<p>{one.text}</p>" for one in FOUR)
    comments = "".join(
        f"<li class=comment><b class=author>{one.writer}</b><div class=comment-body>{one.text}"
        "</div>"
        for one in SEVERAL
    )
    data = f"<article><h1>{TITLE}</h1>{body}</article><ol class=comments>{comments}</ol>".encode()
    (tmp_path / "a.html").write_bytes(data)
    (kept,) = HtmlExtract()(tmp_path)
    assert "text" in kept
    rejects: list[Any] = []
    assert not list(HtmlExtract(conversations="messages")(tmp_path, rejects))
    assert [reject["reason"] for reject in rejects] == ["no_conversation"]


def test_a_link_that_was_posted_is_answered_by_the_comments() -> None:
    rows = "".join(
        "<tr class='athing comtr'><td><span class=comhead><a href='user?id=x' class=hnuser>"
        f"{one.writer}</a></span><div class=comment><div class='commtext c00'>{one.text}</div>"
        "</div></td></tr>"
        for one in FOUR[1:]
    )
    data = (
        f"<title>{TITLE}</title><table class=fatitem><tr><td><span class=titleline><a href=x>"
        f"{TITLE}</a></span></td></tr><tr><td>by <a href='user?id=a' class=hnuser>Ada</a></td></tr>"
        "</table>"
        f"<table class=comment-tree>{rows}</table>"
    )
    found = HtmlExtract().extract(PLACE, data.encode())
    assert isinstance(found, Item)
    said = [(m["role"], m["content"]) for m in found.records[0]["messages"]]
    assert said[0] == ("user", TITLE)
    assert said[1:] == [
        ("assistant", FOUR[1].text),
        ("user", FOUR[2].text),
        ("assistant", FOUR[3].text),
    ]


def test_posts_keep_their_structure_and_no_list_around_them_makes_them_items() -> None:
    inner = "<p>Two ways:</p><ul><li>wait<ul><li>long</ul><li>row</ul><pre>ebb = 2\n  x</pre>"
    topic = Topic(TITLE, [FOUR[0], Written("Bruno", inner)])
    for engine in ("xenforo1", "vbulletin4", "bbpress", "phpbb"):
        found = read(engine, topic)
        assert isinstance(found, Item)
        said = found.records[0]["messages"][1]["content"]
        assert said == "Two ways:\n\n- wait\n    - long\n- row\n\n```\nebb = 2\n  x\n```", engine


def test_the_account_holds_for_what_stands_where_a_post_was() -> None:
    data = ENGINES["reddit"](VARIANTS["deleted"]).encode()
    found = HtmlExtract().extract(PLACE, data)
    assert isinstance(found, Item) and found.text is not None
    assert found.text.removed["deleted"] == len("[removed]")


def test_a_selector_and_conversations_contradict_each_other() -> None:
    stage = HtmlExtract(selector="p", conversations="messages")
    assert any("selector" in told for told in stage.contradictions())


WORST = {
    "posts within posts": lambda n: "<div class=cooked>a" * n,
    "writers within one another": lambda n: (
        "<div class=author>" * n + "<div class=cooked>a</div>" + "<div class=username>b</div>" * n
    ),
    "posts deep in a line": lambda n: (
        "<span class=author>" * n + "<span class=postbody>a</span><p class=name>b</p>" * n
    ),
    "many posts": lambda n: "<blockquote><ul>" * 99 + "<div class=cooked>a</div><b>c</b>" * n,
    "many names": lambda n: "".join(f"<p id=comments{k} class=x{k}>a</p>" for k in range(n)),
    "answers within answers": lambda n: (
        "<div itemprop=acceptedAnswer>" * n + "<div class=cooked>a</div>" * 9
    ),
    "numbers of pages": lambda n: "<div class='page current'>" * n + "3<br>" * n,
}


@pytest.mark.parametrize("name", sorted(WORST))
def test_the_posts_of_a_page_are_looked_for_in_time_by_its_size(name: str) -> None:
    def cost(times: int) -> float:
        data = ("<body class=discourse>" + WORST[name](times)).encode()
        return seconds(lambda: page(data, conversations=True))

    small = min(cost(2_000) for _ in range(2))
    assert cost(8_000) < 8 * small + 0.05


def test_a_rule_of_underscores_that_says_something_ends_no_post() -> None:
    long = "The chart tells three fathoms, and I touched ground at two, which is the lowest."
    code = "________ test_depth ________\nassert 2 == 3"
    said = f"<p>{long}</p><pre>{code}</pre><p>________ is what it lacks</p>"
    posts = "".join(
        f"<div class=post><div class=author><a class=username href=/members/{who}>{who}</a></div>"
        f"<div class=postcontent>{said}<div>____________<br>{SIGNED}</div></div></div>"
        for who in ("ada", "bruno")
    )
    head = f"<title>{TITLE}</title><meta name=generator content='vBulletin 4'>"
    found = page(
        f"<html><head>{head}</head><body>{posts}</body></html>".encode(), conversations=True
    )
    assert found.thread is not None
    for post in found.thread.posts:
        assert [block.text for block in post.blocks] == [long, code, "________ is what it lacks"]
