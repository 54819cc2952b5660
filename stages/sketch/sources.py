"""The choice for each group of files: by the module that knows its kind, tried on a sample."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from stages.extract.forms import ALL_COLUMNS
from stages.sketch import rows, stored
from stages.sketch.choice import Choice
from stages.sketch.dumps import look_into
from stages.sketch.folder import File
from stages.sketch.groups import Group
from stages.sketch.tried import spent, tried
from stages.words import size

CPU, SECONDS = (
    7.0,
    60.0,
)  # for all sources, and on the clock; those behind it are written as their kind alone says
_APART = 8  # files that become sources of their own, where they are tables of different kinds
_ABOUT = re.compile(
    r"(?i)(?:readme|licen[cs]e|copying|changelog|contributing|notice|authors)[\w.-]*?(?:\.(?:md|txt|rst))?"
)


def choices(groups: Sequence[Group]) -> list[Choice]:
    """The sources for the groups, with names of their own."""
    found: list[Choice] = []
    end, most = time.monotonic() + SECONDS, spent() + CPU
    for group in groups:
        if time.monotonic() > end or spent() > most:
            choice = _begun(group)
            choice.questions.append("there was no time left to look into it: is it what it seems?")
            found.append(choice)
        else:
            found += _asked(group)
    taken: set[str] = set()
    for choice in found:
        name, number = choice.name, 2
        while choice.name in taken:
            choice.name, number = f"{name}_{number}", number + 1
        taken.add(choice.name)
    return found


def is_about(file: File) -> bool:
    """Whether a file is one that stands beside data and tells of it: a readme, a licence."""
    return _ABOUT.fullmatch(file.path.name) is not None


def _begun(group: Group) -> Choice:
    """A choice as the kind of its files says."""
    number = len(group.files)
    seen = "" if group.seen >= number else f", of which {group.seen} were looked at"
    files = "1 file" if number == 1 else f"{number:,} files"
    packed = f", an archive of {group.kind.packed} or more" if group.kind.packed else ""
    told = [f"{group.kind.name}: {files}, {size(group.size)}{packed}{seen}"]
    told += [
        f"{many} of those that were looked at: {kind}; a run names what it refuses"
        for kind, many in group.others.items()
    ]
    choice = Choice(str(group.kind.reader), group.path, name_of(group), evidence=told)
    choice.size = group.size
    choice.packed = bool(group.kind.packed) or group.files[0].name.endswith((".gz", ".xz", ".bz2"))
    return choice


def _asked(group: Group) -> list[Choice]:
    """The choices of who knows the kind; one of which nothing came is no source yet."""
    found = _CHOOSERS.get(str(group.kind.reader), _plain)(group)
    for choice in found:
        if not choice.tried.records and not choice.idle:
            choice.idle_for(choice.tried.mistake)
    return found


def _plain(group: Group) -> list[Choice]:
    """Pages, documents, chats, dumps in XML: nothing is to be chosen."""
    choice = _begun(group)
    choice.tried = tried(choice.stage, {}, choice.path)
    if choice.tried.form:
        choice.evidence.append(choice.tried.form)
    choice.by = rows.object_of(choice.tried)
    return [choice]


def _rows(group: Group) -> list[Choice]:
    """Tables of text and JSON: one source where all files are understood alike."""
    found = rows.choose(_begun(group))
    files = group.files
    if len(files) == 1 or len(files) > _APART or not _differ(found[0]):
        return found
    return [made for one in _each(group) for made in rows.choose(_begun(one))]


def _differ(choice: Choice) -> bool:
    """Whether files of a choice have rows of several kinds, or none that were understood."""
    forms = choice.tried.counts.forms
    guessed = any(form.startswith(ALL_COLUMNS) for form in forms)
    return (len(forms) > 1 or guessed or not forms) and not choice.parameters


def _dumps(group: Group) -> list[Choice]:
    """Dumps: one source where all have the same tables."""
    if group.kind.name == "SQL, a folder of pg_dump":
        toc = next(file for file in group.files if file.path.name == "toc.dat")
        return stored.of_dump(_begun(group), toc, folder=True)
    files = group.files
    if len(files) > 1:
        few = files[:_APART]
        looks = [look_into(one.path.parent, one.path.name, one.size) for one in few]
        if not stored.same_tables(looks):
            return [made for one in _each(group) for made in _dumps(one)]
    largest = max(files, key=lambda file: file.size)
    return stored.of_dump(_begun(group), largest)


def _databases(group: Group) -> list[Choice]:
    return [made for one in _each(group) for made in stored.of_file(_begun(one), one.files[0])]


def _each(group: Group) -> list[Group]:
    """A group for each of its files; of very many one more for all others would overlap, so that
    these are left to the first."""
    return [Group(group.kind, str(file.path), [file], 1) for file in group.files[:40]]


_CHOOSERS: dict[str, Callable[[Group], list[Choice]]] = {
    "sql": _dumps,
    "database": _databases,
    "csv": _rows,
    "jsonl": _rows,
}


def name_of(group: Group) -> str:
    """What a source is called: its file's name, or that of the folder."""
    path = group.files[0].path if len(group.files) == 1 else Path(group.path.partition("*")[0])
    stem = path.name.partition(".")[0] if len(group.files) == 1 else path.name
    return re.sub(r"[^\w-]+", "-", stem).strip("-")[:60] or str(group.kind.reader)
