"""Plots as SVG text: flow, bars, histogram, learning curves. Nothing runs in the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from pipeline.views.report.data import Histogram

_W = 960.0  # width of a plot in its own units; the page scales it


def _svg(height: float, body: str, label: str, least: int = 0) -> str:
    style = f' style="min-width:{least}px"' if least else ""
    return (
        f'<div class="plot"><svg viewBox="0 0 {_W:.0f} {height:.0f}" role="img" '
        f'aria-label="{escape(label)}"{style}>{body}</svg></div>'
    )


def _text(x: float, y: float, text: str, cls: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{cls}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def flow(sources: Sequence[dict[str, Any]], steps: Sequence[dict[str, Any]]) -> str:
    """Sources on the left join one band that narrows where records leave.

    sources, steps: dicts of label, seen, kept, dropped, failed, made.
    """
    most = max([1, sum(s["made"] for s in sources), *(s["seen"] for s in steps)])
    height, top, room = 330.0, 40.0, 190.0
    scale = room / most
    left, spread = 175.0, 70.0  # room for the names, and for the bands to come together
    wide = (_W - left - spread - 10) / max(1, len(steps))
    body, y = "", top
    middle = top
    for source in sources:
        thick = max(1.5, source["made"] * scale)
        turn, end = left + spread / 2, left + spread
        body += (
            f'<path class="band" d="M{left:.1f},{y:.1f} C{turn:.1f},{y:.1f} {turn:.1f},'
            f"{middle:.1f} {end:.1f},{middle:.1f} v{thick:.1f} C{turn:.1f},{middle + thick:.1f} "
            f'{turn:.1f},{y + thick:.1f} {left:.1f},{y + thick:.1f} Z"/>'
        )
        told = f"{source['label'][:16]} {source['made']:,}"
        body += _text(left - 8, y + thick / 2 + 4, told, "s", "end")
        y += max(thick, 15.0) + 4
        middle += thick
    for number, step in enumerate(steps):
        x = left + spread + wide * number
        before, after = step["seen"] * scale, max(1.0, step["made"] * scale)
        body += (
            f'<path class="band" d="M{x:.1f},{top:.1f} h{wide:.1f} v{after:.1f} '
            f"C{x + wide * 0.6:.1f},{top + after:.1f} {x + wide * 0.4:.1f},{top + before:.1f} "
            f'{x:.1f},{top + before:.1f} Z"/>'
        )
        out = step["dropped"] + step["failed"]
        if out:
            thick = max(2.0, out * scale)
            cls = "failed" if step["failed"] > step["dropped"] else "dropped"
            body += (
                f'<path class="{cls}" d="M{x:.1f},{top + before - thick:.1f} '
                f"C{x + wide * 0.45:.1f},{top + before - thick:.1f} {x + wide * 0.5:.1f},"
                f"{top + before:.1f} {x + wide * 0.5:.1f},{height - 62:.1f} h{thick:.1f} "
                f"C{x + wide * 0.5 + thick:.1f},{top + before:.1f} {x + wide * 0.45:.1f},"
                f'{top + before:.1f} {x:.1f},{top + before:.1f} Z"/>'
            )
            body += _text(x + wide * 0.5, height - 46, f"−{out:,}", "out", "middle")
        body += _text(x + wide * 0.5, top - 12, step["label"], "s", "middle")
        body += _text(x + wide * 0.5, height - 22, f"{step['made']:,}", "n", "middle")
    return _svg(height, body, "how many records each step kept", 720)


def bars(rows: Sequence[tuple[str, float, str]], label: str) -> str:
    """Horizontal bars: (name, value, what stands behind the bar)."""
    most = max([value for _, value, _ in rows] + [1e-9])
    body = ""
    for number, (name, value, told) in enumerate(rows):
        y = 6 + number * 26
        width = max(1.0, value / most * 520)
        body += _text(230, y + 14, name, "s", "end")
        body += f'<rect class="bar" x="240" y="{y}" width="{width:.1f}" height="18" rx="2"/>'
        body += _text(248 + width, y + 14, told, "s")
    return _svg(12 + len(rows) * 26, body, label, 560)


def histogram(data: Histogram) -> str:
    """A histogram on a logarithmic axis, with round numbers below it."""
    height, base, left = 220.0, 180.0, 40.0
    most = max([*data.counts, 1])
    low, high = math.log(data.edges[0]), math.log(data.edges[-1])

    def at(value: float) -> float:
        return left + (math.log(value) - low) / (high - low) * (_W - left - 20)

    body = ""
    for begin, end, count in zip(data.edges, data.edges[1:], data.counts, strict=False):
        tall = count / most * (base - 20)
        body += (
            f'<rect class="bar" x="{at(begin) + 1:.1f}" y="{base - tall:.1f}" '
            f'width="{max(1, at(end) - at(begin) - 2):.1f}" height="{tall:.1f}">'
            f"<title>{begin:,.0f} to {end:,.0f} {escape(data.unit)}: {count:,}</title></rect>"
        )
    body += f'<line class="axis" x1="{left}" x2="{_W - 20}" y1="{base}" y2="{base}"/>'
    for tick in _round_numbers(data.edges[0], data.edges[-1]):
        body += _text(at(tick), base + 20, f"{tick:,}", "s", "middle")
    body += _text(left - 6, 26, f"{most:,}", "s", "end")
    return _svg(height, body, data.title, 420)


def _round_numbers(low: float, high: float) -> list[int]:
    ticks = [base * 10**power for power in range(9) for base in (1, 2, 5)]
    inside = [tick for tick in ticks if low <= tick <= high]
    return inside if len(inside) <= 8 else inside[:: len(inside) // 6]


def curves(
    curve: Sequence[dict[str, Any]], borders: Sequence[int], findings: Sequence[dict[str, Any]]
) -> str:
    """Training and validation loss over steps, epoch borders and findings marked."""
    points = [row for row in curve if row.get("loss") is not None and math.isfinite(row["loss"])]
    if not points:
        return "<p>No finite losses were written.</p>"
    height, left, right, top, base = 360.0, 60.0, 20.0, 30.0, 310.0
    last = max(1, max(row["step"] for row in points))
    losses = [row["loss"] for row in points]
    low, high = min(losses), max(losses)
    pad = (high - low or 1.0) * 0.06
    low, high = low - pad, high + pad

    def at(step: float, loss: float) -> tuple[float, float]:
        x = left + step / last * (_W - left - right)
        return x, top + (high - loss) / (high - low) * (base - top)

    body = ""
    for number in range(5):
        loss = low + (high - low) * number / 4
        y = at(0, loss)[1]
        body += f'<line class="grid" x1="{left}" x2="{_W - right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        body += _text(left - 8, y + 4, f"{loss:.2f}", "s", "end")
    for number, border in enumerate(borders, 1):
        x = at(border, low)[0]
        body += f'<line class="border" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{base}"/>'
        body += _text(x - 4, top - 8, f"epoch {number} ends", "s", "end")
    for split, cls in (("train", "train"), ("val", "val")):
        rows = [row for row in points if row["split"] == split]
        if rows:
            path = " ".join("{:.1f},{:.1f}".format(*at(row["step"], row["loss"])) for row in rows)
            body += f'<polyline class="{cls}" points="{path}"/>'
        if split == "val":
            for row in rows:
                x, y = at(row["step"], row["loss"])
                body += (
                    f'<circle class="val" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>step '
                    f"{row['step']}: {row['loss']:.3f}</title></circle>"
                )
    for finding in findings:
        if isinstance(finding.get("step"), int | float):
            x = at(finding["step"], low)[0]
            body += f'<line class="finding" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{base}"/>'
            late = x > _W * 0.8
            words = str(finding["kind"]).replace("_", " ")
            body += _text(x + (-4 if late else 4), top + 14, words, "f", "end" if late else "start")
    body += _text(left, base + 24, "step 0", "s")
    body += _text(_W - right, base + 24, f"step {last:,}", "s", "end")
    body += _text(_W - right, base + 44, "nats a token", "s", "end")
    for cls, x, told in (("train", left, "training"), ("val", left + 120, "validation")):
        y = base + 40
        body += f'<line class="{cls}" x1="{x}" x2="{x + 30}" y1="{y}" y2="{y}"/>'
        body += _text(x + 36, y + 4, told, "s")
    return _svg(height + 6, body, "training and validation loss", 520)
