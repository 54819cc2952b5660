"""Which charset a text is in that is no UTF-8 and says nothing of itself: by its bytes alone."""

from __future__ import annotations

import re

_HIGH = re.compile(rb"[\x80-\xff]+")
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


def guess(text: bytes, lang: str | None = None) -> str:
    """The charset of text without markup. lang: two letters of the language, where it is known."""
    runs = _HIGH.findall(text)
    high = b"".join(runs)
    by_lang = _BY_LANG.get(lang) if lang else None
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
        if not wide or bad > 0.02 * len(wide) + 1 or 2 * len(wide) > 1.3 * len(high):
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
