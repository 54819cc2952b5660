"""`seedbed run --sample`: the whole recipe on a share of each source; what the whole would be."""

from __future__ import annotations

import argparse
import json
import sqlite3
from pathlib import Path

import pytest

import seedbed
from pipeline.engine import gc
from pipeline.engine.account import load_run
from pipeline.engine.run import Result
from pipeline.verbs.run import options
from pipeline.views.extrapolated import extrapolated, lines
from stages.corpus import Corpus
from stages.errors import StageFailed, UsageError
from tests.pipeline import world

STEPS = "steps: [normalize, quality, {split: {val: 4}}]\nrun: {workers: 1}\n"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 600 rows, 40 pages, three rows of a CSV file, a database of 50 rows."""
    folder = tmp_path_factory.mktemp("sampled")
    world.lines(folder / "big.jsonl", range(600))
    world.pages(folder / "site", range(40))
    (folder / "few.csv").write_text("question,answer\n" + "q one,an answer\n" * 3)
    with sqlite3.connect(folder / "d.sqlite") as database:
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        rows = ((n, world.prose(900 + n)) for n in range(50))
        database.executemany("INSERT INTO t VALUES (?, ?)", rows)
    path = folder / "r.yaml"
    path.write_text(
        "version: 1\nname: r\nsources:\n  - jsonl: {path: big.jsonl, name: big}\n"
        "  - html: {path: site}\n  - csv: {path: few.csv, name: few}\n"
        "  - database: {path: d.sqlite, name: rows}\n" + STEPS
    )
    return path


@pytest.fixture(scope="module")
def sample(recipe: Path) -> Result:
    return seedbed.run(recipe, sample=60)


@pytest.fixture(scope="module")
def whole(recipe: Path, sample: Result) -> Result:
    return seedbed.run(recipe)


def warnings(folder: Path) -> list[str]:
    return list(load_run(folder)["warnings"])


def ids(folder: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in Corpus(folder / "corpus").table(["id", "source"]).to_pylist():
        found.setdefault(row["source"], set()).add(row["id"])
    return found


def test_a_sample_holds_records_of_every_source_of_the_whole(sample: Result, whole: Result) -> None:
    assert sample.folder.name == "r-sample" and whole.folder.name == "r"
    some, all_ = ids(sample.folder), ids(whole.folder)
    assert set(some) == set(all_) == {"big", "html", "few", "rows"}
    assert all(some[name] <= all_[name] for name in all_)
    assert 40 <= sum(map(len, some.values())) <= 80
    assert len(some["html"]) < 40 and len(some["rows"]) < 50 and len(some["few"]) == 3
    pages = {json.loads(p)["title"] for p in Corpus(sample.folder / "corpus").table(["meta"])
             .column("meta").to_pylist() if p and "Page" in p}  # fmt: skip
    assert "Page 0" in pages and "Page 39" in pages  # from the first to the last


def test_a_second_sample_computes_nothing_and_the_whole_is_the_same_without_one(
    recipe: Path, whole: Result, tmp_path: Path
) -> None:
    again = seedbed.run(recipe, sample=60)
    assert not any(report.computed for report in again.reports)
    alone = seedbed.run(recipe, store=tmp_path / "store", out=tmp_path / "runs")
    digests = [Corpus(run.folder / "corpus").digest for run in (alone, whole)]
    assert digests[0] == digests[1]


def test_the_whole_is_reckoned_from_the_sample(sample: Result, whole: Result) -> None:
    account = load_run(sample.folder)
    found = extrapolated(account, sample.folder)
    assert found is not None and found.unknown == ["rows"]
    seen = sum(s["counts"]["seen"] for s in load_run(whole.folder)["steps"] if s["source"])  # type: ignore[index]
    assert 0.8 * seen < found.items < 1.25 * seen
    assert 0.8 * seen < found.records < 1.25 * seen and found.cpu > 0
    told = "\n".join(lines(account, sample.folder))
    assert "the whole  about" in told and "of CPU time" in told
    page = (sample.folder / "report.html").read_text(encoding="utf-8")
    assert "A sample, and the whole" in page
    assert extrapolated(load_run(whole.folder), whole.folder) is None
    assert "A sample, and the whole" not in (whole.folder / "report.html").read_text("utf-8")


def test_what_a_sample_made_is_no_run_that_gc_keeps(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(50))
    path = world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[normalize]")
    whole = seedbed.run(path)
    for number in (5, 6, 7, 8):
        seedbed.run(path, sample=number)
    gc.collect(tmp_path / ".seedbed")
    assert not any(report.computed for report in seedbed.run(path).reports)
    assert len(Corpus(whole.folder / "corpus")) == 50
    assert any(report.computed for report in seedbed.run(path, sample=5).reports)


def test_each_option_of_a_run_has_its_own_help() -> None:
    parser = argparse.ArgumentParser()
    options(parser)
    told = {one.dest: str(one.help) for one in parser._actions}
    assert told["sample"].startswith("read only about so many items")
    assert told["control"].startswith("as the run NAME-control")
    assert len(set(told.values())) == len(told)


def test_a_sample_of_none_is_a_mistake_and_a_damaged_account_is_told(
    recipe: Path, sample: Result, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="sample must be at least 1, not 0"):
        seedbed.run(recipe, sample=0)
    account = json.loads((sample.folder / "run.json").read_text())
    for wrong in ({"big": {"first": 1}}, [1], {"big": 3}):
        (tmp_path / "run.json").write_text(json.dumps({**account, "sample": wrong}))
        with pytest.raises(UsageError, match="damaged"):
            load_run(tmp_path)


def test_a_source_whose_first_items_are_none_does_not_end_a_sample_of_others(
    tmp_path: Path,
) -> None:
    world.lines(tmp_path / "big.jsonl", range(100))
    notes = "".join(f"# note {n} on the table that follows\n" for n in range(20))
    (tmp_path / "late.csv").write_text(notes + "question,answer\n" + "q one,an answer\n" * 30)
    source = "  - csv: {path: late.csv, name: late}\n"
    text = "version: 1\nname: r\nsources:\n"
    (tmp_path / "r.yaml").write_text(text + "  - jsonl: {path: big.jsonl}\n" + source + STEPS)
    some = seedbed.run(tmp_path / "r.yaml", sample=20)
    assert some.counts["02-csv-late"]["made"] == 0 and some.counts["03-normalize"]["seen"] > 10
    assert any("preamble took 100 % of the records" in told for told in warnings(some.folder))
    (tmp_path / "alone.yaml").write_text(text.replace("name: r", "name: alone") + source + STEPS)
    with pytest.raises(StageFailed, match="01-csv-late: nothing was kept of"):
        seedbed.run(tmp_path / "alone.yaml", sample=5)
