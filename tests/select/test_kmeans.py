"""KMeansSelect: clusters that are there, a choice that covers, the same whatever the cut."""

from __future__ import annotations

import importlib.metadata
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks import alone
from stages import check
from stages.base import State, VisibleState
from stages.errors import UsageError
from stages.records import schema_with, to_table
from stages.select import coverage, kmeans, libraries
from stages.select.embed import as_column
from stages.select.libraries import Library
from stages.select.select import KMeansSelect, _ranked
from stages.verdicts import Batch
from tests.cases.select import clusters


def blobs(count: int, centres: int, width: int = 16, seed: int = 0) -> npt.NDArray[np.float32]:
    """Unit vectors around `centres` directions, the blob of row n being n % centres."""
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=(centres, width))
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    x = middle[np.arange(count) % centres] + 0.06 * rng.normal(size=(count, width))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x.astype(np.float16).astype(np.float32)


def table_of(x: npt.NDArray[np.float32], names: list[str] | None = None) -> pa.Table:
    names = names or [f"{row:05}" for row in range(len(x))]
    table = to_table([{"id": n, "source": "s", "place": "", "text": n} for n in names])
    return table.append_column("vector", as_column(x, np.zeros(len(x), dtype=bool)))


def fitted(stage: KMeansSelect, tables: list[pa.Table]) -> list[pa.Table]:
    state = stage.merge(
        [stage.observe(Batch(t), VisibleState(0, {}, {}, None)) for t in tables], State()
    )
    assert state.done and state.local is not None and not state.tables
    return state.local


def inertia(x: npt.NDArray[np.float32], centroids: npt.NDArray[np.float32]) -> float:
    return float((kmeans.assigned(x, centroids)[1].astype(float) ** 2).sum())


def test_k_means_finds_the_blobs_and_is_as_good_as_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.cluster")
    x = blobs(3000, 12)
    labels, _ = kmeans.assigned(x, alone.kmeans(x, 12, seed=3))
    for blob in range(12):
        assert len(set(labels[blob::12].tolist())) == 1
    assert len(set(labels.tolist())) == 12
    theirs = sklearn.KMeans(40, n_init=1, random_state=0).fit(x).inertia_
    assert inertia(x, alone.kmeans(x, 40)) < theirs * 1.05


def test_a_small_sample_and_small_products_still_settle(monkeypatch: Any) -> None:
    x = blobs(6000, 60)
    best = inertia(x, alone.kmeans(x, 60))
    monkeypatch.setattr(kmeans, "LEAST", 500)
    monkeypatch.setattr(kmeans, "SAMPLE", 5)
    monkeypatch.setattr(kmeans, "CHUNK", 1000)
    assert inertia(x, alone.kmeans(x, 60)) < best * 1.2


def test_k_means_on_few_and_equal_rows() -> None:
    x = np.repeat(blobs(3, 3), 5, axis=0)
    found = alone.kmeans(x, 7)
    assert found.shape == (7, 16) and np.isfinite(found).all()
    assert inertia(x, found) == pytest.approx(0, abs=1e-4)
    assert alone.kmeans(x[:2], 7).shape == (2, 16)


def test_how_rows_are_cut_and_how_many_threads_there_are_change_nothing() -> None:
    torch = pytest.importorskip("torch")
    table = table_of(blobs(900, 9))
    stage = KMeansSelect(k=9, keep=100, seed=5)
    (whole,) = fitted(stage, [table])
    cut = fitted(stage, [table.slice(0, 1), table.slice(1, 0), table.slice(1, 500), table[501:]])
    assert [t.num_rows for t in cut] == [1, 0, 500, 399]
    assert pa.concat_tables(cut).equals(whole)
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if threads > 1 else 2)
    try:
        assert fitted(stage, [table])[0].equals(whole)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("large", [1 << 28, 1])
def test_spread_takes_from_every_cluster_however_small(large: int, monkeypatch: Any) -> None:
    """Blobs of 300, 100, 30, 10 … rows: random rows would miss the small ones."""
    monkeypatch.setattr(coverage, "LARGE", large)
    sizes = [300, 200, 100, 60, 40, 20, 10, 8]
    pool = blobs(sum(sizes) * 8, 8)
    x = np.concatenate([pool[blob::8][:size] for blob, size in enumerate(sizes)])
    blob = np.repeat(np.arange(8), sizes)
    (found,) = fitted(KMeansSelect(k=8, keep=40, noise=0.0), [table_of(x)])
    kept = found["fate"].to_numpy() == 0
    assert kept.sum() == 40
    assert set(blob[kept].tolist()) == set(range(8))
    # Fewer than there are clusters: one each of so many.
    (found,) = fitted(KMeansSelect(k=8, keep=5, noise=0.0), [table_of(x)])
    kept = found["fate"].to_numpy() == 0
    assert kept.sum() == 5 and len(set(blob[kept].tolist())) == 5


def test_evidence_names_the_nearest_that_was_kept_and_the_lonely_are_noise() -> None:
    rejects: list[dict[str, Any]] = []
    kept = KMeansSelect(k=4, keep=12, noise=0.02)(clusters(), rejects)
    staying = {row["id"] for row in kept}
    assert len(staying) == 13 and "none" in staying  # the one without a vector passes
    assert all("vector" not in row for row in kept)
    assert {row["cluster"] for row in kept if row["id"] != "none"} <= set(range(4))
    for row in rejects:
        evidence = json.loads(row["evidence"])
        if row["reason"] == "noise":
            assert row["id"] == "007" and evidence["score"] < evidence["limit"]
        else:
            assert evidence["nearest"] in staying and -1 <= evidence["score"] <= 1.001
            assert evidence["distance"] >= 0 and 0 <= evidence["cluster"] < 4


def test_noise_never_costs_a_record_that_would_have_been_kept() -> None:
    (found,) = fitted(KMeansSelect(k=3, keep=58, noise=0.5), [table_of(blobs(60, 3))])
    assert sorted(found["fate"].to_pylist()) == [0] * 58 + [1] * 2
    (found,) = fitted(KMeansSelect(k=3, keep=60, noise=None), [table_of(blobs(60, 3))])
    assert found["fate"].to_pylist() == [0] * 60


def test_random_follows_the_seed_and_the_id_and_not_the_order() -> None:
    table = table_of(blobs(200, 4))
    chosen = {}
    for seed in (0, 1):
        stage = KMeansSelect(k=4, keep=50, method="random", seed=seed)
        (found,) = fitted(stage, [table])
        (turned,) = fitted(stage, [table.take(list(range(199, -1, -1)))])
        kept = [i for i, fate in zip(*columns(found), strict=True) if fate == 0]
        assert kept == [i for i, fate in zip(*columns(turned), strict=True) if fate == 0][::-1]
        assert sorted(set(found["fate"].to_pylist())) == [0, 2]  # no noise is left out
        chosen[seed] = kept
    assert len(chosen[0]) == 50 and chosen[0] != chosen[1]


def columns(found: pa.Table) -> tuple[list[Any], list[Any]]:
    return found["id"].to_pylist(), found["fate"].to_pylist()


def test_no_rows_and_no_vectors_pass() -> None:
    schema = schema_with({"vector": pa.list_(pa.float16(), 4)})
    empty = to_table([{"id": "a", "text": "a"}], schema)
    stage = KMeansSelect(keep=5, keep_vectors=True)
    (found,) = fitted(stage, [empty])
    split = stage.split(empty, VisibleState(1, {}, {}, found))
    assert split.counts.inapplicable == split.counts.kept == 1
    assert split.kept["cluster"].to_pylist() == [None] and "vector" in split.kept.column_names
    assert [t.num_rows for t in fitted(stage, [schema.empty_table()])] == [0]


def test_keep_and_share_contradict_each_other() -> None:
    assert KMeansSelect(keep=3, share=0.5).contradictions()
    assert not KMeansSelect(share=0.5).contradictions()
    (found,) = fitted(KMeansSelect(k=3, share=0.25), [table_of(blobs(60, 3))])
    assert found["fate"].to_pylist().count(0) == 15


def test_the_door_takes_texts() -> None:
    topics = ["sow peas in spring", "my bank card is lost", "book a flight to Rome"]
    texts = [topics[0]] * 20 + [topics[1]] * 3 + ["", topics[2]] + [topics[2]] * 2
    found = alone.select(texts, 3, seed=0)
    assert {texts[row] for row in found} == set(topics)


def test_of_two_far_rows_the_one_with_neighbours_is_taken() -> None:
    y = np.eye(4, dtype=np.float32)[[0, 0, 1, 2, 2]]
    weight = coverage.weights(np.array([1, 1, 0.1, 1, 1], dtype=np.float32))
    order, radii = coverage.farthest_first(y, weight, 3)
    assert sorted(y[order].argmax(axis=1).tolist()) == [0, 1, 2] and y[order[1]].argmax() != 1
    assert radii[1] > radii[2] > 0


# --- numbers ------------------------------------------------------------------------------------


def test_lloyd_s_rounds_are_those_of_the_book() -> None:
    torch = pytest.importorskip("torch")
    x = np.array([[0, 0], [0, 2], [4, 0], [4, 2], [10, 1], [30, 1]], dtype=np.float32)
    centroids = np.array([[0, 1], [5, 1], [100, 100]], dtype=np.float32)
    labels, distance = kmeans.assigned(x, centroids)
    wanted = np.sqrt(((x[:, None].astype(float) - centroids[None]) ** 2).sum(axis=2))
    assert labels.tolist() == wanted.argmin(axis=1).tolist() == [0, 0, 1, 1, 1, 1]
    assert distance.tolist() == pytest.approx(wanted.min(axis=1).tolist(), abs=1e-5)
    # The third has no rows and moves to the row farthest off.
    rows, start = torch.from_numpy(x), torch.from_numpy(centroids)
    moved, found = kmeans._moved(torch, rows, None, start, 1.0)
    assert moved.tolist() == [[0, 1], [12, 1], [30, 1]] and found.tolist() == labels.tolist()
    # Half as far again; a row of weight 3 counts as three.
    moved, _ = kmeans._moved(torch, rows, None, start, 1.5)
    assert moved.tolist() == [[0, 1], [15.5, 1], [30, 1]]
    weight = torch.tensor([3.0, 1, 1, 1, 3, 1])
    moved, _ = kmeans._moved(torch, rows, weight, start, 1.0)
    assert moved.flatten().tolist() == pytest.approx([0, 0.5, 68 / 6, 1, 30, 1])
    # A far centroid is not the nearest because it is short, nor a long one because it is far.
    y = np.array([[3, 0], [1, 0]], dtype=np.float32)
    labels, _ = kmeans.assigned(y, np.array([[4, 0], [0.5, 0]], dtype=np.float32))
    assert labels.tolist() == [0, 1]


def raw(count: int = 6000, width: int = 16) -> npt.NDArray[np.float32]:
    """Rows of many lengths, as vectors of texts have before they are scaled: one in fifty is long,
    and most of the inertia is theirs."""
    rng = np.random.default_rng(4)
    long = np.where(rng.random(count) < 0.02, 8, 1)[:, None]
    return (long * rng.normal(size=(count, width))).astype(np.float16).astype(np.float32)


def test_k_means_of_raw_vectors_is_as_good_as_scikit_learn(monkeypatch: Any) -> None:
    sklearn = pytest.importorskip("sklearn.cluster")
    monkeypatch.setattr(kmeans, "LEAST", 100)
    monkeypatch.setattr(kmeans, "SAMPLE", 12)  # a tenth of the rows
    x, seeds = raw(), range(3)
    theirs = [sklearn.KMeans(50, n_init=1, random_state=n).fit(x).inertia_ for n in seeds]
    assert sum(inertia(x, alone.kmeans(x, 50, n)) for n in seeds) < sum(theirs) * 1.01


def test_a_sample_holds_what_is_far_and_its_weights_stand_for_all_rows() -> None:
    x = raw()
    draws = np.random.default_rng(1).integers(0, 1 << 64, len(x), dtype=np.uint64)
    chosen, weight = kmeans._sampled(x, 1200, draws)
    assert len(set(chosen.tolist())) == 1200 and (np.diff(chosen) > 0).all()
    squares = (x.astype(float) ** 2).sum(axis=1)
    far = np.argsort(-squares)[:60]
    assert np.isin(far, chosen).mean() > 0.95
    assert weight.sum() == pytest.approx(len(x), rel=0.05)
    assert (weight * squares[chosen]).sum() == pytest.approx(squares.sum(), rel=0.1)
    assert (weight == weight.astype(np.float16)).all()
    every, ones = kmeans._sampled(x, len(x), draws)
    assert every.tolist() == list(range(len(x))) and set(ones.tolist()) == {1.0}


def test_without_k_there_is_the_root_of_half_the_records() -> None:
    (found,) = fitted(KMeansSelect(), [table_of(blobs(200, 40))])
    assert sorted(set(found["cluster"].to_pylist())) == list(range(10))


def test_few_records_are_left_without_clusters_and_that_is_said() -> None:
    table = table_of(blobs(99, 3))
    seen = VisibleState(0, {}, {}, None)
    state = KMeansSelect().merge([KMeansSelect().observe(Batch(table), seen)], State())
    assert state.told["lines"] == [
        "clusters: none, as 99 records with a vector are fewer than 100; k: 5 would make five"
    ]
    assert state.local is not None
    assert state.local[0]["cluster"].null_count == state.local[0]["distance"].null_count == 99
    (found,) = fitted(KMeansSelect(keep=30), [table])  # and chosen from all the same
    assert (found["fate"].to_numpy() == 0).sum() == 30
    stage = KMeansSelect(k=5)
    state = stage.merge([stage.observe(Batch(table), seen)], State())
    assert state.told["lines"] == ["clusters: 5 of 99 records"]
    (found,) = fitted(KMeansSelect(), [table_of(blobs(100, 3))])
    assert len(set(found["cluster"].to_pylist())) == 7


@pytest.mark.parametrize("library", ["scikit-learn", "faiss"])
def test_other_libraries_find_the_blobs_whatever_the_threads(library: Library) -> None:
    if libraries.problem_with(library):
        pytest.skip(f"{library} is not installed")
    table, stage = table_of(blobs(600, 6)), KMeansSelect(k=6, library=library, seed=1 << 40)
    (found,) = fitted(stage, [table])
    cut = fitted(stage, [table.slice(0, 100), table.slice(100)])
    assert pa.concat_tables(cut).equals(found)
    labels = found["cluster"].to_numpy()
    assert len(set(labels.tolist())) > 3
    theirs = found["distance"].to_numpy().mean()
    (ours,) = fitted(KMeansSelect(k=6), [table])
    assert ours["distance"].to_numpy().mean() <= theirs * 1.02
    assert not ours.equals(found)
    assert [path.name for path in stage.resources()] == ["METADATA"]
    assert KMeansSelect().resources() == ()


def test_a_library_that_is_not_there_is_refused_with_what_installs_it(monkeypatch: Any) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(libraries.importlib.metadata, "distribution", missing)
    with pytest.raises(UsageError, match=r"faiss is not installed: pip install faiss-cpu"):
        check.made(KMeansSelect, {"library": "faiss"})
    check.made(KMeansSelect, {"k": "auto"})
    with pytest.raises(UsageError, match=r"select.k must be integer or auto, not 'many'"):
        check.made(KMeansSelect, {"k": "many"})


def test_the_control_keeps_as_many_by_chance() -> None:
    table = table_of(blobs(300, 9))
    for stage in (KMeansSelect(keep=50), KMeansSelect(share=0.3, method="deita", noise=0.1)):
        control = stage.control()
        assert isinstance(control, KMeansSelect) and control.method == "random"
        if stage.method == "deita":
            table = table.append_column("quality", pa.array(np.arange(300.0)))
        (ours,), (theirs,) = fitted(stage, [table]), fitted(control, [table])
        kept = [one.filter(pc.equal(one["fate"], 0))["id"].to_pylist() for one in (ours, theirs)]
        assert len(kept[0]) == len(kept[1]) > 40 and kept[0] != kept[1]
        assert theirs["cluster"].equals(ours["cluster"])
    assert KMeansSelect().control() is None and KMeansSelect(noise=0.1).control() is None


def test_loneliness_is_the_mean_cosine_with_three_neighbours() -> None:
    y = blobs(40, 4)
    likeness, relative = coverage.likeness(y, _all_with_all(y))
    rows = coverage.loneliest(likeness, 3)
    products = np.sort(y @ y.T - 9 * np.eye(len(y)), axis=1)[:, -3:]
    assert likeness.tolist() == pytest.approx(products.mean(axis=1).tolist(), abs=1e-5)
    assert rows.tolist() == np.argsort(likeness, kind="stable")[:3].tolist()
    nearest = np.argsort(y @ y.T - 9 * np.eye(len(y)), axis=1)[:, -3:]
    wanted = products.mean(axis=1) / likeness[nearest].mean(axis=1)
    assert relative.tolist() == pytest.approx(wanted.tolist(), abs=1e-5) and relative.min() < 1


def test_a_small_topic_counts_in_full_and_what_lies_between_topics_does_not() -> None:
    rng = np.random.default_rng(5)
    wide = np.eye(16)[0] + 0.2 * rng.normal(size=(4, 16))  # few, and not very like each other
    dense = np.eye(16)[1] + 0.02 * rng.normal(size=(40, 16))
    between = np.eye(16)[1:2] + 0.5 * np.eye(16)[5]
    y = np.concatenate([wide, dense, between])
    y = (y / np.linalg.norm(y, axis=1, keepdims=True)).astype(np.float32)
    own, relative = coverage.likeness(y, _all_with_all(y))
    assert relative[:4].mean() > 0.95 > relative[-1]
    assert own[:4].max() < own[-1] < own[4:-1].min()


def _all_with_all(y: npt.NDArray[np.float32]) -> coverage.Neighbourhoods:
    labels = np.zeros(len(y), dtype=np.int64)
    return coverage.Neighbourhoods(labels, y[:1], len(y) ** 2)


def test_the_farthest_is_taken_from_the_middle_on() -> None:
    angles = np.radians([0, 10, 20, 30, 90, 85, -60])
    y = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    order, radii = coverage.farthest_first(y, np.ones(len(y), dtype=np.float32), 4)
    # 30 degrees lie nearest to the mean, -60 farthest from there, then 90 and 0 from all taken.
    assert order.tolist() == [3, 6, 4, 0]
    wanted = [1 - np.cos(np.radians(gap)) for gap in (90, 60, 30)]
    assert radii[1:].tolist() == pytest.approx(wanted, abs=1e-5) and np.isinf(radii[0])


def test_scores_are_cosines_without_the_mean_of_all() -> None:
    """Vectors that share a large part, which says nothing of how alike they are."""
    rng = np.random.default_rng(3)
    x = np.concatenate([blobs(60, 6), -blobs(60, 6)[:6]]) + 3 * rng.normal(size=16)
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    (found,) = fitted(KMeansSelect(k=6, keep=12, noise=0.05), [table_of(x)])
    y = x.astype(float) - x.mean(axis=0, dtype=float)
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    fate, score = found["fate"].to_numpy(), found["score"].to_pylist()
    ids = found["id"].to_pylist()
    lonely = np.sort(y @ y.T - 9 * np.eye(len(y)), axis=1)[:, -3:].mean(axis=1)
    assert [int((fate == one).sum()) for one in (0, 1, 2)] == [12, 3, 51]
    assert np.flatnonzero(fate == 1).tolist() == sorted(np.argsort(lonely)[:3].tolist())
    kept = np.flatnonzero(fate == 0)
    for row in range(len(x)):
        if fate[row] == 1:
            assert score[row] == pytest.approx(lonely[row], abs=1e-3)
            assert found["limit"][row].as_py() == pytest.approx(np.sort(lonely)[3], abs=1e-3)
        elif fate[row] == 2:
            products = y[kept] @ y[row]
            assert score[row] == pytest.approx(products.max(), abs=1e-3)
            assert found["nearest"][row].as_py() == ids[kept[products.argmax()]]


def test_lonely_records_count_less() -> None:
    """Of many directions with one record and few with three, those with three are all kept."""
    rng = np.random.default_rng(1)
    alone, some = np.eye(24)[:12], np.repeat(np.eye(24)[12:], 4, axis=0)
    x = np.concatenate([alone, some + 0.05 * rng.normal(size=some.shape)])
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    (found,) = fitted(KMeansSelect(k=4, keep=13, noise=0.0), [table_of(x)])
    kept = np.flatnonzero(found["fate"].to_numpy() == 0)
    assert {(row - 12) // 4 for row in kept if row >= 12} == set(range(12))


def test_the_opposite_of_a_record_is_not_the_nearest_to_it() -> None:
    y = np.array([[1, 0], [-1, 0], [0.6, 0.8]], dtype=np.float32)
    nearest, score = coverage.nearest_kept(y, np.array([False, True, True]), _all_with_all(y))
    assert nearest.tolist() == [2, 1, 2] and score.tolist() == pytest.approx([0.6, 1, 1])


def test_the_seeding_finds_every_blob() -> None:
    torch = pytest.importorskip("torch")
    x = blobs(600, 12)
    for seed in range(5):
        seeded = kmeans._seeded(torch, torch.from_numpy(x), torch.ones(len(x)), 12, seed)
        places = [int(np.flatnonzero((x == row).all(axis=1))[0]) for row in seeded.numpy()]
        assert {place % 12 for place in places} == set(range(12))


def test_a_small_share_of_few_records_keeps_one() -> None:
    (found,) = fitted(KMeansSelect(k=3, share=0.001), [table_of(blobs(60, 3))])
    assert found["fate"].to_pylist().count(0) == 1


def test_what_has_no_quality_is_the_worst() -> None:
    values = pa.chunked_array([[0.5, None, float("nan"), -2.0]])
    assert _ranked(values).tolist() == [1.0, 0.0, 0.0, 0.5]
