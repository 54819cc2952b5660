"""The numbers of the ending and the report are those of the account: by hand, two sources of which
one has a step of its own, then two steps on the records of both."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.account import StepReport
from pipeline.views.figures import (
    Totals,
    ends_of_sources,
    text_kept,
    text_made,
    text_read,
    text_removed,
    totals,
)
from pipeline.views.report import flow, times
from pipeline.views.report.left import text_of_reasons
from pipeline.views.summary import stage_lines
from stages.clean.dedup import Deduplicate
from stages.corpus import write_corpus
from stages.records import REJECTS, to_table


def _step(
    label: str,
    source: str,
    seen: int,
    left: dict[str, int],
    failed: int,
    made: int,
    text: dict[str, Any],
) -> dict[str, Any]:
    out = sum(left.values())
    kept = seen - out
    counts = {
        "seen": seen, "kept": kept, "dropped": out - failed, "failed": failed, "made": made,
        "changed": 0, "inapplicable": 0, "reasons": left, "forms": {}, "text": text,
    }  # fmt: skip
    return {
        "label": label, "stage": label, "source": source, "counts": counts, "folder": label,
        "seconds": 1.0, "cpu": 0.5, "computed": 1, "reused": 0,
    }  # fmt: skip


def _text(seen: int, added: int = 0, **removed: int) -> dict[str, Any]:
    return {
        "seen": seen, "kept": seen - sum(removed.values()), "added": added, "removed": removed,
    }  # fmt: skip


ACCOUNT: dict[str, Any] = {
    "steps": [
        _step("jsonl a", "a", 100, {"garbled": 10}, 10, 90, _text(5000, garbled=500)),
        _step("apply", "a", 90, {}, 0, 120, _text(4500, added=1500)),
        _step("csv b", "b", 40, {"empty": 4}, 0, 36, _text(900)),
        _step("pii", "", 156, {}, 0, 156, _text(6900, added=60, email=200, phone=40)),
        _step("dedup", "", 156, {"near": 30, "equal": 26}, 0, 100, _text(6720, near=1720)),
        {"label": "train", "stage": "train", "source": "", "counts": None, "seconds": 4.0,
         "cpu": 3.0, "computed": 1, "reused": 0, "folder": "train"},
    ]
}  # fmt: skip


def test_totals_are_of_the_first_and_the_last_steps() -> None:
    found = totals(ACCOUNT)
    assert found == Totals(seen=140, more=30, dropped=60, failed=10, kept=100)
    assert found.seen + found.more == found.kept + found.dropped + found.failed
    assert [step["label"] for step in ends_of_sources(ACCOUNT)] == ["apply", "csv b"]
    apart = {"steps": ACCOUNT["steps"][:3]}
    assert totals(apart).kept == 156 and text_kept(apart) == 6900


def test_text_is_followed_from_what_was_read_to_the_end() -> None:
    assert text_read(ACCOUNT) == 5900
    assert text_kept(ACCOUNT) == 5000
    pii = ACCOUNT["steps"][3]
    assert (text_removed(pii), text_made(pii)) == (240, 6720)


def test_the_flow_shows_what_each_step_made(tmp_path: Path) -> None:
    body = flow.panel(ACCOUNT, [("tokens", 777)]).body
    for number in ("<b>5,900</b> characters read", "<b>5,000</b> characters at the end",
                   "<b>777</b> tokens"):  # fmt: skip
        assert number in body
    # Both drawings, wide and narrow: what each step on all records made, and what left there.
    assert re.findall(r'class="n"[^>]*>([0-9,]+)<', body) == (
        ["156", "100"] * 2 + ["6,720", "5,000"] * 2
    )
    assert re.findall(r'class="out"[^>]*>−([0-9,]+)<', body) == (["56"] * 2 + ["240", "1,720"] * 2)
    assert "a 120</text>" in body and "b 36</text>" in body
    rows = dict(re.findall(r'<tr data-step="([^"]+)">(.*?)</tr>', body, re.DOTALL))
    widths = {
        label: [float(width) for width in re.findall(r"width:([0-9.]+)%", row)]
        for label, row in rows.items()
    }
    assert widths["jsonl a"] == [90, 0, 10] and widths["csv b"] == [90, 10, 0]
    assert widths["apply"] == [100, 0, 0]
    assert widths["dedup"] == pytest.approx([100 * 100 / 156, 100 * 56 / 156, 0], abs=0.01)


def test_the_longest_step_has_the_whole_bar() -> None:
    body = times.panel(ACCOUNT).body
    assert re.findall(r"width:([0-9.]+)%", body) == ["25.00"] * 5 + ["100.00"]


def test_the_share_of_what_left_is_of_what_the_step_saw(tmp_path: Path) -> None:
    step = ACCOUNT["steps"][4]
    nothing = [(to_table([]), REJECTS.empty_table())]
    manifest = {"steps": [{"stage": "dedup", "reasons": {"near": "nearly the same"}}]}
    write_corpus(tmp_path / "dedup", "records", nothing, manifest)
    found = list(text_of_reasons({"steps": [step]}, tmp_path))
    assert [(one.step, one.reason, one.meaning, one.count, one.of_step) for one in found] == [
        ("dedup", "near", "nearly the same", 1720, 1720 / 6720)
    ]


def test_a_stage_tells_the_most_frequent_reason_first(tmp_path: Path) -> None:
    write_corpus(tmp_path / "out", "records", [(to_table([]), REJECTS.empty_table())], {})
    reasons = dict.fromkeys(Deduplicate.reasons, 0)
    first, second = list(reasons)[:2]
    counts = {**ACCOUNT["steps"][4]["counts"], "reasons": {first: 3, second: 53}}
    report = StepReport("01-dedup", "dedup", "records", {}, "out", counts=counts)
    told = stage_lines(Deduplicate(), report, tmp_path / "out")
    assert told[0].endswith("in 156 = kept 100 + dropped 56 + failed 0")
    assert [line.split()[:2] for line in told[1:3]] == [["53", f"{second}:"], ["3", f"{first}:"]]
