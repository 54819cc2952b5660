"""Decontamination: records that hold an item of a benchmark leave, with the place as evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages.errors import UsageError
from stages.select.split import Split
from tests.pipeline import world
from tests.pipeline.world import seedbed

LONG = (
    "A ferry takes nine sacks of barley and four sacks of rye to the far island each morning; "
    "how many sacks has it taken after the first eleven mornings of the month?"
)
SHORT = "Which island has the oldest lighthouse?"
ITEMS = [
    {"question": LONG, "answer": "One hundred and forty-three."},
    {"question": SHORT, "answer": "Skarf."},
    {"question": "7 * 8?", "answer": "56"},
]


def exam(folder: Path) -> str:
    path = folder / "exam.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in ITEMS))
    return str(path)


def left(
    folder: Path, *rows: dict[str, Any], name: str | None = None
) -> list[tuple[str, dict[str, Any]]]:
    """(text, evidence) of what leaves."""
    rejects: list[dict[str, Any]] = []
    stage = Split(val=0.5, benchmarks=(name or exam(folder),))
    kept = stage([{"text": "another text of no exam"}, *rows], rejects)
    assert len(kept) + len(rejects) == len(rows) + 1
    assert {row["reason"] for row in rejects} <= {"benchmark"}
    return [(row["text"], json.loads(row["evidence"])) for row in rejects]


def test_a_run_of_13_words_is_found_wherever_it_stands(tmp_path: Path) -> None:
    words = LONG.split()
    held = "An old notebook: " + " ".join(words[2:15]).upper() + ", and so on."
    ((_, evidence),) = left(tmp_path, {"prompt": "What is in it?", "completion": held})
    begin, end = evidence["span"]
    assert evidence["by"] == "run" and evidence["field"] == "completion"
    assert held[begin:end] == evidence["match"]
    assert evidence["match"].lower().split() == words[2:15]
    assert evidence["benchmark"].endswith("exam.jsonl")
    assert evidence["place"].startswith("exam.jsonl@0+")
    assert left(tmp_path, {"text": " ".join(words[2:14])}) == []


def test_a_short_item_is_found_as_a_whole(tmp_path: Path) -> None:
    text = f"The quiz of the ferry. {SHORT.upper()} Nobody knew."
    ((_, evidence),) = left(tmp_path, {"text": text})
    assert evidence["match"] == "WHICH ISLAND HAS THE OLDEST LIGHTHOUSE"
    assert evidence["place"].endswith(":2")
    assert left(tmp_path, {"text": "Which island has the oldest ferry?"}) == []


def test_an_equal_prompt_is_found_however_short(tmp_path: Path) -> None:
    ((_, evidence),) = left(tmp_path, {"prompt": " 7  * 8? ", "completion": "Fifty-six."})
    assert evidence["by"] == "prompt" and evidence["place"].endswith(":3")
    assert left(tmp_path, {"text": "we know that 7 * 8? is asked often"}) == []


def test_a_near_duplicate_is_found(tmp_path: Path) -> None:
    words = [f"w{n}" for n in range(24)]
    (tmp_path / "near.jsonl").write_text(json.dumps({"text": " ".join(words)}))
    # A word put in leaves no run of 13; 20 of 25 3-grams are in both.
    text = " ".join([*words[:12], "more", *words[12:]])
    ((_, evidence),) = left(tmp_path, {"text": text}, name=str(tmp_path / "near.jsonl"))
    assert evidence["by"] == "near" and evidence["score"] == evidence["limit"] == 0.8


def test_a_tag_keeps_the_record_and_names_the_item(tmp_path: Path) -> None:
    stage = Split(val=0.5, benchmarks=(exam(tmp_path),), contaminated="tag")
    one, other = stage([{"text": LONG}, {"text": "another text"}])
    assert one["benchmark"].split()[0].endswith("exam.jsonl") and one["split"] in ("train", "val")
    assert other.get("benchmark") is None


def test_what_leaves_does_not_count_for_val(tmp_path: Path) -> None:
    rows = [{"prompt": f"{LONG} {n}", "completion": "?"} for n in range(50)]
    rows += [{"prompt": f"question {n}", "completion": "?"} for n in range(50)]
    found = Split(val=10, benchmarks=(exam(tmp_path),))(rows, [])
    assert [row["split"] for row in found].count("val") == 10 and len(found) == 50


def test_csv_and_parquet_are_read_too(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "exam.csv").write_text(f'question,answer\n"{LONG}",many\n')
    pq.write_table(pa.table({"question": [LONG], "answer": ["many"]}), tmp_path / "exam.parquet")
    for name in ("exam.csv", "exam.parquet"):
        assert len(left(tmp_path, {"text": LONG}, name=str(tmp_path / name))) == 1


def test_a_file_that_is_missing_or_holds_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"benchmarks: nowhere\.jsonl: no such file"):
        Split(benchmarks=("nowhere.jsonl",))([{"text": "a"}])
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(UsageError, match="no item can be read"):
        Split(benchmarks=(str(tmp_path / "empty.jsonl"),))([{"text": "a"}])


def test_a_run_finds_the_file_beside_its_recipe_and_tells_the_matches(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    rows = [{"text": f"a text of its own and number {n}"} for n in range(30)] + [{"text": LONG}]
    folder.mkdir()
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    exam(folder)
    world.recipe(folder, "jsonl: {path: in.jsonl}", "[split: {benchmarks: [exam.jsonl]}]")
    done = seedbed("run", "work/t.yaml", cwd=tmp_path)
    assert "benchmarks: records that hold an item, dropped: exam.jsonl 1" in done.stdout
    (folder / "exam.jsonl").write_text(json.dumps({"question": rows[3]["text"], "answer": "a"}))
    done = seedbed("run", "work/t.yaml", cwd=tmp_path)
    assert (
        "exam.jsonl 1" in done.stdout and "  (from the store)" not in done.stderr.split("split")[1]
    )
