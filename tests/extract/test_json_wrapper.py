"""One object around the only list of objects: read element by element, whatever its size."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from stages.extract import jsonl
from stages.extract.jsonl import JsonlExtract
from tests.extract.test_worst import cpu

ROWS = [{"question": f"Why {n}? [{{", "answer": 'Because "é" \\ }]', "n": n} for n in range(90)]
LIMIT = 2000


def read(path: Path, **parameters: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rejects: list[dict[str, Any]] = []
    return list(JsonlExtract(**parameters)(path, rejects)), rejects


def packed(path: Path, data: bytes, how: str) -> Path:
    if how == "gzip":
        path = path.with_suffix(".json.gz")
        path.write_bytes(gzip.compress(data))
    elif how == "tar":
        (path.parent / "w.json").write_bytes(data)
        path = path.with_suffix(".tar.gz")
        with tarfile.open(path, "w:gz") as file:
            file.add(path.parent / "w.json", "w.json")
    else:
        path.write_bytes(data)
    return path


@pytest.mark.parametrize("how", ["plain", "gzip", "tar"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"  "])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "value",
    [
        {"data": ROWS},
        {"version": "1.1", "data": ROWS, "after": [1, [{}], {"data": [{}]}]},
        {"empty": [], "mixed": [{}, 1], "d\u00e9 [": ROWS, "n": None},
    ],
    ids=["alone", "beside", "odd"],
)
def test_a_large_wrapper_is_read_like_a_small_one(
    value: Any, indent: int | None, mark: bytes, how: str, tmp_path: Path, monkeypatch: Any
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    path = packed(tmp_path / "a.json", mark + text.encode() + b"\n", how)
    expected = read(path)
    assert len(expected[0]) == len(ROWS) and not expected[1]
    monkeypatch.setattr(jsonl, "LINE_BYTES", LIMIT)
    assert read(path) == expected


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"a": ROWS, "b": ROWS}),
        json.dumps({"data": {"rows": ROWS}}),
        json.dumps({"messages": ROWS}),
        json.dumps({"text": "a", "data": ROWS}),
        json.dumps({"data": [*ROWS, 1]}),
        json.dumps({"data": ROWS, "long": "x" * LIMIT}),
        json.dumps({"text": "x" * LIMIT}),
        json.dumps({"data": ROWS})[:-1] + ',"data":1}',
        json.dumps({"data": ROWS})[:-1] + ",}",
        json.dumps({"data": ROWS}).replace('"data":', '"data"'),
    ],
    ids=["two", "nested", "talk", "record", "mixed", "beside", "text", "twice", "comma", "colon"],
)
def test_what_is_no_wrapper_is_too_large_as_a_whole(
    text: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(jsonl, "LINE_BYTES", LIMIT)
    for indented in (False, True):
        for how in ("plain", "gzip"):
            shown = text.replace("{", "{\n", 1) if indented else text + " \n"
            path = packed(tmp_path / "a.json", shown.encode(), how)
            records, rejects = read(path)
            assert not records
            assert [reject["reason"] for reject in rejects] == ["oversize"]
            assert json.loads(rejects[0]["evidence"])["limit"] == LIMIT


def test_a_bad_element_costs_no_other(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(jsonl, "LINE_BYTES", LIMIT)
    rows = [json.dumps(row).encode() for row in ROWS]
    rows[3:3] = [b'{"text": tru}', b'{"text":"\xff"}', b'{"n":1}', b'{"text":"%s"}' % (b"x" * 3000)]
    path = tmp_path / "a.json"
    path.write_bytes(b'{"data":[' + b",".join(rows) + b"]}")
    records, rejects = read(path)
    assert len(records) == len(ROWS)
    found = [(reject["reason"], reject["place"]) for reject in rejects]
    reasons = ["malformed", "encoding", "no_form", "oversize"]
    assert found == [(reason, f"a.json!data[{number}]") for number, reason in enumerate(reasons, 3)]


def test_a_wrapper_without_its_end_and_lines_are_no_wrapper(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(jsonl, "LINE_BYTES", LIMIT)
    whole = json.dumps({"data": ROWS}, indent=1).encode()
    assert [reject["reason"] for reject in read(packed(tmp_path / "a", whole[:-9], "gzip"))[1]]
    path = packed(tmp_path / "b.json", gzip.compress(whole)[:-200], "plain")
    records, rejects = read(path)
    assert not records and [reject["reason"] for reject in rejects][-1] == "truncated"
    path = packed(
        tmp_path / "c.json", b'{"text":"%s"}\n' % (b"y" * 300_000) + b'{"text":"a"}', "gzip"
    )
    monkeypatch.setattr(jsonl, "LINE_BYTES", 16 << 20)
    assert [len(record["text"]) for record in read(path)[0]] == [300_000, 1]


def test_a_wrapper_of_more_than_the_limit(tmp_path: Path) -> None:
    rows = [{"text": f"{number} " + "word " * 200_000} for number in range(18)]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"version": 1, "data": rows}))
    assert path.stat().st_size > jsonl.LINE_BYTES
    records, rejects = read(path)
    assert [record["text"] for record in records] == [row["text"] for row in rows] and not rejects
    assert records[-1]["place"] == "a.json!data[17]"


def test_twice_the_elements_cost_twice(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(jsonl, "LINE_BYTES", LIMIT)
    costs = []
    for times in (20, 40):
        path = tmp_path / f"{times}.json"
        path.write_text(json.dumps({"data": ROWS * times}))
        costs.append(min(cpu(JsonlExtract(), path) for _ in range(2)))
    assert costs[1] < 3 * costs[0]
