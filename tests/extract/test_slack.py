"""Slack's exports: days of channels, and the lists beside them that name people and channels."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from stages import ChatlogExtract


def turns(record: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in record["messages"]]


def meta(record: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(record["meta"])
    return told


def test_a_day_names_who_speaks(tmp_path: Path) -> None:
    ann = {"user": "U1", "user_profile": {"display_name": "ann", "real_name": "Ann Lee"}}
    said = [
        {"subtype": "channel_join", "user": "U2", "text": "<@U2> has joined the channel"},
        {**ann, "text": "Is <https://l.test/a|the lamp> lit &amp; red, <@U2>? <!here>"},
        {"user": "U2", "text": "Yes, <@U1>:\n```a &lt; b```", "files": [{"id": "F1"}]},
        {"user": "U1", "text": "See <#C1|lamps> and <https://l.test>."},
    ]
    day = [{"type": "message", "ts": f"{1704067200 + n}.000{n}", **m} for n, m in enumerate(said)]
    (tmp_path / "lamps").mkdir()
    (tmp_path / "lamps" / "2024-01-01.json").write_text(json.dumps(day, indent=1))
    (one,) = ChatlogExtract()(tmp_path / "lamps" / "2024-01-01.json", [])
    assert turns(one) == [
        ("user", "Is the lamp lit & red, @U2? @here"),
        ("assistant", "Yes, @ann:\n```a < b```"),
        ("user", "See #lamps and https://l.test."),
    ]
    assert meta(one)["left_out"] == {"attachments": 1, "system": 1}
    assert meta(one)["date"] == "2024-01-01" and meta(one)["participants"] == ["ann", "U2"]
    (one,) = ChatlogExtract(assistant=("Ann Lee",))(tmp_path)
    assert [m["role"] for m in one["messages"]] == ["assistant", "user", "assistant"]
    assert meta(one)["title"] == "lamps"


USERS = [
    {"id": "U1", "name": "alee", "profile": {"display_name": "ann", "real_name": "Ann Lee"}},
    {"id": "U2", "name": "bob", "real_name": "Bob Moor", "profile": {"display_name": ""}},
    {"id": "U3", "name": "gulls", "is_bot": True, "profile": {"bot_id": "B3", "real_name": "Gull"}},
]
CHANNELS = [{"id": "C1", "name": "lamps", "members": ["U1", "U2"]}]
DIRECT = [{"id": "D7", "members": ["U1", "U2"]}]
LISTS = {"users.json": USERS, "channels.json": CHANNELS, "dms.json": DIRECT}


def slack_day(*said: tuple[dict[str, str], str], day: int = 0) -> str:
    begun = 1704067200 + 86400 * day
    return json.dumps(
        [
            {"type": "message", "ts": f"{begun + n}.000{n}", "text": text, **who}
            for n, (who, text) in enumerate(said)
        ],
        indent=1,
    )


def slack_export(folder: Path) -> dict[str, str]:
    """Files of an export: a channel of two days, a talk of two, lists."""
    made = {name: json.dumps(value) for name, value in LISTS.items()}
    made["integration_logs.json"] = "[]"
    said = (({"user": "U1"}, "Is <#C1> lit, <@U2>?"), ({"user": "U2"}, "Ask <@U3>."))
    made["lamps/2024-01-01.json"] = slack_day(*said)
    made["lamps/2024-01-02.json"] = slack_day(
        ({"user": "U2"}, "And now?"), ({"bot_id": "B3", "subtype": "bot_message"}, "Lit."), day=1
    )
    made["D7/2024-01-01.json"] = slack_day(({"user": "U2"}, "Tea?"), ({"user": "U1"}, "Tea."))
    for name, text in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return made


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz", "channel", "pattern"])
def test_names_of_slack_come_from_the_lists_beside_the_days(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "export"
    files = slack_export(folder)
    path = str(folder)
    if kind == "zip":
        path = str(tmp_path / "export.zip")
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in reversed(files.items()):  # the lists come last
                archive.writestr(f"harbour/{name}", text)
    elif kind == "tar.gz":
        path = str(tmp_path / "export.tar.gz")
        with tarfile.open(path, "w:gz") as archive:
            archive.add(folder, "harbour")
    elif kind == "channel":
        path = str(folder / "lamps")
    elif kind == "pattern":
        path = str(folder / "*" / "2024-*.json")
    rejects: list[dict[str, Any]] = []
    made = list(ChatlogExtract()(path, rejects))
    said = {turns(one)[0][1]: turns(one)[1][1] for one in made}
    assert said["Is #lamps lit, @Bob Moor?"] == "Ask @Gull."
    assert said["And now?"] == "Lit."
    if kind != "channel":
        assert said["Tea?"] == "Tea."
        titles = {meta(one)["title"] for one in made}
        assert titles == {"lamps", "ann, Bob Moor"}
    lists = {"folder": 4, "zip": 4, "tar.gz": 4}.get(kind, 0)
    assert [one["reason"] for one in rejects] == ["listed"] * lists
    for name in ("alee", "Ann Lee", "u1"):
        named = ChatlogExtract(assistant=(name,))(path, [])
        roles = [[m["role"] for m in one["messages"]] for one in named if "Is #lamps" in str(one)]
        assert roles == [["assistant", "user"]]


def test_the_lists_of_slack_are_part_of_what_a_day_is_known_by(tmp_path: Path) -> None:
    slack_export(tmp_path)
    parts = ChatlogExtract().parts(str(tmp_path), 1 << 20)
    lists = {one for part in parts for one in part.beside}
    assert lists == {"users.json", "channels.json", "dms.json"}
    assert [name for part in parts for name in part.files] == sorted(
        [*LISTS, "integration_logs.json", "D7/2024-01-01.json", "lamps/2024-01-01.json",
         "lamps/2024-01-02.json"]
    )  # fmt: skip


def test_a_broken_list_of_slack_is_told_and_the_days_are_read(tmp_path: Path) -> None:
    slack_export(tmp_path)
    (tmp_path / "users.json").write_text('[{"id": "U1", "profile": {"display_name": "ann"}}, {"id"')
    rejects: list[dict[str, Any]] = []
    made = list(ChatlogExtract()(tmp_path, rejects))
    reasons = {one["place"].partition("@")[0]: one["reason"] for one in rejects}
    assert reasons["users.json"] == "malformed" or reasons["users.json"] == "truncated"
    assert len(made) == 3 and "Ask @U3." in str(made)
