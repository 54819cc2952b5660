"""Split with `stratify`: each cluster has its part of val, and connected records stay whole."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import check
from stages.base import State, VisibleState
from stages.call import as_table
from stages.errors import UsageError
from stages.select.sides import strata
from stages.select.split import Split
from stages.verdicts import Batch

SIZES = {0: 400, 1: 100, 2: 40, 3: 20}


def corpus() -> list[dict[str, Any]]:
    """Clusters of many and of few, one after the other."""
    return [
        {
            "id": f"{cluster}-{n:03}",
            "prompt": f"question {n} of {cluster}?",
            "completion": f"It is {n * 7919 % 1000}.",
            "cluster": cluster,
            "meta": {"language": "de" if n % 4 else "en"},
        }
        for cluster, size in SIZES.items()
        for n in range(size)
    ]


def val_of(stage: Split, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [row for row in stage(rows) if row["split"] == "val"]


@pytest.mark.parametrize("seed", range(4))
def test_each_cluster_has_its_part_of_val(seed: int) -> None:
    val = val_of(Split(val=0.1, stratify="cluster", seed=seed), corpus())
    found = Counter(row["cluster"] for row in val)
    assert all(abs(found[one] - size / 10) <= max(1, size / 200) for one, size in SIZES.items())
    val = val_of(Split(val=28, stratify="cluster", seed=seed), corpus())
    assert Counter(row["cluster"] for row in val) == {0: 20, 1: 5, 2: 2, 3: 1}


def test_without_it_a_small_cluster_may_have_none() -> None:
    found = [val_of(Split(val=28, seed=seed), corpus()) for seed in range(12)]
    assert any(3 not in {row["cluster"] for row in val} for val in found)


def test_keys_of_meta_have_parts_and_what_is_connected_stays_together() -> None:
    rows = [{**row, "group": f"g{n // 5}"} for n, row in enumerate(corpus())]
    stage = Split(val=0.2, stratify="language")
    val = val_of(stage, rows)
    assert all(len([r for r in val if r["group"] == row["group"]]) == 5 for row in val)
    # Groups of five are all German or have one English record, and count as German.
    assert abs(len(val) - 112) <= 6


def told(stage: Split, rows: list[dict[str, Any]]) -> dict[str, Any]:
    table = as_table(rows)[0]
    seen = VisibleState(0, {}, {}, None)
    return dict(stage.merge([stage.observe(Batch(table), seen)], State()).told)


def test_the_parts_are_told_and_what_has_none() -> None:
    rows = [*corpus(), {"id": "x", "prompt": "alone?", "completion": "Yes.", "cluster": 9}]
    found = told(Split(val=28, stratify="cluster"), rows)
    assert "stratified by cluster: 5 values, of which val has 0 % to 5.0 %" in found["lines"]
    assert found["warnings"] == [
        "1 of 5 values of cluster have no record in val: they are too few for its share, or "
        "connected; ask for more"
    ]
    assert not told(Split(val=28, stratify="cluster"), corpus())["warnings"]


def test_what_does_not_go_is_said() -> None:
    with pytest.raises(UsageError, match=r"split.stratify: no record has a column 'clstr'"):
        Split(stratify="clstr")(corpus())
    with pytest.raises(UsageError, match="it leaves no stratify"):
        check.made(Split, {"by": ["date"], "stratify": "cluster"})
    assert ("cluster",) in Split(stratify="cluster").needs()


def test_a_component_is_of_the_stratum_that_most_of_its_records_have() -> None:
    stratum = np.array([7, 7, 9, 9, 9, 7, 9, 7], dtype=np.uint64)
    component = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    assert strata.of_components(stratum, component, 3).tolist() == [0, 1, 0]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=15), st.integers(0, 400))
def test_targets_add_up_and_differ_from_their_part_by_less_than_one(
    whole: list[int], wanted: int
) -> None:
    wanted = min(wanted, sum(whole))
    found = strata.targets(np.array(whole), wanted)
    assert int(found.sum()) == wanted
    assert np.abs(found - np.array(whole) * wanted / sum(whole)).max() < 1
