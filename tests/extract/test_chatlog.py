"""Chats as conversations: who is user and assistant, pauses, the kinds of log, what is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import ChatlogExtract
from stages.errors import UsageError
from stages.extract.chat import whatsapp
from stages.extract.packed.archives import read_at
from stages.place import Place
from tests.cases.chatlog import discord, telegram

DAY = "2024-03-01T"


def read(
    path: Path, data: bytes | str, rejects: list[dict[str, Any]] | None = None, **options: Any
) -> list[dict[str, Any]]:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    found = list(ChatlogExtract(**options)(path, [] if rejects is None else rejects))
    return [{**one, "meta": json.loads(one["meta"])} for one in found]


def turns(record: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in record["messages"]]


def said(*lines: tuple[str, str, str]) -> bytes:
    """A Discord export of (clock, name, text)."""
    return discord(*((f"{DAY}{clock}:00.123+00:00", name, text) for clock, name, text in lines))


# --- conversations ------------------------------------------------------------------------------


def test_of_two_people_the_first_to_speak_is_the_user(tmp_path: Path) -> None:
    (one,) = read(
        tmp_path / "a.json",
        said(
            ("10:00", "Ann", "When is high water?"),
            ("10:00", "Ann", "Today, I mean."),
            ("10:05", "Bob", "At noon."),
            ("10:06", "Ann", "Thanks."),
        ),
    )
    assert turns(one) == [
        ("user", "When is high water?\nToday, I mean."),
        ("assistant", "At noon."),
        ("user", "Thanks."),
    ]
    assert one["meta"] == {
        "title": "Harbour / lamps",
        "participants": ["Ann", "Bob"],
        "date": "2024-03-01",
    }


def test_a_pause_ends_a_conversation_and_each_begins_anew(tmp_path: Path) -> None:
    data = said(
        ("01:00", "Ann", "High water?"),
        ("01:01", "Bob", "Noon."),
        ("07:02", "Bob", "Is the lamp lit?"),
        ("07:03", "Ann", "It is."),
    )
    found = read(tmp_path / "a.json", data)
    assert [turns(one) for one in found] == [
        [("user", "High water?"), ("assistant", "Noon.")],
        [("user", "Is the lamp lit?"), ("assistant", "It is.")],
    ]
    for one in found:
        inside = read_at(tmp_path, Place.parse(one["place"])).decode()
        assert inside.startswith("{") and inside.endswith("}")
        assert all(text in inside for _, text in turns(one))
    assert len(read(tmp_path / "a.json", data, gap="6.1h")) == 1
    assert len({one["id"] for one in found}) == 2


@pytest.mark.parametrize("name", ["Bob", "bob", "1Bob", " BOB "])
def test_the_named_are_the_assistant_by_any_of_their_names(name: str, tmp_path: Path) -> None:
    data = said(("10:00", "Bob", "Good morning."), ("10:01", "Ann", "High water?"))
    (one,) = read(tmp_path / "a.json", data, assistant=(name, "nobody"))
    assert turns(one) == [("assistant", "Good morning."), ("user", "High water?")]


def test_several_users_are_named_in_the_text(tmp_path: Path) -> None:
    data = said(
        ("10:00", "Ann", "High water?"),
        ("10:01", "Carl", "And low?"),
        ("10:02", "Bob", "Noon, six."),
        ("10:03", "Carl", "Thanks."),
    )
    (one,) = read(tmp_path / "a.json", data, assistant=("Bob",))
    assert turns(one) == [
        ("user", "Ann: High water?\nCarl: And low?"),
        ("assistant", "Noon, six."),
        ("user", "Carl: Thanks."),
    ]
    (text,) = read(tmp_path / "a.json", data)
    assert text["text"] == "Ann: High water?\nCarl: And low?\nBob: Noon, six.\nCarl: Thanks."
    assert "messages" not in text


def test_where_one_side_is_silent_there_is_nothing_to_learn(tmp_path: Path) -> None:
    data = said(("10:00", "Ann", "Hello?"), ("10:01", "Ann", "Nobody?"))
    rejects: list[dict[str, Any]] = []
    assert read(tmp_path / "a.json", data, rejects) == []
    assert [(one["reason"], one["failed"], one["text"]) for one in rejects] == [
        ("one_sided", False, "Hello?\nNobody?")
    ]
    assert json.loads(rejects[0]["evidence"]) == {"messages": 2, "speakers": ["Ann"]}
    data = said(("10:00", "Ann", "Hello?"), ("10:01", "Carl", "Yes?"))
    rejects = []
    with pytest.raises(UsageError, match=r"no speaker 'Bob' in .*it has Ann, Carl"):
        read(tmp_path / "b.json", data, rejects, assistant=("Bob",))
    assert json.loads(rejects[0]["evidence"])["speakers"] == ["Ann", "Carl"]


def test_a_conversation_without_a_pause_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.extract.chat import conversation

    monkeypatch.setattr(conversation, "MESSAGES", 4)
    data = said(*(("10:00", "AB"[n % 2], str(n)) for n in range(10)))
    assert [len(one["messages"]) for one in read(tmp_path / "a.json", data)] == [4, 4, 2]


@pytest.mark.parametrize(
    "options", [{"gap": "soon"}, {"gap": "6"}, {"assistant": (" ",)}, {"encoding": "klingon"}]
)
def test_parameters_that_say_nothing_are_mistakes(options: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read(tmp_path / "a.json", said(("10:00", "Ann", "x")), **options)


# --- Discord and Telegram -----------------------------------------------------------------------


def test_what_discord_has_beside_text_is_counted(tmp_path: Path) -> None:
    export = json.loads(
        said(("10:00", "Ann", "Look:"), ("10:01", "Bob", "Nice."), ("10:02", "Carl", "joined"))
    )
    export["messages"][0] |= {"attachments": [{"id": "1"}, {"id": "2"}], "stickers": [{"id": "3"}]}
    export["messages"][1]["embeds"] = [{"title": "A page"}]
    export["messages"][2]["type"] = "GuildMemberJoin"
    (one,) = read(tmp_path / "a.json", json.dumps(export))
    assert turns(one) == [("user", "Look:"), ("assistant", "Nice.")]
    assert one["meta"]["left_out"] == {"attachments": 2, "embeds": 1, "stickers": 1, "system": 1}
    made = ChatlogExtract().read(ChatlogExtract().parts(str(tmp_path / "a.json"), 1 << 20)[0])
    (item,) = made
    assert item.text is not None and item.text.removed == {"system": len("joined")}  # type: ignore[union-attr]


def test_telegrams_text_of_pieces_service_and_media(tmp_path: Path) -> None:
    pieces = ["Run ", {"type": "code", "text": "ls -l"}, {"type": "bold", "text": " now"}, ":"]
    pieces += [{"type": "pre", "language": "sh", "text": "cd lamps\nls"}]
    data = json.loads(telegram((f"{DAY}10:00:00", "Ann", pieces), (f"{DAY}10:01:00", "Bob", "Ok.")))
    data["messages"][1:1] = [
        {"id": 8, "type": "service", "date": f"{DAY}10:00:30", "actor": "Ann", "actor_id": "u",
         "action": "pin_message", "text": ""},
        {"id": 9, "type": "message", "date": f"{DAY}10:00:40", "from": "Bob", "from_id": "u2",
         "media_type": "sticker", "sticker_emoji": "x", "text": ""},
        {"id": 10, "type": "message", "date": f"{DAY}10:00:50", "from": "Bob", "from_id": "u2",
         "photo": "photos/1.jpg", "text": "A picture."},
        {"id": 11, "type": "message", "date": f"{DAY}10:00:51", "from": None, "from_id": "u2",
         "text": "Gone since."},
    ]  # fmt: skip
    (one,) = read(tmp_path / "result.json", json.dumps(data), assistant=("bob", "u2"))
    assert turns(one) == [
        ("user", "Run `ls -l` now:\n```sh\ncd lamps\nls\n```"),
        ("assistant", "A picture.\nGone since.\nOk."),
    ]
    assert one["meta"]["left_out"] == {"attachments": 1, "stickers": 1, "system": 1}


def test_all_chats_of_a_telegram_export_are_read(tmp_path: Path) -> None:
    chat = json.loads(
        telegram((f"{DAY}10:00:00", "Ann", "Lit?"), (f"{DAY}10:01:00", "Bob", "Yes."))
    )
    other = {**chat, "name": "Carl"}
    whole = {
        "about": "Here is the data",
        "contacts": {"list": [{"first_name": "Ann"}]},
        "chats": {"about": "x", "list": [chat, other]},
        "left_chats": {"list": [{**chat, "name": None}]},
    }
    found = read(tmp_path / "result.json", json.dumps(whole))
    assert [one["meta"].get("title") for one in found] == ["Ann", "Carl", None]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"guild": {}, "messages": []}', "empty"),
        (b'{"guild": {}, "other": 1}', "not_a_log"),
        (b"{", "truncated"),
        (b'{"messages": [', "truncated"),
        (b'{"messages": 1 2}', "malformed"),
        (said(("10:00", "Ann", "x"))[:-60], "truncated"),
        (b'{"chats": ' * 50, "truncated"),
        (b'{"a": ' + b"[" * 100_000, "truncated"),
        (b'{"messages": [' + b'{"a":' * 1000 + b"1" + b"}" * 1000 + b"]}", "malformed"),
        (b"[1, 2]", "not_a_log"),
    ],
)
def test_what_is_no_export_is_refused_with_a_reason(
    data: bytes, reason: str, tmp_path: Path
) -> None:
    rejects: list[dict[str, Any]] = []
    read(tmp_path / "a.json", data, rejects)
    assert reason in [one["reason"] for one in rejects]


def test_a_message_that_cannot_be_read_costs_itself(tmp_path: Path) -> None:
    data = said(("10:00", "Ann", "Lit?"), ("10:01", "Bob", "Yes."), ("10:02", "Bob", "Since six."))
    data = data.replace(b'"Yes."', b'"Yes.\xff"')
    rejects: list[dict[str, Any]] = []
    (one,) = read(tmp_path / "a.json", data, rejects)
    assert turns(one) == [("user", "Lit?"), ("assistant", "Since six.")]
    assert [(one["reason"], "Yes." in one["text"]) for one in rejects] == [("encoding", True)]
    assert Place.parse(rejects[0]["place"]).line is not None


@pytest.mark.parametrize(
    ("make", "key", "content"),
    [
        (discord, "content", ["Yes."]),
        (discord, "content", {"text": "Yes."}),
        (discord, "content", 7),
        (telegram, "text", {"text": "Yes."}),
        (telegram, "text", 7),
        (telegram, "text", [["Yes."]]),
        (telegram, "text", ["So ", {"type": "bold", "text": ["Yes."]}]),
    ],
)
def test_a_message_whose_text_is_of_another_type_is_no_silent_one(
    make: Any, key: str, content: Any, tmp_path: Path
) -> None:
    export = json.loads(make(*((f"{DAY}10:0{n}:00", "AB"[n % 2], f"{n}.") for n in range(3))))
    export["messages"][1][key] = content
    rejects: list[dict[str, Any]] = []
    read(tmp_path / "a.json", json.dumps(export), rejects)
    assert [one["reason"] for one in rejects] == ["no_form", "one_sided"]
    assert ("7" if content == 7 else "Yes.") in rejects[0]["text"]


# --- WhatsApp -----------------------------------------------------------------------------------

FORMS = {
    "12/31/23, 11:05 PM - ": "2023-12-31",
    "12/31/23, 11:05\u202fPM - ": "2023-12-31",
    "31.12.23, 23:05 - ": "2023-12-31",
    "31/12/2023, 23:05 - ": "2023-12-31",
    "31/12/2023 à 23:05 - ": "2023-12-31",
    "31/12/23, 11:05 p. m. - ": "2023-12-31",
    "31-12-2023 23:05 - ": "2023-12-31",
    "31.12.2023 klo 23.05 - ": None,
    "2023-12-31, 23:05 - ": "2023-12-31",
    "2023/12/31 下午11:05 - ": "2023-12-31",
    "2023. 12. 31. 오후 11:05 - ": "2023-12-31",
    "[31.12.23, 23:05:09] ": "2023-12-31",
    "[12/31/23, 11:05:09\u202fPM] ": "2023-12-31",
    "\u200e[2023/12/31 23:05:09] ": "2023-12-31",
}


@pytest.mark.parametrize("begin", FORMS)
def test_dates_of_many_countries(begin: str, tmp_path: Path) -> None:
    data = f"{begin}Ann: Is it lit?\n{begin}+49 170 123: It is: since six.\nAnd shining.\n"
    rejects: list[dict[str, Any]] = []
    found = read(tmp_path / "WhatsApp Chat with Ann.txt", data, rejects)
    if FORMS[begin] is None:  # what is not known is said
        assert [one["reason"] for one in rejects] == ["not_a_log"]
        return
    (one,) = found
    assert turns(one) == [
        ("user", "Is it lit?"),
        ("assistant", "It is: since six.\nAnd shining."),
    ]
    assert one["meta"]["date"] == FORMS[begin]
    assert one["meta"]["title"] == "WhatsApp Chat with Ann"


def test_a_date_of_two_readings_is_read_as_time_goes_forward() -> None:
    def order(*dates: str) -> str:
        found = [whatsapp.line_of(f"{date}, 10:00 - A: x") for date in dates]
        return whatsapp.order_of(line for line in found if line is not None)

    assert order("01/02/23", "02/02/23", "03/02/23") == "dmy"
    assert order("02/01/23", "02/02/23", "02/03/23", "03/01/23") == "mdy"
    assert order("01/02/23", "13/02/23") == "dmy" and order("02/13/23") == "mdy"
    american = whatsapp.line_of("02/01/23, 10:00 AM - A: x")
    assert american is not None and whatsapp.order_of([american]) == "mdy"


@pytest.mark.parametrize(
    ("text", "kept", "removed"),
    [
        ("<Media omitted>", "", {"media": 15}),
        ("<Medien ausgeschlossen>", "", {"media": 23}),
        ("<省略多媒体文件>", "", {"media": 9}),
        ("\u200eimage omitted", "", {"media": 14}),
        ("\u200e<attached: 1-PHOTO.jpg>", "", {"media": 24}),
        ("IMG-1.jpg (Datei angehängt)\nThe lamp", "The lamp", {"media": 27}),
        ("This message was deleted", "", {"deleted": 24}),
        ("Diese Nachricht wurde gelöscht.", "", {"deleted": 31}),
        ("\u200eYou deleted this message.", "", {"deleted": 26}),
        ("At six \u200e<This message was edited>", "At six", {"edited": 27}),
        ("\u200eAnn changed the group name.", "", {"system": 28}),
        ("<b>Medien</b>", "<b>Medien</b>", {}),
        ("The image was omitted", "The image was omitted", {}),
    ],
)
def test_what_whatsapp_says_itself_is_no_text(text: str, kept: str, removed: Any) -> None:
    found, gone, left_out = whatsapp.content_of(text)
    assert (found, gone) == (kept, removed)
    assert bool(left_out) == bool(removed)


def test_lines_about_the_chat_and_lines_before_it_are_counted(tmp_path: Path) -> None:
    data = (
        "Chat of the harbour\n"
        "31.12.23, 23:00 - Nachrichten sind verschlüsselt.\n"
        "31.12.23, 23:01 - Ann: Ja?\n31.12.23, 23:02 - Bob hat „Ebbe: Flut“ gewählt\n"
        "31.12.23, 23:03 - Bob: Ja.\n"
    )
    (one,) = read(tmp_path / "a.txt", data)
    assert turns(one) == [("user", "Ja?"), ("assistant", "Ja.")]
    assert one["meta"]["left_out"] == {"system": 2, "unread": 1}
    place = Place.parse(one["place"])
    assert (place.line, place.offset) == (1, 0)


def test_the_chat_in_an_archive_of_ios_has_the_archives_name(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "WhatsApp Chat - Ann.zip", "w") as archive:
        archive.writestr("_chat.txt", "[31.12.23, 23:05:09] Ann: a\n[31.12.23, 23:05:10] Bob: b\n")
    (one,) = ChatlogExtract()(tmp_path)
    assert json.loads(one["meta"])["title"] == "WhatsApp Chat - Ann"


# --- IRC ----------------------------------------------------------------------------------------

IRSSI = """--- Log opened Sun Dec 31 23:00:00 2023
23:01 -!- carl [~c@host] has joined #lamps
23:58 <@ann> Is it lit?
23:59 -!- ann is now known as ann_away
23:59 < ann_away> The red one.
--- Day changed Mon Jan 01 2024
00:01 <+bob> It \x0304is\x03.
00:02  * bob nods
--- Log closed Mon Jan 01 00:03:00 2024
"""
WEECHAT = (
    "2023-12-31 23:58:00\t-->\tcarl (~c@host) has joined #lamps\n"
    "2023-12-31 23:58:00\t@ann\tIs it lit?\n"
    "2023-12-31 23:59:00\t--\tann is now known as ann_away\n"
    "2023-12-31 23:59:10\tann_away\tThe red one.\n"
    "2024-01-01 00:01:00\t+bob\tIt is.\n"
    "2024-01-01 00:02:00\t *\tbob nods\n"
)
ZNC = (
    "[23:58:00] *** Joins: carl (~c@host)\n[23:58:01] <ann> Is it lit?\n"
    "[23:59:00] *** ann is now known as ann_away\n[23:59:01] <ann_away> The red one.\n"
    "[00:01:00] <bob> It is.\n[00:02:00] * bob nods\n[00:02:01] -NickServ- notice\n"
)
HEXCHAT = (
    "**** BEGIN LOGGING AT Sun Dec 31 23:50:00 2023\n\n"
    "Dec 31 23:50:01 *\tNow talking on #lamps\nDec 31 23:51:00 *\tcarl (~c@host) has joined\n"
    "Dec 31 23:58:00 <@ann>\tIs it lit?\nDec 31 23:59:00 *\tann is now known as ann_away\n"
    "Dec 31 23:59:01 <ann_away>\tThe red one.\nDec 31 23:59:09 -NickServ-\tnotice\n"
    "Jan 01 00:01:00 <bob>\tIt is.\nJan 01 00:02:00 *\tbob nods\n"
    "Jan 01 00:03:00 *\tcarl has quit (Ping timeout)\n"
    "**** ENDING LOGGING AT Mon Jan  1 00:04:00 2024\n"
)
MIRC = (
    "Session Start: Sun Dec 31 23:50:00 2023\nSession Ident: #lamps\n"
    "[23:51] * carl (~c@host) has joined #lamps\n[23:58] <@ann> Is it lit?\n"
    "[23:59] * ann is now known as ann_away\n[23:59] <ann_away> The red one.\n"
    "[00:01] <bob> It is.\n[00:02] * bob nods\nSession Close: Mon Jan 01 00:04:00 2024\n"
)


@pytest.mark.parametrize(
    ("name", "data", "left_out"),
    [
        ("#lamps.log", HEXCHAT, {"system": 7}),
        ("mirc.log", MIRC, {"system": 4, "unread": 1}),
        ("irssi.log", IRSSI, {"system": 5}),
        ("irc.lamps.weechatlog", WEECHAT, {"system": 2}),
        ("2023-12-31.log", ZNC, {"system": 3}),
    ],
)
def test_logs_of_irc(name: str, data: str, left_out: Any, tmp_path: Path) -> None:
    (one,) = read(tmp_path / name, data)
    assert turns(one) == [("user", "Is it lit?\nThe red one."), ("assistant", "It is.\n* bob nods")]
    assert one["meta"]["left_out"] == left_out and one["meta"]["date"] == "2023-12-31"
    assert one["meta"]["participants"] == ["ann", "bob"]


def test_months_in_the_writers_language_are_told_by_their_order(tmp_path: Path) -> None:
    data = (
        "**** PROTOKOLL BEGINNT AM Sun Dec 31 23:50:00 2023\n"
        "Dez 31 23:58:00 <ann>\tist sie an?\nDez 31 23:59:00 <bob>\tja\n"
        "Jän 02 10:00:00 <ann>\tund heute?\nJän 02 10:01:00 <bob>\tauch\n"
        "Feb 01 10:00:00 <ann>\tnoch?\nFeb 01 10:01:00 <bob>\tnein\n"
    )
    found = read(tmp_path / "a.log", data)
    assert [one["meta"]["date"] for one in found] == ["2023-12-31", "2024-01-02", "2024-02-01"]
    (cut,) = read(tmp_path / "b.log", data.partition("\n")[2].partition("Jän")[0])
    assert "date" not in cut["meta"]  # nothing says the year


def test_without_a_day_the_clock_tells_of_the_next_and_no_date_is_made_up(tmp_path: Path) -> None:
    data = "23:00 <ann> a\n23:01 <bob> b\n22:00 <ann> c\n22:01 <bob> d\n"
    found = read(tmp_path / "lamps.log", data, gap="2h")
    assert [turns(one)[0][1] for one in found] == ["a", "c"]
    over_midnight = data.replace("22:0", "00:0")
    assert len(read(tmp_path / "lamps.log", over_midnight, gap="2h")) == 1
    assert all("date" not in one["meta"] for one in found)


def test_old_charsets_of_irc(tmp_path: Path) -> None:
    data = "12:00 <ann> Привет, как дела? Всё хорошо\n12:01 <bob> Спасибо, хорошо\n" * 5
    found = read(tmp_path / "a.log", data.encode("koi8-r"))
    assert found[0]["meta"]["charset"] == "koi8-r" and "Привет" in turns(found[0])[0][1]


def test_other_stages_name_the_one_that_reads_chats(tmp_path: Path) -> None:
    from stages import CsvExtract, JsonlExtract

    talk = said(("10:00", "Ann", "a"))
    for stage, name, data in (
        (JsonlExtract(), "a.json", talk),
        (JsonlExtract(), "b.json", telegram((f"{DAY}10:00:00", "Ann", "a"))),
        (CsvExtract(), "c.csv", b"31.12.23, 23:00 - Ann: a, b\n" * 5),
    ):
        (tmp_path / name).write_bytes(data)
        rejects: list[dict[str, Any]] = []
        list(stage(tmp_path / name, rejects))
        assert [json.loads(one["evidence"]).get("read_by") for one in rejects] == ["chatlog"], name


LINES = st.lists(
    st.sampled_from(
        [
            "12:00 <ann> a", "12:01 <bob> b", "23:00 -!- x has joined", "--- Log opened",
            "31.12.23, 23:05 - Ann: x", "31.12.23, 23:05 - Bob: y", "[31.12.23, 23:05:01] C: z",
            "2024-01-01 00:00:00\tann\tq", "text", "", "<Media omitted>", "\u200e",
        ]
    ),
    min_size=1,
    max_size=20,
)  # fmt: skip


@given(LINES)
def test_every_line_of_a_log_is_a_turn_or_counted(lines: list[str]) -> None:
    import tempfile

    text = "\n".join(lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.log"
        path.write_text(text)
        stage = ChatlogExtract()
        judged = [
            split for part in stage.parts(str(path), 1 << 20) for split in stage.splits(part, "s")
        ]
    for split in judged:
        split.counts.check("chatlog")
        assert split.counts.seen > 0
