"""What a page with a script is made of: packed values, the bundle and its licences."""

from __future__ import annotations

import base64
import json
import os
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markupsafe import Markup

import stages
from stages.charts.live import packed
from stages.charts.live.page import SCRIPTS, check_ours, page
from stages.curves.page.write import SCRIPTS as OWN
from stages.errors import UsageError
from stages.pages import text_of

HOME = Path(stages.__file__).resolve().parent.parent
Array = np.ndarray[Any, Any]


def unpacked(part: packed.Part) -> Any:
    """What the page's reader makes of a part."""
    content = zlib.decompress(base64.b64decode(part.text))
    if part.type == "json":
        return json.loads(content)
    return np.frombuffer(content, dtype=packed.TYPES[part.type])


def curves_of(part: packed.Part, count: int, top: float) -> Array:
    """Curves as the page has them: differences summed modulo 256, codes squared."""
    codes = unpacked(part).reshape(-1, count)
    whole = np.cumsum(codes, axis=0, dtype=np.uint8)
    values = top * (whole / packed.LEVELS) ** 2
    found: Array = np.where(whole == packed.MISSING, np.nan, values).T
    return found


def test_a_curve_comes_back_within_half_a_step_of_its_scale() -> None:
    random = np.random.default_rng(1)
    losses = random.gamma(1.5, 1.5, (300, 40)).astype(np.float32).clip(0, 16)
    losses[0, 0] = 16
    losses[7, 3:5] = np.nan, np.inf
    losses[9, 1] = -0.2  # a mean of differences may lie below nothing
    top = packed.top_of(losses)
    assert top == 16
    back = curves_of(packed.curves("c", losses, top), 300, top)
    assert np.isnan(back[7, 3:5]).all() and np.isfinite(back[7, 5:]).all()
    assert back[9, 1] == 0
    good = np.isfinite(losses) & (losses >= 0)
    step = top * (2 * np.sqrt(losses[good] / top) / packed.LEVELS + 1 / packed.LEVELS**2)
    assert (np.abs(back[good] - losses[good]) <= 0.51 * step).all()
    assert np.abs(back[good] - losses[good])[losses[good] < 0.06].max() < 0.0041


def test_steps_that_are_alike_pack_better_than_records() -> None:
    random = np.random.default_rng(2)
    losses = 3 + np.cumsum(random.normal(0, 0.02, (2000, 40)), axis=1)
    top = packed.top_of(losses)
    plain = packed.array("c", packed.codes_of(losses, top))
    assert len(packed.curves("c", losses, top).text) < 0.9 * len(plain.text)


@pytest.mark.parametrize("losses", [np.zeros((3, 2)), np.full((3, 2), np.nan), np.zeros((0, 2))])
def test_curves_of_nothing_have_a_scale(losses: Array) -> None:
    top = packed.top_of(losses)
    assert top == 1
    assert len(unpacked(packed.curves("c", losses, top))) == losses.size


def test_places_keep_their_proportions_and_fill_the_wider_axis() -> None:
    points = np.array([[0, 0], [10, 5], [5, 2.5]])
    x, y = unpacked(packed.places("p", points)).reshape(2, 3).astype(int)
    assert (x.min(), x.max()) == (0, packed.SIDE)
    assert y.max() - y.min() == pytest.approx(packed.SIDE / 2, abs=1)
    assert len(unpacked(packed.places("p", np.ones((4, 2))))) == 8


def test_texts_of_any_kind_are_data_and_no_markup() -> None:
    texts = ["</script><b>", "ä犬", "\ud83d", "\u2028\x00", "<!--"]
    part = packed.value("texts", texts)
    assert "<" not in part.text
    assert unpacked(part) == ["</script><b>", "ä犬", "?", "\u2028\x00", "<!--"]
    with pytest.raises(ValueError, match="JSON compliant"):
        packed.value("x", float("nan"))
    with pytest.raises(ValueError, match="x: int64 is none of"):
        packed.array("x", np.zeros(2, dtype=np.int64))


def test_a_page_names_and_escapes_what_it_is_given() -> None:
    made = page("<t>", Markup("<p>x</p>"), [packed.value("a", 1)], [], "mark of ours")
    assert "<title>&lt;t&gt;</title>" in made and "<p>x</p>" in made
    assert 'name="generator" content="mark of ours"' in made
    assert re.findall(r'data-packed="(\w+)" data-type="(\w+)"', made) == [("a", "json")]
    assert not re.findall(r'(?:src|href)="', made)


def test_no_script_of_the_page_ends_its_element_or_asks_the_network() -> None:
    for name in {*SCRIPTS, *OWN}:
        text = text_of(name)
        assert "</script" not in text.lower() and "<!--" not in text, name
        if not name.endswith("vendor.js"):
            assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text)
            assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|import\(", text), name


def test_the_licences_are_those_of_what_the_build_names() -> None:
    wanted = json.loads((HOME / "vendor" / "package.json").read_text())["dependencies"]
    text = text_of("stages.charts.live:licences.txt")
    told = dict(re.findall(r"^(\S+) ([\d.]+) \((?:MIT|ISC)\)", text, re.M))
    assert {name: told.get(name) for name in wanted} == wanted
    locked = json.loads((HOME / "vendor" / "package-lock.json").read_text())["packages"]
    for name, version in told.items():
        entry = locked.get(f"node_modules/{name}")
        assert (entry is None and name == "kdbush") or entry["version"] == version, name
        assert entry is None or "resolved" not in entry


def test_a_pipe_in_the_way_of_a_page_is_neither_opened_nor_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="no ordinary file"):
        check_ours(tmp_path / "pipe", "a mark")
