"""Inputs of the stage chatlog that reach every reason and every cut."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from stages.extract.chatlog import ChatlogExtract
from stages.testing import Case
from tests.cases.packed import packed


def discord(*said: tuple[str, str, str], **more: Any) -> bytes:
    """An export of Discord: (time, name, text) of each message."""
    messages = [
        {"id": str(number), "type": "Default", "timestamp": time, "content": text, **more,
         "author": {"id": f"1{name}", "name": name.lower(), "nickname": name, "isBot": False}}
        for number, (time, name, text) in enumerate(said)
    ]  # fmt: skip
    about = {"guild": {"id": "1", "name": "Harbour"}, "channel": {"id": "2", "name": "lamps"}}
    whole = {**about, "messages": messages, "messageCount": len(messages)}
    return json.dumps(whole, indent=2).encode()


def telegram(*said: tuple[str, str, Any], **more: Any) -> bytes:
    """A chat of Telegram: (time, name, text) of each message."""
    messages = [
        {"id": n, "type": "message", "date": time, "from": name, "from_id": f"user{name}",
         "text": text, **more}
        for n, (time, name, text) in enumerate(said)
    ]  # fmt: skip
    chat = {"name": "Ann", "type": "personal_chat", "id": 7, "messages": messages}
    return json.dumps(chat, indent=1).encode()


TALK = (
    ("2024-03-01T10:00:00+00:00", "Ann", "When is high water?"),
    ("2024-03-01T10:01:00+00:00", "Bob", "At noon."),
)
WHATSAPP = (
    "12/31/23, 11:00 PM - Messages and calls are end-to-end encrypted.\n"
    "12/31/23, 11:01 PM - Ann: Is the lamp lit?\n"
    "12/31/23, 11:02 PM - Bob: It is.\nSince six.\n"
    "12/31/23, 11:03 PM - Bob: <Media omitted>\n"
    "12/31/23, 11:04 PM - Ann: This message was deleted\n"
    "12/31/23, 11:05 PM - Ann: Good \u200e<This message was edited>\n"
)
IRC = (
    "--- Log opened Mon Jan 01 12:00:00 2024\n"
    "12:00 -!- carl [~c@host] has joined #lamps\n"
    "12:01 <@ann> Is the \x0304red\x03 lamp lit?\nno line of a log\n"
    "12:02 < bob> It is.\n"
)


def cases(folder: Path) -> list[Case]:
    good = folder / "good"
    good.mkdir()
    (good / "lamps.json").write_bytes(discord(*TALK, ("2024-03-02T10:00:00+00:00", "Ann", "So?")))
    (good / "result.json").write_bytes(telegram(*TALK))
    (good / "chat.txt").write_text(WHATSAPP)
    (good / "lamps.log").write_text(IRC)
    (good / "lamps.log.gz").write_bytes(gzip.compress(IRC.encode(), mtime=0))
    return [
        Case(ChatlogExtract(), path=str(good), reasons={"one_sided": 1}),
        Case(ChatlogExtract(assistant=("bob", "carl"), gap="2d"), path=str(good)),
        Case(ChatlogExtract(encoding="cp1252"), path=str(good / "*.txt")),
        Case(ChatlogExtract(), path=str(good / "*.log"), isolate=True),
        *_refused(folder),
    ]


def _refused(folder: Path) -> list[Case]:
    bad = folder / "bad"
    bad.mkdir()
    (bad / "empty.txt").write_bytes(b"\n")
    (bad / "picture.log").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (bad / "page.txt").write_text("<!DOCTYPE html>\n<html><body>404</body></html>\n")
    (bad / "prose.txt").write_text("The lamp was lit at six.\nNobody came.\n")
    (bad / "close.txt").write_bytes(b"12:00 <ann> \xb5\n12:01 <bob> ok\n")
    (bad / "other.json").write_text('{"messages": [{"role": "user", "content": "x"}]}')
    (bad / "users.json").write_text('[{"id": "U1", "profile": {"display_name": "ann"}}]')
    (bad / "twice.json").write_bytes(
        discord(*TALK).replace(b'"id": "0",', b'"id": "0", "type": "Default",')
    )
    (bad / "broken.json").write_bytes(discord(*TALK).replace(b'"messages":', b'"messages"'))
    (bad / "gone.json").symlink_to(bad / "nowhere")
    (bad / "away.json").symlink_to(folder / "good" / "lamps.json")
    unpacked = packed(bad, ".json", discord(*TALK * 50))
    damaged = bytearray(gzip.compress(IRC.encode(), mtime=0))
    damaged[-8] ^= 255
    (bad / "damaged.log.gz").write_bytes(damaged)
    reasons = ("empty", "binary", "wrong_kind", "not_a_log", "encoding", "no_form", "malformed")
    reasons += ("listed", "duplicate_key", "unreadable", "link", "corrupt", *unpacked)
    with open(folder / "long.log", "wb") as file:  # sparse: it takes no room on the disk
        file.write(IRC.encode() * 800 + b"12:03 <ann> ")
        file.truncate(file.tell() + (17 << 20))
    return [
        Case(
            ChatlogExtract(), path=str(bad), reasons={**dict.fromkeys(reasons, 1), "one_sided": 1}
        ),
        Case(ChatlogExtract(), path=str(folder / "long.log"), reasons={"oversize": 1}),
    ]
