"""The figures that people read add up: of several sources, of items that make several records, of
records that an export leaves out; a single stage tells what it found."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from pipeline.engine.account import StepReport, load_run
from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from pipeline.views import summary
from pipeline.views.figures import Totals, totals
from stages.corpus import sha256_of, write_json
from stages.manifest import MADE_BY
from tests.cases.diagnose import curve, own_lines, write_lines
from tests.pipeline.world import seedbed


def _run(folder: Path, text: str) -> Path:
    (folder / "recipe.yaml").write_text(f"version: 1\nname: r\n{text}")
    return run_recipe(read_recipe(folder / "recipe.yaml")).folder


def _lines(path: Path, *rows: object) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_an_account_holds_every_field_of_a_report() -> None:
    once = {"ended": 1.0, "seconds": 2.0, "cpu": 3.0}
    learned = {"rounds": 2, "values": {"a": 1}, "tables": {"b": 3}}
    report = StepReport(
        "01-a", "a", "records", {"n": 1}, "steps/01-a", "s", None, 1, 2, 3, 4.0, 5.0, ["k"],
        {"m": 2}, learned, 6.0, once,
    )  # fmt: skip
    assert report.as_json() == asdict(report)


def test_two_sources_without_steps_are_summed(tmp_path: Path) -> None:
    _lines(tmp_path / "a.jsonl", {"text": "a"}, {"text": "b"}, {"text": " "})
    _lines(tmp_path / "b.jsonl", {"text": "c"}, ["no record"])
    folder = _run(
        tmp_path,
        "sources:\n  - jsonl: {path: a.jsonl, name: a}\n  - jsonl: {path: b.jsonl, name: b}\n",
    )
    assert totals(load_run(folder)) == Totals(seen=5, more=0, dropped=0, failed=2, kept=3)
    assert "in 5   kept 3   dropped 0   failed 2" in summary.lines(folder)


def test_an_item_that_makes_several_records_is_no_loss(tmp_path: Path) -> None:
    rows = [{"text": f"row {number}"} for number in range(6)]
    _lines(tmp_path / "a.jsonl", *rows)
    (tmp_path / "twice.py").write_text(
        "def both(record):\n"
        "    if record['text'] == 'row 5':\n        return None\n"
        "    return [{'text': record['text'] + end} for end in ('!', '?')]\n"
    )
    (tmp_path / "recipe.yaml").write_text(
        "version: 1\nname: r\nsources:\n  - jsonl: {path: a.jsonl}\n"
        "steps:\n  - apply: {function: 'twice:both'}\n"
    )
    told = seedbed("run", "recipe.yaml", cwd=tmp_path).stdout
    folder = tmp_path / "runs/r"
    found = totals(load_run(folder))
    assert (found.seen, found.more, found.dropped + found.failed, found.kept) == (6, 5, 1, 10)
    assert "in 6 + 5 made of them besides   kept 10   dropped 1   failed 0" in told
    assert "5 more records were made of them" in (folder / "report.html").read_text()


def test_what_an_export_leaves_out_is_told_at_the_end(tmp_path: Path) -> None:
    _lines(tmp_path / "a.jsonl", {"text": "a"}, {"prompt": "b", "completion": "c"})
    folder = _run(
        tmp_path,
        "sources:\n  - jsonl: {path: a.jsonl}\nsteps:\n  - export: {format: messages}\n",
    )
    told = "\n".join(summary.lines(folder))
    assert "left out   1 of 2 records (50 %): the format messages cannot hold them (form 1)" in told


def test_diagnose_prints_its_findings(tmp_path: Path) -> None:
    write_lines(
        tmp_path / "curve.jsonl", own_lines(curve(per=40, passes=3), 40, {0: 2.0, 120: 1.2})
    )
    done = seedbed("diagnose", "curve.jsonl", "-o", "found", cwd=tmp_path)
    findings = json.loads((tmp_path / "found/findings.json").read_text())["findings"]
    assert findings
    for finding in findings:
        kind = finding["kind"].replace("_", " ")
        assert f"finding    {kind}: {finding['words']}" in done.stdout


def test_diagnose_works_on_an_adapters_folder_with_a_manifest(tmp_path: Path) -> None:
    """Of another kind than records: it has files and no pieces, and so no columns to look for."""
    folder = tmp_path / "adapter"
    folder.mkdir()
    write_lines(folder / "curve.jsonl", own_lines(curve(per=40, passes=3), 40, {0: 2.0, 120: 1.2}))
    sha256 = sha256_of(folder / "curve.jsonl")
    write_json(
        folder / "manifest.json",
        {
            **MADE_BY,
            "format": 1,
            "kind": "adapter",
            "files": {"curve.jsonl": (folder / "curve.jsonl").stat().st_size},
            "hashes": {"curve.jsonl": sha256},
            "sha256": sha256,
        },
    )
    assert "finding    " in seedbed("diagnose", "adapter", "-o", "found", cwd=tmp_path).stdout


def test_what_a_fit_learned_and_whether_bytes_are_exact_is_told(tmp_path: Path) -> None:
    _lines(tmp_path / "a.jsonl", *({"text": f"some words and number {n}"} for n in range(3)))
    folder = _run(
        tmp_path, "sources:\n  - jsonl: {path: a.jsonl}\nsteps: [dedup, split: {val: 1}]\n"
    )
    read, dedup, split = load_run(folder)["steps"]
    assert read["learned"] is None and dedup["learned"]["rounds"] == 2
    assert split["learned"]["tables"] == {"of each piece": 1}
    (sides, check) = split["learned"]["lines"]
    page = (folder / "report.html").read_text()
    assert page.count("looked at all records") == 2 and sides in page and check in page
    assert page.count("the same bytes on every machine") == 3
