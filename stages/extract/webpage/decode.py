"""The text of a page's bytes: its mark, valid UTF-8, what header or page declare, then a guess.

Labels mean what they mean in the WHATWG Encoding standard. Bad bytes in UTF-8 do not change the
charset, unless they are the rule and good ones the exception.
"""

from __future__ import annotations

import re

from stages.extract import charset_guess, charsets
from stages.extract.charsets import Decoded
from stages.extract.webpage.tree import words

# Python's names of the charsets that a page may declare. UTF-7 and Python's own codecs are not
# among them; UTF-16 in a page that could be read as far as its declaration means UTF-8.
_ALLOWED = words(
    "utf-8 utf_8 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp866"
    " cp874 cp932 cp949 koi8-r koi8-u mac-roman mac-cyrillic gb18030 big5 big5hkscs euc_jp"
    " iso2022_jp iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8"
    " iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16"
)
_ALIASES = {"x-sjis": "cp932", "x-gbk": "gb18030", "x-euc-jp": "euc_jp", "unicode": "utf-8"}
_XML = re.compile(rb"""\s*<\?xml\b[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--(?:-?>|.*?(?:-->|\Z))", re.DOTALL)
_META = re.compile(rb"<meta(?=[\s/])([^>]{0,1000})", re.IGNORECASE)
_CHARSET = re.compile(rb"""(?:^|[\s/"'])charset\s*+=\s*+["']?+\s*+([\w.:-]{2,40})""", re.IGNORECASE)
_CONTENT = re.compile(
    rb"""content\s*+=\s*+(?:"[^"]*?|'[^']*?|\S*?)charset\s*+=\s*+([\w.:-]{2,40})""", re.IGNORECASE
)
_NAMED = re.compile(rb"""[\s/"'](?:name|property|itemprop)\s*=""", re.IGNORECASE)
_LANG = re.compile(rb"""<html\b[^>]{0,500}?\blang\s*+=\s*+["']?+\s*+([a-z]{2})""", re.IGNORECASE)
# Browsers look at 1,024 bytes; pages with long comments or scripts before the label are common.
_HEAD = 16_384
_SAMPLE = 1 << 16
_HIGH = re.compile(rb"[\x80-\xff]+")
_NO_TEXT = re.compile(rb"<(script|style)\b.*?(?:</\1|\Z)|<[^>]*+>", re.IGNORECASE | re.DOTALL)


def decode(data: bytes, content_type: str | None = None, charset: str | None = None) -> Decoded:
    """The text of a page. content_type: the HTTP header; charset: known better than declared."""
    if charset is not None:
        return charsets.decode(data, charset)
    sniffed, mark = charsets.sniff(data[:4096])
    if mark or sniffed != "utf-8":
        return charsets.decode(data)
    try:
        text = data.decode()
        if not text.isascii():
            return Decoded(text, "utf-8", 0)
    except UnicodeDecodeError:
        text = None
    declared = _of_header(content_type) or _of_page(data)
    if text is not None:  # ASCII; only ISO-2022-JP says something else with such bytes
        if declared == "iso2022_jp" and b"\x1b" in data:
            return charsets.decode(data, declared)
        return Decoded(text, "utf-8", 0)
    if declared is None or declared == "utf-8":
        lenient = data.decode("utf-8", "replace")
        bad = lenient.count("\ufffd")
        good = len(_HIGH.sub(b"", data))  # ASCII bytes
        good = len(lenient) - bad - good  # characters of more than one byte
        if good > 2 * bad or bad == 1:
            return Decoded(lenient, "utf-8", bad)
        declared = _guess(data)
    return charsets.decode(data, declared)


def _allowed(label: str) -> str | None:
    label = label.strip().lower()
    name = _ALIASES.get(label) or charsets.known(label)
    if name is not None and name.startswith("utf-16"):
        return "utf-8"
    return name if name in _ALLOWED else None


def _of_header(content_type: str | None) -> str | None:
    match = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", content_type or "", re.IGNORECASE)
    return _allowed(match[1]) if match else None


def _of_page(data: bytes) -> str | None:
    head = _COMMENT.sub(b" ", data[:_HEAD])
    if match := _XML.match(head):
        return _allowed(match[1].decode("ascii", "replace"))
    for meta in _META.finditer(head):
        told = meta[1]
        if _NAMED.search(told):  # a description that speaks of charsets
            continue
        if match := _CHARSET.search(told) or _CONTENT.search(told):
            return _allowed(match[1].decode("ascii", "replace"))
    return None


def _guess(data: bytes) -> str:
    """The charset of bytes that are not UTF-8 and declare nothing that can be true."""
    data = data[: 16 * _SAMPLE]
    last = data.rfind(b">") + 1  # behind it nothing ends a tag: it would be looked for each time
    text = (_NO_TEXT.sub(b" ", data[:last]) + data[last:])[:_SAMPLE]
    lang = _LANG.search(data[:_HEAD])
    return charset_guess.guess(text, lang[1].decode().lower() if lang else None)
