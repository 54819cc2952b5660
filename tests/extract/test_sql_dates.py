"""Dates that functions read by a model, and other values of scripts of Oracle and SQL Server."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import SqlExtract
from stages.extract.sqldump import dates
from stages.extract.sqldump.dates import by_model, by_style

DAY = "2019-03-08"


@pytest.mark.parametrize(
    ("text", "model", "found"),
    [
        ("08-03-2019", "DD-MM-YYYY", DAY),
        ("8/3/2019", "DD/MM/YYYY", DAY),
        ("03/08/2019", "MM/DD/YYYY", DAY),
        ("08-MAR-19", "DD-MON-RR", DAY),
        ("08-MAR-69", "DD-MON-RR", "1969-03-08"),
        ("08-mar-69", "dd-mon-yy", "2069-03-08"),
        ("08032019", "DDMMYYYY", DAY),
        ("08MAR2019", "DDMONYYYY", DAY),
        ("March 8, 2019", "Month DD, YYYY", DAY),
        ("Friday, 8 March 2019", "FMDay, DD Month YYYY", DAY),
        ("2019067", "YYYYDDD", DAY),
        ("03/2019", "MM/YYYY", "2019-03-01"),
        ("2019-03-08 17:05:09", "YYYY-MM-DD HH24:MI:SS", f"{DAY} 17:05:09"),
        ("2019-03-08", "YYYY-MM-DD HH24:MI:SS", DAY),
        ("2019-03-08 17", "YYYY-MM-DD HH24:MI:SS", f"{DAY} 17:00:00"),
        ("2019-03-08T17:05:09", 'YYYY-MM-DD"T"HH24:MI:SS', f"{DAY} 17:05:09"),
        ("20190308170509", "YYYYMMDDHH24MISS", f"{DAY} 17:05:09"),
        ("08-MAR-19 05.05.09.125000 PM", "DD-MON-RR HH.MI.SSXFF AM", f"{DAY} 17:05:09.125000"),
        ("08-MAR-19 12.05.09 a.m.", "DD-MON-RR HH12.MI.SS AM", f"{DAY} 00:05:09"),
        ("2019-03-08 17:05 -03:30", "YYYY-MM-DD HH24:MI TZH:TZM", f"{DAY} 17:05:00-03:30"),
        ("2019-03-08 17:05 Asia/Tokyo", "YYYY-MM-DD HH24:MI TZR", f"{DAY} 17:05:00 Asia/Tokyo"),
        ("08-03-2019 61509", "DD-MM-YYYY SSSSS", f"{DAY} 17:05:09"),
        # what is not certain
        ("30-02-2019", "DD-MM-YYYY", None),
        ("08-03-19", "DD-MM-YYYY", None),
        ("832019", "DD-MM-YYYY", None),
        ("08-MRZ-2019", "DD-MON-YYYY", None),
        ("2019-03-08 25:00", "YYYY-MM-DD HH24:MI", None),
        ("2019-03-08 13:00 PM", "YYYY-MM-DD HH12:MI AM", None),
        ("17:05", "HH24:MI", None),
        ("2019", "YYYY", None),
        ("2019 1", "YYYY Q", None),
        ("08-03-08", "DD-MM-DD", None),
        ("2019-367", "YYYY-DDD", None),
        ("", "DD-MM-YYYY", None),
        ("8" * 300, "D" * 300, None),
    ],
)
def test_models_of_oracle(text: str, model: str, found: str | None) -> None:
    assert by_model(text, model, "oracle") == found


@pytest.mark.parametrize(
    ("text", "model", "found"),
    [
        ("08/03/2019", "%d/%m/%Y", DAY),
        ("8.3.69", "%e.%c.%y", "2069-03-08"),
        ("8.3.70", "%e.%c.%y", "1970-03-08"),
        ("Mar 8 2019 5:05PM", "%b %e %Y %l:%i%p", f"{DAY} 17:05:00"),
        ("2019-03-08 17:05:09.5", "%Y-%m-%d %T.%f", f"{DAY} 17:05:09.5"),
        ("20190308", "%Y%m%d", DAY),
        ("2019-03", "%Y-%m", None),
        ("08/03/2019", "%d/%q/%Y", None),
    ],
)
def test_models_of_mysql(text: str, model: str, found: str | None) -> None:
    assert by_model(text, model, "mysql") == found


def test_two_digits_of_a_year_are_each_servers_own() -> None:
    years = [by_model("08-03-69", "DD-MM-YY", server) for server in ("oracle", "postgres")]
    assert years == ["2069-03-08", "2069-03-08"]
    years = [by_model("08-03-71", "DD-MM-YY", server) for server in ("oracle", "postgres")]
    assert years == ["2071-03-08", "1971-03-08"]


@pytest.mark.parametrize(
    ("text", "style", "found"),
    [
        ("08/03/2019", 103, DAY),
        ("08/03/19", 3, DAY),
        ("03/08/2019", 101, DAY),
        ("2019.03.08", 102, DAY),
        ("08.03.2019 17:05", 104, f"{DAY} 17:05:00"),
        ("08 Mar 2019", 106, DAY),
        ("Mar 08, 2019", 107, DAY),
        ("20190308", 112, DAY),
        ("08 Mar 2019 17:05:09:125", 113, f"{DAY} 17:05:09.125"),
        ("Mar  8 2019  5:05PM", 100, f"{DAY} 17:05:00"),
        ("Mar  8 2019  5:05PM", 0, f"{DAY} 17:05:00"),
        ("2019-03-08 17:05:09", 120, f"{DAY} 17:05:09"),
        ("2019-03-08T17:05:09.1234567", 126, f"{DAY} 17:05:09.1234567"),
        ("08/03/2019", 101, "2019-08-03"),
        ("13/03/2019", 101, None),
        ("08/03/2019", 3, None),
        ("1 رجب 1440", 130, None),
        ("08/03/2019", 999, None),
    ],
)
def test_styles_of_sql_server(text: str, style: int, found: str | None) -> None:
    assert by_style(text, style) == found


MODELS = st.sampled_from(
    [("DD-MM-YYYY", "%d-%m-%Y"), ("YYYYMMDD", "%Y%m%d"), ("DD MON YYYY", "%d %b %Y"),
     ("Month DD, YYYY", "%B %d, %Y"), ("YYYYDDD", "%Y%j"), ("MM/DD/YYYY", "%m/%d/%Y")]
)  # fmt: skip
CLOCKS = st.sampled_from(
    [("", ""), (" HH24:MI:SS", " %H:%M:%S"), (" HH12.MI.SS AM", " %I.%M.%S %p"),
     ('"T"HH24MISS', "T%H%M%S"), (" HH24:MI:SS.FF6", " %H:%M:%S.%f")]
)  # fmt: skip


@given(st.datetimes(datetime.datetime(1000, 1, 1)), MODELS, CLOCKS)
def test_every_date_that_a_model_writes_is_read_back(
    moment: datetime.datetime, day: tuple[str, str], clock: tuple[str, str]
) -> None:
    text = moment.strftime(day[1] + clock[1])
    wanted = moment.date().isoformat()
    if clock[0]:
        wanted += f" {moment.time().replace(microsecond=0).isoformat()}"
    if "FF" in clock[0]:
        wanted += f".{moment.microsecond:06}"
    assert by_model(text, day[0] + clock[0], "oracle") == wanted


@given(st.text(max_size=40), st.text('DYMHSTZRFONI24 -:./"X%dmyYAP', max_size=40))
def test_no_text_and_no_model_is_an_error(text: str, model: str) -> None:
    for server in ("oracle", "mysql", "postgres"):
        found = by_model(text, model, server)
        assert found is None or found[:2].isdigit()


def test_no_model_tries_a_text_in_many_ways() -> None:
    begun = time.process_time()
    for model in ("DAY" * 60 + "DD", "DY " * 60, "FM" * 90 + "DD", "HH24:MI" + '"a"' * 50):
        for text in ("a" * 200, "a " * 100, "1" * 200, "aaaa." * 40):
            by_model(text, model, "oracle")
    assert time.process_time() - begun < 0.5


# --- in dumps -------------------------------------------------------------------------------------


def read(body: str, folder: Path, **parameters: Any) -> tuple[list[str], list[str], list[str]]:
    """(texts, reasons, what the lines say that stays as it is written)."""
    (folder / "a.sql").write_text(body, encoding="utf-8")
    source = SqlExtract(**parameters)
    (part,) = source.parts(str(folder / "a.sql"), 1)
    (judged,) = source.splits(part, "a")
    lines = [line.partition("as written: ")[2].partition(";")[0] for line in judged.counts.forms]
    texts = [row["text"] for row in judged.kept.to_pylist()]
    return texts, list(judged.counts.reasons), sorted(line for line in lines if line)


def test_a_script_of_oracle(tmp_path: Path) -> None:
    texts, reasons, noted = read(
        "CREATE TABLE e (d DATE, t TIMESTAMP, r RAW(20));\n"
        "INSERT INTO e VALUES (TO_DATE('08-03-2019','DD-MM-YYYY'),\n"
        " TO_TIMESTAMP('08-MAR-19 05.05.09.5 PM','DD-MON-RR HH.MI.SSXFF AM'),\n"
        " UTL_RAW.CAST_TO_RAW('naïve'));\n"
        "INSERT INTO e VALUES (TO_DATE('2019-I','YYYY-Q'), TO_DATE(NULL,'DD-MM-YYYY'), NULL);\n"
        "INSERT INTO e VALUES (TO_DATE('08/03/2019'), CAST(TO_DATE('2019','XX') AS DATE), NULL);\n"
        "ALTER SESSION SET NLS_DATE_FORMAT = 'DD/MM/YYYY';\n"
        "INSERT INTO e VALUES (TO_DATE('08/03/2019'), TO_TIMESTAMP('2019-03-08 17:05'), NULL);\n",
        tmp_path,
    )
    assert texts == [
        "d: 2019-03-08\nt: 2019-03-08 17:05:09.5\nr: naïve",
        "d: 2019-I",
        "d: 08/03/2019\nt: 2019",
        "d: 2019-03-08\nt: 2019-03-08 17:05",
    ]
    assert not reasons
    assert noted == ["to_date by 'YYYY-Q'", "to_date by no model, to_date by 'XX'"]


def test_a_query_says_what_stays_as_it_is_written(tmp_path: Path) -> None:
    body = "CREATE TABLE e (d DATE, r NUMBER);\nINSERT INTO e VALUES (TO_DATE('1','Q'),1);\n"
    texts, _, noted = read(body, tmp_path, query="SELECT d AS text, r FROM e", dialect="oracle")
    assert (texts, noted) == (["1"], ["to_date by 'Q'"])


def test_scripts_of_mysql_and_postgres(tmp_path: Path) -> None:
    mysql = "INSERT INTO `t` VALUES (STR_TO_DATE('08/03/2019','%d/%m/%Y'));\n"
    assert read(mysql, tmp_path)[0] == ["c1: 2019-03-08"]
    postgres = (
        "SET client_encoding = 'UTF8';\nCREATE TABLE t (d date, m timestamptz);\nINSERT INTO t "
        "VALUES (to_date('8 Mar 2019','DD Mon YYYY')::date, to_timestamp(1552064709.5));\n"
    )
    assert read(postgres, tmp_path)[0] == ["d: 2019-03-08\nm: 2019-03-08 17:05:09.5+00"]


GATES = (
    "CREATE TABLE [dbo].[Gates] ([Id] [int] IDENTITY(1,1) NOT NULL, [Wood] [nvarchar](9),\n"
    " [Price] [money], [Made] [datetime], [Seen] [date])\nGO\n"
)


def test_a_script_of_sql_server(tmp_path: Path) -> None:
    days = (datetime.date(2019, 3, 8) - datetime.date(1900, 1, 1)).days
    moment = f"0x{days:08X}{(17 * 3600 + 5 * 60 + 9) * 300 + 150:08X}"
    day = f"0x{(datetime.date(2019, 3, 8).toordinal() - 1).to_bytes(4, 'little').hex()}"
    texts, reasons, noted = read(
        GATES
        + "INSERT [dbo].[Gates] VALUES (N'oak', £20.00, CONVERT(datetime,'08/03/2019',103), NULL)\n"
        f"INSERT [dbo].[Gates] VALUES (N'elm', -$1.5, CAST({moment} AS DateTime),\n"
        f" CAST({day} AS Date)), (N'ash', $-3, {{ts '2019-03-08 17:05:09'}},\n"
        " CONVERT(date, N'8.3.2019', 130))\n"
        "INSERT [dbo].[Gates] ([Id], [Wood]) VALUES (9, CONVERT(varchar(9), 'fir'))\nGO\n",
        tmp_path,
    )
    assert texts == [
        "Wood: oak\nPrice: 20.00\nMade: 2019-03-08",
        "Wood: elm\nPrice: -1.5\nMade: 2019-03-08 17:05:09.500\nSeen: 2019-03-08",
        "Wood: ash\nPrice: -3\nMade: 2019-03-08 17:05:09\nSeen: 8.3.2019",
        "Id: 9\nWood: fir",
    ]
    assert not reasons and noted == ["convert by style 130"]


def test_functions_that_make_another_value_are_refused(tmp_path: Path) -> None:
    dump = "CREATE TABLE e (d VARCHAR2(9), t NUMBER);\n"
    for value in ("TO_CHAR(TO_DATE('2019','YYYY'),'YY')", "TIMESTAMP('2019-03-08','10:00')",
                  "TO_NUMBER('1,5','9,9')"):  # fmt: skip
        texts, reasons, _ = read(f"{dump}INSERT INTO e VALUES ({value}, 1);\n", tmp_path)
        assert (texts, reasons) == ([], ["expression"]), value


def test_a_row_of_another_width_than_the_table_without_its_number_is_refused(
    tmp_path: Path,
) -> None:
    texts, reasons, _ = read(
        GATES + "INSERT [dbo].[Gates] VALUES (N'oak', 1, NULL, NULL)\n"
        "INSERT [dbo].[Gates] VALUES (N'elm', 1, NULL)\nGO\n",
        tmp_path,
    )
    assert texts == ["Wood: oak\nPrice: 1"] and reasons == ["wrong_width"]


def test_bytes_of_dates() -> None:
    assert dates.of_bytes(bytes.fromhex("0000000000000000"), "datetime") == "1900-01-01 00:00:00"
    assert dates.of_bytes(bytes.fromhex("00010003"), "smalldatetime") == "1900-01-02 00:03:00"
    assert dates.of_bytes(b"\0", "datetime") is None
    assert dates.of_bytes(b"\xff" * 8, "datetime") is None
