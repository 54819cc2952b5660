"""Bytes to text: byte order marks, UTF-8, UTF-16, and what is left as windows-1252, line by line.

Nothing is replaced in silence: every decoding says how many bytes it could not read.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple

_MARKS = (  # the longer first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# What the labels mean in the wild (WHATWG Encoding): a superset of what they say.
_MEANT = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "utf-16": "utf-16-le",
}

_BINARY = (
    (b"\x89PNG\r\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"%PDF-", "PDF document"),
    (b"\x7fELF", "program"),
    (b"MZ\x90", "program"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Microsoft Office document"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"Rar!\x1a\x07", "RAR archive"),
    (b"PAR1", "Parquet file"),
    (b"ARROW1\0\0", "Arrow file"),
    (b"PK\x03\x04", "zip archive"),
)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x1b\0")) + b"\x7f"
# Text may hold a stray control character; compressed or machine data have 11% of them.
_CONTROL_SHARE = 0.03


class Decoded(NamedTuple):
    """text; the charset that most of it has; bad: bytes that became U+FFFD;
    odd: lines of another charset than the rest (windows-1252 within UTF-8)."""

    text: str
    charset: str
    bad: int
    odd: int = 0


def known(label: str) -> str | None:
    """Python's name for a charset label, None for an unknown one."""
    try:
        name = codecs.lookup(label.strip()).name
    except (LookupError, ValueError):
        return None
    return _MEANT.get(name, name)


def sniff(head: bytes, declared: str | None = None) -> tuple[str, int]:
    """(charset, length of the byte order mark) of a stream from its first bytes.

    A mark outweighs what is declared. UTF-16 without a mark is known by its zero bytes.
    """
    for mark, charset in _MARKS:
        if head.startswith(mark):
            return charset, len(mark)
    if declared and (name := known(declared)):
        return name, 0
    return _without_mark(head) or "utf-8", 0


def _without_mark(head: bytes) -> str | None:
    head = head[: len(head) & ~1]
    if len(head) < 4 or b"\0" not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    # text of ASCII letters has a zero in every character, and never two together
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def binary(head: bytes) -> str | None:
    """What binary data are, from their first bytes; None for text in any charset."""
    for magic, name in _BINARY:
        if head.startswith(magic):
            return name
    if any(head.startswith(mark) for mark, _ in _MARKS) or _without_mark(head):
        return None
    zeros = head.count(0)
    control = len(head) - len(head.translate(None, _CONTROL))
    if control > _CONTROL_SHARE * len(head) + 8 or zeros > 0.1 * len(head) + 8:
        return "binary data"
    return None


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """The text of a document. Its own mark outweighs `declared`; without either it is guessed."""
    charset, mark = sniff(data[:4096], declared)
    data = data[mark:]
    guessed = not mark and not (declared and known(declared))
    if charset == "utf-8" and guessed:
        return lines_of(data)
    try:
        return Decoded(data.decode(charset), charset, 0)
    except UnicodeDecodeError:
        text = data.decode(charset, "replace")
    kept = text.count("\ufffd") - data.decode(charset, "ignore").count("\ufffd")
    return Decoded(text, charset, kept)


def is_utf8(data: bytes) -> bool:
    """Whether bytes are UTF-8; no text of them is made, which may take four times as much."""
    import pyarrow as pa

    if data.isascii():
        return True
    offsets = pa.array([0, len(data)], pa.int64()).buffers()[1]
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        whole.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def lines_of(data: bytes) -> Decoded:
    """UTF-8, or each line that is not as windows-1252; the five bytes it lacks are bad."""
    try:
        return Decoded(data.decode(), "utf-8", 0)
    except UnicodeDecodeError:
        pass
    texts = []
    bad = odd = wide = 0
    for line in data.split(b"\n"):
        try:
            text = line.decode()
            wide += not text.isascii()
        except UnicodeDecodeError:
            text, lost = cp1252(line)
            bad, odd = bad + lost, odd + 1
        texts.append(text)
    joined = "\n".join(texts)
    return Decoded(joined, "utf-8", bad, odd) if wide else Decoded(joined, "cp1252", bad)


def cp1252(data: bytes) -> tuple[str, int]:
    """(text, number of bytes that windows-1252 does not have, which become U+FFFD)."""
    try:
        return data.decode("cp1252"), 0
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
        return text, text.count("\ufffd")
