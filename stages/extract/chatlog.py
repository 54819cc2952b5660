"""Logs of chats as conversations: exports of Discord, Telegram, Slack and WhatsApp, logs of IRC."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple

from stages.base import ISOLATION_REASONS, Fault, Item, Part, RowSource
from stages.errors import Unreadable
from stages.extract import charsets, file_kinds, files
from stages.extract.chat import conversation, exports, irc, slack, whatsapp
from stages.extract.chat.conversation import Conversations, Message, Turns
from stages.extract.delimited.charset import SAMPLE_BYTES, Charset, charset_of
from stages.extract.jsontext.lines import LINE_BYTES, Line, lines
from stages.extract.packed import archives
from stages.place import Place
from stages.records import REJECT_TEXT

_GAP = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SAMPLE_LINES = 400
_ENOUGH = 2  # lines of a log that make a file one; one is enough where there are no others
_ALIASES = 10_000  # names of people in IRC that are followed
_CHAT_FILE = "_chat"  # what iOS calls the text of every chat, in an archive that has its name


class _Text(NamedTuple):
    """A log of lines: its kind, how its bytes are read, how its dates are."""

    kind: str
    charset: Charset
    order: str = ""

    def decoded(self, raw: bytes) -> str:
        if self.charset.name == "utf-8":
            return charsets.lines_of(raw).text
        return raw.decode(self.charset.name, "replace")


@dataclass(frozen=True)
class ChatlogExtract(RowSource):
    """Conversations from exports of Discord, Telegram, Slack and WhatsApp and from logs of IRC.

    Discord: JSON of DiscordChatExporter; Telegram: result.json; Slack: the days of a channel, whose
    folder is its title, with the names of users.json and channels.json above it; WhatsApp: the
    text of Android and iOS; IRC: irssi, WeeChat, ZNC, HexChat, mIRC. What one person says without
    a break is one turn. Pictures, stickers, deleted messages, joins and notices are left out and
    counted.

    assistant: names of those whose turns are the assistant's, as the log shows them; all others
        are users. Default: none: of two people the one who speaks first in a conversation is the
        user, the other the assistant; what more say becomes a text with their names.
    gap: silence that ends a conversation, like 30m, 6h or 2d; default 6h. One of 20,000 messages
        or 4 MB ends there.
    encoding: charset of logs of lines; default none: mark, UTF-8, or a guess, which stands in the
        records' meta; what is too close to call is refused.
    """

    name: ClassVar[str] = "chatlog"
    suffixes: ClassVar[tuple[str, ...]] = (".json", ".txt", ".log", ".weechatlog")
    usual: ClassVar[tuple[str, ...]] = ("media", "system", "deleted", "edited", "marks", "listed")
    reasons: ClassVar[Mapping[str, str]] = {
        **archives.REASONS,
        **ISOLATION_REASONS,
        **file_kinds.WRONG_KIND,
        **conversation.REASONS,
        "listed": slack.LISTED,
        "not_a_log": "neither an export nor a log of a kind that this stage reads",
        "no_form": "a message that is none of Discord's, Telegram's or Slack's",
        "malformed": "it is not JSON",
        "duplicate_key": "an object has the same key twice, so its value is not known",
        "encoding": "bytes that are not text in the file's charset",
        "empty": "no bytes, or a chat without messages",
        "binary": "the file is not text: a picture, a program, a document of another kind",
    }
    cuts: ClassVar[Mapping[str, str]] = conversation.CUTS

    assistant: tuple[str, ...] = ()
    gap: str = "6h"
    encoding: str | None = None

    def contradictions(self) -> tuple[str, ...]:
        found = []
        if _GAP.fullmatch(self.gap) is None:
            found.append(f"gap must be a number with s, m, h, d or w, like 6h, not {self.gap!r}")
        if self.encoding is not None and charsets.known(self.encoding) is None:
            found.append(f"encoding {self.encoding!r} is not known")
        if not all(name.strip() for name in self.assistant):
            found.append("assistant: a name is empty")
        return tuple(found)

    def named(self) -> Mapping[str, str]:
        return dict.fromkeys(self.assistant, "assistant")

    def forms(self) -> tuple[str, ...]:
        return ("messages",) if self.assistant else ("messages", "text")

    @property
    def _turns(self) -> Turns:
        found = _GAP.fullmatch(self.gap)
        seconds = float(found[1]) * _SECONDS[found[2]] if found is not None else 0.0
        return Turns(seconds, {name.strip().casefold(): name for name in self.assistant})

    def parts(self, path: str, size: int) -> list[Part]:
        root, names, left = files.find(path, archives.packed(self.suffixes))
        parts: list[Part] = []
        for lists, found in itertools.groupby(slack.beside(root, names), lambda one: one[1]):
            cut = files.bundles(root, (name for name, _ in found), size)
            parts += [replace(part, beside=lists) for part in cut]
        return parts + files.left_out(root, left)

    def read(self, part: Part) -> Iterator[Item | Fault]:
        lists = slack.Lists(Path(part.root), tuple(part.beside), {})
        return archives.read(part, self.suffixes, partial(self._member, lists))

    def _member(
        self, lists: slack.Lists, place: Place, stream: archives.Member
    ) -> Iterator[Item | Fault]:
        head = stream.peek(SAMPLE_BYTES)[:SAMPLE_BYTES]
        if (told := file_kinds.binary(head)) is not None:
            yield Fault(place, "binary", told)
        elif (told := file_kinds.other(head, self.name)) is not None:
            yield Fault(place, "wrong_kind", told)
        elif not head.strip():
            yield Fault(place, "empty", {"bytes": len(head)}, failed=False)
        elif slack.is_list(head, place.member or place.path):
            yield _listed(place, stream)
        elif head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            yield from self._export(place, stream, slack.Workspace())
        elif _is_slack(head):
            yield from self._export(place, stream, lists.of(place))
        else:
            try:
                text = self._kind(head)
            except Unreadable as error:
                yield Fault(place, error.reason, error.evidence)
                return
            if text.kind == "whatsapp":
                yield from self._whatsapp(place, stream, text)
            else:
                yield from self._irc(place, stream, text)

    # --- exports in JSON --------------------------------------------------------------------------

    def _export(
        self, place: Place, stream: archives.Member, known: slack.Workspace
    ) -> Iterator[Item | Fault]:
        head = stream.peek(SAMPLE_BYTES)[:SAMPLE_BYTES]
        _, mark = charsets.sniff(head[:4])
        stream.read(mark)
        chat: Conversations | None = None
        seen = 0
        trouble: Fault | None = None
        try:
            for found in exports.read(stream, mark):
                if isinstance(found, exports.Chat):
                    yield from chat.end() if chat is not None else ()
                    about = exports.meta_of(found.about) or _channel(place, head, known)
                    chat = Conversations(place, self._turns, about)
                    continue
                assert chat is not None
                seen += 1
                here = Place(place.path, place.member, found.offset, found.size, found.line)
                if found.size > len(found.raw):
                    limit = {"limit": exports.MESSAGE_BYTES, "of": "bytes of a message"}
                    yield Fault(here, "oversize", limit)
                    continue
                try:
                    message = exports.message(found, known)
                except Unreadable as error:
                    if not found.closed:
                        raise Unreadable("truncated", error="the file ends in a message") from None
                    shown = found.raw[: 4 * REJECT_TEXT].decode("utf-8", "replace")
                    yield Fault(here, error.reason, error.evidence, shown, raw=found.raw)
                    continue
                yield from chat.add(message)
        except Unreadable as error:
            trouble = Fault(place, error.reason, {**error.evidence, "messages": seen})
        if chat is not None:
            yield from chat.end()
        if trouble is not None and stream.fault is None:
            yield trouble
        elif chat is None and stream.fault is None:
            yield Fault(place, "not_a_log", {"missing": "messages", "remedy": _REMEDY})
        elif not seen and stream.fault is None:
            yield Fault(place, "empty", {"messages": 0}, failed=False)

    # --- logs of lines ----------------------------------------------------------------------------

    def _kind(self, head: bytes) -> _Text:
        """What a log is, by its first lines. Unreadable: not_a_log, encoding."""
        charset = charset_of(head, self.encoding)
        text = _Text("", charset).decoded(head[charset.mark :])
        found = [line.rstrip("\r") for line in text.split("\n")[:_SAMPLE_LINES] if line.strip()]
        begun = [line for line in map(whatsapp.line_of, found) if line is not None]
        kinds = [kind for line in found if (kind := irc.kind_of(line)) is not None]
        enough = min(_ENOUGH, len(found))
        if len(begun) >= max(enough, len(kinds)):
            return _Text("whatsapp", charset, whatsapp.order_of(begun))
        if len(kinds) >= enough:
            return _Text(max(sorted(set(kinds)), key=kinds.count), charset)
        raise Unreadable("not_a_log", begins=text[:80], remedy=_REMEDY)

    def _lines(
        self, place: Place, stream: archives.Member, text: _Text
    ) -> Iterator[tuple[Line, str] | Fault]:
        stream.read(text.charset.mark)
        for line in lines(stream, text.charset.mark, charset=text.charset.name):
            if line.size > len(line.raw):
                here = Place(place.path, place.member, line.offset, line.size, line.number)
                yield Fault(here, "oversize", {"limit": LINE_BYTES, "of": "bytes of a line"})
            else:
                yield line, text.decoded(line.raw)

    def _whatsapp(
        self, place: Place, stream: archives.Member, text: _Text
    ) -> Iterator[Item | Fault]:
        chat = Conversations(place, self._turns, _meta(place, text.charset))
        begun: _Begun | None = None
        for found in self._lines(place, stream, text):
            if isinstance(found, Fault):
                yield found
                continue
            line, written = found
            first = whatsapp.line_of(written)
            if first is None and begun is not None and begun.size < LINE_BYTES:
                begun.go_on(line, written)
                continue
            if begun is not None:
                yield from chat.add(begun.message())
            time = None if first is None else whatsapp.time_of(first, text.order)
            begun = _Begun(line, written if first is None else first.rest, time, first is None)
        if begun is not None:
            yield from chat.add(begun.message())
        yield from chat.end()

    def _irc(self, place: Place, stream: archives.Member, text: _Text) -> Iterator[Item | Fault]:
        chat = Conversations(place, self._turns, _meta(place, text.charset))
        log = irc.Log(place.member or place.path)
        names: dict[str, str] = {}  # what somebody is called now → what they were called first
        for found in self._lines(place, stream, text):
            if isinstance(found, Fault):
                yield found
                continue
            line, written = found
            if not written.strip():
                continue
            said = log.read(written)
            bare = Message(line.offset, line.size, line.number, line.raw)
            if said is None:
                what = {"unread": len(written.strip())}
                yield from chat.add(bare._replace(removed=what, left_out={"unread": 1}))
                continue
            if said.renamed is not None and len(names) < _ALIASES:
                old, new = said.renamed
                names[new] = names.get(old, old)
            chat.dated = log.dated
            if not said.speaker:
                left_out = {"system": 1}
                removed = {"system": len(said.text.strip())}
                message = bare._replace(time=said.time, removed=removed, left_out=left_out)
            else:
                speaker = names.get(said.speaker, said.speaker)
                message = bare._replace(
                    speaker=speaker,
                    text=said.text,
                    time=said.time,
                    names=(speaker.casefold(), said.speaker.casefold()),
                    removed={"marks": said.codes} if said.codes else {},
                )
            yield from chat.add(message)
        yield from chat.end()


def _is_slack(head: bytes) -> bool:
    return file_kinds.is_slack(head.decode("utf-8", "replace"))


def _channel(place: Place, head: bytes, known: slack.Workspace) -> dict[str, Any]:
    """What is known of a channel of Slack's: the name of the folder of its days."""
    folders = PurePosixPath(place.member or place.path).parts[:-1]
    return {"title": known.title(folders[-1])} if folders and _is_slack(head) else {}


def _listed(place: Place, stream: archives.Member) -> Fault:
    """What is told of a list of Slack's export, which holds no messages."""
    number = 0
    try:
        for number, _ in enumerate(slack.entries(stream), 1):  # noqa: B007 - how many there are
            pass
    except Unreadable as error:
        return Fault(place, error.reason, {**error.evidence, "entries": number})
    return Fault(place, "listed", {"entries": number}, failed=False)


_REMEDY = (
    "export as JSON from Discord (DiscordChatExporter), Telegram or Slack, as text from WhatsApp; "
    "logs of irssi, WeeChat, ZNC, HexChat and mIRC are read"
)


class _Begun:
    """A message of WhatsApp whose further lines may follow. unread: nothing says whose it is."""

    def __init__(self, line: Line, text: str, time: float | None, unread: bool) -> None:
        self._line, self._time, self._unread = line, time, unread
        self._raws, self._texts = [line.raw], [text]
        self._end = line.offset + line.size
        self.size = line.size

    def go_on(self, line: Line, text: str) -> None:
        """One more line of it."""
        self._raws.append(line.raw)
        self._texts.append(text)
        self._end = line.offset + line.size
        self.size += line.size

    def message(self) -> Message:
        line = self._line
        size = self._end - line.offset
        bare = Message(line.offset, size, line.number, b"\n".join(self._raws), time=self._time)
        whole = "\n".join(self._texts)
        if self._unread:
            text = whole.strip()
            return bare._replace(removed={"unread": len(text)}, left_out={"unread": 1})
        speaker, rest = whatsapp.speaker_of(whole)
        if not speaker:
            return bare._replace(removed={"system": len(rest)}, left_out={"system": 1})
        text, removed, left_out = whatsapp.content_of(rest)
        return bare._replace(
            speaker=speaker,
            text=text,
            names=(speaker.casefold(),),
            removed=removed,
            left_out=left_out,
        )


def _meta(place: Place, charset: Charset) -> dict[str, Any]:
    """What records say of a log of lines: its name, and a charset that was guessed."""
    name = PurePosixPath(place.member or place.path).name
    stem = name.partition(".txt")[0].removesuffix(".log").removesuffix(".weechatlog")
    if stem.startswith(_CHAT_FILE) and place.member is not None:
        stem = PurePosixPath(place.path).stem
    said = {"charset": charset.name} if charset.guessed else {}
    return {"title": stem, **said}
