"""SELECT … INTO OUTFILE and the client's batches of MariaDB, read back: by how it writes them, and,
where there is one, by the server itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import CsvExtract
from stages.base import Item

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
        hidden = {self.escape, self.line[0], self.quote or self.field}

        def cell(value: str | None, number: bool) -> str:
            if value is None:
                return self.escape + "N"
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


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    """The socket of a server of its own; skips where there is no program for one."""
    programs = ("mariadbd", "mariadb-install-db", "mariadb")
    if not all(map(shutil.which, programs)) or os.geteuid() != 0:
        pytest.skip("there is no MariaDB that could be started")
    folder = Path(tempfile.mkdtemp(prefix="seedbed-mariadb-"))
    try:
        folder.chmod(0o777)
        made = subprocess.run(
            ["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={folder}/data",
             "--skip-test-db", "--auth-root-authentication-method=normal"],
            capture_output=True,
        )  # fmt: skip
        if made.returncode:
            pytest.skip(f"mariadb-install-db failed: {made.stderr.decode()[-200:]}")
        running = subprocess.Popen(
            ["mariadbd", "--no-defaults", "--user=mysql", f"--datadir={folder}/data",
             f"--socket={folder}/s", "--skip-networking", "--secure-file-priv=",
             f"--pid-file={folder}/pid", "--innodb-buffer-pool-size=8M"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            for _ in range(200):
                if (folder / "s").exists():
                    break
                assert running.poll() is None, "the server stopped"
                time.sleep(0.1)
            yield folder / "s"
        finally:
            running.terminate()
            running.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _client(socket: Path, statement: str, *options: str) -> bytes:
    done = subprocess.run(
        ["mariadb", "--no-defaults", "-S", socket, "-u", "root",
         "--default-character-set=utf8mb4", *options],
        input=statement.encode(), capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_the_server_writes_as_it_is_said_here(socket: Path, tmp_path: Path) -> None:
    values = [",".join("NULL" if cell is None else _literal(cell) for cell in row) for row in ROWS]
    table = (
        "CREATE DATABASE x CHARACTER SET utf8mb4; USE x; CREATE TABLE t (id int, question text, "
        f"answer text, note text, n decimal(9,2)); INSERT INTO t VALUES ({'),('.join(values)});"
    )
    _client(socket, table)
    for number, way in enumerate(WAYS):
        path = socket.parent / "data" / f"{number}.csv"
        into = f"SELECT * FROM x.t INTO OUTFILE '{path}' CHARACTER SET utf8mb4 {way.sql};"
        _client(socket, into)
        assert path.read_bytes() == way.written(ROWS), way
    (tmp_path / "a.tsv").write_bytes(_client(socket, "SELECT * FROM x.t;", "-B", "-N"))
    wanted = [tuple("NULL" if cell is None else cell for cell in row) for row in ROWS]
    assert read(tmp_path / "a.tsv") == (wanted, 0)
