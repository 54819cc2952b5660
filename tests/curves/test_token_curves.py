"""Token curves: what they are coloured by, how they become points, and the files they come from."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from stages.charts.live import projection
from stages.charts.live.projection import projected
from stages.curves.page import classes, founding
from stages.curves.page.clusters import clusters
from stages.curves.page.features import features_of, weights_of
from stages.curves.page.pickled import lists_of_strings
from stages.curves.page.tokens import Texts, TokenCurves, shortened
from stages.errors import UsageError

Array = np.ndarray[Any, Any]


def curves_of(records: list[list[str]], losses: Array | None = None) -> TokenCurves:
    """Every token of the records but the first of each; losses fall where none are given."""
    texts, at = Texts(), []
    for pieces in records:
        begin = texts.add(pieces)
        at += range(begin + 1, begin + len(pieces))
    ids, begins, known = texts.made()
    steps = np.array([0, 1, 2, 4])
    if losses is None:
        losses = np.tile(np.array([4, 3, 2, 1], dtype=np.float32), (len(at), 1))
    names = [f"r{number}" for number in range(len(records))]
    return TokenCurves(steps, losses, ids, begins, np.array(at), known, names, ["a"] * len(records))


@pytest.mark.parametrize(
    ("text", "before", "wanted"),
    [
        (" cat", "The", "word"), ("ing", " go", "inside"), ("The", "\n", "inside"),
        ("\n", ".", "newline"), ("  \n", ".", "newline"), ("   ", ".", "space"),
        ("\t", ".", "space"), (" 12", "of", "number"), ("3.5", "of", "number"),
        (",", "a", "punctuation"), (' "', "a", "punctuation"), ("s", "'", "apostrophe s"),
        ("s", " it’", "apostrophe s"), ("'s", " it", "apostrophe s"), ("s", " it", "inside"),
        ("B2", " a", "mixed"), ("don't", " I", "mixed"), ("<|im_end|>", ".", "control"),
        ("</s>", ".", "control"), ("[INST]", ".", "control"), ("\ufffd", "a", "part"),
        ("", "a", "part"), ("犬", "は", "inside"), (" कि", "", "word"), ("١٢", " ", "number"),
        ("<b", "a", "mixed"),
    ],
)  # fmt: skip
def test_the_class_of_a_token(text: str, before: str, wanted: str) -> None:
    assert classes.class_of(text, before) == wanted
    assert wanted in classes.CLASSES


def test_a_pair_is_repeated_where_it_stood_before_in_the_same_record() -> None:
    # Pairs at the border of two records are none; a token alone is no pair.
    curves = curves_of(
        [[" a", " b", " c", " a", " b"], [" c", " a", " b", " c"], [" x", " a", " b", " a"]]
    )
    found = classes.repeats(curves)
    told = [found.names[value] for value in found.values]
    assert [at for at, name in enumerate(told) if name == "repeated"] == [3]


@pytest.mark.parametrize(
    ("losses", "wanted"),
    [
        ([5, 4, 3, 2, 1, 1], "falls"), ([2, 2, 2.1, 2, 1.9, 2], "flat"),
        ([1, 1, 2, 3, 4, 4], "rises"), ([4, 3, 1, 1, 3, 4], "U-shaped"),
        ([2, 3, 4, 4, 3, 2], "hump"), ([4, 4, 4, 0, 4, 4], "flat"),
        ([5, np.nan, 4, np.inf, 1, 1], "falls"), ([np.nan] * 6, "flat"),
        ([5, 1, 1, 1, 4, 4], "U-shaped"),
    ],
)  # fmt: skip
def test_the_shape_of_a_curve(losses: list[float], wanted: str) -> None:
    rows = np.array([losses], dtype=np.float32)
    curves = curves_of([["a", "b"]], rows)
    found = classes.shapes(curves)
    assert found.names[found.values[0]] == wanted


def test_names_of_records_are_a_colouring_by_how_many_tokens_have_them() -> None:
    curves = curves_of([["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d"]])
    found = classes.sources(curves, "source", ["x", "y", "x"])
    assert found is not None
    assert found.names == ["x", "y"]
    assert found.values.tolist() == [0, 1, 1, 0, 0, 0]
    assert classes.sources(curves, "source", ["x", "x", "x"]) is None


def test_more_names_than_a_byte_counts_are_gathered_and_said() -> None:
    count = 300
    curves = curves_of([["a", "b"]] * count)
    found = classes.sources(curves, "source", [f"s{number}" for number in range(count)])
    assert found is not None
    assert found.names[-1] == "50 others"
    assert (found.values == 250).sum() == 50


# --- points -------------------------------------------------------------------------------------


def test_steps_weigh_by_their_share_of_the_logarithmic_axis() -> None:
    weights = weights_of(np.array([0, 1, 2, 4, 8]))
    half = np.log(2) / 2
    assert weights == pytest.approx([0, half, 2 * half, 2 * half, half])
    assert weights.sum() == pytest.approx(np.log(8))
    assert weights_of(np.array([7])).tolist() == [1.0]


def test_a_loss_that_is_no_number_is_the_mean_of_its_step_to_the_projection() -> None:
    losses = np.array([[1, 2, np.nan], [3, np.inf, 5], [5, 4, 7]], dtype=np.float32)
    features = features_of(np.array([1, 2, 4]), losses)
    scale = np.sqrt(weights_of(np.array([1, 2, 4])))
    assert features[0, 2] == pytest.approx(6 * scale[2])
    assert features[1, 1] == pytest.approx(3 * scale[1])


def kinds_of_curves(count: int) -> tuple[Array, Array]:
    """(steps, losses) of curves that fall early and of as many that fall late."""
    random = np.random.default_rng(5)
    steps = np.array([0, 1, 2, 4, 8, 16, 32, 64])
    late = np.repeat([1.0, 4.0], count)[:, None]
    losses = 4 / (1 + np.exp(2 * (np.log1p(steps) - late)))
    return steps, (losses + random.normal(0, 0.1, losses.shape)).astype(np.float32)


def test_curves_of_two_kinds_lie_apart_and_the_same_curves_lie_the_same() -> None:
    steps, losses = kinds_of_curves(100)
    points, told = projected(features_of(steps, losses), "pca")
    assert "principal components" in told
    assert points.shape == (200, 2) and points.dtype == np.float32
    assert abs(points[:100, 0].mean() - points[100:, 0].mean()) > 5 * points[:100, 0].std()
    again, _ = projected(features_of(steps, losses), "pca")
    assert (again == points).all()


class _Umap:
    """Stands in for umap-learn, whose first call takes half a minute to compile: the first two
    features are the points. `make bench-explorer ARGS="--projection umap"` has the real one."""

    given: ClassVar[list[dict[str, Any]]] = []

    def __init__(self, **given: Any) -> None:
        self.given.append(given)

    def fit_transform(self, features: Array) -> Array:
        return features[:, -2:]


def test_umap_has_a_seed_and_places_what_it_did_not_see_among_its_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=_Umap, __spec__=True))
    monkeypatch.setattr(projection, "FITTED", 50)
    steps, losses = kinds_of_curves(100)
    features = features_of(steps, losses)
    points, told = projected(features, "umap")
    assert _Umap.given[-1] == {
        "random_state": 0, "n_jobs": 1, "init": "pca", "n_neighbors": 15, "min_dist": 0.1,
    }  # fmt: skip
    assert told.startswith("UMAP") and "of 50 curves" in told
    same = (points == features[:, -2:]).all(axis=1)
    assert same.sum() == 50  # those that were fitted have their own places
    assert np.abs(points - features[:, -2:]).max() < 1.5 * features[:, -2:].std()
    again, _ = projected(features, "umap")
    assert (again == points).all()


def test_umap_for_a_handful_of_curves_is_refused_by_name_and_not_by_default() -> None:
    features = np.eye(6, dtype=np.float32)
    with pytest.raises(UsageError, match="needs at least 20 curves"):
        projected(features, "umap")
    assert "principal" in projected(features)[1]


def test_groups_are_the_kinds_that_are_there_the_largest_first() -> None:
    pytest.importorskip("torch")
    steps, losses = kinds_of_curves(40)
    found = clusters(features_of(steps, losses[:60]))  # 40 of one kind and 20 of the other
    assert found is not None
    sizes = np.bincount(found.values)
    assert sizes.sum() == 60 and (np.diff(sizes) <= 0).all()
    assert not set(found.values[:40]) & set(found.values[40:])
    assert clusters(features_of(steps, losses[:30])) is None


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_of_lists_of_strings_is_read_in_every_protocol(
    protocol: int, tmp_path: Path
) -> None:
    # Long, empty, equal, of several scripts, with half a character; more than a batch of 1,000.
    lists = [[" the", "", "ä\n\\x", "犬", "\ud83d", "x" * 300], [], [str(n) for n in range(2500)]]
    path = tmp_path / "tokens.pkl"
    path.write_bytes(pickle.dumps(lists, protocol=protocol))
    assert lists_of_strings(path) == lists


class _Runs:
    def __reduce__(self) -> tuple[Any, tuple[str, ...]]:
        return (print, ("it ran",))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([[_Runs()]], "which is not done, because a pickle can run code"),
        ([["a", 1]], "asks for BININT1"),
        ([("a", "b")], "asks for TUPLE2"),
        ([{"a": "b"}], "asks for EMPTY_DICT"),
        ([[b"a"]], "asks for SHORT_BINBYTES"),
        ([["a", None]], "asks for NONE"),
        ("text", "holds a single string"),
        (["text"], "entry 0 is a string"),
        ([["a"], [["b"]]], "entry 1 holds a list"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_of_anything_else_is_refused_and_nothing_runs(
    value: object, words: str, protocol: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tokens.pkl"
    content = pickle.dumps(value, protocol=4 if "BYTES" in words else protocol)
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words) as told:
        lists_of_strings(path)
    assert str(path) in str(told.value)
    assert capsys.readouterr().out == ""


def test_a_damaged_pickle_is_a_sentence_wherever_it_is_cut_or_changed(tmp_path: Path) -> None:
    path = tmp_path / "tokens.pkl"
    whole = pickle.dumps([[" the", "cat", " the"], ["x", "y"]], protocol=4)
    random = np.random.default_rng(1)
    for cut in range(len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(UsageError):
            lists_of_strings(path)
    for _ in range(300):
        changed = bytearray(whole)
        changed[random.integers(len(whole))] = random.integers(256)
        path.write_bytes(bytes(changed))
        try:
            found = lists_of_strings(path)
        except UsageError as told:
            assert str(path) in str(told)
        else:
            assert all(isinstance(text, str) for one in found for text in one)


def founding_folder(folder: Path, count: int = 40, steps: int = 154) -> Path:
    """Files of the founding form, drawn around a curve that falls."""
    random = np.random.default_rng(2)
    folder.mkdir(exist_ok=True)
    mean = 2.5 + 7 / (1 + np.arange(steps) / 20)
    depth = random.gamma(4, 0.25, count)[:, None]
    np.save(folder / "curves.npy", (mean * depth + random.normal(0, 0.1, (count, steps))))
    contexts = [[f" w{n % 7}" for n in range(at, at + 3 + at % 5)] for at in range(count)]
    (folder / "tokens.pkl").write_bytes(pickle.dumps(contexts))
    return folder


def test_a_folder_of_the_founding_form_is_read(tmp_path: Path) -> None:
    folder = founding_folder(tmp_path / "projection5")
    np.save(folder / "projection.npy", np.random.default_rng(0).normal(size=(40, 2)))
    np.save(folder / "pythia-410m-mean-curve.npy", np.linspace(10, 2, 154, dtype=np.float32))
    assert founding.is_founding(folder)
    found = founding.read(folder)
    curves = found.curves
    assert curves is not None and len(curves) == 40
    assert curves.steps[[0, 1, 10, 11, -1]].tolist() == [0, 1, 512, 1000, 143000]
    assert curves.losses == pytest.approx(np.load(folder / "curves.npy"), rel=1e-6)
    # The token of a curve is the last of its context.
    assert [curves.texts[curves.ids[at]] for at in curves.at[:3]] == [" w2", " w4", " w6"]
    assert curves.points is not None and curves.points.shape == (40, 2)
    ((name, steps, losses),) = found.means
    assert name == "pythia-410m" and len(steps) == len(losses) == 154


def test_mean_curves_alone_are_learning_curves(tmp_path: Path) -> None:
    for name in ("pythia-70m", "pythia-160m-seed1"):
        np.save(tmp_path / f"{name}-mean-curve.npy", np.linspace(10, 2, 154))
    found = founding.read(tmp_path)
    assert found.curves is None
    assert [name for name, _, _ in found.means] == ["pythia-160m-seed1", "pythia-70m"]


def test_one_of_several_models_is_chosen(tmp_path: Path) -> None:
    folder = founding_folder(tmp_path)
    one = np.load(folder / "curves.npy")
    np.save(folder / "curves.npy", np.stack([one, one + 1, one + 2]))
    last, first = founding.read(folder).curves, founding.read(folder, 0).curves
    assert last is not None and first is not None
    assert last.losses - first.losses == pytest.approx(2, abs=1e-5)
    assert last.notes == ["model 2 of the 3 in curves.npy"]
    with pytest.raises(UsageError, match="models 0 to 2, and no 3"):
        founding.read(folder, 3)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("curves.npy", np.zeros((39, 154)), "39 curves and tokens.pkl 40 contexts"),
        ("curves.npy", np.zeros(40), r"the shape \(40,\), and 2 or 3 axes are needed"),
        ("curves.npy", np.array([["a"]]), "holds no real numbers"),
        ("projection.npy", np.zeros((40, 3)), r"\(40, 2\) is needed"),
        ("steps.npy", np.arange(153), "154 rising steps"),
        ("steps.npy", np.zeros(154), "154 rising steps"),
        ("steps.npy", np.arange(154) / 5, "154 rising steps"),
        ("steps.npy", np.append(np.arange(153), np.inf), "154 rising steps"),
    ],
)
def test_what_does_not_fit_is_named(name: str, content: Array, words: str, tmp_path: Path) -> None:
    folder = founding_folder(tmp_path)
    np.save(folder / name, content)
    with pytest.raises(UsageError, match=words):
        founding.read(folder)


def test_an_array_of_objects_is_never_unpickled(tmp_path: Path) -> None:
    folder = founding_folder(tmp_path)
    np.save(folder / "curves.npy", np.array([[_Runs()]], dtype=object), allow_pickle=True)
    with pytest.raises(UsageError, match=r"curves\.npy is no \.npy file of numbers"):
        founding.read(folder)


def test_other_counts_of_checkpoints_have_their_own_steps_or_numbers(tmp_path: Path) -> None:
    folder = founding_folder(tmp_path, steps=5)
    plain = founding.read(folder).curves
    assert plain is not None and plain.axis == "checkpoint"
    assert plain.steps.tolist() == [0, 1, 2, 3, 4]
    np.save(folder / "steps.npy", np.array([0, 10, 20, 40, 80]))
    told = founding.read(folder).curves
    assert told is not None and told.axis == "step"
    assert told.steps.tolist() == [0, 10, 20, 40, 80]


def test_long_contexts_keep_as_many_tokens_as_fit_together() -> None:
    contexts = [["a"] * 100, ["b"] * 10, ["c"] * 40]
    assert shortened(contexts, 3, 150) == 0
    assert shortened(contexts, 3, 149) == 99
    assert shortened(contexts, 3, 60) == 25  # 25 + 10 + 25
    assert shortened(contexts, 3, 1) == 1
