"""The page of curves in a real browser, from file://: what is drawn, chosen, found and opened."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.curves.findings import findings
from stages.curves.page import learning, recorded
from stages.curves.page.write import Content, written
from stages.curves.read import read_log
from tests.browser import Tab, browser, needs_browser
from tests.curves.making_recorded import HOSTILE
from tests.curves.making_recorded import recorded as make_recorded

Array = np.ndarray[Any, Any]
SHIFT = 8

pytestmark = needs_browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a training, whose text and name would run scripts if they could."""
    folder = make_recorded(tmp_path_factory.mktemp("training"))
    path, log = folder / "page.html", read_log(folder)
    content = Content(
        f"name {HOSTILE}",
        [learning.of_log(folder, log, findings(log), f"run {HOSTILE}")],
        recorded.token_curves(folder),
        recorded.colours_of_records(folder),
        recorded.histories(folder),
        way="pca",
    )
    path.write_text(written(content), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def lit(pixels: Array, colour: str, near: int = 40) -> int:
    """How many pixels have a colour, about."""
    wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    return int((np.abs(pixels.astype(int) - wanted).max(axis=-1) <= near).sum())


def settled(tab: Tab, selector: str) -> Array:
    """The pixels of an element when two pictures in a row are equal."""
    before = tab.picture(selector)
    for _ in range(40):
        time.sleep(0.05)
        now = tab.picture(selector)
        if now.shape == before.shape and (now == before).all():
            return now
        before = now
    raise AssertionError(f"{selector} does not come to rest")


def test_nothing_is_loaded_and_nothing_of_a_corpus_runs(page: Path, tab: Tab) -> None:
    tab.open(page)
    assert tab.errors == []
    assert tab.requests == [page.as_uri()]
    assert tab.run("document.documentElement.dataset.ready") == "yes"
    tab.run("seedbed.shown.explorer.choose([10])")
    # The text is there, as text, wherever it stands.
    for selector in ("h1", "#context .text", "#worst-table", "#groups"):
        assert HOSTILE[:24] in tab.text(selector), selector
    assert tab.run("document.documentElement.dataset.owned ?? 'no'") == "no"
    assert tab.run("document.querySelectorAll('#context b, #worst-table b').length") == 0


def test_the_policy_lets_no_other_script_run(page: Path, tab: Tab) -> None:
    tab.open(page)
    text = page.read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert f"&#39;sha256-{digest}&#39;" in policy and "default-src &#39;none&#39;" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2]
    tab.run(
        "(() => { const s = document.createElement('script');"
        "s.textContent = 'document.documentElement.dataset.owned = 1'; document.body.append(s);"
        "const i = document.createElement('img'); i.src = 'https://example.org/x.png';"
        "i.onerror = () => { document.documentElement.dataset.refused = 1 };"
        "document.body.append(i); })()"
    )
    tab.until("document.documentElement.dataset.refused === '1'")
    assert tab.run("document.documentElement.dataset.owned ?? 'no'") == "no"


def test_every_point_is_drawn_in_the_colour_of_its_group(page: Path, tab: Tab) -> None:
    tab.open(page)
    tab.run(
        "(() => { const s = document.querySelector('#explorer-controls select');"
        "s.value = [...s.options].findIndex((o) => o.text === 'side');"
        "s.dispatchEvent(new Event('change')); })()"
    )
    tab.until("document.querySelector('#groups').textContent.includes('training')")
    pixels = settled(tab, "#scatter canvas")
    train, val, none = (lit(pixels, colour) for colour in ("#2f7d4f", "#d98a1f", "#7b4fa3"))
    assert train > 200 and val > 100 and train > val, (train, val)
    assert none == 0


def test_a_lasso_by_mouse_chooses_what_lies_in_it_and_draws_its_mean(page: Path, tab: Tab) -> None:
    tab.open(page)
    before = settled(tab, "#token-chart")
    tab.run("document.querySelector('#scatter').scrollIntoView({block: 'center'})")
    x, y, width, height = tab.run(
        "(() => { const b = document.querySelector('#scatter canvas').getBoundingClientRect();"
        "return [b.x, b.y, b.width, b.height]; })()"
    )
    # The left half: what lies there is known from the places.
    corners = [(0.02, 0.02), (0.5, 0.02), (0.5, 0.98), (0.02, 0.98), (0.02, 0.05)]
    path = [(x + width * u, y + height * v) for u, v in corners]
    tab.mouse("moved", *path[0], modifiers=SHIFT)
    tab.mouse("pressed", *path[0], modifiers=SHIFT)
    for (ax, ay), (bx, by) in pairwise(path):
        for part in range(1, 7):
            tab.mouse(
                "moved", ax + (bx - ax) * part / 6, ay + (by - ay) * part / 6, modifiers=SHIFT
            )
    tab.mouse("released", *path[-1], modifiers=SHIFT)
    tab.until("seedbed.shown.explorer.state.chosen.length > 1")
    chosen = set(tab.run("Array.from(seedbed.shown.explorer.state.chosen)"))
    places = tab.run("Array.from(seedbed.shown.explorer.data.points.x)")
    left = {index for index, place in enumerate(places) if place < -0.05}
    right = {index for index, place in enumerate(places) if place > 0.05}
    assert left and left <= chosen and not chosen & right
    assert f"{len(chosen)} tokens are chosen" in tab.text("#context")
    after = settled(tab, "#token-chart")
    assert lit(after, "#2b6cb0") > lit(before, "#2b6cb0") + 50  # the mean of what is chosen
    told = tab.run("seedbed.shown.explorer.chart.chart.data[2].filter((v) => v !== undefined)")
    curves = np.load(page.parent / "recorded" / "probe.npy").astype(float)
    assert np.isnan(curves[:, sorted(chosen)]).any()
    wanted = np.nanmean(curves[:, sorted(chosen)], axis=1)
    assert told == pytest.approx(wanted, abs=0.03)


def test_a_click_on_a_point_opens_its_token_its_curve_and_its_record(page: Path, tab: Tab) -> None:
    tab.open(page)
    tab.run("document.querySelector('#scatter').scrollIntoView({block: 'center'})")
    # The point that lies farthest to the right stands alone.
    index, x, y = tab.run(
        "(() => { const e = seedbed.shown.explorer, p = e.data.points.x;"
        "const i = p.indexOf(Math.max(...p)), [x, y] = e.scatter.plot.getScreenPosition(i);"
        "const b = document.querySelector('#scatter canvas').getBoundingClientRect();"
        "return [i, b.x + x, b.y + y]; })()"
    )
    tab.mouse("moved", x - 3, y)
    tab.mouse("moved", x, y)
    tab.mouse("pressed", x, y)
    tab.mouse("released", x, y)
    tab.until("seedbed.shown.explorer.state.one !== null")
    assert tab.run("seedbed.shown.explorer.state.one") == index
    assert lit(settled(tab, "#context"), "#ffd76b") > 20  # the token in its text
    assert lit(settled(tab, "#token-chart"), "#c0392b") > 50
    told = tab.run(f"seedbed.shown.explorer.data.curves.one({index})")
    wanted = np.load(page.parent / "recorded" / "probe.npy").astype(float)[:, index]
    assert told == pytest.approx(wanted, abs=0.03)
    tab.click("#context button")
    tab.until("!document.querySelector('#history').hidden")
    row = tab.run(f"seedbed.shown.explorer.data.record[{index}]")
    assert f"{row:032x}" in tab.text("#history .facts")
    assert (
        lit(settled(tab, "#history .chart"), "#2f7d4f")
        + lit(settled(tab, "#history .chart"), "#2b6cb0")
        > 50
    )


def test_a_search_finds_tokens_and_else_the_texts(page: Path, tab: Tab) -> None:
    tab.open(page)
    for words, title, wanted in (
        ("CAT", "tokens with “CAT”", [" cat"] * 16),
        ("cat's e", "texts with “cat's e”", [" cat", "'", "s", " ear"]),
        ("nowhere", "", []),
    ):
        tab.run(
            f"(() => {{ document.querySelector('input[type=search]').value = {words!r};"
            "document.querySelector('#explorer-controls form').requestSubmit(); })()"
        )
        told = tab.run(
            "(() => { const { data, state } = seedbed.shown.explorer;"
            "return Array.from(state.chosen, (i) => data.texts[data.token[i]]); })()"
        )
        assert title in tab.text("#context")
        assert told == wanted if len(wanted) == 16 else set(told) == set(wanted), words


def test_learning_curves_show_all_sides_step_0_and_groups(page: Path, tab: Tab) -> None:
    tab.open(page)
    pixels = settled(tab, "#learning-chart")
    for colour in ("#2f7d4f", "#2b6cb0", "#b87010"):  # training, validation, retention
        assert lit(pixels, colour) > 150, colour
    scale = "seedbed.shown.learning.chart.chart"
    assert tab.run(f"{scale}.scales.x.min") == 0
    tab.run("document.querySelector('#learning-controls input').click()")
    # On the logarithmic axis the first doubling is as wide as what lies before step 1.
    assert tab.run(f"{scale}.scales.x.min") == -1
    assert tab.run(f"{scale}.data[0][0]") == -1 and tab.run(f"{scale}.data[0][1]") == 0
    labels = tab.run("seedbed.shown.learning.chart.chart.series.map((s) => s.label)")
    assert labels[1:] == [
        "training", "validation", "probe, training side", "probe, validation side", "retention",
    ]  # fmt: skip
    tab.run(
        "(() => { const s = [...document.querySelectorAll('#learning-controls select')].at(-1);"
        "s.value = 'source'; s.dispatchEvent(new Event('change')); })()"
    )
    labels = tab.run("seedbed.shown.learning.chart.chart.series.map((s) => s.label)")
    assert {"site (training)", "site (validation)", "forum (validation)"} <= set(labels)


def test_figures_and_axes_that_were_recorded_can_be_chosen(page: Path, tab: Tab) -> None:
    tab.open(page)
    told = tab.run(
        "[...document.querySelectorAll('#learning-controls select')]"
        ".map((s) => [...s.options].map((o) => o.value))"
    )
    figures = ["loss", "excess", "bits_per_byte", "accuracy", "confidence", "entropy", "lr"]
    assert told[0] == [*figures, "grad_norm"]
    assert told[1] == ["step", "seen", "trained", "epoch"]
    for name, value, last in ((0, "accuracy", 40), (1, "seen", 40 * 130), (1, "epoch", 2)):
        tab.run(
            f"(() => {{ const s = document.querySelectorAll('#learning-controls select')[{name}];"
            f"s.value = '{value}'; s.dispatchEvent(new Event('change')); }})()"
        )
        assert tab.run("seedbed.shown.learning.chart.chart.data[0].at(-1)") == last


def test_a_line_of_the_worst_records_opens_its_history(page: Path, tab: Tab) -> None:
    tab.open(page)
    rows = tab.run("document.querySelectorAll('#worst-table tbody tr').length")
    assert rows == 5
    tab.click("#worst-table tbody tr:nth-child(2)")
    assert not tab.run("document.querySelector('#history').hidden")
    assert f"{10:032x}" in tab.text("#history .facts")
    told = tab.run("document.querySelector('#history .text').textContent")
    assert HOSTILE in told


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)])
def test_light_and_dark_wide_and_narrow(width: int, dark: bool, page: Path, tab: Tab) -> None:
    tab.open(page, width, 900, dark)
    assert tab.errors == []
    assert tab.run("document.documentElement.scrollWidth") <= width
    corner = tab.picture("h1")[0, 0]
    assert corner.max() < 60 if dark else corner.min() > 200
    pixels = settled(tab, "#learning-chart")
    assert lit(pixels, "#5fbf86" if dark else "#2f7d4f") > 100
    assert lit(settled(tab, "#scatter canvas"), "#5fbf86" if dark else "#2f7d4f") > 30


def test_without_webgl_the_page_says_so_and_shows_all_else(page: Path, tab: Tab) -> None:
    taken_away = (
        "(() => { const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "return kind.startsWith('webgl') ? null : get.call(this, kind, ...rest); }; })()"
    )
    tab.open(page)
    with tab.before(taken_away):
        tab.open(page)
    assert tab.run("document.documentElement.dataset.ready") == "yes"
    assert "need WebGL" in tab.text("#scatter")
    tab.run("seedbed.shown.explorer.search('cat')")
    assert "16 tokens are chosen" in tab.text("#context")
