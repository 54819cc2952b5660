"""Posts of a topic as a conversation: who opened it is the user, all others the assistant.

What others say between two posts of the user is one turn, so that turns alternate as templates of
models want it. Below a question each answer stands alone: it makes a record of its own with the
question. Posts of which one side alone wrote all are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

_QUESTION = "a question and each answer to it"
_TOPIC = "posts: the opener of the topic is the user, others the assistant"
_AUTHORS = 100  # names of a turn


class Said(NamedTuple):
    """What somebody wrote. writer: empty where that is not known, or nobody any more."""

    writer: str
    text: str
    accepted: bool = False


class Talk(NamedTuple):
    """The records of a topic, whose `meta` is beside the topic's; what they are made of."""

    records: list[dict[str, Any]]
    of: str


def talk(posts: Sequence[Said], title: str, answers: bool) -> Talk | None:
    """The conversation of a topic, the first post by who opened it; None where it is none.
    answers: the others are independent answers to it.

    meta of a question and answer: `author` (both), `accepted` (whether the answer is); of a topic:
    `authors` (a list for each message), `accepted` (the number of the message that holds the
    accepted answer, from 0).
    """
    first, *others = posts
    asked = opening(first.text, title)
    if not asked or not others:
        return None
    if answers:
        return Talk([_answered(asked, first, one) for one in others], _QUESTION)
    if all(_is_by(first, one) for one in others):
        return None
    return _topic(asked, posts)


def _is_by(first: Said, post: Said) -> bool:
    """Whether the one who opened the topic wrote a post of it."""
    return post is first or (post.writer != "" and post.writer == first.writer)


def opening(text: str, title: str) -> str:
    """What the opener says: the title, which is half of a question, before the text."""
    if not title or text.lower().lstrip("# ").startswith(title.lower()):
        return text
    return f"{title}\n\n{text}" if text else title


def _answered(asked: str, question: Said, answer: Said) -> dict[str, Any]:
    messages = [
        {"role": "user", "content": asked},
        {"role": "assistant", "content": answer.text},
    ]
    authors = dict.fromkeys(filter(None, (question.writer, answer.writer)))
    told = {"author": ", ".join(authors), "accepted": answer.accepted}
    return {"messages": messages, "meta": told}


def _topic(asked: str, posts: Sequence[Said]) -> Talk:
    turns: list[tuple[str, list[str], dict[str, None]]] = []
    accepted = None
    for post in posts:
        role = "user" if _is_by(posts[0], post) else "assistant"
        if not turns or turns[-1][0] != role:
            turns.append((role, [], {}))
        _, texts, writers = turns[-1]
        texts.append(post.text if post is not posts[0] else asked)
        writers[post.writer] = None
        if post.accepted and accepted is None:
            accepted = len(turns) - 1
    messages = [{"role": role, "content": "\n\n".join(texts)} for role, texts, _ in turns]
    told: dict[str, Any] = {"authors": [[*writers][:_AUTHORS] for _, _, writers in turns]}
    if accepted is not None:
        told["accepted"] = accepted
    return Talk([{"messages": messages, "meta": told}], _TOPIC)
