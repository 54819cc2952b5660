"""Learning curves: training and validation loss over optimizer steps, epochs and marks on them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from stages.charts.axes import Axis
from stages.charts.svg import line, picture, tag, words

TOP, RIGHT, BOTTOM = 34.0, 16.0, 62.0  # margins, and below them the words
DETAIL = 2.0  # points a unit of width that are drawn of one line; more cannot be seen
LOG_FROM = 8.0  # ratio of highest to lowest loss from which the axis is logarithmic
SMOOTH_FROM = 200  # points from which a running mean is drawn over a noisy line
LEAST, MOST = 5e-324, 1.7e308  # of what a float can be
MARKS = 60  # epochs or marks that are drawn, at most

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Mark:
    """Something at an optimizer step: a short label, words that say more, and whether it is good
    news."""

    step: float
    label: str
    words: str
    good: bool = False


@dataclass(frozen=True)
class Curve:
    """(step, loss in nats a token) of training and validation; a loss may be no number. epochs:
    (step, name) where an epoch begins."""

    train: Points
    val: Points
    epochs: Sequence[tuple[float, str]] = ()
    marks: Sequence[Mark] = field(default_factory=list)
    title: str = ""


def drawing(curve: Curve, width: float, height: float, told: Sequence[str] = ()) -> Markup:
    """The picture; `told` are lines of words below it, wrapped to its width."""
    frame = _Frame(curve, width, height)
    below = [part for text in told for part in _wrapped(text, width - frame.left - RIGHT)]
    parts = [
        words(frame.left, 18, curve.title[: int(width / 9)], "h"),
        *frame.axes(),
        *_epochs(curve, frame),
        *_train(curve.train, frame),
        frame.line(curve.val, "val"),
        *_dots(curve.val, frame),
        *_marks(curve.marks, frame),
        *_legend(frame),
        *(words(frame.left, height + 14 + 18 * number, text) for number, text in enumerate(below)),
    ]
    whole = height + (18 * len(below) + 6 if below else 0)
    label = "training and validation loss over optimizer steps"
    return picture(width, whole, Markup("").join(parts), label)


class _Frame:
    """Where a step and a loss are in the picture."""

    def __init__(self, curve: Curve, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.left = 58.0 if width > 500 else 44.0
        self.bottom = height - BOTTOM
        steps = [step for step, _ in [*curve.train, *curve.val]]
        losses = [loss for _, loss in [*curve.train, *curve.val] if math.isfinite(loss)]
        first = min(steps, default=0.0)
        last = max([*steps, first + 1])
        low, high = (min(losses), max(losses)) if losses else (0.0, 1.0)
        logarithmic = low > 0 and high > LOG_FROM * low
        if logarithmic:
            room = math.exp(0.05 * (math.log(high) - math.log(low)))
            low, high = max(low / room, LEAST), min(high * room, MOST)
        else:
            room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
            low, high = low - room, high + room
        self.x = Axis(first, last, self.left, width - RIGHT)
        self.y = Axis(low, high, self.bottom, TOP, logarithmic)

    def axes(self) -> Iterator[Markup]:
        """Grid lines at round numbers, and their labels."""
        right = self.width - RIGHT
        for value in self.y.ticks(6):
            y = self.y.at(value)
            yield line(self.left, y, right, y, "grid")
            yield words(self.left - 7, y + 4, f"{value:g}", "s", "end")
        for step in self.x.ticks(8 if self.width > 500 else 4):
            yield words(self.x.at(step), self.bottom + 18, f"{step:,.0f}", "s", "middle")
        yield line(self.left, self.bottom, right, self.bottom, "axis")

    def line(self, points: Points, class_: str) -> Markup:
        """Points as a path with gaps where there is no number."""
        path, pen = [], "M"
        for step, loss in _thinned(points, int(DETAIL * self.width)):
            if not math.isfinite(loss):
                pen = "M"
                continue
            path.append(f"{pen}{self.x.at(step):.1f} {self.y.at(loss):.1f}")
            pen = "L"
        return tag("path", d="".join(path), class_=class_) if path else Markup("")


def _thinned(points: Points, most: int) -> Points:
    if len(points) <= most:
        return points
    return [points[index] for index in np.linspace(0, len(points) - 1, most).astype(int)]


def _train(points: Points, frame: _Frame) -> Iterator[Markup]:
    """The training loss; over a long noisy one a running mean, so that a step can be seen."""
    good = [(step, loss) for step, loss in points if math.isfinite(loss)]
    if len(good) <= SMOOTH_FROM:
        yield frame.line(points, "train")
        return
    yield frame.line(points, "train faint")
    width = max(1, len(good) // 60)
    sums = np.cumsum([0.0, *(loss for _, loss in good)])
    means = (sums[width:] - sums[:-width]) / width
    middle = [step for step, _ in good][width // 2 :]
    yield frame.line(list(zip(middle, means.tolist(), strict=False)), "train")


def _dots(points: Points, frame: _Frame) -> Iterator[Markup]:
    for step, loss in _thinned(points, int(DETAIL * frame.width)):
        if math.isfinite(loss):
            told = tag("title", f"step {step:,.0f}: {loss:.3f}")
            x, y = frame.x.at(step), frame.y.at(loss)
            yield tag("circle", told, class_="val", cx=x, cy=y, r=3.5)


def _epochs(curve: Curve, frame: _Frame) -> Iterator[Markup]:
    free = 0.0
    for step, name in curve.epochs[:MARKS]:
        x = frame.x.at(step)
        yield line(x, TOP, x, frame.bottom, "epoch")
        if x >= free and x < frame.width - 60:
            yield words(x + 4, frame.bottom - 6, name, "t")
            free = x + 60


def _marks(marks: Sequence[Mark], frame: _Frame) -> Iterator[Markup]:
    """A line and a triangle at each step that is marked; marks of one step share a label, and one
    for which there is no room is left to the triangle's title."""
    at: dict[float, list[Mark]] = {}
    for mark in marks:
        at.setdefault(mark.step, []).append(mark)
    free = 0.0
    for step, here in sorted(at.items())[:MARKS]:
        x = frame.x.at(min(max(step, frame.x.low), frame.x.high))
        good = " good" if all(mark.good for mark in here) else ""
        yield line(x, TOP, x, frame.bottom, "found" + good)
        title = tag("title", " ".join(mark.words for mark in here))
        yield tag("path", title, d=f"M{x:.1f} {TOP + 1:.1f}l-5 -9h10z", class_="finding" + good)
        label = ", ".join(dict.fromkeys(mark.label for mark in here))
        long = 7.0 * len(label)
        late = x + long > frame.width - RIGHT
        begin = x - 9 - long if late else x + 9
        if begin >= free:
            place = (x - 9, "end") if late else (x + 9, "start")
            yield words(place[0], TOP - 1, label, "label" + good, place[1])
            free = begin + long + 8


def _legend(frame: _Frame) -> Iterator[Markup]:
    y, x = frame.height - 12, frame.left
    for class_, name in (("train", "training"), ("val", "validation")):
        yield line(x, y, x + 26, y, class_)
        yield words(x + 32, y + 4, name)
        x += 108
    scale = ", logarithmic" if frame.y.logarithmic else ""
    if frame.width > 500:
        text = f"loss in nats a token{scale}, over optimizer steps"
        yield words(frame.width - RIGHT, y + 4, text, "s", "end")
    else:
        yield words(frame.left, y - 15, f"loss in nats a token{scale}, over steps", "t")


def _wrapped(text: str, room: float) -> list[str]:
    return textwrap.wrap(text, max(30, int(room / 6.5)), subsequent_indent="    ") or [""]
