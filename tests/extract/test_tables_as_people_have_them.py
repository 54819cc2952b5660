"""Headers, charsets, exports and dumps in the shapes that people really have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stages.base import Fault
from stages.extract.charset_guess import guessed
from stages.extract.csv import CsvExtract
from stages.extract.delimited.header import looks_like_header
from stages.extract.sql import SqlExtract
from stages.extract.sqldump.evidence import evidence


def read(stage: Any, name: str, body: str | bytes, folder: Path) -> tuple[list[Any], list[Fault]]:
    path = folder / name
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    found = [item for part in stage.parts(str(path), 1 << 20) for item in stage.read(part)]
    kept = [record for item in found if not isinstance(item, Fault) for record in item.records]
    return kept, [item for item in found if isinstance(item, Fault)]


@pytest.mark.parametrize(
    ("first", "body", "header"),
    [
        (",kettle,cup", "0,iron,tin\n1,clay,glass\n2,wood,horn", True),  # pandas
        (",3.5,7.25", "a,1,2\nb,3,4\nc,5,6\nd,7,8\ne,9,9", True),  # R's labels of rows
        ("No,Pond,Depth", "1,Mill,4\n2,Abbey,6\n3,Kiln,2", True),
        ("Yes,No,Unsure", "41,50,9\n38,55,7\n44,50,6", True),
        ("parish,2019", "Ashby,-3.5\nBrent,11.25\nCole,7", True),
        ("parish,1990,1991,1992", "Ashby,3,5,6\nBrent,11,2,9\nCole,7,7,1", True),
        ("Parish,1990,1991,1992", "Ashby,3,4,5\nBrent,11,12,13\nCole,7,7,1", True),
        ("Parish,2019", "Ashby,3.5\nBrent,11.25\nCole,7.0", True),
        ("Anna,1980,1981", "Bob,1975,1976\nCarl,1999,2000\nDora,2001,2002", False),
        ("Ashby,2019", "Brent,2020\nCole,2021\nDean,2018", False),
        ("Ashby,3.5", "Brent,2.5\nCole,2\nDean,18", False),
        (f"{'how many ponds ' * 17}?,age", "none,30\nsome,41\nnone,55", True),
        ("yes,plum", "no,pear\nyes,fig\nno,plum\nyes,fig\nno,pear", False),
        ("prompt,7", "how deep?,8\nhow wide?,9", True),
    ],
)
def test_what_names_columns(first: str, body: str, header: bool) -> None:
    rows = [line.split(",") for line in [first, *body.split("\n")]]
    assert looks_like_header(rows) is header


def test_the_header_of_an_appended_file_is_told(tmp_path: Path) -> None:
    body = "\ufeffprompt,completion\na,b\n\ufeffprompt,completion\nc,d\n"
    kept, faults = read(CsvExtract(), "a.csv", body, tmp_path)
    assert kept == [{"prompt": "a", "completion": "b"}, {"prompt": "c", "completion": "d"}]
    (fault,) = faults
    assert (fault.reason, fault.failed, fault.evidence["repeats"]) == (
        "preamble",
        False,
        "the header",
    )


def test_one_column_of_text_is_never_cut(tmp_path: Path) -> None:
    body = "text\nWe rowed out, and back\nNo wind\nRain, hail, and then sun\nA calm day\n"
    kept, faults = read(CsvExtract(), "a.csv", body, tmp_path)
    assert [record["text"] for record in kept] == body.split("\n")[1:-1] and not faults
    spaced = "line\nthe boat is late\na gull sat down\nwe are all here\n"
    assert len(read(CsvExtract(), "a.csv", spaced, tmp_path)[0]) == 3
    _, told = read(CsvExtract(), "a.csv", "label,text\nup,good, very\nno,bad, so, so\n", tmp_path)
    assert [fault.reason for fault in told] == ["too_many_fields"] * 2


def test_a_quote_alone_between_tabs_is_text(tmp_path: Path) -> None:
    rows = [f"{n}\t{chr(34) if n in (5, 9) else 'k'}\tnote {n}" for n in range(1, 21)]
    kept, faults = read(CsvExtract(), "a.tsv", "id\tsign\tnote\n" + "\n".join(rows), tmp_path)
    assert len(kept) == 20 and not faults


def test_a_quote_and_n_is_null_where_quotes_escape(tmp_path: Path) -> None:
    body = '1,"N,"a ""b"""\n2,"x\ny","N\n3,"N","z"\n'
    kept, faults = read(CsvExtract(header="no"), "a.csv", body, tmp_path)
    assert not faults and [record["text"].split("\n", 1)[1] for record in kept] == [
        'column_3: a "b"',
        "column_2: x\ny",
        "column_2: N\ncolumn_3: z",
    ]


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("cp1251", "Лодка стоит у моста, а ветер с утра стих\nВода в пруду тёплая"),
        ("koi8-r", "Лодка стоит у моста, а ветер с утра стих\nВода в пруду тёплая"),
        ("cp932", "船は橋のそばにあります\nきょうは風がありません"),
        ("euc_jp", "船は橋のそばにあります\nきょうは風がありません"),
        ("gb18030", "我们的船在桥的北面\n今天没有人来这里"),
        ("cp1250", "Łódź stoi przy moście, a wiatr już ucichł\nRęka na żaglu"),
        ("mac-roman", "El niño está aquí mañana\nLa canción del río"),
        ("cp1252", "Der Kahn gehört dem Müller – “schön”\nC’est l’été"),
        ("cp1253", "Το καΐκι είναι στο λιμάνι και ο αέρας έπεσε"),
    ],
)
def test_charsets_are_guessed_and_said(charset: str, text: str, tmp_path: Path) -> None:
    lines = [f"{n},{line}" for n, line in enumerate(text.replace(",", ";").split("\n"))]
    body = "\n".join(["id,text", *lines]).encode(charset)
    kept, faults = read(CsvExtract(), "a.csv", body, tmp_path)
    assert not faults and [f"{n},{one['text']}" for n, one in enumerate(kept)] == lines
    assert {one["meta"]["charset"] for one in kept} == {charset}


def test_a_charset_that_is_too_close_to_call_is_refused(tmp_path: Path) -> None:
    body = b"id,text\n1,ka\xe8a \xfe\n"
    assert guessed(body).margin < 1.5
    kept, (fault,) = read(CsvExtract(), "a.csv", body, tmp_path)
    assert not kept and fault.reason == "encoding" and "encoding=" in fault.evidence["remedy"]
    assert read(CsvExtract(encoding="cp1252"), "a.csv", body, tmp_path)[0][0]["text"] == "kaèa þ"


def test_a_guess_is_made_from_what_stands_late_in_a_line() -> None:
    text = "Лодка стоит у моста, а ветер с утра стих"
    assert guessed(b"a" * 99_999 + f" {text}\nok".encode("cp1251")).charset == "cp1251"
    assert guessed(f"{text} ".encode("cp1251") * 999).charset == "cp1251"


def test_a_message_never_takes_the_statement_behind_it(tmp_path: Path) -> None:
    body = (
        "/*M!999999\\- for the client alone */ \nINSERT INTO `k` (id,text) VALUES (1,'a');\n"
        "dumper: couldn't lock the tables\nINSERT INTO `k` (id,text) VALUES (2,'b'),(3,'it\\'s');\n"
        "FROBNICATE k (1,2),(3,4);\nINSERT INTO `k` (id,text) VALUES (4,'d');\n"
    )
    kept, faults = read(SqlExtract(), "a.sql", body, tmp_path)
    assert [record["text"] for record in kept] == ["a", "b", "it's", "d"]
    assert [(fault.reason, fault.place.line) for fault in faults] == [
        ("unparsed", 3),
        ("unparsed", 5),
    ]
    assert faults[1].evidence["rows"] == 2


def test_rows_behind_a_copy_that_does_not_end_are_told(tmp_path: Path) -> None:
    body = "CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\nCOPY t FROM STDIN\n2\n3\n"
    kept, faults = read(SqlExtract(), "a.sql", body, tmp_path)
    assert len(kept) == 1 and [fault.reason for fault in faults] == ["unparsed"]


def test_charsets_of_dumps(tmp_path: Path) -> None:
    head, rows = b"INSERT INTO `k` (id,text) VALUES ", b"(1,'caf\xe9'),(2,'gr\xc3\xbcn');\n"
    kept, _ = read(SqlExtract(), "a.sql", head + rows, tmp_path)
    assert [record["text"] for record in kept] == ["café", "grün"]
    kept, _ = read(SqlExtract(), "a.sql", b"SET NAMES binary;\n" + head + b"(1,'a');\n", tmp_path)
    assert kept[0]["text"] == "a"
    body = b"SET NAMES hp8;\n" + head + b"(1,'a'),(2,'b');\n"
    kept, faults = read(SqlExtract(), "a.sql", body, tmp_path)
    assert not kept and [fault.reason for fault in faults] == ["encoding"] * 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"INSERT INTO k (id, number) VALUES (1,'it\'s a CLOB::x');", ("mysql", False)),
        ("INSERT INTO k VALUES (1,'a\n# b\nREM c\nGO\n/\nvarchar2');", ("sqlite", True)),
        ("INSERT INTO k VALUES (1,'C:\\'),(2,'D:\\');", ("sqlite", True)),
        ("-- the varchar2 and nextval( of old\nINSERT INTO k VALUES (1);", ("sqlite", True)),
        ("CREATE TABLE k (a NUMBER(5) NOT NULL, b CLOB);", ("oracle", False)),
        (r"INSERT INTO k VALUES (1, E'it\'s');", ("postgres", False)),
        ("COPY k (a) FROM stdin;\n1\tit's\nGO\nREM x\nPRAGMA y\n", ("postgres", False)),
    ],
)
def test_evidence_stands_outside_of_strings_and_comments(
    text: str, found: tuple[str, bool]
) -> None:
    assert evidence(text.encode()) == found


def test_digits_stay_without_evidence(tmp_path: Path) -> None:
    body = "CREATE TABLE k (a DECIMAL(5,2), b text);\nINSERT INTO k VALUES(1.10,'x');\n"
    kept, _ = read(SqlExtract(), "a.sql", body, tmp_path)
    assert kept[0]["text"] == "a: 1.10\nb: x"


def test_a_bit_is_a_number(tmp_path: Path) -> None:
    body = "CREATE TABLE `t` (`text` text, `ok` bit(1), `m` bit(12)) ENGINE=x;\n"
    body += "INSERT INTO `t` VALUES ('a',b'1',b'100000001'),('b',_binary '\\0',NULL);\n"
    kept, faults = read(SqlExtract(), "a.sql", body, tmp_path)
    assert [one["meta"] for one in kept] == [
        {"table": "t", "ok": 1, "m": 257},
        {"table": "t", "ok": 0},
    ]
    assert not faults


def test_text_in_columns_of_bytes_is_text(tmp_path: Path) -> None:
    body = "CREATE TABLE `k` (`text` blob, `x` varbinary(9)) ENGINE=InnoDB;\n"
    body += "INSERT INTO `k` VALUES ('une île','b'),(0x89504e47,'c');\n"
    kept, (fault,) = read(SqlExtract(), "a.sql", body, tmp_path)
    assert kept == [{"text": "une île", "meta": {"table": "k", "x": "b"}}]
    assert (fault.reason, fault.evidence["field"]) == ("bad_type", "text")


def test_a_comment_over_rows_of_which_many_hold_one_value_is_a_preamble(tmp_path: Path) -> None:
    days = [
        f"2024-01-{n:02},,,\n" if n % 3 == 0 else f"2024-01-{n:02},{n},,{n}.5\n"
        for n in range(1, 31)
    ]
    body = "# Source: the harbour's gauge\nDay,Mill,Abbey,Kiln\n" + "".join(days)
    kept, (fault,) = read(CsvExtract(), "gauge.csv", body, tmp_path)
    assert len(kept) == 30 and kept[0]["text"] == "Day: 2024-01-01\nMill: 1\nKiln: 1.5"
    assert kept[2]["text"] == "Day: 2024-01-03"
    assert fault.reason == "preamble" and fault.text.startswith("# Source")
    bare = "Day,Mill,Abbey,Kiln\n" + "".join(days)
    kept, faults = read(CsvExtract(), "bare.csv", bare, tmp_path)
    assert len(kept) == 30 and not faults
    thin = "name,,\n" + "".join(f"pond {n},,\n" for n in range(20))  # one cell is all there is
    kept, faults = read(CsvExtract(), "thin.csv", thin, tmp_path)
    assert len(kept) == 20 and not faults


@pytest.mark.parametrize("end", ["\r\r\n", "\r\n", "\n"])
def test_ends_of_lines_that_were_written_twice_are_ends(end: str, tmp_path: Path) -> None:
    rows = [["name", "text", "n"], *([f"pond {n}", f'"deep, {n}"', f"{n}"] for n in range(9))]
    body = "".join(",".join(row) + end for row in rows)
    kept, faults = read(CsvExtract(), "ends.csv", body, tmp_path)
    assert not faults and [one["text"] for one in kept] == [f"deep, {n}" for n in range(9)]
    assert [one["meta"] for one in kept] == [{"name": f"pond {n}", "n": f"{n}"} for n in range(9)]


@pytest.mark.parametrize("mark", [",", ";", "|", "\t"])
@pytest.mark.parametrize(
    "said",
    [
        ['"deep" she said', '5" pipe', '"open', 'so "it" is', "plain", '"'] * 3,
        ['"deep" she said', '"deep" she said of 5 "'] * 6,
        ['"the begin', "plain", "words alone", "and more"] * 4,
    ],
)
def test_quotes_that_the_program_did_not_write_are_text(
    said: list[str], mark: str, tmp_path: Path
) -> None:
    lines = [f"{n}{mark}{text}{mark}x" for n, text in enumerate(said)]
    kept, faults = read(
        CsvExtract(), "a.csv", f"id{mark}text{mark}z\n" + "\n".join(lines), tmp_path
    )
    assert not faults and [one["text"].removeprefix("sentence: ") for one in kept] == said
    sound = [*lines, f'99{mark}"quoted{mark} sound"{mark}x']  # a quote that holds the delimiter
    kept, _ = read(CsvExtract(), "b.csv", f"id{mark}text{mark}z\n" + "\n".join(sound), tmp_path)
    assert f"quoted{mark} sound" in [one["text"] for one in kept]


@pytest.mark.parametrize(
    "table",
    [
        '"kettle","cup"\n"1","iron, black","tin"\n"2","clay","glass"\n"3","wood","horn"\n',
        "kettle,cup\nmon,4,2.5\ntue,5,3.5\nwed,6,NA\n",
    ],
)
def test_labels_of_rows_over_which_r_writes_no_name_are_a_column(
    table: str, tmp_path: Path
) -> None:
    kept, faults = read(CsvExtract(), "r.csv", table, tmp_path)
    assert len(kept) == 3 and not faults
    assert all({"column_1", "kettle", "cup"} <= set(fields(one)) for one in kept)
    many = table.splitlines(keepends=True)
    body = "".join(many[1].replace("1", str(n)).replace("mon", f"d{n}") for n in range(9000))
    (tmp_path / "many.csv").write_text(many[0] + body)
    assert len(list(CsvExtract()(str(tmp_path / "many.csv")))) == 9000


def fields(record: Any) -> list[str]:
    return [line.partition(": ")[0] for line in record["text"].split("\n")]


@pytest.mark.parametrize("row", ["{}, the kettle, they say", "{},the kettle sang,so late"])
def test_text_with_bare_commas_is_no_row_with_a_label(row: str, tmp_path: Path) -> None:
    table = "id,text\n" + "".join(row.format(n) + "\n" for n in range(5))
    kept, faults = read(CsvExtract(), "t.csv", table, tmp_path)
    assert not kept and [one.reason for one in faults] == ["too_many_fields"] * 5


@pytest.mark.parametrize("name", ["text", "sentence"])
@pytest.mark.parametrize("mark", [", ", "; "])
def test_sentences_under_a_single_name_are_never_cut(name: str, mark: str, tmp_path: Path) -> None:
    said = [f"The kettle sang at {n}{mark}and the cups were laid{mark}as always" for n in range(6)]
    kept, faults = read(CsvExtract(), "one.csv", "\n".join([name, *said]), tmp_path)
    assert [one["text"].removeprefix("sentence: ") for one in kept] == said and not faults


def test_leading_zeros_stay_where_no_type_is_known(tmp_path: Path) -> None:
    rows = "INSERT INTO pond (code, depth, text) VALUES (00712, 7, 'a pond'), (0, 12, 'a mill');\n"
    kept, _ = read(SqlExtract(), "d.sql", rows, tmp_path)
    assert [(one["meta"]["code"], one["meta"]["depth"]) for one in kept] == [("00712", 7), (0, 12)]
