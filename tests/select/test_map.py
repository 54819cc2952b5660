"""The map: what a run made of each record, and the page of it in a real browser, from file://."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.cli import command
from stages.corpus import write_corpus
from stages.errors import UsageError
from stages.records import REJECTS
from stages.select.map import about
from stages.select.map.read import KEPT, Records, read
from stages.select.map.write import written
from stages.select.select import KMeansSelect
from tests.browser import Tab, browser, needs_browser

Array = np.ndarray[Any, Any]
SHIFT = 8
HOSTILE = "<b>bold</b></script><script>document.documentElement.dataset.owned = 1</script>"
TOPICS = ("peas want sticks", "glass breaks in frost", "boats need caulking")


def records(count: int = 240) -> Records:
    """Three topics, far apart; the last tenth of each dropped, half with a loss."""
    rng = np.random.default_rng(2)
    topic = np.arange(count) % 3
    centres = rng.normal(size=(3, 16)) * 4
    vectors = (centres[topic] + rng.normal(size=(count, 16))).astype(np.float16)
    gone = np.arange(count) >= count * 9 // 10
    losses = np.where(np.arange(count) % 2, topic + 0.5, np.nan)
    return Records(
        f"run {HOSTILE}",
        [f"{n:032x}" for n in range(count)],
        [("site", f"forum {HOSTILE}")[n % 2] for n in range(count)],
        [
            f"{TOPICS[topic[n]]} number{n} the common words {HOSTILE if n == 7 else ''}"
            for n in range(count)
        ],
        vectors,
        ["select: not_selected" if one else KEPT for one in gone],
        {n: f"nearest {HOSTILE}" for n in range(count) if gone[n]},
        topic.astype(np.int64),
        losses,
    )


# --- what it is made of ---


def folder_of_a_run(tmp_path: Path) -> Path:
    """The folders of a run that embedded six records and kept four of them."""
    rows = [{"id": f"{n:032x}", "source": "s", "text": text} for n, text in enumerate("abcdef")]
    rows += [{"id": "f" * 32, "source": "s", "meta": "{}"}]
    vectors: list[Any] = [[float(n), 1.0] for n in range(6)]
    table = pa.table(
        {
            "id": [row["id"] for row in rows],
            "source": ["s"] * 7,
            "text": [row.get("text") for row in rows],
            "vector": pa.array([*vectors, None], pa.list_(pa.float16(), 2)),
        }
    )
    none = REJECTS.empty_table()
    steps = tmp_path / "r" / "steps"
    write_corpus(steps / "01-embed", "records", [(table, none)], {})
    left = pa.Table.from_pylist(
        [
            {
                "id": row["id"], "source": "s", "place": "", "stage": "select", "failed": False,
                "reason": "not_selected", "text": "",
                "evidence": json.dumps({"cluster": 1, "nearest": rows[0]["id"], "score": 0.5}),
            }
            for row in rows[4:6]
        ],
        schema=REJECTS,
    )  # fmt: skip
    kept = table.slice(0, 4).drop_columns(["vector"])
    kept = kept.append_column("cluster", pa.array([0, 0, 1, 1], pa.int32()))
    write_corpus(steps / "02-select", "records", [(kept, left)], {})
    (steps / "03-train").mkdir()
    (steps / "03-train" / "manifest.json").write_text("{}")
    return tmp_path / "r"


def test_a_run_is_read_with_what_became_of_each_record(tmp_path: Path) -> None:
    found = read(folder_of_a_run(tmp_path))
    assert found.texts == [*"abcdef"] and found.vectors.shape == (6, 2)
    assert found.fates == [KEPT] * 4 + ["select: not_selected"] * 2
    assert found.clusters.tolist() == [0, 0, 1, 1, 1, 1]
    assert sorted(found.left) == [4, 5] and "score 0.5" in found.left[4]
    assert found.notes == ["1 records have no vector and are not on the map."]


def test_without_vectors_it_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a run's folder nor a corpus"):
        read(tmp_path)
    table = pa.table({"id": ["a"], "text": ["peas"]})
    write_corpus(tmp_path / "c", "records", [(table, REJECTS.empty_table())], {})
    with pytest.raises(UsageError, match="step embed"):
        read(tmp_path / "c")


def test_the_tool_writes_the_page_beside_the_run_and_over_no_file_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = folder_of_a_run(tmp_path)
    page = tmp_path / "m.html"
    for _ in range(2):
        assert command(["map", str(run), "-o", str(page), "--projection", "pca"]) == 0
    page.write_text("mine")
    assert command(["map", str(run), "-o", str(page)]) == 2
    assert "file of yours" in capsys.readouterr().err and page.read_text() == "mine"


def test_a_cluster_is_named_by_its_own_words_and_shown_by_its_middle() -> None:
    given = records()
    names = about.terms(given.texts, given.clusters, 3)
    for name, topic in zip(names, TOPICS, strict=True):
        assert set(topic.split()) - {"in"} <= set(name.split(", "))
    for cluster, rows in enumerate(about.nearest(given.vectors, given.clusters, 3)):
        mine = np.flatnonzero(given.clusters == cluster)
        x = given.vectors.astype(np.float32)
        far = ((x[mine] - x[mine].mean(axis=0)) ** 2).sum(axis=1)
        assert rows[0] == mine[far.argmin()] and len(rows) == 3


def test_the_order_begins_with_every_topic_and_ends_with_copies() -> None:
    given = records()
    place = about.order(about.components(given.vectors, 8))
    assert sorted(place.tolist()) == list(range(240))
    assert set(given.clusters[np.argsort(place)[:4]].tolist()) == {0, 1, 2}
    given.vectors[200:] = given.vectors[:40]
    place = about.order(about.components(given.vectors, 8))
    last = set(np.argsort(place)[200:].tolist())
    assert all(n in last or n + 200 in last for n in range(40))


def test_the_same_records_give_the_same_bytes() -> None:
    assert written(records(60), "pca") == written(records(60), "pca")


# --- the page ---


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    page = tmp_path_factory.mktemp("map") / "map.html"
    page.write_text(written(records(), "pca"), encoding="utf-8")
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.open(page)
        assert opened.requests == [page.as_uri()]
        yield opened


def lit(pixels: Array, colour: str, near: int = 40) -> int:
    wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    return int((np.abs(pixels.astype(int) - wanted).max(axis=-1) <= near).sum())


def settled(tab: Tab) -> Array:
    """The pixels of the points when two pictures in a row are equal."""
    before = tab.picture("#scatter canvas")
    for _ in range(40):
        time.sleep(0.05)
        now = tab.picture("#scatter canvas")
        if now.shape == before.shape and (now == before).all():
            return now
        before = now
    raise AssertionError("the points do not come to rest")


def colour_by(tab: Tab, title: str) -> None:
    tab.run(
        "(() => { const s = document.querySelector('#controls select');"
        f"s.value = [...s.options].findIndex((o) => o.text === {title!r});"
        "s.dispatchEvent(new Event('change')); })()"
    )


@needs_browser
def test_no_text_of_the_corpus_is_more_than_text(tab: Tab) -> None:
    tab.run("seedbed.shown.choose([7])")
    assert tab.errors == [] and tab.run("document.documentElement.dataset.ready") == "yes"
    for selector in ("h1", "#chosen .text", "#about"):
        assert (HOSTILE in tab.text(selector)) == (selector != "#about"), selector
    assert tab.run("document.documentElement.dataset.owned ?? 'no'") == "no"
    assert tab.run("document.querySelectorAll('main b').length") == 0


@needs_browser
def test_points_have_the_colours_of_clusters_fates_and_of_a_smaller_keep(tab: Tab) -> None:
    tab.run("seedbed.shown.choose([])")
    colour_by(tab, "cluster")
    pixels = settled(tab)
    each = [lit(pixels, colour) for colour in ("#2f7d4f", "#d98a1f", "#2b6cb0")]
    assert min(each) > 100, each
    colour_by(tab, "kept or dropped")
    pixels = settled(tab)
    kept, dropped = lit(pixels, "#2f7d4f"), lit(pixels, "#c0392b")
    assert kept > 4 * dropped > 50, (kept, dropped)
    tab.run(
        "(() => { const s = document.querySelector('input[type=range]'); s.value = 24;"
        "s.dispatchEvent(new Event('input')); })()"
    )
    assert "24 would stay, 216 would go" in tab.text("#legend")
    pixels = settled(tab)
    assert 0 < lit(pixels, "#2f7d4f") < kept / 4


@needs_browser
def test_a_lasso_chooses_a_search_finds_and_a_pan_moves(tab: Tab) -> None:
    colour_by(tab, "cluster")
    x, y, width, height = tab.run(
        "(() => { const e = document.querySelector('#scatter canvas');"
        "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
        "return [b.x, b.y, b.width, b.height]; })()"
    )
    corners = [(0.02, 0.02), (0.5, 0.02), (0.5, 0.98), (0.02, 0.98), (0.02, 0.05)]
    path = [(x + width * u, y + height * v) for u, v in corners]
    tab.mouse("moved", *path[0], modifiers=SHIFT)
    tab.mouse("pressed", *path[0], modifiers=SHIFT)
    for (ax, ay), (bx, by) in pairwise(path):
        for part in range(1, 7):
            at = part / 6
            tab.mouse("moved", ax + (bx - ax) * at, ay + (by - ay) * at, modifiers=SHIFT)
    tab.mouse("released", *path[-1], modifiers=SHIFT)
    tab.until("seedbed.shown.state.chosen.length > 1")
    chosen = set(tab.run("Array.from(seedbed.shown.state.chosen)"))
    places = tab.run("Array.from(seedbed.shown.data.points.x)")
    left = {index for index, place in enumerate(places) if place < -0.05}
    assert left and left <= chosen and not chosen & {n for n, p in enumerate(places) if p > 0.05}
    assert tab.text("#chosen dd").startswith(str(len(chosen)))

    for words, many in (("CAULKING", 80), ("number11 ", 1), ("nowhere", 0)):
        tab.run(
            f"(() => {{ document.querySelector('input[type=search]').value = {words!r};"
            "document.querySelector('#controls form').requestSubmit(); })()"
        )
        assert tab.run("seedbed.shown.state.chosen.length") == many, words
    assert "No text on the map" in tab.text("#chosen")

    before = settled(tab)
    tab.mouse("moved", x + width / 2, y + height / 2)
    tab.mouse("pressed", x + width / 2, y + height / 2)
    for step in range(1, 6):
        tab.mouse("moved", x + width / 2 + 12 * step, y + height / 2)
    tab.mouse("released", x + width / 2 + 60, y + height / 2)
    assert (settled(tab) != before).any()


@needs_browser
def test_a_record_tells_why_it_left_and_the_table_its_cluster(tab: Tab) -> None:
    tab.run("seedbed.shown.choose([239])")
    told = tab.text("#chosen dl")
    assert "select: not_selected" in told and "nearest " in told and f"{239:032x}" in told
    tab.click("#clusters tbody tr")
    assert tab.run("seedbed.shown.state.chosen.length") == 80
    assert "mean loss" in tab.text("#chosen dl")
    tab.size(390, 900)
    assert tab.run("document.documentElement.scrollWidth") == 390
    tab.size(1280, 900)


def test_the_stage_that_selects_says_the_cluster_of_what_leaves() -> None:
    rejects: list[dict[str, Any]] = []
    rows = [{"id": str(n), "vector": [float(n), 1.0, 0.0]} for n in range(8)]
    KMeansSelect(keep=2, k=2)(rows, rejects)
    assert all("cluster" in json.loads(row["evidence"]) for row in rejects) and len(rejects) == 6
