"""Frames of pandas, polars, datasets and Arrow in and out of stage calls."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stages import (
    Deduplicate,
    Embed,
    Export,
    JsonlExtract,
    KMeansSelect,
    Normalize,
    RefusalFilter,
    Train,
    conform,
)
from stages.corpus import Corpus, write_corpus
from stages.errors import UsageError
from stages.records import REJECTS, SCHEMA

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
datasets = pytest.importorskip("datasets")

REFUSAL = "I'm sorry, but I can't help with that request."
GOOD = "Sow peas in May, two inches deep, in rows."
TEXTS = {"prompt": ["a", "b", "c"], "completion": [GOOD, REFUSAL, "Net the rows."]}
COLUMNS = {**TEXTS, "votes": [3, 1, 2]}


def _dataset(columns: dict[str, list[Any]]) -> Any:
    return datasets.Dataset.from_dict(columns)


MAKERS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "pandas": lambda columns: pandas.DataFrame(columns),
    "polars": lambda columns: polars.DataFrame(columns),
    "dataset": _dataset,
    "arrow": lambda columns: pa.table(columns),
    "dicts": lambda columns: [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ],
}


def _rows(frame: Any) -> list[dict[str, Any]]:
    """A frame's rows as dicts, without what is missing."""
    if isinstance(frame, pandas.DataFrame):
        rows = frame.to_dict("records")
    elif isinstance(frame, polars.DataFrame):
        rows = frame.to_dicts()
    elif isinstance(frame, pa.Table):
        rows = frame.to_pylist()
    else:
        rows = list(frame)
    return [{k: v for k, v in row.items() if not conform.is_missing(v)} for row in rows]


@pytest.mark.parametrize("kind", MAKERS)
def test_what_comes_back_is_of_the_same_kind(kind: str) -> None:
    given = MAKERS[kind](COLUMNS)
    rejects: list[dict[str, Any]] = []
    kept = RefusalFilter()(given, rejects)
    assert isinstance(kept, type(given))
    assert [(row["prompt"], row["votes"]) for row in _rows(kept)] == [("a", 3), ("c", 2)]
    assert [row["reason"] for row in rejects] == ["refusal"]


def test_equal_records_have_equal_ids_in_every_kind() -> None:
    ids = {
        kind: [row["id"] for row in _rows(Normalize()(make(COLUMNS)))]
        for kind, make in MAKERS.items()
    }
    assert len({tuple(found) for found in ids.values()}) == 1
    assert len(set(ids["pandas"])) == 3


@pytest.mark.parametrize("kind", ["pandas", "polars", "dataset"])
def test_a_frame_has_its_columns_then_the_id_then_what_the_stage_adds(kind: str) -> None:
    kept = RefusalFilter()(MAKERS[kind](COLUMNS), [])
    names = kept.column_names if kind == "dataset" else list(kept.columns)
    assert names == ["prompt", "completion", "votes", "id", "refusal"]
    again = Deduplicate()(kept, [])
    assert [row["id"] for row in _rows(again)] == [row["id"] for row in _rows(kept)]


def test_pandas_keeps_index_and_types_of_columns() -> None:
    frame = pandas.DataFrame(
        {
            **TEXTS,
            "topic": pandas.Categorical(["x", "y", "x"], ["z", "y", "x"]),
            "when": pandas.to_datetime(["2024-01-02"] * 3, utc=True),
            "whole": pandas.array([1, None, 3], dtype="Int64"),
            "any": [1, "two", None],
        },
        index=pandas.Index(["r1", "r2", "r3"], name="row"),
    )
    kept = RefusalFilter()(frame, [])
    expected = frame.drop("r2")
    pandas.testing.assert_frame_equal(kept[list(frame.columns)], expected)
    assert kept.columns.is_unique


def test_a_text_that_a_stage_changes_is_new_and_one_that_it_leaves_is_as_it_was() -> None:
    frame = pandas.DataFrame({"text": pandas.Categorical(["fine", "fine"]), "n": [1, 2]})
    assert Normalize()(frame)["text"].dtype == "category"
    frame = pandas.DataFrame({"text": pandas.Categorical(["cafe\u0301", "fine"])})
    assert Normalize()(frame)["text"].tolist() == ["café", "fine"]


def test_polars_keeps_types() -> None:
    frame = polars.DataFrame(
        {
            **TEXTS,
            "topic": polars.Series(["x", "y", "x"], dtype=polars.Enum(["x", "y"])),
            "score": [1.0, None, float("nan")],
            "tags": [["p"], [], None],
        }
    )
    kept = RefusalFilter()(frame, [])
    assert kept.select(frame.columns).equals(frame[[0, 2]])
    assert kept.schema["topic"] == polars.Enum(["x", "y"])


def test_a_dataset_keeps_its_features_and_its_order() -> None:
    given = _dataset({**TEXTS, "label": [0, 1, 1]})
    given = given.cast_column("label", datasets.ClassLabel(names=["no", "yes"])).select([2, 1, 0])
    kept = RefusalFilter()(given, [])
    assert kept["prompt"][:] == ["c", "a"]
    assert kept.features["label"] == datasets.ClassLabel(names=["no", "yes"])
    assert kept.filter(lambda row: row["label"] == 1).num_rows == 1


def test_arrow_types_survive() -> None:
    view = pa.array(["p", "q", None]).cast(pa.string_view())
    extra = {
        "view": view,
        "large": pa.array(["p", "q", None], pa.large_string()),
        "word": pa.array(["p", "q", "p"]).dictionary_encode(),
        "when": pa.array([1, None, 3], pa.timestamp("us", "UTC")),
    }
    texts = {
        "prompt": pa.array(["a", "b", "c"]).cast(pa.string_view()),
        "completion": pa.array(TEXTS["completion"]).dictionary_encode(),
    }
    kept = RefusalFilter()(pa.table({**texts, **extra}), [])
    for name, column in extra.items():
        assert kept.column(name).to_pylist() == column.to_pylist()[::2]
        assert kept.schema.field(name).type == column.type
    assert kept.schema.field("completion").type == pa.string()


@pytest.mark.parametrize("nothing", [None, float("nan"), pandas.NA, pandas.NaT])
def test_missing_values_are_null(nothing: Any) -> None:
    columns = {"text": [nothing, "words"], "prompt": ["p", nothing], "completion": ["c", nothing]}
    for given in (MAKERS["dicts"](columns), pandas.DataFrame(columns, dtype=object)):
        found = _rows(Normalize()(given))
        assert [row.get("text") for row in found] == [None, "words"]
        assert [row.get("prompt") for row in found] == ["p", None]


@pytest.mark.parametrize("kind", MAKERS)
def test_a_number_where_text_is_due_is_one_sentence(kind: str) -> None:
    with pytest.raises(UsageError) as caught:
        RefusalFilter()(MAKERS[kind]({"prompt": ["a", "b"], "completion": [None, 7]}))
    told = str(caught.value)
    assert "completion of row 1 is the number 7" in told and "\n" not in told
    remedy = {
        "pandas": 'frame["completion"].astype("string")',
        "polars": 'pl.col("completion").cast(pl.String)',
        "dataset": 'cast_column("completion", datasets.Value("string"))',
        "arrow": "cast it to pa.string()",
        "dicts": 'str(record["completion"])',
    }
    assert remedy[kind] in told


def test_the_remedy_helps() -> None:
    frame = pandas.DataFrame({"prompt": ["a", "b"], "completion": [None, 7]}, dtype=object)
    frame["completion"] = frame["completion"].astype("string")
    assert _rows(Normalize()(frame))[1]["completion"] == "7"
    polar = polars.DataFrame({"completion": [None, 7]}).with_columns(
        polars.col("completion").cast(polars.String)
    )
    assert _rows(Normalize()(polar))[1]["completion"] == "7"
    data = _dataset({"completion": [None, 7]}).cast_column("completion", datasets.Value("string"))
    assert _rows(Normalize()(data))[1]["completion"] == "7"


@pytest.mark.parametrize(
    "given, told",
    [
        (lambda: pandas.Series(["a"]), "a Series is one column"),
        (lambda: polars.Series(["a"]), "a Series is one column"),
        (lambda: polars.LazyFrame({"text": ["a"]}), "collect"),
        (lambda: datasets.DatasetDict({"train": _dataset({"text": ["a"]})}), "data\\['train'\\]"),
        (lambda: {"text": "a"}, "one dict"),
        (lambda: ["a"], "record 0 is a str"),
        (lambda: 3, "no records in a int"),
        (lambda: pandas.DataFrame({0: ["a"]}), "called 0"),
        (
            lambda: pandas.DataFrame([["a", "b"]], columns=["text", "text"]),
            "two columns 'text'",
        ),
        (lambda: pandas.DataFrame({"text": ["a", "b"], "id": [7, 7]}), "id '7' .* rows 0 and 1"),
        (lambda: pandas.DataFrame({"messages": ["[]"]}), "messages of row 0 is text.*json.loads"),
        (lambda: [{"messages": [{"content": "x"}]}], "messages\\[0\\] of row 0 has no role"),
        (
            lambda: [{"messages": [{"role": "user", "content": 1}]}],
            "content of messages\\[0\\] of row 0 is the number 1",
        ),
        (lambda: [{"text": "a", "n": 1}, {"text": "b", "n": "t"}], "'n'.*int in row 0, str in row"),
        (lambda: polars.DataFrame({"text": ["a"], "o": [object()]}), "column 'o'"),
        (lambda: pandas.DataFrame({"question": ["a"]}), "finds no text.*question"),
        (lambda: [{"text": "a", "meta": 3}], "meta of row 0 is the number 3"),
    ],
)
def test_what_is_no_frame_of_records_is_one_sentence(given: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        RefusalFilter()(given())


@pytest.mark.parametrize("kind", ["pandas", "polars", "dataset"])
def test_messages_and_meta_come_in_as_the_library_holds_them(kind: str) -> None:
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": REFUSAL}]
    columns: dict[str, list[Any]] = {
        "messages": [talk, None],
        "text": [None, "words"],
        "meta": [{"title": "t", "url": None}, None],
    }
    rejects: list[dict[str, Any]] = []
    kept = RefusalFilter()(MAKERS[kind](columns), rejects)
    assert [row["text"] for row in _rows(kept)] == ["words"]
    assert len(rejects) == 1
    kept = Normalize()(MAKERS[kind](columns))
    first = _rows(kept)[0]
    again = Normalize()(kept)
    assert _rows(again)[0]["id"] == first["id"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: pandas.DataFrame(),
        lambda: pandas.DataFrame({"text": []}),
        lambda: polars.DataFrame(),
        lambda: polars.DataFrame({"text": []}),
        lambda: _dataset({}),
        lambda: _dataset({"text": []}),
        lambda: pa.table({"text": []}),
        list,
    ],
)
def test_no_rows_give_no_rows(make: Any) -> None:
    given = make()
    kept = RefusalFilter()(given)
    assert isinstance(kept, type(given)) and len(kept) == 0


def test_vectors_go_from_stage_to_stage_in_frames() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("wordllama")
    texts = {"text": ["sow peas in spring", "sow beans in spring", "the ferry leaves at nine"]}
    for kind in ("pandas", "polars", "dataset"):
        found = _rows(KMeansSelect(k=2)(Embed()(MAKERS[kind](texts))))
        assert found[0]["cluster"] == found[1]["cluster"] != found[2]["cluster"], kind


# --- what a source gives --------------------------------------------------------------------------


def _lines(folder: Path) -> Path:
    path = folder / "a.jsonl"
    lines = [{"prompt": f"p{n}", "completion": f"c{n}"} for n in range(3)]
    path.write_text("\n".join([*map(json.dumps, lines), "{broken", '{"prompt": "q"}']) + "\n")
    return path


def test_what_a_source_reads_as_frames(tmp_path: Path) -> None:
    found = JsonlExtract()(_lines(tmp_path), [])
    assert found.to_arrow().schema == SCHEMA
    columns = ["id", "source", "place", "prompt", "completion"]
    assert list(found.to_pandas().columns) == columns
    assert found.to_polars().columns == columns
    assert found.to_dataset().column_names == columns
    dicts = list(found)
    assert dicts == _rows(found.to_pandas()) == _rows(found.to_polars()) == _rows(found.to_arrow())
    assert dicts == list(found.to_dataset())
    assert all(isinstance(row, dict) for row in dicts)


def test_records_are_read_as_they_are_asked_for_and_rejects_come_once(tmp_path: Path) -> None:
    rejects: list[dict[str, Any]] = []
    found = JsonlExtract()(_lines(tmp_path), rejects)
    assert rejects == []
    found._repr_html_()
    assert rejects == []
    once = list(found)
    assert len(rejects) == 2
    assert list(found) == once and len(rejects) == 2
    found.to_pandas()
    assert len(rejects) == 2


def test_the_warning_of_rejects_names_the_callers_line_and_comes_once(tmp_path: Path) -> None:
    found = JsonlExtract()(_lines(tmp_path))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(found)
        found.to_pandas()
        RefusalFilter()(pandas.DataFrame(COLUMNS))
    assert [Path(one.filename) for one in caught] == [Path(__file__)] * 2
    assert "jsonl: 2 left" in str(caught[0].message)
    assert "refusals: 1 left (refusal 1)" in str(caught[1].message)


def test_a_transform_takes_what_a_source_gives(tmp_path: Path) -> None:
    kept = RefusalFilter()(JsonlExtract()(_lines(tmp_path), []), [])
    assert [row["prompt"] for row in kept] == ["p0", "p1", "p2"]
    assert kept.to_pandas()["prompt"].tolist() == ["p0", "p1", "p2"]


def test_a_corpus_as_frames(tmp_path: Path) -> None:
    table = conform.to_records({"text": ["a", "b"], "n": [1, 2]}, 2, "", True)
    write_corpus(tmp_path / "c", "records", [(table, REJECTS.empty_table())], {})
    corpus = Corpus(tmp_path / "c")
    assert corpus.to_pandas()[["text", "n"]].to_dict("list") == {"text": ["a", "b"], "n": [1, 2]}
    assert corpus.to_polars()["n"].to_list() == corpus.to_dataset()["n"][:] == [1, 2]
    assert ">a<" in corpus._repr_html_() and "2 records" in corpus._repr_html_()


@pytest.mark.parametrize("kind", MAKERS)
def test_an_end_stage_takes_frames(kind: str, tmp_path: Path) -> None:
    Export(format="alpaca", columns=("votes",))(MAKERS[kind](COLUMNS), tmp_path / "out")
    lines = (tmp_path / "out/train.jsonl").read_text().splitlines()
    assert [json.loads(line)["votes"] for line in lines] == [3, 1, 2]


def test_a_stage_that_works_on_other_folders_takes_no_frame(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folder of tokens, not on a DataFrame"):
        Train()(pandas.DataFrame(COLUMNS), tmp_path / "out")


# --- the notebook ---------------------------------------------------------------------------------


def test_a_notebook_shows_a_small_table_of_escaped_text() -> None:
    rows = Normalize()([{"text": f"<script>alert({n})</script>\x1b[31m\u202e"} for n in range(30)])
    page = rows._repr_html_()
    assert "<script" not in page and "&lt;script&gt;alert(0)" in page
    assert "\x1b" not in page and "\u202e" not in page
    assert page.count("<tr>") == 11 and "10 of 30 records" in page
    assert Normalize()([])._repr_html_() == "<p>no records</p>"


def test_long_texts_and_talks_are_short() -> None:
    talk = [{"role": "user", "content": "x" * 10_000}]
    page = Normalize()([{"messages": talk}])._repr_html_()
    assert len(page) < 2_000 and "user: xxx" in page


# --- what is imported -----------------------------------------------------------------------------


def test_no_frame_library_is_imported_that_was_not_given() -> None:
    # pandas is left out: Arrow imports it itself for a list of values, where it is installed.
    code = (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        "from stages import RefusalFilter\n"
        "rows = RefusalFilter()([{'text': 'a'}])\n"
        "rows._repr_html_()\n"
        "import pyarrow as pa\n"
        "RefusalFilter()(pa.table({'text': ['a']}))\n"
        "print([name for name in ('polars', 'datasets') if name in sys.modules])\n"
        "import polars\n"
        "RefusalFilter()(polars.DataFrame({'text': ['a']}))\n"
        "rows.to_polars()\n"
        "print([name for name in ('datasets',) if name in sys.modules])\n"
    )
    home = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=home, check=True
    )
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]
