"""Choices by name: how many, from whom, and what each is for."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from stages.select import methods
from stages.select.coverage import LARGE, Neighbourhoods
from stages.select.methods import Method, Rows
from stages.select.select import KMeansSelect

KEEP = 12


def rows(seed: int = 0, whole: bool = True) -> Rows:
    """Four clusters of 60, 30, 6 and 4 rows; a tenth of the rows not allowed."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(4), [60, 30, 6, 4]).astype(np.int64)
    y = np.eye(8)[labels] + 0.15 * rng.normal(size=(100, 8))
    y = (y / np.linalg.norm(y, axis=1, keepdims=True)).astype(np.float32)
    centroids = np.stack([y[labels == n].mean(axis=0) for n in range(4)]).astype(np.float32)
    distance = np.linalg.norm(y - centroids[labels], axis=1)
    return Rows(
        y,
        np.ones(100, dtype=np.float32),
        rng.random(100) > 0.1,
        Neighbourhoods(labels, centroids, 0 if whole else LARGE + 1),
        Neighbourhoods(labels, centroids, LARGE + 1),
        distance.astype(np.float32),
        (rng.permutation(100) / 99).astype(np.float32),
        rng.permutation(100),
    )


@pytest.mark.parametrize("method", get_args(Method))
@pytest.mark.parametrize("whole", [True, False])
def test_so_many_are_kept_of_those_that_may_be(method: Method, whole: bool) -> None:
    given = rows(whole=whole)
    for keep in (1, KEEP, 80):
        found = given.chosen(method, keep)
        assert len(found) == len(set(found.tolist())) == keep
        assert given.allowed[found].all() and (np.diff(found) > 0).all() if keep > 1 else True


def test_balanced_takes_as_many_of_each_and_the_rest_of_the_large() -> None:
    given = rows()
    given.allowed[:] = True
    labels = given.parts.labels
    assert np.bincount(labels[given.chosen("balanced", KEEP)]).tolist() == [3, 3, 3, 3]
    assert np.bincount(labels[given.chosen("balanced", 40)]).tolist() == [15, 15, 6, 4]
    assert np.bincount(labels[given.chosen("prototypes", 20)]).tolist() == [12, 6, 1, 1]


def test_prototypes_go_and_the_farthest_from_the_middle_stay() -> None:
    given = rows()
    found = given.chosen("prototypes", 20)
    for cluster in (0, 1):
        of = given.of(cluster)
        kept = np.isin(of, found)
        assert given.distance[of][kept].min() > given.distance[of][~kept].max()


def test_semdedup_drops_copies_before_anything_else() -> None:
    given = rows()
    given.allowed[:] = True
    given.y[10:20] = given.y[0:10]
    gone = set(given.of(0).tolist()) - set(given.chosen("semdedup", 90).tolist())
    assert len(gone) == 6 and all(n < 20 and not {n - 10, n + 10} & gone for n in gone)


def test_facility_location_is_greedy_and_beats_chance() -> None:
    given = rows()
    of = given.of(0)
    like = np.maximum(given.y[of] @ given.y[of].T, 0)

    def worth(some: Any) -> float:
        return float(like[:, some].max(axis=1).sum())

    share = [n for n in given.chosen("facility_location", 20).tolist() if n in set(of.tolist())]
    mine = [of.tolist().index(n) for n in share]
    rng = np.random.default_rng(1)
    chance = [worth(rng.choice(len(of), len(mine), replace=False)) for _ in range(200)]
    assert worth(mine) > max(chance)
    best = max(range(len(of)), key=lambda n: worth([n]))
    assert best in mine


def test_deita_takes_the_best_that_lie_apart() -> None:
    given = rows()
    given.allowed[:] = True
    given.y[1] = given.y[0]
    given.quality[:2] = (1.0, 0.999)
    found = given.chosen("deita", KEEP)
    assert 0 in found and 1 not in found
    like = given.y[found] @ given.y[found].T - 9 * np.eye(KEEP)
    assert like.max() < 1 - methods.APART
    better = np.flatnonzero(given.quality > given.quality[found].min())
    for row in set(better.tolist()) - set(found.tolist()):
        ahead = found[given.quality[found] > given.quality[row]]
        assert (given.y[ahead] @ given.y[row]).max() >= 1 - methods.APART
    # Where not so many lie apart, the best of the others fill up.
    given.y[:] = given.y[0]
    assert set(given.chosen("deita", 5).tolist()) == set(np.argsort(-given.quality)[:5].tolist())


def test_quality_weighs_distances() -> None:
    given = rows()
    assert given.quality[given.chosen("quality", KEEP)].mean() > 0.6
    even = rows()
    even.quality[:] = 0.5
    assert even.chosen("quality", KEEP).tolist() == even.chosen("spread", KEEP).tolist()


def test_what_goes_by_quality_needs_its_column_and_reads_it() -> None:
    records = [
        {"id": f"{n:02}", "vector": [1.0, float(n % 3), float(n)], "score": float(n == 7)}
        for n in range(20)
    ]
    stage = KMeansSelect(keep=1, method="deita", quality="score", noise=0.0)
    assert stage.needs() == (("vector",), ("score",)) and KMeansSelect().needs() == (("vector",),)
    assert [row["id"] for row in stage(records, [])] == ["07"]
