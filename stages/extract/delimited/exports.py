"""The text exports of databases: psql's and MariaDB's, whose escapes say what they are.

A backslash, or with FIELDS ESCAPED BY '"' a quote, stands before what would end a field or a row,
and before N where a field is NULL.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

from stages.extract.delimited.cells import Begun, Cutter, Dialect
from stages.extract.delimited.header import looks_like_header

SAMPLE_ROWS = 250
STEADY = 0.9  # share of rows that have the width of most
_FEW_ROWS = 10  # of a sample: each of them counts
_DELIMITERS, _QUOTES = ("\t", ",", ";", "|"), ('"', "'")
_BROKEN = 3  # rows that have a quote too many: fewer are slips
VALUE = re.compile(
    r"\s*(?:"
    r"[-+]?[$€£]?\s?\d[\d.,'\u00a0 ]*(?:[eE][-+]?\d+)?\s?[%€$£]?"  # numbers, money, percent
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ]\d{1,2}:\d{2}.*)?"  # dates and times
    r"|\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[AaPp][Mm])?"
    r"|\w[\w.+-]*@[\w-]+\.[\w.]+|https?://\S+"
    r"|true|false|yes|no|null|none|n/?a|nan|\\N"
    r")?\s*",
    re.IGNORECASE,
)


def of_database(lines: Sequence[str], given: dict[str, str]) -> Dialect | None:
    r"""The text formats of psql and MariaDB: backslash letters, \N for NULL, a steady width."""
    if given.get("escape", "\\") != "\\" or not any("\\" in line for line in lines):
        return None
    text = "\n".join(lines)
    for delimiter in _tried(given):
        mark = re.escape(delimiter)
        nulls = re.search(rf"(?m)(?:^|{mark})\\N(?={mark}|$)", text) if "\\N" in text else None
        escaped = text.replace("\\\\", "")
        letters = delimiter == "\t" and re.search(r"\\[ntrN0\n]", escaped)
        hidden = len(re.findall(rf"\\(?:{mark}|\n)", escaped)) >= _BROKEN
        if not nulls and not letters and not hidden:
            continue
        if not given.get("quote") and _is_bare(lines, delimiter, "\\", nulls is not None):
            return Dialect(delimiter, "", "\\", letters=True)
        for quote in [given["quote"]] if given.get("quote") else _QUOTES:
            if nulls and _is_enclosed(lines, delimiter, quote):
                return Dialect(delimiter, quote, "\\", letters=True)
    return None


def _is_enclosed(lines: Sequence[str], delimiter: str, quote: str, escape: str = "\\") -> bool:
    """Whether all rows have one width when quotes hide delimiters, as a database writes them: none
    twice, no escape outside of them but for NULL, and never nothing for NULL."""
    rows = list(unescaped(lines, delimiter, escape, quote))
    width, share = _steadiest(rows)
    if width < 2 or share < STEADY or any("" in row for row in rows):
        return False
    cells = [cell for row in rows for cell in row if cell != escape + "N"]
    enclosed = [c[1:-1] for c in cells if len(c) > 1 and c[0] == c[-1] == quote]
    bare = [c for c in cells if not (len(c) > 1 and c[0] == c[-1] == quote)]
    if any(quote * 2 in cell for cell in enclosed) or any(escape in cell for cell in bare):
        return False
    if escape != "\\":  # a quote stands before what it hides alone
        known = re.compile(rf"(?:[^{escape}]|{escape}[0{escape}{quote}\r\n])*")
        if not all(known.fullmatch(cell) for cell in enclosed):
            return False
    return bool(enclosed)


def _is_bare(lines: Sequence[str], delimiter: str, escape: str, nulls: bool) -> bool:
    """Whether all rows have one width when nothing but an escape hides a delimiter or a line's end,
    and it stands nowhere else. nulls: whether there are some, which are nearly proof."""
    rows = list(unescaped(lines, delimiter, escape, ""))
    rows = rows[:-1] if len(rows) > _FEW_ROWS else rows  # the sample may end within one
    width, share = _steadiest(rows)
    if width < 2 or share < (STEADY if nulls else 1.0):
        return False
    mark, sign = re.escape(delimiter), re.escape(escape)
    letters = "0bfnrtvZN'\"" if escape == "\\" else "0"  # a quote stands before what it hides alone
    known = re.compile(rf"(?:[^{sign}]|{sign}[{letters}{mark}{sign}\r\n])*|{sign}N")
    cells = [cell for row in rows for cell in row]
    if not all(known.fullmatch(cell) for cell in cells):
        return False
    pairs = [cell for cell in cells if escape in cell and cell != escape * 2]
    if escape != "\\" and not nulls and len(pairs) < _BROKEN:
        return False
    words = [cell for cell in cells if cell not in ("", escape + "N") and not VALUE.fullmatch(cell)]
    quoted = [cell for cell in words if cell[0] in "\"'" and cell[0] == cell[-1]]
    return 2 * len(quoted) < len(words) or not words


def _steadiest(rows: Sequence[Sequence[str | None]]) -> tuple[int, float]:
    """(the width that most rows have, their share)."""
    if not rows:
        return 0, 0.0
    width, count = max(Counter(map(len, rows)).items(), key=lambda pair: (pair[1], pair[0]))
    return width, count / len(rows)


def quote_escaped(lines: Sequence[str], given: dict[str, str]) -> Dialect | None:
    """MariaDB's text with FIELDS ESCAPED BY a quote. The same quote stands around the fields, the
    other one, or none. What says it: NULL, which is that quote and N alone in a field; or that each
    of them stands before one more, or before what it hides, and fields are broken otherwise."""
    if given.get("escape"):
        return None
    text = "\n".join(lines)
    quotes = [given["quote"]] if "quote" in given else ["", *_QUOTES]
    for escape, delimiter in product(_QUOTES, _tried(given)):
        mark = re.escape(delimiter)
        if delimiter not in text or escape not in text:
            continue
        nulls = escape + "N" in text
        nulls = nulls and re.search(rf"(?m)(?:^|{mark}){escape}N(?={mark}|$)", text) is not None
        hides = rf"{escape}(?:[0'\"{mark}\n\r]|N(?={mark}|$))"
        whole = re.match(rf"(?m)(?:[^{escape}]++|{hides})*+{escape}?", text)
        if whole and whole.end() == len(text) and (nulls or text.count(escape) >= 2 * _BROKEN):
            if "" in quotes and _is_bare(lines, delimiter, escape, nulls):
                return Dialect(delimiter, "", escape, letters=True)
            for quote in quotes:
                if quote not in ("", escape) and _is_enclosed(lines, delimiter, quote, escape):
                    return Dialect(delimiter, quote, escape, letters=True)
        if escape in quotes and (dialect := _of_one_quote(lines, delimiter, escape, nulls)):
            return dialect
    return None


def _of_one_quote(lines: Sequence[str], delimiter: str, quote: str, nulls: bool) -> Dialect | None:
    """The dialect of fields with a quote around them that is its own escape, also before the end of
    a line and before N for NULL."""
    if not nulls:
        if sum(one[-1:] == quote != two[:1] for one, two in pairwise(lines)) < _BROKEN:
            return None
        plain = cut(Dialect(delimiter, quote), lines)
        if (1 - _steadiest(plain)[1]) * len(plain) < _BROKEN:
            return None
    dialect = Dialect(delimiter, quote, nulls=True)
    dialect = replace(dialect, width=max(map(len, cut(dialect, lines))))
    rows = _but_last(cut(dialect, lines))
    least = STEADY if nulls else 1.0
    steady = dialect.width > 1 and _steadiest(rows) >= (dialect.width, least)
    return dialect if steady and (not nulls or any(None in row for row in rows)) else None


def as_it_stands(lines: Sequence[str], given: dict[str, str]) -> Dialect | None:
    r"""Fields that were put between quotes, and nothing done about the quotes within: MariaDB's
    FIELDS ESCAPED BY '', whose NULL is NULL without quotes, and many a script.

    Where a quote ends a field is told by what stands behind it, in a table of known width. Taken
    only where rows are broken otherwise, and more than have quotes that are written twice."""
    if given.get("escape") or len(lines) < _BROKEN:
        return None
    text = "\n".join(lines)
    for quote in [given["quote"]] if given.get("quote") else _QUOTES:
        if text.count(quote) < 2 * len(lines):
            continue
        for delimiter in _tried(given):
            begins = text.count(delimiter + quote) + text.count("\n" + quote)
            ends = text.count(quote + delimiter) + text.count(quote + "\n")
            if 2 * min(begins, ends) < text.count(delimiter) or begins < len(lines) / 2:
                continue
            mark = re.escape(delimiter)
            lone = rf"(?<=[^{mark}{quote}\n]){quote}(?=[^{mark}{quote}\n])"
            if len(re.findall(lone, text)) < _BROKEN:
                continue
            broken = cut(Dialect(delimiter, quote), lines).count([])
            if broken < max(_BROKEN, 2 * text.count("\\" + quote)):
                continue
            dialect = Dialect(delimiter, quote, verbatim=True)
            dialect = replace(dialect, width=_steadiest(cut(dialect, lines))[0])
            rows = _but_last(cut(dialect, lines))
            twice = rows.count([])
            width, share = _steadiest([row for row in rows if row])
            if width == dialect.width > 1 and share >= STEADY and twice < broken:
                return dialect
    return None


def _tried(given: dict[str, str]) -> Sequence[str]:
    return [given["delimiter"]] if "delimiter" in given else _DELIMITERS


def _but_last(rows: list[list[str | None]]) -> list[list[str | None]]:
    """The rows of a sample, which may end within one."""
    return rows[:-1] if len(rows) > _FEW_ROWS else rows


def cut(dialect: Dialect, lines: Sequence[str]) -> list[list[str | None]]:
    """The rows of a sample as they will be read; one that is broken has no cells."""
    cutter, rows = Cutter(dialect), []
    begun: Begun | None = None
    for line in lines[:SAMPLE_ROWS]:
        begun, state = cutter.strict(line, "\n", begun)
        if state in ("clean", "broken"):
            rows.append(begun.cells if state == "clean" else [])
            begun = None
    return rows or [[]]


def unescaped(lines: Sequence[str], delimiter: str, escape: str, quote: str) -> Iterator[list[str]]:
    """Rows cut at delimiters that no escape stands before, nor a quote around them."""
    mark, sign = re.escape(delimiter), re.escape(escape)
    within = rf"{quote}(?:[^{quote}{sign}]|{sign}.|{quote}{quote})*{quote}(?={mark}|$)|"
    within = within if quote else ""
    cell = re.compile(rf"(?:{within}(?:{sign}.|[^{mark}{sign}])*{sign}?)(?:{mark}|$)", re.DOTALL)
    pair = re.compile(rf"{sign}.")
    held: list[str] = []
    before, marks, begins, escaped = "", 0, False, False
    for line in lines[:SAMPLE_ROWS]:
        # what no backslash stands before; one at the end of a line stands before the line's end
        bare = pair.sub("", line if escaped or not held else "\n" + line)
        escaped = bare.endswith(escape)
        bare = bare.removesuffix(escape)
        near = before + bare
        begins = begins or delimiter + quote in near or (not before and near.startswith(quote))
        held.append(line)
        marks += bare.count(quote) if quote else 0
        if escaped or (begins and marks % 2):
            before = near[-1:]  # nothing only as long as there was nothing
            continue
        row = "\n".join(held)
        yield [found[0].removesuffix(delimiter) for found in cell.finditer(row) if found[0]]
        held, before, marks, begins = [], "", 0, False


def names_above(rows: Sequence[Sequence[str]]) -> bool:
    """Whether a database's text export begins with names: identifiers, and none of them NULL."""
    names = [cell.strip('"') for cell in rows[0]]
    identifiers = all(re.fullmatch(r"[A-Za-z_]\w*(?:\([\w*]*\))?", name) for name in names)
    return identifiers and looks_like_header(rows)
