"""Character sets as MySQL and PostgreSQL name them: decoders, and lead bytes of those whose
characters can end in a byte 0x5C, which is then no backslash."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import lru_cache

Decoder = Callable[[bytes], str]

_MYSQL = {
    "binary": "utf-8",  # the bytes as they are: text where they are UTF-8
    "utf8mb4": "utf-8",
    "utf8mb3": "utf-8",
    "utf8": "utf-8",
    "ascii": "ascii",
    "latin2": "iso8859_2",
    "latin5": "iso8859_9",
    "latin7": "iso8859_13",
    "greek": "iso8859_7",
    "hebrew": "iso8859_8",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1256": "cp1256",
    "cp1257": "cp1257",
    "cp850": "cp850",
    "cp852": "cp852",
    "cp866": "cp866",
    "koi8r": "koi8_r",
    "koi8u": "koi8_u",
    "macroman": "mac_roman",
    "macce": "mac_latin2",
    "tis620": "tis_620",
    "gbk": "gbk",
    "gb2312": "gb2312",
    "gb18030": "gb18030",
    "sjis": "shift_jis",
    "cp932": "cp932",
    "big5": "cp950",
    "ujis": "euc_jp",
    "eucjpms": "euc_jp",
    "euckr": "cp949",
    "ucs2": "utf-16-be",
    "utf16": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32": "utf-32-be",
}
_POSTGRES = {
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    "SQL_ASCII": "utf-8",
    "SJIS": "cp932",
    "SHIFT_JIS_2004": "shift_jis_2004",
    "BIG5": "cp950",
    "GBK": "gbk",
    "GB18030": "gb18030",
    "UHC": "cp949",
    "JOHAB": "johab",
    "EUC_JP": "euc_jp",
    "EUC_KR": "euc_kr",
    "EUC_CN": "gb2312",
    "EUC_JIS_2004": "euc_jis_2004",
    "EUC_TW": "",
    "KOI8R": "koi8_r",
    "KOI8U": "koi8_u",
    "WIN866": "cp866",
    "WIN874": "cp874",
    **{f"WIN125{n}": f"cp125{n}" for n in range(9)},
    **{f"LATIN{n}": f"iso8859_{n}" for n in (1, 2, 3, 4)},
    **{
        f"LATIN{n}": f"iso8859_{m}"
        for n, m in ((5, 9), (6, 10), (7, 13), (8, 14), (9, 15), (10, 16))
    },
    **{f"ISO_8859_{n}": f"iso8859_{n}" for n in (5, 6, 7, 8)},
}
# (lead, trail) byte classes; pairs are taken before a backslash is looked for, as the servers do.
_PAIRS = {
    "gbk": (rb"\x81-\xfe", rb"[\x40-\x7e\x80-\xfe]"),
    "gb18030": (rb"\x81-\xfe", rb"(?:[\x40-\x7e\x80-\xfe]|[0-9][\x81-\xfe][0-9])"),
    "sjis": (rb"\x81-\x9f\xe0-\xfc", rb"[\x40-\x7e\x80-\xfc]"),
    "cp932": (rb"\x81-\x9f\xe0-\xfc", rb"[\x40-\x7e\x80-\xfc]"),
    "shift_jis_2004": (rb"\x81-\x9f\xe0-\xfc", rb"[\x40-\x7e\x80-\xfc]"),
    "big5": (rb"\xa1-\xf9", rb"[\x40-\x7e\xa1-\xfe]"),
    "uhc": (rb"\x81-\xfe", rb"[\x41-\x5a\x61-\x7a\x81-\xfe]"),
    "johab": (rb"\x84-\xf9", rb"[\x31-\x7e\x91-\xfe]"),
}


def _latin1_table() -> str:
    """MySQL's latin1: Windows-1252 with its five holes filled by the C1 controls."""
    return "".join(bytes([n]).decode("cp1252", "ignore") or chr(n) for n in range(256))


_LATIN1 = _latin1_table()


def _latin1(data: bytes) -> str:
    return codecs.charmap_decode(data, "strict", _LATIN1)[0]


def _mysql_sjis(data: bytes) -> str:
    # MariaDB writes a stored backslash of an sjis column as 81 5F, which Python reads as U+FF3C.
    return data.decode("shift_jis").replace("\uff3c", "\\")


def _utf8(data: bytes) -> str:
    return str(data, "utf-8")


_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def undeclared(data: bytes) -> str:
    """Text of a dump that names no character set: UTF-8, or windows-1252; bytes that are neither
    raise as no UTF-8."""
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        if _CONTROL.search(data):
            raise
        try:
            return str(data, "cp1252")
        except UnicodeDecodeError:
            raise error from None


@lru_cache(maxsize=64)
def decoder(name: str, postgres: bool = False) -> Decoder | None:
    """How text in a character set is decoded; None for a set that is not known."""
    if postgres:
        key = name.upper().replace("-", "").replace("UTF_8", "UTF8")
        codec = _POSTGRES.get(key) or _POSTGRES.get(name.upper())
    else:
        key = name.lower()
        if key in ("latin1", "cp1252"):
            return _latin1
        if key == "sjis":
            return _mysql_sjis
        codec = _MYSQL.get(key)
    if codec == "utf-8":
        return _utf8
    if not codec:
        return None
    chosen = codec
    return lambda data: data.decode(chosen)


def pairs(name: str) -> tuple[bytes, bytes] | None:
    """(lead class, trail pattern) of a set in which 0x5C can end a character."""
    return _PAIRS.get(name.lower())
