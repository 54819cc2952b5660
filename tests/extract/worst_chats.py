"""Logs of chats that cost their reader most: each function makes about so many bytes."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.cases.chatlog import discord, telegram


def _lines(unit: str, begin: str = "", end: str = "") -> Callable[[int], bytes]:
    return lambda size: (begin + unit * max(1, size // len(unit)) + end).encode()


_TALK = "31.12.23, 23:05 - Ann: a\n31.12.23, 23:06 - Bob: b\n"


def _messages(size: int) -> bytes:
    pairs = max(1, size // 500)
    said = [("2024-03-01T10:00:00+00:00", name, "x") for name in ("Ann", "Bob")]
    return discord(*said * pairs)


def _names(size: int) -> bytes:
    said = (("2024-03-01T10:00:00", f"n{number}", "x") for number in range(max(1, size // 150)))
    return telegram(*said)


def _pieces(size: int) -> bytes:
    return telegram(("2024-03-01T10:00:00", "Ann", [{"type": "pre", "text": "`"}] * (size // 40)))


CASES: dict[str, Callable[[int], bytes]] = {
    "a long talk": _lines(_TALK),
    "a message of many lines": _lines("x\n", _TALK),
    "a message of empty lines": _lines("\n", _TALK),
    "a pause before each message": lambda size: "".join(
        f"{1 + n % 28:02}.{1 + n // 28 % 12:02}.{n // 336 % 100:02}, 23:05 - {'AB'[n % 2]}: x\n"
        for n in range(max(1, size // 24))
    ).encode(),
    "a name without end": _lines("x", _TALK + "31.12.23, 23:05 - ", "\n"),
    "marks of direction": _lines("\u200e", _TALK + "31.12.23, 23:05 - Ann: ", "\n"),
    "spaces before an edit": _lines(" ", _TALK + "31.12.23, 23:05 - Ann: ", "x\n"),
    "angles": _lines("<", _TALK + "31.12.23, 23:05 - Ann: ", "\n"),
    "angles that close": _lines("<x> ", _TALK + "31.12.23, 23:05 - Ann: ", "\n"),
    "digits": _lines("1", _TALK, "\n"),
    "dates without a clock": _lines("31.12.23, ", _TALK),
    "irssi": _lines("12:00 <ann> a\n12:01 <bob> b\n"),
    "names that change": lambda size: "".join(
        f"12:00 -!- n{n} is now known as n{n + 1}\n12:00 <n{n + 1}> x\n12:01 <bob> y\n"
        for n in range(max(1, size // 70))
    ).encode(),
    "an address of an event": _lines("a@", "[12:00:05] <bob> b\n[12:00:05] * x (", "\n"),
    "codes of colours": _lines("\x034,5x", "12:00 <bob> b\n12:00 <ann> ", "\n"),
    "notices": _lines("12:00 -x- \n"),
    "one notice": _lines("-", "12:00 <bob> b\n12:00 -"),
    "tabs": _lines("\t", "2024-01-01 00:00:00\ta\tb\n2024-01-01 00:00:00"),
    "messages of Discord": _messages,
    "speakers of Telegram": _names,
    "pieces of Telegram": _pieces,
    "chats without messages": lambda size: json.dumps(
        {"chats": {"list": [{"messages": []}] * max(1, size // 16)}}
    ).encode(),
    "empty messages": _lines("{},", '{"messages": [', "{}]}"),
    "numbers in place of messages": _lines("1,", '{"messages": [', "1]}"),
    "chats in chats": _lines('{"chats":'),
    "keys": _lines('"a":1,', "{", '"b":1}'),
    "brackets": _lines("[", '{"messages": '),
    "a string without end": _lines("x", '{"messages": ["'),
}
