"""`seedbed curves`: what it reads, what it says, what it writes and what it never replaces."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.cli import command
from stages.charts.live.packed import Part
from tests.curves.making_recorded import recorded
from tests.curves.test_live_page import unpacked

Captured = pytest.CaptureFixture[str]


def parts_of(page: Path) -> dict[str, object]:
    """The values that a page carries, by name."""
    found = re.findall(
        r'data-packed="([^"]+)" data-type="(\w+)">([^<]*)<', page.read_text(encoding="utf-8")
    )
    return {name: unpacked(Part(name, kind, text)) for name, kind, text in found}


def log_in(path: Path, lines: int = 60, rise: bool = False) -> Path:
    """A trainer_state.json whose validation may rise."""
    steps = range(10, 10 * lines + 1, 10)
    rows: list[dict[str, float]] = [
        {"step": step, "epoch": step / 200, "loss": 2 + 1 / step} for step in steps
    ]
    for number, step in enumerate(range(60, 10 * lines + 1, 60)):
        value = 2.0 - 0.1 * number if number < 4 or not rise else 1.3 + 0.2 * number
        rows.append({"step": step, "epoch": step / 200, "eval_loss": value})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"log_history": rows}))
    return path


def test_a_run_has_its_page_beside_its_report(tmp_path: Path, capsys: Captured) -> None:
    run = tmp_path / "run"
    recorded(run / "adapter")
    (run / "run.json").write_text("{}")
    assert command(["curves", str(run), "--projection", "pca"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^finding +\w", out, re.M)
    assert re.search(rf"^page +{re.escape(str(run))}/curves.html$", out, re.M)
    parts = parts_of(run / "curves.html")
    curves = np.load(run / "adapter" / "recorded" / "probe.npy")
    about = parts["tokens"]
    assert isinstance(about, dict) and about["count"] == curves.shape[1]
    assert about["steps"] == [0, 1, 2, 4, 8, 16, 24, 32, 40]
    titles = [one["title"] for one in about["colourings"]]
    assert {"token class", "source", "side", "cluster of records", "repeated pair"} <= {*titles}
    histories = parts["histories"]
    assert isinstance(histories, list)
    assert [one["worst"] for one in histories] == [1, 2, 3, 4, 5, *[None] * 7]
    assert histories[0]["steps"] == [0, 20, 40]  # of validation: its evaluations
    # Again: the page is ours and is replaced, and the same input gives the same bytes.
    before = (run / "curves.html").read_bytes()
    assert command(["curves", str(run), "--projection", "pca"]) == 0
    assert (run / "curves.html").read_bytes() == before


@pytest.mark.parametrize("name", ["recorded.json", "probe.npy", "groups.arrow", "records.arrow"])
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00 nothing", b'{"format": 2}'])
def test_a_damaged_record_is_one_sentence(
    name: str, content: bytes, tmp_path: Path, capsys: Captured
) -> None:
    folder = recorded(tmp_path / "adapter")
    (folder / "recorded" / name).write_bytes(content)
    assert command(["curves", str(folder), "-o", str(tmp_path / "page.html")]) == 2
    err = capsys.readouterr().err
    assert str(folder / "recorded") in err and len(err.splitlines()) == 1
    assert not (tmp_path / "page.html").exists()


def test_a_curve_that_a_kill_cut_is_shown_as_far_as_it_goes(
    tmp_path: Path, capsys: Captured
) -> None:
    folder = recorded(tmp_path / "adapter")
    curve, page = folder / "curve.jsonl", tmp_path / "page.html"
    curve.write_bytes(curve.read_bytes()[:-30])
    words = ["curves", str(folder), "-o", str(page), "--projection", "pca"]
    assert command(words) == 0, capsys.readouterr().err
    runs = parts_of(page)["runs"]
    assert isinstance(runs, dict)
    (line,) = [one for one in runs["runs"][0]["lines"] if one["side"] == "train"
               and one["figure"] == "loss" and not one["by"]]  # fmt: skip
    assert line["axes"]["step"] == list(range(1, 41))


@pytest.mark.extras
def test_what_training_records_is_what_the_page_shows(tmp_path: Path, capsys: Captured) -> None:
    pytest.importorskip("peft")
    from tests.cases.train import tiny, train
    from tests.train.test_recorded import labelled, with_tokenizer

    with_tokenizer(tmp_path)
    stage = tiny(tmp_path, epochs=2, batch=3, probe_tokens=60, base_losses="all")
    out = train(stage, labelled(tmp_path / "c"), tmp_path)
    page = tmp_path / "page.html"
    assert command(["curves", str(out), "-o", str(page), "--projection", "pca"]) == 0
    parts = parts_of(page)
    about, runs, histories = parts["tokens"], parts["runs"], parts["histories"]
    assert isinstance(about, dict) and isinstance(runs, dict) and isinstance(histories, list)
    losses = np.load(out / "recorded" / "probe.npy")
    assert about["count"] == losses.shape[1] and len(about["steps"]) == losses.shape[0]
    assert about["mean"] == pytest.approx(losses.astype(float).mean(axis=1), abs=1e-4)
    (run,) = runs["runs"]
    drawn = {(line["figure"], line["side"]) for line in run["lines"] if not line["by"]}
    assert {("loss", side) for side in ("train", "val", "retention", "probe_val")} <= drawn
    assert {("accuracy", "val"), ("bits_per_byte", "val"), ("excess", "train")} <= drawn
    assert {line["by"] for line in run["lines"]} >= {"source", "cluster"}
    assert all(line["axes"].keys() >= {"step", "epoch"} for line in run["lines"])
    assert sum(one["worst"] is not None for one in histories) == 16  # all that there are
    assert all(one["steps"] for one in histories)


def test_several_logs_lie_over_each_other(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = log_in(tmp_path / "seed1" / "trainer_state.json")
    other = log_in(tmp_path / "seed2" / "trainer_state.json", rise=True)
    monkeypatch.chdir(tmp_path)
    assert command(["curves", str(one), str(other)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^run +seed1$", out, re.M) and re.search(r"^run +seed2$", out, re.M)
    runs = parts_of(tmp_path / "curves.html")["runs"]
    assert isinstance(runs, dict)
    assert [run["name"] for run in runs["runs"]] == ["seed1", "seed2"]
    marked = [[found["title"] for found in run["findings"]] for run in runs["runs"]]
    assert "overfit" in marked[1] and "overfit" not in marked[0]
    assert "tokens" not in parts_of(tmp_path / "curves.html")


def test_three_of_one_name_have_a_name_each(tmp_path: Path) -> None:
    from stages.train.tools.curves import _names

    paths = [tmp_path / folder / "train.log" for folder in "abc"]
    assert _names(paths) == ["train.log", "train.log (2)", "train.log (3)"]


def test_a_file_of_others_is_never_replaced(tmp_path: Path, capsys: Captured) -> None:
    log = log_in(tmp_path / "trainer_state.json")
    mine = tmp_path / "mine.html"
    mine.write_text("<h1>my notes on seedbed curves</h1>")
    assert command(["curves", str(log), "-o", str(mine)]) == 2
    assert f"{mine} is a file of yours" in capsys.readouterr().err
    assert mine.read_text().startswith("<h1>my notes")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.json"], "nowhere.json does not exist"),
        (["log.json", "-o", "no/such/folder.html"], "no/such is no folder to write folder.html to"),
        (["log.json", "-o", "."], ". is a folder: name a file"),
        (["log.json", "--plot", "curve.gif"], "curve.gif: a plot is written as .png, .svg, .pdf"),
        (["log.json", "--which", "1"], "--which chooses among curves of several models"),
        (["empty"], "holds no training log"),
        ([], "name a run's folder, a training log, or --checkpoints"),
        (["--checkpoints", "a", "b", "--json", "-"], "--json tells of logs"),
        (["log.json", "-o", "x.html", "--json", "x.html"], "a file each"),
        (["log.json", "--plot", "x.png", "--plot", "x.png"], "a file each"),
        (["--checkpoints", "step1"], "need at least two of them"),
        (["--checkpoints", "a/step1", "b/step1"], "are both of step 1: name one"),
        (["--checkpoints", "x1", "x2"], "x1"),
        (["--checkpoints", "x1", "x2", "--count", "1"], "--count is 1, and must be from 2"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(
    words: list[str], told: str, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log_in(tmp_path / "log.json")
    (tmp_path / "empty").mkdir()
    assert command(["curves", *words]) == 2
    err = capsys.readouterr().err
    assert told in err and "Traceback" not in err and len(err.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"log.json", "empty"}


def test_curves_of_tokens_from_elsewhere_are_shown(tmp_path: Path, capsys: Captured) -> None:
    from tests.curves.test_token_curves import founding_folder

    folder = founding_folder(tmp_path / "projection5")
    np.save(folder / "pythia-70m-mean-curve.npy", np.linspace(10, 2, 154))
    out = tmp_path / "page.html"
    words = ["curves", str(folder), "-o", str(out), "--projection", "pca"]
    assert command(words) == 0
    parts = parts_of(out)
    about, runs = parts["tokens"], parts["runs"]
    assert isinstance(about, dict) and about["count"] == 40
    assert isinstance(runs, dict) and runs["runs"][0]["name"] == "pythia-70m"
    # Of two such folders a page has room for one.
    again = founding_folder(tmp_path / "other")
    assert command(["curves", str(again), *words[1:]]) == 2
    assert "one folder" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_plot_is_the_same_again(ending: str, tmp_path: Path, capsys: Captured) -> None:
    pytest.importorskip("matplotlib", reason="the extra `curves` is not installed")
    log = log_in(tmp_path / "$x_1$" / "trainer_state.json", rise=True)  # no mathematics in a name
    made = []
    for name in ("one", "two"):
        plot = tmp_path / f"{name}.{ending}"
        page = str(tmp_path / "page.html")
        words = ["curves", str(log), "-o", page, "--plot", str(plot), "--log"]
        assert command(words) == 0, capsys.readouterr().err
        made.append(plot.read_bytes())
    assert made[0] == made[1] and len(made[0]) > 5000
    if ending == "svg":
        text = made[0].decode()
        assert "overfit" in text and "validation" in text and "loss (nats a token)" in text


def test_what_was_not_recorded_cannot_be_plotted(tmp_path: Path, capsys: Captured) -> None:
    pytest.importorskip("matplotlib", reason="the extra `curves` is not installed")
    log = log_in(tmp_path / "trainer_state.json")
    words = ["curves", str(log), "-o", str(tmp_path / "page.html")]
    plot = ["--plot", str(tmp_path / "a.png")]
    assert command([*words, *plot, "--figure", "accuracy"]) == 2
    assert "nothing has next-token accuracy over steps; there is loss" in capsys.readouterr().err
