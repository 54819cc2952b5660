"""Drawings are read back as people read them: by the labels of their axes, and nothing is upside
down, cut off, or of another height than its number."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from stages.charts import band, records
from stages.charts.axes import Axis, round_values
from stages.charts.band import Step
from stages.charts.curve import Curve, drawing
from stages.charts.histogram import drawing as bars_of
from stages.charts.histogram import histogram
from stages.corpus import write_corpus
from stages.curves.picture import as_json, curve_of, from_json
from stages.curves.read import Log, Series
from stages.records import REJECTS, to_table
from tests.cases.diagnose import curve

Place = tuple[float, float]


def _places(path: str) -> list[list[Place]]:
    """The points of a path, a list for each stroke."""
    found = []
    for stroke in filter(None, path.split("M")):
        numbers = [float(number) for number in re.findall(r"-?[0-9.]+", stroke)]
        found.append(list(zip(numbers[::2], numbers[1::2], strict=True)))
    return found


class Read:
    """A drawing of curves, read by its labels."""

    def __init__(self, picture: str, logarithmic: bool = False) -> None:
        self.root = ElementTree.fromstring(picture)
        self.logarithmic = logarithmic
        self.texts = [(one, one.text or "") for one in self.root.iter("text")]
        ticks = [one for one in self.texts if one[0].get("class") == "s"]
        y = [(e, t) for e, t in ticks if e.get("text-anchor") == "end" and "loss" not in t]
        x = [(e, t) for e, t in ticks if e.get("text-anchor") == "middle"]
        self._y = self._fit([(float(t), float(e.get("y", ""))) for e, t in y], logarithmic)
        self._x = self._fit([(float(t.replace(",", "")), float(e.get("x", ""))) for e, t in x])

    @staticmethod
    def _fit(pairs: list[Place], logarithmic: bool = False) -> np.ndarray:
        assert len(pairs) >= 2
        values = [math.log(value) if logarithmic else value for value, _ in pairs]
        return np.polyfit([place for _, place in pairs], values, 1)

    def strokes(self, class_: str) -> list[list[Place]]:
        """(step, loss) of a line's points, stroke by stroke."""
        (path,) = [e for e in self.root.iter("path") if e.get("class") == class_]
        strokes = _places(path.get("d", ""))
        return [[(self.step(x), self.loss(y)) for x, y in stroke] for stroke in strokes]

    def step(self, x: float) -> float:
        return float(np.polyval(self._x, x))

    def loss(self, y: float) -> float:
        value = float(np.polyval(self._y, y + 4))  # a label stands four units below its line
        return math.exp(value) if self.logarithmic else value


TRAIN = [(1.0, 3.1), (2.0, 2.9), (30.0, 2.5), (60.0, 2.35), (100.0, 2.05)]
VAL = [(0.0, 3.25), (50.0, 2.45), (100.0, 2.4)]


@pytest.mark.parametrize("times", [1.0, 0.1])
@pytest.mark.parametrize("width", [960, 340])
def test_losses_are_read_back_from_the_picture(width: int, times: float) -> None:
    """Once on an axis of nats, once on a logarithmic one."""
    last = 3.25 if times == 1 else 40.0
    train = [*((step, loss * times) for step, loss in TRAIN), (101.0, last)]
    val = [(step, loss * times) for step, loss in VAL]
    picture = drawing(Curve(train, val, title="a run"), width, 400)
    read = Read(picture, logarithmic=times != 1)
    assert ("logarithmic" in picture) == read.logarithmic
    for class_, points in (("train", train), ("val", val)):
        (found,) = read.strokes(class_)
        for (step, loss), (x, y) in zip(points, found, strict=True):
            assert x == pytest.approx(step, abs=0.5) and y == pytest.approx(loss, rel=0.02)
    told = [one.text for one in read.root.iter("title")]
    assert told == [f"step {step:.0f}: {loss:.3f}" for step, loss in val]


def test_a_higher_loss_stands_higher() -> None:
    picture = ElementTree.fromstring(drawing(Curve([(1, 3.0), (2, 2.0)], []), 960, 400))
    (path,) = [e for e in picture.iter("path") if e.get("class") == "train"]
    ((first, last),) = _places(path.get("d", ""))
    assert first[0] < last[0] and first[1] < last[1] - 200  # y grows downwards
    assert 34 <= first[1] < last[1] <= 400 - 62


def test_the_running_mean_lies_on_a_straight_line() -> None:
    points = [(float(step), 5 - step / 100) for step in range(1, 401)]
    read = Read(drawing(Curve(points, []), 960, 700))
    for class_ in ("train", "train faint"):
        (found,) = read.strokes(class_)
        assert len(found) > 300
        for step, loss in found:
            assert loss == pytest.approx(5 - step / 100, abs=0.02)


def test_a_log_is_drawn_with_its_epochs_and_its_end() -> None:
    level = curve(per=3000, passes=3)
    steps = np.arange(1, len(level) + 1, dtype=float)
    nothing = Series(np.zeros(0), np.zeros(0), np.zeros(0))
    found = curve_of(Log(Series(steps, np.exp(level), steps / 3000), nothing), [])
    assert [name for _, name in found.epochs] == ["epoch 2", "epoch 3"]
    assert [step for step, _ in found.epochs] == pytest.approx([3000, 6000], abs=60)
    assert len(found.train) == 4000
    assert found.train[0] == (1.0, float(np.exp(level[0])))
    assert found.train[-1] == (9000.0, float(np.exp(level[-1])))


def test_a_loss_that_is_no_number_is_a_gap() -> None:
    points = [(1.0, 3.0), (2.0, math.nan), (3.0, 2.0), (4.0, 1.9)]
    kept = json.loads(json.dumps(as_json(Curve(points, VAL, title="t")), allow_nan=False))
    assert kept["train"] == [[1.0, 3.0], [2.0, None], [3.0, 2.0], [4.0, 1.9]]
    back = from_json(kept, [])
    assert math.isnan(back.train[1][1]) and list(back.val) == VAL
    strokes = Read(drawing(back, 960, 400)).strokes("train")
    assert [len(stroke) for stroke in strokes] == [1, 2]


def test_labels_of_an_axis_are_round_and_within() -> None:
    assert round_values(0.3, 9.7, 5) == [2, 4, 6, 8]
    assert round_values(-1, 1, 4) == [-1, -0.5, 0, 0.5, 1]
    assert Axis(3, 40, 0, 100, logarithmic=True).ticks(6) == [5, 10, 20]
    assert [Axis(1, 100, 0, 50, logarithmic=True).at(one) for one in (1, 10, 100)] == [0, 25, 50]
    assert [Axis(10, 20, 100, 0).at(one) for one in (10, 15, 20)] == [100, 50, 0]


def test_bars_are_as_high_as_their_counts() -> None:
    values = [10.0] * 30 + [100.0] * 58 + [1000.0] * 12
    data = histogram("lengths", "tokens", values)
    assert data.note == "median 100, 90 % below 1,000, longest 1,000 tokens"
    assert sorted(count for count in data.counts if count) == [12, 30, 58]
    for edge, next_, count in zip(data.edges, data.edges[1:], data.counts, strict=False):
        assert count == sum(edge <= value < next_ for value in values)
    root = ElementTree.fromstring(bars_of(data, 960))
    bars = [one for one in root.iter("rect") if one.get("class") == "bar"]
    heights = sorted({float(one.get("height", "")) for one in bars})
    assert heights == pytest.approx([0.0, 164 * 12 / 58, 164 * 30 / 58, 164.0], abs=0.1)
    for bar in bars:
        assert float(bar.get("y", "")) + float(bar.get("height", "")) == pytest.approx(186, abs=0.2)
    places = {text: float(one.get("x", "")) for one in root.iter("text") if (text := one.text)}
    (tallest,) = [one for one in bars if float(one.get("height", "")) == 164]
    begin = float(tallest.get("x", ""))
    assert begin - 2 <= places["100"] <= begin + float(tallest.get("width", "")) + 2
    assert histogram("none", "tokens", []).note == "none"
    assert histogram("few", "tokens", [1, 2, 3, 4, 5, 6, 7, 8, 9, 100]).note.startswith(
        "median 6, 90 % below 18,"
    )


def test_the_band_is_as_wide_as_the_records() -> None:
    sources = [Step("a", 60, 60), Step("b", 40, 40)]
    steps = [Step("dedup", 100, 70, dropped=30), Step("pii", 70, 50, dropped=5, failed=15)]
    wide = ElementTree.fromstring(band._wide(sources, steps, "records", 960))
    pieces = [e.get("d", "") for e in wide.iter("path") if e.get("class") == "band"]
    edges = []
    for piece in pieces:
        numbers = [float(number) for number in re.findall(r"-?[0-9.]+", piece)]
        ys = numbers[1::2]
        edges.append((ys[-1] - ys[0], ys[4] - ys[3]))  # thick at its begin and at its end
    ratios = [(begin / 190, end / 190) for begin, end in edges]
    wanted = [(0.6, 0.6), (0.4, 0.4), (1.0, 0.7), (0.7, 0.5)]
    for found, want in zip(ratios, wanted, strict=True):
        assert found == pytest.approx(want, abs=0.01)
    for root in (wide, ElementTree.fromstring(band._narrow(sources, steps, "records", 340))):
        told = [(one.get("class"), one.text) for one in root.iter("text")]
        assert [text for class_, text in told if class_ == "n"] == ["70", "50"]
        assert [text for class_, text in told if class_ == "out"] == ["−30", "−20"]
        leaving = [e.get("class") for e in root.iter("path") if e.get("class") != "band"]
        assert leaving == ["dropped", "failed"]


def test_a_corpus_is_shown_with_its_sources_and_lengths(tmp_path: Path) -> None:
    rows = [
        {"id": str(number), "source": source, "place": "", "text": "x" * length}
        for number, (source, length) in enumerate([("a", 10), ("b", 10), ("a", 30), ("a", 50)])
    ]
    sources = [{"name": "a", "license": "CC0-1.0"}, {"name": "b"}, {"name": "c"}]
    pieces = [(to_table(rows), REJECTS.empty_table())]
    write_corpus(tmp_path / "c", "records", pieces, {"sources": sources})
    lengths, listed, some = (panel.body for panel in records.panels(tmp_path / "c"))
    assert [f"<code>{at}</code>" in some for at in range(4)] == [True, True, True, False]
    assert "median 20, 90 % below 44, longest 50 characters" in lengths
    rows_told = re.findall(r"<tr>.*?</tr>", listed)[1:]
    assert [re.findall(r">([^<]*)</t[hd]>", row) for row in rows_told] == [
        ["a", "CC0-1.0", "3"],
        ["b", "not stated", "1"],
        ["c", "not stated", "0"],
    ]
