"""A forum's topics in JSON: the talks that its pages give, and every post is somewhere."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import CsvExtract, HtmlExtract, JsonlExtract
from stages.errors import Unreadable
from stages.extract.forms import Names
from stages.extract.topics import Topics
from tests.extract.making_forums import Topic, Written, discourse

Post = dict[str, Any]
WRITTEN = [
    Written("ann", "Which rope holds a buoy of two tonnes, and for how long?"),
    Written("bob", "Twisted nylon of thirty millimetres, for some five years."),
    Written("ann", "Thank you, that is what the chandler said as well."),
    Written("carl", "Chain outlasts any rope.", quoted=("bob", "for some five years")),
]


def post(number: int, writer: str, text: str, **more: Any) -> Post:
    told = {"id": 90 + number, "username": writer, "post_number": number, "post_type": 1}
    return {**told, "cooked": f"<p>{text}</p>", "topic_id": 7, "avatar_template": "/a/1", **more}


def topic(*posts: Post, **more: Any) -> dict[str, Any]:
    stream = {"posts": list(posts), "stream": [one["id"] for one in posts]}
    return {"post_stream": stream, "title": "Rope for a buoy", "id": 7, "views": 12, **more}


def posts_of(written: list[Written]) -> list[Post]:
    quote = "<aside class=quote><div class=title>{}:</div><blockquote>{}</blockquote></aside>"
    made = []
    for number, one in enumerate(written, 1):
        made.append(post(number, one.writer, one.text))
        if one.quoted:
            made[-1]["cooked"] = quote.format(*one.quoted) + made[-1]["cooked"]
    return made


def read(
    folder: Path, value: Any, name: str = "7.json", **parameters: Any
) -> tuple[list[Any], list[Any]]:
    path = folder / name
    text = value if isinstance(value, str) else json.dumps(value, indent=1)
    path.write_text(text)
    rejects: list[dict[str, Any]] = []
    return list(JsonlExtract(**parameters)(path, rejects)), rejects


def said(record: Any) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in record["messages"]]


def test_a_topic_becomes_what_its_page_becomes(tmp_path: Path) -> None:
    (tmp_path / "7.html").write_text(discourse(Topic("Rope for a buoy", WRITTEN)))
    (page,) = HtmlExtract(conversations="messages")(tmp_path / "7.html", [])
    (record,), rejects = read(tmp_path, topic(*posts_of(WRITTEN)))
    assert not rejects and said(record) == said(page)
    assert [role for role, _ in said(record)] == ["user", "assistant", "user", "assistant"]
    told = json.loads(record["meta"])
    assert told["authors"] == json.loads(page["meta"])["authors"]


def test_meta_names_topic_answer_and_the_posts_that_are_on_other_pages(tmp_path: Path) -> None:
    posts = [post(1, "ann", "Why?"), post(2, "bob", "No idea."), post(3, "carl", "Salt.")]
    posts[2]["accepted_answer"] = True
    value = topic(*posts, created_at="2024-05-06T07:08:09.123Z", tags=["rope", {"name": "sea"}])
    value["post_stream"]["stream"] += [200, 201]
    (record,), _ = read(tmp_path, value)
    told = json.loads(record["meta"])
    assert told["accepted"] == 1 and told["left_out"] == {"posts": 2} and told["topic"] == 7
    assert (told["date"], told["tags"]) == ("2024-05-06", ["rope", "sea"])
    posts[2].pop("accepted_answer")
    (record,), _ = read(tmp_path, topic(*posts, accepted_answer={"post_number": 3}))
    assert json.loads(record["meta"])["accepted"] == 1


def test_what_nobody_says_is_no_message_and_is_counted(tmp_path: Path) -> None:
    closed = "This topic was closed."
    posts = [
        post(1, "ann", "Why?", raw="**Why?**"),
        post(2, "bob", "(post deleted by author)", user_deleted=True),
        post(3, "system", closed, post_type=3, action_code="closed.enabled"),
        {**post(4, "carl", ""), "cooked": None, "raw": " Salt, [b]mostly[/b].\n"},
    ]
    (record,), rejects = read(tmp_path, topic(*posts))
    assert not rejects
    assert said(record) == [
        ("user", "Rope for a buoy\n\nWhy?"),
        ("assistant", "Salt, [b]mostly[/b]."),
    ]
    path = tmp_path / "7.json"
    stage = JsonlExtract()
    (batch,) = (one for part in stage.parts(str(path), 1 << 20) for one in stage.splits(part, "s"))
    text = batch.counts.text
    assert text.removed["system"] == len(f"<p>{closed}</p>")
    assert text.removed["deleted"] == len("<p>(post deleted by author)</p>")
    assert text.removed["source"] == len("**Why?**") and text.removed["unread"] == 2
    assert text.removed["about"] > 100
    assert text.seen == text.kept + sum(text.removed.values())


@pytest.mark.parametrize(
    ("posts", "text"),
    [
        ([post(21, "ann", "Why?"), post(22, "bob", "Salt.")], "ann: Why?\n\nbob: Salt."),
        ([post(1, "ann", "Why?"), post(2, "ann", "Solved.")], "Why?\n\nSolved."),
        ([post(1, "ann", "Why?")], "Why?"),
    ],
)
def test_a_topic_without_two_sides_is_a_text(tmp_path: Path, posts: list[Post], text: str) -> None:
    (record,), _ = read(tmp_path, topic(*posts))
    assert record["text"] == f"Rope for a buoy\n\n{text}" and "messages" not in record
    none, (reject,) = read(tmp_path, topic(*posts), form="messages")
    assert not none and reject["reason"] == "no_form" and "a topic" in reject["evidence"]


def test_lists_of_topics_are_told_as_that(tmp_path: Path) -> None:
    users = [{"id": 1, "username": "ann"}, {"id": 2, "username": "bob"}]
    listed = {"topics": [{"id": 7, "title": "Rope", "posts_count": 3}]}
    for value in ({"users": users, "topic_list": listed}, {"category_list": {"categories": []}}):
        records, (reject,) = read(tmp_path, value, "latest.json")
        assert not records and reject["reason"] == "wrong_kind"
        assert "/t/NUMBER.json" in reject["evidence"]


@pytest.mark.parametrize("name", ["posts.jsonl", "posts.json", "latest.json", "posts.csv"])
def test_posts_in_rows_in_any_order_are_joined_by_their_topics(tmp_path: Path, name: str) -> None:
    rows = [*posts_of(WRITTEN), post(1, "dora", "Alone.", topic_id=8)]
    rows += [post(1, "ann", "The same once more.", topic_id=7)]
    random.Random(3).shuffle(rows[:4])
    wanted, _ = read(tmp_path, topic(*posts_of(WRITTEN), title=""))
    path = tmp_path / name
    if name.endswith("csv"):
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0]])
            writer.writeheader()
            writer.writerows(rows)
    elif name == "latest.json":
        path.write_text(json.dumps({"latest_posts": rows}))
    else:
        as_lines = "".join(json.dumps(row) + "\n" for row in rows)
        path.write_text(as_lines if name.endswith("l") else json.dumps(rows))
    rejects: list[dict[str, Any]] = []
    stage = CsvExtract() if name.endswith("csv") else JsonlExtract()
    first, second = stage(path, rejects)
    assert said(first) == said(wanted[0]) and second["text"] == "Alone."
    assert [one["reason"] for one in rejects] == ["repeated"]


def test_many_topics_in_lines_are_each_their_own(tmp_path: Path) -> None:
    """Lines that are alike are read array-wise; one with a topic is read by itself."""
    lines = [topic(post(1, "ann", f"Why {n}?"), post(2, "bob", f"Salt {n}.")) for n in range(9)]
    for one in lines:
        one["content"] = "what a column of texts is called"
    records, rejects = read(tmp_path, "".join(json.dumps(one) + "\n" for one in lines), "a.jsonl")
    assert not rejects and [said(one)[1][1] for one in records] == [f"Salt {n}." for n in range(9)]


def test_half_a_character_and_no_text_are_told(tmp_path: Path) -> None:
    _, (reject,) = read(tmp_path, topic(post(1, "ann", "x \ud83d"), post(2, "bob", "y")))
    assert reject["reason"] == "encoding"
    _, (reject,) = read(tmp_path, {"post_stream": {"posts": []}, "title": "x"})
    assert reject["reason"] == "empty"
    named, _ = read(tmp_path, topic(post(1, "ann", "x")), text="title")
    assert named[0]["text"] == "Rope for a buoy"


words = st.text(st.sampled_from("ab &<>\"'é\n"), min_size=1, max_size=12)
anything = st.none() | st.booleans() | st.integers() | words | st.lists(words, max_size=2)
fields = st.sampled_from(["username", "post_number", "cooked", "raw", "post_type", "hidden"])


@given(st.lists(st.dictionaries(fields, anything, min_size=1), max_size=4), anything, anything)
def test_no_shape_of_posts_is_a_crash(posts: list[Post], title: Any, tags: Any) -> None:
    value = {"post_stream": {"posts": posts}, "title": title, "tags": tags, "accepted_answer": tags}
    try:
        made = Topics(Names()).made(value)
    except Unreadable:
        return
    if made is not None:
        text = made.text
        assert text.seen == text.kept + sum(text.removed.values())
        assert all(value >= 0 for value in text.removed.values())
