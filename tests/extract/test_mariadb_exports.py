"""SELECT … INTO OUTFILE and the client's batches of MariaDB, read back: by how it writes them, and,
where there is one, by the server itself."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import CsvExtract
from stages.base import Item
from tests.extract.conftest import MariaDB

WORDS = [
    "plain", "two words", "a,b", "a;b", "a|b", "a\tb", "a\nb", "a\r\nb", 'say "hi"', '"quoted"',
    '"', "it's", "'q'", "back\\slash", "\\", "\\N", "NULL", "N", '"N', " lead", "trail ", "é 雨",
    'a,"b",c', 'x\\"y', "x\\,y", "\\n", "%", "0", "line\nline\n", '""', '"",""',
]  # fmt: skip
Row = tuple[str, str, str, str | None, str]
ROWS: list[Row] = [
    (str(n), word, WORDS[n * 7 % 31], None if n % 3 == 0 else WORDS[n * 5 % 31], f"{n * 1.5:.2f}")
    for n, word in enumerate(WORDS * 2, 1)
]
MILD: list[Row] = [
    (str(n), word, "as it is", None if n % 4 == 0 else "x", "1.50")
    for n, word in enumerate(["plain", "two words", "a b c", "é 雨", "1.10", "007"] * 4, 1)
]


class Way(NamedTuple):
    """FIELDS TERMINATED BY, [OPTIONALLY] ENCLOSED BY, ESCAPED BY, LINES TERMINATED BY."""

    field: str
    quote: str
    escape: str
    line: str = "\n"
    optionally: bool = False

    @property
    def sql(self) -> str:
        enclosed = f"{'OPTIONALLY ' * self.optionally}ENCLOSED BY {_literal(self.quote)}"
        return (
            f"FIELDS TERMINATED BY {_literal(self.field)} {enclosed * bool(self.quote)} "
            f"ESCAPED BY {_literal(self.escape)} LINES TERMINATED BY {_literal(self.line)}"
        )

    def written(self, rows: list[Row]) -> bytes:
        """The file that the server writes of rows whose first and last column are numbers."""
        hidden = {self.escape, self.line[0], self.quote or self.field} if self.escape else set()

        def cell(value: str | None, number: bool) -> str:
            if value is None:
                return self.escape + "N" if self.escape else "NULL"
            around = "" if number and self.optionally else self.quote
            text = "".join(self.escape * (char in hidden) + char for char in value)
            return around + text + around

        lines = [self.field.join(cell(v, n in (0, 4)) for n, v in enumerate(r)) for r in rows]
        return "".join(line + self.line for line in lines).encode()


def _literal(text: str) -> str:
    shown = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return "'" + shown.replace("\r", "\\r").replace("\t", "\\t") + "'"


WAYS = [
    *(Way(field, "", escape) for field in "\t,;|" for escape in '\\"'),
    *(Way(field, '"', escape) for field in "\t,;|" for escape in '\\"'),
    *(Way(field, '"', escape, "\n", True) for field in "\t," for escape in '\\"'),
    *(Way(",", '"', escape, "\r\n") for escape in '\\"'),
    Way("\t", "'", "\\", "\n", True),
    Way(",", "'", "\\"),
    *(Way(field, "'", '"', line) for field in "\t," for line in ("\n", "\r\n")),
    *(Way(field, quote, "'") for field in "\t;" for quote in ("", '"', "'")),
    *(Way(field, "", escape, "\r\n") for field in "\t,|" for escape in '\\"'),
]


def read(path: Path) -> tuple[list[tuple[str | None, ...]], int]:
    """(the cells of each row, how many rows were refused)."""
    source = CsvExtract(text="{column_1}", header="no")
    (part,) = source.parts(str(path), 1 << 20)
    items = list(source.read(part))
    rows = []
    for item in items:
        if isinstance(item, Item):
            meta = item.records[0].get("meta", {})
            rest = [meta.get(f"column_{n}") for n in range(2, 6)]
            rows.append((item.records[0]["text"], *rest))
    return rows, len(items) - len(rows)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.sql)
def test_every_way_to_write_a_table_is_read_back(way: Way, tmp_path: Path) -> None:
    for rows in (ROWS, MILD):
        (tmp_path / "a.csv").write_bytes(way.written(rows))
        assert read(tmp_path / "a.csv") == (rows, 0)


REAL: list[Row] = [
    (str(n), *(pairs := [
        ("Which river is longest?", "The Nile, most say; some say\tthe Amazon."),
        ("Write a haiku", "An old pond\na frog leaps in\nthe sound of water"),
        ("Who said it's \"to be\"?", 'Hamlet: "To be, or not to be", he said'),
        ("it's", "don't"),
    ])[n % len(pairs)], ["plain", "it's fine", 'the "best"', "a, b"][n // 3 % 4], f"{n / 2:.2f}")
    for n in range(60)
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.sql)
def test_a_table_without_nulls_is_read_back(way: Way, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(way.written(REAL))
    assert read(tmp_path / "a.csv") == (REAL, 0)


AS_THEY_STAND = [
    Way(field, quote, "", line, optionally)
    for field in "\t,;|"
    for quote in "\"'"
    for line in ("\n", "\r\n")
    for optionally in (False, True)
]


@pytest.mark.parametrize("way", AS_THEY_STAND, ids=lambda way: way.sql)
def test_quotes_that_nothing_escapes_are_told_by_what_stands_behind_them(
    way: Way, tmp_path: Path
) -> None:
    rows = [(a, b, c, None if n % 5 == 0 else d, e) for n, (a, b, c, d, e) in enumerate(REAL)]
    (tmp_path / "a.csv").write_bytes(way.written(rows))
    assert read(tmp_path / "a.csv") == (rows, 0)
    (tmp_path / "a.csv").write_bytes(way.written(ROWS))
    got, refused = read(tmp_path / "a.csv")
    text = {tuple("NULL" if cell is None else cell for cell in row) for row in ROWS}
    assert not set(got) - set(ROWS) - text
    assert len(got) + refused >= len(ROWS)  # what nothing tells is refused


@pytest.mark.parametrize("slips", [1, 8])
def test_some_quotes_too_many_in_a_usual_table_are_slips(slips: int, tmp_path: Path) -> None:
    lines = [f'"{n}","say ""{n}"" again","x"' for n in range(40)]
    for n in range(7, 7 + slips):
        lines[n] = f'"{n}","say "{n}" again","x"'
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    source = CsvExtract(text="{column_2}", header="no")
    items = list(source.read(source.parts(str(tmp_path / "a.csv"), 1 << 20)[0]))
    texts = [item.records[0]["text"] for item in items if isinstance(item, Item)]
    assert texts == [f'say "{n}" again' for n in range(40) if not 7 <= n < 7 + slips]
    refused = [item.reason for item in items if not isinstance(item, Item)]
    assert refused == ["broken_quote"] * slips


def test_a_quote_at_a_line_s_end_within_a_text_that_nothing_escapes(tmp_path: Path) -> None:
    rows = [(f"{n}", f'say "{n}" again', "x") for n in range(40)]
    rows[7] = ("7", 'they say "seven"\nand leave', "x")
    body = "".join('"' + '","'.join(row) + '"\n' for row in rows)
    (tmp_path / "a.csv").write_text(body)
    source = CsvExtract(text="{column_2}", header="no")
    items = list(source.read(source.parts(str(tmp_path / "a.csv"), 1 << 20)[0]))
    assert all(isinstance(item, Item) for item in items)
    texts = [item.records[0]["text"] for item in items if isinstance(item, Item)]
    assert texts == [row[1] for row in rows]


def test_a_table_without_header_whose_texts_hold_the_delimiter_is_refused_whole(
    tmp_path: Path,
) -> None:
    """Most rows that have one width have it by accident: nothing says where their fields end."""
    texts = ["a, b", "one, two, three", "none", "and, so, on, it, goes"]
    body = "".join(f"{n},{texts[n % 4]},{texts[n // 2 % 4]},{n * 3}\n" for n in range(200))
    (tmp_path / "a.csv").write_text(body)
    source = CsvExtract(delimiter=",")
    (fault,) = source.read(source.parts(str(tmp_path / "a.csv"), 1 << 20)[0])
    assert not isinstance(fault, Item) and fault.reason == "uneven"
    padded = CsvExtract(delimiter=",", ragged="pad")
    assert all(
        isinstance(item, Item)
        for item in padded.read(padded.parts(str(tmp_path / "a.csv"), 1 << 20)[0])
    )


TEXT = st.text(alphabet=st.sampled_from('ab, \t\n"\\N0;|é'), min_size=1, max_size=8)


@given(st.lists(st.tuples(TEXT, TEXT, st.none() | TEXT), max_size=12), st.sampled_from(WAYS[:8]))
def test_any_text_without_quotes_around_it_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, str, str | None]], way: Way
) -> None:
    """Beside plain rows, which say how the file is written."""
    rows = [*MILD, *((str(n), a, b, c, "2.50") for n, (a, b, c) in enumerate(drawn))]
    path = tmp_path_factory.mktemp("any") / "a.csv"
    path.write_bytes(way.written(rows))
    assert read(path) == (rows, 0)


# --- the server -----------------------------------------------------------------------------------


def test_the_server_writes_as_it_is_said_here(mariadb: MariaDB, tmp_path: Path) -> None:
    values = [",".join("NULL" if cell is None else _literal(cell) for cell in row) for row in ROWS]
    table = (
        "CREATE DATABASE x CHARACTER SET utf8mb4; USE x; CREATE TABLE t (id int, question text, "
        f"answer text, note text, n decimal(9,2)); INSERT INTO t VALUES ({'),('.join(values)});"
    )
    mariadb.run(table)
    for number, way in enumerate(WAYS + AS_THEY_STAND):
        path = mariadb.socket.parent / "data" / f"{number}.csv"
        into = f"SELECT * FROM x.t INTO OUTFILE '{path}' CHARACTER SET utf8mb4 {way.sql};"
        mariadb.run(into)
        assert path.read_bytes() == way.written(ROWS), way
    (tmp_path / "a.tsv").write_bytes(mariadb.run("SELECT * FROM x.t;", "-B", "-N"))
    wanted = [tuple("NULL" if cell is None else cell for cell in row) for row in ROWS]
    assert read(tmp_path / "a.tsv") == (wanted, 0)
