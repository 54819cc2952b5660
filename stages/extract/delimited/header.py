"""Whether the first row of a table names its columns, and how many rows stand before it.

Each column says something: names stand over numbers, over a handful of values that come again,
over long texts; a number over numbers, a value that comes again below is data. An empty name or a
year says nothing. What R and pandas write, a nameless column that counts the rows, is sure.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from stages.extract.forms.names import KNOWN

# Rows before the table that are shorter than this share of its width are no part of it.
_PREAMBLE_WIDTH = 0.5
_RICH = 0.3  # share of a table's rows that have more than one cell filled, where it has a preamble
_TRIES = 20  # rows above the table that are nearly as wide: each asks for the whole sample
_VALUE_CHARS = 200  # a longer cell is no value, but for an address
_NAME_CHARS = 400  # a longer cell is no name: the longest questions of surveys have 300
_LABELS = 5  # rows that are told apart by labels in a nameless first column
_TYPED = 0.7  # share of a column's cells that are numbers, dates or addresses

_NUMBER = re.compile(r"\s*[-+(]?[$€£]?\s?[\d.,' ]*\d[\d.,]*(?:[eE][-+]?\d+)?\s?%?\)?\s*|\\N")
_DATE = re.compile(
    r"\s*(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ]\d{1,2}:\d{2}.*)?"
    r"|\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[AaPp][Mm])?)\s*"
)
_ADDRESS = re.compile(r"\s*(?:\w[\w.+-]*@[\w-]+\.[\w.]+|https?://\S+)\s*")
_MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "nil", "\\n", "-", ".", "?", "nd"))
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_NAME = re.compile(r"[^\W\d][\w .,:;/()\[\]#%&$€£°'+*?<>=|-]{0,59}")
# First words of columns in many tables: a year beside one of them is a name as well.
_USUAL_NAMES = (
    "age area author category city class code comment count country county date description"
    " district gender group id index key label language level month name number party player"
    " question rank region score season sex source state status team text time title topic type"
    " unit url user value variable year"
)
_USUAL = frozenset(_USUAL_NAMES.split())


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns."""
    if not rows:
        return False
    names = [cell.strip().lstrip("\ufeff") for cell in rows[0]]
    filled = [name for name in names if name]
    if not filled:
        return False
    body = [row for row in rows[1:] if row != rows[0]]
    columns: list[list[str]] = [[] for _ in names]
    for row in body:
        for column, cell in zip(columns, row, strict=False):
            if cell and not cell.isspace():
                column.append(cell)
    if _has_known(names, columns):
        return True
    if not body:
        return all(_NAME.fullmatch(name) for name in filled)
    if any(len(name) > _NAME_CHARS for name in filled):
        return False
    if _counts_rows(names, body):
        return True
    if len(names) == 1:
        return _names_one(names[0], columns[0])
    return _judged(names, columns, _runs(names, body))


def labelled(rows: Sequence[Sequence[str]], width: int, lines: Sequence[str]) -> bool:
    """Whether the first row names all columns but the first, which tells the rows apart: what R's
    write.table makes. Text with a delimiter in it looks alike; so the names and labels must have
    quotes, or most other cells be values and none begin with a space."""
    body = rows[1:]
    names = rows[0] if rows else []
    if len(names) != width - 1 or len(body) < 2 or not all(cell.strip() for cell in names):
        return False
    if any(len(row) != width for row in body[:-1]) or any(map(_kind, names)):
        return False
    if len({row[0] for row in body}) < len(body) or any(row[1][:1] == " " for row in body[:-1]):
        return False
    if all(line[:1] == '"' for line in lines[: len(rows)]):
        return True
    cells = [cell for row in body for cell in row[1:]]
    values = sum(_kind(cell) is not None or cell.lower() in _MISSING for cell in cells)
    return values > _TYPED * len(cells) and not has_known(names)


def has_known(row: Sequence[str]) -> bool:
    """Whether a row has a name that is known, such as prompt, among names and nothing else."""
    filled = [cell.strip() for cell in row if cell.strip()]
    return any(cell.lower() in KNOWN for cell in filled) and all(
        _NAME.fullmatch(cell) is not None for cell in filled
    )


def preamble(rows: Sequence[Sequence[str]], width: int) -> int:
    """How many rows stand before the table: short ones, and those with one cell filled.

    Rows of the table may have one cell filled too, where not most of them do."""
    if width < 2 or len(rows) < 4:
        return 0
    full = [sum(1 for cell in row if cell.strip()) for row in rows]
    half = len(rows) // 2
    body = [(number, len(row)) for number, row in zip(full, rows, strict=True) if number][half:]
    rich = sum(number > 1 for number, _ in body)
    fitting = sum(number > 1 or size == width for number, size in body)
    if rich < _RICH * len(body) or fitting < 0.9 * max(1, len(body)):
        return 0
    tries = 0
    for place, row in enumerate(rows):
        if has_known(row):
            return place
        if len(row) == width == 2 and not row[0].strip() and looks_like_header(rows[place:]):
            return place
        if len(row) <= _PREAMBLE_WIDTH * width or full[place] < 2:
            continue
        names = rows[place + 1 :]
        tries += 1
        likely = len(row) < width and names and len(names[0]) == width and tries <= _TRIES
        if likely and looks_like_header(names):
            continue
        return place
    return 0


# --- what a row says ------------------------------------------------------------------------------


def _has_known(names: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether a name is known and no value of its column."""
    for name, column in zip(names, columns, strict=True):
        if name.lower() in KNOWN and name not in column:
            return True
    return False


def _counts_rows(names: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether the first column alone has no name and tells the rows apart: R and pandas."""
    if names[0] or not all(names[1:]) or len(body) < 2:
        return False
    first = [row[0].strip() if row else "" for row in body]
    counted = first[:20]
    if counted[0] in ("0", "1") and counted == [
        str(n) for n in range(int(counted[0]), int(counted[0]) + len(counted))
    ]:
        return True
    return len(first) >= _LABELS and all(first) and len(set(first)) == len(first)


def _runs(names: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether the numbers among the names run on evenly, like years or 0, 1, 2, and the numbers
    of the first rows do not."""
    at = [n for n, name in enumerate(names) if name.isascii() and name.isdigit() and len(name) < 9]
    numbers = [int(names[n]) for n in at]
    if not _even(numbers):
        return False
    years = all(_YEAR.fullmatch(names[n]) for n in at)
    counted = numbers[0] in (0, 1) and numbers[1] == numbers[0] + 1
    if len(at) < (2 if years or counted else 5):
        return False
    for row in body[:3]:
        below = [row[n].strip() if n < len(row) else "" for n in at]
        if years and not any(_YEAR.fullmatch(cell) for cell in below):
            continue
        if all(cell.isascii() and cell.isdigit() and len(cell) < 9 for cell in below) and _even(
            [int(cell) for cell in below]
        ):
            return False
    return True


def _even(numbers: Sequence[int]) -> bool:
    if len(numbers) < 2 or numbers[0] == numbers[1]:
        return False
    step = numbers[1] - numbers[0]
    return all(b - a == step for a, b in itertools.pairwise(numbers))


def _names_one(name: str, column: Sequence[str]) -> bool:
    """Whether a line stands over a single column: a word over texts, never a sentence."""
    if _kind_of(column) is not None:
        return _kind(name) is None and name.lower() not in _MISSING
    if _NAME.fullmatch(name) is None or name.endswith((".", "!", "?")):
        return False
    if name in column and _few(column):
        return False
    words = len(name.split())
    if words == 1:
        return True
    below = sorted(len(cell.split()) for cell in column)
    return words <= 3 and below[len(below) // 2] >= 2 * words


def _judged(names: Sequence[str], columns: Sequence[Sequence[str]], runs: bool) -> bool:
    over = value = year = 0
    parts = True  # whether what stands below years has decimals, and they have none
    soft = again = 0.0
    for name, column in zip(names, columns, strict=True):
        if not name or not column:
            continue
        kind, own = _kind_of(column), _kind(name)
        if kind is None:
            points = _over_text(name, column) if own is None else 0.0
            soft, again = soft + max(points, 0.0), again - min(points, 0.0)
        elif own is None:
            over += name.lower() not in _MISSING
        elif (runs and name.isdigit()) or (own == kind and _year_over(name, column)):
            year += 1
            parts = parts and all("." in cell or "," in cell for cell in column)
        elif own == kind:
            value += 1
        else:
            over += own == "date"
    texts = [name for name in names if name and _kind(name) is None]
    if value or again > over + soft:
        return False
    if over or (runs and not texts):
        return True
    if not texts or len(set(texts)) < len(texts):
        return False
    if year and not runs and not soft:
        return parts or any(_plain(name) for name in texts)
    if all(_NAME.fullmatch(name) and not name.endswith((".", "!", "?")) for name in texts):
        return True
    return soft >= 1 and not again


def _plain(name: str) -> bool:
    """Whether a name is written as programs write names, or is one that many tables have."""
    return name.lower() in _USUAL or re.fullmatch(r"[a-z]\w*", name) is not None


def _year_over(name: str, column: Sequence[str]) -> bool:
    """Whether a year stands over numbers that are none."""
    if _YEAR.fullmatch(name) is None:
        return False
    return sum(_YEAR.fullmatch(cell.strip()) is not None for cell in column) < 0.3 * len(column)


def _few(column: Sequence[str]) -> bool:
    """Whether a column holds a handful of values that come again."""
    return len(column) >= 5 and len(set(column)) <= max(2, len(column) // 5)


def _over_text(name: str, column: Sequence[str]) -> float:
    """What a cell says over a column of texts: above 0 that it names it, below that it is one."""
    if _few(column):
        return -1.0 if name in column else 1.0
    if name in column[:50] and _NAME.fullmatch(name) is None:
        return -1.0
    sizes = [len(cell) for cell in column]
    if len(column) >= 5 and min(sizes) == max(sizes) != len(name):
        return 0.5
    if len(name) <= 30 and sorted(sizes)[len(sizes) // 2] >= 3 * max(len(name), 15):
        return 1.0
    upper = sum(cell.lstrip()[:1].isupper() for cell in column)
    return 0.5 if name[:1].islower() and upper >= 0.9 * len(column) else 0.0


def _kind(cell: str) -> str | None:
    """number, date, address; None for text."""
    if len(cell) > _VALUE_CHARS:
        address = cell.startswith(("http://", "https://")) and len(cell.split(None, 1)) == 1
        return "address" if address else None
    if _NUMBER.fullmatch(cell) is not None:
        return "number"
    if _DATE.fullmatch(cell) is not None:
        return "date"
    return "address" if _ADDRESS.fullmatch(cell) is not None else None


def _kind_of(column: Sequence[str]) -> str | None:
    """What most values of a column are; missing ones count for nothing."""
    counted: dict[str | None, int] = {}
    for cell in column:
        kind = _kind(cell)
        if kind is None and cell.strip().lower() in _MISSING:
            continue
        counted[kind] = counted.get(kind, 0) + 1
    total = sum(counted.values())
    values = {kind: number for kind, number in counted.items() if kind is not None}
    if not values or sum(values.values()) <= _TYPED * total:
        return None
    return max(values, key=lambda kind: values[kind])
