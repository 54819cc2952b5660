"""Learning curves as one SVG: training and validation loss, epoch borders, findings marked.

No script, no font and no file from elsewhere; every text is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from stages.curves.borders import positions
from stages.curves.read import Log, Series

Array = np.ndarray[Any, Any]

LEFT, RIGHT, TOP, BOTTOM = 58, 16, 34, 40  # margins, pixels
TRAIN, VAL, GREY, MARK = "#4c78a8", "#e45756", "#8a8a8a", "#b07aa1"
DETAIL = 2000  # points that are drawn of one line; more cannot be seen
LOG_FROM = 8.0  # ratio of highest to lowest loss from which the axis is logarithmic


def drawing(log: Log, findings: Sequence[dict[str, Any]], width: int, height: int) -> str:
    """The picture; the findings' words stand below it."""
    words = [line for finding in findings for line in _wrapped(finding, width)]
    total = height + 18 * len(words) + (10 if words else 0)
    frame = _Frame(log, width, height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {total}" '
        f'width="{width}" height="{total}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{total}" fill="#ffffff"/>',
        _text(LEFT, 20, log.title or "training log", size=14),
        *_legend(width),
        *frame.axes(),
        *_borders(log, frame),
        frame.line(log.train, TRAIN, 0.45 if len(log.train) > 200 else 1.0),
        *_smoothed(log.train, frame),
        frame.line(log.val, VAL, 1.0, dots=True),
        *_marks(findings, frame),
        *(_text(LEFT, height + 16 + 18 * number, line) for number, line in enumerate(words)),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _text(x: float, y: float, text: str, size: int = 12, anchor: str = "start") -> str:
    # Control characters are no XML, not even escaped.
    clean = "".join(
        c if c.isprintable() and not 0xD800 <= ord(c) < 0xE000 else "\ufffd" for c in text
    )
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="#222222">'
        f"{escape(clean)}</text>"
    )


def _legend(width: int) -> list[str]:
    parts = []
    for place, (name, colour) in enumerate((("training loss", TRAIN), ("validation loss", VAL))):
        x = width - RIGHT - 240 + 125 * place
        parts.append(f'<rect x="{x}" y="12" width="14" height="4" fill="{colour}"/>')
        parts.append(_text(x + 20, 18, name))
    return parts


class _Frame:
    """Where a step and a loss are in the picture."""

    def __init__(self, log: Log, width: int, height: int) -> None:
        self.width, self.height = width, height
        steps = np.concatenate([log.train.steps, log.val.steps])
        values = np.concatenate([log.train.values, log.val.values])
        values = values[np.isfinite(values)]
        self.first = float(steps.min()) if len(steps) else 0.0
        self.last = max(float(steps.max()) if len(steps) else 1.0, self.first + 1)
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        self.logarithmic = low > 0 and high / low > LOG_FROM
        if self.logarithmic:
            low, high = math.log(low), math.log(high)
        room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
        self.low, self.high = low - room, high + room

    def x(self, step: float) -> float:
        part = (step - self.first) / (self.last - self.first)
        return LEFT + part * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        if self.logarithmic:
            value = math.log(value) if value > 0 else self.low
        part = (value - self.low) / (self.high - self.low)
        return self.height - BOTTOM - part * (self.height - BOTTOM - TOP)

    def axes(self) -> list[str]:
        """Grid lines at round numbers, and their labels."""
        bottom, right = self.height - BOTTOM, self.width - RIGHT
        parts = []
        for value in self._round_values():
            y = self.y(value)
            parts.append(
                f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#e6e6e6"/>'
            )
            parts.append(_text(LEFT - 6, y + 4, f"{value:g}", anchor="end"))
        for step in _round(self.first, self.last, 8):
            parts.append(_text(self.x(step), bottom + 16, f"{step:,.0f}", anchor="middle"))
        scale = ", logarithmic" if self.logarithmic else ""
        parts.append(_text(LEFT, bottom + 32, f"optimizer step; loss in nats a token{scale}"))
        parts.append(f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="{GREY}"/>')
        return parts

    def _round_values(self) -> list[float]:
        if not self.logarithmic:
            return _round(self.low, self.high, 6)
        low, high = self.low / math.log(10), self.high / math.log(10)
        powers = range(math.floor(low), math.ceil(high) + 1)
        values = [step * 10.0**power for power in powers for step in (1, 2, 5)]
        # ten to the power of -324 is nothing
        return [v for v in values if v > 0 and self.low <= math.log(v) <= self.high]

    def line(self, series: Series, colour: str, opacity: float, dots: bool = False) -> str:
        """A series as a path with gaps where it has no number."""
        chosen = series
        if len(series) > DETAIL:
            chosen = series.where(np.linspace(0, len(series) - 1, DETAIL).astype(int))
        path, pen, points = [], "M", []
        for step, value in zip(chosen.steps, chosen.values, strict=True):
            if not math.isfinite(value):
                pen = "M"
                continue
            x, y = self.x(step), self.y(value)
            path.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
            if dots:
                points.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>')
        if not path:
            return ""
        drawn = (
            f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="1.3" '
            f'stroke-opacity="{opacity:g}"/>'
        )
        return "\n".join([drawn, *points[:DETAIL]])


def _round(low: float, high: float, number: int) -> list[float]:
    """About `number` round values between two others."""
    raw = (high - low) / number
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step)
    return [round(n * step, 10) for n in range(first, math.floor(high / step) + 1)]


def _smoothed(train: Series, frame: _Frame) -> Iterable[str]:
    """A running mean over long noisy curves, so that a step can be seen."""
    good = train.where(np.isfinite(train.values))
    width = max(1, len(good) // 60)
    if len(good) <= 200:
        return []
    sums = np.cumsum(np.insert(good.values, 0, 0.0))
    means = (sums[width:] - sums[:-width]) / width
    middle = good.where(np.arange(width // 2, width // 2 + len(means)))
    return [frame.line(Series(middle.steps, means, middle.epochs), TRAIN, 1.0)]


def _borders(log: Log, frame: _Frame) -> list[str]:
    parts, free = [], 0.0
    for epoch, line in positions(log)[:60]:
        x = frame.x(float(log.train.steps[line]))
        parts.append(
            f'<line class="epoch" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" '
            f'y2="{frame.height - BOTTOM}" stroke="{GREY}" stroke-dasharray="3 4"/>'
        )
        if x >= free:
            parts.append(_text(x + 3, frame.height - BOTTOM - 5, f"epoch {epoch + 1}", size=10))
            free = x + 52
    return parts


def _marks(findings: Sequence[dict[str, Any]], frame: _Frame) -> list[str]:
    """A triangle at each step that a finding names; kinds at one step share a label."""
    at: dict[int, list[dict[str, Any]]] = {}
    for finding in findings:
        if finding["step"] is not None and finding["kind"] != "cannot_tell":
            at.setdefault(finding["step"], []).append(finding)
    parts, free = [], 0.0
    for step, here in sorted(at.items())[:60]:
        x = frame.x(min(max(step, frame.first), frame.last))
        words = escape(" ".join(finding["words"] for finding in here))
        parts.append(
            f'<path class="finding" d="M{x:.1f} {TOP + 10}l-5 -9h10z" fill="{MARK}">'
            f"<title>{words}</title></path>"
        )
        label = ", ".join(finding["kind"].replace("_", " ") for finding in here)
        if x >= free:
            late = x > frame.width - 160
            side = (x - 8, "end") if late else (x + 8, "start")
            parts.append(_text(side[0], TOP + 9, label, 10, side[1]))
            free = x + 14 + 6 * len(label)
    return parts


def _wrapped(finding: dict[str, Any], width: int) -> list[str]:
    """The words of a finding in lines that fit."""
    limit = max(30, (width - LEFT - RIGHT) // 6)
    lines, line = [], finding["kind"].replace("_", " ") + ":"
    for word in finding["words"].split():
        if len(line) + 1 + len(word) > limit:
            lines.append(line)
            line = "   "
        line += " " + word
    return [*lines, line]
