"""Text put into one form: Unicode, line ends, white space, and what earlier tools left behind.

Works by rules and on prose only: in fenced code blocks and inline code nothing changes but line
ends and control characters. Never guesses an encoding of bytes (that is done where files are read).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from stages.base import Map
from stages.clean.code_spans import fenced, inline
from stages.clean.composition import composed
from stages.verdicts import Record, Verdicts

# Whether a text needs a look at all: anything that some rule below could change. ASCII texts
# without these (71 % of answers in mixed instruction data) are passed as they are.
_ODD_ASCII = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]|&#?\w{2,30};|[ \t]\n|\n\n\n|\A\s|\s\Z")

# The same for RE2, and texts that are not ASCII, or empty.
_ODD = r"[^\x00-\x7f]|[\x00-\x08\x0b-\x1f\x7f]|&#?\w+;|[ \t]\n|\n\n\n|\A\s|\s\z|\A\z"

_ROUNDS = 8  # a doubly escaped text needs two rounds and a third to see that nothing is left
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\u2028\u2029]")
# What terminals act on: colours, cursor moves, titles and links (ECMA-48). Without its escape
# character the rest of a sequence would stay as text.
_TERMINAL = re.compile(
    "\x1b(?:\\[[0-?]*+[ -/]*+[@-~]|\\][^\x07\x1b\n]{0,500}(?:\x07|\x1b\\\\)"
    "|[ -/]++[0-~]|[@-Z\\\\^_])"
)
# C0 controls but tab and newline, DEL; byte order mark, zero-width space, word joiner,
# interlinear marks, noncharacters; embeddings and overrides of the writing direction. (The soft
# hyphen goes later: it is also the last byte of a misread sequence.)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\ufeff\u200b\u2060-\u2064\ufff9-\ufffc\ufffe\uffff"
    "\u202a-\u202e\u2066-\u2069]"
)
# Joiners carry meaning inside Indic, Arabic and emoji sequences; beside ASCII they never do.
_LOST_JOINER = re.compile(
    "(?:(?<=[\x00-\x7f])|\\A)[\u200c\u200d]++"
    "|(?<![\u200c\u200d])[\u200c\u200d]++(?=[\x00-\x7f]|\\Z)"
)
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f]")
_TRAILING = re.compile(r"(?<![ \t])[ \t]++(?=\n|\Z)")
_ENTITY = re.compile(r"&(?:#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|[A-Za-z][A-Za-z0-9]{1,30});")
# Entities stay where markup or escaping is the subject, or where the text is code without a fence.
_ABOUT_MARKUP = re.compile(
    r"</?[a-zA-Z][^<>\n]{0,200}>|<!--|\bhtml|\bxml|\bentit(?:y|ies)\b|escap|encod|decod|\bsanitiz",
    re.I,
)
_CODE_LINE = re.compile(
    r"^[ \t]*(?:def |class |import |from \w+ import |return\b|function\b|var |let |const |public |"
    r"#include|SELECT |printf?\(|if ?\(|for ?\()|[{};][ \t]*$",
    re.M,
)

# The 27 characters of Windows-1252 between 0x80 and 0x9F; the five undefined bytes stay C1.
_CP1252 = {
    byte: bytes([byte]).decode("cp1252")
    for byte in range(0x80, 0xA0)
    if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
_C1 = re.compile("[\x80-\x9f]")
_C1_TABLE = str.maketrans({chr(byte): char for byte, char in _CP1252.items()})
_BYTES = {ord(char): byte for byte, char in _CP1252.items()} | {n: n for n in range(0x100)}
_CONTINUATION = "".join(_CP1252.values()) + "\x80-\xbf"
# A UTF-8 sequence of which each byte was read as one character.
_MISREAD = re.compile(
    f"[\xc2-\xdf][{_CONTINUATION}]|[\xe0-\xef][{_CONTINUATION}]{{2}}|[\xf0-\xf4][{_CONTINUATION}]{{3}}"
)
# Characters beyond ASCII that some rule changes by themselves, or beside others.
_ODD_OTHERS = re.compile(
    "[\x80-\xa0\xad\u1680\u2000-\u200d\u2028-\u202f\u205f-\u2069\ufeff\ufff9-\uffff]"
)
_FIRST_OF_MISREAD = re.compile("[\xc2-\xf4]")
_LONG_ENTITY = re.compile(r"&\w{31};")


@dataclass(frozen=True)
class Normalize(Map):
    """Put the text of every record into one Unicode form and clean up what earlier tools left.

    on: which text: input, output or all; default all, so that prompt and answer agree.
    form: Unicode form of prose; NFC joins accents and keeps the look, NFKC also folds ligatures,
        full-width letters and superscripts (x² becomes x2), none leaves it. Default NFC (UAX 15).
        Code in fences keeps its form, because a program may compare the characters.
    entities: decode HTML entities that were left over (AT&amp;T); not in code and not in a text
        that is about markup. Default yes.
    mojibake: repair lines whose UTF-8 was read as Windows-1252 or Latin-1 (cafÃ©), when the whole
        line can be read back as UTF-8. Default yes.
    blank_lines: most empty lines in a row in prose; default 1, a paragraph's distance.
    """

    name: ClassVar[str] = "normalize"
    reasons: ClassVar[Mapping[str, str]] = {
        "empty": "no text is left of the record, or of its output",
    }
    cuts: ClassVar[Mapping[str, str]] = {
        "changed": "white space, invisible characters and other forms of the same text",
    }

    on: Literal["input", "output", "all"] = "all"
    form: Literal["NFC", "NFKC", "none"] = "NFC"
    entities: bool = True
    mojibake: bool = True
    blank_lines: int = field(default=1, metadata={"range": (0, 100)})

    def judge(self, verdicts: Verdicts) -> None:
        """Rewrite each text; drop the rows of which nothing is left."""
        for record in verdicts.records(self.on, holding=_ODD):
            for place in (*record.fields, *record.rejected):
                place.text = self.text(place.text)
            if all(record.texts(self.on).values()):
                continue
            judged = record.texts("output") or record.texts("all")
            if not any(text.strip() for text in judged.values()) and not _calls(record):
                record.drop("empty", field=min(judged), score=0, limit=1)

    def text(self, text: str) -> str:
        """One text in normal form; applying it again changes nothing."""
        if self._is_normal(text):
            return text
        for _ in range(_ROUNDS):
            new = self._once(text)
            if new == text:
                break
            text = new
        return text

    def _is_normal(self, text: str) -> bool:
        """Whether a text is seen at a look to be in normal form."""
        if _ODD_ASCII.search(text):
            return False
        if text.isascii():
            return True
        if not self.blank_lines or _ODD_OTHERS.search(text) or _LONG_ENTITY.search(text):
            return False
        if _FIRST_OF_MISREAD.search(text) and _MISREAD.search(text):
            return False
        return self.form == "none" or unicodedata.is_normalized(self.form, text)

    def _once(self, text: str) -> str:
        if any(end in text for end in "\r\x0b\x0c\u2028\u2029"):
            text = _LINE_ENDS.sub("\n", text)
        if "\x1b" in text:
            text = _TERMINAL.sub("", text)
        text = _INVISIBLE.sub("", text)
        if "\u200c" in text or "\u200d" in text:
            text = _LOST_JOINER.sub("", text)
        entities = self.entities and "&" in text and not _about_code(text)
        pieces, begin = [], 0
        for start, end in fenced(text):
            pieces += [self._prose(text[begin:start], entities), text[start:end]]
            begin = end
        pieces.append(self._prose(text[begin:], entities))
        return _trimmed("".join(pieces))

    def _prose(self, text: str, entities: bool) -> str:
        pieces, begin = [], 0
        for start, end in inline(text):
            pieces += [self._plain(text[begin:start], entities), text[start:end]]
            begin = end
        pieces.append(self._plain(text[begin:], entities))
        text = "".join(pieces)
        if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
            text = _TRAILING.sub("", text)
        most = "\n" * (self.blank_lines + 1)
        return re.sub(most + "\n+", most, text) if most + "\n" in text else text

    def _plain(self, text: str, entities: bool) -> str:
        if entities:
            text = _ENTITY.sub(_decoded, text)
        if not text.isascii():
            if self.mojibake:
                text = repaired(text)
            if _C1.search(text):
                text = text.translate(_C1_TABLE)
            text = _SPACES.sub(" ", text.replace("\u00ad", ""))
            if self.form != "none":
                text = composed(self.form, text)
        return text


def _trimmed(text: str) -> str:
    """Without empty lines at both ends; a first line that alone is indented loses the indent."""
    text = re.sub(r"\A(?:[ \t]*+\n)++", "", text.rstrip(" \t\n"))
    if text[:1] in (" ", "\t") and "\n " not in text and "\n\t" not in text:
        text = text.lstrip(" \t")
    return text


def _about_code(text: str) -> bool:
    if _ABOUT_MARKUP.search(text):
        return True
    return sum(1 for _ in _CODE_LINE.finditer(text)) >= 2


def _decoded(match: re.Match[str]) -> str:
    char = html.unescape(match[0])
    # unknown names, and numbers of controls or surrogates, stay as they are
    if (
        char == match[0]
        or len(char) > 2
        or any(unicodedata.category(c) in ("Cc", "Cs") for c in char)
    ):
        return match[0]
    return char


def repaired(text: str) -> str:
    """Each line that is UTF-8 read as Windows-1252 or Latin-1, read rightly; others as they are.

    What was misread twice is read back twice at once: between the two, no-break spaces and soft
    hyphens are bytes of sequences still.
    """
    for _ in range(_ROUNDS):
        if not _MISREAD.search(text):
            break
        new = "\n".join(_repaired_line(line) for line in text.split("\n"))
        if new == text:
            break
        text = new
    return text


def _repaired_line(line: str) -> str:
    if not all(ord(char) in _BYTES for char in line):
        return line
    try:
        new = bytes(_BYTES[ord(char)] for char in line).decode("utf-8")
    except UnicodeDecodeError:
        return line
    return new if _oddness(new) < _oddness(line) else line


def _oddness(line: str) -> int:
    """Characters that are rarely meant. A single East Asian character in a line of Latin script
    counts most: "café”…" reads back as one, and is right as it is."""
    odd = sum(3 for _ in _MISREAD.finditer(line)) + sum(2 for _ in _C1.finditer(line))
    foreign = sum(1 for char in line if char >= "\u2e80" and char < "\uf900")
    return odd + (4 if foreign == 1 else 0) + line.count("\ufffd") * 4


def _calls(record: Record) -> bool:
    """Whether a message carries something beside its text (tool calls)."""
    return any(message["extra"] for message in record.value("messages") or [])
