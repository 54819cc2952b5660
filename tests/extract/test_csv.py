"""CSV: every value as it stands, every row with its bytes, every odd row with a reason."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.readers import rows
from stages.base import Fault, Item, Rows
from stages.errors import UsageError
from stages.extract.csv import CsvExtract
from stages.extract.delimited.cells import Dialect
from stages.extract.delimited.dialect import detect
from stages.extract.delimited.table import Table
from stages.extract.packed.archives import read_at
from stages.place import Place


def table(
    body: str | bytes, tmp_path: Path, dialect: dict[str, Any] | None = None
) -> tuple[list[str] | None, list[list[str | None]], list[Any]]:
    """(header, rows, reasons) of a file."""
    path = tmp_path / "a.csv"
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    rejects: list[Any] = []
    header, found = rows(path, rejects, dialect)
    return header, list(found), [reject["reason"] for reject in rejects]


def items(body: str | bytes, tmp_path: Path, **parameters: Any) -> list[Item | Fault]:
    """What the stage reads of a file, row by row; each item's place holds its raw bytes."""
    path = tmp_path / "a.csv"
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    stage = CsvExtract(**parameters)
    found: list[Item | Fault] = []
    for part in stage.parts(str(path), 1 << 20):
        for item in stage.read(part):
            found += _singly(item) if isinstance(item, Rows) else [item]
    for item in found:
        if item.place.offset is not None:
            assert read_at(tmp_path, item.place) == item.raw
            assert item.place.line == 1 + path.read_bytes()[: item.place.offset].count(b"\n")
    return found


def _singly(rows: Rows) -> Iterator[Item]:
    """The items that came together."""
    assert rows.refused is None
    for index, record in enumerate(pa.table(rows.columns).to_pylist()):
        raw = bytes(memoryview(rows.data)[rows.begins[index] : rows.ends[index]])
        yield Item(rows.place_of(index), raw, [record], rows.form_of(index))


def told(found: list[Item | Fault]) -> list[Any]:
    """Reason of each fault, record of each item."""
    return [item.reason if isinstance(item, Fault) else item.records[0] for item in found]


PLAIN = [["id", "text", "n"], ["1", "alpha", "10"], ["2", "beta", "20"], ["3", "gamma", "30"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_row_ends_are_found(delimiter: str, end: str, tmp_path: Path) -> None:
    body = end.join(delimiter.join(row) for row in PLAIN) + end
    assert table(body, tmp_path) == (PLAIN[0], PLAIN[1:], [])


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("id,t\n007,1.10\nNA,TRUE\n1e400,\n", [["007", "1.10"], ["NA", "TRUE"], ["1e400", ""]]),
        ('id,t\n1,"a\nb"\n2,"c ""d"", e"\n', [["1", "a\nb"], ["2", 'c "d", e']]),
        ('id,t\n1,"x \\"y\\", z"\n2,"a \\"b\\" c"\n', [["1", 'x "y", z'], ["2", 'a "b" c']]),
        ('id,t\n1,"C:\\temp\\"\n2,"D:\\new"\n', [["1", "C:\\temp\\"], ["2", "D:\\new"]]),
        ("id,t\n1,'a, b'\n2,'it''s, so'\n3,'c'\n", [["1", "a, b"], ["2", "it's, so"], ["3", "c"]]),
        ("id,t\n1,'tis\n2,rock 'n' roll\n", [["1", "'tis"], ["2", "rock 'n' roll"]]),
        ('id,t,n\n1,5" pipe,1\n2,say "hi",2\n', [["1", '5" pipe', "1"], ["2", 'say "hi"', "2"]]),
        ("id, t\n1, alpha \n2,  \n3,b\n", [["1", " alpha "], ["2", "  "], ["3", "b"]]),
        ('id, t\n1, "a, b"\n2, "c"\n3, "d, e, f"\n', [["1", "a, b"], ["2", "c"], ["3", "d, e, f"]]),
        ("id,t\n1,a\rb\n2,c\n", [["1", "a\rb"], ["2", "c"]]),
        ("sep=;\nid;t\n1;a,b\n2;c,d\n", [["1", "a,b"], ["2", "c,d"]]),
    ],
)
def test_values_are_the_text_that_stands_there(
    body: str, found: list[list[str]], tmp_path: Path
) -> None:
    assert table(body, tmp_path)[1] == found


def test_the_text_formats_of_databases_keep_null_apart_from_text(tmp_path: Path) -> None:
    tab = "1\ta\\tb\\nc\t\\N\n2\tC:\\\\d\t\\\\N\n3\tline\\\nmore\tx\n"
    assert table(tab, tmp_path)[1] == [
        ["1", "a\tb\nc", None],
        ["2", "C:\\d", "\\N"],
        ["3", "line\nmore", "x"],
    ]
    enclosed = '"1","say \\"hi\\", \\n",\\N\n"2","C:\\\\d","x"\n"3","a\\\nb","y"\n'
    assert table(enclosed, tmp_path)[1] == [
        ["1", 'say "hi", \n', None],
        ["2", "C:\\d", "x"],
        ["3", "a\nb", "y"],
    ]


def test_a_broken_quote_costs_its_row_alone(tmp_path: Path) -> None:
    body = 'id,text,n\n1,a,10\n2,"beta,20\n3,c,30\n4,"d"x,40\n5,"e\nf",50\n'
    found = items(body, tmp_path)
    assert [getattr(item, "reason", "kept") for item in found] == [
        "kept",
        "broken_quote",
        "kept",
        "broken_quote",
        "kept",
    ]
    assert isinstance(found[1], Fault)
    assert found[1].evidence == {"quote": '"', "expected": 3, "got": 3}
    assert found[1].text == '2,"beta,20' and found[1].place.line == 3
    assert isinstance(found[4], Item) and found[4].records[0]["text"] == "e\nf"


def test_a_quote_that_is_not_closed_takes_no_row_with_it(tmp_path: Path) -> None:
    """What follows would close it, and make a row of another width."""
    body = 'id,text,n\n1,a,10\n2,"beta,20\n3,c",30,40\n4,d,40\n'
    found = items(body, tmp_path, delimiter=",", quote='"', escape="")
    assert [getattr(item, "reason", "kept") for item in found] == [
        "kept",
        "broken_quote",
        "too_many_fields",
        "kept",
    ]
    assert [item.place.line for item in found] == [2, 3, 4, 5]


def test_a_quote_that_opens_within_a_field_is_not_taken_for_columns(tmp_path: Path) -> None:
    body = "name,text,url\n" + 'x,"a, b",u\n' * 5 + 'jacket"warm, and dry.",u\n'
    assert told(items(body, tmp_path))[-1] == "broken_quote"


def test_rows_of_another_width_are_refused_or_filled_up(tmp_path: Path) -> None:
    body = "id,text,n\n1,a,10\n2,b\n3,c,30,x\n4,d,40\n"
    found = items(body, tmp_path)
    assert [getattr(item, "reason", "kept") for item in found] == [
        "kept",
        "too_few_fields",
        "too_many_fields",
        "kept",
    ]
    assert isinstance(found[2], Fault) and found[2].evidence == {"expected": 3, "got": 4}
    padded = [item.records[0]["meta"] for item in items(body, tmp_path, ragged="pad")]  # type: ignore[union-attr]
    assert padded[1:3] == [{"id": "2"}, {"id": "3", "n": "30", "column_4": "x"}]


def test_values_never_slide_under_other_names(tmp_path: Path) -> None:
    assert told(items("a,text\n1,x,y\n2,z,w\n", tmp_path)) == ["too_many_fields"] * 2
    narrow = "a,text,n\n1,x\n2,y\n3,z\n"
    assert told(items(narrow, tmp_path, header="yes")) == ["too_few_fields"] * 3
    assert told(items("a,text,\n1,x\n2,y\n3,z\n", tmp_path)) == [
        {"text": "x", "meta": {"a": "1"}},
        {"text": "y", "meta": {"a": "2"}},
        {"text": "z", "meta": {"a": "3"}},
    ]


@pytest.mark.parametrize(
    ("head", "row", "parameters", "record"),
    [
        ("Question,Answer,k", "q,a,1", {}, {"prompt": "q", "completion": "a", "meta": {"k": "1"}}),
        (
            "instruction,input,output",
            "i,x,o",
            {},
            {"prompt": "i\n\nx", "completion": "o"},
        ),
        ("text,n", "t,1", {}, {"text": "t", "meta": {"n": "1"}}),
        ("name,city", "Ann,Bonn", {}, {"text": "name: Ann\ncity: Bonn"}),
        ("text,text,", "a,b,c", {}, {"text": "a", "meta": {"text_2": "b", "column_3": "c"}}),
        (
            "q,c,a",
            "why,sun,so",
            {"prompt": "{q} ({c})", "completion": "a"},
            {"prompt": "why (sun)", "completion": "so"},
        ),
        ("a,b", "x,y", {"text": "b"}, {"text": "y", "meta": {"a": "x"}}),
        (
            "question,answer,s",
            "q,a,be kind",
            {"system": "s"},
            {
                "messages": [
                    {"role": "system", "content": "be kind"},
                    {"role": "user", "content": "q"},
                    {"role": "assistant", "content": "a"},
                ],
            },
        ),
        ("question,answer", "q,a", {"form": "text"}, {"text": "question: q\nanswer: a"}),
    ],
)
def test_columns_become_a_record(
    head: str, row: str, parameters: dict[str, Any], record: dict[str, Any], tmp_path: Path
) -> None:
    found = told(items(f"{head}\n{row}\n", tmp_path, header="yes", **parameters))
    assert found == [record]


def test_a_named_column_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    (fault,) = items("a,b\n1,2\n3,4\n", tmp_path, header="yes", text="c")
    assert isinstance(fault, Fault) and fault.reason == "no_form"
    assert fault.evidence == {"missing": ["c"], "columns": ["a", "b"]}
    (fault,) = items("a,b\n1,2\n3,4\n", tmp_path, header="yes", form="prompt")
    assert isinstance(fault, Fault) and fault.reason == "no_form"


def test_empty_texts_and_rows_are_dropped(tmp_path: Path) -> None:
    found = items("question,answer\nq,a\nq,\n,\n\nq2,a2\n", tmp_path)
    assert [getattr(item, "reason", "kept") for item in found] == ["kept", "empty", "empty", "kept"]
    assert [item.failed for item in found if isinstance(item, Fault)] == [False, False]
    (fault,) = items("", tmp_path)
    assert isinstance(fault, Fault) and fault.reason == "empty"
    assert told(items("question,answer\n", tmp_path)) == ["empty"]


def test_lines_before_the_table_are_told(tmp_path: Path) -> None:
    body = "Report of sales\nMade by hand, in May\n\nid,text,n\n" + "1,a,2\n" * 8
    found = items(body, tmp_path)
    assert [getattr(item, "reason", "kept") for item in found] == ["preamble"] * 2 + ["kept"] * 8
    assert isinstance(found[0], Fault) and not found[0].failed
    assert found[0].text == "Report of sales"


def test_a_header_is_told_from_a_row(tmp_path: Path) -> None:
    assert table("1,a\n2,b\n3,c\n", tmp_path)[0] is None
    assert table("id,name\n1,a\n2,b\n", tmp_path)[0] == ["id", "name"]
    assert items("1,a\n2,b\n", tmp_path, header="yes")[0].raw == b"2,b"
    assert told(items("x,a\ny,b\n", tmp_path, header="no")) == [
        {"text": "column_1: x\ncolumn_2: a"},
        {"text": "column_1: y\ncolumn_2: b"},
    ]


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_charsets_are_found_and_offsets_hold(charset: str, tmp_path: Path) -> None:
    body = 'id,text\n1,café\n2,"über, –\nx"\n3,ü\n'.encode(charset)
    path = tmp_path / "a.csv"
    path.write_bytes(body)
    stage = CsvExtract()
    found = [i for part in stage.parts(str(path), 1) for i in stage.read(part)]
    assert [r["text"] for r in told(found)] == ["café", "über, –\nx", "ü"]
    for item in found:
        assert read_at(tmp_path, item.place) == item.raw
    assert [item.place.line for item in found] == [2, 3, 5]


def test_a_line_of_another_charset_says_so_and_lost_bytes_are_refused(tmp_path: Path) -> None:
    body = "id,text\n1,日本\n".encode() + b"2,caf\xe9\n3,x\x81y\n"
    found = items(body, tmp_path)
    assert told(found)[1] == {"text": "café", "meta": {"charset": "cp1252", "id": "2"}}
    assert told(found)[2] == "encoding"
    assert told(items(b"id,text\n1,caf\xe9\n", tmp_path, encoding="utf-16"))[0] in (
        "encoding",
        "empty",
        "too_few_fields",
    )


def test_what_the_user_says_counts(tmp_path: Path) -> None:
    body = "id;text\n1;'a;b'\n2;NULL\n"
    found = told(items(body, tmp_path, delimiter=";", quote="'", null="NULL", text="text"))
    assert found == [{"text": "a;b", "meta": {"id": "1"}}, "empty"]
    assert told(items("a\ttext\nx\ty\n", tmp_path, delimiter="tab"))[0]["text"] == "y"
    assert CsvExtract(delimiter=";;").contradictions() and CsvExtract(escape="/").contradictions()
    assert CsvExtract(encoding="nope").contradictions() and CsvExtract(quote="''").contradictions()
    assert not CsvExtract(
        delimiter="tab", quote="", escape="\\", encoding="latin1"
    ).contradictions()


def test_what_the_user_calls_null_is_null_and_nothing_else() -> None:
    stream = io.BytesIO(b'1,NULL,,null\n2,"NULL","",NULLS\n')
    found = [row.cells for row in Table(stream, Dialect(), "utf-8", null="NULL").rows()]
    assert found == [["1", None, "", "null"], ["2", None, "", "NULLS"]]


def test_a_backslash_before_a_letter_stays_where_it_escapes_quotes(tmp_path: Path) -> None:
    body = 'id,t\n1,"x \\"y\\", C:\\new\\tmp"\n2,"a \\"b\\" c \\\\ d"\n'
    assert table(body, tmp_path)[1] == [["1", 'x "y", C:\\new\\tmp'], ["2", 'a "b" c \\ d']]


def test_a_cut_archive_gives_its_whole_rows(tmp_path: Path) -> None:
    body = b"id,text\n" + b"".join(b'%d,"some ""text"" %d"\n' % (n, n * n) for n in range(5000))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(body)[:-3000])
    rejects: list[Any] = []
    records = list(CsvExtract()(tmp_path / "a.csv.gz", rejects))
    assert [r["reason"] for r in rejects] == ["truncated"] and len(records) > 2000
    last = json.loads(records[-1]["meta"])["id"]
    assert records[-1]["text"] == f'some "text" {int(last) ** 2}'


def test_binary_data_is_refused(tmp_path: Path) -> None:
    (fault,) = items(b"\x89PNG\r\n\x1a\n" + bytes(range(256)), tmp_path)
    assert isinstance(fault, Fault) and fault.reason == "binary"
    assert fault.evidence["kind"] == "PNG image"


def test_a_field_of_many_lines_is_one_field(tmp_path: Path) -> None:
    long = "line, with comma\n" * 3000
    body = f'id,text\n1,"{long}"\n2,b\n'
    assert [r["text"] for r in told(items(body, tmp_path))] == [long, "b"]
    escaped = "id,text\n" + '1,"{}"\n2,"c \\"d\\" e"\n'.format('x \\"y\\", z\n' * 3000)
    assert [len(r["text"]) for r in told(items(escaped, tmp_path))] == [9 * 3000, 7]


def test_many_open_quotes_take_no_longer_than_their_rows(tmp_path: Path) -> None:
    body = 'id,text,n\n0,"a",1\n' + '1,"open,2\n2,5" pipe,3\n' * 5000
    found = [getattr(i, "reason", "kept") for i in items(body, tmp_path)]
    assert found == ["kept", *["broken_quote", "kept"] * 5000]


CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\ufeff", exclude_categories=["Cs", "Cc"]),
    max_size=12,
) | st.sampled_from(['"', ",", "\n", "\r\n", "a,b", 'x "y"', "'", "\\", "\\N", " ", "", "007"])


@settings(max_examples=150, deadline=None)
@given(st.integers(2, 4).flatmap(lambda w: st.lists(st.lists(CELL, min_size=w, max_size=w))))
def test_what_csv_writes_comes_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[list[str]]
) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(written)
    folder = tmp_path_factory.mktemp("csv")
    (folder / "a.csv").write_bytes(out.getvalue().encode())
    stage = CsvExtract(delimiter=",", quote='"', escape="", header="no", encoding="utf-8")
    got: list[list[str]] = []
    for part in stage.parts(str(folder / "a.csv"), 1):
        for item in stage.read(part):
            if item.place.offset is not None:
                assert read_at(folder, Place.parse(str(item.place))) == item.raw
            if isinstance(item, Item):
                got.append(
                    [c for c in next(csv.reader(io.StringIO(item.raw.decode(), newline="")))]
                )
            else:
                assert item.reason in ("empty", "preamble")
    blank = [row for row in written if any(cell.strip() for cell in row)]
    assert len(got) <= len(blank)
    header, found = rows(
        folder / "a.csv",
        [],
        {
            "delimiter": ",",
            "quotechar": '"',
            "header_lines": 0,
            "preamble_lines": 0,
            "encoding": "utf8",
        },
    )
    assert header is None and list(found) == blank


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_a_dialect(text: str) -> None:
    dialect = detect(text, True)
    assert dialect.end in ("\n", "\r") and 1 <= len(dialect.delimiter) <= 2


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_no_row_vanishes_and_nothing_is_raised(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    (folder / "a.csv").write_bytes(b"id,text\n" + data)
    found = list(CsvExtract().read(CsvExtract().parts(str(folder), 1)[0]))
    assert found and all(isinstance(i, Item) or i.reason in CsvExtract.reasons for i in found)
    covered = sum(item.place.length or 0 for item in found)
    assert covered <= len(data) + 8


def test_a_folder_is_searched_for_tables(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,n\nx,1\n")
    (tmp_path / "b.TSV").write_text("text\tn\ny\t2\n")
    (tmp_path / "c.txt").write_text("no")
    assert [r["text"] for r in CsvExtract()(tmp_path, [])] == ["x", "y"]
    with pytest.raises(UsageError, match="not found"):
        CsvExtract().parts(str(tmp_path / "gone.csv"), 1)


def test_a_row_of_too_many_fields_is_refused_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.extract.delimited import cells, sheet, table

    for module in (cells, sheet, table):
        monkeypatch.setattr(module, "FIELDS", 100)
    wide = "," * 200
    quoted = '"' + wide + '"'
    found = items(f"id,text\n1,some words\n{wide}\n2,{quoted}\n", tmp_path)
    assert [getattr(item, "reason", "kept") for item in found] == ["kept", "oversize", "kept"]
    assert isinstance(found[1], Fault)
    assert found[1].evidence == {"limit": 100, "of": "fields of a row"}
    assert isinstance(found[2], Item) and found[2].records[0]["text"] == wide


def test_names_and_values_that_make_far_more_text_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.extract.packed import streams

    monkeypatch.setattr(streams, "RATIO_FLOOR", 1000)
    names = ",".join(f"{letter * 900}" for letter in "abc")
    found = items(f"{names}\n" + "1,2,3\n" * 5, tmp_path, header="yes")
    made = sum(len(item.records[0]["text"]) for item in found if isinstance(item, Item))
    assert made <= streams.RATIO * len("1,2,3\n" * 5)
    assert isinstance(found[0], Fault) and found[0].reason == "oversize"
    assert found[0].evidence["of"] == "ratio"


def test_a_quoted_field_with_doubled_quotes_goes_on_where_backslashes_escape(
    tmp_path: Path,
) -> None:
    from stages.extract.delimited.cells import Dialect
    from stages.extract.delimited.table import Table

    body = b'1,"say ""a""\nand \\"b\\""\n2,c\n'
    found = Table(io.BytesIO(body), Dialect(escape="\\", width=2), "utf-8").rows()
    assert [row.cells for row in found] == [["1", 'say "a"\nand "b"'], ["2", "c"]]
