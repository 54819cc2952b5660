"""Patterns over bytes: strings, comments, names, the end of a statement, one row of plain values.

Everything is possessive (Python 3.11): a pattern never tries a byte twice. What opens and does not
close (a string, a comment, a dollar quote) ends the match there, so that it is looked for once and
not again from each byte behind it: a hostile text costs no more than a friendly one.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from stages.extract.sqldump.charset import pairs


class Syntax(NamedTuple):
    """What changes how bytes are cut into strings and words."""

    dialect: str
    backslash: bool  # whether a backslash escapes in plain strings
    quoted_names: bool  # whether "x" is a name and no string
    charset: str


def _name(opening: bytes, closing: bytes) -> bytes:
    """The pattern of a quoted name; a doubled closing mark stands for one."""
    plain, doubled = rb"[^%b]" % closing, rb"(?:%b%b[^%b]{0,512}+)" % (closing, closing, closing)
    return rb"%b(?:%b{1,512}+%b{0,16}+|%b{1,16}+)%b" % (opening, plain, doubled, doubled, closing)


# Servers take names of 128 characters at most, and four of them with dots between; the limits keep
# a quote that does not close from being looked for through the whole window at each statement.
NAME = (
    rb"(?:" + _name(b"`", b"`") + rb"|" + _name(b'"', b'"') + rb"|" + _name(rb"\[", rb"\]")
    + rb"|[A-Za-z_@#\x80-\xff][\w$#@\x80-\xff]{0,511}+)"
)  # fmt: skip
NAMES = rb"(?:" + NAME + rb"(?:\s*+\.\s*+" + NAME + rb"){0,3}+)"
_COMMENT = rb"--[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/"
# A number or word; no comment, and no sign alone.
BARE = rb"[-+]?+[.\w][+.\w]*+(?:-(?!-)[+.\w]*+)*+"
MONEY = rb"(?:\$|\xc2[\xa3\xa5]|\xe2\x82\xac)"  # before SQL Server's numbers: $, pound, yen, euro


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
    brackets = syntax.dialect in ("sqlite", "mssql")
    bracketed = rb"|\[[^\]]*+\]" if brackets else b""
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
        parts.append(rb"(?P<dollar>" + DOLLAR + rb")")  # the opening; closed_by tells the rest
    if syntax.dialect == "oracle":
        parts.append(rb"(?P<qquote>" + QQUOTE + rb")")
    money = rb"(?:" + MONEY + rb"[-+]?+)?+" if syntax.dialect == "mssql" else b""
    opens = rb"(?![eE]')" if syntax.dialect == "postgres" else b""
    parts += [
        rb"(?P<national>[nN]" + plain + rb")",
        rb"(?P<quoted>" + quoted + rb"|`(?:[^`]|``)*+`" + bracketed + rb")",
        rb"(?P<number>" + money + rb"(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)"
        rb"(?:[eE][-+]?+[0-9]++)?+(?![\w]))",
        # what begins with digits and is no number is one word, or each digit would begin one more
        rb"(?P<word>" + opens + rb"[\w@\x80-\xff][\w.$@\x80-\xff]*+)",
        rb"(?P<mark>\|\||::|" + opens + rb"(?!/\*)[^'\"`" + (rb"\[" if brackets else b"") + rb"])",
    ]
    return re.compile(rb"|".join(parts), re.DOTALL)


DOLLAR = rb"\$(?:[A-Za-z_]\w{0,255}+)?+\$"
QQUOTE = rb"[nN]?[qQ]'\S"
_MIRRORED = {b"[": b"]", b"{": b"}", b"(": b")", b"<": b">"}


def closed_by(opening: bytes) -> bytes:
    """What ends the text that a dollar quote or Oracle's q'[ opens."""
    if opening[:1] == b"$":
        return opening
    mark = opening[-1:]
    return _MIRRORED.get(mark, mark) + b"'"


@cache
def comment(dialect: str) -> bytes:
    """The pattern of a comment within a statement."""
    if dialect == "mysql":
        # within a statement -- needs white space after it
        return rb"--(?=[\s\x00])[^\n]*+|#[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/"
    return _COMMENT


@cache
def blank(dialect: str) -> re.Pattern[bytes]:
    """White space and comments between statements; MySQL's client takes any -- for a comment.
    Group 1: the last one, which may go on behind the window."""
    hash_ = rb"|#[^\n]*+" if dialect == "mysql" else b""
    rem = rb"|(?i:(?:REM|REMARK|PROMPT)\b)[^\n]*+" if dialect == "oracle" else b""
    db2 = rb"(?!#SET\b)" if dialect == "db2" else b""
    return re.compile(
        rb"([\s\x00\x1a]++|\xef\xbb\xbf|--" + db2 + rb"[^\n]*+" + hash_ + rem
        + rb"|/\*(?!M?!)(?:[^*]++|\*(?!/))*+\*/)*+"
    )  # fmt: skip


@cache
def statement(syntax: Syntax, stops: bytes) -> re.Pattern[bytes]:
    """From anywhere outside a string to one of the bytes `stops`, to what opens and does not close,
    or to a dollar quote, whose end no pattern without groups can find; in SQL Server's scripts to a
    line's end as well, see ENDS. Group 1: the last piece, which may go on behind the window.
    """
    parts = [string(syntax)]
    specials = rb"'\"`/\-#"
    if syntax.dialect == "postgres":
        parts = [
            rb"[eE]" + body(b"'", True, syntax.charset),
            *parts,
            rb"(?!" + DOLLAR + rb")\$",
            rb"(?<=\w)\$",
            rb"[eE](?!')",
        ]
        specials += rb"eE$"
    parts += [
        body(b'"', syntax.backslash and not syntax.quoted_names, syntax.charset),
        rb"`[^`]*+`",
        comment(syntax.dialect),
    ]
    if syntax.dialect == "mssql":
        # [^\]]*+ after [: a quote in a bracketed name opens no string
        parts.append(rb"\[[^\]]*+\]")
        specials += rb"\[\n"
    stop = b"".join(re.escape(stops[n : n + 1]) for n in range(len(stops)))
    parts.append(rb"(?!/\*)(?![" + stop + rb"])[/\-#]")
    return re.compile(rb"([^" + specials + stop + rb"]++|" + rb"|".join(parts) + rb")*+", re.DOTALL)


# At a line's end in SQL Server's scripts: a batch ends with GO, or the next statement begins.
ENDS = re.compile(
    rb"\n[ \t]*+(?:(?i:GO)[ \t]*+\r?(?:\n|\Z)|(?=(?i:INSERT|CREATE|SET)\b))"
)  # fmt: skip


def next_token(
    pattern: re.Pattern[bytes], data: bytes, pos: int
) -> tuple[re.Match[bytes], int, int] | None:
    """The token at a place, where its text ends, where it ends; None when it does not."""
    match = pattern.match(data, pos)
    if match is None:
        return None
    if match.lastgroup in ("dollar", "qquote"):
        closing = closed_by(match[0])
        end = data.find(closing, match.end())
        return None if end < 0 else (match, end, end + len(closing))
    return match, match.end(), match.end()


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
