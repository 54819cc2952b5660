"""What a file is, by its content: its kind for people, and the stage that reads it."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from stages.base import Fault
from stages.extract import charsets, file_kinds, files
from stages.extract.chat import irc, whatsapp
from stages.extract.columnar import kind as columnar_kind
from stages.extract.packed import archives
from stages.extract.packed.labels import is_package
from stages.registry import find, names
from stages.sketch.folder import File

_MEMBERS = 40  # of an archive that are looked at
_PACKAGES = {"word/": ("Word document", "documents"), "xl/": ("Excel workbook", "csv")}
_CODE = (".py", ".js", ".css", ".c", ".h", ".cpp", ".java", ".go", ".rs", ".sh", ".php", ".ts",
    ".map", ".svg", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".lock", ".scss", ".rb")  # fmt: skip
_MARKDOWN = (".md", ".markdown")  # it may begin with tags
_TABLES = (".csv", ".tsv", ".tab", ".psv")
_SQL = re.compile(r"(?im)^\s*(?:CREATE TABLE|INSERT INTO|COPY) \S+ ?.*(?:\(|VALUES|stdin)")
_SQL_NAMES = (".sql", ".mysql", ".pgsql", ".psql", ".dump")
_BESIDE = ("users", "comments", "votes", "badges", "tags", "posthistory", "postlinks")
_WEAK = ("Markdown", "CSV")
_PROSE = 8  # words of a plain text


class Kind(NamedTuple):
    """name: for people. reader: the stage, None where nothing reads it. why: what helps then.
    packed: of how many members of an archive it was seen; 0 for a file that is itself."""

    name: str
    reader: str | None
    why: str = ""
    packed: int = 0


def kind_of(file: File) -> Kind:
    """The kind of a file. Whatever is wrong with it, a kind comes back."""
    try:
        with files.opened(file.path) as opened:
            head = opened.read(file_kinds.HEAD)
    except OSError as error:
        return Kind("unreadable", None, str(error.strerror))
    if head.startswith(b"PK\x03\x04") and (package := _package(file.path, head)) is not None:
        return package
    if archives.compression(head[:512]) is None and not head.startswith(b"PGDMP"):
        return of_head(head, file.name)
    return _packed(file)


def of_head(head: bytes, name: str) -> Kind:
    """The kind of a file that is neither compressed nor an archive, by its first bytes."""
    if columnar_kind(head) is not None:
        return Kind("Parquet or Arrow file", "jsonl")
    lower = re.sub(r"\.(?:gz|bz2|xz|zst)$", "", name.lower())
    found = file_kinds.known(head)
    named = lower.endswith((*_TABLES, *_CODE))  # marks of Markdown and tables may be anywhere
    if found is not None and not (named and found["kind"] in _WEAK):
        return Kind(found["kind"], found.get("read_by"), found.get("remedy", ""))
    charset, mark = charsets.sniff(head[:4096])
    text = head[mark:].decode(charset, "replace")
    if not text.strip():
        return Kind("blank file", None)
    lines = [line.rstrip("\r") for line in text.split("\n")[:400] if line.strip()]
    if lower.endswith(_SQL_NAMES) or len(_SQL.findall(text)) > 1:
        return Kind("SQL", "sql")
    chats = sum(whatsapp.line_of(one) is not None or irc.kind_of(one) is not None for one in lines)
    if chats > max(1, len(lines) // 3):
        return Kind("log of a chat", "chatlog")
    if lower.endswith(_TABLES):
        return Kind("table of text", "csv")
    if lower.endswith((".jsonl", ".ndjson", ".json")) and text.lstrip()[:1] in ("{", "["):
        return Kind("JSON", "jsonl")
    if (root := file_kinds.root_of(head)) in _BESIDE and "<row " in text:
        why = "questions and answers are in Posts.xml, which is read with the names of Users.xml"
        return Kind("table of Stack Exchange", None, why)
    if root is not None and lower.endswith(_MARKDOWN):
        return Kind("Markdown", "documents")
    if root is not None:
        return Kind(f"XML of another kind (<{root}>)", None, "xml reads MediaWiki, WordPress and "
            "Stack Exchange; of others the texts must be taken out first")  # fmt: skip
    if lower.endswith(_CODE):
        return Kind("source code", None, "rename it to .txt if code is what you want to train on")
    if len(text.split()) < _PROSE or (lower.endswith(".log") and _is_log(lines)):
        return Kind("a text too short to be one" if len(text.split()) < _PROSE else "log", None)
    return Kind("plain text", "documents")


def _is_log(lines: list[str]) -> bool:
    return sum(bool(re.match(r"\W?\d{2,4}[-/:.]\d\d", line)) for line in lines) > len(lines) // 2


def _package(path: Path, head: bytes) -> Kind | None:
    """The kind of an office document or a book; None for a zip file of other things."""
    if b"application/epub+zip" in head[:200]:
        return Kind("EPUB book", "html")
    if b"application/vnd.oasis.opendocument.spreadsheet" in head[:200]:
        return Kind("OpenDocument sheet", "csv")
    if b"application/vnd.oasis.opendocument" in head[:200]:
        return Kind("OpenDocument text", None, "save it as .docx, .txt or PDF")
    if not is_package(head):
        return None
    try:
        with zipfile.ZipFile(path) as package:
            inside = [info.filename for info in package.infolist()[:1000]]
    except Exception as error:  # a foreign parser's
        return Kind("damaged office document", None, f"{error}"[:100])
    for begin, (name, reader) in _PACKAGES.items():
        if any(one.startswith(begin) for one in inside):
            return Kind(name, reader)
    return Kind("office document", None, "save it as .docx, .xlsx or PDF")


def _packed(file: File) -> Kind:
    """What a compressed file holds, or most of the members of an archive that a stage reads."""
    ends = tuple({end for name in names() for end in getattr(find(name), "suffixes", ())})
    for wanted in (ends, ()):
        found, trouble = _inside(file, wanted)
        readers = Counter(kind.reader for kind in found if kind.reader is not None)
        if readers:
            reader = readers.most_common(1)[0][0]
            kind = next(kind for kind in found if kind.reader == reader)
            return kind._replace(packed=readers[reader])
    name = found[0].name if found else "archive"
    return Kind(f"{name} in an archive" if found else name, None, trouble)


def _inside(file: File, wanted: tuple[str, ...]) -> tuple[list[Kind], str]:
    """The kinds of an archive's first members, and what was wrong with it."""
    found: list[Kind] = []
    try:
        for member in archives.members(file.root, file.name, None, wanted):
            if isinstance(member, Fault):
                return found, member.reason
            place, stream = member
            head = stream.peek(file_kinds.HEAD)[: file_kinds.HEAD]
            found.append(of_head(head, place.member or file.name))
            if place.member is None:
                return [found[0]._replace(packed=0)], ""
            if len(found) == _MEMBERS:
                break
    except Exception as error:  # a foreign parser's
        return found, f"{type(error).__name__}"
    return found, ""
