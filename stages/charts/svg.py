"""The elements of a drawing. Every text is escaped; no script, no font, no file from elsewhere.

Colours are those of `charts.css`, whose variables a page may set; a drawing that stands alone
brings the style sheet with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markupsafe import Markup, escape

from stages.pages import text_of

WIDE, NARROW = 960.0, 340.0  # widths of a drawing, in its own units and about in pixels
STYLE = "stages.charts:charts.css"


def tag(name: str, content: str = "", /, **attributes: object) -> Markup:
    """An element. `class_` and `stroke_width` become class and stroke-width; None is left out."""
    told = "".join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _value(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, Markup(told), escape(clean(content)))


def _value(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return clean(value) if isinstance(value, str) else value


def clean(text: str) -> str:
    """The text without what is no XML, not even escaped: control characters, half characters."""
    if isinstance(text, Markup) or text.isprintable():
        return text
    return "".join(
        c if c.isprintable() and not 0xD800 <= ord(c) < 0xE000 else "\ufffd" for c in text
    )


def words(x: float, y: float, text: str, class_: str = "s", anchor: str = "start") -> Markup:
    """A text at a place; anchor: which end of it stands there."""
    return tag("text", text, x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def picture(width: float, height: float, body: str, label: str, class_: str = "chart") -> Markup:
    """A drawing for a page, which scales it. label: what it shows, for those who cannot see it."""
    return tag(
        "svg", Markup(body), viewBox=f"0 0 {width:.0f} {height:.0f}", class_=class_,
        role="img", aria_label=label,
    )  # fmt: skip


def both(draw: Callable[[float], Markup]) -> Markup:
    """A drawing for wide and for narrow screens; the page shows the one that fits.

    draw(width): the drawing, a `picture` of that width.
    """
    parts = [
        tag("div", draw(width), class_=f"plot {name}")
        for width, name in ((WIDE, "wide"), (NARROW, "narrow"))
    ]
    return Markup("").join(parts)


def alone(drawing: Markup) -> str:
    """A drawing as a file of its own, on white, one pixel a unit."""
    style = re.sub(r"var\(--[a-z0-9]+,\s*([^)]+)\)", r"\1", text_of(STYLE))
    found = re.match(r'<svg viewBox="0 0 ([0-9]+) ([0-9]+)"', drawing)
    assert found is not None
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{found[1]}" height="{found[2]}"'
    opening, _, rest = str(drawing).partition(">")
    opening = opening.replace("<svg", f'{head} font-family="sans-serif"', 1)
    paper = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return f"{opening}><style>{style}</style>{paper}{rest}\n"
