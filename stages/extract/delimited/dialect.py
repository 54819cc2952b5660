"""Which dialect of CSV a file is written in, found from its first 64 KB.

Every delimiter, quote and escape in use is tried; the one whose rows have the steadiest width and
the most cells that look like values wins. Ideas: van den Burg et al. 2019 (type and pattern score).
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stages.extract.delimited import exports
from stages.extract.delimited.cells import Dialect
from stages.extract.delimited.exports import SAMPLE_ROWS, STEADY, VALUE
from stages.extract.delimited.header import has_known, labelled, looks_like_header, preamble

DELIMITERS = (",", ";", "\t", "|", "^", "~", " ", ":")
# What text is full of: taken only where nothing else cuts the lines, and what it cuts are values.
_USUAL, _OF_TEXT = DELIMITERS[:4], DELIMITERS[-2:]
_CUT, _TYPED = 0.34, 0.5
_NO_DELIMITER = "\x1f"  # of one column of text that holds all the usual ones
QUOTES = ('"', "'", "")

# Points lost by what is seldom meant, so that it wins only when it is clearly better; set on
# Pollock's files, files of open-data portals and exports of databases (see benchmarks/NOTES.md).
_SELDOM = {" ": 0.10, ":": 0.30, "^": 0.02, "~": 0.02}
_SINGLE_QUOTE, _ESCAPE, _SPACED, _NO_QUOTE = 0.03, 0.02, 0.01, 0.002
_LONG_FIELDS = 0.1  # points for quotes that hold several lines and are all closed
_SPACES = 20  # so many delimiters, each with one space behind it, are no accident
_ONE_COLUMN = 0.02
_CELL_QUOTE = 2.0  # points lost when all cells still begin or end with a quote

_MOST, _FEW_ROWS = 0.4, 10  # share of rows that tells the width of a table, where there are some
_LEAST = 5  # lines by which quotes are known to be text
_LONG = 60  # characters; a longer cell is text


@dataclass(frozen=True)
class _Sample:
    """whole: whether it is all of the file. escapes: quote → whether a backslash escapes it.
    given: whether the delimiter is known."""

    text: str
    whole: bool
    escapes: Mapping[str, bool]
    given: bool


def detect(text: str, whole: bool, given: dict[str, str] | None = None) -> Dialect:
    """The dialect of a sample; `whole` when it is all of the file. given: delimiter, quote and
    escape that are known, each as one character or empty."""
    given = given or {}
    if not whole and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    found = [_found(text, end, whole, given) for end in _row_ends(text)]
    best = max(found, key=lambda pair: pair[0])[1]
    if best.end != "\n" or "\r\n" not in text or re.search(r"(?<!\r)\n", text) is None:
        return best
    good, share = _whole_rows(best, text)
    if share < 1.0 or best.width < 2:  # LF alone may be text that has no quote around it
        other = _found(text, "\r\n", whole, given)[1]
        more, larger = _whole_rows(other, text)
        if best.width < 2 and other.letters and larger >= STEADY:
            return other
        if larger > max(share, STEADY) and more >= good:
            return other
    return best


def _whole_rows(dialect: Dialect, text: str) -> tuple[int, float]:
    """(rows of a sample that have the width of the table, their share)."""
    rows = _rows(dialect, [line.removesuffix("\r") for line in _lines(text, dialect.end)])
    good = sum(len(row) == dialect.width for row in rows)
    return good, good / max(1, len(rows))


def _lines(text: str, end: str) -> list[str]:
    return [line for line in text.split(end) if line.strip("\r\n")]


def _found(text: str, end: str, whole: bool, given: dict[str, str]) -> tuple[float, Dialect]:
    lines = _lines(text, end)
    if not lines:
        return 0.0, Dialect(end=end)
    stated = re.fullmatch(r"sep=(.)\s*", lines[0])
    if stated:
        given = {"delimiter": stated[1], **given}
        lines = lines[1:]
    bare = [line.removesuffix("\r") for line in lines]
    database = exports.of_database(bare, given) or exports.quote_escaped(bare, given)
    database = database or exports.as_it_stands(bare, given)
    if database is not None:
        return 1.0, _shaped(replace(database, end=end), bare, stated is not None)
    best, top = Dialect(delimiter=given.get("delimiter", ",")), -1e9
    # a backslash before a quote with text behind it escapes it; before a delimiter it is text
    escapes = {
        quote: re.search(rf"\\{quote}[^{quote},;|\t\r\n]", text) is not None
        for quote in ('"', "'")
        if "\\" + quote in text
    }
    sample = _Sample(text, whole, escapes, "delimiter" in given)
    for candidate in _candidates(text, given, lines):
        if candidate.delimiter in _OF_TEXT and "delimiter" not in given and top >= _CUT:
            break  # they come last
        points = _points(candidate, lines, sample, top)
        if points > top + 1e-9:
            best, top = candidate, points
    if "quote" not in given and _is_text(best, bare):
        best = replace(best, quote="", escape="")
    if best.escape:
        best = replace(best, bare=not _has_lone_backslash(best, lines))
    if len(best.delimiter) == 1 and "delimiter" not in given and _always_spaced(best, lines):
        best = replace(best, delimiter=best.delimiter + " ")
    return top, _shaped(replace(best, end=end), lines, stated is not None)


def _row_ends(text: str) -> list[str]:
    """LF, and CR where it stands alone about as often outside of quotes."""
    if "\r" not in text:
        return ["\n"]
    outside = "".join(text.split('"')[::2])
    alone = len(re.findall(r"\r(?!\n)", outside))
    feeds = outside.count("\n")
    if not alone or alone < feeds / 4:
        return ["\n"]
    return ["\r"] if alone > 5 * feeds else ["\n", "\r"]


def _candidates(text: str, given: dict[str, str], lines: Sequence[str]) -> Iterator[Dialect]:
    delimiters = [given["delimiter"]] if "delimiter" in given else _delimiters(lines)
    quotes = [given["quote"]] if "quote" in given else QUOTES
    for delimiter in delimiters:
        usual = delimiter in text or delimiter in (",", _NO_DELIMITER)
        if not usual and "delimiter" not in given:
            continue
        for quote in quotes:
            if "quote" not in given and quote != '"' and (quote or '"') not in text:
                continue  # without a quote in sight the usual one is as good as none
            escapes = [given["escape"]] if "escape" in given else [""]
            if "escape" not in given and quote and "\\" + quote in text:
                escapes.append("\\")
            for escape in escapes:
                yield Dialect(delimiter, quote, escape)
                free = "delimiter" not in given and delimiter not in " \t"
                if free and quote and f"{delimiter} {quote}" in text:
                    yield Dialect(delimiter + " ", quote, escape)


def _delimiters(lines: Sequence[str]) -> Sequence[str]:
    """What may stand between fields: where the first line has a known name, what it says."""
    first = lines[0].lstrip("\ufeff")
    for delimiter in _USUAL:
        cells = [cell.strip().strip('"') for cell in first.split(delimiter)]
        if len(cells) > 1 and has_known(cells):
            return [delimiter]
    name = first.strip().strip('"')
    for delimiter in ",;" if re.fullmatch(r"\w{2,30}", name) else "":
        if _is_prose(delimiter, lines[1:]):
            return [_NO_DELIMITER]
    if not has_known([name]):
        return DELIMITERS
    for delimiter in _USUAL:
        widths = Counter(map(len, _parsed(Dialect(delimiter), lines[1:])[0]))
        if len(widths) > 1 and max(widths.values()) < STEADY * sum(widths.values()):
            return [_NO_DELIMITER]
    return DELIMITERS


def _is_prose(delimiter: str, lines: Sequence[str]) -> bool:
    """Whether a delimiter stands as in sentences: a space behind each one, and words before."""
    cut = [line.split(delimiter) for line in lines[:SAMPLE_ROWS] if not line.startswith('"')]
    parts = [part for line in cut for part in line[1:]]
    words = sum(" " in line[0].strip() for line in cut)
    return bool(parts) and all(part[:1] == " " for part in parts) and 2 * words > len(cut)


def _parsed(
    dialect: Dialect, lines: Sequence[str], strict: bool = False
) -> tuple[list[list[str]], str | None]:
    """(rows of a sample, csv's error or None); `strict` takes no text after a closing quote."""
    csv.field_size_limit(max(csv.field_size_limit(), 1 << 27))
    reader = csv.reader(
        # LF is text in a row that ends in CR LF, and of a text it does not matter which
        (line.replace("\n", "\v") + "\n" for line in lines[:SAMPLE_ROWS]),
        delimiter=dialect.delimiter[:1] or "\x1f",
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        doublequote=not dialect.escape,
        escapechar=dialect.escape or None,
        skipinitialspace=len(dialect.delimiter) > 1,
        strict=strict,
    )
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in reader if row)
    except csv.Error as error:
        return rows or [[line] for line in lines[:SAMPLE_ROWS]], str(error)
    return rows, None


def _points(dialect: Dialect, lines: Sequence[str], sample: _Sample, least: float) -> float:
    """How well a dialect fits; only roughly when it cannot reach `least`."""
    rows, error = _parsed(dialect, lines)
    if not rows:
        return -1.0
    kept, bonus = 1.0, 0.0
    if any("\n" in cell for row in rows for cell in row):
        if _whole_lines(dialect, lines):
            return -1.0  # the quotes are text: without them each line is a row
        clean, error = _parsed(dialect, lines, strict=True)
        cut = len(lines) > SAMPLE_ROWS or not sample.whole
        if error is None or (cut and "unexpected end" in error):
            rows, bonus = clean, _LONG_FIELDS
        else:  # a quote that swallows lines makes few long rows of many
            kept = min(1.0, 0.5 + len(rows) / min(len(lines), SAMPLE_ROWS))
    widths = Counter(map(len, rows))
    width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
    lost = _SELDOM.get(dialect.delimiter, 0.0)
    lost += _NO_QUOTE if not dialect.quote else 0.0
    lost += _SINGLE_QUOTE if dialect.quote == "'" else 0.0
    lost += _SPACED if len(dialect.delimiter) > 1 else 0.0
    if dialect.quote in sample.escapes:
        lost += _ESCAPE if sample.escapes[dialect.quote] != bool(dialect.escape) else 0.0
    steady = count / len(rows)
    form = steady**2 * math.sqrt(1 - 1 / width) * kept if width > 1 else _ONE_COLUMN
    lost -= bonus
    if form - lost <= least:
        return form - lost  # the cells can only lower it
    cells = [cell for row in rows for cell in row]
    if dialect.delimiter in _OF_TEXT and not sample.given and width > 1:
        values = sum(VALUE.fullmatch(cell) is not None for cell in cells if len(cell) < _LONG)
        if steady < STEADY or values < _TYPED * len(cells):
            return -1.0
    mark = dialect.quote or '"'
    quoted = sum([mark in (cell[:1], cell[-1:]) for cell in cells])
    if dialect.quote != "'" and "'" in sample.text:
        quoted += sum([len(c) > 1 and c[0] == c[-1] == "'" for c in cells])
    lost += _CELL_QUOTE * quoted / len(cells)
    if width == 1:
        return form - lost
    short = [cell for cell in cells if len(cell) < _LONG]
    typed = sum([VALUE.fullmatch(cell) is not None for cell in short]) / len(cells)
    return form * (0.6 + 0.4 * typed) - lost


def _is_text(dialect: Dialect, lines: Sequence[str]) -> bool:
    """Whether quotes are text that the program did not put around fields: all lines have as many
    delimiters, some fields begin with a quote, and of the lines with such none is sound."""
    mark, quote = dialect.delimiter, dialect.quote
    lines = [line for line in lines[:SAMPLE_ROWS] if line]
    counts = {line.count(mark) for line in lines}
    if not quote or len(mark) != 1 or len(lines) < _LEAST or len(counts) != 1 or counts == {0}:
        return False
    begun = [line for line in lines if line.startswith(quote) or mark + quote in line]
    return bool(begun) and all(_parsed(dialect, [line], strict=True)[1] for line in begun)


def _whole_lines(dialect: Dialect, lines: Sequence[str]) -> bool:
    """Whether all lines have as many delimiters, within quotes or not, where programs put no quotes
    around text (tabs), or a quote is all of a field."""
    mark = dialect.delimiter[:1]
    lines = [line for line in lines[:SAMPLE_ROWS] if line]
    counts = {line.count(mark) for line in lines}
    if len(counts) != 1 or counts == {0}:
        return False
    return mark == "\t" or any(dialect.quote in line.split(mark) for line in lines)


def _has_lone_backslash(dialect: Dialect, lines: Sequence[str]) -> bool:
    """Whether a field without quotes has a backslash that escapes nothing: then it is text."""
    lone = re.compile(rf'(?<!\\)(?:\\\\)*\\(?:[^\\"{re.escape(dialect.delimiter)}]|$)')
    for line in lines:
        outside = "".join(line.split(dialect.quote)[::2]) if dialect.quote else line
        if dialect.quote not in line and lone.search(outside):
            return True
    return False


def _always_spaced(dialect: Dialect, lines: Sequence[str]) -> bool:
    """Whether one space stands behind every delimiter outside of quotes."""
    if dialect.delimiter in " \t":
        return False
    mark = re.escape(dialect.delimiter)
    pattern = re.compile(rf"{mark}(?! [^ ])")
    spaced = 0
    for line in lines:
        outside = "".join(line.split(dialect.quote)[::2]) if dialect.quote else line
        if pattern.search(outside):
            return False
        spaced += outside.count(dialect.delimiter)
    return spaced >= _SPACES


# --- shape ------------------------------------------------------------------------------------


def _rows(dialect: Dialect, lines: Sequence[str]) -> list[list[str]]:
    rows: list[list[str]] = []
    if dialect.letters:
        letter = dialect.delimiter, dialect.escape, dialect.quote
        rows = list(exports.unescaped(lines, *letter))
    elif dialect.nulls or dialect.verbatim:
        rows = [[cell or "" for cell in row] for row in exports.cut(dialect, lines)]
    return rows or _parsed(dialect, lines)[0]


def _shaped(dialect: Dialect, lines: Sequence[str], stated: bool) -> Dialect:
    rows = _rows(dialect, lines)
    if not rows:
        return dialect
    widths = Counter(map(len, rows))
    width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
    even = len(rows) < _FEW_ROWS or count >= _MOST * len(rows)
    skip = preamble(rows, width)
    if labelled(rows[skip:], width, [line for line in lines if line.strip()][skip:]):
        return replace(dialect, width=width, preamble=skip + stated, header=True, labels=True)
    if skip < len(rows) and has_known(rows[skip]):
        width = min(width, len(rows[skip]))
    header = (
        looks_like_header(rows[skip:]) if not dialect.letters else exports.names_above(rows[skip:])
    )
    return replace(dialect, width=width, even=even, preamble=skip + stated, header=header)
