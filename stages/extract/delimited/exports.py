"""The text exports of databases: psql's and MariaDB's, whose escapes say what they are.

A backslash, or with FIELDS ESCAPED BY '"' a quote, stands before what would end a field or a row,
and before N where a field is NULL.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from stages.extract.delimited.cells import Begun, Cutter, Dialect
from stages.extract.delimited.header import looks_like_header

SAMPLE_ROWS = 250
STEADY = 0.9  # share of rows that have the width of most
_FEW_ROWS = 10  # of a sample: each of them counts
_DELIMITERS = ("\t", ",", ";", "|")
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
    for delimiter in [given["delimiter"]] if "delimiter" in given else _DELIMITERS:
        mark = re.escape(delimiter)
        nulls = re.search(rf"(?m)(?:^|{mark})\\N(?={mark}|$)", text) if "\\N" in text else None
        letters = delimiter == "\t" and re.search(r"\\[ntrN0\n]", text.replace("\\\\", ""))
        if not nulls and not letters:
            continue
        if not given.get("quote") and _is_bare(lines, delimiter, "\\", nulls is not None):
            return Dialect(delimiter, "", "\\", letters=True)
        for quote in [given["quote"]] if given.get("quote") else ('"', "'"):
            if nulls and _is_enclosed(lines, delimiter, quote):
                return Dialect(delimiter, quote, "\\", letters=True)
    return None


def _is_enclosed(lines: Sequence[str], delimiter: str, quote: str) -> bool:
    """Whether all rows have one width when quotes hide delimiters, as a database writes them: none
    twice, no backslash outside of them but for NULL, and never nothing for NULL."""
    rows = list(unescaped(lines, delimiter, "\\", quote))
    width, share = _steadiest(rows)
    if width < 2 or share < STEADY or any("" in row for row in rows):
        return False
    cells = [cell for row in rows for cell in row if cell != "\\N"]
    enclosed = [c[1:-1] for c in cells if len(c) > 1 and c[0] == c[-1] == quote]
    bare = [c for c in cells if not (len(c) > 1 and c[0] == c[-1] == quote)]
    twice = any(quote * 2 in cell for cell in enclosed) or any("\\" in cell for cell in bare)
    return bool(enclosed) and not twice


def _is_bare(lines: Sequence[str], delimiter: str, escape: str, nulls: bool) -> bool:
    """Whether all rows have one width when nothing but an escape hides a delimiter or a line's end,
    and it stands nowhere else. nulls: whether there are some, which are nearly proof."""
    rows = list(unescaped(lines, delimiter, escape, ""))
    rows = rows[:-1] if len(rows) > _FEW_ROWS else rows  # the sample may end within one
    width, share = _steadiest(rows)
    if width < 2 or share < (STEADY if nulls else 1.0):
        return False
    mark, sign = re.escape(delimiter), re.escape(escape)
    known = re.compile(rf"(?:[^{sign}]|{sign}[0bfnrtvZN'\"{mark}{sign}\r\n])*")
    cells = [cell for row in rows for cell in row]
    if not all(known.fullmatch(cell) for cell in cells):
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
    """MariaDB's text with FIELDS ESCAPED BY '"': NULL is a quote and N, alone in a field. The same
    quote stands around the fields, or around none."""
    if given.get("quote", '"') not in ('"', "") or given.get("escape"):
        return None
    if '"N' not in "".join(lines):
        return None
    for delimiter in [given["delimiter"]] if "delimiter" in given else _DELIMITERS:
        mark = re.escape(delimiter)
        if re.search(rf'(?m)(?:^|{mark})"N(?={mark}|$)', "\n".join(lines)) is None:
            continue
        if _is_bare(lines, delimiter, '"', True):
            return Dialect(delimiter, "", '"', letters=True)
        dialect = Dialect(delimiter, '"', nulls=True)
        width = max(map(len, cut(dialect, lines)))
        rows = cut(replace(dialect, width=width), lines)
        rows = rows[:-1] if len(rows) > _FEW_ROWS else rows
        if width > 1 and _steadiest(rows) >= (width, STEADY) and any(None in row for row in rows):
            return replace(dialect, width=width)
    return None


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
