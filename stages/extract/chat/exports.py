"""The JSON of DiscordChatExporter, Telegram Desktop and Slack (`slack`), message by message.

Beside messages only what describes a chat is parsed; a file of any size takes little memory.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from stages.errors import Unreadable
from stages.extract.chat import slack
from stages.extract.chat.conversation import Message, silent, small
from stages.extract.jsontext import json_values
from stages.extract.jsontext.json_values import SPACE, Value, Window

MESSAGE_BYTES = 16 << 20
_BESIDE = 1 << 20  # bytes of a value that describes a chat
_CHATS = ("chats", "left_chats", "list")  # within which Telegram has its chats
_DEEPEST = 6
_TOLD = ("name", "type", "id", "guild", "channel")


class Chat(NamedTuple):
    """The begin of a chat: what is said of it before its messages."""

    about: dict[str, Any]


def read(stream: BinaryIO, offset: int = 0) -> Iterator[Chat | Value]:
    """Each chat, then its messages. Unreadable malformed or truncated where it is no JSON."""
    window = Window(stream, offset, 1)
    if window.skip(SPACE) and _at(window, b"["):  # a day of a channel of Slack's
        yield Chat({})
        window.begin += 1
        yield from json_values.elements(window, True, MESSAGE_BYTES)
    elif window.data:
        yield from _object(window, 0)


def _object(window: Window, depth: int) -> Iterator[Chat | Value]:
    """The chats in an object that begins here."""
    about: dict[str, Any] = {}
    _take(window, b"{")
    while not _at(window, b"}"):
        key = _parsed(_value(window))
        _take(window, b":")
        opening = _next(window)
        if key == "messages" and opening == b"[":
            yield Chat(about)
            window.begin += 1
            yield from json_values.elements(window, True, MESSAGE_BYTES)
            _take(window, b"]")
        elif key in _CHATS and opening in (b"[", b"{") and depth < _DEEPEST:
            yield from _array(window, depth + 1) if opening == b"[" else _object(window, depth + 1)
        else:
            raw = _value(window)
            if key in _TOLD and raw:
                about[key] = _parsed(raw)
        if _next(window) == b",":
            window.begin += 1
    window.begin += 1


def _array(window: Window, depth: int) -> Iterator[Chat | Value]:
    """The chats in an array that begins here."""
    _take(window, b"[")
    while not _at(window, b"]"):
        if _next(window) == b"{":
            yield from _object(window, depth)
        else:
            _value(window)
        if _next(window) == b",":
            window.begin += 1
    window.begin += 1


def _next(window: Window) -> bytes:
    if not window.skip(SPACE):
        raise Unreadable("truncated", error="the file ends within an object")
    return window.data[window.begin : window.begin + 1]


def _at(window: Window, mark: bytes) -> bool:
    return _next(window) == mark


def _take(window: Window, mark: bytes) -> None:
    if _next(window) != mark:
        told = window.data[window.begin : window.begin + 20].decode("utf-8", "replace")
        raise Unreadable("malformed", error=f"{mark.decode()} is missing before {told!r}")
    window.begin += 1


def _value(window: Window) -> bytes:
    """The bytes of a value; none where they are too many."""
    _next(window)
    end, closed, size = json_values.scan(window, True, _BESIDE)
    if not closed:
        raise Unreadable("truncated", error="the file ends within a value")
    raw = window.data[window.begin : end] if size <= _BESIDE else b""
    if end == window.begin:
        raise Unreadable("malformed", error="a value is missing")
    window.begin = end
    return raw


def _parsed(raw: bytes) -> Any:
    try:
        return json_values.parse(raw.decode())
    except UnicodeDecodeError as error:
        raise Unreadable("encoding", error=str(error)[:200]) from None


# --- messages -----------------------------------------------------------------------------------


def meta_of(about: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a chat."""
    guild, channel = about.get("guild"), about.get("channel")
    if isinstance(channel, Mapping):
        names = [guild.get("name") if isinstance(guild, Mapping) else None, channel.get("name")]
        return _titled(" / ".join(name for name in names if isinstance(name, str) and name))
    name = about.get("name")
    return _titled(name if isinstance(name, str) else "")


def _titled(title: str) -> dict[str, Any]:
    return {"title": title} if title else {}


def message(value: Value, known: slack.Workspace) -> Message:
    """What a message says. Unreadable: malformed, no_form (it is of no known kind) and others.

    known: who is called what in Slack; told of more by its messages."""
    found = _parsed(value.raw)
    bare = Message(value.offset, value.size, value.line, value.raw)
    if isinstance(found, Mapping):
        if isinstance(found.get("author"), Mapping):
            return _discord(bare, found, found["author"])
        if found.keys() & {"from", "from_id", "actor", "actor_id"} and "date" in found:
            return _telegram(bare, found)
        if found.get("type") == "message" and isinstance(found.get("ts"), str):
            return slack.message(bare, found, known)
    keys = sorted(found)[:20] if isinstance(found, Mapping) else []
    raise Unreadable("no_form", keys=keys)


def _discord(bare: Message, found: Mapping[str, Any], author: Mapping[str, Any]) -> Message:
    names = [author.get(key) for key in ("nickname", "name", "id")]
    known = tuple(name for name in names if isinstance(name, str) and name)
    content = found.get("content")
    if content is not None and not isinstance(content, str):
        raise Unreadable("no_form", content=type(content).__name__)
    text = (content or "").strip()
    time = _iso(found.get("timestamp"))
    if found.get("type", "Default") not in ("Default", "Reply", 0, 19, "0", "19"):
        return silent(bare, time, text, "system")
    left_out = {
        what: len(things)
        for what in ("attachments", "stickers", "embeds")
        if isinstance(things := found.get(what), list) and things
    }
    return bare._replace(
        speaker=known[0] if known else "?",
        text=text,
        time=time,
        names=small(known),
        left_out=left_out,
    )


_MEDIA = ("photo", "file", "sticker_emoji", "location_information", "contact_information", "poll")


def _telegram(bare: Message, found: Mapping[str, Any]) -> Message:
    time = _seconds(found.get("date_unixtime")) or _iso(found.get("date"))
    text = _flat(found.get("text"))
    if found.get("type") == "service":
        return silent(bare, time, text, "system")
    told = [found.get("from"), found.get("from_id")]
    known = tuple(str(name) for name in told if isinstance(name, (str, int)) and name)
    media = found.get("media_type")
    left_out: dict[str, int] = {}
    if media == "sticker":
        left_out["stickers"] = 1
    elif media is not None or any(found.get(key) for key in _MEDIA):
        left_out["attachments"] = 1
    return bare._replace(
        speaker=known[0] if known else "?",
        text=text,
        time=time,
        names=small(known),
        left_out=left_out,
    )


def _flat(text: Any) -> str:
    """Telegram's text, which is text or a list of pieces; code keeps its marks. Unreadable no_form
    for any other value, whose text would be lost."""
    if text is None or isinstance(text, str):
        return (text or "").strip()
    if not isinstance(text, list):
        raise Unreadable("no_form", text=type(text).__name__)
    pieces = []
    for piece in text:
        kind, inner = "plain", piece
        if isinstance(piece, Mapping):
            kind, inner = str(piece.get("type")), piece.get("text", "")
        if not isinstance(inner, str):
            raise Unreadable("no_form", text=type(inner).__name__)
        if kind == "pre" and "```" not in inner:
            language = piece.get("language")
            opening = language if isinstance(language, str) else ""
            inner = f"\n```{opening}\n{inner.strip()}\n```\n"
        elif kind == "code" and "`" not in inner:
            inner = f"`{inner}`"
        pieces.append(inner)
    return "".join(pieces).strip()


_FRACTION = re.compile(r"\.(\d+)")


def _iso(value: Any) -> float | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = datetime.datetime.fromisoformat(_FRACTION.sub("", value))
        if found.tzinfo is None:
            found = found.replace(tzinfo=datetime.UTC)
        return found.timestamp()
    except (ValueError, OverflowError):
        return None


def _seconds(value: Any) -> float | None:
    return (
        float(value) if isinstance(value, str) and value.isdecimal() and len(value) < 12 else None
    )
