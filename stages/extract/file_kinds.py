"""What a text file is, by its first bytes, where a source was given one that another reads.

Only what is certain is told: a file that might be the source's own is read as such.
"""

from __future__ import annotations

import json
import re
from typing import Any

from stages.extract import charsets

HEAD = 1 << 14  # bytes that are looked at
WRONG_KIND = {
    "wrong_kind": "the file is of a kind that this stage does not read; the evidence says what does"
}

# kind → the stage that reads it, or what else helps
_READ_BY = {
    "HTML": "html",
    "WARC": "html",
    "MHTML": "html",
    "HTML mail": "html",
    "JSON": "jsonl",
    "CSV": "csv",
    "SQL": "sql",
    "Markdown": "documents",
    "Discord export": "chatlog",
    "Telegram export": "chatlog",
    "Slack export": "chatlog",
    "WhatsApp export": "chatlog",
    "MediaWiki XML": "xml",
    "WordPress XML": "xml",
    "Stack Exchange XML": "xml",
}
_BINARY = {
    "Parquet file": "jsonl",
    "Arrow file": "jsonl",
    "SQLite database": "database",
    "PDF document": "documents",
}
_MAILS = "mails are not read: save their texts as files, for which Python has `mailbox`"
_REMEDIES = {
    "mail": _MAILS,
    "mailbox": _MAILS,
    "Git LFS pointer": "the file itself is not here: `git lfs pull` brings it",
    "Microsoft Office document": "save it as .docx, .xlsx or CSV",
    "7z archive": "unpack it first: `7z x FILE`",
    "RAR archive": "unpack it first: `unrar x FILE`",
}
_PAGES = {"HTML", "WARC", "MHTML", "HTML mail"}
_MARKUP = {*_PAGES, "Git LFS pointer", "mail", "mailbox"}
_DUMPS = {"MediaWiki XML", "WordPress XML", "Stack Exchange XML"}
_MARKUP |= _DUMPS
_CHATS = {"Discord export", "Telegram export", "Slack export", "WhatsApp export"}
# stage → the kinds that it can be sure of; CSV may hold almost anything
_LOOKED_FOR = {
    "html": {*_MARKUP - _PAGES, *_CHATS, "JSON", "SQL", "CSV", "Markdown"},
    "csv": {*_MARKUP, *_CHATS, "JSON", "SQL"},
    "jsonl": {*_MARKUP, *_CHATS, "SQL", "CSV", "Markdown"},
    "sql": {*_MARKUP, *_CHATS, "JSON", "CSV"},
    "documents": {*_MARKUP, *_CHATS - {"WhatsApp export"}, "JSON", "SQL"},
    "chatlog": {*_MARKUP, "SQL", "CSV"},
    "xml": {*_MARKUP - _DUMPS, *_CHATS, "JSON", "SQL", "CSV", "Markdown"},
}

_HTML = re.compile(r"(?is)(?:<\?xml[^>]*>|<!--.*?-->|\s)*+<(?:!doctype\s+html|html|head|body)\b")
_XML = re.compile(
    r"(?s)\ufeff?(?:<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>|\s)*+<([\w:.-]+)"
)
_TAG = re.compile(
    r"(?i)</?(?:html|head|body|div|p|span|table|tr|td|ul|ol|li|h[1-6]|article|section|main|title"
    r"|meta|script|style|form|font|center|frameset|pre)\b"
)
_SQL = re.compile(
    r"(?i)\s*(?:-- (?:MySQL|MariaDB|PostgreSQL)\b|--\s*\n-- PostgreSQL|PRAGMA foreign_keys"
    r"|/\*M?!\d{5}|CREATE TABLE [^,;\n]*\(|INSERT INTO [^\s,;]+ (?:VALUES ?)?\()"
)
_MAIL_LINE = re.compile(r"(?im)^(?:Message-ID|Received|MIME-Version|Return-Path|Delivered-To): ")
_MAILBOX = re.compile(r"From \S+ +\w{3} \w{3} [ \d]\d \d\d:\d\d(?::\d\d)? (?:\S+ )?\d{4}")
_ARRAY = re.compile(r"\ufeff?\s*\[\s*\{")
_SLACK = (
    re.compile(r'"type"\s*:\s*"message"'),
    re.compile(r'"ts"\s*:\s*"\d{9,11}\.\d{1,8}"'),
    re.compile(r'"(?:user|bot_id|subtype)"\s*:'),
)
_KEY = re.compile(r'\s*(?:\[\s*)?\{\s*"(?:[^"\\\n]|\\.)*"\s*:')
_MARKED = re.compile(
    r"(?m)^#{1,6} \S|^```|^[*-] \S|^\d+\. \S|\[[^\[\]\n]++\]\([^()\s]++\)|\*\*\w[^*\n]*\*\*"
)
_DISCORD = re.compile(r'\s*\{\s*"guild"\s*:\s*\{[^{}]*\}\s*,\s*"channel"\s*:\s*\{')
_TELEGRAM = re.compile(
    r'\s*\{\s*(?:"name"\s*:\s*(?:null|"(?:[^"\\\n]|\\.)*")\s*,\s*"type"\s*:\s*"(?:personal_chat'
    r'|bot_chat|saved_messages|(?:private|public)_(?:super)?(?:group|channel))"|"about"\s*:'
    r'\s*"[^"\n]*Telegram)'
)
_WHATSAPP = re.compile(
    r"(?m)^\u200e?\[?\d{1,4}([./-])\d{1,2}\1\d{2,4},? \d{1,2}:\d\d(?::\d\d)?"
    r"(?:[ \u202f][AaPp]\.?[Mm]\.?)?(?:\]| -) [^:\n]{1,60}: "
)
_NAME = re.compile(r"""["']?[^\W\d][\w .:/()#%-]{0,60}["']?""")


def other(head: bytes, stage: str) -> dict[str, Any] | None:
    """The evidence for a file that is not for this stage: its kind, and what reads it; None for
    one that may be its own. head: the file's first HEAD bytes, or all of it."""
    charset, mark = charsets.sniff(head[:4096])
    text = head[mark:HEAD].decode(charset, "replace")
    kind = _kind(text)
    return _told(kind) if kind in _LOOKED_FOR[stage] else None


def known(head: bytes) -> dict[str, Any] | None:
    """The evidence for what a file is, whichever stage reads it: its kind, and what reads it or
    else helps; None where its first bytes do not say. head: as for `other`."""
    charset, mark = charsets.sniff(head[:4096])
    text = head[mark:HEAD].decode(charset, "replace")
    if (told := binary(head)) is not None:
        return _told("SQL") if _SQL.match(text) else told  # a dump may hold pictures
    kind = _kind(text)
    return None if kind is None else _told(kind)


def root_of(head: bytes) -> str | None:
    """The name of the root element of XML; None where it does not begin there."""
    charset, mark = charsets.sniff(head[:4096])
    found = _XML.match(head[mark:HEAD].decode(charset, "replace"))
    return found[1] if found is not None else None


def binary(head: bytes) -> dict[str, Any] | None:
    """The evidence for a file that is no text."""
    kind = charsets.binary(head)
    return None if kind is None else {**_told(kind), "begins": head[:16].hex(" ")}


def _told(kind: str) -> dict[str, Any]:
    reader = _READ_BY.get(kind) or _BINARY.get(kind)
    if reader is not None:
        return {"kind": kind, "read_by": reader}
    return {"kind": kind, **({"remedy": _REMEDIES[kind]} if kind in _REMEDIES else {})}


def _kind(text: str) -> str | None:
    if text.startswith("version https://git-lfs.github.com/spec/"):
        return "Git LFS pointer"
    if re.match(r"WARC/[01]\.\d", text):
        return "WARC"
    if _HTML.match(text):
        return "HTML"
    if (root := _XML.match(text)) is not None:
        if root[1] == "mediawiki":
            return "MediaWiki XML"
        if root[1] == "rss":
            return "WordPress XML" if "wordpress.org/export" in text else None
        if root[1] == "posts" and re.search(r"<row\s[^>]*\bPostTypeId=", text):
            return "Stack Exchange XML"
    if (mail := _mail(text)) is not None:
        return mail
    if _SQL.match(text):
        return "SQL"
    if _DISCORD.match(text):
        return "Discord export"
    if _TELEGRAM.match(text):
        return "Telegram export"
    if is_slack(text):
        return "Slack export"
    if len(_WHATSAPP.findall(text)) > 2:
        return "WhatsApp export"
    if _is_json(text):
        return "JSON"
    if _TAG.search(text):
        return None
    if _is_csv(text):
        return "CSV"
    return "Markdown" if is_markdown(text) else None


def is_slack(text: str) -> bool:
    """Whether a text is a day of a channel as Slack exports it."""
    return _ARRAY.match(text) is not None and all(key.search(text) for key in _SLACK)


def _mail(text: str) -> str | None:
    """The kind of a mail, by the lines of its head; one of several begins as mailboxes do."""
    if _MAILBOX.match(text):
        return "mailbox"
    head = re.split(r"\r?\n\r?\n", text.strip(), maxsplit=1)[0]
    lines = re.split(r"\r?\n(?![ \t])", head)
    if not all(re.match(r"[A-Za-z][\w-]{0,60}:(?:\s|$)", line) for line in lines):
        return None
    if re.search(r"(?i)multipart/related", head):
        return "MHTML"
    if _MAIL_LINE.search(head) is None or re.search(r"(?im)^(?:From|Subject): ", head) is None:
        return None
    return (
        "HTML mail"
        if re.search(r"(?im)^Content-Type:\s*(?:multipart/|text/html)", head)
        else "mail"
    )


def _is_json(text: str) -> bool:
    """Whether a text begins with an object, alone on its line or broken into lines."""
    if not _KEY.match(text):
        return False
    first, _, rest = text.strip().partition("\n")
    try:
        value, end = json.JSONDecoder().raw_decode(first)
    except RecursionError:
        return True
    except ValueError:  # it goes on: on the next line, or behind what is looked at
        return not rest or first.rstrip()[-1:] in "{[,:"
    return isinstance(value, dict | list) and first[end:].strip() in ("", ",")


def _is_csv(text: str) -> bool:
    """Whether a text is a table: names, and below them lines with as many fields."""
    lines = [line for line in text.split("\n")[:-1] if line.strip()][:20]
    if len(lines) < 3:
        return False
    for delimiter in ",;\t|":
        cells = [cell.strip() for cell in lines[0].split(delimiter)]
        if len(cells) < 2 or len(set(cells)) < len(cells):
            continue
        if not all(_NAME.fullmatch(cell) for cell in cells):
            continue
        widths = [line.count(delimiter) + 1 for line in lines[1:]]
        if all(width == len(cells) for width in widths):
            return True
    return False


def is_markdown(text: str) -> bool:
    """Whether a text without tags has marks of Markdown: several, or a heading at its begin."""
    text = text[:HEAD]
    body = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL).lstrip()
    return bool(re.match(r"#{1,6} \S", body)) or len(_MARKED.findall(body)) >= 5
