"""What explain says would have kept a record does keep it; every stage's word on it is true."""

from __future__ import annotations

import importlib
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import stages
from pipeline.views.stays import MORE, keeping, would_stay
from stages import QualityFilter, check
from stages.base import Transform

NAMES = sorted(name for name in stages.TABLE if stages.stage(name).stays)


def test_most_stages_that_judge_say_what_keeps_a_record() -> None:
    assert {"quality", "dedup", "pii", "refusals", "select", "split", "tokenize"} <= {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_names_reasons_and_parameters_that_there_are(name: str) -> None:
    cls = stages.stage(name)
    assert set(cls.stays) <= set(cls.reasons)
    for reason, rule in cls.stays.items():
        found = keeping(cls(), reason, {"score": 0.5})
        if ":" in rule:
            assert found and not check.problems_of(cls, check.as_json(replace(cls(), **found)))
        else:
            word, sign = rule.removesuffix(MORE).split()
            assert word in check.parameters(cls) and sign in ("<", "<=", ">", ">=")


@pytest.mark.parametrize("name", [n for n in NAMES if issubclass(stages.stage(n), Transform)])
def test_what_it_says_keeps_the_record(name: str, tmp_path: Path) -> None:
    kept = 0
    for case in importlib.import_module(f"tests.cases.{name}").cases(tmp_path):
        rows = [{"id": f"{n:032x}", **row} for n, row in enumerate(case.records)]
        tried: dict[str, Any] = {}
        for reject in _left(case.stage, rows):
            found = keeping(case.stage, reject["reason"], reject["evidence"])
            if found is not None and tried.setdefault(reject["reason"], found) is found:
                left = _left(replace(case.stage, **found), rows)
                again = [one for one in left if one["id"] == reject["id"]]
                if case.stage.stays[reject["reason"]].endswith(MORE):
                    assert reject["evidence"] not in [one["evidence"] for one in again]
                else:
                    assert reject["reason"] not in [one["reason"] for one in again], found
                assert would_stay(case.stage, reject["reason"], reject["evidence"])
                kept += 1
    assert kept


def _left(stage: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rejects: list[dict[str, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a split that is not what was asked for
        stage(rows, rejects)
    return [{**one, "evidence": json.loads(one["evidence"])} for one in rejects]


def test_a_value_is_on_the_safe_side_and_within_its_range() -> None:
    stage = QualityFilter(min_words=7, max_symbols=0.1)
    assert keeping(stage, "too_short", {"score": 6}) == {"min_words": 6}
    assert keeping(stage, "symbols", {"score": 0.123451}) == {"max_symbols": 0.1235}
    assert keeping(stage, "no_letters", {"score": 0.123456}) == {"min_letters": 0.1234}
    assert keeping(stage, "no_letters", {}) is None
    assert keeping(stages.Deduplicate(), "near_duplicate", {"score": 1.0}) is None
    assert keeping(stages.Deduplicate(), "near_duplicate", {"score": 0.9}) == {"threshold": 0.9001}
    told = would_stay(stages.Deduplicate(), "near_duplicate", {"score": 1.0})
    assert told == "`threshold` decided, which is 0.8; no value of it would have kept this"
    assert would_stay(stage, "too_short", {"score": 6}) == (
        "with `min_words` at 6 or less it would have stayed here (it is 7)"
    )
    assert would_stay(stages.JsonlExtract(), "malformed", {}) == ""
