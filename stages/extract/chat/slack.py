"""Slack's exports: the days of a channel, and the lists beside them that name people and channels.

A folder for each channel holds a file a day; above them lie users.json, channels.json, dms.json
and others. Messages call people and channels by their ids, so the lists are read with the days.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

from stages.base import Fault
from stages.errors import Unreadable
from stages.extract import files
from stages.extract.chat.conversation import Message, silent, small
from stages.extract.jsontext import json_values
from stages.extract.packed import archives
from stages.place import Place

# Lists that name people or channels; and what else lies beside the folders of channels.
ROSTERS = ("users.json", "org_users.json", "channels.json", "groups.json", "dms.json", "mpims.json")
_OTHERS = (
    *("integration_logs.json", "canvases.json", "lists.json", "file_conversations.json"),
    "huddle_transcripts.json",
)
LISTED = "a list of Slack's export beside the days of its channels: people, channels, integrations"
_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json(?:\.(?:gz|bz2|xz|zst))?")
_ENTRY = 1 << 20  # bytes of an entry of a list
_MOST = 100_000  # people, and channels, whose names are kept
_NAMES = ("display_name", "real_name", "name")


@dataclass
class Workspace:
    """What the lists of an export say. people: id → the names of somebody, the shown one first;
    channels: id → name; talks: the folder of a talk that has no name → who is in it."""

    people: dict[str, tuple[str, ...]] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)
    talks: dict[str, list[str]] = field(default_factory=dict)

    def add(self, entry: Mapping[str, Any]) -> None:
        """Take what an entry of a list says of a person or a channel."""
        own, members = entry.get("id"), entry.get("members")
        if not isinstance(own, str) or len(self.people) + len(self.channels) >= 2 * _MOST:
            return
        if is_user(entry):
            profile = entry.get("profile")
            bot = profile.get("bot_id") if isinstance(profile, Mapping) else None
            for key in (own, bot):
                if isinstance(key, str) and key:
                    self.people.setdefault(key, names_of(profile, entry))
            return
        name = entry.get("name")
        if isinstance(name, str) and name:
            self.channels.setdefault(own, name)
        if isinstance(members, list) and (not name or str(name).startswith("mpdm-")):
            self.talks.setdefault(str(name or own), [str(one) for one in members])

    def called(self, own: str) -> str:
        """What somebody is called, by their id; the id where nothing says it."""
        return next(iter(self.people.get(own, ())), own)

    def title(self, folder: str) -> str:
        """The title of the channel or the talk that a folder holds."""
        if folder in self.talks:
            return ", ".join(map(self.called, self.talks[folder]))
        return self.channels.get(folder, folder)


def is_user(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a list is a person."""
    return isinstance(entry.get("profile"), Mapping) or "real_name" in entry


def names_of(*told: object) -> tuple[str, ...]:
    """The names of somebody: the one that is shown first."""
    named = (one.get(key) for key in _NAMES for one in told if isinstance(one, Mapping))
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str) and name))


# --- the lists ----------------------------------------------------------------------------------


def is_list(head: bytes, path: str) -> bool:
    """Whether a file is one of the lists, by its first entry, or by its name and that it is a list
    at all. head: the file's first bytes."""
    begun = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not begun.startswith(b"["):
        return False
    name = PurePosixPath(path).name
    return name in ROSTERS or name in _OTHERS


def entries(stream: BinaryIO) -> Iterator[Mapping[str, Any]]:
    """The entries of a list. Unreadable where it is no JSON."""
    for value in json_values.values(stream, True, _ENTRY):
        try:
            found = json_values.parse(value.raw.decode()) if value.raw else {}
        except UnicodeDecodeError as error:
            raise Unreadable("encoding", error=str(error)[:200]) from None
        if isinstance(found, Mapping):
            yield found


def beside(root: Path, names: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(file, the lists of its export) of files below a root: those above the folder of a day."""
    found: dict[PurePosixPath, tuple[str, ...]] = {}
    for name in names:
        path = PurePosixPath(name)
        if _DAY.fullmatch(path.name) is None:
            yield name, ()
            continue
        above = path.parent.parent if path.parent.parts else PurePosixPath("..")
        if above not in found:
            lists = [str(above / roster) for roster in ROSTERS]
            found[above] = tuple(one for one in lists if _is_file(root / one))
        yield name, found[above]


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def of_files(root: Path, names: Iterable[str]) -> Workspace:
    """What lists say that lie on the disk; one that cannot be read says nothing: where it is one
    of the source's files, that is told there."""
    made = Workspace()
    for name in names:
        try:
            with files.opened(root / name) as file:
                _fill(made, file)
        except OSError:
            continue
    return made


def of_archive(root: Path, name: str) -> dict[PurePosixPath, Workspace]:
    """Folder of an archive → what the lists in it say."""
    made: dict[PurePosixPath, Workspace] = {}
    for found in archives.members(root, name, suffixes=ROSTERS):
        if isinstance(found, Fault):
            continue
        place, stream = found
        path = PurePosixPath(place.member or "")
        if path.name in ROSTERS:
            _fill(made.setdefault(path.parent, Workspace()), stream)
    return made


def _fill(made: Workspace, stream: BinaryIO) -> None:
    try:
        for entry in entries(stream):
            made.add(entry)
    except Unreadable:
        return


# --- messages -----------------------------------------------------------------------------------

_MARK = re.compile(r"<([@#!]?)([^<>|\s]*)(?:\|([^<>]*))?>|&(amp|lt|gt);")
_SIGNS = {"amp": "&", "lt": "<", "gt": ">"}
# subtypes of what somebody says; all others are what happened
_SAID = (None, "me_message", "thread_broadcast", "bot_message", "file_share", "file_comment")
_BESIDE = {"files": "attachments", "attachments": "embeds"}


def message(bare: Message, found: Mapping[str, Any], known: Workspace) -> Message:
    """What a message says. known: told of who speaks, where the lists do not name them."""
    time = _fraction(found.get("ts"))
    written = found.get("text")
    written = written.strip() if isinstance(written, str) else ""
    names = _speaker(found, known)
    text = _MARK.sub(lambda mark: _shown(mark, known), written)
    if found.get("subtype") not in _SAID:
        return silent(bare, time, text, "system")
    left_out = {
        what: len(things)
        for key, what in _BESIDE.items()
        if isinstance(things := found.get(key), list) and things
    }
    marks = len(written) - len(text)
    return bare._replace(
        speaker=names[0] if names else "?",
        text=text,
        time=time,
        names=small(names),
        removed={"marks": marks} if marks > 0 else {},
        left_out=left_out,
    )


def _speaker(found: Mapping[str, Any], known: Workspace) -> tuple[str, ...]:
    """All that who says a message is called, the shown name first."""
    told: tuple[str, ...] = ()
    for key, profile in (("user", "user_profile"), ("bot_id", "bot_profile")):
        own = found.get(key)
        named = names_of(found.get(profile))
        if isinstance(own, str) and own:
            if named and len(known.people) < _MOST:
                known.people.setdefault(own, named)
            told += (*known.people.get(own, ()), *named, own)
    alias = found.get("username")
    called = (alias,) if isinstance(alias, str) and alias else ()
    return (*called, *told) if "user" not in found else (*told, *called)


def _shown(mark: re.Match[str], known: Workspace) -> str:
    """What Slack shows for a link, somebody who is called, or a sign of its markup."""
    sign, target, label, entity = mark.groups()
    if entity is not None:
        return _SIGNS[entity]
    if sign == "@":
        return "@" + (label or known.called(target)).lstrip("@")
    if sign == "!":
        return (label or "@" + target.partition("^")[0]).replace("subteam", "group")
    return "#" + (label or known.channels.get(target, target)) if sign == "#" else label or target


def _fraction(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, str) and len(value) < 30 else None
    except ValueError:
        return None


class Lists(NamedTuple):
    """The lists of the exports that a part's files are of, each read once."""

    root: Path
    beside: tuple[str, ...]
    read: dict[str | None, dict[PurePosixPath, Workspace]]

    def of(self, place: Place) -> Workspace:
        """What the lists beside a day say."""
        if place.member is None:
            if None not in self.read:
                self.read[None] = {PurePosixPath(): of_files(self.root, self.beside)}
            return self.read[None][PurePosixPath()]
        if place.path not in self.read:
            self.read.clear()
            self.read[place.path] = of_archive(self.root, place.path)
        above = PurePosixPath(place.member).parent.parent
        return self.read[place.path].setdefault(above, Workspace())
