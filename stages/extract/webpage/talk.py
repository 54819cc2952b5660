"""A page of posts as a conversation: who opened the topic is the user, all others the assistant.

What others say between two posts of the user is one turn, so that turns alternate as templates of
models want it. Below a question each answer stands alone: it makes a record of its own with the
question. A page on which one side alone speaks is none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from stages.extract.webpage.markdown import markdown, plain
from stages.extract.webpage.posts import Post, Thread

_QUESTION = "a question and each answer to it"
_TOPIC = "posts: the opener of the topic is the user, others the assistant"
_AUTHORS = 100  # names of a turn


class Talk(NamedTuple):
    """The records of a page, whose `meta` is beside the page's; what they are made of."""

    records: list[dict[str, Any]]
    of: str


def talk(thread: Thread, title: str, marked: bool) -> Talk | None:
    """The conversation of a page with a title; None where it is none. marked: as Markdown.

    meta of a question and answer: `author` (both), `accepted` (whether the answer is); of a topic:
    `authors` (a list for each message), `accepted` (the number of the message that holds the
    accepted answer, from 0).
    """
    posts = thread.posts
    others = [post for post in posts[1:] if not thread.opened_by(post)]
    asked = _opening(posts[0], title, marked)
    if not asked or not (others or (thread.answers and posts[1:])):
        return None
    if thread.answers:
        return Talk([_answered(asked, posts[0], one, marked) for one in posts[1:]], _QUESTION)
    return _topic(asked, thread, marked)


def _text(post: Post, marked: bool) -> str:
    return markdown(post.blocks) if marked else plain(post.blocks)


def _opening(post: Post, title: str, marked: bool) -> str:
    """What the opener says: the title, which is half of a question, before the text."""
    text = _text(post, marked)
    if not title or text.lower().lstrip("# ").startswith(title.lower()):
        return text
    return f"{title}\n\n{text}" if text else title


def _answered(asked: str, question: Post, answer: Post, marked: bool) -> dict[str, Any]:
    messages = [
        {"role": "user", "content": asked},
        {"role": "assistant", "content": _text(answer, marked)},
    ]
    authors = dict.fromkeys(filter(None, (question.writer, answer.writer)))
    told = {"author": ", ".join(authors), "accepted": answer.accepted}
    return {"messages": messages, "meta": told}


def _topic(asked: str, thread: Thread, marked: bool) -> Talk:
    turns: list[tuple[str, list[str], dict[str, None]]] = []
    accepted = None
    for post in thread.posts:
        role = "user" if thread.opened_by(post) else "assistant"
        if not turns or turns[-1][0] != role:
            turns.append((role, [], {}))
        _, texts, writers = turns[-1]
        texts.append(_text(post, marked) if post is not thread.posts[0] else asked)
        writers[post.writer] = None
        if post.accepted and accepted is None:
            accepted = len(turns) - 1
    messages = [{"role": role, "content": "\n\n".join(texts)} for role, texts, _ in turns]
    told: dict[str, Any] = {"authors": [[*writers][:_AUTHORS] for _, _, writers in turns]}
    if accepted is not None:
        told["accepted"] = accepted
    return Talk([{"messages": messages, "meta": told}], _TOPIC)
