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

from stages.extract.delimited.header import has_known, looks_like_header, preamble

_SAMPLE_ROWS = 250
DELIMITERS = (",", ";", "\t", "|", "^", "~", " ", ":")
# What text is full of: taken only where nothing else cuts the lines, and what it cuts are values.
_USUAL, _OF_TEXT = DELIMITERS[:4], DELIMITERS[-2:]
_CUT, _TYPED, _STEADY = 0.34, 0.5, 0.9
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

_VALUE = re.compile(
    r"\s*(?:"
    r"[-+]?[$€£]?\s?\d[\d.,'\u00a0 ]*(?:[eE][-+]?\d+)?\s?[%€$£]?"  # numbers, money, percent
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ]\d{1,2}:\d{2}.*)?"  # dates and times
    r"|\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[AaPp][Mm])?"
    r"|\w[\w.+-]*@[\w-]+\.[\w.]+|https?://\S+"
    r"|true|false|yes|no|null|none|n/?a|nan|\\N"
    r")?\s*",
    re.IGNORECASE,
)
_LONG = 60  # characters; a longer cell is text


@dataclass(frozen=True)
class Dialect:
    """delimiter: one character, or one and a space. quote: one or none. escape: empty (a quote
    is written twice) or a backslash; bare: also outside of quotes. letters: backslash n, t, N
    mean what they mean to a database; nulls: a quote and N do, alone in a field. end: of a row.
    header: whether the first row of the table names the columns. preamble: rows before it.
    width: fields of a row, 0: not known."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    bare: bool = True
    letters: bool = False
    nulls: bool = False
    end: str = "\n"
    header: bool = True
    preamble: int = 0
    width: int = 0


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
    return max(found, key=lambda pair: pair[0])[1]


def _found(text: str, end: str, whole: bool, given: dict[str, str]) -> tuple[float, Dialect]:
    lines = [line for line in text.split(end) if line.strip("\r\n")]
    if not lines:
        return 0.0, Dialect(end=end)
    stated = re.fullmatch(r"sep=(.)\s*", lines[0])
    if stated:
        given = {"delimiter": stated[1], **given}
        lines = lines[1:]
    database = _of_database(lines, given) or _quote_escaped(lines, given)
    if database is not None:
        return 1.0, _shaped(replace(database, end=end), lines, stated is not None)
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
    if not has_known([first.strip().strip('"')]):
        return DELIMITERS
    for delimiter in _USUAL:
        widths = Counter(map(len, _parsed(Dialect(delimiter), lines[1:])[0]))
        if len(widths) > 1 and max(widths.values()) < _STEADY * sum(widths.values()):
            return [_NO_DELIMITER]
    return DELIMITERS


def _parsed(
    dialect: Dialect, lines: Sequence[str], strict: bool = False
) -> tuple[list[list[str]], str | None]:
    """(rows of a sample, csv's error or None); `strict` takes no text after a closing quote."""
    csv.field_size_limit(max(csv.field_size_limit(), 1 << 27))
    reader = csv.reader(
        (line + "\n" for line in lines[:_SAMPLE_ROWS]),
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
        return rows or [[line] for line in lines[:_SAMPLE_ROWS]], str(error)
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
        cut = len(lines) > _SAMPLE_ROWS or not sample.whole
        if error is None or (cut and "unexpected end" in error):
            rows, bonus = clean, _LONG_FIELDS
        else:  # a quote that swallows lines makes few long rows of many
            kept = min(1.0, 0.5 + len(rows) / min(len(lines), _SAMPLE_ROWS))
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
        values = sum(_VALUE.fullmatch(cell) is not None for cell in cells if len(cell) < _LONG)
        if steady < _STEADY or values < _TYPED * len(cells):
            return -1.0
    mark = dialect.quote or '"'
    quoted = sum([mark in (cell[:1], cell[-1:]) for cell in cells])
    if dialect.quote != "'" and "'" in sample.text:
        quoted += sum([len(c) > 1 and c[0] == c[-1] == "'" for c in cells])
    lost += _CELL_QUOTE * quoted / len(cells)
    if width == 1:
        return form - lost
    short = [cell for cell in cells if len(cell) < _LONG]
    typed = sum([_VALUE.fullmatch(cell) is not None for cell in short]) / len(cells)
    return form * (0.6 + 0.4 * typed) - lost


def _whole_lines(dialect: Dialect, lines: Sequence[str]) -> bool:
    """Whether all lines have as many delimiters, within quotes or not, where programs put no quotes
    around text (tabs), or a quote is all of a field."""
    mark = dialect.delimiter[:1]
    lines = [line for line in lines[:_SAMPLE_ROWS] if line]
    counts = {line.count(mark) for line in lines}
    if len(counts) != 1 or counts == {0}:
        return False
    return mark == "\t" or any(dialect.quote in line.split(mark) for line in lines)


def _of_database(lines: Sequence[str], given: dict[str, str]) -> Dialect | None:
    r"""The text formats of psql and MariaDB: backslash letters, \N for NULL, a steady width."""
    if given.get("escape", "\\") != "\\" or not any("\\" in line for line in lines):
        return None
    text = "\n".join(lines)
    for delimiter in [given["delimiter"]] if "delimiter" in given else ["\t", ",", ";", "|"]:
        mark = re.escape(delimiter)
        nulls = re.search(rf"(?m)(?:^|{mark})\\N(?={mark}|$)", text) if "\\N" in text else None
        letters = delimiter == "\t" and re.search(r"\\[ntrN0\n]", text.replace("\\\\", ""))
        if not nulls and not letters:
            continue
        rows = list(_unescaped(lines, delimiter))
        widths = Counter(map(len, rows))
        width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
        if width < 2 or count < 0.9 * len(rows):
            continue
        body = [cell for row in rows for cell in row if "\\" in cell or '"' in cell]
        enclosed = [c[1:-1] for c in body if len(c) > 1 and c[0] == c[-1] == '"']
        bare = [c for c in body if not (len(c) > 1 and c[0] == c[-1] == '"') and c != "\\N"]
        if enclosed and given.get("quote", '"') == '"':
            # a database writes no quote twice, and never a bare backslash or nothing for NULL
            twice = any('""' in cell for cell in enclosed) or any("\\" in cell for cell in bare)
            if nulls and not twice and not any("" in row for row in rows):
                return Dialect(delimiter, '"', "\\", letters=True)
            continue
        known = re.compile(rf"(?:[^\\]|\\[0bfnrtvZN\\'\"{mark}\n])*")
        if (nulls or count == len(rows)) and all(known.fullmatch(cell) for cell in bare):
            return Dialect(delimiter, given.get("quote", ""), "\\", letters=True)
    return None


def _quote_escaped(lines: Sequence[str], given: dict[str, str]) -> Dialect | None:
    """MariaDB's text with FIELDS ESCAPED BY '"': NULL is a quote and N, alone in a field."""
    if given.get("quote", '"') != '"' or given.get("escape") or '"N' not in "".join(lines):
        return None
    for delimiter in [given["delimiter"]] if "delimiter" in given else _USUAL:
        plain = _without_nulls(lines, delimiter)
        if plain == list(lines[:_SAMPLE_ROWS]):
            continue
        rows, error = _parsed(Dialect(delimiter), plain, strict=True)
        widths = Counter(map(len, rows))
        width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
        cut = error is None or "unexpected end" in error
        if cut and width > 1 and count >= _STEADY * len(rows):
            return Dialect(delimiter, '"', nulls=True)
    return None


def _without_nulls(lines: Sequence[str], delimiter: str) -> list[str]:
    """The lines of a sample with nothing in place of a quote and N that are a field."""
    mark = re.escape(delimiter)
    null = re.compile(rf'(?:(?<={mark})|^)"N(?={mark}|$)')
    return [null.sub("", line) for line in lines[:_SAMPLE_ROWS]]


def _has_lone_backslash(dialect: Dialect, lines: Sequence[str]) -> bool:
    """Whether a field without quotes has a backslash that escapes nothing: then it is text."""
    lone = re.compile(rf'(?<!\\)(?:\\\\)*\\(?:[^\\"{re.escape(dialect.delimiter)}]|$)')
    for line in lines:
        outside = "".join(line.split(dialect.quote)[::2]) if dialect.quote else line
        if dialect.quote not in line and lone.search(outside):
            return True
    return False


def _unescaped(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    """Rows cut at delimiters that no backslash stands before; quotes hide delimiters."""
    mark = re.escape(delimiter)
    cell = re.compile(
        rf'(?:"(?:[^"\\]|\\.|"")*"(?={mark}|$)|(?:\\.|[^{mark}\\])*\\?)(?:{mark}|$)', re.DOTALL
    )
    held: list[str] = []
    before, quotes, begins, escaped = "", 0, False, False
    for line in lines[:_SAMPLE_ROWS]:
        # what no backslash stands before; one at the end of a line stands before the line's end
        bare = re.sub(r"\\.", "", line if escaped or not held else "\n" + line)
        escaped = bare.endswith("\\")
        bare = bare.removesuffix("\\")
        near = before + bare
        begins = begins or delimiter + '"' in near or (not before and near.startswith('"'))
        held.append(line)
        quotes += bare.count('"')
        if escaped or (begins and quotes % 2):
            before = near[-1:]  # nothing only as long as there was nothing
            continue
        row = "\n".join(held)
        yield [found[0].removesuffix(delimiter) for found in cell.finditer(row) if found[0]]
        held, before, quotes, begins = [], "", 0, False


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


def _shaped(dialect: Dialect, lines: Sequence[str], stated: bool) -> Dialect:
    rows = list(_unescaped(lines, dialect.delimiter)) if dialect.letters else None
    if dialect.nulls:
        lines = _without_nulls(lines, dialect.delimiter)
    rows = rows or _parsed(dialect, lines)[0]
    if not rows:
        return dialect
    widths = Counter(map(len, rows))
    width = max(widths.items(), key=lambda pair: (pair[1], pair[0]))[0]
    skip = preamble(rows, width)
    if skip < len(rows) and has_known(rows[skip]):
        width = min(width, len(rows[skip]))
    header = looks_like_header(rows[skip:]) if not dialect.letters else _names_above(rows[skip:])
    return replace(dialect, width=width, preamble=skip + stated, header=header)


def _names_above(rows: Sequence[Sequence[str]]) -> bool:
    """Whether a database's text export begins with names: identifiers, and none of them NULL."""
    names = [cell.strip('"') for cell in rows[0]]
    identifiers = all(re.fullmatch(r"[A-Za-z_]\w*(?:\([\w*]*\))?", name) for name in names)
    return identifiers and looks_like_header(rows)
