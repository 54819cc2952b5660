"""Patterns over bytes: strings, comments, names, the end of a statement, one row of plain values.

Everything is possessive (Python 3.11): a pattern never tries a byte twice, so a hostile text costs
no more than a friendly one.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

from stages.extract.sqldump.charset import pairs


class Syntax(NamedTuple):
    """What changes how bytes are cut into strings and words."""

    dialect: str
    backslash: bool  # whether a backslash escapes in plain strings
    quoted_names: bool  # whether "x" is a name and no string
    charset: str


NAME = (
    rb"(?:`(?:[^`]|``)++`|\"(?:[^\"]|\"\")++\"|\[(?:[^\]]|\]\])++\]"
    rb"|[A-Za-z_@#\x80-\xff][\w$#@\x80-\xff]*+)"
)
NAMES = rb"(?:" + NAME + rb"(?:\s*+\.\s*+" + NAME + rb")*+)"
_COMMENT = rb"--[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/"
BARE = rb"[-+.\w]++"


def body(quote: bytes, backslash: bool, charset: str) -> bytes:
    """The pattern of a quoted string: doubled quotes, and backslashes where they escape."""
    if not backslash:
        return rb"%b[^%b]*+(?:%b%b[^%b]*+)*+%b" % (quote, quote, quote, quote, quote, quote)
    found = pairs(charset)
    if found is None:
        return rb"%b[^%b\\]*+(?:(?:\\.|%b%b)[^%b\\]*+)*+%b" % ((quote,) * 6)
    lead, trail = found
    plain = rb"[^%b\\%b]*+" % (quote, lead)
    return rb"%b%b(?:(?:[%b]%b|[%b]|\\.|%b%b)%b)*+%b" % (
        (quote, plain, lead, trail, lead, quote, quote, plain, quote)
    )


@cache
def string(syntax: Syntax) -> bytes:
    """The pattern of a plain string."""
    return body(b"'", syntax.backslash, syntax.charset)


@cache
def token(syntax: Syntax) -> re.Pattern[bytes]:
    """One token of a value list; the group that matched says which."""
    plain = string(syntax)
    escaped = body(b"'", True, syntax.charset)
    quoted = body(b'"', syntax.backslash and not syntax.quoted_names, syntax.charset)
    bracketed = rb"|\[[^\]]*+\]" if syntax.dialect in ("sqlite", "mssql") else b""
    parts = [
        rb"(?P<blank>\s++|" + comment(syntax.dialect) + rb")",
        rb"(?P<string>" + plain + rb")",
        rb"(?P<hex>[xX]'[^']*+'|0[xX][0-9a-fA-F]*+(?!\w))",
        rb"(?P<bits>[bB]'[^']*+'|0[bB][01]++(?!\w))",
    ]
    if syntax.dialect == "mysql":
        parts.append(
            rb"(?P<introduced>_(?P<charset>[A-Za-z0-9]++)\s*+(?:(?P<itext>"
            + plain
            + rb")|(?P<ihex>[xX]'[^']*+'|0[xX][0-9a-fA-F]*+(?!\w))|(?P<ibits>[bB]'[^']*+')))"
        )
    if syntax.dialect == "postgres":
        parts.append(rb"(?P<escaped>[eE]" + escaped + rb")")
        parts.append(rb"(?P<dollar>(?P<tag>\$(?:[A-Za-z_]\w*+)?+\$)(?P<dbody>(?s:.*?))(?P=tag))")
    if syntax.dialect == "oracle":
        parts.append(
            rb"(?P<qquote>[nN]?[qQ]'(?s:\[.*?\]|\{.*?\}|\(.*?\)|<.*?>|(?P<qmark>[^\s]).*?(?P=qmark))')"
        )
    parts += [
        rb"(?P<national>[nN]" + plain + rb")",
        rb"(?P<quoted>" + quoted + rb"|`(?:[^`]|``)*+`" + bracketed + rb")",
        rb"(?P<number>(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][-+]?+[0-9]++)?+(?![\w]))",
        rb"(?P<word>[A-Za-z_@\x80-\xff][\w.$@\x80-\xff]*+)",
        rb"(?P<mark>\|\||::|[^'\"`])",
    ]
    return re.compile(rb"|".join(parts), re.DOTALL)


@cache
def comment(dialect: str) -> bytes:
    """The pattern of a comment within a statement."""
    if dialect == "mysql":
        # within a statement -- needs white space after it
        return rb"--(?=[\s\x00])[^\n]*+|#[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/"
    return _COMMENT


@cache
def blank(dialect: str) -> re.Pattern[bytes]:
    """White space and comments between statements; MySQL's client takes any -- for a comment."""
    hash_ = rb"|#[^\n]*+" if dialect == "mysql" else b""
    rem = rb"|(?i:(?:REM|REMARK|PROMPT)\b)[^\n]*+" if dialect == "oracle" else b""
    db2 = rb"(?!#SET\b)" if dialect == "db2" else b""
    return re.compile(
        rb"(?:[\s\x00\x1a]++|\xef\xbb\xbf|--" + db2 + rb"[^\n]*+" + hash_ + rem
        + rb"|/\*(?!M?!)(?:[^*]++|\*(?!/))*+\*/)*+"
    )  # fmt: skip


@cache
def statement(syntax: Syntax, terminator: bytes) -> re.Pattern[bytes]:
    """From anywhere outside a string to the terminator (group 1), which may be missing at the end.

    SQL Server needs no terminators: there a line that begins with GO or INSERT ends it as well.
    """
    first = re.escape(terminator[:1])
    parts = [string(syntax)]
    if syntax.dialect == "postgres":
        parts = [
            rb"[eE]" + body(b"'", True, syntax.charset),
            *parts,
            rb"(?!\$(?:[A-Za-z_]\w*+)?+\$)\$",
            rb"(?<=\w)\$",
        ]
    parts += [
        body(b'"', syntax.backslash and not syntax.quoted_names, syntax.charset),
        rb"`[^`]*+`",
        comment(syntax.dialect),
    ]
    specials = rb"'\"`/\-#$" + first
    if syntax.dialect == "postgres":
        specials += rb"eE"
        # a dollar quote ends the match; the reader finds its end, which no pattern without
        # groups can
    stop = re.escape(terminator)
    if syntax.dialect == "mssql":
        # [^\]]*+ after [: a quote in a bracketed name opens no string
        parts.append(rb"\[[^\]]*+\]")
        specials += rb"\[\n"
        ends = rb"\n[ \t]*+(?:(?i:GO)[ \t]*+\r?(?:\n|$)|(?=(?i:INSERT|CREATE|SET)\b))"
        parts.append(rb"(?!" + ends + rb")\n")
        stop = rb"(?:" + ends + rb"|" + stop + rb")"
    single = specials.replace(rb"'\"`", b"").replace(rb"\n", b"")
    if syntax.dialect == "postgres":
        single = single.replace(b"$", b"")
    other = rb"(?!" + stop + rb")[" + single + rb"]"
    parts.append(other)
    return re.compile(
        rb"(?:[^" + specials + rb"]++|" + rb"|".join(parts) + rb")*+(" + stop + rb")?"
    )


@lru_cache(maxsize=256)
def row(syntax: Syntax, width: int) -> re.Pattern[bytes]:
    """A row of `width` plain values: a group each, then an empty group where the row ends, then
    one with the comma or semicolon behind it."""
    plain = string(syntax)
    if syntax.dialect == "mysql":
        value = rb"(?:_binary ?|[nN])?+" + plain + rb"|[xX]'[0-9a-fA-F]*+'|" + BARE
    elif syntax.dialect == "postgres":
        value = plain + rb"|[eE]" + body(b"'", True, syntax.charset) + rb"|" + BARE
    else:
        value = rb"[nNxX]?+" + plain + rb"|" + BARE
    cell = rb"\s*+(" + value + rb")\s*+"
    return re.compile(rb"\(" + rb",".join([cell] * width) + rb"\)()\s*+([,;]?+)\s*+", re.DOTALL)


def unquoted(name: bytes) -> bytes:
    """A name without its quotes."""
    mark = name[:1]
    if mark in (b"`", b'"'):
        return name[1:-1].replace(mark * 2, mark)
    return name[1:-1].replace(b"]]", b"]") if mark == b"[" else name


def split_names(text: bytes) -> list[bytes]:
    """The names of a dotted or comma-separated list, unquoted."""
    return [unquoted(name) for name in re.findall(NAME, text)]
