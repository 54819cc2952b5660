"""The text of a page's bytes: its mark, valid UTF-8, what header or page declare, then a guess.

Labels mean what they mean in the WHATWG Encoding standard. Bad bytes in UTF-8 do not change the
charset, unless they are the rule and good ones the exception.
"""

from __future__ import annotations

import re

from stages.extract import charsets
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
# One-byte charsets that are told apart by the page's language and not by its bytes.
_BY_LANG = {
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl", "hr", "ro"), "cp1250"),
    **dict.fromkeys(("ru", "uk", "bg", "be", "sr", "mk"), "cp1251"),
    "el": "cp1253",
    "tr": "cp1254",
    "he": "cp1255",
    "ar": "cp1256",
    "fa": "cp1256",
    **dict.fromkeys(("et", "lv", "lt"), "cp1257"),
    "vi": "cp1258",
    "th": "cp874",
}
# Letters of western languages stand alone among ASCII (1.1 bytes a run), Cyrillic and Greek
# words are runs of 4 and more, and East Asian text has hardly an end.
_WESTERN_RUN = 1.8
_KANA = 0.3  # the share of kana that no text but Japanese has, in whatever charset it is read


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
    runs = _HIGH.findall(text)
    high = b"".join(runs)
    lang = _LANG.search(data[:_HEAD])
    by_lang = _BY_LANG.get(lang[1].decode().lower()) if lang else None
    if not high:
        return by_lang or "cp1252"
    wide = _wide(text, high)
    if wide:
        return wide
    if len(high) < _WESTERN_RUN * len(runs):
        return by_lang or "cp1252"
    if by_lang and by_lang != "cp1251":
        return by_lang
    # capitals are the exception: cp1251 has small letters at E0 to FF, KOI8-R at C0 to DF
    upper = sum(byte >= 0xE0 for byte in high)
    lower = sum(0xC0 <= byte < 0xE0 for byte in high)
    if upper + lower < 0.7 * len(high):
        return by_lang or "cp1252"
    return "cp1251" if upper > lower else "koi8-r"


def _wide(text: bytes, high: bytes) -> str | None:
    """The East Asian charset whose common characters make up most of the text."""
    for name in ("euc_jp", "cp932"):
        wide = [char for char in text.decode(name, "replace") if char > "\x7f"]
        kana = sum("ぁ" <= char <= "ヿ" for char in wide)
        if kana > _KANA * len(wide) and wide.count("\ufffd") <= 0.02 * len(wide) + 1:
            return name
    found = []
    for name, first, last in (
        ("gb18030", "一", "鿿"),
        ("big5", "一", "鿿"),
        ("cp949", "가", "힣"),
        ("euc_jp", "ぁ", "ヿ"),
        ("cp932", "ぁ", "ヿ"),
    ):
        decoded = text.decode(name, "replace")
        wide = [char for char in decoded if char > "\x7f"]
        bad = wide.count("\ufffd")
        # of Big5 and no other four in ten second bytes are ASCII
        most = 1.75 if name == "big5" else 1.3
        if not wide or bad > 0.02 * len(wide) + 1 or 2 * len(wide) > most * len(high):
            continue
        share = sum(first <= char <= last for char in wide) / len(wide)
        # the two thousand characters in use stand first in each national set
        if name == "gb18030":
            share = sum("\xb0" <= chr(high[i]) <= "\xd7" for i in range(0, len(high), 2)) / (
                (len(high) + 1) // 2
            )
            share *= sum(byte >= 0xA1 for byte in high) / len(high)
            share -= 0.2
        if name == "big5":
            common = decoded.encode("big5", "ignore")
            pairs = re.findall(rb"[\x80-\xff].", common, re.DOTALL)
            share = sum(0xA4 <= pair[0] <= 0xC6 for pair in pairs) / max(1, len(pairs))
            share -= 0.25
        found.append((share, name))
    share, name = max(found, default=(0.0, ""))
    return name if share > 0.35 else None
