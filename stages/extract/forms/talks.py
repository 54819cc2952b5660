"""Lists of messages, in the shapes in use, and trees of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stages.errors import Unreadable
from stages.extract.forms.names import known, pair
from stages.extract.forms.values import NotText, check_text, size, type_name, without_bytes
from stages.extract.jsontext import json_values
from stages.records import extra_fields, object_json
from stages.roles import CALL, call_of, meaning

_ROLE, _CONTENT = ("role", "from"), ("content", "value", "text")
# Every branch of a tree repeats its stem: what comes of one row is bounded.
TREE_MESSAGES, TREE_CHARS = 100_000, 32 << 20
SIDES = ("user", "assistant")


class Talk(NamedTuple):
    """Messages, the characters of their contents as they stood there, and of what goes to their
    `extra`; the bytes in them that are no text, which go."""

    messages: list[dict[str, Any]]
    said: int
    extra: int = 0
    binary: int = 0


def is_talk(value: object) -> bool:
    """Whether a value is a list of messages by its look: objects that have a role and a content."""
    return isinstance(value, list) and bool(value) and all(map(is_message, value))


def is_message(one: object) -> bool:
    """Whether a value is an object that has a role and a content."""
    if not isinstance(one, Mapping):
        return False
    exact = "role" in one or "from" in one
    keys = set(one) if exact else {str(key).lower() for key in one}
    return {"role", "content"} <= keys or {"from", "value"} <= keys


def _key(message: Mapping[str, Any], known: tuple[str, ...]) -> str | None:
    """The key of a message that is a known one: Role is role, if that is not there."""
    for name in known:
        if name in message:
            return name
    return next((key for key in message if key.lower() in known), None)


def parsed(value: object) -> object:
    """A value, or what it holds as JSON text when that is a list of objects."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            found = json_values.parse(value)
        except Unreadable:
            return value
        if isinstance(found, list) and all(isinstance(one, Mapping) for one in found):
            return found
    return value


def talk(key: str, value: object) -> Talk:
    """The messages of a list. Unreadable: bad_type, empty, no_form (field)."""
    if not isinstance(value, list):
        raise Unreadable("bad_type", field=key, type=type_name(value), wanted="a list of messages")
    if not value:
        raise Unreadable("empty", field=key)
    messages: list[dict[str, Any]] = []
    said = extra = binary = 0
    for number, message in enumerate(value):
        if type(message) is dict and len(message) == 2:  # nearly all messages are a plain text
            role, content = message.get("role"), message.get("content")
            if type(role) is str and type(content) is str and role in SIDES:
                messages.append({"role": role, "content": content})
                said += len(content)
                continue
        found = _message(f"{key}[{number}]", message)
        messages += found.messages
        said, extra, binary = said + found.said, extra + found.extra, binary + found.binary
    return Talk(messages, said, extra, binary)


def _message(field: str, message: object) -> Talk:
    """One message of a list."""
    if not isinstance(message, Mapping):
        raise Unreadable("bad_type", field=field, type=type_name(message), wanted="an object")
    rest = dict(message)
    role_key, text_key = _key(rest, _ROLE), _key(rest, _CONTENT)
    if role_key is None or (text_key is None and len(rest) == 1):
        raise Unreadable("no_form", field=field, keys=[str(key) for key in list(rest)[:20]])
    role = rest.pop(role_key)
    if not isinstance(role, str):
        raise Unreadable("bad_type", field=f"{field}.{role_key}", type=type_name(role))
    content = rest.pop(text_key) if text_key is not None else None
    length = 0
    if isinstance(content, list):  # parts of text, pictures, sound
        said = [part if isinstance(part, str) else part["text"] for part in content if _said(part)]
        if len(said) < len(content):
            rest["parts"] = [part for part in content if not _said(part)]
        length = sum(map(len, said))
        content = "\n".join(said) if said else None
    elif isinstance(content, str) and not isinstance(content, NotText):
        length = len(content)
    elif content is not None:
        raise Unreadable("bad_type", field=f"{field}.{text_key}", type=type_name(content))
    rest, binary = without_bytes({k: value for k, value in rest.items() if value is not None})
    if rest or not role.isascii():  # the content is checked with the other texts
        check_text(field, json.dumps([role, rest], ensure_ascii=False))
    made = {"role": _role(role), "content": content, **rest}
    if role == CALL and (calls := call_of(content)) is not None and "tool_calls" not in rest:
        rest["tool_calls"] = calls
        made = {"role": "assistant", "content": None, **rest}
        text = beside(made)
        extra = max(0, length + sum(map(size, rest.values())) - text)
        return Talk([made], text, extra, binary)
    if not rest:
        return Talk([made], length, 0, binary)
    text = beside(made)
    extra = max(0, sum(map(size, rest.values())) - text)
    return Talk([made], length + text, extra, binary)


def beside(message: Mapping[str, Any]) -> int:
    """The characters of the texts that a message has beside its content."""
    rest = {key: value for key, value in message.items() if key not in ("role", "content")}
    return sum(len(text) for _, text in extra_fields(object_json(rest))) if rest else 0


def _role(word: str) -> str:
    """The role that a word means; `developer`, and a word that nobody knows, stay what they are."""
    found = meaning(word)
    return word if found in (None, "system") and word.strip().lower() != "system" else str(found)


def _said(part: object) -> bool:
    """Whether a part of a message's content is text."""
    if isinstance(part, str):
        return True
    return (
        isinstance(part, Mapping)
        and part.get("type", "text") == "text"
        and isinstance(part.get("text"), str)
    )


def spoken(role: str, text: str) -> Talk:
    """A talk of one message."""
    return Talk([{"role": role, "content": text}], len(text))


def history(past: object) -> list[Talk] | None:
    """Earlier turns: messages, or pairs of what was asked and answered, as lists or as objects with
    known names; None for any other value."""
    if not isinstance(past, list) or not past:
        return None
    if is_talk(past):
        return [talk("history", past)]
    turns = [_turn(turn) for turn in past]
    if not all(turns):
        return None
    pairs = [zip(SIDES, turn, strict=True) for turn in turns]
    return [spoken(role, text) for pair in pairs for role, text in pair]


def _turn(turn: object) -> Sequence[str]:
    """What was asked and what was answered; nothing where a value is no such pair."""
    if isinstance(turn, Mapping) and len(turn) == len(SIDES):
        found = pair(known(turn))
        turn = [turn[found.prompt], turn[found.completion]] if found else turn
    if not isinstance(turn, list | tuple) or len(turn) != len(SIDES):
        return ()
    return turn if all(isinstance(said, str) for said in turn) else ()


class Tree(NamedTuple):
    """A tree's talks, one from the root to each leaf, in order of the replies; the characters of
    its messages, and of what else its nodes have."""

    talks: list[list[dict[str, Any]]]
    said: int
    beside: int


class _Turn(NamedTuple):
    """A message of a tree, the one that it answers, the messages and characters up to it."""

    message: dict[str, Any]
    before: _Turn | None
    number: int
    length: int


def tree(root: Mapping[str, Any], meta: int) -> Tree:
    """The talks of a tree. meta: characters that each talk has beside it. Unreadable: oversize when
    the talks together are too long."""
    talks: list[list[dict[str, Any]]] = []
    stack: list[tuple[Mapping[str, Any], _Turn | None]] = [(root, None)]
    messages = chars = said = beside = 0
    while stack:
        node, before = stack.pop()
        own = {key: node[key] for key in ("role", "text") if key in node}
        found = _message("prompt", own)
        message, said = found.messages[0], said + found.said
        beside += sum(size(node[key]) for key in node if key not in ("role", "text", "replies"))
        count, length = (0, meta) if before is None else (before.number, before.length)
        turn = _Turn(message, before, count + 1, length + len(message["content"] or ""))
        replies = node.get("replies")
        if not isinstance(replies, list) or not replies:
            messages, chars = messages + turn.number, chars + turn.length
            if messages > TREE_MESSAGES:
                raise Unreadable("oversize", limit=TREE_MESSAGES, of="messages made of a tree")
            if chars > TREE_CHARS:
                raise Unreadable("oversize", limit=TREE_CHARS, of="characters made of a tree")
            talks.append(_up_to(turn))
            continue
        for place in reversed(range(len(replies))):
            reply = replies[place]
            if not isinstance(reply, Mapping):
                raise Unreadable("bad_type", field=f"replies[{place}]", type=type_name(reply))
            stack.append((reply, turn))
    return Tree(talks, said, beside)


def _up_to(last: _Turn) -> list[dict[str, Any]]:
    """The messages from the root to one."""
    found: list[dict[str, Any]] = []
    turn: _Turn | None = last
    while turn is not None:
        found.append(turn.message)
        turn = turn.before
    return found[::-1]
