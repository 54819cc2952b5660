"""Each rule of "look here": what sets it off, what does not, and where it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.account import load_run
from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from pipeline.views import summary, warnings
from pipeline.views.warnings import Beside
from stages.train import panels as training
from tests.pipeline.world import seedbed


def step(seen: int = 100, text: int = 1000, label: str = "02-x", **more: Any) -> dict[str, Any]:
    """A step of an account that saw so many records and characters."""
    reasons, removed = more.pop("reasons", {}), more.pop("removed", {})
    counts = {"seen": seen, "reasons": reasons, "forms": more.pop("forms", {})}
    counts["text"] = {"seen": text, "removed": removed}
    return {"label": label, "stage": "normalize", "source": None, "counts": counts, **more}


def test_over_a_tenth_of_the_records() -> None:
    assert warnings.lost_records(step(reasons={"short": 6, "long": 4})) == []
    assert warnings.lost_records(step(reasons={"short": 7, "long": 4})) == [
        "02-x lost 11 % of its records (11 of 100), 7 of them as short"
    ]
    assert warnings.lost_records(step(reasons={"short": 11})) == [
        "02-x lost 11 % of its records (11 of 100), as short"
    ]


def test_what_a_stage_is_for_is_no_loss() -> None:
    one = step(reasons={"menu": 40, "short": 10}, removed={"menu": 400, "cut": 100})
    assert warnings.lost_records(one, ("menu",)) == [] == warnings.lost_text(one, ("menu",))
    assert warnings.lost_records(one) and warnings.lost_text(one)


def test_over_a_tenth_of_the_text() -> None:
    assert warnings.lost_text(step(removed={"cut": 60, "short": 40})) == []
    assert warnings.lost_text(step(removed={"cut": 60, "short": 41})) == [
        "02-x lost 10 % of its characters (101 of 1,000), 60 of them as cut"
    ]


def test_bytes_of_what_could_not_be_read_are_no_text() -> None:
    one = step(removed={"binary": 400, "outside": 100})
    assert warnings.lost_text(one, only=("outside",)) == []
    one["counts"]["text"]["removed"]["outside"] += 1
    assert "101 of 1,000" in warnings.lost_text(one, only=("outside",))[0]


def test_one_reason_takes_most() -> None:
    assert warnings.one_reason(step(reasons={"short": 50, "long": 50})) == []
    assert warnings.one_reason(step(reasons={"short": 51})) == [
        "02-x: short took 51 % of the records (51 of 100)"
    ]
    assert warnings.most_text(step(removed={"menu": 500})) == []
    assert warnings.most_text(step(removed={"menu": 501})) == [
        "02-x: menu took 50 % of the text (501 of 1,000 characters)"
    ]


def test_what_takes_most_is_not_told_twice() -> None:
    told = warnings.of_step(step(reasons={"too_long": 60}, removed={"too_long": 900}), False)
    assert len(told) == 2 and "took 60 %" in told[0] and "took 90 %" in told[1]


def test_one_reason_takes_most_of_one_source() -> None:
    counts = {("forum", "refusal"): 6, ("site", "refusal"): 5}
    assert warnings.most_of_a_source(step(), counts, {"forum": 10, "site": 10}) == [
        "02-x: refusal took 60 % of the source forum (6 of 10 records)"
    ]
    assert warnings.most_of_a_source(step(), {("forum", "refusal"): 6}, {"forum": 10}) == []


def test_most_records_fell_back_to_a_weaker_form() -> None:
    weak = "text ← all columns: id, body"
    assert warnings.weaker_form(step(forms={weak: 5, "text ← body": 5})) == []
    (told,) = warnings.weaker_form(step(forms={weak: 6, "text ← body": 4}))
    assert told.startswith("02-x: 6 of 10 records became one text of lines") and weak in told
    assert warnings.weaker_form(step()) == []


def test_columns_with_text_went_to_meta_unread() -> None:
    assert warnings.unread_columns(Beside("forum", 400, {"answer": 99, "votes": 2})) == []
    assert warnings.unread_columns(Beside("forum", 60, {"answer": 39})) == []
    (told,) = warnings.unread_columns(Beside("forum", 400, {"answer": 310.4, "votes": 2}))
    assert "forum: text went to `meta` unread: answer (310 characters a record)" in told


def _adapter(folder: Path, **values: int) -> Path:
    summary = {
        "records_train": 100, "records_unused": 0, "records_val": 10, "records_cut": 0,
        "records_without_targets": 0, "without_adapter": [], **values,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps({"summary": summary}))
    return folder


def test_training_used_a_fraction_of_the_records(tmp_path: Path) -> None:
    assert training.warnings(_adapter(tmp_path)) == []
    assert training.warnings(_adapter(tmp_path, records_unused=1900)) == []
    (told,) = training.warnings(_adapter(tmp_path, records_unused=1901))
    assert told.startswith("training used 100 of 2,001 records (5.0 %)")
    assert training.warnings(_adapter(tmp_path, records_cut=11)) == []
    (told,) = training.warnings(_adapter(tmp_path, records_cut=12))
    assert told == "12 of 110 records that came to training were cut at max_length"


def _world(folder: Path) -> Path:
    rows = [{"text": f"a short text of some words, number {n}", "note": "n" * 90} for n in range(4)]
    rows += [{"text": "word " * 120}] * 2
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "recipe.yaml").write_text(
        "version: 1\nname: r\nsources:\n  - jsonl: {path: in.jsonl, name: notes}\n"
        "steps:\n  - quality: {max_words: 100}\n"
    )
    return folder


def test_warnings_stand_in_account_ending_and_report(tmp_path: Path) -> None:
    folder = run_recipe(read_recipe(_world(tmp_path) / "recipe.yaml")).folder
    found = load_run(folder)["warnings"]
    assert any(one.startswith("notes: text went to `meta` unread: note (60") for one in found)
    assert any(one.startswith("02-quality lost 33 % of its records (2 of 6)") for one in found)
    assert any(one.startswith("02-quality: ") and "of the text" in one for one in found)
    assert len(found) == 3
    told = " ".join(" ".join(summary.lines(folder)).split())
    page = (folder / "report.html").read_text()
    for one in found:
        assert one in told and one in page
    assert "look here" in told and "Look here" in page
    done = seedbed("quality", "in.jsonl", "-o", "out", "--max-words=100", cwd=tmp_path)
    assert "look here" in done.stdout and "lost 33 % of its records" in done.stdout


def test_the_sample_is_silent(sample_run: Path) -> None:
    assert load_run(sample_run)["warnings"] == []
    assert "look here" not in "\n".join(summary.lines(sample_run))
    assert "Look here" not in (sample_run / "report.html").read_text()


def test_a_rule_that_breaks_hides_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.engine import run as engine
    from stages.errors import StageFailed

    def broken(*_: object) -> list[str]:
        raise ValueError("no rule")

    monkeypatch.setattr(engine, "warnings_of", broken)
    recipe = _world(tmp_path) / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("max_words: 100", "min_words: 5000"))
    with pytest.raises(StageFailed, match="nothing was kept"):
        run_recipe(read_recipe(recipe))
