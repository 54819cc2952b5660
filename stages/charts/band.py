"""A band that flows through steps: it narrows where something leaves, and widens where one item
makes several. On a wide screen it flows to the right, on a narrow one downwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from stages.charts.svg import both, picture, tag, words

LETTER = 7.2  # width of a letter, about
LONGEST = 32  # letters of a name on a wide screen
SINE = 0.7  # of the angle of names that lean, and about its cosine


@dataclass(frozen=True)
class Step:
    """A step on the way: what came, what it made, and what left by a rule or failed."""

    label: str
    came: int
    made: int
    dropped: int = 0
    failed: int = 0


def flow(sources: Sequence[Step], steps: Sequence[Step], label: str) -> Markup:
    """Sources join one band, which goes through the steps. label: what it is a flow of."""
    return both(lambda width: _wide(sources, steps, label, width) if width > 500
                else _narrow(sources, steps, label, width))  # fmt: skip


def _most(sources: Sequence[Step], steps: Sequence[Step]) -> int:
    came = sum(max(s.came, s.made) for s in sources)
    return max([1, came, *(max(s.came, s.made) for s in steps)])


class _Pen:
    """Paths in places along the flow and across it."""

    def __init__(self, down: bool) -> None:
        self.down = down

    def path(self, class_: str, *parts: str | tuple[float, float]) -> Markup:
        """letters of a path and (along, across) places."""
        told = [
            part if isinstance(part, str)
            else "{:.1f},{:.1f}".format(*(reversed(part) if self.down else part))
            for part in parts
        ]  # fmt: skip
        return tag("path", d=" ".join(told), class_=class_)

    def bend(self, begin: float, end: float, near: tuple[float, float], far: tuple[float, float],
             class_: str = "band") -> Markup:  # fmt: skip
        """A piece of the band from begin to end; near, far: its edges across at both."""
        turn, back = begin + (end - begin) * 0.6, begin + (end - begin) * 0.4
        return self.path(
            class_, "M", (begin, near[0]), "C", (turn, near[0]), (back, far[0]), (end, far[0]),
            "L", (end, far[1]), "C", (back, far[1]), (turn, near[1]), (begin, near[1]), "Z",
        )  # fmt: skip

    def leaving(self, begin: float, edge: float, thick: float, long: float, to: float,
                class_: str) -> Markup:  # fmt: skip
        """What leaves the band at its far edge and goes across until `to`, at half of `long`."""
        middle = begin + long * 0.5
        return self.path(
            class_, "M", (begin, edge - thick), "C", (begin + long * 0.45, edge - thick),
            (middle, edge), (middle, to), "L", (middle + thick, to),
            "C", (middle + thick, edge), (begin + long * 0.45, edge), (begin, edge), "Z",
        )  # fmt: skip


def _joined(
    pen: _Pen, sources: Sequence[Step], scale: float, begin: float, end: float, edge: float,
    least: float,
) -> list[tuple[Markup, Step, float]]:  # fmt: skip
    """(piece of the band, source, middle of its edge) of each source."""
    parts, near, far = [], edge, edge
    for source in sources:
        thick, made = max(1.5, source.came * scale), max(1.0, source.made * scale)
        piece = pen.bend(begin, end, (near, near + thick), (far, far + made))
        parts.append((piece, source, near + thick / 2))
        near += max(thick, least) + 4
        far += made
    return parts


def _wide(sources: Sequence[Step], steps: Sequence[Step], label: str, width: float) -> Markup:
    room, together = 190.0, 70.0
    told = [f"{cut(source.label, LONGEST)} {source.made:,}" for source in sources]
    left = max(175.0, 16 + LETTER * max(map(len, told), default=0))
    names = [cut(step.label, LONGEST) for step in steps]
    most = LETTER * max(map(len, names), default=0)
    tilted = most > (width - left - together - 10) / max(1, len(steps)) - 6
    top = 40.0 + (most * SINE if tilted else 0)
    rows = sum(max(19.0, s.came * room / _most(sources, steps) + 4) for s in sources)
    height = max(top + 290, top + rows + 20)
    scale, begin = room / _most(sources, steps), left + together
    pen, parts = _Pen(down=False), []
    joined = _joined(pen, sources, scale, left, begin, top, 15.0)
    for (piece, _, y), text in zip(joined, told, strict=True):
        parts += [piece, words(left - 8, y + 4, text, "s", "end")]
    beyond = LETTER * len(names[-1]) * SINE if tilted else 0  # the last name leans to the right
    long = (width - begin - 10 - beyond) / max(1, len(steps))
    for number, step in enumerate(steps):
        x = begin + long * number
        before, after = step.came * scale, max(1.0, step.made * scale)
        parts.append(pen.bend(x, x + long, (top, top + before), (top, top + after)))
        out = step.dropped + step.failed
        if out:
            thick = max(2.0, out * scale)
            class_ = "failed" if step.failed > step.dropped else "dropped"
            to = top + 228
            parts.append(pen.leaving(x, top + before, min(thick, long / 2), long, to, class_))
            parts.append(words(x + long / 2, top + 244, f"−{short(out, long)}", "out", "middle"))
        parts.append(_name(x + long / 2, top - 12, names[number], tilted))
        parts.append(words(x + long / 2, top + 268, short(step.made, long), "n", "middle"))
    return picture(width, height, Markup("").join(parts), label)


def _narrow(sources: Sequence[Step], steps: Sequence[Step], label: str, width: float) -> Markup:
    left, room, right, long = 118.0, 120.0, 250.0, 44.0
    scale = room / _most(sources, steps)
    pen, parts = _Pen(down=True), []
    top = 18.0 * len(sources) + 8  # a row for each source, whose band goes down from there
    across = left
    for number, source in enumerate(sources):
        thick = max(1.5, source.made * scale)
        y = 18.0 * number + 13
        parts.append(words(left - 10, y, cut(source.label, 15), "s", "end"))
        parts.append(words(right + 6, y, f"{source.made:,}", "s"))
        edges = (across, across + thick)
        parts.append(pen.bend(y - 9, top, edges, edges))
        across += thick
    for number, step in enumerate(steps):
        y = top + long * number
        before, after = step.came * scale, max(1.0, step.made * scale)
        parts.append(pen.bend(y, y + long, (left, left + before), (left, left + after)))
        out = step.dropped + step.failed
        if out:
            thick = min(max(2.0, out * scale), long / 2)
            class_ = "failed" if step.failed > step.dropped else "dropped"
            parts.append(pen.leaving(y, left + before, thick, long, right, class_))
            parts.append(words(width - 4, y + long / 2 + 8, f"−{short(out, 60)}", "out", "end"))
        parts.append(words(left - 10, y + long / 2 + 4, cut(step.label, 15), "s", "end"))
        parts.append(words(right + 6, y + long / 2 + 4 - (10 if out else 0),
                           short(step.made, 60), "n"))  # fmt: skip
    return picture(width, top + long * max(1, len(steps)) + 10, Markup("").join(parts), label)


def _name(x: float, y: float, text: str, tilted: bool) -> Markup:
    """A step's name above its place: level, or leaning where the names are too long for that."""
    if not tilted:
        return words(x, y, text, "s", "middle")
    turn = f"rotate(-40 {x:.1f} {y:.1f})"
    return tag("text", text, x=x, y=y, class_="s", text_anchor="start", transform=turn)


def cut(text: str, longest: int) -> str:
    """A text of at most so many letters; what is left out shows."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def short(count: int, room: float) -> str:
    """A number that fits into so many units: 1,234,567 or 1.2 M."""
    text = f"{count:,}"
    if len(text) * 7.5 <= room:
        return text
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return text
